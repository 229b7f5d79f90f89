"""Weights files of users: the search order, what is said when one is missing, download and hashes.

Nothing is downloaded unless `download` is called, which only ``gath-bench weights get`` does.

The search order is: an explicit path (a component's parameter ``weights``), the folder that ``GATH_BENCH_WEIGHTS``
names, the cache folder that ``gath-bench weights get`` and ``add`` write to, and the folders of other packages that
the `WeightsSpec` names.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from gath_bench.contracts.keys import file_hash
from gath_bench.contracts.specs import WeightsSpec
from gath_bench.errors import UsageError
from gath_bench.files import PARTIAL, atomic_write, write_json

#: Environment variable that names a folder of weights.
VARIABLE = "GATH_BENCH_WEIGHTS"
#: The file in the cache folder that records the hashes of what was downloaded and added.
RECORD = "weights.json"

#: Called with the number of bytes so far and the total, None if unknown.
Progress = Callable[[int, int | None], None]


def cache_folder() -> Path:
    """The folder that ``gath-bench weights`` writes to: ``$XDG_CACHE_HOME/gath-bench/weights`` on Linux."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = os.environ.get("XDG_CACHE_HOME") or "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "gath-bench" / "weights"


def find_weights(spec: WeightsSpec, given: Path | None = None) -> Path | None:
    """The first file that the search order finds; None if there is none.

    Args:
        spec: the weights.
        given: an explicit path. It is the only place that is then looked at.

    Raises:
        UsageError: there is no file at the explicit path.
    """
    if given is not None:
        given = given.expanduser()
        if not given.is_file():
            raise UsageError(f"there is no weights file {given}: give the path of {spec.files[0]}.")
        return given
    for folder in _folders(spec):
        for name in spec.files:
            path = folder / name
            if path.is_file() and all((folder / other).is_file() for other in spec.beside):
                return path
    return None


def missing_weights(spec: WeightsSpec) -> str:
    """What to do about missing weights, as the end of a sentence: ``needs ...``.

    >>> missing_weights(WeightsSpec("net", ("net.pth",), "a network", "MIT", url="https://example.org/net.pth"))
    'needs net.pth: run `gath-bench weights get net`, or set GATH_BENCH_WEIGHTS to its folder'
    """
    how = f"get {spec.name}" if spec.url else f"add {spec.name} FILE"
    return f"needs {spec.files[0]}: run `gath-bench weights {how}`, or set {VARIABLE} to its folder"


def weights_problem(spec: WeightsSpec) -> str | None:
    """Why a component cannot use its weights; None if they are found and have the known size.

    The hash is not computed here: `download` and `add_weights` check it.
    """
    path = find_weights(spec)
    if path is None:
        return missing_weights(spec)
    size = path.stat().st_size
    if spec.size is not None and path.name == spec.files[0] and size != spec.size:
        again = f"delete it, then `gath-bench weights get {spec.name}`"
        return f"{path.name} has {size} bytes instead of {spec.size}: {again}"
    return None


def recorded_hashes() -> dict[str, str]:
    """File name -> SHA-256 of the files in the cache folder, as they were downloaded or added."""
    path = cache_folder() / RECORD
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read ({type(error).__name__}): delete it.") from error
    return {str(name): str(value) for name, value in content.items()}


def add_weights(spec: WeightsSpec, file: Path) -> Path:
    """Copy a file of the user's into the cache folder and record its SHA-256; the path of the copy.

    Where the SHA-256 of the published file is known, a file of that name must match it.

    Raises:
        UsageError: the file does not exist, is of another type, does not match, or lacks a file beside it.
    """
    if not file.is_file():
        raise UsageError(f"there is no file {file}: give the path of {' or '.join(spec.files)}.")
    name = next((name for name in spec.files if Path(name).suffix == file.suffix), None)
    if name is None:
        raise UsageError(f"{file} is not {' or '.join(spec.files)}: give a file of that type.")
    absent = [other for other in spec.beside if not (file.parent / other).is_file()]
    if absent:
        raise UsageError(f"{file.parent} lacks {', '.join(absent)}, which belongs to {file.name}.")
    if name == spec.files[0]:
        _check_hash(spec, file, str(file))
    folder = _made_cache_folder()
    for source, target in ((file, name), *((file.parent / other, other) for other in spec.beside)):
        with atomic_write(folder / target) as copy, source.open("rb") as original:
            shutil.copyfileobj(original, copy)
        _record(folder / target)
    return folder / name


def download(
    spec: WeightsSpec,
    *,
    url: str | None = None,
    allow_local: bool = False,
    progress: Progress = lambda done, total: None,
) -> Path:
    """Download a weights file into the cache folder; the path of the file.

    The file appears under its name only when it is complete and its SHA-256 matches. A download that was cut off is
    resumed by the next call if the SHA-256 is known; otherwise it starts again.

    Args:
        spec: the weights.
        url: another place with the same file; by default the publisher's.
        allow_local: also accept ``file:`` and, on this machine's loopback interface, ``http:``.
        progress: called after every chunk.

    Raises:
        UsageError: there is no URL, it is not https, the transfer failed, or the file is not the published one.
    """
    url = url or spec.url
    if url is None:
        raise UsageError(
            f"{spec.name} cannot be downloaded as one file: obtain {spec.files[0]} from its publisher "
            f"({spec.summary}), then `gath-bench weights add {spec.name} FILE`."
        )
    # On use: the HTTP client takes longer to import than the help.
    from gath_bench.download import check_url, fetch

    check_url(url, allow_local)
    folder = _made_cache_folder()
    target = folder / spec.files[0]
    if target.is_file() and spec.sha256 and file_hash(target).startswith(spec.sha256):
        return target
    partial = target.with_name(target.name + PARTIAL)
    if not spec.sha256:  # without a hash, a resumed file could mix two versions
        partial.unlink(missing_ok=True)
    fetch(url, partial, allow_local, progress)
    try:
        _check_hash(spec, partial, url)
    except UsageError:
        partial.unlink()
        raise
    partial.replace(target)
    _record(target)
    return target


def _check_hash(spec: WeightsSpec, path: Path, source: str) -> None:
    size = path.stat().st_size
    if spec.size is not None and size != spec.size:
        raise UsageError(
            f"{source} is not the published {spec.files[0]}: {size} bytes instead of {spec.size}."
        )
    if spec.sha256 is not None:
        found = file_hash(path)
        if not found.startswith(spec.sha256):
            raise UsageError(
                f"{source} is not the published {spec.files[0]}: its SHA-256 is {found[:16]}..., "
                f"not {spec.sha256[:16]}...; nothing was installed."
            )


def _made_cache_folder() -> Path:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the cache folder {folder} cannot be created: {error.strerror}.") from error
    return folder


def _record(path: Path) -> None:
    write_json(path.parent / RECORD, {**recorded_hashes(), path.name: file_hash(path)})


def _folders(spec: WeightsSpec) -> Iterator[Path]:
    given = os.environ.get(VARIABLE)
    if given:
        yield Path(given).expanduser()
    yield cache_folder()
    for folder in spec.folders:
        expanded = os.path.expandvars(folder)
        if "$" not in expanded:  # a variable that is not set names no folder
            yield Path(expanded).expanduser()
