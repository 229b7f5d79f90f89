"""The hooks that a plugin may implement. Registration hooks return specs; they load nothing.

A plugin is a module (or object) whose functions carry ``@gath_bench.hookimpl``; ``docs/plugins.md`` has a
runnable example of every hook.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from gath_bench.contracts.lifecycle import CellResult, RunInfo
    from gath_bench.contracts.specs import (
        AUEstimatorSpec,
        CommandSpec,
        DatasetSpec,
        FaceDetectorSpec,
        IdentityEncoderSpec,
        MetricSpec,
        ModelSpec,
        PerceptualTrunkSpec,
    )

#: The entry-point group, and the name of the pluggy project.
GROUP = "gath_bench"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def gath_bench_models() -> Iterable[ModelSpec]:  # type: ignore[empty-body]
    """The models that this plugin provides."""


@hookspec
def gath_bench_datasets() -> Iterable[DatasetSpec]:  # type: ignore[empty-body]
    """The data sets that this plugin provides."""


@hookspec
def gath_bench_metrics() -> Iterable[MetricSpec]:  # type: ignore[empty-body]
    """The metrics that this plugin provides."""


@hookspec
def gath_bench_au_estimators() -> Iterable[AUEstimatorSpec]:  # type: ignore[empty-body]
    """The AU estimators that this plugin provides."""


@hookspec
def gath_bench_identity_encoders() -> Iterable[IdentityEncoderSpec]:  # type: ignore[empty-body]
    """The identity encoders that this plugin provides."""


@hookspec
def gath_bench_perceptual_trunks() -> Iterable[PerceptualTrunkSpec]:  # type: ignore[empty-body]
    """The perceptual trunks that this plugin provides."""


@hookspec
def gath_bench_face_detectors() -> Iterable[FaceDetectorSpec]:  # type: ignore[empty-body]
    """Face detectors that this plugin brings."""


@hookspec
def gath_bench_commands() -> Iterable[CommandSpec]:  # type: ignore[empty-body]
    """The subcommands of ``gath-bench`` that this plugin provides."""


@hookspec
def gath_bench_run_started(run: RunInfo) -> None:
    """A run starts or is resumed; its folder exists."""


@hookspec
def gath_bench_cell_finished(run: RunInfo, cell: CellResult) -> None:
    """A cell is finished and written to disk."""


@hookspec
def gath_bench_run_finished(run: RunInfo) -> None:
    """All cells are finished, and the manifest is final."""
