"""The commands ``gath-bench train`` and ``export``."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
import torch
from click.testing import CliRunner, Result
from gath.commands.export import export
from gath.commands.train import train
from gath.inference.model import WarpModel
from gath.training.checkpoint import load_state
from reliability.test_storage_faults import FailingDisk
from toy_faces import ToyFaces

from gath_bench.contracts import CommandSpec
from gath_bench.engine.device import resolve_device
from gath_bench.errors import UsageError


class ToyContext:
    """The command context: models and data sets by name."""

    def __init__(self, trained: Path) -> None:
        self.trained = trained

    def make(self, kind: str, name: str) -> object:
        return ToyFaces() if kind == "dataset" else WarpModel(weights=self.trained / "gath-warp.safetensors")

    def resolve_device(self, name: str) -> str:
        return resolve_device(name)


def _call(command: click.Command, trained: Path, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], obj=ToyContext(trained))


def _refused(result: Result, *parts: str) -> None:
    assert isinstance(result.exception, UsageError), result.output
    for part in parts:
        assert part in str(result.exception)
    assert "\n" not in str(result.exception)


def test_every_command_is_registered_under_its_name() -> None:
    from gath.plugin import gath_bench_commands, gath_bench_models

    commands = {spec.name: spec for spec in gath_bench_commands()}
    assert set(commands) == {"train", "export"}
    assert all(isinstance(spec, CommandSpec) for spec in commands.values())
    assert {spec.name for spec in gath_bench_models()} == {"gath", "gath-warp", "onnx"}


def test_train_and_resume(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    options = ("-c", "tiny", "-d", "toy-faces", "--device", "cpu", "--steps", 3)
    assert _call(train, trained, *options, "--output", folder, "--max-minutes", 0).exit_code == 0
    assert not (folder / "gath-warp.safetensors").exists()
    _refused(_call(train, trained, *options, "--output", folder), "holds a training already", "--resume")
    _refused(_call(train, trained, "--resume", folder, "--seed", 1), "leave out")
    assert _call(train, trained, "--resume", folder, "--device", "cpu").exit_code == 0
    assert (folder / "gath-warp.safetensors").exists()


#: Network events of Python; they are recorded and refused inside ``network_events``.
_NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto")
_RECORDERS: list[list[str]] = []
_HOOKS: list[object] = []


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if _RECORDERS and event in _NETWORK:
        _RECORDERS[-1].append(event)
        raise OSError("the network is forbidden in this test")


@contextmanager
def network_events() -> Iterator[list[str]]:
    """Refuse and record every use of the network."""
    if not _HOOKS:
        sys.addaudithook(_audit)  # it cannot be removed
        _HOOKS.append(_audit)
    events: list[str] = []
    _RECORDERS.append(events)
    try:
        yield events
    finally:
        _RECORDERS.pop()


def test_train_uses_no_network(trained: Path, tmp_path: Path) -> None:
    options = ("-c", "tiny", "-d", "toy-faces", "--device", "cpu", "--steps", 1)
    with network_events() as events:
        done = _call(train, trained, *options, "--output", tmp_path / "run")
    assert done.exit_code == 0
    assert not events
    with network_events() as events, pytest.raises(OSError, match="forbidden"):  # this test can fail
        socket.create_connection(("127.0.0.1", 9))
    assert events


@pytest.mark.parametrize(
    ("limit", "code"), [((), 130), (("--max-minutes", 0), 0), (("--max-minutes", 60), 130)]
)
def test_train_that_a_signal_stops_has_another_exit_code(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: tuple[object, ...], code: int
) -> None:
    monkeypatch.setattr("gath.training.loop.train", lambda run: False)
    options = ("-c", "tiny", "-d", "toy-faces", "--device", "cpu", "--output", tmp_path / "run")
    assert _call(train, trained, *options, *limit).exit_code == code


def test_a_checkpoint_with_code_in_it_is_refused_without_advice(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    torch.save({"code": Path}, path)
    with pytest.raises(UsageError, match="checkpoint") as refused:
        load_state(path)
    assert "weights_only" not in str(refused.value)


def test_train_reports_the_expected_run_time(trained: Path, tmp_path: Path) -> None:
    options = ("-c", "tiny", "-d", "toy-faces", "--device", "cpu", "--output", tmp_path / "run")
    stderr = _call(train, trained, *options, "--max-minutes", 0).stderr
    assert "expected run time on this machine" in stderr
    for stage in ("estimator", "classifier", "generator"):
        assert stage in stderr


def test_train_refuses_invalid_options(trained: Path, tmp_path: Path) -> None:
    _refused(_call(train, trained, "--resume", tmp_path), "there is no", "checkpoint.pt")
    _refused(_call(train, trained, "--device", "tpu", "--output", tmp_path / "x"), "'tpu' is not a device")
    if not torch.cuda.is_available():
        _refused(_call(train, trained, "--device", "cuda", "--output", tmp_path / "x"), "no CUDA device")


@pytest.mark.parametrize(
    ("option", "value", "part"),
    [
        ("--output", "", "not an empty text"),
        ("--resume", "", "not an empty text"),
        ("-c", "", "not an empty text"),
        ("--max-minutes", "nan", "not a number of minutes"),
        ("--max-minutes", "inf", "not a number of minutes"),
    ],
)
def test_train_refuses_options_without_a_meaning(trained: Path, option: str, value: str, part: str) -> None:
    _refused(_call(train, trained, option, value), part)


def test_a_training_on_a_failing_disk_can_be_resumed(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    options = (
        "-c",
        "tiny",
        "-d",
        "toy-faces",
        "--device",
        "cpu",
        "--steps",
        2,
        "--set",
        "checkpoint_every=1",
    )
    with monkeypatch.context() as patch:
        FailingDisk(patch, errno.ENOSPC, 2, suffix="checkpoint.pt")
        stopped = _call(train, trained, *options, "--output", folder)
    _refused(stopped, os.strerror(errno.ENOSPC), f"continue with --resume {folder}")
    assert _call(train, trained, "--resume", folder, "--device", "cpu").exit_code == 0
    assert (folder / "gath-warp.safetensors").exists()
    assert not list(folder.rglob("*.part"))


def test_a_training_without_a_folder_is_one_sentence(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    options = ("-c", "tiny", "-d", "toy-faces", "--device", "cpu", "--output", tmp_path / "file" / "run")
    _refused(_call(train, trained, *options), "Not a directory", "--output")


def test_export_refuses_a_missing_folder(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "no" / "g.onnx"
    _refused(_call(export, trained, "gath-warp", "-o", out), "there is no folder")
