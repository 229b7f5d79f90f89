"""The trend of performance records as one HTML page that opens offline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from gath_perf.records import Record, machine_difference

#: Height of a plot, in pixels.
_HEIGHT = 560
#: Added on both sides of the dates.
_MARGIN = timedelta(days=1)


def render_trend(records: Sequence[Record]) -> str:
    """One plot per machine and setup: the time of each benchmark, in ms, over the records' dates.

    Args:
        records: oldest first.
    """
    from plotly.graph_objects import Figure, Scatter

    parts = []
    for number, group in enumerate(same_machine(records)):
        figure = Figure()
        for name, key in series(group):
            held = [r for r in group if name in r.readings and r.readings[name].key == key]
            figure.add_trace(
                Scatter(
                    x=[record.when for record in held],
                    y=[record.readings[name].floor for record in held],
                    text=[f"{record.name}, commit {record.commit}<br>{key}" for record in held],
                    hovertemplate="%{y:.3f} ms, %{text}",
                    name=name,
                    mode="lines+markers",
                )
            )
        machine = group[-1].machine
        threads = machine.get("threads", "?")
        title = (
            f"{machine.get('cpu', 'unknown processor')}, {threads} thread{'s' * (threads != 1)}: ms per call"
        )
        figure.update_layout(
            title=title, height=_HEIGHT, template="plotly_white", legend={"orientation": "h", "y": -0.2}
        )
        first, last = (datetime.fromisoformat(record.when) for record in (group[0], group[-1]))
        figure.update_xaxes(type="date", range=[first - _MARGIN, last + _MARGIN])
        figure.update_yaxes(type="log", dtick=1)
        parts.append(
            figure.to_html(full_html=False, include_plotlyjs=number == 0, config={"displayModeBar": False})
        )
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Performance records</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<style>body{font-family:sans-serif;margin:1rem}</style></head>"
    )
    return f"{head}<body><h1>Performance records</h1>{''.join(parts)}</body></html>\n"


def same_machine(records: Sequence[Record]) -> list[list[Record]]:
    """The records in groups whose machine and setup are the same, in order of their first record."""
    groups: list[list[Record]] = []
    for record in records:
        for group in groups:
            if machine_difference(group[0].machine, record.machine) is None:
                group.append(record)
                break
        else:
            groups.append([record])
    return groups


def series(records: Sequence[Record]) -> list[tuple[str, str]]:
    """The benchmarks of some records, with their component keys: another key is another line."""
    return list(dict.fromkeys((name, one.key) for record in records for name, one in record.readings.items()))
