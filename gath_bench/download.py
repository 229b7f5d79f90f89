"""Downloads a file over https, resuming where an earlier transfer ended."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gath_bench.errors import UsageError
from gath_bench.files import flush_to_disk

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_CHUNK = 1 << 20
_TIMEOUT = 60.0


def fetch(url: str, partial: Path, allow_local: bool, progress: Callable[[int, int | None], None]) -> None:
    """Append what is still missing to a partial file.

    Raises:
        UsageError: the transfer failed or ended early; what has arrived is kept.
    """
    start = partial.stat().st_size if partial.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        with _opener(allow_local).open(request, timeout=_TIMEOUT) as response:
            if getattr(response, "status", None) != http.HTTPStatus.PARTIAL_CONTENT:
                start = 0  # `file:`, or a server that ignores ranges
            length = response.headers.get("Content-Length")
            total = start + int(length) if length else None
            done = start
            with partial.open("ab" if start else "wb") as file:
                while chunk := response.read(_CHUNK):
                    file.write(chunk)
                    done += len(chunk)
                    progress(done, total)
                flush_to_disk(file)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
            partial.unlink()  # it is as long as the file or longer, and was not accepted before
            fetch(url, partial, allow_local, progress)
            return
        raise UsageError(f"{url} answered {error.code} {error.reason}: give another with --url.") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise UsageError(f"{url} cannot be downloaded: {reason}; the same command tries again.") from error
    if total is not None and done < total:
        raise UsageError(f"{url} ended after {done} of {total} bytes: the same command resumes it.")


def check_url(url: str, allow_local: bool) -> None:
    """Refuse a URL that is not https; files and this machine's own servers pass with ``allow_local``.

    Raises:
        UsageError: the URL is refused.
    """
    parts = urllib.parse.urlsplit(url)
    local = parts.scheme == "file" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if parts.scheme != "https" and not (allow_local and local):
        raise UsageError(f"{url} is refused: weights are downloaded by https only.")


class _CheckedRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to a URL that would have been accepted at the start; urllib itself refuses ``file:``."""

    def __init__(self, allow_local: bool) -> None:
        self._allow_local = allow_local

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        try:
            check_url(newurl, self._allow_local)
        except UsageError as error:
            raise UsageError(f"{req.full_url} redirects: {error}") from None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(allow_local: bool) -> urllib.request.OpenerDirector:
    handlers: list[urllib.request.BaseHandler] = [_CheckedRedirects(allow_local)]
    if allow_local:
        handlers.append(urllib.request.ProxyHandler({}))  # a proxy is another machine
    return urllib.request.build_opener(*handlers)
