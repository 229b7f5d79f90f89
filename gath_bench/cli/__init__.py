"""Thin click commands over the public API."""
