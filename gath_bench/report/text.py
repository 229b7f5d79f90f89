"""Markdown and LaTeX tables."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from gath_bench.report.table import BEST, Cell, Table, fit_columns

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
        heads = ["model", *(column.header for column in table.columns)]
        lines = [
            f"### {_md(table.title)}",
            "",
            _md_line(heads),
            "|" + "|".join(["---", *("---:" for _ in table.columns)]) + "|",
        ]
        for line in table.lines:
            name = f"*{_md(line.model)}*" if line.reference else _md(line.model)
            cells = [_cell(cell, _md, "**{}**") for cell in line.cells]
            lines.append("| " + " | ".join([name, *cells]) + " |")
        lines += ["", *([f"- **bold** {BEST}"] if table.has_best else [])]
        lines += [f"- {_md(note)}" for note in table.notes]
        lines += [
            "",
            "Keys: " + ", ".join(_code(key) for key in dict.fromkeys(c.key for c in table.columns)) + ".",
            "",
        ]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def latex(tables: Sequence[Table]) -> str:
    """``booktabs`` tables; they compile with ``\\usepackage{booktabs}`` and nothing else.

    Columns that do not fit on a line go into a further ``tabular`` of the same table.
    """
    parts = []
    for table in tables:
        lines = [r"\begin{table}", rf"\caption{{{_tex(table.title)}}}", r"\footnotesize"]
        for places in fit_columns(_widths(table), _PAGE - table.widest_model):
            lines += _tabular(table, places)
        lines += [rf"\par \textbf{{bold}} {BEST}"] if table.has_best else []
        lines += [rf"\par {_tex(note)}" for note in table.notes]
        lines += [r"\end{table}", ""]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def _widths(table: Table) -> list[int]:
    """The width of each column, in letters."""
    return [
        2 + max(map(len, [column.header, *(_cell(line.cells[place], str, "{}") for line in table.lines)]))
        for place, column in enumerate(table.columns)
    ]


def _tabular(table: Table, places: range) -> list[str]:
    heads = " & ".join(["model", *(_tex(table.columns[place].header) for place in places)])
    lines = [
        rf"\par\begin{{tabular}}{{l{'r' * len(places)}}}",
        r"\toprule",
        rf"{heads} \\",
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
