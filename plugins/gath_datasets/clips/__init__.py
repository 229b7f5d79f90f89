"""Shared parts of the data sets of clips: frames in videos, folders or archives, with AUs; samples and streams."""
