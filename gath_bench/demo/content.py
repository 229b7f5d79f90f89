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
    shown = "".join(f"<p>{escape(text)}</p>" for text in texts if text)
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
.gradio-container { max-width: 1280px !important; margin: 0 auto !important; overflow: clip !important;
  --quiet: color-mix(in srgb, var(--body-text-color) 72%, transparent); }
.gradio-container h1 { font-size: 1.35rem; font-weight: 650; margin: 0 0 .2rem; }
.gradio-container .prose h2 { font-size: 1rem; font-weight: 600; margin: .5rem 0 .2rem; }
.gradio-container .prose h3 { font-size: .84rem; font-weight: 500; margin: .35rem 0 0; color: var(--quiet); }
.intro p { margin: 0; color: var(--quiet); max-width: 85ch; }
.quiet, .facts { color: var(--quiet); font-size: .82rem; }
.facts { margin: 0 0 .25rem; overflow-wrap: anywhere; }
.facts code { font-size: .78rem; white-space: normal; }
#error:not(:has(.message)), #note:not(:has(.message)), #video-error:not(:has(.message)) { display: none; }
.message { border-left: 4px solid; border-radius: 4px; padding: .45rem .75rem; }
.message p { margin: 0; }
.message.error { border-color: #c62828; background: color-mix(in srgb, #c62828 14%, transparent); }
.message.note { border-color: #1565c0; background: color-mix(in srgb, #1565c0 12%, transparent); }

#portraits { height: auto !important; min-height: 0 !important; }
#portraits .grid-wrap { height: auto !important; min-height: 0; max-height: none; overflow: auto hidden; padding: .3rem;
  contain: inline-size; }
#portraits .grid-container { grid: auto / auto-flow 5.4rem !important; height: auto; gap: .4rem; }
#portraits .caption-label { display: none; }
#portraits button { aspect-ratio: 1; height: auto; }

#main { align-items: flex-start; }
#result img { object-fit: contain; max-height: 66vh; margin: 0 auto; }
#presets { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .35rem; }
#presets button { min-width: 0; }

#sliders { gap: 0; }
#sliders .form { background: none; border: 0; box-shadow: none; gap: 0; }
.au { padding: .1rem .25rem !important; border: 0 !important; overflow: visible !important; background: none; }
.au .wrap:has(> .head) { display: grid; grid-template-columns: 11.6rem minmax(5rem, 1fr) 3.6rem; align-items: center;
  gap: 0 .7rem; }
.au .head { display: contents; }
.au .head label { grid-column: 1; margin: 0; }
.au .head label span { margin: 0; color: var(--body-text-color); font-size: .84rem; line-height: 1.15; }
.au .tab-like-container { grid-column: 3; grid-row: 1; height: 1.6rem; align-self: center; margin: 0; }
.au input[type=number] { width: 100%; height: 1.5rem; padding: 0 .2rem; text-align: right; }
.au .slider_input_container { grid-column: 2; grid-row: 1; }
.au .min_value, .au .max_value { display: none; }
.au input[type=range]::-webkit-slider-thumb { box-shadow: 0 0 0 1px #8d9199; }
.au input[type=range]::-moz-range-thumb { box-shadow: 0 0 0 1px #8d9199; }

.gradio-container table.readings { border-collapse: collapse; border: 0; width: 100%; margin: 0;
  font-size: .84rem; font-variant-numeric: tabular-nums; }
.gradio-container table.readings :is(th, td) { padding: .1rem .4rem; text-align: left; border: 0; background: none; }
.gradio-container table.readings tr { border: 0; border-top: 1px solid var(--border-color-primary); background: none; }
.gradio-container table.readings thead tr { border-top: 0; }
.gradio-container table.readings th { font-weight: 600; }
.gradio-container table.readings :is(th, td):nth-child(n+3) { text-align: right; white-space: nowrap; }
.gradio-container table.readings tr.region th { padding-top: .4rem; color: var(--quiet); font-weight: 500; }
.gradio-container table.readings tr.missing td:last-child { color: var(--quiet); }
.bar { display: inline-block; width: 3.2rem; height: .45rem; margin-right: .5rem; border-radius: 3px;
  background: color-mix(in srgb, var(--body-text-color) 16%, transparent); overflow: hidden; vertical-align: middle; }
.bar > span { display: block; height: 100%; background: var(--color-accent); }
tr.missing td:last-child .bar { visibility: hidden; }

/* A telephone: the picture stays in view above the sliders, and what is read follows them. */
@media (max-width: 767px) {
  .gradio-container .main.app { padding: .75rem !important; }
  #options { flex-direction: column; }
  #options .form { display: grid; grid-template-columns: 1fr 1fr; min-width: 0 !important;
    background: var(--block-background-fill); }
  #main { flex-direction: column; flex-wrap: nowrap; align-items: stretch; }
  #stage { display: contents; }
  #result { position: sticky; top: 0; z-index: 100; background: var(--body-background-fill); order: 1; }
  #result img { max-height: 36vh; }
  #controls { order: 2; }
  #details { order: 3; }
  .au { padding-bottom: .35rem !important; }
  .au .wrap:has(> .head) { grid-template-columns: minmax(0, 1fr) 3.6rem; }
  .au .tab-like-container { grid-column: 2; }
  .au .slider_input_container { grid-column: 1 / 3; grid-row: 2; }
  .bar { width: 1.8rem; margin-right: .3rem; }
}
"""
