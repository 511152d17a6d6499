"""Class rasters to polygon layers."""
