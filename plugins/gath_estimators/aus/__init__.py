"""AU estimators for photos: adapters for MediaPipe, OpenFace and tables of other tools."""
