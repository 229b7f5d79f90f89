"""Hooks of MkDocs: pages of the repository outside docs/ that the documentation links to.

A link from docs/ to a Markdown or HTML file elsewhere in the repository works on the site too: the file becomes a page
under ``project/``. Links to other files of the repository become their text.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)|(!\[[^\]]*\])\(([^)\s]+)\)")
_PAGES = (".md", ".html", ".ipynb")
_IMAGES = (".png", ".jpg", ".gif", ".svg")
_PREFIX = "project/"


def on_files(files: Files, config: Any) -> Files:
    """Add the files outside docs/ that pages link to, and those that they link to in turn."""
    todo = [Path("docs") / file.src_uri for file in files.documentation_pages()]
    seen = set(todo)
    while todo:
        page = todo.pop()
        if page.suffix != ".md":
            continue
        for match in _LINK.finditer((ROOT / page).read_text(encoding="utf-8")):
            target = _target(page, match[2] or match[5])
            if target is None or target in seen or target.parts[0] == "docs":
                continue
            if target.suffix in _PAGES + _IMAGES:
                seen.add(target)
                todo.append(target)
                files.append(
                    File.generated(config, _PREFIX + target.as_posix(), abs_src_path=str(ROOT / target))
                )
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Rewrite links that leave docs/ or the added pages."""
    uri = page.file.src_uri
    source = Path(uri.removeprefix(_PREFIX)) if uri.startswith(_PREFIX) else Path("docs") / uri
    known = {file.src_uri for file in files}

    def rewrite(match: re.Match[str]) -> str:
        target = _target(source, match[2] or match[5])
        if target is None:
            return match[0]
        new = (
            target.relative_to("docs").as_posix()
            if target.parts[0] == "docs"
            else _PREFIX + target.as_posix()
        )
        if new not in known:
            return match[1] or ""
        link = os.path.relpath(new, Path(uri).parent).replace(os.sep, "/")
        return f"{match[4]}({link})" if match[4] else f"[{match[1]}]({link}{match[3] or ''})"

    # Code blocks stay as they are.
    parts = re.split(r"(^```.*?^```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else _LINK.sub(rewrite, part) for part in parts)


def _target(page: Path, link: str) -> Path | None:
    """The file of the repository that a link of a page names; None for links to other hosts and to nothing."""
    if not link or re.match(r"[a-z]+:", link):
        return None
    path = Path(os.path.normpath(page.parent / link))
    return path if not path.is_absolute() and path.parts[0] != ".." and (ROOT / path).exists() else None
