"""The page on a phone and on a laptop, light and dark: what fits, what overlaps, what the leaderboard shows."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest
from demo.browser import Page, browse
from report import worlds
from report.chromium import BROWSER
from report.worlds import write_run

from gath_bench.analysis import summarise
from gath_bench.report.html.page import render_page
from gath_bench.results import Run, load

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium here: apt-get install chromium")

#: Width, height, dark.
SCREENS = [(390, 844, False), (390, 844, True), (1200, 900, False), (1200, 900, True)]
#: Models whose qualities are close together and whose speeds differ by a factor of 3,000.
CROWD = {f"model-{number:02d}": (0.5 + 0.004 * (number % 4), 3.0 * 2**number) for number in range(12)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Two runs on the same samples; LPIPS of the second one is graded by another network."""
    folder = tmp_path_factory.mktemp("leaderboard")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds, "MODELS", worlds.MODELS | CROWD)
        write_run(folder / "one", models=("oracle", "copy-source", "good", *CROWD))
        write_run(folder / "two", models=("oracle", "copy-source", "slow"), images=False)
    manifest = json.loads((folder / "two" / "manifest.json").read_text(encoding="utf-8"))
    for record in manifest["metrics"]:
        if record["name"] == "lpips":
            record |= {"key": "lpips@1#ffeeddcc", "evaluators": ["trunk@1#ffeeddcc"]}
    (folder / "two" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return [load(folder / name) for name in ("one", "two")]


@pytest.fixture(scope="module")
def address(runs: list[Run], tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("board") / "report.html"
    path.write_text(render_page(runs), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browse(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


def show(tab: Page, address: str, width: int, height: int, dark: bool) -> None:
    tab.open("about:blank", width, height, dark=dark)
    tab.open(address, width, height, dark=dark)
    tab.until("document.documentElement.dataset.ready === 'yes'")


#: The boxes of the labels of the Pareto plot, and the texts and boxes of the ticks of its speed.
PARETO = """
(() => {
  const plot = document.querySelector("article:not([hidden]) .pareto .plot");
  const box = (node) => { const at = node.getBoundingClientRect(); return [at.left, at.top, at.right, at.bottom]; };
  return JSON.stringify({
    labels: [...plot.querySelectorAll(".annotation-text")].map((node) => [node.textContent, ...box(node)]),
    ticks: [...plot.querySelectorAll(".xtick text")].map((node) => [node.textContent, ...box(node)]),
  });
})()
"""


@pytest.mark.parametrize(("width", "height", "dark"), SCREENS)
def test_nothing_is_off_screen_and_no_label_overlaps(
    tab: Page, address: str, width: int, height: int, dark: bool
) -> None:
    before = len(tab.requests)
    show(tab, address, width, height, dark)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    regions = (
        "[...document.querySelectorAll('table.summary, table.board')].map((table) => table.parentElement)"
    )
    assert tab.evaluate(f"{regions}.every((region) => region.scrollWidth <= region.clientWidth)")
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(20, 23, 26)" if dark else "rgb(255, 255, 255)")
    tab.evaluate("document.querySelector('article:not([hidden]) .pareto .plot').scrollIntoView()")
    tab.until("document.querySelector('article:not([hidden]) .pareto .annotation-text') !== null")
    seen = json.loads(tab.evaluate(PARETO))
    # Some labels of a crowd may be left out, none may overlap.
    assert len(seen["labels"]) >= (6 if width < 600 else 10)
    for (_, *a), (_, *b) in itertools.chain(
        itertools.combinations(seen["labels"], 2), itertools.combinations(seen["ticks"], 2)
    ):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    ticks = [float(text.replace(",", "")) for text, *_ in seen["ticks"]]
    assert len(ticks) >= 2
    assert all(str(tick / 10 ** len(str(int(tick)))).strip("0.") in {"1", "2", "3", "5"} for tick in ticks)
    assert tab.console == []
    outside = [
        url for url in tab.requests[before:] if not url.startswith(("data:", "blob:", "about:blank", address))
    ]
    assert outside == []


def test_leaderboard_has_the_values_of_the_analysis_and_a_column_for_each_key(
    tab: Page, address: str, runs: list[Run]
) -> None:
    show(tab, address, 1200, 900, False)
    choose = """
    ((name, value) => {
      const node = document.querySelector(`[data-filter=${name}]`);
      node.value = value;
      node.dispatchEvent(new Event("change"));
    })"""
    read = """JSON.stringify({
      keys: [...document.querySelectorAll(".board thead [data-key]")].map((node) => node.dataset.key),
      rows: [...document.querySelectorAll(".board tr[data-model]")].map((row) =>
        [row.querySelector("th").textContent, ...[...row.querySelectorAll("td.value")].map(
          (cell) => (cell.firstElementChild || cell).textContent)]),
      options: [...document.querySelector("[data-filter=key]").options].map((option) => option.textContent),
    })"""
    tab.evaluate(f"{choose}('metric', 'lpips')")
    board = json.loads(tab.evaluate(read))
    assert board["keys"] == ["lpips@1", "lpips@1#ffeeddcc"]
    assert board["options"][1:] == [
        "lpips@1, evaluated by trunk@1#aabbccdd",
        "lpips@1#ffeeddcc, evaluated by trunk@1#ffeeddcc",
    ]
    shown = {name: values for name, *values in board["rows"]}
    for place, run in enumerate(runs):
        for row in summarise(run.manifest, run.observations):
            if row.metric == "lpips" and row.au is None and row.value is not None:
                assert shown[row.model][place] == f"{row.value:.3f}"
    assert shown["slow"][0] == ""  # no value under the key of the other run
    tab.evaluate(f"{choose}('key', '{json.loads(tab.evaluate(COLUMNS))['lpips@1#ffeeddcc']}')")
    only = json.loads(tab.evaluate(read))
    assert only["keys"] == ["lpips@1#ffeeddcc"]
    assert {name for name, *_ in only["rows"]} == {"oracle", "copy-source", "slow"}
    tab.evaluate(f"{choose}('place', '1')")
    assert json.loads(tab.evaluate(read))["keys"] == ["au-control@1"]


#: Metric key -> value of its option in the filter.
COLUMNS = """JSON.stringify(Object.fromEntries([...document.querySelector("[data-filter=key]").options].map(
  (option) => [option.textContent.split(",")[0], option.value])))"""


def test_an_au_has_a_page_with_its_own_address(tab: Page, address: str) -> None:
    show(tab, f"{address}#au-0-AU12", 390, 844, False)
    visible = """[...document.querySelectorAll("article[data-place] > *")].filter(
      (node) => node.offsetParent !== null).map((node) => node.id || node.className)"""
    assert json.loads(tab.evaluate(f"JSON.stringify({visible})")) == ["place", "au-0-AU12"]
    assert (
        tab.evaluate("document.querySelector('#au-0-AU12 summary').textContent") == "AU12 · Lip Corner Puller"
    )
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    tab.evaluate("document.querySelector('#au-0-AU12 a[rel=prev]').click()")
    tab.until("document.querySelector('#au-0-AU01').open")
    tab.evaluate("document.querySelector('#au-0-AU01 a').click()")
    tab.until("!document.querySelector('article.one-au')")
    assert tab.console == []
