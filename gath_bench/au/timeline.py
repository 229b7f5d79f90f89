"""AU time series for driving an animation: one row per output frame, without gaps.

`make_timeline` turns what a reader gives (`AUSeries`) into coefficients at a constant frame rate:

1. Of several faces, the one with the most rows is taken.
2. Rows on which the tracker failed, and empty cells, are interpolated linearly in time; the ends are held. An AU
   that the file does not have at all is 0.
3. Values are interpolated linearly at the times of the output frames.

Nothing is smoothed on the way; `smooth` and `relative_to_first` are steps of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gath_bench.au.series import AUSeries
from gath_bench.au.spaces import AUSpace
from gath_bench.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

#: Frames per second of a series that has no times.
DEFAULT_FPS = 30.0
#: Times that mean a higher rate were not measured: OpenFace writes 1 ms steps for sequences of images.
MAX_FPS = 240.0
#: Frames and polynomial order of the Savitzky-Golay filter: a fifth of a second at 30 frames per second, so that
#: a blink (0.1 to 0.4 s) keeps its depth.
SMOOTH_FRAMES, SMOOTH_ORDER = 7, 2

_USUAL_RATES = (
    10,
    12,
    12.5,
    15,
    20,
    24000 / 1001,
    24,
    25,
    30000 / 1001,
    30,
    48,
    50,
    60000 / 1001,
    60,
    90,
    100,
    120,
)


@dataclass(frozen=True, eq=False)
class AUTimeline:
    """AU coefficients at a constant frame rate.

    Attributes:
        values: float32 (N, K) in [0, 1], no NaN.
        space: the AU space, K labels.
        fps: frames per second.
        notes: sentences about what was missing and what was assumed.
    """

    values: NDArray[np.float32]
    space: AUSpace
    fps: float
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)


def make_timeline(series: AUSeries, fps: float | None = None) -> AUTimeline:
    """A series at a constant frame rate.

    Args:
        series: what `read_au_csv` gave.
        fps: frames per second of the result; the series' own by default, `DEFAULT_FPS` if it has no times.

    Returns:
        round(duration * fps) frames; the last row lasts one row's time.

    Raises:
        UsageError: no row can be used, the times do not ascend, or ``fps`` is not positive.
    """
    import numpy as np

    if fps is not None and not fps > 0:
        raise UsageError(f"{fps:g} frames per second is not possible: give a positive rate.")
    notes = list(series.warnings)
    rows = np.arange(len(series))
    if series.face is not None:
        faces, counts = np.unique(series.face, return_counts=True)
        rows = np.flatnonzero(series.face == faces[counts.argmax()])
        if len(faces) > 1:
            notes.append(f"face {faces[counts.argmax()]} of {len(faces)} is used: it has the most rows.")
    values = series.values[rows].astype(np.float64)
    if series.success is not None:
        values[~series.success[rows]] = np.nan
    usable = ~np.isnan(values).all(axis=1)
    if not usable.any():
        raise UsageError(f"{series.path} has no usable row: give a file with AU values.")
    if not usable.all():
        notes.append(f"{int((~usable).sum())} of {len(values)} rows have no AUs: interpolated.")
    if series.timestamp is None:
        rate = fps or DEFAULT_FPS
        times = np.arange(len(rows)) / rate
        notes.append(f"{series.path.name} has no times: its rows are taken as {rate:g} frames per second.")
    else:
        times, values = _ascending(series, series.timestamp[rows], values)
    rate = _frame_rate(times) if len(times) > 1 else fps or DEFAULT_FPS
    if rate > MAX_FPS:
        notes.append(
            f"the times of {series.path.name} mean {rate:g} frames per second: taken as {DEFAULT_FPS:g}."
        )
        rate, times = DEFAULT_FPS, np.arange(len(times)) / DEFAULT_FPS
    wanted = fps or rate
    result = resample(fill_gaps(values, times), times, wanted, last=1 / rate)
    return AUTimeline(result.clip(0, 1), series.space, wanted, tuple(dict.fromkeys(notes)))


def fill_gaps(values: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace NaN, column by column: linear in time, the ends held, 0 in a column of NaN alone.

    Args:
        values: (N, K).
        times: (N,) seconds, ascending.
    """
    import numpy as np

    filled = np.zeros_like(values)
    for column in range(values.shape[1]):
        known = ~np.isnan(values[:, column])
        if known.any():
            filled[:, column] = np.interp(times, times[known], values[known, column])
    return filled


