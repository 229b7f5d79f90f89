"""Tables for terminal, Markdown and LaTeX: what is marked, which columns and titles there are, how text is kept."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from analysis.worlds import cell, metric, world
from core.helpers import ROOT
from report.worlds import write_run
from rich.console import Console

from gath_bench.analysis import join, summarise
from gath_bench.contracts.keys import ComponentKey, ComponentName
from gath_bench.report.console import print_tables
from gath_bench.report.table import (
    BEST,
    CONTAMINATED,
    DAGGER,
    NOT_WORSE,
    TIED,
    Cell,
    Column,
    Line,
    Table,
    set_apart,
    tables,
)
from gath_bench.report.text import latex, markdown
from gath_bench.results import Run, load

VALUES = np.linspace(1, 2, 24)
ONE = world({"a": VALUES})


def test_headlines_are_the_rows_of_all_values_that_tables_show() -> None:
    run = load(ROOT / "results/reference/control")
    every = summarise(run.manifest, run.observations)
    shown = summarise(run.manifest, run.unordered, headlines=True)
    primary = {s.name for record in run.manifest.metrics for s in record.summaries if s.primary}
    expected = [row for row in every if row.au is None and row.metric in primary]
    assert 0 < len(shown) < len(every)
    assert shown == [replace(row, gain=None, gain_low=None, gain_high=None) for row in expected]


def tables_of(run: Run) -> list[Table]:
    return tables(run.manifest, summarise(run.manifest, run.observations))


def console(
    made: Sequence[Table], *, colour: bool = False, width: int = 200, everything: bool = False
) -> str:
    buffer = io.StringIO()
    terminal = Console(
        file=buffer,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=False,
        _environ={},
    )
    print_tables(terminal, made, everything=everything)
    return buffer.getvalue()


FORMS = {"console": console, "markdown": markdown, "latex": latex}
#: How each format shows the best, what is as good, and what is neither.
LOOKS = {
    "console": ("{}*", "{} ≈", "{}"),
    "markdown": ("**{}** [", "{} [{}] (≈)", "{} ["),
    "latex": (r"\textbf{{{}}} [", r"{} [{}] ($\approx$)", "{} ["),
}


def ranked_run(**cells: dict[str, object]) -> Run:
    """``good`` is best, ``close`` as good up to noise, ``bad`` clearly worse; references beat or lose to all."""
    rng = np.random.default_rng(0)
    hard = rng.exponential(1, 40) + 1
    values = {"oracle": hard * 0, "copy-source": hard / 9, "bad": 2 * hard}
    values |= {"good": hard, "close": hard + rng.normal(0.001, 0.05, 40)}
    return world(values, cells=cells)


def line_of(text: str, model: str) -> str:
    """The line of a table that holds a model's values."""
    return next(line for line in text.splitlines() if model in line)


@pytest.mark.parametrize("form", FORMS)
def test_the_best_and_what_is_not_significantly_worse_are_marked_and_nothing_else(form: str) -> None:
    run = ranked_run()
    text = FORMS[form](tables_of(run))
    kinds = {}
    for row in summarise(run.manifest, run.observations):
        best, tied, plain = (
            look.format(f"{row.value:.3f}", f"{row.low:.3f}, {row.high:.3f}") for look in LOOKS[form]
        )
        line = line_of(text, row.model)
        kinds[row.model] = "best" if best in line else "tied" if tied in line else "plain"
        assert kinds[row.model] != "plain" or plain in line
        assert kinds[row.model] == ("best" if row.best else "tied" if row.tied else "plain")
    assert sorted(kinds.values()) == ["best", "plain", "plain", "plain", "tied"]
    assert {kinds["oracle"], kinds["copy-source"], kinds["bad"]} == {"plain"}
    assert text.count(BEST) == 1
    assert text.count(r"$\approx$" if form == "latex" else TIED) == 2  # one value, one footnote
    assert NOT_WORSE.partition(" (")[0] in text


def test_a_terminal_shows_the_best_in_bold_and_no_other_value() -> None:
    made = tables_of(ranked_run())
    (table,) = made
    (best,) = [cell for cell in table.cells if cell.best]
    bold = re.findall(r"\x1b\[1m([^\x1b]*)", console(made, colour=True))
    assert [text for text in bold if re.search(r"\d\.\d", text)] == [f"{best.value}*"]


