"""Real portraits: the user's own files, or the portrait that ships with scikit-image."""
