"""Baseline models, and ``precomputed`` for the output images of other systems."""
