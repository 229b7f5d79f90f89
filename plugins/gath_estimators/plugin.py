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
            "ensemble of two networks, trained on augmented synthfaces; openface17",
        )
    ]


@hookimpl
def gath_bench_identity_encoders() -> list[IdentityEncoderSpec]:
    """The identity encoder of the embedded data set."""
    return [
        IdentityEncoderSpec(
            "synthfaces",
            "gath_estimators.bundled:SynthFacesIdentity",
            "identity of a synthfaces portrait, invariant to scene and expression",
        )
    ]


@hookimpl
def gath_bench_perceptual_trunks() -> list[PerceptualTrunkSpec]:
    """The perceptual trunk of the embedded data set."""
    return [
        PerceptualTrunkSpec(
            "synthfaces",
            "gath_estimators.bundled:SynthFacesTrunk",
            "four feature maps of a network trained on identities and AUs of synthfaces",
        )
    ]


@hookimpl
def gath_bench_commands() -> list[CommandSpec]:
    """The command that trains the evaluators."""
    return [
        CommandSpec(
            "train-evaluators",
            "gath_estimators.commands:train_evaluators",
            "train the bundled evaluators and write their model card",
        )
    ]
