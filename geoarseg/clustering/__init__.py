"""Clustering of feature vectors: plain arrays in, plain arrays out."""
