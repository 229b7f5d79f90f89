"""The demo's actions without a user interface: they equal ``animate``, reuse the aligned face, refuse bad input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from animation.conftest import noise
from animation.toy_animation import SMILE, ToyDetector, ToyEstimator, ToyWarp
from PIL import Image

import gath_bench
from gath_bench.au import PRESETS, parse_aus, preset
from gath_bench.contracts import EvaluatorInfo, Validation
from gath_bench.demo.examples import Photo, example_series
from gath_bench.demo.handlers import Handlers, Session
from gath_bench.demo.sliders import SPACE, expression_text, preset_aus, slider_values
from gath_bench.errors import UsageError
from gath_bench.plugins import load_plugins
from gath_bench.provenance import read_provenance
from gath_bench.registry import Registry
from gath_bench.video import read_frames


@pytest.fixture
def session(handlers: Handlers) -> Session:
    return handlers.open(Photo("me.png", noise()), "toy-warp")


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_the_picture_equals_animate_at_the_size_of_the_photo(
    handlers: Handlers, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_plugins(("animation.toy_animation",), entry_point_group=None)
    monkeypatch.setattr("gath_bench.plugins.load_plugins", lambda *_, **__: loaded)
    picture = handlers.show(session, {"AU12": 0.8, "AU06": 0.0})
    expected = gath_bench.animate(noise(), "AU12=0.8", model="toy-warp")
    assert picture.image.size == noise().size
    assert np.array_equal(np.asarray(picture.image), np.asarray(expected))
    assert picture.prompt == "AU12=0.8"


def test_sliders_start_at_the_own_aus_of_the_portrait(session: Session) -> None:
    assert session.own == {label: 0.25 if label == "AU12" else 0.0 for label in SPACE.labels}


def test_moving_a_slider_detects_no_face_again(
    handlers: Handlers, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("detected again")

    monkeypatch.setattr(ToyDetector, "detect", fail)
    first = handlers.show(session, {"AU12": 0.2})
    second = handlers.show(session, {"AU12": 0.9})
    assert not np.array_equal(np.asarray(first.image), np.asarray(second.image))


def test_every_written_picture_names_model_and_aus(handlers: Handlers, session: Session) -> None:
    live = handlers.show(session, {"AU12": 0.8})
    for path in (live.path, *(handlers.save(session, suffix) for suffix in (".png", ".webp"))):
        mark = read_provenance(path)
        assert mark is not None
        assert mark.prompt == "AU12=0.8"
        assert mark.model.startswith("toy-warp@1")
    assert np.array_equal(read(handlers.save(session, ".png")), np.asarray(live.image))
    assert read_provenance(session.original) is None


def test_readings_stand_beside_what_was_asked_for(handlers: Handlers, session: Session) -> None:
    handlers.show(session, {"AU12": 0.8})
    graded = handlers.grade(session)
    assert [reading.label for reading in graded.readings] == list(SPACE.labels)
    smile = graded.readings[SMILE]
    assert smile.asked == 0.8
    assert smile.read is not None
    assert 0.3 < smile.read < 0.6  # the mean brightness of the noise
    assert graded.grader.startswith("synthfaces@1")


def test_aus_that_are_not_validated_on_photos_are_na(
    handlers: Handlers, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = {"photo": Validation("for the test", {"AU12": 0.9})}
    monkeypatch.setattr(ToyEstimator, "info", replace(ToyEstimator.info, validation=only))
    handlers.show(session, {"AU12": 0.8, "AU45": 0.5})
    readings = {reading.label: reading for reading in handlers.grade(session).readings}
    assert readings["AU12"].read is not None
    assert (readings["AU45"].asked, readings["AU45"].read) == (0.5, None)
    assert readings["AU45"].reason == "not validated on photos"


def test_a_grader_for_another_domain_gives_na_with_the_reason(
    handlers: Handlers, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = EvaluatorInfo("0ab1cd23", frozenset({"synthetic"}), au_space="openface17")
    monkeypatch.setattr(ToyEstimator, "info", info)
    handlers.show(session, {})
    readings = handlers.grade(session).readings
    assert all(reading.read is None and "not photo" in reading.reason for reading in readings)


def test_a_grader_that_trained_the_model_is_marked(
    handlers: Handlers, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers.show(session, {})
    assert not handlers.grade(session).contaminated
    key = handlers.grade(session).grader
    monkeypatch.setattr(ToyWarp, "info", replace(ToyWarp.info, trained_against=(key,)))
    assert handlers.grade(session).contaminated


def test_models_that_need_more_than_a_photo_are_not_offered(handlers: Handlers) -> None:
    assert handlers.models == ("toy-direct", "toy-warp")


def test_a_model_that_is_named_and_cannot_be_used_is_refused(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs target, which a photo does not have"):
        Handlers(registry, tmp_path, ("toy-oracle",))


def test_the_same_portrait_with_another_model(handlers: Handlers, session: Session) -> None:
    other = handlers.open(session.photo, "toy-direct")
    before = handlers.show(session, {"AU12": 1.0}).image
    assert not np.array_equal(np.asarray(handlers.show(other, {"AU12": 1.0}).image), np.asarray(before))


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_those_of_animate(name: str) -> None:
    aus = preset_aus(name)
    assert {label: value for label, value in aus.items() if value} == preset(name)
    assert parse_aus(expression_text(aus)) == (preset(name) if preset(name) else parse_aus("neutral"))


def test_presets_can_be_added_to_the_own_aus() -> None:
    assert preset_aus("happiness", {"AU12": 0.5, "AU45": 0.1}) == preset_aus("neutral") | {
        "AU06": 0.8,
        "AU12": 1.0,
        "AU45": 0.1,
    }


def test_slider_values_are_in_the_order_of_the_space() -> None:
    assert slider_values(range(17))["AU12"] == SMILE


def test_a_series_becomes_a_video_with_provenance(
    handlers: Handlers, session: Session, tmp_path: Path
) -> None:
    done: list[tuple[int, int]] = []
    video = handlers.animate(
        session,
        example_series(tmp_path / "a.csv"),
        ".mp4",
        progress=lambda count, total: done.append((count, total)),
    )
    assert (video.frames, video.fps) == (50, 25)
    assert done[-1] == (50, 50)
    assert sum(1 for _ in read_frames(video.path)) == 50
    mark = read_provenance(video.path)
    assert mark is not None
    assert mark.prompt == "AU time series a.csv"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("timestamp,AU12\n0.0,smile\n", "line 2, column 'AU12' holds 'smile', which is not a number"),
        ("a,b\n1,2\n", "AU"),
        ("", "is empty"),
    ],
)
def test_a_bad_series_is_one_sentence_without_the_folder(
    handlers: Handlers, session: Session, tmp_path: Path, content: str, sentence: str
) -> None:
    (tmp_path / "bad.csv").write_text(content)
    with pytest.raises(UsageError, match=sentence) as refused:
        handlers.animate(session, tmp_path / "bad.csv", ".gif")
    assert str(tmp_path) not in str(refused.value)


def test_a_file_that_is_no_image_is_one_sentence_without_the_folder(
    handlers: Handlers, tmp_path: Path
) -> None:
    (tmp_path / "me.jpg").write_text("this is text")
    with pytest.raises(UsageError, match=r"me\.jpg") as refused:
        handlers.open(Photo("me.jpg", tmp_path / "me.jpg"), "toy-warp")
    assert str(tmp_path) not in str(refused.value)


def test_a_photo_without_a_face_is_one_sentence(handlers: Handlers, faces: list[object]) -> None:
    faces.clear()
    with pytest.raises(UsageError, match="no face was found"):
        handlers.open(Photo("me.png", noise()), "toy-warp")
    # The centred square needs no face.
    assert handlers.open(Photo("me.png", noise()), "toy-warp", crop="centre").portrait.regions


def test_a_photo_is_reduced_to_the_size_asked_for(registry: Registry, tmp_path: Path) -> None:
    handlers = Handlers(registry, tmp_path, size=150)
    session = handlers.open(Photo("me.png", noise(300, 200)), "toy-warp")
    assert handlers.show(session, {}).image.size == (150, 100)


def test_examples_are_the_built_in_photo_and_procedural_portraits(handlers: Handlers, tmp_path: Path) -> None:
    assert [example.name for example in handlers.examples] == ["astronaut"]
    whole = Handlers(Registry.of(load_plugins()), tmp_path, ("gath-warp",))
    assert len(whole.examples) == 8
    photo = whole.examples[1].load()
    assert (photo.domain, photo.template is not None) == ("synthetic", True)
    session = whole.open(photo, "gath-warp")
    picture = whole.show(session, {"AU12": 1.0})
    assert picture.image.size == photo.source.size  # type: ignore[union-attr]
    # On procedural faces every AU of the bundled grader is valid, and it sees the smile.
    readings = {reading.label: reading for reading in whole.grade(session).readings}
    assert None not in [reading.read for reading in readings.values()]
    assert (readings["AU12"].read or 0) > 0.4
