"""Weights files: search order, downloads from a loopback server and from files, and the copies of `add`."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gath_bench import UsageError
from gath_bench.contracts import WeightsSpec
from gath_bench.weights import (
    add_weights,
    cache_folder,
    download,
    find_weights,
    recorded_hashes,
    weights_problem,
)

CONTENT = bytes(range(256)) * 40
SHA = hashlib.sha256(CONTENT).hexdigest()
SPEC = WeightsSpec("net", ("net.pth", "net.safetensors"), "a network", "MIT", size=len(CONTENT), sha256=SHA)


@pytest.fixture(autouse=True)
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.delenv("GATH_BENCH_WEIGHTS", raising=False)


class Server(http.server.BaseHTTPRequestHandler):
    """Serves ``CONTENT``; the path says how."""

    ranges: list[str | None]

    def do_GET(self) -> None:
        given = self.headers.get("Range")
        self.ranges.append(given)
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        if self.path == "/missing":
            self.send_error(404)
            return
        start = int(given.removeprefix("bytes=").rstrip("-")) if given and self.path != "/no-ranges" else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        body = CONTENT[start:]
        if self.path == "/wrong":
            body = bytes(len(body))
        self.wfile.write(body[:1000] if self.path == "/cut" else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Server.ranges = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


def installed() -> list[str]:
    return sorted(path.name for path in cache_folder().iterdir()) if cache_folder().exists() else []


def test_an_explicit_path_comes_before_the_variable_and_the_variable_before_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = WeightsSpec(
        "net", ("net.pth",), "", "MIT", folders=("$NO_SUCH_VARIABLE/x", str(tmp_path / "other"))
    )
    places = {name: tmp_path / name for name in ("explicit", "named", "other")}
    places["cache"] = cache_folder()
    for folder in places.values():
        folder.mkdir(parents=True)
        (folder / "net.pth").write_bytes(b"w")
    monkeypatch.setenv("GATH_BENCH_WEIGHTS", str(places["named"]))
    assert find_weights(spec, places["explicit"] / "net.pth") == places["explicit"] / "net.pth"
    for name in ("named", "cache", "other"):
        assert find_weights(spec) == places[name] / "net.pth"
        (places[name] / "net.pth").unlink()
    assert find_weights(spec) is None
    with pytest.raises(UsageError, match="there is no weights file"):
        find_weights(spec, tmp_path / "nothing.pth")


def test_a_file_counts_only_with_the_files_beside_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = WeightsSpec("net", ("net.onnx",), "", "MIT", beside=("net.onnx.data",))
    monkeypatch.setenv("GATH_BENCH_WEIGHTS", str(tmp_path))
    (tmp_path / "net.onnx").write_bytes(b"w")
    assert find_weights(spec) is None
    (tmp_path / "net.onnx.data").write_bytes(b"d")
    assert find_weights(spec) == tmp_path / "net.onnx"


def test_a_file_of_another_size_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "gath-bench weights add net FILE" in str(weights_problem(SPEC))
    monkeypatch.setenv("GATH_BENCH_WEIGHTS", str(tmp_path))
    (tmp_path / "net.pth").write_bytes(CONTENT[:-1])
    assert "bytes instead of" in str(weights_problem(SPEC))
    (tmp_path / "net.pth").write_bytes(CONTENT)
    assert weights_problem(SPEC) is None


def test_a_download_is_checked_and_recorded(server: str) -> None:
    path = download(SPEC, url=f"{server}/net", allow_local=True)
    assert path == cache_folder() / "net.pth"
    assert path.read_bytes() == CONTENT
    assert recorded_hashes() == {"net.pth": SHA}
    assert installed() == ["net.pth", "weights.json"]
    assert (
        download(SPEC, url=f"{server}/missing", allow_local=True) == path
    )  # it is there: nothing is fetched
    assert Server.ranges == [None]


def test_a_prefix_of_the_hash_is_enough(server: str) -> None:
    spec = WeightsSpec("net", ("net.pth",), "", "MIT", sha256=SHA[:8])
    assert download(spec, url=f"{server}/net", allow_local=True).read_bytes() == CONTENT


def test_a_download_from_a_file(tmp_path: Path) -> None:
    source = tmp_path / "published.pth"
    source.write_bytes(CONTENT)
    assert download(SPEC, url=source.as_uri(), allow_local=True).read_bytes() == CONTENT
    with pytest.raises(UsageError, match="by https only"):
        download(SPEC, url=source.as_uri())


@pytest.mark.parametrize("second", ["net", "no-ranges"])
def test_a_download_that_was_cut_off_is_resumed(server: str, second: str) -> None:
    with pytest.raises(UsageError, match=r"resumes it|tries again"):
        download(SPEC, url=f"{server}/cut", allow_local=True)
    assert installed() == ["net.pth.part"]  # nothing that could be taken for the weights
    assert download(SPEC, url=f"{server}/{second}", allow_local=True).read_bytes() == CONTENT
    assert Server.ranges == [None, "bytes=1000-"]


def test_a_complete_but_unfinished_download_is_started_again(server: str) -> None:
    cache_folder().mkdir(parents=True)
    (cache_folder() / "net.pth.part").write_bytes(CONTENT + b"more")
    assert download(SPEC, url=f"{server}/net", allow_local=True).read_bytes() == CONTENT


def test_without_a_known_hash_a_download_starts_again_and_its_hash_is_recorded(server: str) -> None:
    spec = WeightsSpec("net", ("net.pth",), "", "MIT")
    cache_folder().mkdir(parents=True)
    (cache_folder() / "net.pth.part").write_bytes(b"of another version")
    download(spec, url=f"{server}/net", allow_local=True)
    assert Server.ranges == [None]
    assert recorded_hashes() == {"net.pth": SHA}


def test_a_wrong_file_is_not_installed(server: str) -> None:
    with pytest.raises(UsageError, match="SHA-256"):
        download(SPEC, url=f"{server}/wrong", allow_local=True)
    assert installed() == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/net.pth",
        "ftp://example.org/net.pth",
        "data:,w",
        "net.pth",
        "http://127.0.0.1.example.org/",
    ],
)
@pytest.mark.parametrize("allow_local", [False, True])
def test_only_https_is_accepted(url: str, allow_local: bool) -> None:
    with pytest.raises(UsageError, match="by https only"):
        download(SPEC, url=url, allow_local=allow_local)


def test_loopback_needs_to_be_allowed(server: str) -> None:
    with pytest.raises(UsageError, match="by https only"):
        download(SPEC, url=f"{server}/net")
    assert Server.ranges == []


@pytest.mark.parametrize(
    "target", ["http://example.org/net.pth", "file:///etc/hostname", "ftp://example.org/x"]
)
def test_a_redirect_to_something_else_is_refused(server: str, target: str) -> None:
    with pytest.raises(UsageError, match=r"(?i)redirect.*(refused|not allowed)"):
        download(SPEC, url=f"{server}/to/{target}", allow_local=True)
    assert installed() == []


def test_a_redirect_that_is_allowed_is_followed(server: str) -> None:
    assert download(SPEC, url=f"{server}/to/{server}/net", allow_local=True).read_bytes() == CONTENT


def test_errors_of_the_server_are_one_sentence(server: str) -> None:
    with pytest.raises(UsageError, match="answered 404"):
        download(SPEC, url=f"{server}/missing", allow_local=True)
    with pytest.raises(UsageError, match="cannot be downloaded"):
        download(SPEC, url="http://127.0.0.1:1/net", allow_local=True)
    with pytest.raises(UsageError, match="weights add net FILE"):
        download(SPEC)


def test_add_copies_checks_and_records(tmp_path: Path) -> None:
    mine = tmp_path / "mine.pth"
    mine.write_bytes(CONTENT)
    assert add_weights(SPEC, mine).read_bytes() == CONTENT
    assert recorded_hashes() == {"net.pth": SHA}
    mine.write_bytes(bytes(len(CONTENT)))
    with pytest.raises(UsageError, match=r"is not the published net\.pth: its SHA-256"):
        add_weights(SPEC, mine)
    assert find_weights(SPEC).read_bytes() == CONTENT  # type: ignore[union-attr]


def test_add_refuses_what_it_cannot_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        add_weights(SPEC, tmp_path / "nothing.pth")
    other = tmp_path / "net.txt"
    other.write_bytes(b"w")
    with pytest.raises(UsageError, match=r"net\.pth or net\.safetensors"):
        add_weights(SPEC, other)
    lonely = tmp_path / "a.onnx"
    lonely.write_bytes(b"w")
    with pytest.raises(UsageError, match=r"lacks net\.onnx\.data"):
        add_weights(WeightsSpec("n", ("net.onnx",), "", "MIT", beside=("net.onnx.data",)), lonely)


def test_add_takes_the_files_beside(tmp_path: Path) -> None:
    spec = WeightsSpec("n", ("net.onnx",), "", "MIT", beside=("net.onnx.data",))
    for name in ("mine.onnx", "net.onnx.data"):
        (tmp_path / name).write_bytes(name.encode())
    assert add_weights(spec, tmp_path / "mine.onnx").read_bytes() == b"mine.onnx"
    assert find_weights(spec) == cache_folder() / "net.onnx"
    assert set(json.loads((cache_folder() / "weights.json").read_text())) == {"net.onnx", "net.onnx.data"}
