"""``gath-bench demo``: the page has what it needs, the server answers this machine only, bad options are a sentence."""

from __future__ import annotations

import http.client
import importlib.util
import socket
import sys
from collections.abc import Callable

import pytest
from cli.conftest import CommandResult

from gath_bench.au import PRESETS
from gath_bench.cli.main import main
from gath_bench.demo.handlers import Handlers
from gath_bench.demo.page import HOST, build, serve
from gath_bench.errors import UsageError

needs_gradio = pytest.mark.skipif(
    importlib.util.find_spec("gradio") is None, reason="needs gradio: pip install 'gath-bench[demo]'"
)
Demo = Callable[..., CommandResult]


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Demo:
    """Runs ``gath-bench demo`` in this process, with toy components."""

    def call(*words: str) -> CommandResult:
        toys = ["--no-plugins", "--plugin", "animation.toy_animation"]
        monkeypatch.setattr(sys, "argv", ["gath-bench", *toys, "demo", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return CommandResult(int(ended.value.code or 0), said.out, said.err)

    return call


def test_without_gradio_the_command_names_the_extra(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    demo().refused("needs the package 'gradio'", "pip install 'gath-bench[demo]'")


@needs_gradio
def test_a_model_that_a_photo_cannot_feed_is_refused_before_the_page_is_served(demo: Demo) -> None:
    demo("-m", "toy-oracle").refused("needs target")
    demo("-m", "toy-warb").refused("did you mean toy-warp")


@needs_gradio
def test_the_page_has_a_slider_per_au_and_a_button_per_preset(handlers: Handlers) -> None:
    components = build(handlers).get_config_file()["components"]
    sliders = [c["props"] for c in components if c["type"] == "slider"]
    assert len(sliders) == 17
    assert {"AU12 Lip Corner Puller", "AU45 Blink"} < {slider["label"] for slider in sliders}
    assert {(slider["minimum"], slider["maximum"]) for slider in sliders} == {(0, 1)}
    assert set(PRESETS) <= {c["props"]["value"] for c in components if c["type"] == "button"}


@needs_gradio
def test_the_server_answers_this_machine_only(handlers: Handlers) -> None:
    server = serve(handlers)
    try:
        assert server.local_url.startswith(f"http://{HOST}:")
        assert server.analytics_enabled is False
        port = int(server.local_url.rsplit(":", 1)[1].strip("/"))
        answers = {}
        for host in (HOST, "photos.example"):
            connection = http.client.HTTPConnection(HOST, port, timeout=60)
            connection.request("GET", "/", headers={"Host": host})
            answer = connection.getresponse()
            answers[host] = answer.status
            if host == HOST:
                policy = answer.headers["content-security-policy"]
                assert "default-src 'self'" in policy
                assert "http" not in policy
                text = answer.read().decode()
                assert "fonts.googleapis.com" not in text
            connection.close()
        assert answers == {HOST: 200, "photos.example": 400}
        with pytest.raises(UsageError, match=f"port {port} cannot be used"):
            serve(handlers, port=port)
    finally:
        server.close(verbose=False)


@needs_gradio
def test_the_next_free_port_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    from gath_bench.demo import page

    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        monkeypatch.setattr(page, "FIRST_PORT", port)
        assert page._free_port() > port
        monkeypatch.setattr(page, "PORTS", 1)
        with pytest.raises(UsageError, match="are in use"):
            page._free_port()
