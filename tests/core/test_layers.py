"""The layers of the code: every module imports only from lower layers, and plugins use only the public API.

Read from the source, so that an import inside a function or under ``TYPE_CHECKING`` counts as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from core.helpers import ROOT

#: What each part of the core may import of the core, besides itself; from the lowest layer to the highest, as in
#: docs/architecture.md. A part is the first name below ``gath_bench``; ``gath_bench`` is its ``__init__``.
SHARED = {"errors", "version", "files", "git", "distributed", "statistics", "augmentations"}
VOCABULARY = SHARED | {"component_calls", "capture"} | {"contracts", "au"}
HOOKS = VOCABULARY | {"hookspecs", "weights"}
COMPONENTS = HOOKS | {"plugins", "registry"}
MEDIA = {"images", "faces", "provenance", "video", "labels"}
STORED = COMPONENTS | MEDIA | {"evaluators", "results"}
PLANNED = STORED | {"suite"}
MEASURED = PLANNED | {"render_list", "engine", "perf"}
RESULTS_ALONE = VOCABULARY | {"results"}
MAY_IMPORT: dict[str, set[str]] = {
    **{part: set[str]() for part in SHARED},
    "component_calls": {"errors"},
    "capture": {"component_calls", "errors"},
    "contracts": {"errors"},
    "au": {"errors", "files"},
    "hookspecs": VOCABULARY,
    "download": {"errors", "files"},
    "weights": VOCABULARY | {"download"},
    "hook_guards": {"component_calls", "errors"},
    "plugins": HOOKS | {"hook_guards"},
    "registry": HOOKS | {"plugins"},
    "evaluators": COMPONENTS | {"faces"},
    "images": VOCABULARY,
    "faces": {"contracts", "errors", "images"},
    "perf": {"contracts", "errors"},
    "results": VOCABULARY,
    "provenance": VOCABULARY,
    "video": VOCABULARY | {"provenance"},
    "labels": VOCABULARY,
    "suite": STORED | {"analysis"},
    "render_list": PLANNED | {"engine"},
    "engine": PLANNED | {"perf"},
    "analysis": RESULTS_ALONE,
    "report": RESULTS_ALONE | {"analysis"},
    "evaluation": MEASURED | {"analysis", "report"},
    "animation": STORED | {"engine"},
    "testing": MEASURED | {"analysis", "evaluation"},
    "gath_bench": HOOKS | {"animation", "evaluation"},  # it imports the Python API on first use
    "demo": STORED | {"analysis", "animation"},
    "cli": MEASURED | {"analysis", "report", "evaluation", "animation", "demo", "testing"},
    "__main__": {"cli"},
}

#: The public API: what a plugin may import.
PUBLIC = {
    "gath_bench",
    "contracts",
    "au",
    "errors",
    "images",
    "hookspecs",
    "perf",
    "files",
    "git",
    "distributed",
    "statistics",
    "augmentations",
    "faces",
    "provenance",
    "video",
    "labels",
    "weights",
}

CORE = sorted((ROOT / "gath_bench").rglob("*.py"))
PLUGINS = sorted(path for root in ("plugins", "reference_impl") for path in (ROOT / root).rglob("*.py"))
PLUGIN_PACKAGES = {
    path.name for root in ("plugins", "reference_impl") for path in (ROOT / root).glob("*") if path.is_dir()
}
#: Packages that take longer to import than `gath-bench list` may take.
HEAVY = {
    "torch",
    "torchvision",
    "lpips",
    "pandas",
    "pyarrow",
    "skimage",
    "scipy",
    "mediapipe",
    "onnxruntime",
    "gradio",
}


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
    known = {_own_part(core) for core in CORE}
    return {
        words[1] if len(words) > 1 and words[1] in known else "gath_bench"
        for words in names
        if words[0] == "gath_bench"
    }


def _own_part(path: Path) -> str:
    words = path.relative_to(ROOT).with_suffix("").parts
    return "gath_bench" if words[1] == "__init__" else words[1]


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


def test_every_part_of_the_core_has_a_layer() -> None:
    assert {_own_part(path) for path in CORE} == set(MAY_IMPORT)


def test_the_layers_have_no_cycle() -> None:
    left = dict(MAY_IMPORT)
    while ready := [part for part, below in left.items() if not below & set(left)]:
        for part in ready:
            del left[part]
    assert not left


def test_core_imports_only_from_lower_layers() -> None:
    above = {
        _name(path): _parts(path) - MAY_IMPORT[part] - {part} for path in CORE if (part := _own_part(path))
    }
    assert not _offenders(above)


def test_the_documented_layers_are_these() -> None:
    """The table in docs/architecture.md names every part, lower layers first."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("| modules in `gath_bench/` |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    layers = [
        {name.strip("` ").removesuffix("/").removesuffix(".py") for name in row.split(",")} for row in rows
    ]
    layer_of = {part: number for number, parts in enumerate(layers) for part in parts}
    assert set(layer_of) == set(MAY_IMPORT) - {"gath_bench", "__main__", "version"}
    upwards = {
        part: {below for below in allowed & set(layer_of) if layer_of[below] > layer_of[part]}
        for part, allowed in MAY_IMPORT.items()
        if part in layer_of
    }
    assert not _offenders(upwards)


def test_core_knows_no_plugin() -> None:
    assert not _offenders({_name(path): _packages(ast.walk(_tree(path))) & PLUGIN_PACKAGES for path in CORE})


def test_core_imports_nothing_heavy_at_the_top() -> None:
    """Heavy packages are imported in the functions that need them."""
    assert not _offenders({_name(path): _packages(_at_import(_tree(path))) & HEAVY for path in CORE})


def test_core_has_no_network() -> None:
    """A subclass of ``nn.Module`` is a network; the core defines none, not even inside a function."""
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
    """A spec names its factory as ``"module:Class"``; a command is imported when it is called."""
    registering = [path for path in PLUGINS if path.name in ("plugin.py", "__init__.py")]
    assert not _offenders({_name(path): _packages(_at_import(_tree(path))) & HEAVY for path in registering})
