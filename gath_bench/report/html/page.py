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
import shlex
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from gath_bench.analysis import join
from gath_bench.errors import UsageError
from gath_bench.report.html.by_au import control_curves, heat_maps
from gath_bench.report.html.gallery import gallery
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
    environment.filters["command"] = shlex.join
    environment.filters["pretty"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)

    joined = join(runs)
    found, labels = places([Source(run, summary_rows(run, intervals)) for run in joined.runs])
    scripts = [_unix(text) for text in (get_plotlyjs(), _asset("page.js"))]
    return environment.get_template("page.html.j2").render(
        scripts=[Markup(text) for text in scripts],
        hashes=" ".join(f"'{_hash(text)}'" for text in scripts),
        style=Markup(_asset("page.css")),
        title=_title(runs),
        labels=labels,
        notes=[_without_paths(note, runs) for note in joined.notes],
        references={line.number for place in found for line in place.lines if line.reference},
        runs=[(run.path.resolve().name, run.manifest) for run in runs],
        places=[_sections(place) for place in found],
        data={"models": labels, "places": [_data(place, len(found)) for place in found]},
        arrows=ARROWS,
        footnotes={"best": BEST, TIED: NOT_WORSE, DAGGER: CONTAMINATED, "few": FEW_SUBJECTS},
    )


def _sections(place: Place) -> dict[str, Any]:
    """A place in the format of the template."""
    reasons, left_out = missing(place)
    cells = place.table.cells
    return {
        "place": place,
        "table": list(zip(place.lines, place.table.lines, strict=True)),
        "heat": heat_maps(place),
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
        "spread": distributions(place),
        "gallery": gallery(place, GALLERY_CHARACTERS // count),
    }


def _without_paths(note: str, runs: Sequence[Run]) -> str:
    """A note with the names of the run folders in place of their paths: reports are shared."""
    for path in sorted({str(run.path) for run in runs}, key=len, reverse=True):
        note = note.replace(path, Path(path).resolve().name)
    return note


def _title(runs: Sequence[Run]) -> str:
    names = dict.fromkeys(str(run.manifest.suite.get("name", run.path.resolve().name)) for run in runs)
    return ", ".join(names)


def _asset(name: str) -> str:
    return resources.files("gath_bench.report.html").joinpath("assets", name).read_text(encoding="utf-8")


def _unix(text: str) -> str:
    # Browsers convert line ends to "\\n" before they compute the hash.
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _hash(script: str) -> str:
    """The hash of a script in a Content-Security-Policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
