"""Every adapter of a still image data set passes the conformance kit on a tree in its published layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from data_sets import trees
from data_sets.conformance import Make, check_dataset

from gath_bench import load_component


def named(name: str, **parameters: str) -> Make:
    """Makes the registered data set as the command line does."""
    settings = "".join(f",{key}={value}" for key, value in parameters.items())
    crop = "" if "crop" in parameters else ",crop=centre"
    return lambda root: load_component("dataset", f'{name}[root="{root}",size=8{crop}{settings}]')


CASES: dict[str, tuple[Make, Callable[[Path], Path], set[str]]] = {
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
    "emotionet": (named("emotionet"), trees.emotionet, set()),
    "ck-plus": (named("ck-plus"), trees.ck_plus, {"stills", "frames", "clips"}),
    "ganimation": (named("ganimation"), trees.ganimation, {"frames"}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_kit_passes(case: str, tmp_path: Path) -> None:
    make, tree, streams = CASES[case]
    check_dataset(make, tree(tmp_path / "root"), streams=streams)
