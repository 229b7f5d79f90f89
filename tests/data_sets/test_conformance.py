"""Every adapter of files passes the conformance kit on a tree in its published layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from data_sets import mesh_trees, trees, video_trees
from data_sets.conformance import Make, assert_sentence, check_dataset, check_stream

from gath_bench import load_component
from gath_bench.errors import UsageError


def named(name: str, **parameters: str) -> Make:
    """Makes the registered data set as the command line does."""
    settings = "".join(f",{key}={value}" for key, value in parameters.items())
    crop = "" if "crop" in parameters or name == "ict-facekit" else ",crop=centre"
    return lambda root: load_component("dataset", f'{name}[root="{root}",size=8{crop}{settings}]')


Case = tuple[Make, Callable[[Path], Path], set[str]]
#: Data sets of still images.
STILL: dict[str, Case] = {
    "subject-folders": (named("subject-folders"), trees.subject_folders, {"stills"}),
    "lfw": (named("lfw"), trees.lfw, {"stills"}),
    "vggface2": (named("vggface2"), trees.vggface2, {"stills"}),
    "casia-webface": (named("casia-webface"), trees.casia, {"stills"}),
    "celeba": (named("celeba"), trees.celeba, {"stills"}),
    "celeba with landmarks": (
        named("celeba", crop="face"),
        lambda root: trees.celeba(root, landmarks=True),
        {"stills"},
    ),
    "celeba without identities": (named("celeba", identities="false"), trees.celeba, set()),
    "ffhq": (named("ffhq", crop="none"), trees.ffhq, set()),
    "affectnet": (named("affectnet"), trees.affectnet_lists, set()),
    "affectnet, newer release": (named("affectnet"), trees.affectnet_arrays, set()),
    "emotionet": (named("emotionet"), trees.emotionet, {"frames"}),
    "ck-plus": (named("ck-plus"), trees.ck_plus, {"stills", "frames", "clips"}),
    "ganimation": (named("ganimation"), trees.ganimation, {"frames"}),
}
CASES: dict[str, Case] = STILL | {
    "bp4d": (named("bp4d"), video_trees.bp4d, {"stills", "frames", "clips"}),
    "webdataset": (
        named("webdataset", subject="person", clip="take"),
        video_trees.webdataset,
        {"stills", "frames", "clips"},
    ),
    "huggingface": (
        named("huggingface", subject="person", clip="take"),
        video_trees.huggingface,
        {"stills", "frames", "clips"},
    ),
    "ict-facekit": (
        named("ict-facekit", subjects="40"),
        mesh_trees.ict_facekit,
        {"stills", "frames", "clips"},
    ),
    "disfa": (named("disfa"), video_trees.disfa, {"stills", "frames", "clips"}),
    "ravdess": (named("ravdess"), video_trees.ravdess, {"stills", "frames", "clips"}),
    "mead": (named("mead"), video_trees.mead, {"stills", "frames", "clips"}),
    "video": (named("video", train="0.6"), video_trees.videos, {"stills", "frames", "clips"}),
}
#: The packages that some data sets need.
NEEDS = {"huggingface": "datasets", **dict.fromkeys(("disfa", "ravdess", "mead", "video"), "av")}


@pytest.mark.parametrize("case", CASES)
def test_the_kit_passes(case: str, tmp_path: Path) -> None:
    if case in NEEDS:
        pytest.importorskip(NEEDS[case])
    make, tree, streams = CASES[case]
    check_dataset(make, tree(tmp_path / "root"), streams=streams)


def test_videos_without_labels_are_in_stills_alone(tmp_path: Path) -> None:
    pytest.importorskip("av")
    make, root = named("ravdess"), video_trees.ravdess_without_labels(tmp_path / "root")
    check_stream(make, root, "stills")
    for refused in ("frames", "clips"):
        with pytest.raises(UsageError, match=f"no AU labels .* which {refused} need") as caught:
            getattr(make(root), refused)(batch_size=2, seed=0)
        assert_sentence(caught.value)
