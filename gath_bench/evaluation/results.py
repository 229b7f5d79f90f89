"""``Results``: one or more runs as data frames, reports and comparisons. pandas is imported on first use."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from glob import glob
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gath_bench.analysis import Joined, PairedDifference, SummaryRow, compare, join, summarise
from gath_bench.analysis.summarise import row_key
from gath_bench.errors import UsageError
from gath_bench.plugins import Plugins, PluginWarning
from gath_bench.results import Manifest, Run, load
from gath_bench.results.columns import distinct

if TYPE_CHECKING:
    import pandas as pd
    from pandas.io.formats.style import Styler

    from gath_bench.evaluation.verification import Verification

_INDEX = ["dataset", "split", "protocol", "model"]


@dataclass(frozen=True, repr=False, eq=False)
class Results:
    """One or more runs.

    ``print(results)`` and notebooks show the tables.

    Attributes:
        opened: the run folders.
        plugins: the plugins that ``verify`` takes components from; None takes the installed ones.
        first_rank: whether this process is rank 0 of ``torchrun``, which prints.
    """

    opened: tuple[Run, ...]
    plugins: Plugins | None = None
    first_rank: bool = True

    @cached_property
    def _joined(self) -> Joined:
        return join(self.opened)

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs; those on the same samples are joined into one."""
        return tuple(self._joined.runs)

    @property
    def notes(self) -> tuple[str, ...]:
        """Why runs could not be joined, one sentence each."""
        return tuple(self._joined.notes)

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """The manifest of each run."""
        return tuple(run.manifest for run in self.runs)

    @property
    def path(self) -> Path:
        """The folder of the run, or of the first one."""
        return self.opened[0].path

    @property
    def failed(self) -> bool:
        """Whether a component failed in some cell."""
        return any(cell.status == "failed" for manifest in self.manifests for cell in manifest.cells)

    @property
    def finished(self) -> bool:
        """Whether all cells were measured; false after a timeout."""
        return all(manifest.status == "finished" for manifest in self.manifests)

    @property
    def metrics_without_values(self) -> dict[str, str]:
        """Requested metric -> why it has no value of any model on any data set, not even for the baseline rows.

        Failed metrics are not listed: `failed` tells.
        """
        reasons: dict[str, str] = {}
        for run in self.runs:
            grouped = distinct(run.unordered, ("metric", "observation", "status", "reason"))
            for record in run.manifest.metrics:
                mine = [entry for entry in grouped if entry["metric"] == record.name]
                valued = {entry["observation"] for entry in mine if entry["status"] != "na"}
                if any(valued.issuperset(summary.inputs) for summary in record.summaries if summary.primary):
                    continue
                why = next((entry["reason"] for entry in mine if entry["status"] == "na"), None)
                reasons[record.name] = why or "it is not defined under the protocols of the run"
        return reasons

    def __repr__(self) -> str:
        from gath_bench.report import render_report

        return "\n".join([render_report(self.opened), *self.notes])

    def _repr_html_(self) -> str:
        return self.to_wide().to_html(na_rep="NA", float_format="{:.4g}".format)

    def values(self) -> dict[str, float]:
        """Value name (``"au-error.mae"``) -> value over all samples and AUs, for one model on one data set.

        NA values are left out; a failed metric is left out with a warning.

        Raises:
            UsageError: there are several values of one name.
        """
        found: dict[str, float] = {}
        for _, row in self._rows():
            if row.au is not None:
                continue
            if row.status == "failed":
                warnings.warn(f"{row.metric} failed: {row.reason}", PluginWarning, stacklevel=2)
            if row.value is None:
                continue
            if row.metric in found:
                raise UsageError(
                    f"there are several values of {row.metric}: evaluate one model on one data set, "
                    "and each metric once."
                )
            found[row.metric] = row.value
        return found

    def report(
        self,
        format: str = "console",
        path: str | PathLike[str] | None = None,
        *,
        metrics: Sequence[str] = (),
        intervals: bool = True,
    ) -> None:
        """Write the tables to a file, or print them.

        Args:
            format: ``"console"``, ``"markdown"``, ``"latex"``, ``"html"``, ``"csv"``, ``"parquet"`` or ``"json"``.
            path: the file; None prints.
            metrics: value names (``"au-error.mae"``), or metric names for all primary values of a metric; all if
                empty.
            intervals: whether to include the 95 % confidence intervals.

        Raises:
            UsageError: an unknown format or metric, several runs that do not fit into one file, a format that needs
                a file, or a file that cannot be written.
        """
        from gath_bench.report import write_report

        output = None if path is None else Path(path)
        write_report(self.opened, format, output, metrics=metrics, intervals=intervals)

    def compare(
        self,
        other: Results,
        *,
        pairs: Sequence[tuple[str, str]] = (),
        metrics: Sequence[str] = (),
        namesakes: bool = False,
        headlines: bool = False,
    ) -> list[PairedDifference]:
        """Paired differences between this run (A) and another (B) on their common samples.

        Args:
            other: the other run.
            pairs: models to compare, one of A and one of B each; by default those of equal names.
            metrics: bare names of the metrics to compare; all if empty.
            namesakes: compare models with one name only, if there are any.
            headlines: only the primary values, if there are any.

        Raises:
            UsageError: the runs are not comparable; the sentence names each part that differs.
        """
        mine, theirs = self._single(), other._single()
        return compare(mine, theirs, pairs=pairs, metrics=metrics, namesakes=namesakes, headlines=headlines)

    def verify(self, *, limit: int | None = None, progress: bool = False) -> Verification:
        """Measure the run again and compare the values; see ``gath_bench.evaluation.verification``."""
        from gath_bench.evaluation.verification import verify

        return verify(self._single(), limit=limit, progress=progress, plugins=self.plugins)

    def _single(self) -> Run:
        if len(self.opened) != 1:
            raise UsageError("this takes a single run: open it with load_run.")
        return self.opened[0]

    def to_long(self) -> pd.DataFrame:
        """One row per observation of a sample: model, dataset, ..., metric, key, observation, au, value, status.

        ``value`` is NaN where ``status`` is not ``"ok"``, and ``reason`` says why.
        """
        import pandas as pd

        return pd.concat([_long(run) for run in self.runs], ignore_index=True)

    def to_summary(self) -> pd.DataFrame:
        """One row per table value, with the fields of ``gath-bench run --json`` as columns."""
        import pandas as pd

        return pd.DataFrame([{"run": run.path.name, **asdict(row)} for run, row in self._rows()])

    def to_wide(self) -> pd.DataFrame:
        """Models by metrics, as in the tables: the values over all AUs.

        The index is (dataset, split, protocol, model), with the run in front if there are several. The columns are
        the metrics' value names, with their keys if a name has several.
        """
        return self._wide("value")

    def styler(self) -> Styler:
        """``to_wide`` for a notebook: the best in bold, what is not significantly worse underlined."""
        wide = self.to_wide()
        styled = wide.style
        best, tied = (self._wide(name).eq(True) for name in ("best", "tied"))
        displays = {
            summary.name: record.display
            for manifest in self.manifests
            for record in manifest.metrics
            for summary in record.summaries
        }
        shown: Any = {column: displays[str(column).split(" ")[0]] for column in wide.columns}
        return (
            styled.format(shown, na_rep="NA")
            .apply(lambda _: best.map(lambda on: "font-weight: bold" if on else ""), axis=None)
            .apply(lambda _: tied.map(lambda on: "text-decoration: underline" if on else ""), axis=None)
        )

    def _rows(self) -> Iterator[tuple[Run, SummaryRow]]:
        for run in self.runs:
            for row in summarise(run.manifest, run.unordered):
                yield run, row

    def _wide(self, field: str) -> pd.DataFrame:
        summary = self.to_summary()
        whole = summary[summary["au"].isna()]
        keys = whole.groupby("metric", sort=False)["key"].nunique()
        columns = whole["metric"].where(whole["metric"].map(keys) == 1, whole["metric"] + " " + whole["key"])
        data = whole.groupby("dataset")["dataset_key"].nunique()
        named = whole["dataset"].where(whole["dataset"].map(data) == 1, whole["dataset_key"])
        whole = whole.assign(column=columns, dataset=named)
        index = _INDEX if len(self.runs) == 1 else ["run", *_INDEX]
        wide = whole.set_index([*index, "column"])[field].unstack("column")
        rows = list(dict.fromkeys(whole.set_index(index).index))
        return wide.reindex(index=rows, columns=list(dict.fromkeys(columns))).rename_axis(columns=None)


