"""Every parser accepts any text: it returns a value, or raises ``UsageError`` with one sentence, in little time.

``GATH_BENCH_EXAMPLES=2000`` sets the number of examples per parser; the default is 100.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gath.config import read_config
from gath.release.weights_file import load_weights
from gath.training.checkpoint import load_state
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from toy.running import measure, toy_suite

from gath_bench.au import aus_to_vector, parse_aus, read_au_csv
from gath_bench.au.timecode import parse_timecode
from gath_bench.contracts.keys import ComponentKey, ComponentName, file_hash
from gath_bench.engine.device import resolve_device
from gath_bench.errors import Unavailable, UsageError, plain_text
from gath_bench.images import decode
from gath_bench.report import render_report
from gath_bench.results import MANIFEST, Manifest, load
from gath_bench.suite import make_suite, read_suite

fuzz = settings(
    max_examples=int(os.environ.get("GATH_BENCH_EXAMPLES", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
#: Letters that the parsers give a meaning, and any others.
texts = st.text(st.sampled_from("aAu0169C+*=-.,;:/[]{}\"'\\@# \n\t") | st.characters(), max_size=60)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)


def accepted(parse: Callable[[], Any]) -> Any:
    """The parser's value, or None where it refused the text with one sentence."""
    try:
        return parse()
    except (UsageError, Unavailable) as error:
        refusal = str(error)
    assert refusal.strip()
    assert "Traceback" not in refusal
    return None


@fuzz
@given(texts)
def test_component_names(text: str) -> None:
    name = accepted(lambda: ComponentName.parse(text))
    if name is not None:
        assert ComponentName.parse(str(name)) == name


@fuzz
@given(texts)
def test_component_keys(text: str) -> None:
    key = accepted(lambda: ComponentKey.parse(text))
    if key is not None:
        assert ComponentKey.parse(str(key)).difference(key) is None


@fuzz
@given(
    st.from_regex(r"[a-z0-9][a-z0-9-]*", fullmatch=True),
    st.dictionaries(st.from_regex("[a-z0-9_]+", fullmatch=True), texts),
)
def test_any_parameter_is_read_back(name: str, params: dict[str, str]) -> None:
    written = ComponentName(name, params)
    assert ComponentName.parse(str(written)) == written


@fuzz
@given(texts)
def test_au_notation(text: str) -> None:
    aus = accepted(lambda: parse_aus(text))
    if aus is not None:
        assert all(0 <= value <= 1 for value in aus.values())
        assert np.isfinite(aus_to_vector(aus)).all()


@fuzz
@given(texts)
def test_device_names(text: str) -> None:
    accepted(lambda: resolve_device(text))


@fuzz
@given(texts, st.floats(1, 240))
def test_timecodes(text: str, fps: float) -> None:
    accepted(lambda: parse_timecode(text, fps))


@fuzz
@given(st.binary(max_size=200))
def test_suite_files_of_any_bytes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "suite.toml"
    path.write_bytes(content)
    accepted(lambda: read_suite(path))


@fuzz
@given(
    st.dictionaries(
        st.sampled_from(["name", "models", "metrics", "datasets", "references", "seed"]) | texts, json_values
    )
)
def test_suites_of_any_content(content: dict[str, Any]) -> None:
    accepted(lambda: make_suite(content))


HEADER = "frame, timestamp, confidence, success, AU01_r, AU02_r, AU12_r"


@fuzz
@given(
    st.lists(
        st.lists(
            st.sampled_from(["0", "1", "0.5", "5", "6", "-1", "nan", "", "inf", "x", "1e999", '"']) | texts,
            max_size=8,
        ),
        max_size=5,
    ),
    st.sampled_from([HEADER, "Timecode,BrowDownLeft,JawOpen", ""]) | texts,
)
@example([["0", "0.5", "1", "1", "0", "2.5", "nan"]], HEADER)  # a valid table is rarely drawn
def test_au_tables(tmp_path: Path, rows: list[list[str]], header: str) -> None:
    path = tmp_path / "aus.csv"
    lines = [header, *(",".join(row) for row in rows)]
    path.write_text("\n".join(lines), encoding="utf-8", errors="replace")
    series = accepted(lambda: read_au_csv(path))
    if series is not None:
        known = series.values[~np.isnan(series.values)]
        assert ((known >= 0) & (known <= 1)).all()


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> str:
    _, run = measure(
        toy_suite(limit=4, metrics=("toy-l1", "toy-au")), tmp_path_factory.mktemp("runs") / "run"
    )
    return (run.path / MANIFEST).read_text(encoding="utf-8")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


