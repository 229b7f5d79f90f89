"""Read AU time series of OpenFace, LibreFace, Live Link Face, py-feat and MediaPipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gath_bench.au.columns import AUColumns, find_au_columns
from gath_bench.au.maps import apply, find_map
from gath_bench.au.series import AUSeries
from gath_bench.au.spaces import DEFAULT_SPACE, AUSpace, get_space
from gath_bench.au.table import Table, read_columns, read_header
from gath_bench.au.timecode import DAY, parse_timecode, timecode_rate
from gath_bench.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Row attributes other than AUs -> their possible column names, in lower case.
_ROLES = {
    "frame": ("frame",),
    "timestamp": ("timestamp",),
    "timecode": ("timecode",),
    "success": ("success",),
    "confidence": ("confidence", "facescore"),
    "face": ("face_id", "face"),
    "sample_id": ("sample_id",),
}
#: Live Link Face columns that are in no AU space.
_UNUSED = (
    "tongueout",
    *(f"{part}{axis}" for part in ("head", "lefteye", "righteye") for axis in ("yaw", "pitch", "roll")),
)


def read_au_csv(path: str | Path, space: str = DEFAULT_SPACE, fps: float | None = None) -> AUSeries:
    """Read a CSV of AUs by column name, mapped to an AU space.

    Recognised: OpenFace 2 (``AU12_r`` in [0, 5]; image and video layout, with or without blanks after commas);
    LibreFace (``au_12_intensity`` in [0, 5]); plain ``AU12`` columns in [0, 1] (lists of this package; py-feat's
    probabilities); ARKit names in [0, 1] (Live Link Face; MediaPipe scores); ``FW01`` to ``FW46``. Other columns are
    ignored. The coefficients of a file in another space than ``space`` are mapped (`find_map`).

    Args:
        path: the file.
        space: the AU space of the result.
        fps: frame rate of Live Link Face timecodes; by default it is taken from the highest frame number in them (60
            for a recording within one second). Not used otherwise.

    Returns:
        N rows, including those on which the tracker failed. Missing values are NaN and listed in ``warnings``.

    Raises:
        UsageError: the file cannot be read, is empty or damaged, has no AU columns or a cell that is not a number in
            its range, or its space has no map to ``space``.
    """
    path = Path(path)
    requested = get_space(space)
    header = read_header(path)
    found = find_au_columns(path, header, requested)
    try:
        au_map = find_map(found.space.name, requested.name)
    except UsageError as error:
        raise UsageError(f"{path} is in AU space {found.space.name}: {error}") from None
    roles = _find_roles(header)
    table = read_columns(path, dict.fromkeys([*found.by_label.values(), *roles.values()]))
    native = _coefficients(table, found)
    return AUSeries(
        path=path,
        space=requested,
        values=apply(au_map, native),
        frame=_frames(table, roles),
        columns=found.by_label,
        native_space=found.space,
        timestamp=_timestamps(table, roles, fps),
        success=_success(table, roles),
        confidence=_confidence(table, roles),
        face=table.whole(roles["face"]) if "face" in roles else None,
        sample_ids=tuple(table.cells[roles["sample_id"]]) if "sample_id" in roles else None,
        warnings=_warnings(table, header, found, requested, native, roles),
    )


def _find_roles(header: tuple[str, ...]) -> dict[str, str]:
    lower = {name.lower(): name for name in reversed(header)}
    return {
        role: lower[names[0] if names[0] in lower else names[-1]]
        for role, names in _ROLES.items()
        if any(name in lower for name in names)
    }


def _coefficients(table: Table, found: AUColumns) -> NDArray[np.float32]:
    """(N, K) coefficients in the file's own space; NaN for missing columns and empty cells."""
    import numpy as np

    hint = (
        "OpenFace intensities are in [0, 5]; export the file again."
        if found.high > 1
        else "plain columns are coefficients; use the column name AU12_r for FACS intensities from 0 to 5."
    )
    values = np.full((len(table.lines), len(found.space)), np.nan, dtype=np.float32)
    for label, column in found.by_label.items():
        cells = table.numbers(column, 0.0, found.high, hint)
        values[:, found.space.labels.index(label)] = cells / found.high
    return values


def _frames(table: Table, roles: dict[str, str]) -> NDArray[np.int64]:
    import numpy as np

    return table.whole(roles["frame"]) if "frame" in roles else np.arange(len(table.lines))


def _timestamps(table: Table, roles: dict[str, str], fps: float | None) -> NDArray[np.float64] | None:
    """Seconds: the column ``timestamp``, or the time since the first timecode, also across midnight."""
    import numpy as np

    if "timestamp" in roles:
        return table.numbers(roles["timestamp"], -np.inf, np.inf)
    if "timecode" not in roles:
        return None
    seconds = np.empty(len(table.lines), dtype=np.float64)
    if fps is None:
        fps = timecode_rate(table.cells[roles["timecode"]])
    for row, cell in enumerate(table.cells[roles["timecode"]]):
        try:
            seconds[row] = parse_timecode(cell, fps)
        except UsageError as error:
            raise UsageError(f"{table.path}, line {table.lines[row]}: {error}") from None
    elapsed: NDArray[np.float64] = (seconds - seconds[0]) % DAY
    return elapsed


def _success(table: Table, roles: dict[str, str]) -> NDArray[np.bool_] | None:
    if "success" not in roles:
        return None
    return table.numbers(roles["success"], 0.0, 1.0) > 0.5


def _confidence(table: Table, roles: dict[str, str]) -> NDArray[np.float32] | None:
    import numpy as np

    if "confidence" not in roles:
        return None
    return table.numbers(roles["confidence"], -np.inf, np.inf).astype(np.float32)


def _warnings(
    table: Table,
    header: tuple[str, ...],
    found: AUColumns,
    requested: AUSpace,
    native: NDArray[np.float32],
    roles: dict[str, str],
) -> tuple[str, ...]:
    import numpy as np

    sentences: list[str] = []
    missing = [label for label in found.space.labels if label not in found.by_label]
    missing = [label for label in missing if label != "_neutral"]  # not an action
    if missing:
        sentences.append(f"no column for {', '.join(missing)}: NaN.")
    present = [found.space.labels.index(label) for label in found.by_label]
    empty = int(np.isnan(native[:, present]).sum())
    if empty:
        sentences.append(f"{empty} AU cells are empty: NaN.")
    if found.space != requested:
        au_map = find_map(found.space.name, requested.name)
        loss = f", uncovered: {', '.join(au_map.uncovered)}" if au_map.uncovered else ""
        sentences.append(f"mapped from {found.space.name} to {requested.name}{loss}. {au_map.notes}")
    unused = [name for name in header if name.lower() in _UNUSED]
    if unused:
        sentences.append(f"not used: {', '.join(unused)}.")
    success = _success(table, roles)
    if success is not None and not success.all():
        failed = int((~success).sum())
        sentences.append(f"the tracker failed on {failed} of {len(success)} rows: kept, flagged.")
    if "face" in roles and len(set(table.cells[roles["face"]])) > 1:
        sentences.append("the file holds more than one face: select rows by face.")
    return tuple(sentences)
