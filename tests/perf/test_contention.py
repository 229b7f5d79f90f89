"""Other processes on the same processors are noticed; the time of the process itself is not counted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gath_bench.perf import contention
from gath_bench.perf.contention import Contention, waiting_share

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/stat")


class Clock:
    """The three clocks of a measurement: wall time, the own time, and the ticks of two processors."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, stat: Path) -> None:
        self.wall = self.own = 0.0
        self._stat = stat
        self.set((0, 0))
        monkeypatch.setattr(contention, "_STAT", stat)
        monkeypatch.setattr(contention, "waiting_share", lambda: 0.0)
        monkeypatch.setattr(contention.time, "perf_counter", lambda: self.wall)
        monkeypatch.setattr(contention.time, "process_time", lambda: self.own)
        monkeypatch.setattr(contention.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
        monkeypatch.setattr(contention.os, "sysconf", lambda _: 100, raising=False)

    def set(self, ticks: tuple[int, int]) -> None:
        lines = [f"cpu{number} {used} 0 0 9999 0 0 0 0 0 0" for number, used in enumerate(ticks)]
        self._stat.write_text("\n".join(["cpu 1 2 3", *lines, "cpu2 77777 0 0 0 0 0 0 0", "intr 1"]))


@pytest.mark.parametrize(
    ("ticks", "own", "expected"),
    [((100, 100), 2.0, 0.0), ((100, 100), 1.0, 0.5), ((100, 16), 1.0, 0.08), ((0, 0), 1.0, 0.0)],
    ids=["alone", "one-core-taken", "a-little", "rounding"],
)
def test_the_share_is_what_others_used(
    ticks: tuple[int, int], own: float, expected: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = Clock(monkeypatch, tmp_path / "stat")
    meter = Contention()
    clock.wall, clock.own = 1.0, own
    clock.set(ticks)
    assert meter.share() == pytest.approx(expected)
    assert bool(meter.remark()) == (expected >= contention.BUSY)


def test_without_proc_stat_the_reference_work_decides(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(contention, "_STAT", tmp_path / "none")
    monkeypatch.setattr(contention, "waiting_share", lambda: 0.25)
    assert "25%" in Contention().remark()


@linux
def test_a_process_on_the_same_core_is_noticed() -> None:
    """Measured in a process of its own, since the core is chosen for all of its threads."""
    core = min(os.sched_getaffinity(0))
    code = f"""if True:
        import os, subprocess, sys, time
        os.sched_setaffinity(0, {{{core}}})
        from gath_bench.perf.contention import Contention, waiting_share
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
            try:
                time.sleep(0.2)
                meter = Contention()
                waited = waiting_share(0.4)
                print(waited, meter.share(), meter.remark())
            finally:
                other.kill()
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    waited, share, remark = done.stdout.split(maxsplit=2)
    assert float(waited) > 0.2
    assert float(share) > 0.2
    assert "busy machine" in remark


def test_waiting_share_is_a_share() -> None:
    assert 0 <= waiting_share(0.01) <= 1
