"""The command line in this process, with the toy plugin alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from toy.running import measure, toy_suite

from gath_bench.cli.main import main


@dataclass(frozen=True)
class CommandResult:
    """What a command ended with."""

    code: int
    out: str
    err: str

    def refused(self, *parts: str) -> None:
        """Exit code 2, nothing on standard output, one sentence that holds these parts, no traceback."""
        assert self.code == 2, self
        assert self.out == ""
        assert "Traceback" not in self.err
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("gath-bench: ")
        for part in parts:
            assert part in lines[0]


Command = Callable[..., CommandResult]


@pytest.fixture
def gath_bench(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Command]:
    """Runs ``gath-bench`` in this process, in a folder of its own; plugins=False leaves the toys out."""
    monkeypatch.chdir(tmp_path)
    before = torch.are_deterministic_algorithms_enabled()

    def call(*words: object, plugins: bool = True) -> CommandResult:
        toys = ["--no-plugins", "--plugin", "toy.toy_plugin"] if plugins else []
        monkeypatch.setattr(sys, "argv", ["gath-bench", *toys, *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return CommandResult(int(ended.value.code or 0), said.out, said.err)

    yield call
    torch.use_deterministic_algorithms(before)


@pytest.fixture(scope="session")
def toy_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, failures and absences included."""
    folder = tmp_path_factory.mktemp("toys") / "run"
    before = torch.are_deterministic_algorithms_enabled()
    nasty = 'toy-labelled[label="<script>alert(1)</script> | \\\\| `code` *bold* ](http://x) \\\\"]'
    suite = toy_suite(
        ("toy-failing", "toy-gaps", nasty),
        ("toy-l1", "toy-au", "toy-no-weights", "toy-system", 'toy-l1[label="`<b>|"]'),
    )
    measure(suite, folder)
    torch.use_deterministic_algorithms(before)
    return folder
