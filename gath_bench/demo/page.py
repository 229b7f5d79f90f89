"""The demo's page in Gradio, and its server: loopback only, without analytics, without a request to another machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gath_bench.au import PRESETS, by_region
from gath_bench.demo import content
from gath_bench.demo.examples import Photo, example_series
from gath_bench.demo.handlers import Graded, Handlers, Picture, Session, user_message
from gath_bench.demo.sliders import SPACE, preset_aus, slider_values
from gath_bench.errors import UsageError
from gath_bench.provenance import STILL_FORMATS

#: The interface on which the server listens.
HOST = "127.0.0.1"
#: The first port that is tried when none is given; the next free one is taken.
FIRST_PORT, PORTS = 7860, 100
#: Seconds after which pictures that are no longer shown are deleted.
_KEEP = 3600
#: Seconds without a new picture until the grader reads one, so that it does not slow down a moving slider.
_SETTLED = 0.5
#: What the browser may load: nothing from another host.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'"
)


def require_gradio() -> Any:
    """The package gradio, with its analytics switched off.

    Raises:
        UsageError: it is not installed.
    """
    # Read when gradio is imported.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    try:
        import gradio
    except ImportError:
        raise UsageError(
            "the demo needs the package 'gradio': pip install 'gath-bench[demo]' installs it."
        ) from None
    return gradio


def build(handlers: Handlers) -> Any:
    """The page, as ``gradio.Blocks``.

    Raises:
        UsageError: gradio is not installed.
    """
    gr = require_gradio()
    return _Page(gr, handlers).blocks


def serve(handlers: Handlers, *, port: int | None = None, open_browser: bool = False) -> Any:
    """Serve the page on the loopback interface, in a thread of its own.

    Args:
        handlers: the actions.
        port: the port; None takes the first free one from `FIRST_PORT`.
        open_browser: open the page in the default browser.

    Returns:
        The ``gradio.Blocks``: ``local_url`` is its address, ``close()`` ends it.

    Raises:
        UsageError: gradio is not installed, or the port is in use.
    """
    gr = require_gradio()
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    _keep_loopback_from_proxies()
    blocks = build(handlers)
    system = ["system-ui", "sans-serif"]
    theme = gr.themes.Default(
        primary_hue="blue", font=system, font_mono=["ui-monospace", "monospace"], spacing_size="sm"
    )
    # A name that another site resolves to 127.0.0.1 is refused, so that it cannot read photos.
    middleware = [
        Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"]),
        Middleware(_Policy),
    ]
    try:
        blocks.queue(default_concurrency_limit=1).launch(
            server_name=HOST,
            server_port=port or _free_port(),
            inbrowser=open_browser,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            run_history=False,
            enable_monitoring=False,
            footer_links=[],
            allowed_paths=[str(handlers.folder)],
            app_kwargs={"middleware": middleware, "docs_url": None, "redoc_url": None, "openapi_url": None},
            theme=theme,
            css=content.STYLE,
        )
    except OSError as error:
        raise UsageError(f"port {port} cannot be used ({error}): choose another one by --port.") from error
    return blocks


class _Policy:
    """ASGI middleware that adds the content security policy to every response."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = [
                    (b"content-security-policy", _POLICY.encode()),
                    (b"referrer-policy", b"no-referrer"),
                ]
                message = {**message, "headers": [*message["headers"], *headers]}
            await send(message)

        await self.app(scope, receive, send_with_policy if scope["type"] == "http" else send)


