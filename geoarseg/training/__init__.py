"""Training: views, the loop, the numbering of clusters."""
