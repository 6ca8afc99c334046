"""Synthetic scenes: described by a seed, drawn as images, and asked about."""
