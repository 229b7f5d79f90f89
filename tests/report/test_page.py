"""What the page says, read without a browser."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report.chromium import Elements, data_of
from report.worlds import MODELS, SCRIPT, write_run

from gath_bench.analysis import summarise
from gath_bench.errors import UsageError
from gath_bench.report import write_report
from gath_bench.report.html.page import render_page
from gath_bench.report.html.place import Place, Source, places
from gath_bench.results import Run, load


def places_of(run: Run) -> tuple[list[Place], list[str]]:
    return places([Source(run, summarise(run.manifest, run.observations))])


URL = re.compile(r"^(?:https?:)?//", re.IGNORECASE)


def test_names_and_reasons_are_escaped(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    elements = Elements(html)
    assert [tag for tag, _ in elements.tags].count("script") == 3  # data, plotly, the page's own
    assert SCRIPT not in html
    title = next(iter(re.findall("<title>(.*?)</title>", html, re.DOTALL)))
    assert "<" not in title
    for shown in (f"fast{SCRIPT}", f"no face: {SCRIPT}", f"s00{SCRIPT}", f"toys{SCRIPT}"):
        assert shown in elements.text  # model, reason, sample id, suite


def test_page_requests_nothing(page: Path) -> None:
    elements = Elements(page.read_text(encoding="utf-8"))
    for tag, attributes in elements.tags:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert not URL.match(attributes.get(name) or ""), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")]
    (policy,) = [a["content"] for _, a in elements.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy.split("script-src")[1]


def test_the_summary_has_the_values_of_the_analysis(page: Path, run_folder: Path) -> None:
    html = page.read_text(encoding="utf-8")
    run = load(run_folder)
    rows = [row for row in summarise(run.manifest, run.observations) if row.au is None]
    sorts = set(re.findall(r'data-sort="([^"]*)"', html))
    for row in rows:
        assert str(row.value) in sorts
    bold = sum(row.best for row in rows)
    assert bold > 0
    summary = html[: html.index('class="heat')] + html[html.index('data-place="1"') :]
    assert len(re.findall(r'class="ok best"', summary)) == bold
    assert len(re.findall(r'class="ok tied"', summary)) == sum(row.tied for row in rows)
    assert "†" in html  # `good` was taught by the trunk of lpips
    assert "coverage 91.7% (n\u00a0=\u00a022)" in html


def test_pareto_front_has_the_models_that_no_other_beats(page: Path) -> None:
    pareto: Any = data_of(page.read_text(encoding="utf-8"))["places"][0]["pareto"]  # type: ignore[index]
    assert [axis["name"] for axis in pareto["speeds"]] == ["throughput.images_per_s"]
    models = list(MODELS)
    for points in pareto["plots"].values():
        front = {models[point["model"]] for point in points if point["front"]}
        assert front == {"good", f"fast{SCRIPT}"}  # `slow` is beaten in both
        assert not {models[point["model"]] for point in points} & {
            "oracle",
            "copy-source",
        }  # baselines have no point


def test_the_control_curves_are_the_means_by_level(page: Path) -> None:
    content: Any = data_of(page.read_text(encoding="utf-8"))
    still, sweep = content["places"]
    assert still["curves"] == []
    (curve,) = sweep["curves"]
    assert [au["au"] for au in curve["aus"]] == ["AU01", "AU12"]
    for au in curve["aus"]:
        by_model = {list(MODELS)[line["model"]]: line for line in au["lines"]}
        assert by_model["good"]["x"] == [0.0, 0.5, 1.0]
        assert by_model["good"]["y"] == pytest.approx([0.0, 0.35, 0.7])
        assert by_model["good"]["n"] == [4, 4, 4]
    assert [fact["name"] for fact in curve["facts"]] == ["au-control.slope", "au-control.leakage"]


def test_the_title_names_models_and_data(tmp_path: Path) -> None:
    from gath_bench.report.html.page import _title

    few, _ = places_of(load(write_run(tmp_path / "few", models=("oracle", "good", "slow"), images=False)))
    assert _title(few) == "good and slow on faces"
    none, _ = places_of(load(write_run(tmp_path / "none", models=("oracle", "copy-source"), images=False)))
    assert _title(none) == "oracle and copy-source on faces"


def test_the_command_to_measure_again_loads_the_plugins(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", images=False)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["command"] = ["gath-bench", "--plugin", "my models.py", "run", "-m", "mine"]
    manifest["environment"] |= {"machine": {"cpu_flags": ["avx", "fma"], "gpu": None}}
    path.write_text(json.dumps(manifest))
    page = html.unescape(render_page([load(folder)]))
    assert "<pre tabindex=\"0\">gath-bench --plugin 'my models.py' verify run</pre>" in page
    assert "cpu_flags avx, fma · gpu none" in page
    assert "2026-01-01 00:00:00 UTC" in page


def test_pages_of_aus_have_the_values_of_the_analysis(run_folder: Path) -> None:
    from gath_bench.report.html.by_au import au_figures, au_pages, heat_maps

    run = load(run_folder)
    (still, _), models = places_of(run)
    pages = au_pages(still, heat_maps(still))
    assert [(page.au, page.name, page.before, page.after) for page in pages] == [
        ("AU01", "Inner Brow Raiser", "", "AU12"),
        ("AU12", "Lip Corner Puller", "AU01", ""),
    ]
    rows = {
        (row.au, row.metric, row.model): row for row in summarise(run.manifest, run.observations) if row.au
    }
    for au, measures in au_figures(pages).items():
        assert [one["name"] for one in measures] == ["au-error.mae", "au-error.pcc"]
        for one in measures:
            for model, value, low, high, _ in one["points"]:
                row = rows[au, one["name"], models[model]]
                assert (value, low, high) == (row.value, row.low, row.high)


def test_columns_without_values_are_one_note(tmp_path: Path) -> None:
    from gath_bench.report.html.page import render_page

    folder = write_run(tmp_path / "run", models=("oracle", "good"), images=False)
    run = load(folder)
    names = run.observations["metric"].cast("string").to_pylist()
    gone = run.observations.filter([name != "psnr" for name in names])
    page = render_page([replace(run, joined=gone)])
    assert re.search(r"NA for every model: psnr \(.+\)\.", Elements(page).text)
    assert 'data-label="psnr' not in page
    assert 'data-label="lpips' in page


def test_the_gallery_shows_worst_median_and_best(page: Path) -> None:
    content: Any = data_of(page.read_text(encoding="utf-8"))
    gallery = content["places"][0]["gallery"]
    assert (gallery["kept"], gallery["of"], gallery["left_out"]) == (24, 24, 0)
    names = [metric["name"] for metric in gallery["metrics"]]
    assert names == ["psnr", "lpips", "au-error.mae"]  # a correlation has no worst sample
    mine = {what: sample for metric, model, what, sample in gallery["choices"] if (metric, model) == (0, 2)}
    assert mine == {"worst": "s23", "median": "s11", "best": f"s00{SCRIPT}"}
    entry = gallery["samples"]["s11"]
    assert set(entry["images"]) == {"0", "1", "2", "3", "4"}
    assert set(entry["differences"]) == {"1", "2", "3", "4"}  # the oracle is the target
    assert "no images" in content["places"][1]["gallery"]["reason"]


def test_without_images_the_gallery_says_so(tmp_path: Path) -> None:
    from gath_bench.report.html.gallery import gallery

    (place, _), _ = places_of(load(write_run(tmp_path / "run", images=False)))
    assert "no images" in gallery(place, 10**9)["reason"]


def test_a_small_budget_leaves_choices_out_and_says_how_many(run_folder: Path) -> None:
    from gath_bench.report.html.gallery import gallery

    (place, _), _ = places_of(load(run_folder))
    whole, part, none = (gallery(place, budget) for budget in (10**9, 15_000, 0))
    size = sum(len(code) for entry in part["samples"].values() for code in _codes(entry))
    assert 0 < size <= 15_000
    assert len(part["choices"]) + part["left_out"] == len(whole["choices"])
    assert {tuple(choice) for choice in part["choices"]} < {tuple(choice) for choice in whole["choices"]}
    assert none["choices"] == []
    assert none["left_out"] == len(whole["choices"])


def _codes(entry: dict[str, Any]) -> list[str]:
    found = [entry["source"], entry["target"], *entry["images"].values(), *entry["differences"].values()]
    return [code for code in found if code is not None]


def test_runs_are_joined(tmp_path: Path) -> None:
    from gath_bench.report.html.page import render_page

    one = write_run(tmp_path / "one", models=("oracle", "copy-source", "good"))
    two = write_run(tmp_path / "two", models=("oracle", "copy-source", "slow"), seed=1)
    html = render_page([load(one), load(two)])
    content: Any = data_of(html)
    assert content["models"] == ["oracle", "copy-source", "good", "slow"]
    assert len(content["places"]) == 2
    images = content["places"][0]["gallery"]["samples"]["s23"]["images"]
    assert set(images) == {"0", "1", "2", "3"}  # from both folders
    assert all(f"<h3>{name}</h3>" in html for name in ("one", "two"))


def test_a_page_stays_below_ten_megabytes(page: Path) -> None:
    from gath_bench.report.html.page import GALLERY_CHARACTERS

    content: Any = data_of(page.read_text(encoding="utf-8"))
    shown = [entry for place in content["places"] for entry in place["gallery"].get("samples", {}).values()]
    pictures = sum(len(code) for entry in shown for code in _codes(entry))
    assert (
        page.stat().st_size - pictures + GALLERY_CHARACTERS < 9_000_000
    )  # a megabyte is left for the tables


def test_a_report_needs_no_torch(run_folder: Path, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from gath_bench.report import write_report; "
        'from gath_bench.results import load; write_report([load(Path(sys.argv[1]))], "html", Path(sys.argv[2])); '
        "assert 'torch' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", program, run_folder, tmp_path / "page.html"], check=True, timeout=300
    )


@pytest.mark.parametrize(("output", "part"), [(None, "-o FILE"), ("folder", "cannot be written")])
def test_a_page_that_cannot_be_written_is_one_sentence(
    run_folder: Path, tmp_path: Path, output: str | None, part: str
) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match=part):
        write_report([load(run_folder)], "html", None if output is None else tmp_path / output)


def test_without_plotly_the_user_is_told(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(UsageError, match=r"needs plotly.*pip install plotly"):
        write_report([load(run_folder)], "html", Path("page.html"))


def test_runs_of_unlike_samples_have_tables_of_their_own(tmp_path: Path) -> None:
    from gath_bench.report.html.page import render_page

    one, two = (write_run(tmp_path / name, models=("oracle", "good")) for name in ("one", "two"))
    manifest = two / "manifest.json"
    manifest.write_text(manifest.read_text().replace("faces@1#12", "faces@1#13"))
    html = render_page([load(one), load(two)])
    content: Any = data_of(html)
    assert len(content["places"]) == 4
    assert "#12 versus #13" in html
    assert str(tmp_path) not in html


def test_a_run_that_has_just_begun_has_a_page(tmp_path: Path) -> None:
    from gath_bench.report.html.page import render_page

    folder = write_run(tmp_path / "run", images=False)
    for shard in (folder / "samples").iterdir():
        shard.unlink()
    elements = Elements(render_page([load(folder)]))
    assert "not measured yet" in elements.text
    assert "NA" in elements.text


def test_a_difference_is_magnified_and_clipped() -> None:
    import numpy as np

    from gath_bench.report.html.gallery import magnified_difference

    image, truth = np.array([[[10, 200, 0]]], np.uint8), np.array([[[13, 100, 0]]], np.uint8)
    assert magnified_difference(image, truth).tolist() == [[[12, 255, 0]]]
