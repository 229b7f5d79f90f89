"""``gath-bench plugin``."""

from __future__ import annotations

import keyword
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec
from pathlib import Path

import click

from gath_bench.contracts.specs import is_name
from gath_bench.errors import UsageError
from gath_bench.files import atomic_write

#: The names in the template that are replaced.
_NAME = "example-plugin"


@click.group()
def plugin() -> None:
    """Write a new plugin: pyproject, components and tests.

    \b
    Examples:
      gath-bench plugin new my-faces
    """


@plugin.command()
@click.argument("name")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder to write; by default a new one named NAME.",
)
def new(name: str, output: Path | None) -> None:
    """Write a distribution with a model, a metric, a data set and tests.

    NAME is the name of the distribution, in lower-case words joined by hyphens. The names of the components begin with
    it.

    \b
    Examples:
      gath-bench plugin new my-faces
      cd my-faces
      pip install --no-build-isolation -e .
      python -m pytest
    """
    if not is_name(name) or not name.replace("-", "_").isidentifier():
        raise UsageError(
            f"{name!r} is not a plugin name: use lower-case words joined by hyphens, such as my-faces, not beginning "
            "with a digit."
        )
    package = name.replace("-", "_")
    if keyword.iskeyword(package):
        raise UsageError(f"{name!r} cannot be a package: it is a word of Python; choose another name.")
    known = find_spec(package)
    if known is not None and known.origin is not None:  # more than a folder of that name
        raise UsageError(f"a package {package!r} is installed here already: choose another name.")
    folder = output or Path(name)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder} is not empty: name a new folder with -o.")
        for path, text in _template(files("gath_bench.cli") / "plugin_template"):
            place = folder / _named(path, name).removesuffix(".txt")
            place.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(place) as file:
                file.write(_named(text, name).encode())
    except OSError as error:
        raise UsageError(f"cannot write into {folder}: {error.strerror or error}.") from error
    click.echo(f"{folder}: a model, a metric, a data set and tests; README.md has the next commands")


def _template(folder: Traversable, path: str = "") -> list[tuple[str, str]]:
    """Path and text of every file below a folder."""
    found = []
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            found += _template(item, f"{path}{item.name}/")
        elif item.name.endswith(".txt"):
            found.append((f"{path}{item.name}", item.read_text(encoding="utf-8")))
    return found


def _named(text: str, name: str) -> str:
    """The template's text for a plugin name."""
    return text.replace(_NAME, name).replace(_NAME.replace("-", "_"), name.replace("-", "_"))
