"""What a visitor of the page does, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from demo.browser import Page

_READY = "!!document.querySelector('#picture img') && !!document.querySelector('#readings table')"
#: Pixels of the result, drawn on a canvas.
_PIXELS = """
async () => {
  const image = document.querySelector("#picture img");
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height).data;
}
"""
#: Moves a slider as a hand does, and waits for the new picture: milliseconds.
_MOVE = """
(async () => {
  const image = document.querySelector("#picture img"), before = image.src;
  const slider = document.querySelector("#%s input[type=range]");
  const begun = performance.now();
  slider.value = %s;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  while (true) {
    const shown = document.querySelector("#picture img");
    if (shown.src !== before && shown.complete) { await shown.decode(); break; }
    if (performance.now() - begun > 60000) throw new Error("no new picture");
    await new Promise((done) => setTimeout(done, 2));
  }
  return performance.now() - begun;
})()
"""


def open_page(page: Page, address: str, width: int, height: int, *, dark: bool = False) -> None:
    """Open the page and wait for the first picture and its readings."""
    page.open(address, width, height, dark=dark)
    page.until(_READY)


def keep_pixels(page: Page) -> list[int]:
    """Remember the pixels that are shown; width and height of the picture."""
    page.evaluate(f"({_PIXELS})().then((data) => {{ window.kept = data; }})")
    size: list[int] = page.evaluate(
        "(({naturalWidth, naturalHeight}) => [naturalWidth, naturalHeight])(document.querySelector('#picture img'))"
    )
    return size


def changed_pixels(page: Page, width: int) -> dict[str, int]:
    """Differences from the kept pixels: the largest, and how many rows and columns of pixels hold one."""
    script = f"""({_PIXELS})().then((data) => {{
      let most = 0; const rows = new Set(), columns = new Set();
      for (let i = 0; i < data.length; i++) {{
        const d = Math.abs(data[i] - window.kept[i]);
        if (d > 0) {{ rows.add(Math.floor(i / 4 / {width})); columns.add(Math.floor(i / 4) % {width}); }}
        most = Math.max(most, d);
      }}
      return {{ most, rows: rows.size, columns: columns.size }};
    }})"""
    found: dict[str, int] = page.evaluate(script)
    return found


def press_end(page: Page, label: str) -> None:
    """Move a slider to 1 by the keyboard and wait for the new picture and its reading."""
    before = page.evaluate("document.querySelector('#picture img').src")
    page.evaluate(f"document.querySelector('#{label} input[type=range]').focus()")
    page.press("End", 35)
    page.until("document.querySelector('#picture img').src", lambda source: source != before)
    page.until(f"document.querySelector('tr[data-au={label}] td:nth-child(3)').textContent === '1.00'")


def move(page: Page, label: str, value: float) -> float:
    """Move a slider; seconds until the new picture is decoded."""
    milliseconds: float = page.evaluate(_MOVE % (label, value))
    return milliseconds / 1000


def upload(page: Page, selector: str, path: Path) -> None:
    """Choose a file for a file input."""
    root: Any = page.call("DOM.getDocument", depth=0)["root"]["nodeId"]
    node = page.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
    page.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])
