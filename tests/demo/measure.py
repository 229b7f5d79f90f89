"""Time from a slider to the picture, and the screenshot of the documentation.

    python tests/demo/measure.py [PHOTO...]                     # the portrait that scikit-image ships by default
    python tests/demo/measure.py --screenshot docs/images/demo/demo.jpg

Needs the extra `demo` and Chromium. For each photo it prints medians over 20 moves of AU12: what the model and the
paste-back take, what the file takes as well, and what passes in the browser from the event to the decoded picture. The
minimum stands in brackets: on a busy machine it is nearer to the time on an idle one.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from demo import actions
from demo.browser import Page, browse
from demo.server import serve

MOVES = 20
#: Expression and window of the screenshot.
SHOWN = {"AU01": 1.0, "AU02": 1.0, "AU05": 0.6, "AU12": 0.0, "AU26": 0.8}
WINDOW = (1200, 1000)


def measure_handlers(photo: Path) -> tuple[str, str, str]:
    """Size of the photo; the time of model and paste-back, and of these with the file."""
    from gath_bench.animation.api import make_motion, play
    from gath_bench.demo.examples import Photo
    from gath_bench.demo.handlers import Handlers
    from gath_bench.plugins import load_plugins
    from gath_bench.registry import Registry

    with tempfile.TemporaryDirectory() as folder:
        handlers = Handlers(Registry.of(load_plugins()), Path(folder), ("gath-warp",))
        session = handlers.open(Photo(photo.name, photo), "gath-warp")
        generated, shown = [], []
        for level in levels():
            begun = time.perf_counter()
            motion = make_motion(session.portrait.model, aus={"AU12": level})
            next(play(session.portrait, motion))
            generated.append(time.perf_counter() - begun)
            shown.append(handlers.show(session, {"AU12": level}).seconds)
        height, width = session.portrait.pixels.shape[:2]
        return f"{width} x {height}", describe(generated), describe(shown)


def measure_browser(page: Page) -> str:
    """The time from the event of the slider to the decoded picture."""
    return describe([actions.move(page, "AU12", level) for level in levels()])


def describe(seconds: Sequence[float]) -> str:
    """Median and minimum in milliseconds."""
    return f"{1000 * statistics.median(seconds):.0f} ms ({1000 * min(seconds):.0f})"


def levels() -> list[float]:
    """Values of the slider, none of which equals the one before."""
    return [round(0.05 + 0.9 * ((7 * number) % MOVES) / MOVES, 3) for number in range(MOVES)]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("photos", nargs="*", type=Path, default=[Path("astronaut")])
    parser.add_argument("--screenshot", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name,
        serve(Path(name), "-m", "gath-warp", "-m", "gath") as server,
        browse(Path(name)) as page,
    ):
        actions.open_page(page, server.address, *WINDOW)
        if given.screenshot:
            write_screenshot(page, given.screenshot)
            return
        for photo in given.photos:
            size, generated, shown = measure_handlers(photo)
            if photo.exists():
                before = page.evaluate("document.querySelector('#picture img').src")
                actions.upload(page, "input[type=file]", photo.resolve())
                page.until("document.querySelector('#picture img').src", lambda source: source != before)  # noqa: B023
            print(
                f"{photo.name}, {size}: model and paste-back {generated}, with the file {shown}, "
                f"in the browser {measure_browser(page)}"
            )


def write_screenshot(page: Page, path: Path) -> None:
    """The page with an expression, as JPEG."""
    from PIL import Image

    for label, value in SHOWN.items():
        actions.move(page, label, value)
    label, value = list(SHOWN.items())[-1]
    page.until(f"document.querySelector('tr[data-au={label}] td:nth-child(3)').textContent === '{value:.2f}'")
    with tempfile.TemporaryDirectory() as folder:
        page.screenshot(Path(folder) / "page.png")
        with Image.open(Path(folder) / "page.png") as image:
            image.convert("RGB").save(path, quality=75, optimize=True)


if __name__ == "__main__":
    main()