@pytest.mark.parametrize("form", FORMS)
def test_a_contaminated_value_keeps_its_dagger_and_is_never_the_best(form: str) -> None:
    run = ranked_run(good={"trained_against": ["teacher@1#ab12cd34"]})
    manifest = replace(run.manifest, metrics=[replace(run.manifest.metrics[0], evaluators=["x@1#ab12cd34"])])
    text = FORMS[form](tables_of(replace(run, manifest=manifest)))
    dagger = r"\dag{}" if form == "latex" else DAGGER
    good = line_of(text, "good")
    assert dagger in good
    assert not re.search(r"\*|textbf|≈|approx", good)
    assert text.count(dagger) == 2
    assert CONTAMINATED in text
    assert BEST in text  # `close` is now


@pytest.mark.parametrize("form", FORMS)
def test_without_ranked_models_there_are_no_marks_and_footnotes(form: str) -> None:
    text = FORMS[form](tables_of(world({"oracle": VALUES * 0, "copy-source": VALUES * 2, "a": VALUES})))
    assert BEST not in text
    assert not re.search(r"\*\*|textbf|≈|approx|\d\*", text)


def test_footnote_letters_are_consecutive() -> None:
    rows = summarise(ranked_run().manifest, ranked_run().observations)
    told = [replace(row, coverage=0.5, reason=row.model) for row in rows]
    (table,) = tables(ranked_run().manifest, told)
    letters = [note.split()[0] for note in table.notes if not note.startswith(TIED)]
    assert letters == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("form", FORMS)
def test_every_format_has_one_line_for_columns_without_values(form: str) -> None:
    text = FORMS[form](two_metrics())
    assert text.count("gone") == 1
    assert "NA for every model: gone (no target image)" in text


def test_latex_of_four_metrics_without_intervals_fits_a_column(tmp_path: Path) -> None:
    """45 letters of footnotesize: a column of a two-column article. The best value is bold, in one tabular."""
    from gath_bench.report import render_report

    run = load(write_run(tmp_path / "run", models=("oracle", "copy-source", "good", "slow"), images=False))
    source = render_report([run], "latex", metrics=["au-error.mae", "psnr", "lpips"], intervals=False)
    assert source.count(r"\begin{tabular}") == 1
    rows = [read_tex(line) for line in source.splitlines() if line.endswith(r"\\")]
    columns = list(zip(*(row.strip("\n").split("\t") for row in rows), strict=True))
    assert sum(max(len(cell.strip()) for cell in column) + 2 for column in columns) <= 47
    assert r"\textbf{" in source
    assert "[" not in source


def two_metrics() -> list[Table]:
    """``m`` as in `ranked_run`, and ``gone``, which no model has."""
    (table,) = tables_of(ranked_run())
    (column,) = table.columns
    reason = replace(table.lines[0].cells[0].row, value=None, status="na", reason="no target image")
    lines = [replace(line, cells=(*line.cells, Cell(reason, "NA"))) for line in table.lines]
    return [replace(table, columns=(column, replace(column, metric="gone")), lines=tuple(lines))]


@pytest.mark.parametrize("everything", [False, True])
def test_a_column_without_any_value_is_one_line_with_its_reason(everything: bool) -> None:
    text = console(two_metrics(), everything=everything)
    assert text.count("gone") == 1
    assert "NA for every model: gone (no target image)" in text


def test_a_narrow_terminal_names_the_columns_that_do_not_fit() -> None:
    (table,) = tables_of(ranked_run())
    (column,) = table.columns
    names = ("first.a", "first.b", "second")
    columns = tuple(replace(column, metric=name) for name in names)
    lines = tuple(replace(line, cells=line.cells * 3) for line in table.lines)
    table = replace(table, columns=columns, lines=lines)
    text = console([table], width=32)
    assert "more columns: first.b (" in " ".join(text.split())  # the first value of each metric has priority
    assert max(map(len, text.splitlines()[1:])) <= 32
    assert "more columns" not in console([table], width=32, everything=True)
    assert "more columns" not in console([table], width=200)


