"""Chromium driven by the Chrome DevTools Protocol over a pipe: clicks, keys, screenshots, console and requests.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from report.chromium import BROWSER

#: Seconds until a step counts as failed; generous, since machines may be busy.
PATIENCE = 120


@dataclass
class Page:
    """One tab.

    Attributes:
        console: what was written to the console, and exceptions.
        requests: the addresses that were asked for.
    """

    send_to: int
    receive_from: int
    session: str = ""
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _number: int = 0
    _buffer: bytes = b""

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and wait for its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.send_to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = self._receive(deadline - time.monotonic())
            if answer is not None and answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
        raise TimeoutError(method)

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page; promises are awaited."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, f"{script}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def until(self, script: str, accept: Callable[[Any], bool] = bool) -> Any:
        """Evaluate an expression until its value is accepted."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            value = self.evaluate(script)
            if accept(value):
                return value
            time.sleep(0.1)
        raise TimeoutError(f"{script} stayed {value!r}; console: {self.console}")

    def open(self, address: str, width: int, height: int, *, dark: bool = False) -> None:
        """Load a page in a window of that size, light or dark."""
        mobile = width < 600
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=mobile,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete'")

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """Write the visible part of the page, or all of it, as PNG."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def press(self, key: str, code: int) -> None:
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def _receive(self, seconds: float) -> dict[str, Any] | None:
        """The next message; None if there is none in time. Events are recorded."""
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self.receive_from], [], [], max(0.0, seconds))
            if not ready:
                return None
            part = os.read(self.receive_from, 1 << 20)
            if not part:
                raise EOFError("the browser ended")
            self._buffer += part
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        params = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Network.webSocketCreated":
                self.requests.append(params["url"])
            case "Runtime.consoleAPICalled":
                texts = [str(part.get("value", part.get("description"))) for part in params["args"]]
                self.console.append(f"{params['type']}: {' '.join(texts)}")
            case "Runtime.exceptionThrown":
                self.console.append(f"exception: {params['exceptionDetails']}")
            case "Log.entryAdded":
                entry = params["entry"]
                self.console.append(f"{entry['level']}: {entry['text']} {entry.get('url', '')}")
        return message

    @property
    def errors(self) -> list[str]:
        """Errors, warnings of the security policy and exceptions on the console."""
        return [line for line in self.console if line.startswith(("error", "exception", "assert"))]


@contextmanager
def browse(scratch: Path, downloads: Path | None = None) -> Iterator[Page]:
    """A tab of a headless Chromium with an own profile, which resolves no name but the loopback's.

    Args:
        scratch: a folder for the profile.
        downloads: where files are saved without asking.
    """
    assert BROWSER is not None
    from_test, to_browser = os.pipe()
    from_browser, to_test = os.pipe()
    flags = [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-default-apps", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--no-proxy-server", "--remote-debugging-pipe", f"--user-data-dir={scratch / 'profile'}",
    ]  # fmt: skip

    def pass_pipes() -> None:
        """The browser reads from descriptor 3 and writes to descriptor 4."""
        # Copies first: either pipe may have one of these numbers.
        reads, writes = os.dup(from_test), os.dup(to_test)
        os.dup2(reads, 3)
        os.dup2(writes, 4)

    process = subprocess.Popen(
        [BROWSER, *flags],
        pass_fds=(3, 4),
        preexec_fn=pass_pipes,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        page = Page(to_browser, from_browser)
        target = page.call("Target.createTarget", url="about:blank")["targetId"]
        page.session = page.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        if downloads is not None:
            page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        yield page
        page.session = ""
        page.call("Browser.close")
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=30)
        for descriptor in (from_test, to_browser, from_browser, to_test):
            os.close(descriptor)
