"""Atomic file writes: a reader sees the old file or the new one, never a part of one."""

from __future__ import annotations

import errno
import json
import os
import stat
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

#: The largest input file, in bytes: a photo, a suite, a manifest, a table of AUs.
MAX_INPUT = 2**30
#: The most dots in one line of TOML: a key of N parts takes time and memory that grow with the square of N.
MAX_TOML_DOTS = 500
#: Suffix of files that are being written.
PARTIAL = ".part"


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside ``path`` for writing; on success it is flushed to disk and renamed to ``path``.

    On an exception the temporary file is removed and ``path`` is left as it was. The parent folder must exist.

    Args:
        path: the file to write.

    Yields:
        A binary file, open for writing.

    Raises:
        OSError: the file cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with atomic_write(Path(folder) / "a.txt") as file:
    ...         _ = file.write(b"content")
    ...     (Path(folder) / "a.txt").read_text()
    'content'
    """
    # Not hidden, and with its own name in front: `remove_partial` and a person can tell what it belongs to.
    temporary = path.with_name(f"{path.name}.{uuid4().hex[:12]}{PARTIAL}")
    try:
        with temporary.open("wb") as file:
            yield file
            flush_to_disk(file)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def flush_to_disk(file: IO[bytes]) -> None:
    """Write everything that the program and the operating system still buffer."""
    file.flush()
    os.fsync(file.fileno())


def read_regular(path: Path, limit: int = MAX_INPUT) -> bytes:
    """The content of a file that a user gave.

    Raises:
        OSError: it cannot be read, it is a pipe or a device, which could block forever, or it has more than ``limit``
            bytes. ``strerror`` says which.
    """
    found = path.stat()
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    if found.st_size > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit >> 20} MiB", str(path))
    return path.read_bytes()


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Lock a folder against other processes that lock it too.

    The operating system releases the lock when its process ends, however it ends. Without file locks, as on Windows
    or on some network drives, nothing is locked.

    Raises:
        BlockingIOError: another process holds the lock.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # no locks on this file system
            pass
        yield
    finally:
        os.close(descriptor)


def parse_toml(text: str) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        ValueError: not TOML (then a ``tomllib.TOMLDecodeError``), a line has more than ``MAX_TOML_DOTS`` dots, or a
            number has thousands of digits.
        RecursionError: lists or tables are nested too deeply.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        if line.count(".") > MAX_TOML_DOTS:
            raise ValueError(f"line {number} has more than {MAX_TOML_DOTS} dots")
    return tomllib.loads(text)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    with atomic_write(path) as file:
        file.write(text.encode())


def write_json(path: Path, content: object) -> None:
    """Write a JSON file atomically. NaN and infinity are refused, since JSON has neither."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def remove_partial(folder: Path, pattern: str = "*") -> None:
    """Remove the temporary files that a killed process left in a folder.

    Args:
        folder: the folder; nothing happens if it does not exist.
        pattern: of the names of the files that were to be written.
    """
    for leftover in folder.glob(f"{pattern}{PARTIAL}"):
        leftover.unlink(missing_ok=True)
