"""Whether other processes used the processors while something was timed: a speed is then not that of the machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

#: From this share on a measurement is called disturbed.
BUSY = 0.1
#: Linux counts the time of each processor in hundredths of a second: shorter periods are not judged by it.
_LEAST_SECONDS = 0.2
_STAT = Path("/proc/stat")


class Contention:
    """Measures the share of the processors that other processes take, from its creation on.

    There are two probes, and the larger result counts. The first is the load: the time that Linux has counted for the
    processors that this process may use, less the time of this process. The second is reference work: a thread that
    only computes waits for its core as long as others use it, or as a quota stops it.
    """

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._own = time.process_time()
        self._all = _processor_seconds()

    def share(self) -> float:
        """The share in [0, 1] since the creation."""
        return max(self._load(), waiting_share())

    def remark(self) -> str:
        """One sentence if the share is ``BUSY`` or more; else an empty text."""
        share = self.share()
        if share < BUSY:
            return ""
        return f"measured on a busy machine: other processes took {share:.0%} of the processor time"

    def _load(self) -> float:
        every, elapsed = _processor_seconds(), time.perf_counter() - self._start
        if self._all is None or every is None or elapsed < _LEAST_SECONDS:
            return 0.0
        others = (every - self._all) - (time.process_time() - self._own)
        return min(max(others / (elapsed * len(os.sched_getaffinity(0))), 0.0), 1.0)


def waiting_share(seconds: float = 0.05) -> float:
    """The share of a period in which a thread that computes waits for a core, in [0, 1].

    Args:
        seconds: the length of the period.
    """
    begin, used = time.perf_counter(), time.thread_time()
    while (elapsed := time.perf_counter() - begin) < seconds:
        pass
    return min(max(1 - (time.thread_time() - used) / elapsed, 0.0), 1.0)


def _processor_seconds() -> float | None:
    """The time that all processes, and other virtual machines, have used on the processors of this process.

    None where the system does not say.
    """
    try:
        lines = _STAT.read_text(encoding="ascii").splitlines()
        mine = {f"cpu{number}" for number in os.sched_getaffinity(0)}
        tick = os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, AttributeError):
        return None
    total = 0
    for name, *fields in (line.split() for line in lines if line.startswith("cpu")):
        if name in mine:
            user, nice, system, _idle, _waiting, interrupts, soft, stolen = map(int, fields[:8])
            total += user + nice + system + interrupts + soft + stolen
    return total / tick
