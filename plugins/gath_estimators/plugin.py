"""Registers the bundled evaluators and the command that trains them."""

from __future__ import annotations

from gath_bench import hookimpl
from gath_bench.contracts import AUEstimatorSpec, CommandSpec, IdentityEncoderSpec, PerceptualTrunkSpec


@hookimpl
def gath_bench_au_estimators() -> list[AUEstimatorSpec]:
    """The AU estimator of the embedded data set."""
    return [
        AUEstimatorSpec(
            "synthfaces",
            "gath_estimators.bundled:SynthFacesAUs",
            "two families of networks that trained on augmented synthfaces; openface17",
        )
    ]


@hookimpl
def gath_bench_identity_encoders() -> list[IdentityEncoderSpec]:
    """The identity encoder of the embedded data set."""
    return [
        IdentityEncoderSpec(
            "synthfaces",
            "gath_estimators.bundled:SynthFacesIdentity",
            "who a synthfaces portrait shows, whatever the scene and the expression",
        )
    ]


@hookimpl
def gath_bench_perceptual_trunks() -> list[PerceptualTrunkSpec]:
    """The perceptual trunk of the embedded data set."""
    return [
        PerceptualTrunkSpec(
            "synthfaces",
            "gath_estimators.bundled:SynthFacesTrunk",
            "four feature maps of a network that tells people and expressions of synthfaces apart",
        )
    ]


@hookimpl
def gath_bench_commands() -> list[CommandSpec]:
    """How the evaluators came to be."""
    return [
        CommandSpec(
            "train-evaluators",
            "gath_estimators.commands:train_evaluators",
            "train the evaluators of the embedded data set, and write their model card",
        )
    ]