def test_the_footnotes_of_the_columns_shown_have_consecutive_letters() -> None:
    cells = (Cell(value="1", marks="a"), Cell(value="2", marks="b"), Cell(value="3", marks=f"{TIED} c"))
    columns = tuple(Column(name, f"{name}@1#00", "", "higher") for name in ("first.a", "first.b", "second"))
    notes = ("a one", "b two", f"{TIED} tied", "c three")
    table = Table("title", columns, (Line("mine", False, cells),), notes)
    chosen = table.select([0, 2])
    assert chosen.notes == (f"{TIED} tied", "a one", "b three")
    assert [cell.marks for cell in chosen.cells] == ["a", f"{TIED} b"]


# --- columns ---


def every_key() -> list[str]:
    values = [
        {},
        {"a": "1"},
        {"a": "2"},
        {"a": "1", "b": "x"},
        {"a": "1,b=x"},
        {"a": "1 @2"},
        {"a": "1 @2 #aa"},
    ]
    keys = [
        str(ComponentKey(name, params, version, content))
        for name, params, version, content in product(
            ("m", "n"), values, (1, 2), ("", "aa", "bb", "no-weights")
        )
    ]
    assert len(set(keys)) == len(keys)
    return keys


def columns(keys: Sequence[str]) -> tuple[Column, ...]:
    return tuple(Column("m.mean", key, "dB", "lower") for key in keys)


def test_unlike_keys_never_have_the_same_header() -> None:
    keys = every_key()
    for pair in combinations(keys, 2):
        first, second = set_apart(columns(pair))
        assert first.header != second.header, pair
        assert (first.key, second.key) == pair
    told = set_apart(columns(keys))
    assert len({column.header for column in told}) == len(keys)


def test_header_has_only_the_parts_that_differ() -> None:
    def told(*keys: str) -> list[str]:
        return [column.apart for column in set_apart(columns(keys))]

    assert told("m[a=1]@3#aa") == [""]
    assert told("m[a=1,b=2]@3#aa", "m[a=1,b=3]@3#aa") == ["b=2", "b=3"]
    assert told("m[a=1]@3#aa", "m[a=1]@4#aa") == ["@3", "@4"]
    assert told("m[a=1]@3#aa", "m[a=1]@3#bb") == ["#aa", "#bb"]
    assert told("m[a=1]@3#aa", "m@4") == ["a=1 @3 #aa", "@4"]
    assert told("m@1", "n@1") == ["m", "n"]
    other = Column("psnr", "psnr@7", "dB", "higher")
    assert [c.apart for c in set_apart((*columns(["m@1"]), other))] == ["", ""]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("keys", "aparts"),
    [
        (("m[trunk=alex]@1#aa", "m[trunk=vgg]@1#aa"), ("trunk=alex", "trunk=vgg")),
        (("m@1#aa", "m@2#aa"), ("@1", "@2")),
        (("m@1#aa", "m@1#bb"), ("#aa", "#bb")),
    ],
)
def test_joined_runs_of_unlike_keys_have_columns_with_headers_of_their_own(
    form: str, keys: tuple[str, str], aparts: tuple[str, str]
) -> None:
    first = world({"a": VALUES, "b": VALUES * 2}, metric(key=keys[0]), path="first")
    second = world({"a": VALUES + 1}, metric(key=keys[1], display="{:.1f} dB"), path="second")
    (run,) = join([first, second]).runs
    made = tables_of(run)
    (table,) = made
    assert [(column.key, column.apart) for column in table.columns] == list(zip(keys, aparts, strict=True))
    values = {line.model: [cell.value for cell in line.cells] for line in table.lines}
    assert values == {"a": ["1.500", "2.5 dB"], "b": ["3.000", ""]}
    text = FORMS[form](made)
    for apart in aparts:
        assert (apart.replace("#", r"\#") if form == "latex" else apart) in text


def test_a_speed_on_another_device_has_a_column_of_its_own_and_the_title_names_both() -> None:
    record = metric(direction="higher", system=True, reducer="median", inputs=("m",))
    second = world(
        {"a": VALUES * 9}, record, device="cuda:0", environment={"machine": {"gpu": "NVIDIA H200"}}
    )
    (run,) = join([world({"a": VALUES}, record), second]).runs
    (table,) = tables_of(run)
    assert [column.apart for column in table.columns] == ["device=cpu", "device=cuda NVIDIA H200"]
    assert table.title == "d · test · same-subject · 24 samples · cpu, cuda:0 · seed 0"


