"""The page in a real browser: sliders change the picture, nothing on the console, no request to another machine."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo import actions
from demo.browser import PATIENCE, Page, browse
from demo.server import Server, serve
from report.chromium import BROWSER

from gath_bench.provenance import read_provenance

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium here: apt-get install chromium"),
    pytest.mark.skipif(
        importlib.util.find_spec("gradio") is None, reason="needs gradio: pip install 'gath-bench[demo]'"
    ),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("server"), "-m", "gath-warp", "-m", "gath") as running:
        yield running


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    (tmp_path / "downloads").mkdir()
    with browse(tmp_path, tmp_path / "downloads") as tab:
        yield tab


def check(page: Page, server: Server) -> None:
    """Nothing on the console, and no address but the server's."""
    assert page.errors == []
    local = (server.address, "data:", f"blob:{server.address}", "about:")
    assert [url for url in page.requests if not url.startswith(local)] == []
    assert server.foreign == []


def is_dark(page: Page) -> bool:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in colour[4:-1].split(",")[:3]) < 200


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1200, 900), (390, 844)])
def test_a_slider_changes_the_face_and_nothing_else(
    page: Page, server: Server, width: int, height: int, dark: bool
) -> None:
    actions.open_page(page, server.address, width, height, dark=dark)
    assert is_dark(page) == dark
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert len(page.evaluate("[...document.querySelectorAll('.au')].map((slider) => slider.id)")) == 17

    size = actions.keep_pixels(page)
    assert size == [512, 512]  # the photo's own size
    actions.press_end(page, "AU45")
    changed = actions.changed_pixels(page, size[0])
    assert changed["most"] > 30
    assert 10 < changed["rows"] < 250  # the crop of the face is 154 pixels wide
    assert 10 < changed["columns"] < 250
    read = page.evaluate("document.querySelector('tr[data-au=AU45] td:nth-child(4)').textContent")
    assert 0 <= float(read) <= 1
    assert page.evaluate("document.querySelector('tr[data-au=AU10] td:nth-child(4)').textContent") == "NA"

    page.evaluate("document.querySelector('#preset-surprise').click()")
    page.until("document.querySelector('tr[data-au=AU26] td:nth-child(3)').textContent === '0.80'")
    assert page.evaluate("document.querySelector('#AU26 input[type=range]').value") == "0.8"
    check(page, server)


def test_downloads_carry_provenance(page: Page, server: Server, tmp_path: Path) -> None:
    actions.open_page(page, server.address, 1200, 900)
    actions.press_end(page, "AU45")
    page.evaluate("document.querySelector('#download').click()")
    mark = read_provenance(downloaded(tmp_path, "astronaut-gath-warp.png"))
    assert mark is not None
    assert "AU45=1.0" in mark.prompt
    check(page, server)


def test_a_video_from_a_csv(page: Page, server: Server) -> None:
    pytest.importorskip("av")
    actions.open_page(page, server.address, 1200, 900)
    page.evaluate("document.querySelector('#video button').click()")
    page.until("!!document.querySelector('#example-csv')")
    page.evaluate("document.querySelector('#example-csv').click()")
    page.until("document.querySelector('#video').textContent.includes('smile-and-blink')")
    page.evaluate("document.querySelector('#make-video').click()")
    page.until("document.querySelector('#video').textContent.includes('50 frames at 25 per second')")
    assert page.until("document.querySelector('#video video')?.readyState >= 2")
    check(page, server)


def test_bad_input_is_a_sentence_on_the_page(page: Page, server: Server, tmp_path: Path) -> None:
    actions.open_page(page, server.address, 1200, 900)
    before = page.evaluate("document.querySelector('#picture img').src")
    (tmp_path / "me.jpg").write_text("this is text")
    actions.upload(page, "input[type=file]", tmp_path / "me.jpg")
    text = page.until("document.querySelector('#error .message')?.textContent")
    assert "me.jpg" in text
    assert page.evaluate("document.querySelector('#picture img').src") == before
    # The next move works, and the message disappears.
    actions.move(page, "AU45", 0.5)
    page.until("!document.querySelector('#error .message')")
    check(page, server)


def downloaded(folder: Path, name: str) -> Path:
    path = folder / "downloads" / name
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < deadline, list(path.parent.iterdir())
        time.sleep(0.2)
    return path
