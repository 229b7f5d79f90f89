"""The suite file: its schema, and one sentence for what is wrong in it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gath_bench.errors import UsageError, describe_error, describe_validation_error
from gath_bench.files import parse_toml, read_regular
from gath_bench.results.manifest import MANIFEST, Manifest

#: The largest seed: tables store it as a signed 64-bit integer.
SEED_MAX = 2**63 - 1


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetChoice(_Strict):
    """One data set of a suite.

    Attributes:
        name: component name, ``synthfaces`` or ``portraits[root=photos]``.
        protocols: the protocols to run; the data set's default if empty.
        limit: the maximum number of samples, from the start of the list; None takes all.
    """

    name: str
    protocols: tuple[str, ...] = ()
    limit: int | None = Field(default=None, ge=1)


class References(_Strict):
    """The baseline models of every table, by name.

    ``oracle`` returns the target image (the best possible value of every metric), ``copy_source`` the unedited
    portrait.
    """

    oracle: str = "oracle"
    copy_source: str = "copy-source"


class Suite(_Strict):
    """A benchmark: models, data sets and metrics.

    Attributes:
        name: for the manifest and the run folder.
        models: component names; the baselines are added to them.
        metrics: component names.
        datasets: the data sets with their protocols.
        references: the baselines; None adds none.
        split: the split to evaluate.
        seed: seeds the data sets' sampling and the models' random numbers.
        batch_size: samples per batch; values depend on it only by rounding.
        skip_missing: leave out components that are not installed instead of raising an error.
        detector: the face detector, for images whose framing is not known.
    """

    name: str = "suite"
    models: tuple[str, ...] = ()
    metrics: tuple[str, ...] = Field(min_length=1)
    datasets: tuple[DatasetChoice, ...] = Field(min_length=1)
    references: References | None = References()
    split: str = "test"
    seed: int = Field(default=0, ge=0, le=SEED_MAX)
    batch_size: int = Field(default=16, ge=1)
    skip_missing: bool = False
    detector: str = "synthfaces"

    def with_choices(
        self,
        *,
        models: Sequence[str] | None = None,
        datasets: Sequence[str] | None = None,
        metrics: Sequence[str] | None = None,
        protocols: Sequence[str] | None = None,
        limit: int | None = None,
        seed: int | None = None,
        split: str | None = None,
        references: bool = True,
    ) -> Suite:
        """The suite with other components or settings; None keeps the suite's own.

        Raises:
            UsageError: no data set or metric, or a value out of range.
        """
        changes: dict[str, Any] = {"models": models, "metrics": metrics, "seed": seed, "split": split}
        names = [known.name for known in self.datasets] if datasets is None else datasets
        known = {choice.name: choice for choice in self.datasets}
        per_dataset = {"protocols": protocols, "limit": limit}
        changes["datasets"] = [
            (known[name].model_dump() if name in known else {"name": name}) | _given(per_dataset)
            for name in names
        ]
        content = self.model_dump() | _given(changes) | ({} if references else {"references": None})
        return make_suite(content)


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def make_suite(content: Mapping[str, Any], problem: str = "the evaluation settings are not valid") -> Suite:
    """A suite from its fields.

    Raises:
        UsageError: an unknown field or an invalid value; the sentence starts with ``problem``.
    """
    try:
        return Suite.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"{problem}: {describe_validation_error(error, Suite)}") from error


#: Names of the suites in this package.
BUILT_IN = ("quick", "standard")


def built_in_suite(name: str) -> Suite:
    """A suite of this package, one of ``BUILT_IN``."""
    text = files("gath_bench.suite").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return Suite.model_validate(tomllib.loads(text))


def quick_suite() -> Suite:
    """The suite of ``gath-bench run`` without arguments."""
    return built_in_suite("quick")


def read_suite(path: Path) -> Suite:
    """Read a suite file.

    Raises:
        UsageError: the file does not exist, is not TOML, or has an unknown key or an invalid value.
    """
    try:
        content = parse_toml(read_regular(path).decode())
    except FileNotFoundError:
        raise UsageError(
            f"there is no suite file {path}: give the path of a TOML file, or {' or '.join(BUILT_IN)}."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the suite file {path} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the suite file {path} is not valid TOML: {error}.") from error
    except (RecursionError, ValueError) as error:  # nested too deeply, or a number of thousands of digits
        raise UsageError(f"the suite file {path} is not a suite: {describe_error(error)}.") from error
    return make_suite({"name": path.stem, **content}, f"the suite file {path} is not valid")


def suite_of_run(path: Path) -> Suite:
    """The suite of a run folder.

    Raises:
        UsageError: the folder is not a run folder.
    """
    return make_suite(Manifest.read(path).suite, f"the suite in {path / MANIFEST} is not valid")
