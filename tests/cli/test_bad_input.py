"""Invalid requests: one sentence on standard error, exit code 2, no traceback."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from toy.running import gath_bench as in_another_process
from toy.running import write_suite

GOOD = '[[datasets]]\nname = "toy"\n'


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("metrcis = ['toy-l1']\n" + GOOD, ["metrcis", "did you mean metrics"]),
        ("metrics = ['toy-l1']\n[[datasets]]\nname = 'toy'\nlimt = 3\n", ["limt", "did you mean limit"]),
        ("metrics = ['toy-l1'\n" + GOOD, ["not valid TOML", "line"]),
        ("metrics = ['toy-l1']\n", ["datasets", "missing"]),
        ("metrics = []\n" + GOOD, ["metrics", "at least 1"]),
        ("metrics = ['toy-l1']\nseed = -1\n" + GOOD, ["seed"]),
        ("metrics = ['toy-l1']\nseed = 1" + "0" * 30 + "\n" + GOOD, ["seed"]),
        ("metrics = ['toy-l1']\nbatch_size = 'many'\n" + GOOD, ["batch_size"]),
        ("metrics = ['toy-l1']\n[[datasets]]\nname = 'toy'\nlimit = 0\n", ["limit"]),
        ("metrics = 'toy-l1'\n" + GOOD, ["metrics"]),
        ("\x00", ["not valid TOML"]),
        ("", ["missing"]),
    ],
)
def test_a_bad_suite_file(gath_bench: Any, tmp_path: Path, text: str, parts: list[str]) -> None:
    suite = tmp_path / "suite.toml"
    suite.write_text(text)
    gath_bench("run", suite).refused("suite.toml", *parts)


def test_no_suite_file(gath_bench: Any, tmp_path: Path) -> None:
    gath_bench("run", tmp_path / "none.toml").refused("there is no suite file", "none.toml")
    gath_bench("run", tmp_path).refused("cannot be read")
    (tmp_path / "latin.toml").write_bytes("name = 'é'".encode("latin-1"))
    gath_bench("run", tmp_path / "latin.toml").refused("cannot be read")


@pytest.mark.parametrize(
    ("settings", "datasets", "parts"),
    [
        ({"metrics": ("toy-l2",)}, GOOD, ["there is no metric 'toy-l2'", "did you mean toy-l1"]),
        ({"models": ("toy-edti",)}, GOOD, ["there is no model 'toy-edti'", "did you mean toy-edit"]),
        ({}, "[[datasets]]\nname = 'toys'\n", ["there is no data set 'toys'", "did you mean toy"]),
        (
            {},
            "[[datasets]]\nname = 'toy'\nprotocols = ['swep']\n",
            ["no protocol 'swep'", "did you mean sweep"],
        ),
        ({}, GOOD + GOOD, ["twice"]),
        ({"split": "tset"}, GOOD, ["no split 'tset'", "did you mean test"]),
        ({"models": ("toy-nan[vale=1]",)}, GOOD, ["no parameter 'vale'", "did you mean value"]),
        ({"models": ("toy-nan[value=x]",)}, GOOD, ["toy-nan[value=x] is not valid"]),
        ({"models": ("toy-nan[value",)}, GOOD, ["is not a component name"]),
        ({"models": ("toy-no-init",)}, GOOD, ["toy-no-init cannot be created", "no weights"]),
        ({"models": ("toy-no-init[how=UsageError]",)}, GOOD, ["no weights"]),
        ({}, "[[datasets]]\nname = 'toy[refuse=true]'\n", ["cannot list its samples", "on fire"]),
    ],
)
def test_what_a_suite_names_must_exist(
    gath_bench: Any, tmp_path: Path, settings: dict[str, Any], datasets: str, parts: list[str]
) -> None:
    suite = write_suite(tmp_path / "suite.toml", datasets=datasets, **settings)
    gath_bench("run", suite, "--output", tmp_path / "run").refused(*parts)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("-m", "toy-edti"), ["did you mean toy-edit"]),
        (("-d", "toys"), ["did you mean toy"]),
        (("-M", "toy-l2"), ["did you mean toy-l1"]),
        (("--split", "tset"), ["did you mean test"]),
        (("--device", "cuda"), ["no CUDA device is available", "--device cpu"]),
        (("--device", "gpu"), ["'gpu' is not a device"]),
        (("--device", "cuda:x"), ["is not a device"]),
    ],
)
def test_what_the_command_line_names_must_exist(
    gath_bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], parts: list[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    suite = write_suite(tmp_path / "suite.toml")
    gath_bench("run", suite, "--output", tmp_path / "run", *words).refused(*parts)
    assert not (tmp_path / "run").exists()


def test_a_taken_output_folder(gath_bench: Any, tmp_path: Path, toy_run: Path) -> None:
    suite = write_suite(tmp_path / "suite.toml")
    gath_bench("run", suite, "--output", toy_run).refused("already holds a run", "--resume")
    file = tmp_path / "file"
    file.touch()
    gath_bench("run", suite, "--output", file).refused("cannot be created", "--output")
    gath_bench("run", suite, "--output", file / "below").refused("cannot be created")
    gath_bench("run", suite, "--output", "x" * 5000).refused("cannot be created", "File name too long")


@pytest.mark.parametrize("command", [("report",), ("run", "--resume")])
def test_a_folder_that_is_not_a_run(gath_bench: Any, tmp_path: Path, command: tuple[str, ...]) -> None:
    gath_bench(*command, tmp_path / "none").refused("is not a run folder")
    gath_bench(*command, tmp_path).refused("is not a run folder")
    file = tmp_path / "file"
    file.touch()
    gath_bench(*command, file).refused("is not a run folder")
    for number, text in enumerate(
        ("{", "[]", '{"schema": 2}', '{"schema": 1}', '{"schema": 1, "cells": 3, "metrics": []}')
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "manifest.json").write_text(text)
        gath_bench(*command, folder).refused("manifest.json")


def test_a_resumed_run_takes_no_other_suite(gath_bench: Any, tmp_path: Path, toy_run: Path) -> None:
    suite = write_suite(tmp_path / "suite.toml")
    for words in (
        (suite,),
        ("-m", "toy-edit"),
        ("-d", "toy"),
        ("-M", "toy-l1"),
        ("--output", tmp_path / "x"),
    ):
        gath_bench("run", *words, "--resume", toy_run).refused(
            "--resume uses the suite and the folder of the run"
        )
    for words in (("--seed", 1), ("--limit", 2), ("--split", "val")):
        gath_bench("run", *words, "--resume", toy_run).refused("start a new run")


def test_a_suite_edited_in_a_manifest(gath_bench: Any, tmp_path: Path, toy_run: Path) -> None:
    content = json.loads((toy_run / "manifest.json").read_text())
    content["suite"]["metrics"] = 3
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    gath_bench("run", "--resume", tmp_path).refused("metrics")


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--limit", "0"),
        ("run", "--limit", "many"),
        ("run", "--seed", "-1"),
        ("run", "--seed", str(2**63)),
        ("run", "--timeout", "-1"),
        ("run", "--colour"),
        ("report",),
        ("report", "x", "--format", "word"),
        ("rnu",),
        ("list", "modles"),
    ],
)
def test_bad_options_are_usage_errors(gath_bench: Any, words: tuple[str, ...]) -> None:
    said = gath_bench(*words)
    assert said.code == 2
    assert "Traceback" not in said.err
    assert said.out == ""
    assert said.err


@pytest.mark.parametrize(
    "words",
    [
        ("animate", "x" * 5000, "--aus", "12E", "-o", "smile.png"),
        ("report", "x" * 5000),
        ("plugin", "new", "my-faces", "-o", "x" * 5000),
    ],
    ids=lambda words: words[0],
)
def test_a_path_that_is_too_long_is_one_sentence(gath_bench: Any, words: tuple[str, ...]) -> None:
    gath_bench(*words).refused("File name too long")


def test_bad_plugins(gath_bench: Any, tmp_path: Path) -> None:
    gath_bench("--plugin", "toy.nothing", "list", plugins=False).refused("toy.nothing", "cannot be used")
    (tmp_path / "halfway.py").write_text("raise RuntimeError('half way')")
    gath_bench("--plugin", "halfway", "list", plugins=False).refused("halfway", "half way")


def test_reports_that_cannot_be_written(gath_bench: Any, tmp_path: Path, toy_run: Path) -> None:
    gath_bench("report", toy_run, "--format", "parquet").refused("-o FILE")
    unlike = shutil.copytree(toy_run, tmp_path / "unlike")
    manifest = json.loads((unlike / "manifest.json").read_text())
    (unlike / "manifest.json").write_text(json.dumps({**manifest, "seed": manifest["seed"] + 1}))
    gath_bench("report", toy_run, unlike, "-o", tmp_path / "x").refused(
        "-o takes runs that share their tables"
    )
    for form in ("csv", "parquet"):
        gath_bench("report", toy_run, "--format", form, "-o", tmp_path).refused("cannot be written")


def test_in_a_separate_process(tmp_path: Path) -> None:
    suite = write_suite(tmp_path / "suite.toml", metrics=("toy-l2",))
    done = in_another_process("run", suite, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean toy-l1" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
