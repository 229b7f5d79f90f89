"""Faults that reach beyond one call: standard output, hanging components, ended processes, the network."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from toy.running import environment, measure, table, toy_suite, values, write_suite

from gath_bench.errors import Unavailable
from gath_bench.images import MAX_PIXELS, read_image
from gath_bench.report import render_report
from gath_bench.results import load

HOSTILE = ("--plugin", "toy.hostile")


def gath_bench(
    *words: object, program: str = "from gath_bench.cli.main import main; main()", **more: Any
) -> Any:
    """``gath-bench`` in another process, with the toy and the hostile plugins."""
    plugins = ("--no-plugins", "--plugin", "toy.toy_plugin", *HOSTILE)
    return subprocess.run(
        [sys.executable, "-c", program, *plugins, *map(str, words)],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=300,
        **more,
    )


def test_json_is_one_object_whatever_components_print_or_end_with(tmp_path: Path) -> None:
    suite = write_suite(
        tmp_path / "suite.toml",
        models=tuple(f"hostile-model[how={how}]" for how in ("exit-0", "print", "stdout", "loud")),
        datasets='[[datasets]]\nname = "toy"\nlimit = 2\n',
    )
    done = gath_bench("run", suite, "--json", "--output", tmp_path / "run")
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert {row["status"] for row in found["rows"]} == {"ok", "failed"}
    assert "a component prints" in done.stderr
    assert "a subprocess prints" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("how", "code"), [("os-exit", 0), ("segfault", -11), ("kill", -9)])
def test_a_process_that_a_component_ends_can_be_resumed(tmp_path: Path, how: str, code: int) -> None:
    folder, flag = tmp_path / "run", tmp_path / "flag"
    model = f'hostile-ending[how={how},unless="{flag}"]'
    suite = write_suite(
        tmp_path / "suite.toml", models=(model,), datasets='[[datasets]]\nname = "toy"\nlimit = 4\n'
    )
    assert gath_bench("run", suite, "--output", folder).returncode == code
    kept = values(load(folder))
    assert {key[0][:3] for key in kept} == {"000", "001"}, "the cells before it are on disk"
    flag.touch()
    assert gath_bench("run", "--resume", folder).returncode == 0
    after = values(load(folder))
    assert kept.items() <= after.items()
    assert {key[0][:3] for key in after} == {"000", "001", "002"}


@pytest.mark.parametrize("component", ["model", "data"])
def test_a_component_that_hangs_is_stopped_at_the_time_limit(tmp_path: Path, component: str) -> None:
    program = (
        "import gath_bench.engine.time_limit as limit; limit.GRACE_SECONDS = 0.0; "
        "from gath_bench.cli.main import main; main()"
    )
    models = ("hostile-ending[how=hang]",) if component == "model" else ()
    dataset = "toy" if component == "model" else "hostile-ending-data[how=hang]"
    suite = write_suite(
        tmp_path / "suite.toml", models=models, datasets=f'[[datasets]]\nname = "{dataset}"\nlimit = 2\n'
    )
    done = gath_bench("run", suite, "--timeout", 2, "--output", tmp_path / "run", program=program)
    assert done.returncode == 0, done.stderr
    assert "stopped by --timeout" in done.stderr
    assert load(tmp_path / "run").manifest.status == "running"


OFFLINE = """
import socket, sys
from gath_bench.cli.main import main

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto"):
        print("NETWORK", event, arguments, file=sys.stderr)
        raise OSError("the network is forbidden in this test")

