"""Data sets of still images, as their owners publish them."""
