"""Built-in data sets: procedural portraits with exact truth, and real portraits."""