# --- titles ---


def test_a_title_is_that_of_its_own_cell() -> None:
    """Among cells that share the data set, the protocol, or neither."""
    fields = [
        {"samples": 5, "split": "test"},
        {"samples": 1, "split": "val"},
        {"samples": 7, "protocol": "sweep"},
        {"samples": 9, "dataset": "e", "dataset_key": "e@1#ee"},
    ]
    (row,) = summarise(ONE.manifest, ONE.observations)
    cells = [cell(number, "a", ["m"], **one) for number, one in enumerate(fields)]
    rows = [
        replace(row, dataset=c.dataset, dataset_key=c.dataset_key, split=c.split, protocol=c.protocol)
        for c in cells
    ]
    assert [table.title for table in tables(replace(ONE.manifest, cells=cells), rows)] == [
        "d · test · same-subject · 5 samples · cpu · seed 0",
        "d · val · same-subject · 1 sample · cpu · seed 0",
        "d · test · sweep · 7 samples · cpu · seed 0",
        "e · test · same-subject · 9 samples · cpu · seed 0",
    ]


def test_data_sets_of_one_name_and_unlike_content_have_titles_with_their_keys() -> None:
    cells = {"a": {"dataset": "e", "dataset_key": "e@1#ee"}, "c": {"dataset_key": "d@1#ff"}}
    run = world({"a": VALUES, "b": VALUES, "c": VALUES[:8]}, cells=cells)
    assert [table.title.split(" · ")[0::3] for table in tables_of(run)] == [
        ["e", "24 samples"],
        ["d@1#cd", "24 samples"],
        ["d@1#ff", "8 samples"],
    ]


def test_reference_rows_are_told_by_the_cell_of_the_table() -> None:
    run = world({"oracle": VALUES * 0, "copy-source": VALUES * 2, "a": VALUES})
    assert {line.model: line.reference for line in tables_of(run)[0].lines} == {
        "oracle": True,
        "copy-source": True,
        "a": False,
    }


# --- LaTeX ---

#: Every command that a table may use -> the text it stands for; all in LaTeX itself but the three rules (booktabs).
COMMANDS = {
    r"\&": "&",
    r"\%": "%",
    r"\$": "$",
    r"\#": "#",
    r"\_": "_",
    r"\{": "{",
    r"\}": "}",
    r"\textasciitilde": "~",
    r"\textasciicircum": "^",
    r"\textbackslash": "\\",
    r"\textless": "<",
    r"\textgreater": ">",
    r"\textbar": "|",
    r"\uparrow": "↑",
    r"\downarrow": "↓",
    r"\cdot": "·",
    r"\approx": "≈",
    r"\dag": "†",
    r"\times": "×",
    r"\textendash": "–",
    r"\textemdash": "—",
    r"\dots": "…",
    r"\textbf": "",
    r"\textit": "",
    r"\par": "",
    r"\footnotesize": "",
    r"\caption": "",
    r"\begin": "",
    r"\end": "",
    r"\toprule": "",
    r"\midrule": "",
    r"\bottomrule": "",
    r"\\": "\n",
}
MATHS = {r"\uparrow", r"\downarrow", r"\cdot", r"\approx", r"\times"}


def read_tex(source: str) -> str:
    """The text of a LaTeX source; fails on what would stop LaTeX or be read as something else than text."""
    text, depth, maths, environments = "", 0, False, []
    for token in re.findall(r"\\(?:begin|end)\{\w+\}(?:\{[lr]+\})?|\\[A-Za-z]+ ?|\\.|.|\n", source):
        if block := re.match(r"\\(begin|end)\{(\w+)\}", token):
            if block[1] == "begin":
                environments.append(block[2])
            else:
                assert environments.pop() == block[2]
        elif token[0] == "\\":
            name = token.rstrip()
            assert name in COMMANDS, f"unknown command {name}"
            assert maths == (name in MATHS), f"{name} in the wrong mode"
            text += COMMANDS[name]
        elif token in "{}":
            depth += 1 if token == "{" else -1
            assert depth >= 0
        elif token == "$":
            maths = not maths
        else:
            assert token not in "#%^_~", f"bare {token}"
            assert token in "\n" or " " <= token <= "~" or token in "éÅñü", f"{token!r} stops pdflatex"
            text += "\t" if token == "&" else token
    assert (depth, maths, environments) == (0, False, [])
    return text


