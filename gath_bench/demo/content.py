"""Texts and tables of the demo's page, as HTML. Every text from outside is escaped."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from html import escape
from pathlib import Path

from gath_bench.au import by_region
from gath_bench.demo.handlers import AUReading, Graded, Picture, Session, Video

TITLE = "gath-bench demo"
INTRO = (
    f"<h1>{TITLE}</h1><p>Choose a portrait and move the action units (AUs) of its face. Everything is computed on this "
    "machine; no picture leaves it. Animate a person's photo only with that person's consent.</p>"
)
#: Below the sliders.
SLIDERS_HELP = (
    "The sliders begin at the portrait's own AUs, as the model reads them. 0: not visible, 1: maximum (FACS "
    "intensity E)."
)
VIDEO_HELP = (
    "A CSV file of OpenFace 2, py-feat, MediaPipe or Live Link Face, or any CSV file with a column "
    "<code>timestamp</code> and columns such as <code>AU12</code>."
)


def slider_label(label: str, name: str) -> str:
    """The label of a slider.

    >>> slider_label("AU12", "Lip Corner Puller")
    'AU12 Lip Corner Puller'
    """
    return f"{label} {name}"


def message(texts: Iterable[str], kind: str) -> str:
    """Sentences in a box; nothing where there is none.

    Args:
        texts: the sentences.
        kind: ``"error"`` or ``"note"``.
    """
    shown = "".join(f"<p>{escape(text[:1].upper() + text[1:])}</p>" for text in texts if text)
    role = "alert" if kind == "error" else "status"
    return f'<div class="message {kind}" role="{role}">{shown}</div>' if shown else ""


def facts(session: Session, picture: Picture) -> str:
    """What was done, in one line, and the command that does the same."""
    report = session.portrait.report(picture.seconds)
    source = session.photo.source
    if not isinstance(source, Path):
        return f'<p class="facts">{escape(report)}</p><p class="facts"><code>--aus {escape(picture.prompt)}</code></p>'
    words = ["gath-bench", "animate", session.photo.name, "-m", session.model, "--aus", picture.prompt]
    command = shlex.join([*words, "-o", "out.png"])
    return f'<p class="facts">{escape(report)}</p><p class="facts"><code>{escape(command)}</code></p>'


def video_facts(video: Video) -> str:
    """What was written, in one line, and what was assumed."""
    text = (
        f"{video.path.name}: {video.frames} frames at {video.fps:g} per second; {video.seconds:.1f} s, "
        f"{video.frames / video.seconds:.1f} frames/s"
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in video.notes)
    return f'<p class="facts">{escape(text)}</p>{notes}'


def readings_table(graded: Graded) -> str:
    """Asked and read coefficients of every AU, grouped by region, with the reasons of what is NA below."""
    found = {reading.label: reading for reading in graded.readings}
    rows = []
    for region, units in by_region(list(found)).items():
        rows.append(f'<tr class="region"><th colspan="4" scope="colgroup">{escape(region)}</th></tr>')
        rows += [_row(found[unit.label], unit.name) for unit in units]
    columns = "".join(f'<th scope="col">{name}</th>' for name in ("AU", "name", "asked", "read"))
    head, body = f"<thead><tr>{columns}</tr></thead>", f"<tbody>{''.join(rows)}</tbody>"
    return f'<table class="readings">{head}{body}</table>{_notes(graded)}'


def _row(reading: AUReading, name: str) -> str:
    read = "NA" if reading.read is None else f"{reading.read:.2f}"
    title = f' title="{escape(reading.reason)}"' if reading.reason else ""
    missing = ' class="missing"' if reading.read is None else ""
    return (
        f'<tr data-au="{reading.label}"{missing}><th scope="row">{reading.label}</th><td>{escape(name)}</td>'
        f"<td>{_bar(reading.asked)}{reading.asked:.2f}</td><td{title}>{_bar(reading.read or 0.0)}{read}</td></tr>"
    )


def _bar(value: float) -> str:
    return f'<span class="bar" aria-hidden="true"><span style="width:{100 * value:.0f}%"></span></span>'


def _notes(graded: Graded) -> str:
    by_reason: dict[str, list[str]] = {}
    for reading in graded.readings:
        if reading.read is None:
            by_reason.setdefault(reading.reason or "unknown", []).append(reading.label)
    count = len(graded.readings)
    sentences = [f"Read by {graded.grader}."]
    for reason, labels in by_reason.items():
        which = "all AUs" if len(labels) == count else f"{len(labels)} of {count} AUs"
        sentences.append(f"NA ({which}): {reason}.")
    if graded.contaminated:
        sentences.append(
            "The model was trained against this grader: its readings are no independent measurement."
        )
    return f'<p class="facts">{" ".join(map(escape, sentences))}</p>'


STYLE = """
.gradio-container { max-width: 1280px !important; margin: 0 auto !important; }
.gradio-container h1 { font-size: 1.35rem; font-weight: 650; margin: 0 0 .2rem; }
.intro p { margin: 0; color: var(--body-text-color-subdued); max-width: 80ch; }
.message { border-left: 4px solid; border-radius: 4px; padding: .45rem .75rem; }
.message p { margin: 0; }
.message.error { border-color: #c62828; background: color-mix(in srgb, #c62828 14%, transparent); }
.message.note { border-color: #1565c0; background: color-mix(in srgb, #1565c0 12%, transparent); }
.facts { margin: 0 0 .25rem; font-size: .82rem; color: var(--body-text-color-subdued); overflow-wrap: anywhere; }
.facts code { font-size: .8rem; white-space: normal; }
table.readings { border-collapse: collapse; width: 100%; font-size: .86rem; font-variant-numeric: tabular-nums; }
table.readings th, table.readings td { padding: .12rem .4rem; text-align: left; border: 0; }
table.readings th[scope=row] { font-weight: 600; }
table.readings td:nth-child(n+3), table.readings th[scope=col]:nth-child(n+3) {
  text-align: right; white-space: nowrap; }
table.readings tbody tr { border-top: 1px solid var(--border-color-primary); }
table.readings tr.region th { padding-top: .45rem; color: var(--body-text-color-subdued); font-weight: 500; }
table.readings tr.missing td:last-child { color: var(--body-text-color-subdued); }
.bar { display: inline-block; width: 3.2rem; height: .45rem; margin-right: .5rem; border-radius: 3px;
  background: var(--border-color-primary); overflow: hidden; vertical-align: middle; }
.bar > span { display: block; height: 100%; background: var(--color-accent); }
#presets button { min-width: 0; }
#result img { object-fit: contain; max-height: 68vh; margin: 0 auto; }
"""
