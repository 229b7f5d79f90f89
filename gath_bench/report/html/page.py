"""The page: data for its script, tables for its template, and a policy that lets nothing in or out.

Figures are drawn by plotly, whose library is in the page (4.8 MB): it is kept, zooms by touch and by mouse, and
its text stays text. Server-side SVG would be smaller but could neither be asked for a point's value nor follow
the reader's colour scheme or choice of models; plotly's smaller bundles are no part of its Python package, and a
page made offline cannot fetch them. What is a table anyway (summary, heat map, percentiles) is an HTML table:
that can be sorted, read aloud, copied and reached by keyboard.

Nothing that comes from outside (names, reasons, sample ids) is ever markup: Jinja2 escapes it in the tables,
``tojson`` in the data, the script writes it with ``textContent``, plotly gets it escaped. The
Content-Security-Policy allows the page's own scripts by their hashes and no request at all.
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
from gath_bench.report.grid import ARROWS, DAGGER, TAUGHT
from gath_bench.report.html.by_au import control_curves, heat_maps
from gath_bench.report.html.gallery import gallery
from gath_bench.report.html.lines import Place, places
from gath_bench.report.html.missing import missing
from gath_bench.report.html.pareto import pareto
from gath_bench.report.html.spread import distributions
from gath_bench.report.html.summary import has_ranks, table
from gath_bench.results.reader import Run

#: Characters that the images of all galleries may take; with plotly the page then stays below 10 MB.
GALLERY_CHARACTERS = 3_000_000


def write_html(runs: Sequence[Run], output: Path | None) -> None:
    """Write one page from one run or several.

    Raises:
        UsageError: no file is named, it cannot be written, or the `report` extra is not installed.
    """
    if output is None:
        raise UsageError("an HTML report is a page of several megabytes: name a file with -o FILE.")
    text = render(runs)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(
            f"{output} cannot be written: {error.strerror}; give another file with -o."
        ) from error


def render(runs: Sequence[Run]) -> str:
    """The page as text.

    Raises:
        UsageError: the `report` extra is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
        from markupsafe import Markup
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise UsageError(f"an HTML report needs {error.name}: pip install 'gath-bench[report]'.") from error
    loader = PackageLoader("gath_bench.report.html", "assets")
    # Everything is escaped, whatever the file is called.
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters["command"] = shlex.join
    environment.filters["pretty"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)

    joined = join(runs)
    found, labels = places(joined.runs)
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
        places=[_seen(place) for place in found],
        data={"models": labels, "places": [_data(place, len(found)) for place in found]},
        arrows=ARROWS,
        dagger=f"{DAGGER} {TAUGHT}",
    )


def _seen(place: Place) -> dict[str, Any]:
    """A place as the template reads it."""
    lost, left_out = missing(place)
    lines = table(place)
    cells = [cell for _, cells in lines for cell in cells]
    return {
        "place": place, "table": lines, "heat": heat_maps(place), "missing": lost, "left_out": left_out,
        "has_rank": has_ranks(place),
        "has_tie": any(cell.tied for cell in cells), "has_gain": any(cell.gain for cell in cells),
        "has_dagger": any(cell.dagger for cell in cells), "has_few": any(cell.few_subjects for cell in cells),
    }  # fmt: skip


def _data(place: Place, count: int) -> dict[str, Any]:
    """A place as the script reads it."""
    return {
        "pareto": pareto(place),
        "curves": control_curves(place),
        "spread": distributions(place),
        "gallery": gallery(place, GALLERY_CHARACTERS // count),
    }


def _without_paths(note: str, runs: Sequence[Run]) -> str:
    """A note with the run folders' own names: pages are passed on, and the way to a folder is nobody's business."""
    for path in sorted({str(run.path) for run in runs}, key=len, reverse=True):
        note = note.replace(path, Path(path).resolve().name)
    return note


def _title(runs: Sequence[Run]) -> str:
    names = dict.fromkeys(str(run.manifest.suite.get("name", run.path.resolve().name)) for run in runs)
    return ", ".join(names)


def _asset(name: str) -> str:
    return resources.files("gath_bench.report.html").joinpath("assets", name).read_text(encoding="utf-8")


def _unix(text: str) -> str:
    # A browser reads every line end as one "\\n", and hashes that.
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _hash(script: str) -> str:
    """A script's name in a Content-Security-Policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
