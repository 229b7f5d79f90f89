"""The registry: lazy imports, validated parameters, and one sentence for every mistake."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from gath_bench import Unavailable, UsageError
from gath_bench.contracts import ComponentSpec, MetricSpec, ModelSpec
from gath_bench.plugins import LoadedPlugin, Plugins, load_plugins
from gath_bench.registry import Registry


class Tuned:
    """A component with a parameter of every kind."""

    def __init__(
        self,
        *,
        trunk: Literal["alex", "vgg"] = "alex",
        size: int = 7,
        sigma: float = 2,
        robust: bool = False,
        root: Path | None = None,
    ) -> None:
        self.trunk, self.size, self.sigma, self.robust, self.root = trunk, size, sigma, robust, root


class Demanding:
    def __init__(self, *, root: Path) -> None:
        self.root = root


class Picky:
    def __init__(self, *, size: int = 1) -> None:
        raise UsageError(f"size={size} is odd: give an even one")


def _raise(error: Exception) -> Callable[[], object]:
    def factory() -> object:
        raise error

    return factory


def _unreadable(*, size: NoSuchType = 1) -> object:  # type: ignore[name-defined]  # noqa: F821
    raise AssertionError("never called")


def registry(*specs: ComponentSpec) -> Registry:
    plugins = Plugins(load_plugins(entry_point_group=None).manager)
    plugins.loaded.append(LoadedPlugin("mine", "my-dist", components=specs))
    return Registry.of(plugins)


def tuned(**more: Any) -> Registry:
    return registry(MetricSpec("tuned", Tuned, "with parameters", version=3, **more))


def test_the_key_has_defaults_and_no_paths() -> None:
    made = tuned().make("metric", "tuned[root=somewhere]")
    assert made.instance.root == Path("somewhere")
    assert str(made.key()) == "tuned[robust=false,sigma=2.0,size=7,trunk=alex]@3"
    assert str(made.name) == "tuned[root=somewhere]"
    assert (
        str(made.key("ab" * 32, resize="x"))
        == "tuned[resize=x,robust=false,sigma=2.0,size=7,trunk=alex]@3#abababab"
    )


@pytest.mark.parametrize(
    "same", ["trunk=alex", "size=7", "size=07", "sigma=2", "sigma=2.0", "robust=no", "root=x"]
)
def test_equal_values_give_equal_keys_however_they_are_written(same: str) -> None:
    plain, given = tuned().make("metric", "tuned"), tuned().make("metric", f"tuned[{same}]")
    assert plain.key().difference(given.key()) is None


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ("size=9", "size", 9),
        ("sigma=1.5", "sigma", 1.5),
        ("robust=true", "robust", True),
        ("trunk=vgg", "trunk", "vgg"),
    ],
)
def test_parameters_reach_component_and_key(given: str, name: str, value: object) -> None:
    made = tuned().make("metric", f"tuned[{given}]")
    assert getattr(made.instance, name) == value
    assert type(getattr(made.instance, name)) is type(value)
    difference = tuned().make("metric", "tuned").key().difference(made.key())
    assert difference is not None
    assert difference.startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tunde", "did you mean tuned"),
        ("zzz", "known: tuned"),
        ("tuned[trunc=alex]", "no parameter 'trunc': did you mean trunk"),
        ("tuned[self=1]", "no parameter 'self'"),
        ("tuned[size=big]", r"tuned\[size=big\] is not valid"),
        ("tuned[size=1.5]", r"tuned\[size=1.5\] is not valid"),
        ("tuned[trunk=resnet]", "'alex' or 'vgg'"),
        ("tuned[robust=maybe]", "not valid"),
        ("tuned[size", "not a component name"),
    ],
)
def test_a_mistake_in_a_name_is_a_sentence(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        tuned().make("metric", name)


def test_unknown_name_says_which_command_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="gath-bench list models"):
        tuned().make("model", "tuned")


def test_missing_required_parameter_says_what_to_write() -> None:
    with pytest.raises(UsageError, match=r"needs the parameter 'root': write 'demanding\[root=\.\.\.\]'"):
        registry(ModelSpec("demanding", Demanding, "")).make("model", "demanding")


def test_a_usage_error_of_the_component_keeps_its_message() -> None:
    with pytest.raises(UsageError, match=r"picky\[size=3\]: size=3 is odd: give an even one"):
        registry(ModelSpec("picky", Picky, "")).make("model", "picky[size=3]")


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        (_raise(ZeroDivisionError("by nought")), "by nought"),
        (_unreadable, "NoSuchType"),
        (_raise(Unavailable("no weights here: run `fetch`")), "no weights here"),
        (lambda portraits: portraits, "portraits"),
        (7, "bad"),
        ("no_such_module:Thing", "no_such_module"),
        ("pathlib:NoSuchThing", "NoSuchThing"),
        ("pathlib", "bad"),
        ("", "bad"),
    ],
)
def test_a_component_that_cannot_be_made_is_a_sentence_that_names_it(factory: Any, words: str) -> None:
    with pytest.raises(UsageError, match="bad") as refused:
        registry(ModelSpec("bad", factory, "")).make("model", "bad")
    assert words in str(refused.value)


def test_code_that_breaks_when_it_is_imported_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "breaks_late.py").write_text("raise RuntimeError('half installed')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UsageError, match="half installed"):
        registry(ModelSpec("bad", "breaks_late:Thing", "")).make("model", "bad")


def test_code_is_imported_when_a_component_is_made_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loaded_late.py").write_text("class Thing:\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    known = registry(ModelSpec("late", "loaded_late:Thing", ""))
    assert known.find("model", "late").spec.name == "late"
    assert "loaded_late" not in sys.modules
    assert type(known.make("model", "late").instance).__name__ == "Thing"
    monkeypatch.delitem(sys.modules, "loaded_late")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (MetricSpec("m", "x:Y", "", requires=("nowhere_to_be_found",)), "pip install nowhere_to_be_found"),
        (MetricSpec("m", "x:Y", "", requires=("nowhere.to.be.found",)), "pip install nowhere"),
        (
            MetricSpec("m", "x:Y", "", requires=("json", "nowhere"), extra="onnx"),
            "pip install 'gath-bench[onnx]'",
        ),
    ],
)
def test_a_missing_package_comes_with_the_command_that_installs_it(spec: MetricSpec, words: str) -> None:
    known = registry(spec)
    lacking = known.missing(spec)
    assert lacking is not None
    assert words in lacking
    with pytest.raises(UsageError) as refused:
        known.make("metric", "m")
    assert words in str(refused.value)


def test_nothing_is_missing_when_the_packages_are_there() -> None:
    assert registry().missing(MetricSpec("m", "x:Y", "", requires=("json", "os.path"))) is None


def test_a_name_that_two_plugins_register_is_not_usable() -> None:
    plugins = Plugins(load_plugins(entry_point_group=None).manager)
    for name in ("one", "two", "three"):
        plugins.loaded.append(LoadedPlugin(name, f"{name}-dist", components=(MetricSpec("m", Tuned, ""),)))
    known = Registry.of(plugins)
    with pytest.raises(UsageError) as refused:
        known.make("metric", "m")
    assert all(f"{name}-dist" in str(refused.value) for name in ("one", "two", "three"))
    assert "3 times" in str(refused.value)


def test_different_kinds_may_have_equal_names() -> None:
    known = registry(ModelSpec("twin", Tuned, ""), MetricSpec("twin", Demanding, ""))
    assert isinstance(known.make("model", "twin").instance, Tuned)
