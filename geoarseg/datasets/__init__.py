"""Scenes with known labels."""
