"""Runs in Python: ``gath_bench.load_run(path).to_wide()`` and its like. pandas is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from glob import glob
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gath_bench.analysis import Row, join, summarise
from gath_bench.analysis.summarise import row_key
from gath_bench.errors import UsageError
from gath_bench.results import Manifest, Run, load

if TYPE_CHECKING:
    import pandas as pd
    from pandas.io.formats.style import Styler

_INDEX = ["dataset", "split", "protocol", "model"]


@dataclass(frozen=True)
class Results:
    """One run or several.

    Attributes:
        runs: runs that stand in tables of their own; those on the same samples are one run here.
        notes: why they stand apart: one sentence each.
    """

    runs: tuple[Run, ...]
    notes: tuple[str, ...] = ()

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """The manifest of each run."""
        return tuple(run.manifest for run in self.runs)

    def to_long(self) -> pd.DataFrame:
        """One row an observation of a sample: model, dataset, ..., metric, key, observation, au, value, status.

        ``value`` is NaN where ``status`` is not ``"ok"``, and ``reason`` says why.
        """
        import pandas as pd

        return pd.concat([_long(run) for run in self.runs], ignore_index=True)

    def to_summary(self) -> pd.DataFrame:
        """One row a value of the tables, with the fields of ``gath-bench run --json`` as columns."""
        import pandas as pd

        return pd.DataFrame([{"run": run.path.name, **asdict(row)} for run, row in self._rows()])

    def to_wide(self) -> pd.DataFrame:
        """Models by metrics, as the tables have it: the values over all AUs.

        The index is (dataset, split, protocol, model), behind the run where there are several; the columns are the
        metrics' value names, and their keys where a name has two.
        """
        return self._wide("value")

    def styler(self) -> Styler:
        """``to_wide`` for a notebook: the best in bold, what is not significantly worse underlined.

        Raises:
            UsageError: Jinja2, which pandas styles with, is not installed.
        """
        try:
            wide = self.to_wide()
            styled = wide.style
        except (ImportError, AttributeError) as error:
            raise UsageError("a styled table needs Jinja2: pip install 'gath-bench[report]'.") from error
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

    def _rows(self) -> Iterator[tuple[Run, Row]]:
        for run in self.runs:
            for row in summarise(run.manifest, run.rows):
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
        UsageError: the folder is not a run.
    """
    return Results((load(Path(path)),))


def load_runs(pattern: str) -> Results:
    """Open the run folders that a pattern names, ``results/runs/*``, joined where they are on the same samples.

    Raises:
        UsageError: no folder, or one that is not a run.
    """
    paths = sorted(glob(pattern))
    if not paths:
        raise UsageError(
            f"{pattern!r} names no folder: give a pattern of run folders such as 'results/runs/*'."
        )
    joined = join([load(Path(path)) for path in paths])
    return Results(tuple(joined.runs), tuple(joined.notes))


def _long(run: Run) -> pd.DataFrame:
    rows = run.rows.to_pandas().astype({"cell": "category"})
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
