"""The import floors: every module imports only downwards, and plugins only through the public door.

Read from the source, so that an import inside a function or under ``TYPE_CHECKING`` counts as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from core.helpers import ROOT

#: What each part of the core may import of the core, besides itself. A part is the first name below
#: ``gath_bench``; ``gath_bench`` itself (``__init__``) is the author's door: errors, ``hookimpl``, version.
GROUND = {"contracts", "au", "errors", "version", "files", "git", "distributed", "statistics"}
HOOKS = GROUND | {"hookspecs"}
FOUND = HOOKS | {"plugins", "registry"}
STORED = FOUND | {"images", "results"}
PLANNED = STORED | {"suite"}
MEASURED = PLANNED | {"render_list", "engine", "perf", "perf.tracking"}
RESULTS_ALONE = GROUND | {"results"}
FLOORS: dict[str, set[str]] = {
    "errors": set(),
    "version": set(),
    "files": set(),
    "git": set(),
    "distributed": set(),
    "statistics": set(),
    "contracts": {"errors"},
    "au": {"errors"},
    "gath_bench": HOOKS | {"api"},  # whose names it hands on when they are asked for
    "hookspecs": GROUND,
    "plugins": HOOKS,
    "registry": HOOKS | {"plugins"},
    "images": GROUND,
    "faces": {"contracts", "errors"},
    "results": GROUND,
    "suite": STORED,
    "render_list": PLANNED,
    "perf": {"contracts", "errors"},  # beside the engine, not under it
    "perf.tracking": STORED | {"perf"},  # times registered components without the engine
    "engine": PLANNED | {"perf", "gath_bench"},
    "analysis": RESULTS_ALONE,
    "report": RESULTS_ALONE | {"analysis"},
    "api": RESULTS_ALONE | {"analysis"},
    "cli": MEASURED | {"analysis", "report"},
    "__main__": {"cli"},
}

#: What a plugin may import: the vocabulary (contracts, AU spaces, errors), the hooks, and two kits of pure
#: helpers (images, perf). All else is the core's own business and may change from one day to the next.
PUBLIC = {
    "gath_bench", "contracts", "au", "errors", "images", "hookspecs", "perf",
    "files", "git", "distributed", "statistics", "augmentations", "faces",
}  # fmt: skip

CORE = sorted((ROOT / "gath_bench").rglob("*.py"))
PLUGINS = sorted(path for root in ("plugins", "reference_impl") for path in (ROOT / root).rglob("*.py"))
PLUGIN_PACKAGES = {
    path.name for root in ("plugins", "reference_impl") for path in (ROOT / root).glob("*") if path.is_dir()
}
#: Packages that cost more to import than a command may take to answer.
HEAVY = {"torch", "torchvision", "lpips", "pandas", "pyarrow", "skimage", "scipy", "mediapipe", "onnxruntime"}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Dotted names of all that is imported; ``from a import b`` is ``a.b``."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports here are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _parts(path: Path) -> set[str]:
    """The parts of the core that a module imports."""
    names = [name.split(".") for name in _imports(ast.walk(_tree(path)))]
    return {_part(words) for words in names if words[0] == "gath_bench"}


def _part(words: list[str]) -> str:
    if words[1:3] == ["perf", "tracking"]:
        return "perf.tracking"
    return words[1] if len(words) > 1 and words[1] in FLOORS else "gath_bench"


def _own_part(path: Path) -> str:
    words = list(path.relative_to(ROOT).with_suffix("").parts)
    return "gath_bench" if words[1:] == ["__init__"] else words[1] if len(words) == 2 else _part(words)


def _packages(nodes: Iterator[ast.AST]) -> set[str]:
    return {name.split(".")[0] for name in _imports(nodes)}


def _offenders(found: dict[str, set[str]]) -> dict[str, set[str]]:
    return {name: what for name, what in found.items() if what}


def _at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            todo += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            todo += ast.iter_child_nodes(node)


def test_every_part_of_the_core_has_a_floor() -> None:
    assert {_own_part(path) for path in CORE} == set(FLOORS)


def test_the_floors_have_no_circle() -> None:
    left = dict(FLOORS)
    while ready := [part for part, below in left.items() if not below & set(left)]:
        for part in ready:
            del left[part]
    assert not left


def test_core_imports_only_downwards() -> None:
    above = {_name(path): _parts(path) - FLOORS[part] - {part} for path in CORE if (part := _own_part(path))}
    assert not _offenders(above)


def test_core_knows_no_plugin() -> None:
    assert not _offenders({_name(path): _packages(ast.walk(_tree(path))) & PLUGIN_PACKAGES for path in CORE})


def test_core_imports_nothing_heavy_at_the_top() -> None:
    """It is imported in the function that needs it."""
    assert not _offenders({_name(path): _packages(_at_import(_tree(path))) & HEAVY for path in CORE})


def test_core_has_no_network() -> None:
    """A class on ``nn.Module`` is a network; the core has none, not even inside a function."""
    classes = {
        _name(path): {n for n in ast.walk(_tree(path)) if isinstance(n, ast.ClassDef)} for path in CORE
    }
    bases = {name: {ast.unparse(base) for n in found for base in n.bases} for name, found in classes.items()}
    assert not _offenders(
        {name: {b for b in found if b.split(".")[-1] == "Module"} for name, found in bases.items()}
    )


def test_plugins_import_only_the_public_part_of_the_core() -> None:
    assert not _offenders({_name(path): _parts(path) - PUBLIC for path in PLUGINS})


def test_registering_a_plugin_imports_nothing_heavy() -> None:
    """A spec names its factory as ``"module:Class"``; a command is found when it is called."""
    registering = [path for path in PLUGINS if path.name in ("plugin.py", "__init__.py")]
    assert not _offenders({_name(path): _packages(_at_import(_tree(path))) & HEAVY for path in registering})