sys.addaudithook(watch)
main()
"""


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--limit", "2", "--no-images", "--output", "run"),
        ("animate", "astronaut", "--aus", "12E", "--size", "256", "-o", "smile.png"),
        pytest.param(
            (
                "train",
                "-c",
                "tiny",
                "--steps",
                "1",
                "--set",
                "data.frames=8",
                "--set",
                "data.stills=8",
                "--device",
                "cpu",
                "--output",
                "training",
            ),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["run", "animate", "train"],
)
def test_the_built_in_components_use_no_network(tmp_path: Path, words: tuple[str, ...]) -> None:
    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", OFFLINE, *words],
            capture_output=True, text=True, env=environment(), cwd=tmp_path, timeout=550,
        )  # fmt: skip

    done = call(*words)
    assert done.returncode == 0, done.stderr
    assert "NETWORK" not in done.stderr
    if words[0] == "run":
        for form in ("console", "json", "html"):
            reported = call("report", "run", "--format", form, "-o", f"report.{form}")
            assert reported.returncode == 0, reported.stderr
            assert "NETWORK" not in reported.stderr


def test_the_network_test_can_fail(tmp_path: Path) -> None:
    code = OFFLINE.replace("main()\n", "socket.create_connection(('127.0.0.1', 9))\n").replace(
        "from gath_bench.cli.socket", "from gath_bench.cli.main"
    )
    code = code.replace("from gath_bench.cli.main import main", "")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert "NETWORK" in done.stderr


@pytest.mark.parametrize("how", ["=1+1", "+1", "-1", "@x"])
def test_a_csv_cell_is_no_formula(tmp_path: Path, how: str) -> None:
    from gath_bench.report.formats import _no_formula

    assert _no_formula(how) == f"'{how}"
    assert _no_formula(-1.5) == -1.5
    assert _no_formula("plain") == "plain"


@pytest.mark.parametrize("limit", [1, 2])
def test_a_report_of_few_samples_warns_of_nothing(tmp_path: Path, limit: int) -> None:
    _, run = measure(toy_suite(("toy-noise",), ("toy-l1", "toy-au"), limit=limit), tmp_path / "run")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for form in ("console", "json", "csv", "markdown"):
            assert render_report((run,), form)


def test_terminal_escapes_do_not_reach_the_console(tmp_path: Path) -> None:
    model = 'toy-labelled[label="\x1b[31mred"]'
    _, run = measure(toy_suite((model,), limit=2), tmp_path / "run")
    assert "\x1b" not in render_report((run,), "console")
    reason = table(run, model, "toy-l1").reason
    assert reason is not None
    assert "\x1b" not in reason


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("run", "--output", ""), "empty"),
        (("run", "--resume", ""), "empty"),
        (("run", "--timeout", "nan"), "seconds"),
        (("run", "--timeout", "inf"), "seconds"),
        (("animate", "", "--aus", "12E", "-o", "smile.png"), "empty"),
    ],
    ids=str,
)
def test_options_without_a_meaning_are_refused(words: tuple[str, ...], part: str) -> None:
    from click.testing import CliRunner

    from gath_bench.cli.animate import animate
    from gath_bench.cli.context import Context
    from gath_bench.cli.run import run

    command = {"run": run, "animate": animate}[words[0]]
    done = CliRunner().invoke(command, words[1:], obj=Context((), False))
    assert done.exit_code == 2
    assert part in done.output


def test_the_home_folder_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    from gath_bench.cli.run import _without_home

    monkeypatch.setenv("HOME", "/home/jane")
    assert _without_home("portraits[root=/home/jane/photos]") == "portraits[root=~/photos]"
    assert _without_home("/home/jane") == "~"
    assert _without_home("/home/janet/photos") == "/home/janet/photos"


@pytest.mark.parametrize("names", [("../../x",), ("a/b",), ("a", "a"), ("\ud800",)], ids=ascii)
def test_a_render_list_stays_in_its_folder(tmp_path: Path, names: tuple[str, ...]) -> None:
    from toy.toy_plugin import ToyDataset, ToySample

    from gath_bench.errors import UsageError
    from gath_bench.render_list import write_render_list

    class Named(ToyDataset):
        def samples(self, split: str, protocol: str, seed: int) -> Any:
            return [ToySample(name, "subject", number) for number, name in enumerate(names)]

    with pytest.raises(UsageError):
        write_render_list(Named(), "named", "test", None, 0, None, tmp_path / "list")
    assert not list(tmp_path.iterdir())


def png(path: Path, side: int) -> Path:
    """A grey PNG, small on disk."""
    from PIL import Image

    Image.new("L", (side, side), 128).save(path, compress_level=9)
    return path


def test_an_image_above_the_pixel_limit_is_na(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gath_bench.images.MAX_PIXELS", 64 * 64)
    assert read_image(png(tmp_path / "fits.png", 64)).shape == (3, 64, 64)
    with pytest.raises(Unavailable, match="65x65, more than"):
        read_image(png(tmp_path / "large.png", 65))
    assert MAX_PIXELS == 8192 * 8192


def test_a_png_of_12000_pixels_is_refused_from_its_header(tmp_path: Path) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 12_000, 12_000, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    )
    with pytest.raises(Unavailable, match="megapixels"):
        read_image(path)


@pytest.mark.parametrize(("side", "decoded"), [(64, 64), (80, 40), (128, 64), (256, 64), (512, 64)])
def test_a_large_jpeg_is_decoded_at_a_fraction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: int, decoded: int
) -> None:
    import torch
    from PIL import Image

    monkeypatch.setattr("gath_bench.images.MAX_PIXELS", 64 * 64)
    path = tmp_path / "photo.jpg"
    ramp = torch.linspace(0, 255, side).to(torch.uint8).expand(side, side).contiguous()
    Image.fromarray(ramp.numpy()).save(path, quality=95)
    image = read_image(path)
    assert image.shape == (3, decoded, decoded)
    wanted = torch.linspace(0, 1, decoded).expand_as(image)
    assert (image - wanted).abs().max() < 0.05
