"""Components that break their contract in every way that a table lists, for the tests of isolation.

Each table maps a name to what the component does; ``hostile-model[how=NAME]`` is a model that does it. A part of the
recorded reason follows, or None where the component's own values are valid and only what it leaves behind is not.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import random
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from toy.toy_plugin import AUS, Estimator, ToyDataset, ToySample, _Model

from gath_bench import UsageError, hookimpl
from gath_bench.contracts import (
    CORPUS,
    MODEL_NEEDS,
    Animated,
    AUEstimatorSpec,
    Batch,
    CorpusFeatures,
    DatasetInfo,
    DatasetSpec,
    Evaluations,
    Features,
    Measured,
    MetricInfo,
    MetricSpec,
    ModelSpec,
    RoleRequest,
    Sample,
    Summary,
    SystemUnderTest,
    Unreadable,
)


class OwnBaseException(BaseException):
    """No ``Exception``."""


class NoText(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text either")


class NumberAsText(Exception):
    def __str__(self) -> str:
        return 3  # type: ignore[return-value]


def _raise(error: BaseException) -> Callable[..., Any]:
    def act(*_: Any) -> Any:
        raise error

    return act


def _recurse(*_: Any) -> Any:
    return _recurse()


#: Ways to end a call, for every kind of component.
ENDINGS: dict[str, tuple[Callable[..., Any], str]] = {
    "exit-0": (lambda *_: sys.exit(0), "SystemExit: 0"),
    "exit-text": (lambda *_: sys.exit("good bye"), "SystemExit: good bye"),
    "generator-exit": (_raise(GeneratorExit()), "GeneratorExit"),
    "base-exception": (_raise(OwnBaseException("own")), "OwnBaseException: own"),
    "cancelled": (_raise(asyncio.CancelledError()), "CancelledError"),
    "usage-error": (_raise(UsageError("wrong usage")), "wrong usage"),
    "surrogate": (_raise(RuntimeError("\udcff\ud800")), "RuntimeError: \ufffd\ufffd"),
    "escape": (_raise(RuntimeError("\x1b[31mred\x1b[0m")), "RuntimeError: \ufffd[31mred"),
    "long": (_raise(RuntimeError("long " * 10**6)), "long long"),
    "no-text": (_raise(NoText()), "NoText"),
    "number-as-text": (_raise(NumberAsText()), "NumberAsText"),
    "stop-iteration": (_raise(StopIteration()), "StopIteration"),
    "memory": (_raise(MemoryError()), "MemoryError"),
    "recursion": (_recurse, "RecursionError"),
}

MODEL_OUTPUTS: dict[str, tuple[Callable[[Tensor], Any], str]] = {
    "none": (lambda x: None, "NoneType"),
    "list": (lambda x: [x], "list"),
    "numpy": (lambda x: x.numpy(), "ndarray"),
    "uint8": (lambda x: (x * 255).to(torch.uint8), "uint8"),
    "int64": (lambda x: (x * 255).long(), "int64"),
    "bool": (lambda x: x > 0.5, "bool"),
    "complex": (lambda x: x.to(torch.complex64), "complex64"),
    "minus-one-to-one": (lambda x: 2 * x - 1, "outside"),
    "to-255": (lambda x: 255 * x, "outside"),
    "one-too-few": (lambda x: x[1:], "must return (4, 3, H, W)"),
    "one-too-many": (lambda x: torch.cat([x, x[:1]]), "must return (4, 3, H, W)"),
    "grey": (lambda x: x[:, :1], "must return (4, 3, H, W)"),
    "flat": (lambda x: x.flatten(1), "must return (4, 3, H, W)"),
    "half-size": (lambda x: x[..., ::2, ::2], "ModelInfo.resolution"),
    "not-square": (lambda x: x[..., ::2], "ModelInfo.resolution"),
    "no-pixels": (lambda x: x[..., :0, :0], "ModelInfo.resolution"),
    "meta": (lambda x: x.to("meta"), "meta"),
    "sparse": (lambda x: x.to_sparse(), "Sparse"),
    "missing-99": (lambda x: Animated(x, {99: "none"}), "missing has the key 99"),
    "missing-negative": (lambda x: Animated(x, {-1: "none"}), "missing has the key -1"),
    "missing-text-key": (lambda x: Animated(x, {"0": "none"}), "missing has the key '0'"),  # type: ignore[dict-item]
    "missing-bool-key": (lambda x: Animated(x, {True: "none"}), "missing has the key True"),
    "missing-number": (lambda x: Animated(x, {0: 5}), "missing has the reason 5"),  # type: ignore[dict-item]
    "missing-empty": (lambda x: Animated(x, {0: " "}), "missing has the reason ' '"),
    "missing-list": (lambda x: Animated(x, [0]), "missing must map"),  # type: ignore[arg-type]
    "missing-none": (lambda x: Animated(x, None), "missing must map"),  # type: ignore[arg-type]
}


def _all_warnings_are_errors() -> None:
    warnings.simplefilter("error")


def _close_stdout() -> None:
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    sys.stdout.close()


#: Settings that a call may leave changed.
SETTINGS: dict[str, Callable[[], Any]] = {
    "default-device": lambda: torch.set_default_device("meta"),
    "default-dtype": lambda: torch.set_default_dtype(torch.float64),
    "threads": lambda: torch.set_num_threads(3),
    "mkldnn": lambda: setattr(torch.backends.mkldnn, "enabled", False),
    "cudnn-benchmark": lambda: setattr(torch.backends.cudnn, "benchmark", True),
    "nondeterministic": lambda: torch.use_deterministic_algorithms(False),
    "grad": lambda: torch.set_grad_enabled(not torch.is_grad_enabled()),
    "autocast": lambda: torch.set_autocast_enabled("cpu", True),
    "numpy-errors": lambda: np.seterr(all="raise"),
    "folder": lambda: os.chdir("/"),
    "recursion-limit": lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 7),
    "warnings": _all_warnings_are_errors,
    "stdout": _close_stdout,
    "print": lambda: print("a component prints"),
    "loud": lambda: subprocess.run(["echo", "a subprocess prints"], check=True),
    "seeds": lambda: (torch.manual_seed(1), np.random.seed(1), random.seed(1)),
}


class HostileModel(_Model):
    def __init__(self, *, how: str) -> None:
        self.how = how

    def to(self, device: str) -> Any:
        if self.how == "to-exit":
            sys.exit(0)
        return None if self.how == "to-none" else self

    def animate(self, portraits: Tensor, target_aus: Tensor) -> Any:
        if self.how in ENDINGS:
            return ENDINGS[self.how][0]()
        if self.how in MODEL_OUTPUTS:
            return MODEL_OUTPUTS[self.how][0](portraits)
        SETTINGS[self.how]()
        return portraits


class InPlaceModel(_Model):
    """Overwrites one of its inputs; ``earlier``: in each call, what it got and returned in the call before."""

    needs = MODEL_NEEDS

    def __init__(self, *, what: str) -> None:
        self.what = what
        self.kept: list[Tensor] = []

    def animate(self, portraits: Tensor, target_aus: Tensor, **needs: Any) -> Tensor:
        for tensor in self.kept:
            tensor.fill_(0.25)
        given = {"portraits": portraits, "target_aus": target_aus} | needs
        result = portraits.clone()
        if self.what == "earlier":
            self.kept = [result, *(value for value in given.values() if isinstance(value, Tensor))]
        else:
            given[self.what].fill_(0.25)
        return result


#: Model that writes into its inputs -> what it writes to.
IN_PLACE_MODELS: dict[str, str] = {
    f"hostile-in-place[what={what}]": f"its {what}"
    for what in ("portraits", "target_aus", "target", "source_aus", "mean_portrait", "earlier")
}


class LateInfo(_Model):
    """Its ``info`` can be read once."""

    read = 0

    @property
    def info(self) -> Any:
        self.read += 1
        if self.read > 1:
            raise RuntimeError("read before")
        return super().info

    def animate(self, portraits: Tensor, target_aus: Tensor) -> Tensor:
        return portraits


#: Model -> a part of the reason; None where its own values are valid.
MODELS: dict[str, str | None] = {
    **{f"hostile-model[how={how}]": reason for how, (_, reason) in (ENDINGS | MODEL_OUTPUTS).items()},
    "hostile-model[how=to-exit]": "SystemExit: 0",
    "hostile-model[how=to-none]": "NoneType",
    **{f"hostile-model[how={how}]": None for how in SETTINGS},
    "hostile-late-info": None,
}


def _measured(values: Any, **more: Any) -> list[Measured]:
    return [Measured("hostile", values, **more)]


#: Metric output of B samples -> a part of the reason.
METRIC_OUTPUTS: dict[str, tuple[Callable[[int], Any], str]] = {
    "none": (lambda n: None, "NoneType"),
    "number": (lambda n: 3, "int"),
    "text": (lambda n: "text", "str"),
    "nothing": (lambda n: [], "returned no hostile"),
    "other-name": (lambda n: [Measured("other", torch.zeros(n))], "returned no hostile"),
    "twice": (lambda n: _measured(torch.zeros(n)) * 2, "twice"),
    "numeric-name": (lambda n: [Measured(3, torch.zeros(n))], "the name 3"),  # type: ignore[arg-type]
    "surrogate-name": (lambda n: [Measured("\ud800", torch.zeros(n))], "the name"),
    "short": (
        lambda n: _measured(torch.zeros(n - 1)),
        "measure() must return one value per sample: got 3 for 4 samples",
    ),
    "scalar": (lambda n: _measured(torch.zeros(())), "of shape ()"),
    "cube": (lambda n: _measured(torch.zeros(n, 2, 2)), "of shape (4, 2, 2)"),
    "complex": (lambda n: _measured(torch.zeros(n, dtype=torch.complex64)), "complex64"),
    "texts": (lambda n: _measured(["a"] * n), "real values"),
    "nones": (lambda n: _measured([None] * n), "real values"),
    "ragged": (lambda n: _measured([[1.0], *[[1.0, 2.0]] * (n - 1)]), "ValueError"),
    "huge": (lambda n: _measured([10**400] * n), "real values"),
    "meta": (lambda n: _measured(torch.zeros(n, device="meta")), "meta"),
    "au-twice": (lambda n: _measured(torch.zeros(n, 2), aus=("AU01", "AU01")), "AU label twice"),
    "au-number": (lambda n: _measured(torch.zeros(n, 2), aus=(1, 2)), "not a string"),
    "au-surrogate": (lambda n: _measured(torch.zeros(n, 1), aus=("\ud800",)), "not a string"),
    "missing-99": (lambda n: _measured(torch.zeros(n), missing={99: "none"}), "missing has the key 99"),
    "missing-negative": (lambda n: _measured(torch.zeros(n), missing={-1: "none"}), "the key -1"),
    "missing-text-key": (lambda n: _measured(torch.zeros(n), missing={"0": "none"}), "the key '0'"),
    "missing-number": (lambda n: _measured(torch.zeros(n), missing={0: 5}), "the reason 5"),
    "lazy": (lambda n: (_raise(SystemExit(0))() for _ in range(1)), "SystemExit: 0"),
}


class HostileMetric:
    def __init__(self, *, how: str) -> None:
        self.how = how
        self.info = MetricInfo((Summary("hostile", "none"),))

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Any:
        if self.how in ENDINGS:
            return ENDINGS[self.how][0]()
        if self.how in METRIC_OUTPUTS:
            return METRIC_OUTPUTS[self.how][0](len(batch))
        SETTINGS[self.how]()
        return _measured(torch.zeros(len(batch), dtype=torch.float32, device="cpu"))


class InPlaceFeatures:
    """Changes the features that it shares with other metrics."""

    info = MetricInfo((Summary("hostile", "none"),), roles=(RoleRequest("au_estimator", "toy-estimator"),))

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Any:
        features = evaluations.features("au_estimator", "generated")
        assert isinstance(features.values, Tensor)
        features.values.zero_()
        features.missing[0] = "changed"  # type: ignore[index]
        return _measured(torch.zeros(len(batch)))


class InPlaceMetric:
    """Overwrites one of its inputs, or the features or facts of a shared evaluator."""

    info = MetricInfo((Summary("hostile", "none"),), roles=(RoleRequest("au_estimator", "toy-estimator"),))

    def __init__(self, *, what: str) -> None:
        self.what = what
        self.kept: list[Tensor] = []

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Any:
        for tensor in self.kept:
            tensor.fill_(0.25)
        whole, _, side = self.what.partition("-")
        if whole == "features":
            features = evaluations.features("au_estimator", side)  # type: ignore[arg-type]
            assert isinstance(features.values, Tensor)
            features.values.fill_(0.25)
            features.missing[0] = "changed"  # type: ignore[index]
            features.missing_aus["AU01"] = "changed"  # type: ignore[index]
        elif whole == "calibration":
            evaluations.calibration("au_estimator")["changed"] = 1.0  # type: ignore[index]
        elif whole == "earlier":
            self.kept = [generated, *(value for value in vars(batch).values() if isinstance(value, Tensor))]
        else:
            ({"generated": generated} | vars(batch))[whole].fill_(0.25)
        return _measured(torch.zeros(len(batch)))


#: Metric that writes into its inputs -> what it writes to.
IN_PLACE_METRICS: dict[str, str] = {
    f"hostile-in-place-metric[what={what}]": f"its {what.replace('-', ' of the ')}"
    for what in (
        "generated", "source", "target", "target_aus", "source_aus", "face_mask",
        "features-generated", "features-source", "features-target", "calibration", "earlier",
    )
}  # fmt: skip


class HostileSystemMetric:
    def __init__(self, *, how: str) -> None:
        self.how = how
        self.info = MetricInfo((Summary("hostile", "none"),))

    def measure_system(self, system: SystemUnderTest) -> Any:
        return ENDINGS[self.how][0]() if self.how in ENDINGS else METRIC_OUTPUTS[self.how][0](4)


#: Features of a corpus metric for B samples -> a part of the reason.
UPDATES: dict[str, tuple[Callable[[int], Any], str]] = {
    "none": (lambda n: None, "must return CorpusFeatures"),
    "tensor": (lambda n: torch.zeros(n, 2), "must return CorpusFeatures"),
    "empty": (lambda n: CorpusFeatures({}), "must return CorpusFeatures"),
    "numeric-name": (lambda n: CorpusFeatures({3: torch.zeros(n, 2)}), "the name 3"),  # type: ignore[dict-item]
    "path-name": (lambda n: CorpusFeatures({"../x": torch.zeros(n, 2)}), "the name '../x'"),
    "list": (lambda n: CorpusFeatures({"x": [[0.0]] * n}), "not list"),  # type: ignore[dict-item]
    "one-too-few": (lambda n: CorpusFeatures({"x": torch.zeros(n - 1, 2)}), "must be features (4, D)"),
    "complex": (lambda n: CorpusFeatures({"x": torch.zeros(n, 2, dtype=torch.complex64)}), "complex64"),
    "missing-99": (lambda n: CorpusFeatures({"x": torch.zeros(n, 2)}, {99: "none"}), "the key 99"),
    "missing-number": (lambda n: CorpusFeatures({"x": torch.zeros(n, 2)}, {0: 5}), "the reason 5"),  # type: ignore[dict-item]
}

#: Values of a corpus metric for R sets -> a part of the reason.
COMPUTED: dict[str, tuple[Callable[[int], Any], str]] = {
    "none": (lambda r: None, "NoneType"),
    "number": (lambda r: 1.0, "float"),
    "texts": (lambda r: ["a"] * r, "ValueError"),
    "one-too-few": (lambda r: [0.0] * (r - 1), "compute must return"),
    "lazy": (lambda r: (_raise(SystemExit(0))() for _ in range(1)), "SystemExit: 0"),
}


class HostileCorpusMetric:
    """Its ``update`` or its ``compute`` is hostile, and the other one is correct."""

    def __init__(self, *, update: str = "", compute: str = "") -> None:
        self.hostile_update, self.hostile_compute = update, compute
        self.width = 2
        self.info = MetricInfo((Summary("hostile", "none", reducer=CORPUS),))

    def update(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Any:
        how = self.hostile_update
        if how in ENDINGS:
            return ENDINGS[how][0]()
        if how in UPDATES:
            return UPDATES[how][0](len(batch))
        if how == "changing-width":
            self.width += 1
        elif how:
            SETTINGS[how]()
        return CorpusFeatures({"x": torch.ones(len(batch), self.width, device="cpu", dtype=torch.float32)})

    def compute(self, features: Mapping[str, Any], weights: Any) -> Any:
        how = self.hostile_compute
        if how in ENDINGS:
            return ENDINGS[how][0]()
        if how in COMPUTED:
            return COMPUTED[how][0](len(weights))
        if how:
            SETTINGS[how]()
        return [1.0] * len(weights)


#: Settings that the calls of corpus metrics change; the others take the same path.
_CORPUS_SETTINGS = ("default-device", "default-dtype", "threads", "folder", "stdout")

#: Corpus metric -> a part of the reason; None where its own values are valid.
CORPUS_METRICS: dict[str, str | None] = {
    **{f"hostile-corpus[update={how}]": reason for how, (_, reason) in (ENDINGS | UPDATES).items()},
    **{f"hostile-corpus[compute={how}]": reason for how, (_, reason) in (ENDINGS | COMPUTED).items()},
    **{f"hostile-corpus[{call}={how}]": None for call in ("update", "compute") for how in _CORPUS_SETTINGS},
}


#: Evaluator output of B images -> a part of the reason.
EVALUATOR_OUTPUTS: dict[str, tuple[Callable[[int], Any], str]] = {
    "none": (lambda n: None, "must return Features"),
    "tensor": (lambda n: torch.zeros(n, len(AUS)), "must return Features"),
    "list": (lambda n: Features([0.0] * n), "floating-point tensors"),  # type: ignore[arg-type]
    "uint8": (lambda n: Features(torch.zeros(n, len(AUS), dtype=torch.uint8)), "floating-point tensors"),
    "one-too-few": (lambda n: Features(torch.zeros(n - 1, len(AUS))), "for 4 images"),
    "vector": (lambda n: Features(torch.zeros(n)), "for 4 images"),
    "missing-99": (lambda n: Features(torch.zeros(n, len(AUS)), {99: "none"}), "the missing position 99"),
    "missing-number": (lambda n: Features(torch.zeros(n, len(AUS)), {0: 5}), "the missing position 0"),  # type: ignore[dict-item]
}


class OneTensorEstimator(Estimator):
    """Returns the same tensor in every call, with other values."""

    def __init__(self) -> None:
        super().__init__()
        self.values = torch.zeros(0)

    def __call__(self, images: Tensor) -> Features:
        found = super().__call__(images).values
        assert isinstance(found, Tensor)
        self.values.resize_(found.shape).copy_(found)
        return Features(self.values)


class HostileEstimator(Estimator):
    def __init__(self, *, how: str) -> None:
        super().__init__()
        self.how = how

    def to(self, device: str) -> HostileEstimator:
        if self.how == "to-exit":
            sys.exit(0)
        return self

    def __call__(self, images: Tensor) -> Any:
        return ENDINGS[self.how][0]() if self.how in ENDINGS else EVALUATOR_OUTPUTS[self.how][0](len(images))


def _uses(how: str) -> str:
    return f'toy-au[estimator="hostile-estimator[how={how}]"]'


#: Metric -> a part of the reason; None where its own values are valid.
METRICS: dict[str, str | None] = {
    **{f"hostile-metric[how={how}]": reason for how, (_, reason) in (ENDINGS | METRIC_OUTPUTS).items()},
    **{f"hostile-metric[how={how}]": None for how in SETTINGS},
    "hostile-in-place-features": None,
    **{f"hostile-system[how={how}]": reason for how, (_, reason) in ENDINGS.items()},
    **{f"hostile-system[how={how}]": METRIC_OUTPUTS[how][1] for how in ("none", "nothing", "twice", "texts")},
    **{_uses(how): reason for how, (_, reason) in (ENDINGS | EVALUATOR_OUTPUTS).items()},
    _uses("to-exit"): "SystemExit: 0",
}


def _swapped(batch: Batch) -> Batch:
    order = [1, 0, *range(2, len(batch))]
    return batch.select(order)


def _renamed(batch: Batch, *names: Any) -> Batch:
    return replace(batch, sample_id=(*names, *batch.sample_id[len(names) :]))


def _changed(name: str, change: Callable[[Any], Any]) -> Callable[[Batch], Batch]:
    return lambda batch: replace(batch, **{name: change(getattr(batch, name))})


#: Batch of a correct data set -> a part of the reason.
BATCHES: dict[str, tuple[Callable[[Batch], Any], str]] = {
    "none": (lambda batch: None, "not NoneType"),
    "dict": (lambda batch: vars(batch), "not dict"),
    "too-few": (lambda batch: batch.select([0, 1]), "other samples"),
    "too-many": (lambda batch: batch.select([0, 1, 2, 3, 3]), "other samples"),
    "duplicate": (lambda batch: batch.select([0, 1, 2, 2]), "other samples"),
    "other-order": (_swapped, "another order"),
    "other-name": (lambda batch: _renamed(batch, "other"), "other samples"),
    "surrogate-name": (lambda batch: _renamed(batch, "\ud800"), "other samples"),
    "numeric-name": (lambda batch: _renamed(batch, 3), "other samples"),
    "no-subject": (_changed("subject", lambda s: (None, *s[1:])), "other subjects"),
    "other-subject": (_changed("subject", lambda s: ("other", *s[1:])), "other subjects"),
    "lost-twice": (
        lambda batch: replace(batch, unreadable=(Unreadable("test-000", "subject-0", "lost"),)),
        "other samples",
    ),
    "lost-texts": (lambda batch: replace(batch, unreadable=("lost",)), "Unreadable"),
    "half-size": (_changed("source", lambda x: x[..., ::2, ::2]), "source must have the shape"),
    "target-size": (_changed("target", lambda x: x[..., ::2, ::2]), "target must have the shape"),
    "uint8": (_changed("source", lambda x: (x * 255).to(torch.uint8)), "torch.uint8"),
    "to-255": (_changed("source", lambda x: x * 255), "source must be in [0, 1]"),
    "minus-one-to-one": (_changed("target", lambda x: 2 * x - 1), "target must be in [0, 1]"),
    "complex": (_changed("target", lambda x: x.to(torch.complex64)), "complex64"),
    "nan": (_changed("source", lambda x: x * float("nan")), "source must be in [0, 1]"),
    "list": (_changed("source", lambda x: x.tolist()), "not list"),
    "aus-missing": (_changed("target_aus", lambda x: x[:, 1:]), "target_aus must have the shape"),
    "aus-of-five": (_changed("target_aus", lambda x: 5 + x), "target_aus must be in [0, 1]"),
    "aus-infinite": (_changed("target_aus", lambda x: x + float("inf")), "target_aus must be in [0, 1]"),
    "source-aus": (_changed("source_aus", lambda x: x[:, :2]), "source_aus must have the shape"),
    "other-space": (_changed("au_space", lambda x: "bp4d12"), "the data set declares"),
    "mask-shape": (_changed("face_mask", lambda x: x[:, 0]), "face_mask must have the shape"),
    "swept-unknown": (_changed("swept_au", lambda x: ("AU99",) * 4), "swept_au"),
    "frames": (_changed("frame", lambda x: (1, 2)), "frame must be a tuple of 4"),
    "interrupt": (_raise(KeyboardInterrupt()), "KeyboardInterrupt"),
}


class HostileDataset(ToyDataset):
    """Correct, but for the batches that it returns."""

    def __init__(self, *, how: str, n: int = 4) -> None:
        super().__init__(n=n)
        self.how = how
        self.earlier: list[Tensor] = []

    def load(self, samples: Sequence[ToySample]) -> Any:
        batch = super().load(samples)
        if self.how in ENDINGS:
            return ENDINGS[self.how][0]()
        if self.how == "overwrites-earlier":
            for tensor in self.earlier:
                tensor.zero_()
            tensors = {
                name: value.clone() for name, value in vars(batch).items() if isinstance(value, Tensor)
            }
            self.earlier += tensors.values()
            return replace(batch, **tensors)
        if self.how in BATCHES:
            return BATCHES[self.how][0](batch)
        SETTINGS[self.how]()
        return batch


#: Data set -> a part of the reason; None where its own values are valid.
DATASETS: dict[str, str | None] = {
    **{f"hostile-data[how={how}]": reason for how, (_, reason) in (ENDINGS | BATCHES).items()},
    **{
        f"hostile-data[how={how}]": None for how in ("default-device", "grad", "autocast", "folder", "stdout")
    },
}


@dataclass(frozen=True)
class Declared:
    """What a refused component declares instead of the correct value."""

    field: str
    value: Any


#: ``MetricInfo`` or ``Summary`` field with a wrong value -> a part of the refusal.
METRIC_DECLARATIONS: dict[str, tuple[Declared, str]] = {
    "tolerance-nan": (Declared("tolerance", float("nan")), "tolerance"),
    "tolerance-negative": (Declared("tolerance", -1.0), "tolerance"),
    "tolerance-text": (Declared("tolerance", "small"), "MetricInfo.tolerance"),
    "display": (Declared("display", "{:.3q}"), "formats no number"),
    "display-number": (Declared("display", 3), "MetricInfo.display"),
    "summaries-empty": (Declared("summaries", ()), "no summaries"),
    "summaries-none": (Declared("summaries", None), "MetricInfo.summaries"),
    "summaries-twice": (Declared("summaries", (Summary("a", "none"), Summary("a", "none"))), "2 summaries"),
    "roles": (Declared("roles", (RoleRequest("judge", "x"),)), "role"),  # type: ignore[arg-type]
    "reducer": (Declared("summary.reducer", "meen"), "did you mean mean"),
    "inputs-two": (Declared("summary.inputs", ("a", "b")), "2 inputs, and it takes 1"),
    "direction": (Declared("summary.direction", "up"), "Summary.direction"),
    "low-infinite": (Declared("summary.low", float("-inf")), "finite numbers"),
    "high-nan": (Declared("summary.high", float("nan")), "finite numbers"),
    "name-number": (Declared("summary.name", 3), "Summary.name"),
    "name-surrogate": (Declared("summary.name", "\ud800"), "Summary.name"),
    "name-empty": (Declared("summary.name", " "), "needs a name"),
}


class DeclaredMetric:
    def __init__(self, *, how: str) -> None:
        declared = METRIC_DECLARATIONS[how][0]
        whole, _, part = declared.field.rpartition(".")
        summary = Summary("hostile", "none")
        if whole:
            summary = replace(summary, **{part: declared.value})
        info = MetricInfo((summary,))
        self.info = info if whole else replace(info, **{part: declared.value})

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Any:
        return _measured(torch.zeros(len(batch)))


def _named(*names: Any) -> list[Any]:
    return [ToySample(name, "subject", number) for number, name in enumerate(names)]


#: ``samples()`` of a refused data set -> a part of the refusal.
SAMPLE_LISTS: dict[str, tuple[Callable[[], Any], str]] = {
    **{f"samples-{how}": ending for how, ending in ENDINGS.items() if how not in ("recursion", "long")},
    "none": (lambda: None, "cannot list its samples"),
    "generator": (lambda: (item for item in _named("a")), "cannot list its samples"),
    "texts": (lambda: ["a", "b"], "of the type Sample"),
    "duplicate": (lambda: _named("a", "b", "a"), "sample 'a' 2 times"),
    "outside": (lambda: _named("../../x"), "file names"),
    "absolute": (lambda: _named("/etc/x"), "file names"),
    "windows": (lambda: _named("..\\x"), "file names"),
    "dots": (lambda: _named(".."), "is empty"),
    "empty": (lambda: _named(""), "is empty"),
    "zero-byte": (lambda: _named("a\0b"), "file names"),
    "line-break": (lambda: _named("a\nb"), "file names"),
    "surrogate": (lambda: _named("\ud800"), "file names"),
    "number": (lambda: _named(3), "is not a text"),
    "long-name": (lambda: _named("a" * 300), "longer than"),
    "no-subject": (lambda: [Sample("a", None)], "the subject None"),  # type: ignore[arg-type]
    "surrogate-subject": (lambda: [Sample("a", "\ud800")], "the subject"),
}


class HostileList(ToyDataset):
    def __init__(self, *, how: str) -> None:
        super().__init__()
        self.how = how

    def samples(self, split: str, protocol: str, seed: int) -> Any:
        return SAMPLE_LISTS[self.how][0]()


#: ``info`` of a refused model or data set -> a part of the refusal.
INFOS: dict[str, tuple[Callable[[], Any], str]] = {
    "none": (lambda: None, "not None"),
    "text": (lambda: "info", "not 'info'"),
    "exit": (lambda: sys.exit(0), "SystemExit: 0"),
    "raises": (_raise(RuntimeError("no info")), "no info"),
}


class NoInfo(_Model):
    def __init__(self, *, how: str) -> None:
        self.how = how

    @property
    def info(self) -> Any:
        return INFOS[self.how][0]()

    def animate(self, portraits: Tensor, target_aus: Tensor) -> Tensor:
        return portraits


class NoDataInfo(ToyDataset):
    def __init__(self, *, how: str) -> None:
        super().__init__()
        self.how = how

    @property
    def info(self) -> DatasetInfo:
        return INFOS[self.how][0]()  # type: ignore[no-any-return]


class Constructor(_Model):
    """Cannot be created."""

    def __init__(self, *, how: str) -> None:
        ENDINGS[how][0]()


#: Component -> its kind and a part of the sentence that refuses it before any work.
REFUSED: dict[str, tuple[str, str]] = {
    **{
        f"hostile-constructor[how={how}]": ("models", reason)
        for how, (_, reason) in ENDINGS.items()
        if how != "recursion"
    },
    **{f"hostile-info[how={how}]": ("models", reason) for how, (_, reason) in INFOS.items()},
    **{f"hostile-data-info[how={how}]": ("dataset", reason) for how, (_, reason) in INFOS.items()},
    **{
        f"hostile-declared[how={how}]": ("metrics", reason)
        for how, (_, reason) in METRIC_DECLARATIONS.items()
    },
    **{f"hostile-list[how={how}]": ("dataset", reason) for how, (_, reason) in SAMPLE_LISTS.items()},
}


def hang() -> None:
    """Never return; ignore ordinary exceptions."""
    while True:
        try:
            time.sleep(0.05)
        except Exception:
            continue


def _leave_a_process() -> None:
    """A process that lives on and holds the files of this one."""
    subprocess.Popen(["sleep", "600"], close_fds=False)
    os._exit(0)


def _close_files() -> None:
    os.closerange(3, 1024)


#: Ways to end or block the process -> a part of the reason under ``--isolate``.
PROCESS_ENDINGS: dict[str, tuple[Callable[[], Any], str]] = {
    "os-exit": (lambda: os._exit(0), "ended its process with exit code 0"),
    "os-exit-3": (lambda: os._exit(3), "ended its process with exit code 3"),
    "segfault": (lambda: ctypes.string_at(0), "ended its process by SIGSEGV"),
    "abort": (os.abort, "ended its process by SIGABRT"),
    "kill": (
        lambda: os.kill(os.getpid(), signal.SIGKILL),
        "by SIGKILL, which the system also sends when memory",
    ),
    "terminate": (lambda: os.kill(os.getpid(), signal.SIGTERM), "ended its process by SIGTERM"),
    "interrupt": (_raise(KeyboardInterrupt()), "it raised KeyboardInterrupt"),
    "leave-a-process": (_leave_a_process, "ended its process with exit code 0"),
    "close-files": (_close_files, "ended its process with exit code 1"),
    "hang": (hang, "did not return within"),
    "hang-in-c": (lambda: ctypes.PyDLL(None).sleep(1000), "did not return within"),
}


class _Ending:
    """Ends or blocks the process at one of its calls, unless a file exists; of one rank only if it is given."""

    first = ""

    def __init__(self, *, how: str, at: str = "", unless: Path | None = None, rank: str = "") -> None:
        self.how, self.at, self.unless, self.rank = how, at or self.first, unless, rank
        self.reach("init")

    def reach(self, call: str) -> None:
        mine = self.rank in ("", os.environ.get("RANK"))
        if call == self.at and mine and not (self.unless and self.unless.exists()):
            PROCESS_ENDINGS[self.how][0]()


class EndingModel(_Ending, _Model):
    first = "animate"

    @property
    def info(self) -> Any:
        self.reach("info")
        return super().info

    def to(self, device: str) -> EndingModel:
        self.reach("to")
        return self

    def animate(self, portraits: Tensor, target_aus: Tensor) -> Tensor:
        self.reach("animate")
        return portraits


class EndingDataset(_Ending, ToyDataset):
    first = "load"

    def __init__(self, *, how: str, at: str = "", unless: Path | None = None) -> None:
        ToyDataset.__init__(self)
        _Ending.__init__(self, how=how, at=at, unless=unless)

    def samples(self, split: str, protocol: str, seed: int) -> Any:
        self.reach("samples")
        return super().samples(split, protocol, seed)

    @property
    def fingerprint(self) -> str:
        self.reach("fingerprint")
        return super().fingerprint

    def load(self, samples: Sequence[ToySample]) -> Any:
        self.reach("load")
        return super().load(samples)


class EndingMetric(_Ending):
    first = "measure"
    info = MetricInfo((Summary("hostile", "none"),))

    def measure(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> Any:
        self.reach("measure")
        return _measured(torch.zeros(len(batch)))


class EndingSystemMetric(_Ending):
    first = "measure"
    info = MetricInfo((Summary("hostile", "none"),))

    def measure_system(self, system: SystemUnderTest) -> Any:
        self.reach("measure")
        return _measured(torch.zeros(2))


class EndingCorpusMetric(_Ending):
    first = "compute"
    info = MetricInfo((Summary("hostile", "none", reducer=CORPUS),))

    def update(self, generated: Tensor, batch: Batch, evaluations: Evaluations) -> CorpusFeatures:
        self.reach("update")
        return CorpusFeatures({"x": torch.ones(len(batch), 2)})

    def compute(self, features: Mapping[str, Any], weights: Any) -> list[float]:
        self.reach("compute")
        return [1.0] * len(weights)


class EndingEstimator(_Ending, Estimator):
    first = "call"

    def __init__(self, *, how: str, at: str = "", unless: Path | None = None) -> None:
        Estimator.__init__(self)
        _Ending.__init__(self, how=how, at=at, unless=unless)

    def to(self, device: str) -> EndingEstimator:
        self.reach("to")
        return self

    def __call__(self, images: Tensor) -> Features:
        self.reach("call")
        return super().__call__(images)


@hookimpl
def gath_bench_models() -> list[ModelSpec]:
    models = {
        "hostile-model": HostileModel,
        "hostile-in-place": InPlaceModel,
        "hostile-late-info": LateInfo,
        "hostile-info": NoInfo,
        "hostile-constructor": Constructor,
        "hostile-ending": EndingModel,
    }
    return [ModelSpec(name, model, "hostile") for name, model in models.items()]


@hookimpl
def gath_bench_datasets() -> list[DatasetSpec]:
    datasets = {
        "hostile-data": HostileDataset,
        "hostile-list": HostileList,
        "hostile-data-info": NoDataInfo,
        "hostile-ending-data": EndingDataset,
    }
    return [DatasetSpec(name, dataset, "hostile") for name, dataset in datasets.items()]


@hookimpl
def gath_bench_metrics() -> list[MetricSpec]:
    metrics = {
        "hostile-metric": HostileMetric,
        "hostile-in-place-features": InPlaceFeatures,
        "hostile-in-place-metric": InPlaceMetric,
        "hostile-corpus": HostileCorpusMetric,
        "hostile-system": HostileSystemMetric,
        "hostile-declared": DeclaredMetric,
        "hostile-ending-metric": EndingMetric,
        "hostile-ending-system": EndingSystemMetric,
        "hostile-ending-corpus": EndingCorpusMetric,
    }
    return [MetricSpec(name, metric, "hostile") for name, metric in metrics.items()]


@hookimpl
def gath_bench_au_estimators() -> list[AUEstimatorSpec]:
    estimators = {"hostile-estimator": HostileEstimator, "hostile-ending-estimator": EndingEstimator}
    return [AUEstimatorSpec(name, estimator, "hostile") for name, estimator in estimators.items()]
