"""Glasses, rendered on the canonical surface so that they rotate with the head."""

from __future__ import annotations

from gath_datasets.synthfaces.canvas import Canvas, window
from gath_datasets.synthfaces.geometry import power
from gath_datasets.synthfaces.maths import bell, col, over, ramp, rgb, step

BOX = (-0.640, 0.640, -0.150, 0.170)
#: y of the centres of the lenses, below the eye line.
LENS_Y = 0.018


def render_glasses(canvas: Canvas) -> None:
    """Render rims, bridge, temples, a faint reflection and the shadow of the rims, for subjects with glasses."""
    s = canvas.face.subject
    if not bool((s["glasses"] > 0).any()):
        return
    box = window(canvas.grid, *BOX)
    worn = col((s["glasses"] > 0).float())
    x, y = box.x.abs(), box.y - LENS_Y
    p, lw, lh = col(s["lens_power"]), col(s["lens_width"]), col(s["lens_height"])
    centre = col(s["eye_x"]) + 0.010
    inner = centre - lw
    f = power(power(((x - centre) / lw).abs(), p) + power((y / lh).abs(), p), 1 / p)
    off = (f - 1) * lh
    half = col(s["rim"]) * 0.5
    soft = 0.6 * canvas.grid.dy
    full = col((s["rim_low"] > 0).float() + (s["glasses"] == 1).float()).clamp(max=1)
    rim = step(half - off.abs(), soft) * (full + (1 - full) * ramp(y, 0.045, -0.01))
    bridge_y = -0.030 + 0.5 * (x / inner.clamp(min=0.02)) ** 2 * 0.020
    bridge = step(half * 0.9 - (y - bridge_y).abs(), soft) * step(inner + half - x, soft)
    temple = step(half * 0.9 - (y + 0.034).abs(), soft) * step(x - centre - lw * 0.97, soft)
    frame = rim.maximum(bridge).maximum(temple) * worn
    shadow = step(half * 1.5 - (off - 0.020).abs(), 2 * soft + 0.006) * ramp(y, -0.03, 0.05)
    lens = step(-off, soft) * worn
    colour, light = box.of(canvas.colour), box.of(canvas.light)
    colour *= (1 - 0.14 * shadow * worn * (1 - lens) - 0.04 * lens)[:, None]
    glare = bell(box.x * 0.8 + y, 0.10, 0.030) * 0.05 * lens
    colour += glare[:, None]
    over(colour, rgb(s["rim_colour"] ** 2) * (0.25 + 0.9 * light)[:, None], (0.95 * frame)[:, None])
