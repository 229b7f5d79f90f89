"""The Python API: evaluate models, open runs, load components. The command line is made of these functions."""
