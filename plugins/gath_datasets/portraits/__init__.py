"""Real portraits: the user's own files, or the one that ships with scikit-image."""
