"""Inference: a model file as a predictor, and rasters window by window."""
