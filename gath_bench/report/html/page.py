"""The page: tables for its template, data for its script, and its Content-Security-Policy.

Figures are drawn by plotly, whose library is embedded in the page (4.8 MB): it is maintained, zooms by touch and
mouse, and keeps text as text. Server-side SVG would be smaller, but has no values on hover and cannot follow the
colour scheme or the choice of models. Plotly's smaller bundles are not in its Python package, and a page made
offline cannot download them. Tabular data (summary, heat map, percentiles) is in HTML tables, which can be sorted,
copied, read by screen readers and reached by keyboard.

Names, reasons and sample ids are never markup: Jinja2 escapes them in the tables, ``tojson`` in the data, the
script writes them with ``textContent`` and escapes them for plotly. The Content-Security-Policy allows only the
page's own scripts, by their hashes, and no request.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from gath_bench.analysis import join
from gath_bench.errors import UsageError
from gath_bench.report.html.by_au import au_figures, au_pages, control_curves, heat_maps
from gath_bench.report.html.gallery import gallery
from gath_bench.report.html.leaderboard import leaderboard
from gath_bench.report.html.missing import missing
from gath_bench.report.html.pareto import pareto
from gath_bench.report.html.place import Place, Source, places
from gath_bench.report.html.spread import distributions
from gath_bench.report.table import (
    ARROWS,
    BEST,
    CONTAMINATED,
    DAGGER,
    FEW_SUBJECTS,
    NOT_WORSE,
    TIED,
    summary_rows,
)
from gath_bench.results.reader import Run

#: The most characters of the images of all galleries; with plotly the page then stays below 10 MB.
GALLERY_CHARACTERS = 3_000_000
#: The most characters of the models in a title, and of the data sets; more are counted.
_TITLE = 60


def render_page(runs: Sequence[Run], *, intervals: bool = True) -> str:
    """The page of one run or several, as text.

    Args:
        runs: the runs; those on the same samples share their tables.
        intervals: whether to show the 95 % intervals.

    Raises:
        UsageError: a package that the page needs is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
        from markupsafe import Markup
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        package = (error.name or "a package").partition(".")[0]
        raise UsageError(
            f"an HTML report needs {package}, which gath-bench depends on: pip install {package}."
        ) from error
    loader = PackageLoader("gath_bench.report.html", "assets")
    # Jinja2 would choose by the template's suffix: escape everything.
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters["breakable"] = lambda text: Markup("<wbr>").join(re.split(r"(?<=[-._])", text))
    # The same for attributes, which hold no markup: zero-width spaces.
    environment.filters["soft"] = lambda text: re.sub(r"(?<=[-._])", "\u200b", text)
    environment.filters["command"] = shlex.join
    environment.filters["plain"] = _plain
    environment.filters["time"] = _time
    environment.filters["pretty"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)

    joined = join(runs)
    found, labels = places([Source(run, summary_rows(run, intervals)) for run in joined.runs])
    scripts = [_unix(text) for text in (get_plotlyjs(), _asset("page.js"))]
    return environment.get_template("page.html.j2").render(
        scripts=[Markup(text) for text in scripts],
        hashes=" ".join(f"'{_hash(text)}'" for text in scripts),
        style=Markup(_asset("page.css")),
        title=_title(found),
        labels=labels,
        notes=[_without_paths(note, runs) for note in joined.notes],
        references={line.number for place in found for line in place.lines if line.reference},
        runs=[(run.path.resolve().name, run.manifest, _verify_command(run)) for run in runs],
        places=[_sections(place) for place in found],
        data={
            "models": labels,
            "places": [_data(place, len(found)) for place in found],
            "leaderboard": leaderboard(found) if len(runs) > 1 else None,
        },
        arrows=ARROWS,
        footnotes={"best": BEST, TIED: NOT_WORSE, DAGGER: CONTAMINATED, "few": FEW_SUBJECTS},
    )


