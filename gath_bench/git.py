"""The commit of the source tree that a module is imported from."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SourceState:
    """The state of a source tree.

    Attributes:
        commit: full hash of the commit; None outside a git checkout, as in an installed package.
        dirty: whether the tree has uncommitted changes; None where there is no commit.
    """

    commit: str | None
    dirty: bool | None

    def __str__(self) -> str:
        """The abbreviated hash, with ``-dirty`` behind it if the tree has changes; ``unknown`` without a commit."""
        if self.commit is None:
            return "unknown"
        return self.commit[:12] + ("-dirty" if self.dirty else "")


def source_state(module_file: str) -> SourceState:
    """The commit of the checkout that holds a module.

    Args:
        module_file: the module's ``__file__``.
    """
    folder = str(Path(module_file).resolve().parent)
    try:
        # An installed package may lie below somebody else's checkout, whose commit says nothing about it.
        _git(folder, "ls-files", "--error-unmatch", Path(module_file).resolve().name)
        return SourceState(_git(folder, "rev-parse", "HEAD"), bool(_git(folder, "status", "--porcelain")))
    except (OSError, subprocess.SubprocessError):
        return SourceState(None, None)


def _git(folder: str, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", folder, *arguments], capture_output=True, text=True, check=True, timeout=10
    ).stdout.strip()
