"""Texts of the page: NA with its reason, and no markup from outside."""

from __future__ import annotations

from pathlib import Path

from animation.conftest import noise
from report.chromium import Elements

from gath_bench.au import SPACES, by_region
from gath_bench.demo import content
from gath_bench.demo.examples import Photo
from gath_bench.demo.handlers import AUReading, Graded, Handlers
from gath_bench.demo.sliders import SPACE

HOSTILE = "<script>alert(1)</script>"


def graded(reason: str = "not validated on photos") -> Graded:
    values = {label: AUReading(label, 0.5, None, reason) for label in SPACE.labels}
    values["AU12"] = AUReading("AU12", 0.8, 0.63)
    return Graded(tuple(values.values()), "synthfaces@1#0ab1", contaminated=True)


def test_the_table_shows_asked_and_read_and_the_reason_of_na() -> None:
    text = Elements(content.readings_table(graded())).text
    assert "Lip Corner Puller0.800.63" in text
    assert "Blink0.50NA" in text
    assert "NA (16 of 17 AUs): not validated on photos." in text
    assert "was trained against this grader" in text


def test_texts_from_outside_are_escaped(handlers: Handlers) -> None:
    session = handlers.open(Photo(HOSTILE, noise()), "toy-warp")
    picture = handlers.show(session, {"AU12": 0.8})
    pages = [
        content.readings_table(graded(HOSTILE)),
        content.message([HOSTILE], "error"),
        content.facts(session, picture),
    ]
    for page in pages:
        assert "script" not in [tag for tag, _ in Elements(page).tags]
        assert "<script>" in Elements(page).text.lower()
    assert "<" not in picture.path.name


def test_the_command_of_a_photo_is_shown(handlers: Handlers, tmp_path: Path) -> None:
    noise().save(tmp_path / "my photo.png")
    session = handlers.open(Photo("my photo.png", tmp_path / "my photo.png"), "toy-warp")
    text = Elements(content.facts(session, handlers.show(session, {"AU12": 0.8}))).text
    assert "gath-bench animate 'my photo.png' -m toy-warp --aus AU12=0.8 -o out.png" in text


def test_nothing_to_say_is_no_box() -> None:
    assert content.message(["", ""], "note") == ""


def test_every_au_of_every_space_has_a_name_and_a_region() -> None:
    for space in SPACES.values():
        if space.is_facs:
            units = [unit.label for group in by_region(space.labels).values() for unit in group]
            assert sorted(units) == sorted(space.labels)
