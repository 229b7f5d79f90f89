"""Nostrils and the crease around the wings of the nose."""

from __future__ import annotations

from gath_datasets.synthfaces.canvas import Canvas, window
from gath_datasets.synthfaces.maths import bell, col, ramp

BOX = (-0.150, 0.150, 0.150, 0.340)


def render_nose(canvas: Canvas) -> None:
    """Render nostrils and wing creases, after the shading. AU09 and AU10 raise and widen them."""
    face, s = canvas.face, canvas.face.subject
    box = window(canvas.grid, *BOX)
    right = ramp(box.x, -0.03, 0.03)
    wing = col(face.nose_width[:, 0]) + (col(face.nose_width[:, 1]) - col(face.nose_width[:, 0])) * right
    x, base = box.x.abs(), col(face.nose_y)
    size = col(s["nostril"])
    hole = bell(x, 0.50 * wing, 0.0235 * size) * bell(
        box.y + 0.30 * (x - 0.5 * wing), base - 0.006, 0.0105 * size
    )
    colour = box.of(canvas.colour)
    dark = 0.86 * ramp(hole, 0.22, 0.85)
    # Wing: an arc from beside the tip to the base.
    up = (box.y - (base - 0.026)) / 0.036
    arc = wing * 1.02 - 0.012 * up * up
    crease = bell(x, arc, 0.0075) * ramp(up, -1.15, -0.4) * ramp(up, 1.0, 0.5)
    colour *= (1 - 0.26 * crease)[:, None]
    for i, depth in enumerate((0.86, 1.0, 1.0)):
        colour[:, i] *= 1 - depth * dark
