"""Built-in data sets: procedural portraits with exact AU labels, and real portraits."""
