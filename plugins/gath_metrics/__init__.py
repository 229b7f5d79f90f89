"""The built-in metrics, one module per metric. ``plugin.py`` registers them; modules are imported on first use."""
