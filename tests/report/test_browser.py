"""The page in a real browser: it works, says nothing on the console, asks for nothing, and shows names as text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from report.chromium import BROWSER, Elements, Visit, visit, visit_until
from report.worlds import MODELS, SCRIPT

needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium here: apt-get install chromium")


@pytest.fixture(scope="module")
def visited(page: Path, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    return visit_until(page, tmp_path_factory.mktemp("browser"), 'class="main-svg"')


@needs_browser
def test_scripts_finish_without_console_messages(visited: Visit) -> None:
    assert 'data-ready="yes"' in visited.dom
    assert visited.console == []


@needs_browser
def test_no_request_leaves_the_page(visited: Visit, page: Path) -> None:
    assert [url for url in visited.requests if url != page.resolve().as_uri()] == []


@needs_browser
def test_hostile_names_are_text_in_figures_and_gallery_too(visited: Visit) -> None:
    elements = Elements(visited.dom)
    assert [tag for tag, _ in elements.tags].count("script") == 3
    assert "<title>owned" not in visited.dom
    # Once in the summary's table, once in the Pareto plot's label, once under each image.
    assert elements.text.count(f"fast{SCRIPT}") > 5
    assert f"best: s00{SCRIPT}" in elements.text


@needs_browser
def test_figures_and_gallery_are_drawn(visited: Visit) -> None:
    elements = Elements(visited.dom)
    assert visited.dom.count('class="main-svg"') >= 2  # Pareto plot and distribution, of the place shown
    pictures = [a for tag, a in elements.tags if tag == "img"]
    assert len(pictures) == 3 * (2 + 5)
    assert all(a.get("alt") for a in pictures)
    assert [a.get("type") for tag, a in elements.tags if tag == "button"]  # sortable heads are buttons
    sorted_by_keys = [a for tag, a in elements.tags if a.get("tabindex") == "0"]
    assert len(sorted_by_keys) > 3


#: Operates the page with keyboard events, and writes the outcome into the page.
DRIVER = """
setTimeout(() => {
  dispatchEvent(new Event("beforeprint"));  // draws every figure now
  const shown = "article:not([hidden]) ";
  const names = () => [...document.querySelectorAll(shown + "table.summary tbody th")].map((n) => n.textContent);
  const head = document.querySelectorAll("table.summary thead th")[2];
  const done = { before: names() };
  head.querySelector("button").click();
  done.up = names();
  head.querySelector("button").click();
  done.down = names();
  done.sort = head.getAttribute("aria-sort");
  const plot = document.querySelector(".pareto .plot");
  plot.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  done.said = document.getElementById("said").textContent;
  document.querySelector(".gallery input[type=checkbox]").click();
  done.differences = [...document.querySelectorAll("img")].filter((n) => n.alt.startsWith("difference")).length;
  document.querySelector("input[name=model][value='4']").click();
  done.hidden = [...document.querySelectorAll(shown + "[data-model='4']")].every((n) => n.hidden);
  const place = document.getElementById("place");
  place.value = "1";
  place.dispatchEvent(new Event("change"));
  done.places = [...document.querySelectorAll("article")].map((n) => n.hidden);
  document.body.dataset.done = JSON.stringify(done);
}, 3000);
"""


@needs_browser
def test_the_page_is_used_by_keyboard(page: Path, tmp_path: Path) -> None:
    html = page.read_text(encoding="utf-8")
    # The policy rightly refuses a script that is not the page's own.
    driven = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    (tmp_path / "driven.html").write_text(driven.replace("</body>", f"<script>{DRIVER}</script></body>"))
    seen = visit(tmp_path / "driven.html", tmp_path)
    assert seen.console == []
    ((said,),) = [[a["data-done"]] for tag, a in Elements(seen.dom).tags if tag == "body"]
    done = json.loads(said or "")
    names = list(MODELS)
    assert done["before"] == names
    # By PSNR, the second column after the mean rank.
    assert done["up"] == sorted(names, key=lambda name: -MODELS[name][0])
    assert done["down"] == done["up"][::-1]
    assert done["sort"] == "descending"
    # The first point: baselines have none.
    assert re.match(r"good: psnr \d+\.\d+ dB, throughput\.images_per_s", done["said"])
    assert done["differences"] == 3 * 4
    assert done["hidden"] is True
    assert done["places"] == [True, False]


@needs_browser
def test_paper_shows_all_figures_at_its_width_and_the_screen_returns(page: Path, tmp_path: Path) -> None:
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    script = """
    setTimeout(() => {
      const widths = () => [...document.querySelectorAll("article:not([hidden]) .plot")]
        .filter((plot) => plot.offsetParent)
        .map((plot) => plot.querySelector(".main-svg")?.getBoundingClientRect().width ?? 0);
      const seen = [widths()];
      for (const event of ["beforeprint", "afterprint"]) { dispatchEvent(new Event(event)); seen.push(widths()); }
      document.body.dataset.done = JSON.stringify(seen);
    }, 3000);
    """
    (tmp_path / "printed.html").write_text(html.replace("</body>", f"<script>{script}</script></body>"))
    seen = visit(tmp_path / "printed.html", tmp_path, "--window-size=1280,200")
    assert seen.console == []
    ((said,),) = [[a["data-done"]] for tag, a in Elements(seen.dom).tags if tag == "body"]
    before, paper, after = json.loads(said or "")
    assert 0 in before  # not seen yet
    assert len(paper) >= 2  # Pareto plot and distribution
    assert all(0 < width <= 700 for width in paper)  # A4 has about 700 px between the margins
    assert all(width > 1000 for width in after)


@needs_browser
def test_the_policy_refuses_a_foreign_script(page: Path, tmp_path: Path) -> None:
    html = page.read_text(encoding="utf-8")
    (tmp_path / "foreign.html").write_text(
        html.replace("</body>", "<script>document.title='owned'</script></body>")
    )
    seen = visit(tmp_path / "foreign.html", tmp_path)
    assert "<title>owned" not in seen.dom
    assert any("Content Security Policy" in line for line in seen.console)


@needs_browser
def test_the_browser_test_can_fail(tmp_path: Path) -> None:
    """A page with an error and a request is told from a clean one."""
    bad = tmp_path / "bad.html"
    bad.write_text('<img src="http://127.0.0.1:9/x.png"><script>throw new Error("no")</script>')
    seen = visit(bad, tmp_path)
    assert any("no" in line for line in seen.console)
    assert "http://127.0.0.1:9/x.png" in seen.requests
