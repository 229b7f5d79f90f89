"""Markdown and LaTeX tables from grids."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from gath_bench.report.grid import BEST, Entry, Grid

_LATEX = {
    "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "`": "{`}",
    "↑": r"$\uparrow$", "↓": r"$\downarrow$", "·": r"$\cdot$", "≈": r"$\approx$", "†": r"\dag{}",
    "–": r"\textendash{}", "—": r"\textemdash{}", "…": r"\dots{}", "×": r"$\times$",
}  # fmt: skip

#: Letters of LaTeX's footnotesize that an article's line holds, with something to spare.
_PAGE = 80


def markdown(tables: Sequence[Grid]) -> str:
    """GitHub-flavoured Markdown; text from outside cannot open a tag or a column."""
    parts = []
    for grid in tables:
        heads = ["model", *(column.header for column in grid.columns)]
        lines = [
            f"### {_md(grid.title)}",
            "",
            _md_line(heads),
            "|" + "|".join(["---", *("---:" for _ in grid.columns)]) + "|",
        ]
        for model, reference, entries in grid.lines:
            name = f"*{_md(model)}*" if reference else _md(model)
            cells = [_cell(entry, _md, "**{}**") for entry in entries]
            lines.append("| " + " | ".join([name, *cells]) + " |")
        lines += ["", *([f"- **bold** {BEST}"] if grid.has_best else [])]
        lines += [f"- {_md(note)}" for note in grid.notes]
        lines += [
            "",
            "Keys: " + ", ".join(_code(key) for key in dict.fromkeys(c.key for c in grid.columns)) + ".",
            "",
        ]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def latex(tables: Sequence[Grid]) -> str:
    """``booktabs`` tables; they compile with ``\\usepackage{booktabs}`` and nothing else.

    Columns that do not fit beside the others on a page go into a further ``tabular`` of the same table.
    """
    parts = []
    for grid in tables:
        lines = [r"\begin{table}", rf"\caption{{{_tex(grid.title)}}}", r"\footnotesize"]
        for places in _beside(grid):
            lines += _tabular(grid, places)
        lines += [rf"\par \textbf{{bold}} {BEST}"] if grid.has_best else []
        lines += [rf"\par {_tex(note)}" for note in grid.notes]
        lines += [r"\end{table}", ""]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def _beside(grid: Grid) -> list[range]:
    """Which columns stand beside each other: as many as `_PAGE` letters hold, and at least one."""
    models = max(len(model) for model, _, _ in grid.lines)
    parts, start, used = [], 0, models
    for place, column in enumerate(grid.columns):
        cells = [_cell(entries[place], str, "{}") for _, _, entries in grid.lines]
        width = 2 + max(map(len, [column.header, *cells]))
        if place > start and used + width > _PAGE:
            parts.append(range(start, place))
            start, used = place, models
        used += width
    return [*parts, range(start, len(grid.columns))]


def _tabular(grid: Grid, places: range) -> list[str]:
    heads = " & ".join(["model", *(_tex(grid.columns[place].header) for place in places)])
    lines = [
        rf"\par\begin{{tabular}}{{l{'r' * len(places)}}}",
        r"\toprule",
        rf"{heads} \\",
        r"\midrule",
    ]
    for model, reference, entries in grid.lines:
        cells = [_cell(entries[place], _tex, r"\textbf{{{}}}") for place in places]
        lines.append(" & ".join([_tex_model(model, reference), *cells]) + r" \\")
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _cell(entry: Entry, escape: Callable[[str], str], bold: str) -> str:
    """Value, interval and marks, escaped; the value of the best in a format's bold face."""
    value = escape(entry.value)
    mark = f"({entry.mark})" if entry.mark else ""
    shown = (bold.format(value) if entry.best else value, escape(entry.interval), escape(mark))
    return " ".join(part for part in shown if part)


def _tex(text: str) -> str:
    """Text as LaTeX shows it; letters that stop pdflatex show as U+4F60."""
    line = unicodedata.normalize("NFC", " ".join(text.split()))
    # Two hyphens would become an en dash.
    return "-{}".join("".join(map(_tex_letter, part)) for part in re.split("-(?=-)", line))


def _tex_letter(letter: str) -> str:
    if letter in _LATEX:
        return _LATEX[letter]
    ascii_or_accented = " " <= unicodedata.normalize("NFD", letter)[0] <= "~" and letter <= "ÿ"
    return letter if ascii_or_accented else f"U+{ord(letter):04X}"


def _tex_model(model: str, reference: bool) -> str:
    """A model's name; a bracket or star at the start would be an option of the line's end before it."""
    name = _tex(model)
    return rf"\textit{{{name}}}" if reference else re.sub(r"^([\[*])", r"{\1}", name)


def _md(text: str) -> str:
    safe = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_|~]|\](?=[(\[]))", r"\\\1", safe)


def _code(text: str) -> str:
    """A code span, fenced by more backticks than the text has in a row."""
    line = " ".join(text.split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    pad = " " if "`" in line else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _md_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_md(cell) for cell in cells) + " |"
