"""Animates photos of any size: finds the face, drives a model with AUs, and puts the result back into the photo.

- `model`: a model with the face detector and the estimator that belong to it.
- `motion`: which AUs are asked for, frame by frame: an expression, a CSV, a recording, a driving video, a sweep.
- `portrait`: one photo with its faces; applies the model's result at the photo's own resolution.
- `api`: ``gath_bench.animate``.
"""
