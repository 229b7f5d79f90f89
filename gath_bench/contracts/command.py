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

        Values that cannot be had are left out. Nothing is written.
        """
        ...