def resample(
    values: NDArray[np.float64], times: NDArray[np.float64], fps: float, *, last: float
) -> NDArray[np.float32]:
    """Values at a constant frame rate, linear between rows.

    Args:
        values: (N, K), no NaN.
        times: (N,) seconds, ascending.
        fps: frames per second of the result.
        last: how long the last row lasts in seconds.

    Returns:
        float32 (round((times[-1] - times[0] + last) * fps), K), at least one row.
    """
    import numpy as np

    count = max(1, round((times[-1] - times[0] + last) * fps))
    at = times[0] + np.arange(count) / fps
    return np.stack([np.interp(at, times, column) for column in values.T], axis=1).astype(np.float32)


def smooth(values: ArrayLike, frames: int = SMOOTH_FRAMES, order: int = SMOOTH_ORDER) -> NDArray[np.float32]:
    """AU coefficients, filtered over time by `savitzky_golay` and clipped to [0, 1].

    Args:
        values: (N, K) in [0, 1].
        frames, order: of the filter.

    Returns:
        float32 (N, K).
    """
    import numpy as np

    return savitzky_golay(values, frames, order).clip(0, 1).astype(np.float32)


def savitzky_golay(values: ArrayLike, frames: int, order: int) -> NDArray[np.float64]:
    """Savitzky-Golay filter over time: a least-squares polynomial through a window around each frame.

    It has no phase shift, so that a smile does not come late. At the ends the polynomial of the first and last
    window is evaluated. Savitzky & Golay, Analytical Chemistry 36 (1964) 1627.

    Args:
        values: (N, K), no NaN.
        frames: length of the window, odd; shortened for a series that is shorter.
        order: order of the polynomial.

    Returns:
        float64 (N, K).
    """
    import numpy as np

    series = np.asarray(values, dtype=np.float64)
    frames = min(frames, len(series) - (len(series) + 1) % 2)
    if frames <= order:
        return series
    half = frames // 2
    powers = np.arange(-half, half + 1)[:, None] ** np.arange(order + 1)
    project = powers @ np.linalg.pinv(powers)  # row i: the weights that give the polynomial at position i
    windows = np.lib.stride_tricks.sliding_window_view(series, frames, axis=0)  # (N - 2 half, K, frames)
    result = np.empty_like(series)
    result[half : len(series) - half] = windows @ project[half]
    result[:half] = project[:half] @ series[:frames]
    result[len(series) - half :] = project[half + 1 :] @ series[-frames:]
    return result


def relative_to_first(values: ArrayLike, base: ArrayLike) -> NDArray[np.float32]:
    """The changes since the first frame, added to a portrait's own AUs.

    Args:
        values: (N, K) in [0, 1], the driver.
        base: (K,) in [0, 1], the portrait.

    Returns:
        float32 (N, K), clipped to [0, 1]; its first row is ``base``.
    """
    import numpy as np

    series = np.asarray(values, dtype=np.float32)
    return (np.asarray(base, dtype=np.float32) + series - series[:1]).clip(0, 1)


def _ascending(
    series: AUSeries, times: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times without repeats (of rows with one time the last counts), and their values."""
    import numpy as np

    known = ~np.isnan(times)
    times, values = times[known], values[known]
    if not len(times):
        raise UsageError(f"{series.path} has empty times: fill the time column, or leave it out.")
    back = np.flatnonzero(np.diff(times) < 0)
    if back.size:
        raise UsageError(
            f"the times in {series.path} do not ascend ({times[back[0] + 1]:g} s follows {times[back[0]]:g} s): "
            "sort the rows by time, or give one recording."
        )
    keep = np.append(np.diff(times) > 0, True)
    return times[keep], values[keep]


def _frame_rate(times: NDArray[np.float64]) -> float:
    """Rows per second; a usual rate where written times, rounded to 1 ms, do not tell the two apart.

    >>> import numpy as np
    >>> _frame_rate(np.array([0, 0.033, 0.067, 0.1]))
    30.0
    """
    import numpy as np

    steps = np.diff(times)
    # With rows missing in between, the median knows better than the mean.
    step = float(np.median(steps) if steps.max() > 1.5 * np.median(steps) else steps.mean())
    nearest = float(min(_USUAL_RATES, key=lambda rate: abs(rate * step - 1)))
    tolerance = max(2e-4, 0.0015 / (step * len(steps)))
    return nearest if abs(nearest * step - 1) <= tolerance else 1 / step
