"""The demo as its own process, which records every connection to another machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: Runs ``gath-bench`` under an audit hook that writes foreign addresses into a file.
_PROGRAM = """
import sys
log = open(sys.argv.pop(1), "a", buffering=1)
local = {None, "", "127.0.0.1", "localhost", "::1", "0.0.0.0", b"127.0.0.1", b"localhost"}
def watch(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in local:
        log.write(f"connect {arguments[1]}\\n")
    if event == "socket.getaddrinfo" and arguments[0] not in local:
        log.write(f"resolve {arguments[0]}\\n")
sys.addaudithook(watch)
from gath_bench.cli.main import main
main()
"""


@dataclass(frozen=True)
class Server:
    """A running demo.

    Attributes:
        address: of its page.
        log: a file with the foreign addresses that the process connected to or resolved.
    """

    address: str
    log: Path

    @property
    def foreign(self) -> list[str]:
        return self.log.read_text(encoding="utf-8").splitlines()


@contextmanager
def serve(scratch: Path, *options: str, patience: float = 180) -> Iterator[Server]:
    """``gath-bench demo`` with these options, until it is left."""
    log, out = scratch / "foreign.txt", scratch / "demo.txt"
    log.touch()
    with out.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(log), "demo", *options],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        deadline = time.monotonic() + patience
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/", out.read_text(encoding="utf-8"))):
            assert process.poll() is None, out.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, "the demo did not start"
            time.sleep(0.2)
        yield Server(found[0], log)
    finally:
        process.terminate()
        process.wait(timeout=60)
