"""What a plugin's subcommand may ask of the program that calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gath_bench.contracts.model import AnimationModel
from gath_bench.contracts.specs import Kind


class CommandContext(Protocol):
    """A subcommand gets it as click's ``ctx.obj``: ``@click.pass_obj``."""

    def make(self, kind: Kind, name: str) -> Any:
        """The component that a user calls ``name``, such as ``"synthfaces[resolution=64]"``.

        Raises:
            UsageError: unknown names or parameters, with what to do.
        """
        ...

    def evaluate(
        self,
        model: AnimationModel,
        *,
        dataset: str,
        metrics: Sequence[str],
        split: str = "val",
        protocol: str = "same-subject",
        limit: int | None = None,
        device: str = "cpu",
    ) -> Mapping[str, float]:
        """A model that is being made, measured as ``gath-bench run`` would: value name -> value.

        The model is measured alone, without reference rows, by this process alone; random numbers and torch
        settings are as before afterwards. ``model.to`` is called: putting the model back where it was, or into
        training mode, is the caller's part. Values that cannot be had are left out, and one that failed is a
        warning. No run folder is kept.

        Returns:
            Value name (``"au-error.mae"``, ``"changed-error"``) -> the value over all samples and AUs.

        Raises:
            UsageError: unknown names or parameters, no such device, or two metrics with one value name.
        """
        ...
