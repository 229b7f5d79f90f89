"""``gath-bench weights``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from gath_bench.cli.context import Context, pass_context
from gath_bench.contracts.specs import WeightsSpec
from gath_bench.errors import UsageError, did_you_mean
from gath_bench.weights import Progress, add_weights, download, find_weights, recorded_hashes, weights_problem


@click.group()
def weights() -> None:
    """List, download and add weights files of published networks.

    Files are looked for at an explicit path (`alex[weights=FILE]`), in the folder that GATH_BENCH_WEIGHTS names, and in
    the cache folder. Nothing is downloaded except by `get`.

    \b
    Examples:
      gath-bench weights list
      gath-bench weights get standard
      gath-bench weights add arcface w600k_r50.onnx
    """


@weights.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@pass_context
def list_weights(context: Context, as_json: bool) -> None:
    """List known weights files.

    Each line says whether the file is installed, its size and licence, and which components use it.

    \b
    Examples:
      gath-bench weights list
      gath-bench weights list --json
    """
    hashes = recorded_hashes()
    items = [_item(spec, users, hashes) for spec, users in context.registry.weights().values()]
    if as_json:
        click.echo(json.dumps(items, indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for item in items:
        size = f", {item['size'] / 1e6:.1f} MB" if item["size"] else ""
        text = Text(f"{item['summary']}{size}\n")
        text.append(f"for {', '.join(item['used_by'])}; licence: {item['licence']}", style="dim")
        style = "" if item["status"] == "ok" else "yellow"
        table.add_row(item["name"], Text(item["status"], style=style), text)
    Console().print(table)


@weights.command()
@click.argument("name")
@click.option("--url", metavar="URL", help="Download the same file from here instead of from its publisher.")
@click.option("--allow-local", is_flag=True, help="Accept file: URLs, and http: on the loopback interface.")
@pass_context
def get(context: Context, name: str, url: str | None, allow_local: bool) -> None:
    """Download a weights file into the cache folder.

    NAME is a name of `gath-bench weights list`, or a suite: `standard` downloads what its metrics need. The file is
    downloaded by https, and its SHA-256 is checked. An interrupted download is resumed.

    \b
    Examples:
      gath-bench weights get alexnet
      gath-bench weights get standard
    """
    from gath_bench.suite import BUILT_IN

    known = context.registry.weights()
    if name in known:
        specs = [known[name][0]]
    elif name in BUILT_IN or name.endswith(".toml"):
        if url:
            raise UsageError(f"--url is for one file, and {name} is a suite: name the file.")
        specs = _of_suite(context, name)
    else:
        raise UsageError(f"there are no weights {name!r}: {did_you_mean(name, [*known, *BUILT_IN])}")
    for spec in specs:
        path = find_weights(spec)
        if path is not None and weights_problem(spec) is None and len(specs) > 1:
            click.echo(f"{spec.name}: {path}")
            continue
        path = download(spec, url=url, allow_local=allow_local, progress=_progress(spec.name))
        click.echo(f"{spec.name}: {path} ({spec.licence})")


@weights.command()
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@pass_context
def add(context: Context, name: str, file: Path) -> None:
    """Copy a weights file of yours into the cache folder.

    NAME is a name of `gath-bench weights list`. The SHA-256 of the file is recorded; where that of the published file
    is known, it must match.

    \b
    Examples:
      gath-bench weights add mobilefacenet MobileFaceNet.onnx
    """
    known = context.registry.weights()
    if name not in known:
        raise UsageError(f"there are no weights {name!r}: {did_you_mean(name, known)}")
    path = add_weights(known[name][0], file)
    click.echo(f"{name}: {path}, SHA-256 {recorded_hashes()[path.name]}")


def _progress(name: str) -> Progress:
    """Shows the share that has arrived on a terminal, and nothing elsewhere."""

    def show(done: int, total: int | None) -> None:
        if sys.stderr.isatty():
            share = f"{done / total:.0%}" if total else f"{done / 1e6:.1f} MB"
            click.echo(f"\r{name}: {share} ", nl=done == total, err=True)

    return show


def _of_suite(context: Context, name: str) -> list[WeightsSpec]:
    from gath_bench.evaluation.run import resolve_suite
    from gath_bench.suite import weights_of

    return weights_of(resolve_suite(name), context.registry)


def _item(spec: WeightsSpec, users: list[str], hashes: dict[str, str]) -> dict[str, Any]:
    path = find_weights(spec)
    problem = weights_problem(spec)
    return {
        "name": spec.name,
        "status": "ok" if problem is None else "missing" if path is None else "damaged",
        "licence": spec.licence,
        "size": spec.size,
        "sha256": spec.sha256 or (hashes.get(path.name) if path else None),
        "url": spec.url,
        "file": str(path) if path else None,
        "used_by": users,
        "summary": spec.summary,
    }
