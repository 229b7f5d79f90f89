"""``gath-bench label``: label files are complete, resumable, and hold the labels of one estimator."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from toy.running import environment, toys
from toy.toy_plugin import AUS, CALLS, Estimator, ToyDataset

from gath_bench.contracts import ComponentKey
from gath_bench.errors import UsageError
from gath_bench.evaluation import labelling
from gath_bench.labels import Label, LabelInfo, LabelWriter, read_labels

INFO = LabelInfo("toy-estimator@1#ab12cd34", "openface17")


def label(output: Path, dataset: str = "toy[n=40]", estimator: str = "toy-estimator", **options):
    return labelling.label(dataset, estimator, output=output, device="cpu", plugins=toys(), **options)


def rows(path: Path) -> list[dict]:
    return pq.read_table(path).to_pylist()


def test_every_image_has_one_row_with_the_estimators_values(tmp_path: Path) -> None:
    result = label(tmp_path / "a.parquet")
    dataset = ToyDataset(n=40)
    samples = dataset.samples("test", "same-subject", 0)
    written = rows(result.path)
    assert [row["sample_id"] for row in written] == [sample.sample_id for sample in samples]
    assert (result.images, result.found, result.measured) == (40, 40, 40)
    batch = dataset.load(samples)
    assert batch.target is not None
    expected = Estimator()(batch.target.clone()).values
    assert torch.equal(torch.tensor([row["values"] for row in written]), expected)
    key = ComponentKey.parse(result.estimator)
    assert key.hash
    assert {row["estimator"] for row in written} == {result.estimator}
    assert {row["au_space"] for row in written} == {"openface17"}
    labels = read_labels(result.path, estimator=result.estimator)
    assert np.array_equal(labels.aus([samples[3].sample_id], "openface17")[0], expected[3].numpy())


def test_an_image_that_cannot_be_read_has_a_row_without_values(tmp_path: Path) -> None:
    result = label(tmp_path / "a.parquet", "toy[n=8,unreadable=3]")
    row = rows(result.path)[3]
    assert (row["found"], row["values"], row["reason"]) == (False, None, "cannot be decoded")
    assert result.found == 7
    labels = read_labels(result.path)
    assert np.isnan(labels.aus([row["sample_id"]], "openface17")).all()
    assert labels.reason(row["sample_id"]) == "cannot be decoded"
    assert labels.reason("other") == "a.parquet has no label of other"


PROGRAM = """
import os, sys
from toy.toy_plugin import Estimator
from gath_bench.evaluation import labelling
from gath_bench.cli.main import main
labelling.FLUSH_SECONDS = -1.0
original, calls = Estimator.__call__, [0]
def dying(self, images):
    calls[0] += 1
    if calls[0] > int(os.environ["LIVES"]):
        os.kill(os.getpid(), 9)
    return original(self, images)
