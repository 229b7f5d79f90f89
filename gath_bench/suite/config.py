"""What a suite file may say, and one clear sentence when it says something else."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gath_bench.errors import UsageError, did_you_mean
from gath_bench.results.manifest import MANIFEST, Manifest

#: The largest seed: what a signed 64-bit integer holds, in tables as well.
SEED_MAX = 2**63 - 1


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetChoice(_Strict):
    """One data set of a suite.

    Attributes:
        name: component name, ``synthfaces`` or ``portraits[root=photos]``.
        protocols: the protocols to run; empty takes the data set's own default.
        limit: at most so many samples, from the start of the list; None takes all.
    """

    name: str
    protocols: tuple[str, ...] = ()
    limit: int | None = Field(default=None, ge=1)


class References(_Strict):
    """The yardstick rows that stand in every table, by model name.

    ``oracle`` is the target image itself (the floor of every metric), ``copy_source`` the unedited portrait.
    """

    oracle: str = "oracle"
    copy_source: str = "copy-source"


class Suite(_Strict):
    """A benchmark: which models, on which data sets, by which metrics.

    Attributes:
        name: for the manifest and the run folder.
        models: component names; the references are added to them.
        metrics: component names.
        datasets: the data sets with their protocols.
        references: the yardstick rows.
        split: the split to evaluate.
        seed: drives the data sets' sampling and the models' random numbers.
        batch_size: samples a batch; values do not depend on it beyond rounding.
        skip_missing: leave out components that nobody registers, rather than refuse.
    """

    name: str = "suite"
    models: tuple[str, ...] = ()
    metrics: tuple[str, ...] = Field(min_length=1)
    datasets: tuple[DatasetChoice, ...] = Field(min_length=1)
    references: References = References()
    split: str = "test"
    seed: int = Field(default=0, ge=0, le=SEED_MAX)
    batch_size: int = Field(default=16, ge=1)
    skip_missing: bool = False

    def with_choices(
        self,
        *,
        models: tuple[str, ...] = (),
        datasets: tuple[str, ...] = (),
        metrics: tuple[str, ...] = (),
        limit: int | None = None,
        seed: int | None = None,
        split: str | None = None,
    ) -> Suite:
        """The suite with what the command line asks for instead; what it names must exist."""
        changes: dict[str, Any] = {}
        if models:
            changes["models"] = models
        if metrics:
            changes["metrics"] = metrics
        if datasets:
            changes["datasets"] = tuple(
                next((known for known in self.datasets if known.name == name), DatasetChoice(name=name))
                for name in datasets
            )
        if limit is not None:
            chosen = changes.get("datasets", self.datasets)
            changes["datasets"] = tuple(item.model_copy(update={"limit": limit}) for item in chosen)
        if seed is not None:
            changes["seed"] = seed
        if split is not None:
            changes["split"] = split
        return self.model_copy(update=changes)


def quick_suite() -> Suite:
    """The built-in suite of ``gath-bench run`` without arguments."""
    text = files("gath_bench.suite").joinpath("quick.toml").read_text(encoding="utf-8")
    return Suite.model_validate(tomllib.loads(text))


def one_dataset_suite(
    dataset: str, protocol: str, metrics: tuple[str, ...], *, split: str, limit: int | None
) -> Suite:
    """The suite of one data set under one protocol.

    Raises:
        UsageError: no metric, or a limit below 1.
    """
    choice = {"name": dataset, "protocols": (protocol,), "limit": limit}
    try:
        return Suite.model_validate({"metrics": metrics, "split": split, "datasets": (choice,)})
    except ValidationError as error:
        raise UsageError(f"{dataset} cannot be measured so: {_sentence(error)}") from error


def read_suite(path: Path) -> Suite:
    """Read a suite file.

    Raises:
        UsageError: no such file, not TOML, or a key or value that a suite does not have.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"there is no suite file {path}: give the path of a TOML file, or none for the quick suite."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the suite file {path} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the suite file {path} is not valid TOML: {error}.") from error
    try:
        suite = Suite.model_validate({"name": path.stem, **content})
    except ValidationError as error:
        raise UsageError(f"the suite file {path} is not valid: {_sentence(error)}") from error
    return suite


def suite_of_run(path: Path, *, given: bool) -> Suite:
    """The suite that a run folder was made from.

    Args:
        path: the run folder.
        given: whether the user named a suite or components beside it, which a resumed run does not take.

    Raises:
        UsageError: the folder is no run, or something else was named as well.
    """
    if given:
        raise UsageError(
            "--resume goes on with the run's own suite: leave out the suite, -m, -d, -M and --output."
        )
    try:
        return Suite.model_validate(Manifest.read(path).suite)
    except ValidationError as error:
        raise UsageError(f"the suite in {path / MANIFEST} is not valid: {_sentence(error)}") from error


def _sentence(error: ValidationError) -> str:
    # A mistyped key first: what it was meant to be is then the one that is missing.
    first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    *parents, leaf = [str(part) for part in first["loc"]]
    place = ".".join([*parents, leaf])
    if first["type"] == "extra_forbidden":
        known = DatasetChoice if "datasets" in parents else References if "references" in parents else Suite
        return f"{place!r} is not a key of a suite; {did_you_mean(leaf, known.model_fields)}"
    if first["type"] == "missing":
        return (
            f"{place!r} is missing: a suite needs metrics = [...] and at least one [[datasets]] with a name."
        )
    return f"{place!r}: {first['msg']}."
