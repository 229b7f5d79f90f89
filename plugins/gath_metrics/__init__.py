"""The built-in metrics, one a file. ``plugin.py`` registers them; everything else is loaded on first use."""