@fuzz
@given(st.data())
def test_manifests_with_a_changed_value(tmp_path: Path, manifest: str, data: st.DataObject) -> None:
    content = json.loads(manifest)
    place = data.draw(st.sampled_from([path for path in places(content) if path]))
    parent = content
    for key in place[:-1]:
        parent = parent[key]
    if data.draw(st.booleans()) and isinstance(parent, dict):
        del parent[place[-1]]
    else:
        parent[place[-1]] = data.draw(json_values)
    (tmp_path / MANIFEST).write_text(json.dumps(content))
    if accepted(lambda: Manifest.read(tmp_path)) is not None:
        accepted(lambda: render_report((load(tmp_path),), "json"))


@fuzz
@given(st.data())
def test_manifests_with_changed_bytes(tmp_path: Path, manifest: str, data: st.DataObject) -> None:
    content = bytearray(manifest.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / MANIFEST).write_bytes(content[: data.draw(st.integers(0, len(content)))])
    accepted(lambda: Manifest.read(tmp_path))


@pytest.fixture(scope="module")
def png() -> bytes:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(buffer, "PNG")
    return buffer.getvalue()


@fuzz
@given(st.data())
def test_images_with_changed_bytes(tmp_path: Path, png: bytes, data: st.DataObject) -> None:
    content = bytearray(png)
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "image.png"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    pixels = accepted(lambda: decode(path))
    if pixels is not None:
        assert pixels.dtype == np.float32
        assert pixels.min() >= 0
        assert pixels.max() <= 1


@fuzz
@given(st.text())
def test_plain_text_can_be_stored_and_printed(text: str) -> None:
    plain = plain_text(text)
    assert plain.isprintable()
    plain.encode()
    assert plain_text(plain) == plain


DEEP = 100_000


@pytest.mark.parametrize(
    "text",
    [
        "[" * DEEP,
        "a = " + "[" * DEEP,
        "seed = " + "9" * 5000,
        "a." * DEEP + "b = 1",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ],
    ids=["brackets", "nested list", "5000 digits", "nested keys", "surrogate bytes"],
)
def test_a_hostile_suite_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "suite.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"suite\.toml"):
        read_suite(path)


@pytest.mark.parametrize(
    "text",
    [
        "[" * DEEP,
        '{"schema": ' + "1" * 5000 + "}",
        "{",
        "",
        "null",
        '{"schema": 1}',
        '{"schema": 1, "cells": [3], "metrics": [4]}',
    ],
    ids=["nested", "5000 digits", "open", "empty", "null", "no fields", "numbers as records"],
)
def test_a_hostile_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(UsageError, match=r"manifest\.json"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("cells", 0, "cell_id"), "../../x"),
        (("cells", 0, "metrics"), ["unknown"]),
        (("cells", 0, "samples"), 0),
        (("cells", 1, "samples"), False),
        (("metrics", 0, "summaries", 0, "reducer"), "unknown"),
        (("metrics", 0, "summaries", 0, "direction"), "up"),
        (("metrics", 0, "tolerance"), "small"),
        (("seed",), "zero"),
    ],
    ids=str,
)
def test_a_manifest_that_refers_to_nothing_is_refused(
    tmp_path: Path, manifest: str, place: tuple[Any, ...], value: Any
) -> None:
    content = json.loads(manifest)
    parent = content
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    (tmp_path / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(UsageError):
        render_report((load(tmp_path),), "json")


@pytest.mark.parametrize("letter", [" ", "a", "[", "=", "a=", "\\", '"', "@1", ","])
@pytest.mark.parametrize(
    "parse", [ComponentName.parse, ComponentKey.parse, parse_aus], ids=lambda parse: parse.__qualname__
)
def test_a_text_of_40000_letters_takes_little_time(parse: Callable[[str], Any], letter: str) -> None:
    """Quadratic time would be ten seconds and more."""
    begun = time.process_time()
    for text in ("a" + letter * 40_000 + "!", "a[b=" + letter * 40_000 + "!", letter * 40_000):
        accepted(lambda text=text: parse(text))
    assert time.process_time() - begun < 2


def read_training_config(path: Path) -> Any:
    return read_config(str(path))


@pytest.mark.parametrize(
    "read",
    [read_suite, read_au_csv, decode, read_training_config, load_weights, load_state, file_hash],
    ids=lambda read: read.__name__,
)
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    path = tmp_path / "pipe.toml"
    os.mkfifo(path)
    with pytest.raises((UsageError, Unavailable, OSError), match="not a regular file"):
        read(path)
