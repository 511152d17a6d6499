"""Rasters: windows, scenes, statistics, sampling, legends, and Cloud Optimized GeoTIFFs."""
