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
from gath_estimators.known_weights import ARCFACE, FACE_LANDMARKER, MOBILEFACENET, SFACE

#: Package that runs ONNX files.
_ONNX = ("onnxruntime",)


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
        AUEstimatorSpec(
            "openface",
            "gath_estimators.aus.openface:make_openface",
            "runs OpenFace 2 (FeatureExtraction), or reads its table; openface17",
            programs=("FeatureExtraction",),
        ),
        AUEstimatorSpec(
            "au-csv",
            "gath_estimators.aus.table:TableAUs",
            "reads a table of OpenFace, py-feat, LibreFace or MediaPipe; its own AU space",
        ),
    ]


@hookimpl
def gath_bench_identity_encoders() -> list[IdentityEncoderSpec]:
    """The identity encoder of the embedded data set, and encoders for photos."""
    module = "gath_estimators.identity.onnx"
    return [
        IdentityEncoderSpec(
            "synthfaces",
            "gath_estimators.bundled:SynthFacesIdentity",
            "identity of a synthfaces portrait, invariant to scene and expression",
        ),
        IdentityEncoderSpec(
            "onnx",
            f"{module}:CustomEncoder",
            "any ONNX file: weights, size, colours, normalisation, template",
            requires=_ONNX,
            extra="photo",
        ),
        IdentityEncoderSpec(
            "arcface",
            f"{module}:ArcFace",
            "ArcFace of InsightFace, 112 px",
            weights=(ARCFACE,),
            requires=_ONNX,
            extra="photo",
        ),
        IdentityEncoderSpec(
            "sface",
            f"{module}:SFace",
            "SFace of OpenCV Zoo, 112 px",
            weights=(SFACE,),
            requires=_ONNX,
            extra="photo",
        ),
        IdentityEncoderSpec(
            "mobilefacenet",
            f"{module}:MobileFaceNet",
            "foamliu's MobileFaceNet, 112 px",
            weights=(MOBILEFACENET,),
            requires=_ONNX,
            extra="photo",
        ),
        IdentityEncoderSpec(
            "dlib",
            "gath_estimators.identity.dlib:DlibEncoder",
            "dlib's face recognition network, 150 px; similarity 1 - L2 / 1.2",
            requires=("dlib", "face_recognition_models"),
            extra="photo",
        ),
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
            "Train the bundled evaluators.",
        ),
        CommandSpec(
            "train-face-detector",
            "gath_estimators.detectors.commands:train_face_detector",
            "Train the bundled face detector.",
        ),
    ]
