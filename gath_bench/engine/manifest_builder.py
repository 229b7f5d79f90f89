"""Plan -> manifest."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from gath_bench.component_calls import component_call
from gath_bench.contracts.dataset import DatasetInfo
from gath_bench.contracts.keys import HASH_DIGITS, NO_WEIGHTS, fingerprint
from gath_bench.contracts.metric import MetricInfo, SystemMetric
from gath_bench.engine.animate import align_note, resize_note
from gath_bench.errors import Unavailable, UsageError, describe_error
from gath_bench.registry import Component
from gath_bench.results.manifest import CellRecord, Manifest, MetricRecord
from gath_bench.suite.plan import Cell, Plan


def now() -> str:
    """UTC, to the second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def new_manifest(plan: Plan, *, command: list[str], device: str, environment: dict[str, Any]) -> Manifest:
    """The manifest of a new run."""
    suite = plan.suite
    return Manifest(
        status="running",
        command=command,
        suite=suite.model_dump(mode="json"),
        references=suite.references.model_dump() if suite.references else {},
        seed=suite.seed,
        device=device,
        batch_size=suite.batch_size,
        created=now(),
        environment=environment,
        skipped=list(plan.skipped),
        metrics=[_metric(metric, plan) for metric in plan.metrics],
        cells=[_cell(cell, plan) for cell in plan.cells],
        instances=list(plan.instances),
    )


def _cell(cell: Cell, plan: Plan) -> CellRecord:
    model, dataset = cell.model.info, cell.dataset.info
    notes = align_note(dataset, model, _detector(plan)) or resize_note(dataset, model)
    faces = {"faces": _detector(plan)} if _evaluators_need_faces(cell, plan) else {}
    model_key = cell.model.key(model.fingerprint, **notes)
    return CellRecord(
        cell_id=cell.cell_id,
        model=str(cell.model.name),
        model_key=str(model_key),
        sees_target=model.is_reference,
        trained_against=list(model.trained_against),
        dataset=str(cell.dataset.name),
        dataset_key=str(cell.dataset.key(_dataset_fingerprint(cell.dataset), **faces)),
        domain=dataset.domain,
        split=plan.suite.split,
        protocol=cell.protocol,
        samples=len(cell.samples),
        metrics=[str(metric.name) for metric in cell.metrics],
        precision=model.precision,
        baseline=model.baseline,
    )


def _dataset_fingerprint(dataset: Component) -> str:
    try:
        with component_call(dataset.label):
            return str(dataset.instance.fingerprint)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"{dataset.name} cannot be used: its fingerprint raises {describe_error(error).rstrip('.')}."
        ) from error


def _detector(plan: Plan) -> str:
    """Name and hash of the face detector, as keys state it."""
    try:
        found = plan.evaluators.find("face_detector", plan.suite.detector)
    except Unavailable:
        return f"{plan.suite.detector} {NO_WEIGHTS}"
    return f"{found.name} {found.info.fingerprint[:HASH_DIGITS]}"


def _evaluators_need_faces(cell: Cell, plan: Plan) -> bool:
    """Whether values of a cell depend on the face detector: its images have no known framing, an evaluator has one."""
    info: DatasetInfo = cell.dataset.info
    if info.template is not None:
        return False
    for metric in plan.metrics:
        for request in metric.info.roles:
            with suppress(Unavailable):
                known = plan.evaluators.find(request.role, request.component).info
                if known.template is not None and info.domain in known.domains:
                    return True
    return False


def _metric(metric: Component, plan: Plan) -> MetricRecord:
    info: MetricInfo = metric.info
    evaluators = []
    for request in info.roles:
        with suppress(Unavailable):
            evaluators.append(plan.evaluators.find(request.role, request.component))
    hashes = [evaluator.info.fingerprint for evaluator in evaluators]
    known = len(evaluators) == len(info.roles) and NO_WEIGHTS not in hashes
    return MetricRecord(
        name=str(metric.name),
        key=str(metric.key("" if not info.roles else fingerprint(*hashes) if known else NO_WEIGHTS)),
        evaluators=[str(evaluator.key(evaluator.info.fingerprint)) for evaluator in evaluators],
        system=isinstance(metric.instance, SystemMetric),
        deterministic=info.deterministic,
        tolerance=info.tolerance,
        display=info.display,
        summaries=list(info.summaries),
    )
