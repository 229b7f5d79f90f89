"""A disk that fails at any write: one sentence, and a resumed run equals one without the fault."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from toy.running import measure, toy_suite, values

from gath_bench.errors import UsageError
from gath_bench.files import atomic_write, remove_partial
from gath_bench.results import Run, load

SUITE = toy_suite(("toy-noise",), ("toy-l1", "toy-system"), limit=8)
#: Error -> what a person would call it.
ERRORS = {"full disk": errno.ENOSPC, "read-only disk": errno.EROFS, "broken disk": errno.EIO}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run without a fault."""
    return measure(SUITE, tmp_path_factory.mktemp("whole") / "run")[1]


@pytest.fixture
def _flush_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gath_bench.engine.cell.FLUSH_SECONDS", 0.0)


class FailingDisk:
    """Fails each write of a file whose name matches, from the n-th on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: int, first: int, suffix: str = "") -> None:
        self.error, self.first, self.suffix, self.writes = error, first, suffix, 0
        real = os.fsync
        self.names: dict[int, str] = {}

        def fsync(number: int) -> None:
            name = os.readlink(f"/proc/self/fd/{number}")
            if self.suffix in name:
                self.writes += 1
                if self.writes >= self.first:
                    raise OSError(self.error, os.strerror(self.error), name)
            real(number)

        monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("first", [1, 2, 3, 5, 8])
@pytest.mark.usefixtures("_flush_always")
def test_a_run_on_a_failing_disk_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Run, error: str, first: int
) -> None:
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        FailingDisk(patch, ERRORS[error], first)
        with pytest.raises(UsageError) as stopped:
            measure(SUITE, folder, images=False)
    assert os.strerror(ERRORS[error]) in str(stopped.value)
    assert not list(folder.rglob("*.part"))
    if not (folder / "manifest.json").exists():  # the very first write failed: there is nothing to resume
        assert first == 1
        return
    assert "--resume" in str(stopped.value)
    assert values(load(folder)).items() <= values(whole).items()
    measure(SUITE, folder, resume=True, images=False)
    assert values(load(folder)) == values(whole)


@pytest.mark.parametrize("error", ERRORS)
def test_gallery_images_that_cannot_be_written_end_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Run, error: str
) -> None:
    with monkeypatch.context() as patch:
        FailingDisk(patch, ERRORS[error], 1, suffix=".png")
        with pytest.warns(UserWarning, match="cannot be written"):
            outcome, run = measure(SUITE, tmp_path / "run")
    assert not outcome.failed
    assert run.manifest.status == "finished"
    assert values(run) == values(whole)


@pytest.mark.parametrize("error", ERRORS)
def test_a_report_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Run, error: str
) -> None:
    from gath_bench.report import write_report

    path = tmp_path / "report.md"
    path.write_text("the old report")
    with monkeypatch.context() as patch:
        FailingDisk(patch, ERRORS[error], 1)
        with pytest.raises(UsageError, match="cannot be written"):
            write_report((whole,), "markdown", path)
    assert path.read_text() == "the old report"
    assert [item.name for item in tmp_path.iterdir()] == ["report.md"]


def test_a_killed_write_leaves_a_partial_file_that_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    leftover = tmp_path / f"{path.name}.0123456789ab.part"
    leftover.write_bytes(b"half")
    remove_partial(tmp_path)
    assert not leftover.exists()


def test_two_writers_of_one_file_leave_a_whole_one(tmp_path: Path) -> None:
    """As of two runs that fill one cache."""
    path = tmp_path / "cache.bin"
    contents = [bytes([number]) * 10_000 for number in range(4)]
    path.write_bytes(contents[0])

    def write(content: bytes) -> None:
        for _ in range(4):
            with atomic_write(path) as file:
                file.write(content)

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write, content) for content in contents]
        while not all(writer.done() for writer in writers):
            assert path.read_bytes() in contents
        for writer in writers:
            writer.result()
    assert [item.name for item in tmp_path.iterdir()] == ["cache.bin"]


#: Writes an animation and is killed at its 20th frame.
KILLED = """
import os, signal, sys
from pathlib import Path
from PIL import Image
from gath_bench.provenance import Provenance
from gath_bench.video import write_animation

def frames():
    for number in range(40):
        if number == 20:
            os.kill(os.getpid(), signal.SIGKILL)
        yield Image.new("RGB", (64, 64), (number, 0, 0))

write_animation(Path(sys.argv[1]), frames(), 10, Provenance("toy@1#00"))
"""


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_an_animation_that_is_killed_leaves_the_old_file(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("av")
    path = tmp_path / f"smile{suffix}"
    path.write_text("old")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr
    assert path.read_text() == "old"
    assert {item.name.partition(suffix)[0] for item in tmp_path.iterdir()} == {"smile"}


def test_an_atomic_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write() -> None:
        with atomic_write(path) as file:
            file.write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]