def shown(text: str, *, best: bool = False) -> str:
    """A table in which text stands in every place, as a reader of the page would see it."""
    (row,) = summarise(ONE.manifest, ONE.observations)
    row = replace(row, best=best)
    column = Column(text, "m@1", text, "lower", text)
    table = Table(text, (column,), (Line(text, False, (Cell(row, text, text, marks=text),)),), (text,))
    source = latex([table])
    # A line that starts so would be an option of the \\ before it.
    assert not re.search(r"(\\\\|\\midrule)\s*[\[*]", source)
    assert not re.search(r"--|[?!]`", source)
    return read_tex(source)


PRINTABLE = "".join(map(chr, range(32, 127)))


@pytest.mark.parametrize("best", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        PRINTABLE[1:],
        PRINTABLE[:0:-1],
        r"\end{tabular}\input{/etc/passwd}",
        "a\\\\b",
        "a & b % c",
        "[0.5ex] x",
        "*x",
        "a--b---c",
        "?`!`",
        "$x$",
        "^^41",
        "éÅñü",
        "a ≈ b × c – d — e…",
    ],
)
def test_latex_shows_text_as_it_is(text: str, best: bool) -> None:
    page = shown(text, best=best)
    (line,) = [line for line in page.splitlines() if "\t" in line and not line.startswith(("model ", " \t"))]
    model, entry = line.split("\t")
    assert model.strip() == text
    assert entry.strip() == f"{text} {text} ({text})"
    assert page.splitlines()[1] == text
    # The header has two lines. A name with a dot is cut there, and has its unit after it.
    name, _, rest = text.partition(".")
    (first, second) = (
        line.split("\t")[1].strip() for line in page.splitlines() if line.startswith(("model ", " \t"))
    )
    assert first == name.strip()
    parts = [rest.strip(), f"[{text}]", "" if rest else f"({text})", "↓"]
    assert second == " ".join(part for part in parts if part)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("你", "U+4F60"),
        ("a\x00b\x1b", "aU+0000bU+001B"),
        ("ß", "U+00DF"),
        ("a\r\nb\u2028c\td", "a b c d"),
        ("e\u0301", "é"),
        ("\u202e", "U+202E"),
        ("\U0001f600", "U+1F600"),
    ],
)
def test_latex_shows_what_would_stop_it_by_number(text: str, seen: str) -> None:
    assert seen in shown(text).splitlines()[1]


def test_a_whole_report_in_latex_can_be_read(tmp_path: Path) -> None:
    made = tables_of(load(write_run(tmp_path / "run", images=False)))
    source = latex(made)
    page = read_tex(source)
    rules = [source.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\begin{tabular}")]
    assert len(set(rules)) == 1
    assert source.count(r"\begin{table}") == len(made) == 2
    for table, part in zip(made, page.split(made[1].title), strict=True):
        assert table is made[1] or table.title in part
        for row in table.lines:
            # Columns that do not fit on a page stand in a further tabular, in their order.
            cells = [
                cell
                for line in part.splitlines()
                if line.startswith(f"{row.model} ")
                for cell in line.split("\t")[1:]
            ]
            assert [cell.split()[0] for cell in cells] == [f"{cell.value}{cell.dagger}" for cell in row.cells]


def test_latex_puts_beside_each_other_what_a_page_holds(tmp_path: Path) -> None:
    wide, narrow = (tables_of(load(write_run(tmp_path / "run", images=False)))[0], tables_of(ONE)[0])
    for table, more in ((wide, True), (narrow, False)):
        source = latex([table])
        assert (source.count(r"\begin{tabular}") > 1) == more
        for line in source.splitlines():
            if line.endswith(r"\\") and line.count("&") > 1:
                assert len(read_tex(line)) <= 100


def test_a_parameter_that_looks_like_another_part_is_quoted() -> None:
    tricky = str(ComponentName("m", {"a": "1,b=2"})) + "@1"
    assert [column.apart for column in set_apart(columns([tricky, "m[a=1,b=2]@1"]))] == [
        'a="1,b=2"',
        "a=1,b=2",
    ]
