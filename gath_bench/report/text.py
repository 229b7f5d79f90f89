"""Markdown and LaTeX tables."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from gath_bench.report.table import ARROWS, BEST, Cell, Column, Table, fit_columns

_LATEX = {
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "`": "{`}",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$", "·": r"$\cdot$", "≈": r"$\approx$", "†": r"\dag{}",
    "–": r"\textendash{}", "—": r"\textemdash{}", "…": r"\dots{}", "×": r"$\times$",
}  # fmt: skip

#: Letters of LaTeX's footnotesize that fit on a line of an article, with a margin.
_PAGE = 80


def markdown(tables: Sequence[Table]) -> str:
    """GitHub-flavoured Markdown; names and reasons are escaped."""
    parts = []
    for table in tables:
        places = table.measured
        lines = [
            f"### {_md(table.title)}",
            "",
            _md_line(["model", *(table.columns[place].header for place in places)]),
            "|" + "|".join(["---", *("---:" for _ in places)]) + "|",
        ]
        for line in table.lines:
            name = f"*{_md(line.model)}*" if line.reference else _md(line.model)
            cells = [_cell(line.cells[place], _md, "**{}**") for place in places]
            lines.append("| " + " | ".join([name, *cells]) + " |")
        lines += ["", *([f"- **bold** {BEST}"] if table.has_best else [])]
        lines += [f"- {_md(note)}" for note in (*table.notes_of(places), *table.absences)]
        keys = dict.fromkeys(table.columns[place].key for place in places)
        lines += ["", "Keys: " + ", ".join(map(_code, keys)) + ".", ""] if keys else [""]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def latex(tables: Sequence[Table]) -> str:
    """``booktabs`` tables; they compile with ``\\usepackage{booktabs}`` and nothing else.

    A header has two lines, the metric above what is measured, so that four columns without intervals fit the column of
    a two-column page. Columns that do not fit on a line of a page go into a further ``tabular`` of the same table.
    """
    parts = []
    for table in tables:
        places = table.measured
        lines = [r"\begin{table}", rf"\caption{{{_tex(table.title)}}}", r"\footnotesize"]
        widths = [_width(table, place) for place in places]
        for block in fit_columns(widths, _PAGE - table.widest_model):
            lines += _tabular(table, [places[number] for number in block])
        lines += [rf"\par \textbf{{bold}} {BEST}"] if table.has_best else []
        lines += [rf"\par {_tex(note)}" for note in (*table.notes_of(places), *table.absences)]
        lines += [r"\end{table}", ""]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def _heads(column: Column) -> tuple[str, str]:
    """The two lines of a column's header: ``au-error`` and ``mae ↓``, ``psnr`` and ``(dB) ↑``."""
    name, _, rest = column.metric.partition(".")
    # A name with a part after the dot contains its unit there (`latency_p50_ms`).
    unit = f"({column.unit})" if column.unit and not rest else ""
    return name, " ".join(part for part in (rest, column.qualifier, unit, ARROWS[column.direction]) if part)


def _width(table: Table, place: int) -> int:
    """The width of a column, in letters."""
    cells = [_cell(line.cells[place], str, "{}") for line in table.lines]
    return 2 + max(map(len, [*_heads(table.columns[place]), *cells]))


def _tabular(table: Table, places: Sequence[int]) -> list[str]:
    first, second = (
        zip(*(_heads(table.columns[place]) for place in places), strict=True) if places else ((), ())
    )
    lines = [
        rf"\par\begin{{tabular}}{{l{'r' * len(places)}}}",
        r"\toprule",
        " & ".join(["", *map(_tex, first)]) + r" \\",
        " & ".join(["model", *map(_tex, second)]) + r" \\",
        r"\midrule",
    ]
    for line in table.lines:
        cells = [_cell(line.cells[place], _tex, r"\textbf{{{}}}") for place in places]
        lines.append(" & ".join([_tex_model(line.model, line.reference), *cells]) + r" \\")
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _cell(cell: Cell, escape: Callable[[str], str], bold: str) -> str:
    """Value, interval and marks, escaped; the best value in a format's bold face."""
    value = escape(f"{cell.value}{cell.dagger}")
    marks = f"({cell.marks})" if cell.marks else ""
    shown = (bold.format(value) if cell.best else value, escape(cell.interval), escape(marks))
    return " ".join(part for part in shown if part)


def _tex(text: str) -> str:
    """Escaped text; letters that pdflatex cannot typeset become U+4F60."""
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    # LaTeX reads two hyphens as an en dash.
    return "-{}".join("".join(map(_tex_letter, part)) for part in re.split("-(?=-)", line))


def _tex_letter(letter: str) -> str:
    if letter in _LATEX:
        return _LATEX[letter]
    ascii_or_accented = " " <= unicodedata.normalize("NFD", letter)[0] <= "~" and letter <= "ÿ"
    return letter if ascii_or_accented else f"U+{ord(letter):04X}"


def _tex_model(model: str, reference: bool) -> str:
    """A model's name; LaTeX reads a bracket or star at the start as an option of the line break before it."""
    name = _tex(model)
    return rf"\textit{{{name}}}" if reference else re.sub(r"^([\[*])", r"{\1}", name)


def _md(text: str) -> str:
    safe = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_|~]|\](?=[(\[]))", r"\\\1", safe)


def _code(text: str) -> str:
    """A code span, fenced by more backticks than the longest run of them in the text."""
    line = " ".join(text.split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if "`" in line else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _md_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_md(cell) for cell in cells) + " |"
