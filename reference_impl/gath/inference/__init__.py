"""Trained generators: as models of the benchmark, and as ONNX graphs."""
