"""The identity encoder ``dlib``: alignment as dlib's own, and the distance convention."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from gath_estimators.identity.dlib import L2_SCALE, SIZE, TEMPLATE, DlibEncoder

from gath_bench import Unavailable
from gath_bench.contracts import NO_WEIGHTS, IdentityEncoder


@pytest.fixture
def encoder() -> DlibEncoder:
    pytest.importorskip("dlib")
    made = DlibEncoder()
    if made.path is None:
        pytest.skip("face-recognition-models is not installed")
    return made


def test_the_template_is_where_dlib_puts_eyes_and_nose() -> None:
    """dlib cuts the chip of a face whose points lie as in the template, 10 times larger: it is the whole square."""
    dlib = pytest.importorskip("dlib")
    scale, half_eye = 10, 10.7
    points: list[Any] = []
    for name, offsets in (("right_eye", (half_eye, -half_eye)), ("left_eye", (-half_eye, half_eye))):
        x, y = TEMPLATE.points[name]
        points += [dlib.point(round((x + offset) * scale), round(y * scale)) for offset in offsets]
    points.append(dlib.point(*(round(v * scale) for v in TEMPLATE.points["nose_base"])))
    side = SIZE * scale
    face = dlib.full_object_detection(dlib.rectangle(0, 0, side, side), points)
    chip = dlib.get_face_chip_details(face, SIZE, 0.25)
    corners = (chip.rect.left(), chip.rect.top(), chip.rect.right(), chip.rect.bottom())
    assert corners == pytest.approx((0, 0, side, side), abs=0.01 * side)
    assert chip.angle == pytest.approx(0, abs=0.01)


def test_descriptors_are_compared_by_distance(encoder: DlibEncoder) -> None:
    assert isinstance(encoder, IdentityEncoder)
    assert encoder.info.calibration == {"l2_scale": L2_SCALE}
    assert encoder.info.domains == {"photo"}
    from skimage import data

    image = torch.from_numpy(data.astronaut()[:200, 120:320].copy()).permute(2, 0, 1)[None].float() / 255
    values = encoder(torch.cat([image, image.flip(2)])).values
    assert isinstance(values, torch.Tensor)
    assert values.shape == (2, 128)
    alone = encoder(image).values
    assert isinstance(alone, torch.Tensor)
    assert torch.equal(alone[0], values[0])
    assert (values[0] - values[1]).norm() > 0.3


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dlib")
    monkeypatch.setattr("gath_estimators.identity.dlib.model_file", lambda name: None)
    assert DlibEncoder().info.fingerprint == NO_WEIGHTS
    with pytest.raises(Unavailable, match=r"gath-bench\[photo\]"):
        DlibEncoder()(torch.rand(1, 3, SIZE, SIZE))
