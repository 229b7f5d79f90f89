"""Registers the built-in data sets and their commands."""

from __future__ import annotations

from gath_bench import hookimpl
from gath_bench.contracts import CommandSpec, DatasetSpec


@hookimpl
def gath_bench_datasets() -> list[DatasetSpec]:
    """The data sets. Their modules are imported on first use."""
    return [
        DatasetSpec(
            "synthfaces",
            "gath_datasets.synthfaces.adapter:SynthFaces",
            "procedural portraits with exact AUs and target images; no download, no licence",
        ),
        DatasetSpec(
            "portraits",
            "gath_datasets.portraits.adapter:Portraits",
            "your own photos (a file, a folder, a folder per subject), or the built-in real portrait",
        ),
        DatasetSpec(
            "folder",
            "gath_datasets.folder:Folder",
            "a folder of target images, for images that another system wrote under the same file names",
        ),
        DatasetSpec(
            "video",
            "gath_datasets.video.adapter:Videos",
            "your own videos (a file, a folder, a folder per subject): AUs of a CSV, a label file or an estimator",
            requires=("av",),
            extra="video",
        ),
        *_still_image_sets(),
        *_video_sets(),
        *_record_sets(),
    ]


def _video_sets() -> list[DatasetSpec]:
    """The data sets of videos with a published layout."""
    module = "gath_datasets.clips"
    return [
        DatasetSpec(name, f"{module}.{place}", summary, requires=("av",), extra="video")
        for name, place, summary in (
            ("disfa", "disfa:Disfa", "DISFA: videos of 27 people, intensities of 12 AUs in every frame"),
            ("ravdess", "performances:Ravdess", "RAVDESS: 24 actors with acted emotions; no AUs"),
            ("mead", "performances:Mead", "MEAD: actors with emotions at three levels; no AUs"),
        )
    ]


def _record_sets() -> list[DatasetSpec]:
    """Data sets of image sequences, and of images in archives."""
    return [
        DatasetSpec(
            "bp4d",
            "gath_datasets.clips.bp4d:BP4D",
            "BP4D: image sequences of 41 people, intensities of 5 AUs",
        ),
        DatasetSpec(
            "ict-facekit",
            "gath_datasets.meshes.ict_facekit:ICTFaceKit",
            "ICT-FaceKit: renderings of a 3D face model, with exact AUs and target images",
        ),
        DatasetSpec(
            "webdataset",
            "gath_datasets.records.webdataset:WebDataset",
            "images and AUs in WebDataset shards, by column mapping",
        ),
        DatasetSpec(
            "huggingface",
            "gath_datasets.records.huggingface:HuggingFace",
            "images and AUs of a Hugging Face data set, by column mapping",
            requires=("datasets",),
            extra="huggingface",
        ),
    ]


def _still_image_sets() -> list[DatasetSpec]:
    """The data sets of still images with a published layout."""
    module = "gath_datasets.still"
    return [
        DatasetSpec(
            "subject-folders",
            f"{module}.subject_folders:SubjectFolders",
            "any folder with a folder of photos per person: identities, no AUs",
        ),
        DatasetSpec("lfw", f"{module}.subject_folders:LFW", "Labeled Faces in the Wild: identities, no AUs"),
        DatasetSpec("vggface2", f"{module}.subject_folders:VGGFace2", "VGGFace2: identities, no AUs"),
        DatasetSpec(
            "casia-webface", f"{module}.subject_folders:CasiaWebFace", "CASIA-WebFace: identities, no AUs"
        ),
        DatasetSpec("celeba", f"{module}.celeba:CelebA", "CelebA: identities, five landmarks, no AUs"),
        DatasetSpec("ffhq", f"{module}.ffhq:FFHQ", "FFHQ: aligned portraits without identities or AUs"),
        DatasetSpec(
            "affectnet", f"{module}.affectnet:AffectNet", "AffectNet: expressions, no identities, no AUs"
        ),
        DatasetSpec(
            "emotionet", f"{module}.emotionet:EmotioNet", "EmotioNet: presence of AUs, no identities"
        ),
        DatasetSpec(
            "ck-plus", f"{module}.ck_plus:CKPlus", "Extended Cohn-Kanade: neutral and FACS-coded peak frames"
        ),
        DatasetSpec(
            "ganimation",
            f"{module}.ganimation:GANimationFolder",
            "a training folder of GANimation: images with OpenFace AUs in aus_openface.pkl",
        ),
    ]


@hookimpl
def gath_bench_commands() -> list[CommandSpec]:
    """The commands of the data sets."""
    return [
        CommandSpec(
            "synthfaces",
            "gath_datasets.synthfaces.commands:synthfaces",
            "Render, inspect and export procedural portraits.",
        ),
    ]