class _Page:
    """The components of the page and what connects them."""

    def __init__(self, gr: Any, handlers: Handlers) -> None:
        self.gr, self.handlers = gr, handlers
        with gr.Blocks(
            title=content.TITLE, analytics_enabled=False, delete_cache=(600, _KEEP)
        ) as self.blocks:
            self.session = gr.State(None, time_to_live=_KEEP)
            gr.HTML(content.INTRO, elem_classes="intro")
            self._chooser()
            self.error = gr.HTML(elem_id="error")
            self.note = gr.HTML(elem_id="note")
            with gr.Row(equal_height=False, elem_id="main"):
                with gr.Column(scale=1, min_width=300, elem_id="stage"):
                    self._result()
                with gr.Column(scale=1, min_width=300, elem_id="controls"):
                    self._expression()
                    self._video()
            self._connect()

    # --- layout

    def _chooser(self) -> None:
        gr, examples = self.gr, self.handlers.examples
        self.gallery = gr.Gallery(
            [(example.thumbnail, example.name) for example in examples],
            format="png", columns=len(examples), height="auto", object_fit="cover", allow_preview=False,
            interactive=False, buttons=[], label="Portraits", show_label=False, elem_id="portraits",
        )  # fmt: skip
        with gr.Row(equal_height=True, elem_id="options"):
            self.upload = gr.UploadButton(
                "Upload a photo",
                file_types=["image"],
                variant="primary",
                size="md",
                min_width=140,
                elem_id="upload",
            )
            self.model = gr.Dropdown(
                list(self.handlers.models), value=self.handlers.models[0], label="Model", min_width=140,
                elem_id="model",
            )  # fmt: skip
            self.crop = gr.Dropdown(
                [("face", "face"), ("centred square", "centre")], value="face", label="Crop", min_width=140
            )
            self.all_faces = gr.Checkbox(label="All faces", min_width=110)

    def _result(self) -> None:
        gr = self.gr
        with gr.Tabs(elem_id="result"):
            with gr.Tab("Result"):
                self.picture = gr.Image(
                    show_label=False, type="filepath", interactive=False, buttons=["fullscreen"],
                    elem_id="picture", alt_text="The portrait with the expression",
                )  # fmt: skip
            with gr.Tab("Before and after"):
                self.both = gr.ImageSlider(
                    show_label=False, type="filepath", interactive=False, buttons=["fullscreen"], max_height=2000,
                    elem_id="both",
                )  # fmt: skip
        with gr.Column(elem_id="details"):
            with gr.Row(equal_height=True):
                self.suffix = gr.Dropdown(
                    [(s[1:].upper(), s) for s in STILL_FORMATS if s != ".jpeg"], value=".png",
                    show_label=False, container=False, min_width=90, elem_id="suffix",
                )  # fmt: skip
                self.download = gr.Button(
                    "Download the picture", size="md", min_width=160, elem_id="download"
                )
            self.file = gr.DownloadButton(visible="hidden", elem_id="download-file")
            self.facts = gr.HTML(elem_id="facts")
            gr.HTML("<h2>Asked for, and read back by the grader</h2>")
            self.readings = gr.HTML(elem_id="readings")

    def _expression(self) -> None:
        gr = self.gr
        with gr.Row(elem_id="presets"):
            self.own = gr.Button("portrait's own", size="sm", variant="primary", min_width=90, elem_id="own")
            self.presets = {
                name: gr.Button(name, size="sm", min_width=90, elem_id=f"preset-{name}") for name in PRESETS
            }
        self.added = gr.Checkbox(
            label="Add presets to the portrait's own AUs", container=False, elem_id="added"
        )
        sliders = {}
        with gr.Column(elem_id="sliders"):
            for region, units in by_region(SPACE.labels).items():
                gr.HTML(f"<h3>{region}</h3>")
                for unit in units:
                    sliders[unit.label] = gr.Slider(
                        0, 1, 0, step=0.01, label=content.slider_label(unit.label, unit.name),
                        elem_id=unit.label, elem_classes="au", buttons=[],
                    )  # fmt: skip
        self.sliders = [sliders[label] for label in SPACE.labels]
        gr.HTML(f'<p class="quiet">{content.SLIDERS_HELP}</p>')

    def _video(self) -> None:
        gr = self.gr
        with gr.Accordion("Video from a CSV file", open=False, elem_id="video"):
            gr.HTML(f'<p class="quiet">{content.VIDEO_HELP}</p>')
            self.csv = gr.File(label="AU time series", file_types=[".csv"], type="filepath", height=110)
            self.example = gr.Button(
                "Take an example: a smile with a blink", size="sm", elem_id="example-csv"
            )
            with gr.Row():
                self.video_suffix = gr.Dropdown(
                    [("MP4", ".mp4"), ("GIF", ".gif"), ("WebP", ".webp")],
                    value=".mp4",
                    label="Format",
                    min_width=90,
                )
                self.relative = gr.Checkbox(label="Add the changes to the portrait's own AUs", min_width=160)
            self.make = gr.Button("Make the video", variant="primary", size="md", elem_id="make-video")
            self.video_error = gr.HTML(elem_id="video-error")
            self.video = gr.Video(
                visible=False, interactive=False, show_label=False, loop=True, autoplay=True
            )
            self.animation = gr.Image(
                visible=False, interactive=False, show_label=False, type="filepath", buttons=[]
            )
            self.video_facts = gr.HTML()
            self.video_file = gr.DownloadButton("Download the video", visible=False, size="md")

    # --- what happens

    def _connect(self) -> None:
        shown = [self.picture, self.both, self.facts, self.error]
        opened = [self.session, self.note, *self.sliders, *shown]
        options = [self.model, self.crop, self.all_faces]
        steps = [
            self.blocks.load(self._open_first, options, opened, **self._quiet()),
            self.gallery.select(self._example_handler(), options, opened, **self._quiet()),
            self.upload.upload(self._open_upload, [self.upload, *options], opened, **self._quiet()),
        ]
        reopen = [self.session, *options, *self.sliders]
        steps += [
            control.input(self._reopen, reopen, opened, **self._quiet())
            for control in (self.model, self.crop, self.all_faces)
        ]
        move = [self.session, *self.sliders]
        steps += [
            slider.input(self._show, move, shown, trigger_mode="always_last", **self._quiet())
            for slider in self.sliders
        ]
        steps.append(self.own.click(self._show_own, [self.session], [*self.sliders, *shown], **self._quiet()))
        steps += [
            button.click(
                self._preset(name), [self.session, self.added], [*self.sliders, *shown], **self._quiet()
            )
            for name, button in self.presets.items()
        ]
        for step in steps:
            step.then(
                self._grade,
                [self.session],
                [self.readings],
                trigger_mode="always_last",
                **self._quiet("grade"),
            )
        self.download.click(
            self._save, [self.session, self.suffix], [self.file, self.error], **self._quiet("files")
        ).then(None, js="() => setTimeout(() => document.querySelector('#download-file').click(), 100)")
        self.example.click(self._example_csv, None, [self.csv], **self._quiet("files"))
        self.make.click(
            self._video_handler(),
            [self.session, self.csv, self.video_suffix, self.relative],
            [self.video, self.animation, self.video_facts, self.video_file, self.video_error],
            concurrency_id="files",
            api_visibility="private",
        )

    @staticmethod
    def _quiet(group: str = "show") -> dict[str, Any]:
        """One call of a group at a time, without a spinner over the picture."""
        return {"show_progress": "hidden", "concurrency_id": group, "api_visibility": "private"}

    def _open_first(self, model: str, crop: Any, all_faces: bool) -> list[Any]:
        return self._opened(self.handlers.examples[0].load, model, crop, all_faces)

    def _example_handler(self) -> Callable[..., list[Any]]:
        def open_example(event: Any, model: str, crop: Any, all_faces: bool) -> list[Any]:
            return self._opened(self.handlers.examples[event.index].load, model, crop, all_faces)

        # Gradio passes the event to the parameter with this annotation.
        open_example.__annotations__["event"] = self.gr.SelectData
        return open_example

    def _open_upload(self, file: str, model: str, crop: Any, all_faces: bool) -> list[Any]:
        path = Path(file)
        return self._opened(lambda: Photo(path.name, path), model, crop, all_faces)

    def _reopen(
        self, session: Session | None, model: str, crop: Any, all_faces: bool, *values: float
    ) -> list[Any]:
        """The same portrait with another model or crop, and the same expression."""
        if session is None:
            return self._open_first(model, crop, all_faces)
        photo = session.photo
        return self._opened(lambda: photo, model, crop, all_faces, slider_values(values))

    def _opened(
        self,
        load: Callable[[], Photo],
        model: str,
        crop: Any,
        all_faces: bool,
        aus: dict[str, float] | None = None,
    ) -> list[Any]:
        """Open a portrait and show it with an expression, its own by default."""
        try:
            session = self.handlers.open(load(), model, crop=crop, all_faces=all_faces)
            wanted = session.own if aus is None else aus
            picture = self.handlers.show(session, wanted)
        except Exception as error:
            return [*self._kept(2 + len(self.sliders)), *self._failed(error)]
        note = content.message(session.portrait.notes, "note")
        return [session, note, *wanted.values(), *self._pictures(session, picture)]

    def _show(self, session: Session | None, *values: float) -> list[Any]:
        return self._shown(session, slider_values(values))

    def _show_own(self, session: Session | None) -> list[Any]:
        aus = session.own if session else preset_aus("neutral")
        return [*aus.values(), *self._shown(session, aus)]

    def _preset(self, name: str) -> Callable[[Session | None, bool], list[Any]]:
        def show(session: Session | None, added: bool) -> list[Any]:
            aus = preset_aus(name, session.own if session and added else None)
            return [*aus.values(), *self._shown(session, aus)]

        return show

    def _shown(self, session: Session | None, aus: dict[str, float]) -> list[Any]:
        try:
            if session is None:
                raise UsageError("no portrait is open: choose one, or upload a photo.")
            return self._pictures(session, self.handlers.show(session, aus))
        except Exception as error:
            return self._failed(error)

    def _pictures(self, session: Session, picture: Picture) -> list[Any]:
        return [
            str(picture.path),
            (str(session.original), str(picture.path)),
            content.facts(session, picture),
            "",
        ]

    def _failed(self, error: Exception) -> list[Any]:
        """The picture stays as it is; the error is shown above it."""
        return [*self._kept(3), content.message([user_message(error)], "error")]

    def _kept(self, count: int) -> list[Any]:
        return [self.gr.skip()] * count

    def _grade(self, session: Session | None) -> Any:
        picture = session.picture if session else None
        if session is None or picture is None:
            return self.gr.skip()
        time.sleep(_SETTLED)
        if session.picture is not picture:  # its own call follows
            return self.gr.skip()
        try:
            graded: Graded = self.handlers.grade(session)
        except Exception as error:
            return content.message([user_message(error)], "error")
        return content.readings_table(graded)

    def _save(self, session: Session | None, suffix: str) -> list[Any]:
        try:
            if session is None:
                raise UsageError("no portrait is open: choose one, or upload a photo.")
            return [str(self.handlers.save(session, suffix)), ""]
        except Exception as error:
            return [self.gr.skip(), content.message([user_message(error)], "error")]

    def _example_csv(self) -> str:
        return str(example_series(self.handlers.folder / "smile-and-blink.csv"))

    def _video_handler(self) -> Callable[..., list[Any]]:
        gr, bar = self.gr, self.gr.Progress()

        def make(
            session: Session | None, csv: str | None, suffix: str, relative: bool, progress: Any = bar
        ) -> list[Any]:
            try:
                if session is None:
                    raise UsageError("no portrait is open: choose one, or upload a photo.")
                if csv is None:
                    raise UsageError("no AU time series is chosen: upload a CSV file, or take the example.")
                video = self.handlers.animate(
                    session, Path(csv), suffix, relative=relative,
                    progress=lambda done, total: progress((done, total), desc="frames"),
                )  # fmt: skip
            except Exception as error:
                return [*self._kept(4), content.message([user_message(error)], "error")]
            path, is_mp4 = str(video.path), suffix == ".mp4"
            return [
                gr.update(value=path if is_mp4 else None, visible=is_mp4),
                gr.update(value=None if is_mp4 else path, visible=not is_mp4),
                content.video_facts(video),
                gr.update(value=path, visible=True),
                "",
            ]

        return make


def _keep_loopback_from_proxies() -> None:
    """Gradio asks its own server whether it is ready; a proxy that the environment names must not get that request."""
    for name in ("NO_PROXY", "no_proxy"):
        known = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*known, HOST, "localhost"]))


def _free_port() -> int:
    """The first free port from `FIRST_PORT`.

    Raises:
        UsageError: all of them are in use.
    """
    import socket

    for port in range(FIRST_PORT, FIRST_PORT + PORTS):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise UsageError(f"the ports {FIRST_PORT} to {FIRST_PORT + PORTS - 1} are in use: choose one by --port.")
