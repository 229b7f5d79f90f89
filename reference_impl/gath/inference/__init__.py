"""Trained generators: as models of the benchmark, as ONNX graphs, and as image sheets."""
