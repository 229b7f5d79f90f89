"""Data sets of 3D face models: meshes with identity and expression shapes, and a rasteriser that renders them."""
