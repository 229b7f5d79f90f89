"""Face detectors: the bundled one, which is trained on procedural faces alone, and adapters for MediaPipe and dlib."""
