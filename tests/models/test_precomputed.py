"""Images of another system: matched by sample id, NA with a reason, exact round trip."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from gath_models.precomputed import NO_IMAGE, Precomputed
from PIL import Image

from gath_bench.au import read_au_csv
from gath_bench.contracts import AnimationModel, Batch, ComponentName, DatasetInfo, Sample, Unreadable
from gath_bench.errors import UsageError
from gath_bench.images import read_image, resize, to_8bit, write_png
from gath_bench.render_list import write_render_list
from gath_bench.suite import read_suite


@dataclass(frozen=True)
class ToyTargets:
    """A small data set with target images that are not multiples of 1/255, and one sample that has none."""

    size: int = 16

    @property
    def info(self) -> DatasetInfo:
        protocols = ("same-subject", "sweep")
        return DatasetInfo("openface17", self.size, "synthetic", protocols, ("test",), "none", True)

    @property
    def fingerprint(self) -> str:
        return "00"

    def samples(self, split: str, protocol: str, seed: int) -> Sequence[Sample]:
        return [Sample(f"s{number:03d}", f"p{number % 7}") for number in range(40)]

    def load(self, samples: Sequence[Sample]) -> Batch:
        good = [sample for sample in samples if sample.sample_id != "s005"]
        draws = [torch.Generator().manual_seed(int(sample.sample_id[1:])) for sample in good]
        images = [torch.rand(2, 3, self.size, self.size, generator=draw) for draw in draws]
        aus = torch.stack([torch.rand(17, generator=draw) for draw in draws])
        aus[:, 3] = float("nan")
        return Batch(
            tuple(sample.sample_id for sample in good),
            tuple(sample.subject for sample in good),
            torch.stack([pair[0] for pair in images]),
            aus,
            "openface17",
            target=torch.stack([pair[1] for pair in images]),
            unreadable=tuple(Unreadable("s005", "p5", "lost") for s in samples if s.sample_id == "s005"),
        )


def evaluated(images: torch.Tensor, size: int) -> torch.Tensor:
    """The images that the engine evaluates."""
    return to_8bit(resize(images.clamp(0, 1), size))


def test_exported_targets_equal_those_of_the_oracle(tmp_path: Path) -> None:
    dataset = ToyTargets()
    written = write_render_list(dataset, "toy", "test", None, 0, None, tmp_path / "list")
    batch = dataset.load(dataset.samples("test", "same-subject", 0))
    assert batch.target is not None
    for name, target in zip(batch.sample_id, batch.target, strict=True):
        write_png(written.directory / "output" / f"{name}.png", target)
    model = Precomputed(root=written.directory / "output").to("cpu")
    assert isinstance(model, AnimationModel)
    mine = model.animate(batch.source, batch.target_aus, sample_id=batch.sample_id)
    live = batch.target  # the output of the oracle
    assert not mine.missing
    assert torch.equal(evaluated(mine.images, 16), evaluated(live, 16))
    assert model.unmatched(batch.sample_id) == ()
    assert model.unmatched(batch.sample_id[1:]) == ("s000.png",)


def test_the_list_is_read_exactly(tmp_path: Path) -> None:
    dataset = ToyTargets()
    written = write_render_list(dataset, "toy", "test", "sweep", 3, 20, tmp_path / "list")
    assert written.samples == 19
    assert [item.sample_id for item in written.unreadable] == ["s005"]
    batch = dataset.load(dataset.samples("test", "sweep", 3)[:20])
    series = read_au_csv(written.directory / "aus.csv")
    assert series.sample_ids == batch.sample_id
    assert torch.equal(torch.from_numpy(series.values).nan_to_num(-1), batch.target_aus.nan_to_num(-1))
    with (written.directory / "aus.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["subject"] for row in rows] == list(batch.subject)
    for row, source in zip(rows, batch.source, strict=True):
        assert torch.equal(read_image(written.directory / row["portrait"]), to_8bit(source))
    assert "s005: lost" in (written.directory / "README.txt").read_text()


def test_the_suite_and_the_command_select_the_samples_of_the_list(tmp_path: Path) -> None:
    folder = tmp_path / "a, [list]"
    name = 'portraits[root="my, photos",size=32]'
    adapter = pytest.importorskip(
        "gath_datasets.portraits.adapter", reason="the data set portraits is not installed"
    )
    written = write_render_list(adapter.Portraits(size=32), name, "test", "sweep", 5, 7, folder)
    suite = read_suite(folder / "suite.toml")
    (choice,) = suite.datasets
    assert (choice.name, choice.protocols, choice.limit) == (name, ("sweep",), 7)
    assert (suite.seed, suite.split) == (5, "test")
    words = shlex.split(written.command)
    assert words[:3] == ["gath-bench", "run", str(folder / "suite.toml")]
    assert ComponentName.parse(words[4]).params["root"] == str(folder / "output")
    assert written.command in (folder / "README.txt").read_text()


def test_portraits_of_the_list_equal_the_input_of_a_registered_model(tmp_path: Path) -> None:
    adapter = pytest.importorskip(
        "gath_datasets.portraits.adapter", reason="the data set portraits is not installed"
    )
    dataset = adapter.Portraits(size=48)
    written = write_render_list(dataset, "portraits", "test", None, 0, 1, tmp_path / "list")
    batch = dataset.load(dataset.samples("test", "same-subject", 0)[:1])
    seen = read_image(written.directory / "portraits" / f"{batch.sample_id[0]}.png")
    assert torch.equal(seen, batch.source[0])


def test_render_list_refuses_a_folder_in_use_and_unknown_names(tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    for arguments, sentence in (
        (("test", None, tmp_path / "used"), "not an empty folder"),
        (("test", None, tmp_path / "used" / "file"), "not an empty folder"),
        (("tset", None, tmp_path / "new"), "did you mean test"),
        (("test", "swep", tmp_path / "new"), "did you mean sweep"),
    ):
        split, protocol, directory = arguments
        with pytest.raises(UsageError, match=sentence):
            write_render_list(ToyTargets(), "toy", split, protocol, 0, None, directory)
    assert not (tmp_path / "new").exists()


@pytest.fixture
def output(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        write_png(tmp_path / f"{name}.png", torch.rand(3, 8, 8))
    return tmp_path


def animate(root: Path, *names: str):
    return Precomputed(root=root).animate(torch.zeros(len(names), 3, 8, 8), torch.zeros(0), sample_id=names)


def test_missing_unreadable_and_wrongly_sized_images_are_na(output: Path) -> None:
    (output / "broken.png").write_bytes(b"not an image")
    write_png(output / "odd.png", torch.rand(3, 4, 6))
    result = animate(output, "a", "nobody", "broken", "odd", "c")
    assert result.missing == {
        1: NO_IMAGE,
        2: "broken.png is not a PNG, JPEG or WebP image.",
        3: "odd.png is 6x4, but the folder's images are 8x8.",
    }
    assert torch.equal(result.images[4], read_image(output / "c.png"))


def test_values_do_not_depend_on_batch_size(output: Path) -> None:
    whole = animate(output, "a", "b", "c").images
    assert torch.equal(whole, torch.cat([animate(output, name).images for name in "abc"]))


def test_formats_and_case_of_extensions(tmp_path: Path) -> None:
    for name in ("a.png", "b.JPG", "c.jpeg", "d.webp", "e.f.png"):
        kind = {"jpg": "jpeg"}.get(name.rsplit(".", 1)[1].lower(), name.rsplit(".", 1)[1].lower())
        Image.new("RGB", (8, 8), (10, 200, 30)).save(tmp_path / name, format=kind)
    (tmp_path / "notes.txt").write_text("ignored")
    assert not animate(tmp_path, "a", "b", "c", "d", "e.f").missing


def test_the_resolution_is_that_of_the_images(output: Path) -> None:
    info = Precomputed(root=output).info
    assert info.resolution == 8
    assert info.needs == {"sample_id"}
    assert not info.timed
    assert not info.is_reference


def test_the_fingerprint_depends_on_names_and_contents(output: Path, tmp_path: Path) -> None:
    before = Precomputed(root=output).info.fingerprint
    (output / "notes.txt").write_text("not an image")
    assert Precomputed(root=output).info.fingerprint == before
    (output / "a.png").rename(output / "z.png")
    renamed = Precomputed(root=output).info.fingerprint
    write_png(output / "z.png", torch.zeros(3, 8, 8))
    assert len({before, renamed, Precomputed(root=output).info.fingerprint}) == 3


def test_wrong_folders_give_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        Precomputed(root=tmp_path / "none")
    with pytest.raises(UsageError, match="holds no images"):
        Precomputed(root=tmp_path)
    for name in ("a.png", "a.jpg"):
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    with pytest.raises(UsageError, match=r"two images of sample a, a\.jpg and a\.png"):
        Precomputed(root=tmp_path)
