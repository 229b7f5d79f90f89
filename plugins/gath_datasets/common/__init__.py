"""Shared parts of the data sets with a published layout: tree, labels, splits, index of images, samples, streams."""
