"""Checks of what components declare, when the plan is made: a wrong declaration is refused before any work."""

from __future__ import annotations

import math
import re
import typing
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from gath_bench.contracts.batch import Sample
from gath_bench.contracts.dataset import DatasetInfo
from gath_bench.contracts.metric import CorpusMetric, Metric, MetricInfo, Summary, SystemMetric
from gath_bench.contracts.model import ModelInfo
from gath_bench.contracts.specs import Kind
from gath_bench.errors import UsageError, did_you_mean
from gath_bench.registry import Component

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_INFOS: dict[Kind, type[Any]] = {"model": ModelInfo, "dataset": DatasetInfo, "metric": MetricInfo}
#: What a sample id may not contain, since it is also a file name: separators, control characters, surrogates.
_NO_FILE_NAME = re.compile(r"[\x00-\x1f\x7f/\\:\ud800-\udfff]")
#: The longest file name of common file systems, in bytes, less room for a suffix.
_LONGEST_NAME = 200


def check_info(name: str, kind: Kind, component: Component) -> None:
    """Check the ``info`` of a model, data set or metric.

    Args:
        name: the component as messages call it.
        kind: its kind.
        component: the component.

    Raises:
        UsageError: a field has another type than documented, or a value that no run can use.
        Exception: what reading ``info`` raised.
    """
    info, wanted = component.info, _INFOS[kind]
    if not isinstance(info, wanted):
        raise UsageError(f"{name} cannot be used: its info must be a {wanted.__name__}, not {info!r:.80}.")
    _check_fields(name, info)
    if kind == "metric":
        _check_metric(name, component.instance, info)
    elif info.resolution is not None and info.resolution < 1:
        raise UsageError(f"{name} cannot be used: its resolution {info.resolution} is not positive.")


def check_samples(dataset: str, samples: Sequence[Any]) -> None:
    """Check the sample list of a data set.

    Raises:
        UsageError: not samples, a sample id that is no file name or is there twice, or a subject that is not a string.
    """
    for sample in samples:
        if not isinstance(sample, Sample):
            raise UsageError(f"{dataset} must list samples of the type Sample, not {sample!r:.80}.")
        problem = file_name_problem(sample.sample_id)
        if problem:
            raise UsageError(
                f"{dataset} has the sample id {sample.sample_id!r:.80}, which {problem}: ids are file names."
            )
        if not _is_text(sample.subject):
            raise UsageError(
                f"{dataset} gives sample {sample.sample_id} the subject {sample.subject!r:.80}: give a text."
            )
    name, times = Counter(sample.sample_id for sample in samples).most_common(1)[0] if samples else ("", 1)
    if times > 1:
        raise UsageError(f"{dataset} lists sample {name!r} {times} times: give each sample an id of its own.")


def file_name_problem(name: object) -> str | None:
    """Why a sample id cannot be the stem of a file name; None if it can.

    >>> file_name_problem("test-001")
    >>> file_name_problem("../../x")
    'contains a character that file names cannot have'
    """
    if not isinstance(name, str):
        return "is not a text"
    if not name or set(name) <= {".", " "}:
        return "is empty"
    if _NO_FILE_NAME.search(name):
        return "contains a character that file names cannot have"
    if len(name.encode()) > _LONGEST_NAME:
        return f"is longer than {_LONGEST_NAME} bytes"
    return None


def _check_fields(name: str, declared: Any) -> None:
    """The fields of a declaration against their annotations, without conversions."""
    from pydantic import ValidationError

    kind = type(declared).__name__
    for field, hint in typing.get_type_hints(type(declared)).items():
        value = getattr(declared, field)
        try:
            _adapter(hint).validate_python(value, strict=True)
        except ValidationError as error:
            problem = error.errors()[0]["msg"]
            raise UsageError(f"{name} cannot be used: {kind}.{field} is {value!r:.80}. {problem}.") from error
        for text in _texts(value):
            if not _is_text(text):
                raise UsageError(f"{name} cannot be used: {kind}.{field} has the text {text!r:.80}.")


@cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(hint)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, tuple | frozenset) else []


def _is_text(value: object) -> bool:
    """Whether it is a string that can be stored as UTF-8."""
    return isinstance(value, str) and not re.search("[\ud800-\udfff]", value)


def _check_metric(name: str, metric: object, info: MetricInfo) -> None:
    if not isinstance(metric, Metric | SystemMetric | CorpusMetric):
        raise UsageError(
            f"the metric {name} has neither measure() nor measure_system(), nor update() and compute(): "
            "implement one of them."
        )
    if not math.isfinite(info.tolerance) or info.tolerance < 0:
        raise UsageError(
            f"the metric {name} has the tolerance {info.tolerance}: give a number of at least 0."
        )
    try:
        shown = info.display.format(0.5)
    except Exception:
        shown = ""
    if not shown:
        raise UsageError(
            f"the metric {name} has the display {info.display!r:.80}, which formats no number: "
            "give a format such as '{:.3f}'."
        )
    if not info.summaries:
        raise UsageError(
            f"the metric {name} has no summaries: declare its table values in MetricInfo.summaries."
        )
    for request in info.roles:
        _check_fields(name, request)
    for summary in info.summaries:
        _check_fields(name, summary)
        _check_summary(f"the value {summary.name!r} of the metric {name}", summary)
    taken, times = Counter(summary.name for summary in info.summaries).most_common(1)[0]
    if times > 1:
        raise UsageError(
            f"the metric {name} has {times} summaries of the name {taken!r}: rename all but one."
        )


def _check_summary(what: str, summary: Summary) -> None:
    from gath_bench.analysis.reducers import REDUCERS

    if not summary.name.strip() or not summary.name.isprintable():
        raise UsageError(f"{what} needs a name of printable characters.")
    reducer = REDUCERS.get(summary.reducer)
    if reducer is None:
        raise UsageError(
            f"{what} has the unknown reducer {summary.reducer!r}; {did_you_mean(summary.reducer, REDUCERS)}"
        )
    if len(summary.inputs) != reducer.inputs:
        raise UsageError(
            f"{what} gives the reducer {summary.reducer} {len(summary.inputs)} inputs, and it takes {reducer.inputs}."
        )
    bounds = [bound for bound in (summary.low, summary.high) if bound is not None]
    if not all(map(math.isfinite, bounds)) or bounds != sorted(bounds):
        raise UsageError(
            f"{what} has the range {summary.low} to {summary.high}: give finite numbers in order, or None."
        )
