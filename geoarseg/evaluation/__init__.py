"""Scores of maps against labels, and the baselines to compare with."""
