"""The network, its orderings, its loss and its files; torch, and no raster library."""
