"""Bundled evaluators for the domain ``synthetic``, and their training."""
