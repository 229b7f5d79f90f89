"""A real browser, driven by its own command line."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


@dataclass(frozen=True)
class Visit:
    """What a browser made of a page: its elements after the scripts ran, its console, what it asked for."""

    dom: str
    console: list[str]
    requests: list[str]


def visit_until(page: Path, scratch: Path, wanted: str) -> Visit:
    """`visit`, again if the DOM does not have a text yet: what is drawn when seen waits for the browser's next frame,
    which on a busy machine comes after the virtual time of a visit.
    """
    for _ in range(4):
        seen = visit(page, scratch)
        if wanted in seen.dom:
            break
    return seen


def visit(page: Path, scratch: Path, *flags: str) -> Visit:
    """Open a page in headless Chromium, without a network, and let its scripts run."""
    assert BROWSER is not None
    log = scratch / "net.json"
    said = subprocess.run(
        [
            BROWSER,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-default-apps",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={scratch / 'profile'}",
            "--enable-logging=stderr",
            "--v=0",
            f"--log-net-log={log}",
            "--window-size=1280,9000",
            "--virtual-time-budget=10000",
            "--run-all-compositor-stages-before-draw",
            *flags,
            "--dump-dom",
            page.resolve().as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    console = [line for line in said.stderr.splitlines() if ":CONSOLE" in line]
    return Visit(said.stdout, console, _requests(log))


def _requests(log: Path) -> list[str]:
    """The addresses that the page itself asked for; the browser asks its maker for things on its own account."""
    text = log.read_text(encoding="utf-8")
    try:
        content = json.loads(text)
    except json.JSONDecodeError:  # cut off when the browser ended
        content = json.loads(text.rstrip().rstrip(",") + "]}")
    found = []
    for event in content["events"]:
        params = event.get("params", {})
        if "url" in params and params.get("initiator", "not an origin") != "not an origin":
            found.append(params["url"])
    return [url for url in found if not url.startswith(("data:", "blob:"))]


class Elements(HTMLParser):
    """The elements of a page, and its text without scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._raw = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._raw = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._raw:
            self._raw = ""

    def handle_data(self, data: str) -> None:
        if not self._raw:
            self.text += data


def data_of(html: str) -> dict[str, object]:
    """What the page's script reads."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    content: dict[str, object] = json.loads(found[1])
    return content