def load_run(path: str | PathLike[str]) -> Results:
    """Open a run folder.

    Raises:
        UsageError: the folder is not a run folder.
    """
    return Results((load(Path(path)),))


def load_runs(pattern: str) -> Results:
    """Open the run folders that match a pattern such as ``results/runs/*``; runs on the same samples are joined.

    Raises:
        UsageError: no folder matches, or one is not a run folder.
    """
    paths = [Path(path) for path in sorted(glob(pattern))]
    if not paths:
        raise UsageError(
            f"no folder matches {pattern!r}: give a pattern of run folders such as 'results/runs/*'."
        )
    return Results(tuple(load(path) for path in paths))


def _long(run: Run) -> pd.DataFrame:
    rows = run.observations.to_pandas().astype({"cell": "category"})
    cells = {cell.cell_id: cell for cell in run.manifest.cells}
    for number, name in enumerate((*_INDEX, "model_key", "dataset_key")):
        words = {cell_id: getattr(cell, name) for cell_id, cell in cells.items()}
        rows.insert(number, name, rows["cell"].map(words).astype("category"))
    keys = {
        (cell.cell_id, name): row_key(run.manifest, cell, run.manifest.metric(name))
        for cell in run.manifest.cells
        for name in cell.metrics
    }
    pairs = rows.groupby(["cell", "metric"], observed=True, sort=False).ngroup()
    firsts = rows.loc[~pairs.duplicated(), ["cell", "metric"]]
    named = {pairs[at]: keys[cell, metric] for at, cell, metric in firsts.itertuples()}
    rows.insert(rows.columns.get_loc("metric") + 1, "key", pairs.map(named).astype("category"))
    rows.insert(0, "run", run.path.name)
    long: pd.DataFrame = rows.drop(columns=["cell", "batch", "position"])
    return long
