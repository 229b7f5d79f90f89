"""Registers the bundled evaluators and the command that trains them."""

from __future__ import annotations

from gath_bench import hookimpl
from gath_bench.contracts import (
    AUEstimatorSpec,
    CommandSpec,
    FaceDetectorSpec,
    IdentityEncoderSpec,
    PerceptualTrunkSpec,
)
from gath_estimators.known_weights import FACE_LANDMARKER


@hookimpl
def gath_bench_au_estimators() -> list[AUEstimatorSpec]:
    """The AU estimator of the embedded data set, and adapters for other tools."""
    return [
        AUEstimatorSpec(
            "synthfaces",
            "gath_estimators.bundled:SynthFacesAUs",
            "ensemble of two networks, trained on augmented synthfaces; openface17",
        ),
        AUEstimatorSpec(
            "mediapipe",
            "gath_estimators.aus.mediapipe:MediaPipeAUs",
            "52 blendshapes of MediaPipe's Face Landmarker; arkit52",
            requires=("mediapipe",),
            extra="mediapipe",
            weights=(FACE_LANDMARKER,),
        ),
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
def gath_bench_face_detectors() -> list[FaceDetectorSpec]:
    """The bundled face detector, and the adapters for MediaPipe and dlib."""
    return [
        FaceDetectorSpec(
            "synthfaces",
            "gath_estimators.detectors.bundled:SynthFacesDetector",
            "68 landmarks; trained on procedural faces alone, valid on photos",
        ),
        FaceDetectorSpec(
            "mediapipe",
            "gath_estimators.detectors.mediapipe:MediaPipeDetector",
            "68 landmarks from MediaPipe's Face Landmarker; needs face_landmarker.task",
            requires=("mediapipe",),
            extra="mediapipe",
            weights=(FACE_LANDMARKER,),
        ),
        FaceDetectorSpec(
            "dlib",
            "gath_estimators.detectors.dlib:DlibDetector",
            "5 landmarks; dlib's HOG detector",
            requires=("dlib", "face_recognition_models"),
            extra="photo",
        ),
    ]


@hookimpl
def gath_bench_commands() -> list[CommandSpec]:
    """The command that trains the evaluators."""
    return [
        CommandSpec(
            "train-evaluators",
            "gath_estimators.commands:train_evaluators",
            "train the bundled evaluators and write their model card",
        ),
        CommandSpec(
            "train-face-detector",
            "gath_estimators.detectors.commands:train_face_detector",
            "train the bundled face detector on procedural faces, and write its model card",
        ),
    ]
