"""Videos of talking faces: every frame a target, the first frame of a clip the source portrait."""