def _sections(place: Place) -> dict[str, Any]:
    """A place in the format of the template."""
    reasons, left_out = missing(place)
    cells = place.table.cells
    heat = heat_maps(place)
    columns = [place.table.columns[number] for number in place.table.measured]
    lines = zip(place.lines, place.table.lines, strict=True)
    pages = au_pages(place, heat)
    return {
        "place": place,
        "columns": columns,
        "table": [
            (line, row, list(zip(columns, [row.cells[n] for n in place.table.measured], strict=True)))
            for line, row in lines
        ],
        "heat": heat,
        "aus": pages,
        "names": {page.au: page.name for page in pages},
        "missing": reasons,
        "left_out": left_out,
        "has_rank": any(line.rank is not None for line in place.table.lines),
        "has_tie": any(cell.tied for cell in cells),
        "has_gain": any(cell.gain for cell in cells),
        "has_dagger": any(cell.dagger for cell in cells),
        "has_few": any(cell.few_subjects for cell in cells),
        "has_interval": any(cell.interval for cell in cells),
    }


def _data(place: Place, count: int) -> dict[str, Any]:
    """A place in the format of the script."""
    return {
        "pareto": pareto(place),
        "curves": control_curves(place),
        "aus": au_figures(au_pages(place, heat_maps(place))),
        "spread": distributions(place),
        "gallery": gallery(place, GALLERY_CHARACTERS // count),
    }


def _without_paths(note: str, runs: Sequence[Run]) -> str:
    """A note with the names of the run folders in place of their paths: reports are shared."""
    for path in sorted({str(run.path) for run in runs}, key=len, reverse=True):
        note = note.replace(path, Path(path).resolve().name)
    return note


def _verify_command(run: Run) -> str:
    """The command that measures a run again, with the plugins that it needs."""
    options = [word for name in run.manifest.plugin_options for word in ("--plugin", name)]
    return shlex.join(["gath-bench", *options, "verify", run.path.resolve().name])


def _plain(value: object) -> str:
    """A value of a manifest's environment in words.

    >>> _plain(["avx", "fma"]), _plain(None), _plain(True), _plain(2)
    ('avx, fma', 'none', 'yes', '2')
    """
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value)) or "none"
    return (
        {None: "none", True: "yes", False: "no"}[value]
        if value is None or isinstance(value, bool)
        else str(value)
    )


def _time(stamp: str) -> str:
    """A time of a manifest, which is in UTC.

    >>> _time("2026-01-31T12:34:56+00:00")
    '2026-01-31 12:34:56 UTC'
    """
    return f"{stamp[:19].replace('T', ' ')} UTC"


def _title(found: Sequence[Place]) -> str:
    """The models and the data sets: ``gath and gath-warp on synthfaces and portraits``; many are counted."""
    lines = [line for place in found for line in place.lines]
    models = dict.fromkeys(line.label for line in lines if not line.reference)
    baselines = dict.fromkeys(line.label for line in lines)
    datasets = dict.fromkeys(place.lines[0].cell.dataset for place in found)
    who = _listed(list(models), "models") if models else _listed(list(baselines), "baselines")
    return f"{who} on {_listed(list(datasets), 'data sets')}"


def _listed(names: Sequence[str], noun: str) -> str:
    """``a, b and c``, or ``5 models`` where that is long.

    >>> _listed(["gath"], "models"), _listed(["a", "b", "c"], "models"), _listed(["a"] * 9, "models")
    ('gath', 'a, b and c', '9 models')
    """
    text = " and ".join([*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]])
    return text if len(names) < 6 and len(text) <= _TITLE else f"{len(names)} {noun}"


def _asset(name: str) -> str:
    return resources.files("gath_bench.report.html").joinpath("assets", name).read_text(encoding="utf-8")


def _unix(text: str) -> str:
    # Browsers convert line ends to "\\n" before they compute the hash.
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _hash(script: str) -> str:
    """The hash of a script in a Content-Security-Policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
