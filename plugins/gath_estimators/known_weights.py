"""Weights files of the adapters for published evaluators. Sizes and hashes are those that the publishers state."""

from __future__ import annotations

from gath_bench.contracts import WeightsSpec

#: Version 1 of the float16 bundle.
FACE_LANDMARKER = WeightsSpec(
    name="face-landmarker",
    files=("face_landmarker.task",),
    summary="MediaPipe Face Landmarker: detector, 478 landmarks, 52 blendshapes",
    licence="Apache-2.0",
    url="https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/face_landmarker.task",
    size=3758596,
    sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
)
ARCFACE = WeightsSpec(
    name="arcface",
    files=("arcface.onnx", "w600k_r50.onnx"),
    summary="an ArcFace network of InsightFace as ONNX, such as w600k_r50.onnx of the model pack buffalo_l",
    licence="non-commercial research only (InsightFace's model packs)",
)
SFACE = WeightsSpec(
    name="sface",
    files=("face_recognition_sface_2021dec.onnx",),
    summary="SFace of OpenCV Zoo, embeddings of 128 numbers",
    licence="Apache-2.0",
    url="https://github.com/opencv/opencv_zoo/raw/edef535367a4f8053b5bfb7580935c83772a9639/"
    "models/face_recognition_sface/face_recognition_sface_2021dec.onnx",
    size=38696353,
    sha256="0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
)
#: A conversion to ONNX: its publisher offers PyTorch weights only, so there is no published hash.
MOBILEFACENET = WeightsSpec(
    name="mobilefacenet",
    files=("MobileFaceNet.onnx",),
    summary="foamliu's MobileFaceNet, converted to ONNX with external data, embeddings of 128 numbers",
    licence="Apache-2.0",
    beside=("MobileFaceNet.onnx.data",),
)