Estimator.__call__ = dying
main()
"""


def test_a_killed_process_is_resumed_without_lost_or_doubled_rows(tmp_path: Path) -> None:
    whole = label(tmp_path / "whole.parquet", "toy[n=100]")
    path = tmp_path / "killed.parquet"
    words = ["label", "toy[n=100]", "--estimator", "toy-estimator", "--device", "cpu", "-o", str(path)]
    command = [sys.executable, "-c", PROGRAM, "--no-plugins", "--plugin", "toy.toy_plugin", *words]
    killed = subprocess.run(command, env=environment(LIVES="3"), capture_output=True, text=True, timeout=120)
    assert killed.returncode == -9
    assert not path.exists()
    CALLS.clear()
    result = label(path, "toy[n=100]")
    assert result.measured == 100 - 3 * labelling.BATCH
    assert path.read_bytes() == whole.path.read_bytes()
    assert [item.name for item in tmp_path.iterdir() if "shards" in item.name] == []
    again = label(path, "toy[n=100]")
    assert again.measured == 0
    assert path.read_bytes() == whole.path.read_bytes()


def test_a_shard_that_was_merged_but_not_removed_doubles_nothing(tmp_path: Path) -> None:
    """The process was killed between writing the file and removing the shards."""
    writer = LabelWriter(tmp_path / "a.parquet", INFO)
    writer.add([Label("one", "", (0.5,) * 17)])
    shards = {path.name: path.read_bytes() for path in (tmp_path / "a.parquet.shards").iterdir()}
    writer.finish(["one"])
    for name, content in shards.items():
        (tmp_path / "a.parquet.shards").mkdir(exist_ok=True)
        (tmp_path / "a.parquet.shards" / name).write_bytes(content)
    again = LabelWriter(tmp_path / "a.parquet", INFO)
    again.finish(["one"])
    assert len(rows(tmp_path / "a.parquet")) == 1


def test_labels_of_two_estimators_are_never_in_one_file(tmp_path: Path) -> None:
    path = label(tmp_path / "a.parquet").path
    with pytest.raises(UsageError, match=r"holds labels of another kind \(estimator toy-estimator.*-o"):
        label(path, estimator="toy-estimator[domain=photo]")
    # A killed process of another estimator left its shards.
    LabelWriter(tmp_path / "b.parquet", INFO).add([Label("one", "", (0.5,) * 17)])
    with pytest.raises(UsageError, match="holds labels of another kind"):
        label(tmp_path / "b.parquet")
    with pytest.raises(UsageError, match=r"holds labels by toy-estimator.*, not by synthfaces@1#00000000"):
        read_labels(path, estimator="synthfaces@1#00000000")
    # Two files, joined by hand.
    table = pq.read_table(path)
    other = table.set_column(
        table.schema.get_field_index("estimator"), "estimator", pa.array(["x@1#11111111"] * len(table))
    )
    renamed = other.set_column(0, "sample_id", pa.array([f"x{i}" for i in range(len(table))]))
    plain = table.set_column(
        table.schema.get_field_index("estimator"), "estimator", table["estimator"].cast(pa.string())
    )
    pq.write_table(pa.concat_tables([plain, renamed]), tmp_path / "mixed.parquet")
    with pytest.raises(UsageError, match="mixes labels of several estimators"):
        read_labels(tmp_path / "mixed.parquet")
    pq.write_table(pa.concat_tables([table, table]), tmp_path / "twice.parquet")
    with pytest.raises(UsageError, match="two labels of one image"):
        read_labels(tmp_path / "twice.parquet")


def test_only_new_and_changed_images_are_measured(tmp_path: Path) -> None:
    path = label(tmp_path / "a.parquet", "toy[n=20]").path
    labels = read_labels(path)
    first = labels.labels["test-000"]
    with pytest.raises(UsageError, match=r"clip.mp4 has changed since .*a.parquet was made"):
        labels.check_content("test-000", "0" * 64, "clip.mp4")
    labels.check_content("test-000", first.content + "0" * 48, "clip.mp4")
    # The toy's fingerprint holds its number of images: all images count as changed.
    assert label(path, "toy[n=21]").measured == 21
    assert label(path, "toy[n=21]").measured == 0


def test_wrong_files_and_names_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no label file"):
        read_labels(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("no Parquet")
    with pytest.raises(UsageError, match="is not a label file"):
        read_labels(tmp_path / "text.parquet")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "other.parquet")
    with pytest.raises(UsageError, match="is not a label file"):
        read_labels(tmp_path / "other.parquet")
    with pytest.raises(UsageError, match="did you mean toy-estimator"):
        label(tmp_path / "a.parquet", estimator="toy-estimater")
    with pytest.raises(UsageError, match="has no weights here"):
        label(tmp_path / "a.parquet", estimator="toy-estimator[weights=false]")
    with pytest.raises(UsageError, match=r"toy\.pth is missing: get it by post"):
        label(tmp_path / "a.parquet", estimator="toy-broken-estimator")


def test_an_estimator_for_other_images_is_a_warning(tmp_path: Path) -> None:
    result = label(tmp_path / "a.parquet", "toy[domain=photo,n=4]")
    assert result.note == "toy-estimator was validated on synthetic images, and these are photo images."
    assert len(AUS) == 17
