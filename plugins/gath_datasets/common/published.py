"""The published facts of a data set, and the search for its files below a root folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gath_bench.errors import UsageError


@dataclass(frozen=True)
class Published:
    """What the owners of a data set publish about it.

    Attributes:
        name: the component name.
        tree: the expected files and folders below the root, one per entry, with a remark in parentheses.
        licence: one line, without a full stop.
        citation: one line: authors, title, venue and year.
    """

    name: str
    tree: tuple[str, ...]
    licence: str
    citation: str

    @property
    def licence_line(self) -> str:
        """Licence and citation, as in ``DatasetInfo.licence``."""
        return f"{self.licence}; cite {self.citation}"

    def error(self, root: Path, problem: str) -> UsageError:
        """The exception for a folder that does not have the layout: what is wrong, and the expected tree.

        >>> str(Published("toy", ("images/0001.png", "labels.txt"), "MIT", "A").error(Path("x"), "no labels.txt"))
        'x is not a toy folder (no labels.txt): expected are x/images/0001.png and x/labels.txt.'
        """
        entries = [f"{root.as_posix()}/{entry}" for entry in self.tree]
        listed = ", ".join(entries[:-1]) + " and " + entries[-1] if len(entries) > 1 else entries[0]
        verb = "expected are" if len(entries) > 1 else "expected is"
        return UsageError(f"{root.as_posix()} is not a {self.name} folder ({problem}): {verb} {listed}.")

    def folder(self, root: Path, *candidates: str) -> Path:
        """The first of some folders below the root that exists; ``"."`` is the root itself.

        Raises:
            UsageError: the root or all candidates are missing.
        """
        if not root.is_dir():
            raise self.error(root, "there is no such folder")
        for candidate in candidates:
            if (root / candidate).is_dir():
                return root / candidate
        raise self.error(root, f"no folder {candidates[0]}")

    def file(self, root: Path, *candidates: str) -> Path:
        """The first of some files below the root that exists.

        Raises:
            UsageError: all candidates are missing.
        """
        found = self.optional_file(root, *candidates)
        if found is None:
            raise self.error(root, f"no file {candidates[0]}")
        return found

    def optional_file(self, root: Path, *candidates: str) -> Path | None:
        """The first of some files below the root that exists, or None."""
        return next((root / name for name in candidates if (root / name).is_file()), None)
