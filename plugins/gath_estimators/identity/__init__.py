"""Identity encoders for photos: ONNX files of the user's, and dlib."""
