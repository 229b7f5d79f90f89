"""A Hugging Face data set on disk, by column mapping."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from data_sets.conformance import assert_sentence
from PIL import Image

from gath_bench.errors import UsageError

hub: Any = pytest.importorskip("datasets", reason="the extra huggingface")
if not hasattr(hub, "load_from_disk"):
    pytest.skip("the extra huggingface", allow_module_level=True)

from gath_datasets.records import huggingface  # noqa: E402

HuggingFace = partial(huggingface.HuggingFace, crop="centre", size=8, au_space="disfa12")


def rows(count: int = 60) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {"image": [], "AU12": [], "who": [], "take": []}
    for row in range(count):
        buffer = io.BytesIO()
        Image.new("RGB", (16, 16), (row,) * 3).save(buffer, format="PNG")
        columns["image"].append({"bytes": buffer.getvalue(), "path": None})
        columns["AU12"].append((row % 3) / 2)
        columns["who"].append(f"p{row // 3:02d}")
        columns["take"].append(0)
    return columns


@pytest.fixture
def root(tmp_path: Path) -> Path:
    data = hub.Dataset.from_dict(rows()).cast_column("image", hub.Image())
    hub.DatasetDict({"train": data}).save_to_disk(str(tmp_path / "saved"))
    return tmp_path / "saved"


def test_rows_by_column_mapping(root: Path) -> None:
    dataset = HuggingFace(root=root, part="train", subject="who", clip="take")
    assert len(dataset.index) == 60
    assert len(set(dataset.index.subjects)) == 20
    batch = dataset.load(dataset.samples("train", "same-subject", 0)[:4])
    assert batch.target is not None
    assert [float(value) for value in batch.target_aus[:, 6]] == [0.5, 1.0, 0.5, 1.0]
    for name, subject, image in zip(batch.sample_id, batch.subject, batch.target, strict=True):
        row = round(float(image.mean()) * 255)
        assert name == f"{row:08d}"
        assert subject == f"p{row // 3:02d}"
    stills = dataset.stills(batch_size=2, seed=0)
    assert next(stills).images.shape == (2, 3, 8, 8)
    stills.close()
    assert dataset.fingerprint == HuggingFace(root=root, part="train", subject="who", clip="take").fingerprint
    assert dataset.fingerprint != HuggingFace(root=root, part="train", subject="who").fingerprint


def test_wrong_names_are_one_sentence(root: Path, tmp_path: Path) -> None:
    for arguments, sentence in (
        ({"root": tmp_path / "none"}, "there is no such folder"),
        ({"root": tmp_path}, "is not a huggingface folder"),
        ({"root": root, "part": "trian"}, "has no part 'trian'.*did you mean train"),
        ({"root": root, "part": "train", "image": "photo"}, "there is no column 'photo'"),
        ({"root": root, "part": "train", "subject": "whom"}, "there is no column 'whom'.*did you mean who"),
        ({"root": root, "part": "train", "aus": "who"}, "neither a list nor a mapping"),
    ):
        with pytest.raises(UsageError, match=sentence) as caught:
            HuggingFace(**arguments)
        assert_sentence(caught.value)
