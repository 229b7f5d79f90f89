"""The AU estimators ``au-csv`` and ``openface``: tables, and a program that writes what OpenFace writes."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
import torch
from gath_estimators.aus.openface import ARGUMENTS, OpenFaceAUs, make_openface
from gath_estimators.aus.table import TableAUs

from gath_bench import Unavailable, UsageError
from gath_bench.au import get_space
from gath_bench.contracts import NO_WEIGHTS, AUEstimator
from gath_bench.images import to_8bit, write_png

LABELS = get_space("openface17").labels
#: Starts the test interpreter; writes the table of OpenFace: AU12 is the red of the first pixel, black is no face.
PROGRAM = f"""#!{sys.executable}
import sys
from pathlib import Path
from PIL import Image
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert sys.argv[-3:] == {list(ARGUMENTS)!r}, sys.argv
(image,) = Path(options["-fdir"]).iterdir()
red = Image.open(image).getpixel((0, 0))[0]
if red == 255:
    sys.exit("no room on the device")
out = Path(options["-out_dir"])
out.mkdir()
aus = {[label + "_r" for label in LABELS]!r}
values = [red / 51 if au == "AU12_r" else 0.0 for au in aus]
rows = [["frame", "timestamp", "confidence", "success", *aus], [1, 0, 0.98, int(red > 0), *values]]
(out / "aus.csv").write_text("\\n".join(", ".join(map(str, row)) for row in rows) + "\\n")
"""


def pictures(folder: Path, count: int) -> torch.Tensor:
    """Images 0.png ... in a folder, and as a batch."""
    folder.mkdir()
    images = to_8bit(torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
    for number, image in enumerate(images):
        write_png(folder / f"{number}.png", image)
    return images


def test_rows_are_found_by_name_whatever_the_order(tmp_path: Path) -> None:
    images = pictures(tmp_path / "faces", 3)
    table = tmp_path / "feat.csv"
    table.write_text("input,AU01,AU12\nruns/2.png,0.1,0.9\nruns/0.png,0.2,0.3\n")
    estimator = TableAUs(csv=table, images=tmp_path / "faces")
    assert isinstance(estimator, AUEstimator)
    features = estimator(images)
    values, labels = features.values, get_space(str(estimator.info.au_space)).labels
    assert isinstance(values, torch.Tensor)
    assert values[:, labels.index("AU12")].nan_to_num(-1).tolist() == pytest.approx([0.3, -1, 0.9])
    assert dict(features.missing) == {1: "feat.csv has no row for this image"}
    assert 0 in estimator(images.flip(-1)).missing  # another image
    alone = estimator(images[2:]).values
    assert isinstance(alone, torch.Tensor)
    assert torch.equal(alone[0].nan_to_num(-1), values[2].nan_to_num(-1))


def test_libreface_intensities_are_divided_by_5(tmp_path: Path) -> None:
    images = pictures(tmp_path / "faces", 1)
    table = tmp_path / "libre.csv"
    table.write_text("frame_idx,au_12,au_12_intensity,au_4_intensity\n0,1,4.0,0.5\n")
    estimator = TableAUs(csv=table, images=tmp_path / "faces")
    assert estimator.info.au_space == "disfa12"
    values = estimator(images).values
    assert isinstance(values, torch.Tensor)
    known = dict(zip(get_space("disfa12").labels, values[0].tolist(), strict=True))
    assert {au: v for au, v in known.items() if v == v} == pytest.approx({"AU12": 0.8, "AU04": 0.1})


def test_a_real_table_of_openface_by_order(tmp_path: Path) -> None:
    folder = os.environ.get("GATH_BENCH_SAMPLES")
    if not folder:
        pytest.skip("GATH_BENCH_SAMPLES does not name a folder with openface_featureextraction.csv")
    images = pictures(tmp_path / "faces", 100)  # 0.png, 1.png, 10.png, ...: in the order of names
    estimator = make_openface(csv=Path(folder) / "openface_featureextraction.csv", images=tmp_path / "faces")
    assert estimator.info.au_space == "openface17"
    assert not estimator(images).missing


def test_tables_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    pictures(tmp_path / "faces", 2)
    table = tmp_path / "aus.csv"
    table.write_text("AU12\n0.5\n")
    with pytest.raises(UsageError, match="1 rows for 2 images"):
        TableAUs(csv=table, images=tmp_path / "faces")
    table.write_text("input,AU12\nother.png,0.5\n")
    with pytest.raises(UsageError, match="no file name"):
        TableAUs(csv=table, images=tmp_path / "faces")
    with pytest.raises(UsageError, match="there is no folder"):
        TableAUs(csv=table, images=tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="has no images"):
        TableAUs(csv=table, images=tmp_path / "empty")
    with pytest.raises(UsageError, match="csv=TABLE and images=FOLDER"):
        make_openface(csv=table)


@pytest.mark.skipif(sys.platform == "win32", reason="a script with a shebang")
def test_openface_is_run_once_per_image(tmp_path: Path) -> None:
    program = tmp_path / "FeatureExtraction"
    program.write_text(PROGRAM)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    estimator = make_openface(binary=program)
    assert isinstance(estimator, AUEstimator)
    images = torch.zeros(2, 3, 8, 8)
    images[0, 0] = 102 / 255
    features = estimator(images)
    assert isinstance(features.values, torch.Tensor)
    assert features.values[0, LABELS.index("AU12")] == pytest.approx(0.4)
    assert dict(features.missing) == {1: "OpenFace found no face"}
    before = estimator.info.fingerprint
    (tmp_path / "AU_predictors").mkdir()
    (tmp_path / "AU_predictors" / "models.txt").write_text("other models")
    assert make_openface(binary=program).info.fingerprint != before
    with pytest.raises(Unavailable, match="ended with code 1 and no table: no room on the device"):
        estimator(torch.ones(1, 3, 8, 8))


def test_without_openface_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert OpenFaceAUs().info.fingerprint == NO_WEIGHTS
    with pytest.raises(Unavailable, match="put FeatureExtraction on the PATH"):
        OpenFaceAUs()(torch.rand(1, 3, 8, 8))
    with pytest.raises(UsageError, match="not an executable file"):
        OpenFaceAUs(binary=tmp_path / "nothing")
