"""Properties of rendered portraits."""

from __future__ import annotations

import pytest
import torch
from gath_datasets.synthfaces import AU_LABELS
from gath_datasets.synthfaces.geometry import Framing
from gath_datasets.synthfaces.render import Rendered, render
from gath_datasets.synthfaces.scene import Scenes, draw_scenes
from gath_datasets.synthfaces.splits import subject_seeds
from gath_datasets.synthfaces.subject import Subjects, draw_subjects
from synthfaces import judge
from synthfaces.conftest import COUNT


@pytest.fixture(scope="module")
def drawn(batch: tuple[Subjects, Scenes, torch.Tensor]) -> Rendered:
    return render(*batch, 96)


def test_shapes_and_ranges(drawn: Rendered) -> None:
    assert drawn.image.shape == (COUNT, 3, 96, 96)
    assert drawn.image.dtype == torch.float32
    for field in (drawn.image, drawn.face_mask, drawn.eye_mask, drawn.mouth_mask):
        assert torch.isfinite(field).all()
        assert field.min() >= 0
        assert field.max() <= 1 + 1e-6
    assert drawn.landmarks.shape == (COUNT, 68, 2)


def test_pixels_do_not_depend_on_the_batch(
    batch: tuple[Subjects, Scenes, torch.Tensor], drawn: Rendered
) -> None:
    people, scenes, aus = batch
    for i in (0, 5, 11):
        one = render(people.select(slice(i, i + 1)), scenes.select(slice(i, i + 1)), aus[i : i + 1], 96)
        assert torch.equal(one.image[0], drawn.image[i])
        assert torch.equal(one.landmarks[0], drawn.landmarks[i])
    back = torch.arange(COUNT - 1, -1, -1)
    assert torch.equal(
        render(people.select(back), scenes.select(back), aus[back], 96).image, drawn.image[back]
    )


def test_masks_and_landmarks_agree(batch: tuple[Subjects, Scenes, torch.Tensor]) -> None:
    people, scenes, _ = batch
    rendered = render(people, scenes.with_values(yaw=0.0, pitch=0.0, roll=0.0), torch.zeros(COUNT, 17), 128)
    grid = torch.stack(torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="xy"), -1)

    def centre(mask: torch.Tensor) -> torch.Tensor:
        return (mask[:, 0, :, :, None] * grid).sum((1, 2)) / mask.sum((1, 2, 3))[:, None]

    assert (centre(rendered.eye_mask) - rendered.landmarks[:, 36:48].mean(1)).norm(dim=-1).max() < 4
    assert (centre(rendered.mouth_mask) - rendered.landmarks[:, 48:60].mean(1)).norm(dim=-1).max() < 4
    inner = rendered.landmarks[:, 27:].round().long().clamp(0, 127)
    hits = torch.stack([rendered.face_mask[i, 0, p[:, 1], p[:, 0]] for i, p in enumerate(inner)])
    assert (hits > 0.5).float().mean() > 0.9


def test_the_face_fills_three_quarters_of_the_height() -> None:
    people = draw_subjects(subject_seeds("val", 9, torch.arange(64)))
    scenes = draw_scenes(people.seeds).with_values(yaw=0.0, pitch=0.0, roll=0.0)
    points = render(people, scenes, torch.zeros(64, 17), 64).landmarks / 64
    hairline = points[:, 19, 1] - 0.20  # the brow, and a forehead above it
    assert 0.68 < (points[:, 8, 1] - hairline).mean() < 0.85
    wide = render(
        people.select(slice(0, 4)),
        scenes.select(slice(0, 4)),
        torch.zeros(4, 17),
        64,
        framing=Framing(2.1, 0.15),
    )
    assert (wide.landmarks[:, 8, 1] / 64 < points[:4, 8, 1]).all()


@pytest.mark.parametrize("au", AU_LABELS)
def test_every_au_moves_pixels_in_proportion(au: str) -> None:
    people = draw_subjects(subject_seeds("val", 10, torch.arange(2)))
    scenes = draw_scenes(people.seeds).with_values(yaw=0.0, pitch=0.0, roll=0.0)
    steps = []
    for value in (0.0, 0.5, 1.0):
        aus = torch.zeros(2, 17)
        aus[:, AU_LABELS.index(au)] = value
        steps.append(render(people, scenes, aus, 96).image)
    half, full = (steps[1] - steps[0]).abs().mean(), (steps[2] - steps[0]).abs().mean()
    assert full > 5e-4
    assert 0.25 < half / full < 0.80


def test_aus_can_be_given_per_side(batch: tuple[Subjects, Scenes, torch.Tensor]) -> None:
    people, scenes, _ = batch
    aus = torch.zeros(COUNT, 2, 17)
    aus[:, 1, AU_LABELS.index("AU45")] = 1
    scenes = scenes.with_values(yaw=0.0, pitch=0.0, roll=0.0, shift_x=0.0)
    winked = render(people, scenes, aus, 96).eye_mask
    assert (winked[..., 48:].sum((1, 2, 3)) < 0.2 * winked[..., :48].sum((1, 2, 3))).all()


@pytest.mark.parametrize("size", [32, 1024])
def test_sizes_outside_the_range_are_refused(size: int, batch: tuple[Subjects, Scenes, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="size"):
        render(*batch, size)


def test_wrong_shapes_are_refused(batch: tuple[Subjects, Scenes, torch.Tensor]) -> None:
    people, scenes, aus = batch
    with pytest.raises(ValueError, match="17"):
        render(people, scenes, aus[:, :5], 64)


@pytest.mark.slow
def test_compiled_is_within_its_stated_parity() -> None:
    assert judge.compiled(batch=12, size=64, repeats=1)["largest difference"] <= 1e-4
