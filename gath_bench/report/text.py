"""Markdown and LaTeX tables from grids."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gath_bench.report.grid import Entry, Grid

_LATEX = str.maketrans(
    {
        "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}",
        "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
        "↑": r"$\uparrow$", "↓": r"$\downarrow$", "·": r"$\cdot$", "†": r"\dag{}",
    }
)  # fmt: skip


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
        for model, sees_target, entries in grid.lines:
            name = f"*{_md(model)}*" if sees_target else _md(model)
            lines.append("| " + " | ".join([name, *(_md(_cell(entry)) for entry in entries)]) + " |")
        lines += ["", *(f"- {_md(note)}" for note in grid.notes)]
        lines += [
            "",
            "Keys: " + ", ".join(_code(key) for key in dict.fromkeys(c.key for c in grid.columns)) + ".",
            "",
        ]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def latex(tables: Sequence[Grid]) -> str:
    """``booktabs`` tables; they compile with ``\\usepackage{booktabs}`` and nothing else."""
    parts = []
    for grid in tables:
        heads = " & ".join(["model", *(column.header.translate(_LATEX) for column in grid.columns)])
        lines = [
            r"\begin{table}",
            rf"\caption{{{grid.title.translate(_LATEX)}}}",
            rf"\begin{{tabular}}{{l{'r' * len(grid.columns)}}}",
            r"\toprule",
            rf"{heads} \\",
            r"\midrule",
        ]
        for model, _, entries in grid.lines:
            cells = " & ".join(
                [model.translate(_LATEX), *(_cell(entry).translate(_LATEX) for entry in entries)]
            )
            lines.append(rf"{cells} \\")
        lines += [r"\bottomrule", r"\end{tabular}"]
        lines += [rf"\par {note.translate(_LATEX)}" for note in grid.notes]
        lines += [r"\end{table}", ""]
        parts.append("\n".join(lines))
    return "\n".join(parts)


def _cell(entry: Entry) -> str:
    return " ".join(
        part for part in (entry.value, entry.interval, f"({entry.mark})" if entry.mark else "") if part
    )


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
