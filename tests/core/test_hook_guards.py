"""Life-cycle hooks keep pluggy's contract (order, specname, wrappers), and each listener fails on its own.

Where a case has no failing listener, plain pluggy with the unguarded plugins is the reference.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pluggy
import pytest

from gath_bench import UsageError, hookimpl, hookspecs
from gath_bench.contracts import MetricSpec, RunInfo
from gath_bench.hookspecs import GROUP
from gath_bench.plugins import Plugins, PluginWarning, load_plugins

RUN = RunInfo(Path("somewhere"), 2)
STARTED = "gath_bench_run_started"
Log = list[str]


class Broken(Exception):
    """What the failing listeners of these tests raise."""


def fail() -> None:
    raise Broken("as intended")


def listener(log: Log, name: str, *, act: Callable[[], object] = lambda: None, **options: Any) -> object:
    """A plugin with one listener of ``gath_bench_run_started``."""

    @hookimpl(specname=STARTED, **options)
    def listen(run: RunInfo) -> None:
        assert run is RUN
        log.append(name)
        act()

    return SimpleNamespace(listen=listen)


def wrapper(
    log: Log,
    name: str,
    *,
    before: Callable[[], object] = lambda: None,
    after: Callable[[Any], object] = lambda outcome: None,
    **options: Any,
) -> object:
    """A plugin that wraps ``gath_bench_run_started``; new style unless ``hookwrapper=True``."""

    @hookimpl(specname=STARTED, **(options if options.get("hookwrapper") else {"wrapper": True, **options}))
    def wrap(run: RunInfo) -> Iterator[Any]:
        log.append(f"{name} before")
        before()
        outcome = yield
        log.append(f"{name} after")
        after(outcome)
        return outcome

    return SimpleNamespace(wrap=wrap)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Plugins]:
    """Loads objects as if they were entry points of distributions of their own, in the given order."""

    def load(*plugins: object) -> Plugins:
        points = [
            SimpleNamespace(
                name=f"{number:02d}",
                dist=SimpleNamespace(name=f"dist-{number:02d}", version="1"),
                load=lambda plugin=plugin: plugin,
            )
            for number, plugin in enumerate(plugins)
        ]
        monkeypatch.setattr("gath_bench.plugins.entry_points", lambda group: points)
        return load_plugins()

    return load


def by_pluggy_alone(*plugins: object) -> None:
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    for plugin in plugins:
        manager.register(plugin)
    getattr(manager.hook, STARTED)(run=RUN)


CALLS: dict[str, Callable[[Log], list[object]]] = {
    "plain": lambda log: [listener(log, "a"), listener(log, "b"), listener(log, "c")],
    "tryfirst": lambda log: [listener(log, "a", tryfirst=True), listener(log, "b"), listener(log, "c")],
    "trylast": lambda log: [listener(log, "a"), listener(log, "b"), listener(log, "c", trylast=True)],
    "wrapper": lambda log: [listener(log, "a"), wrapper(log, "w"), listener(log, "b")],
    "hookwrapper": lambda log: [listener(log, "a"), wrapper(log, "w", hookwrapper=True), listener(log, "b")],
    "two wrappers": lambda log: [
        wrapper(log, "v"),
        wrapper(log, "w", hookwrapper=True),
        wrapper(log, "u", tryfirst=True),
        listener(log, "a"),
    ],
}


@pytest.mark.parametrize("case", CALLS)
def test_call_order_is_that_of_pluggy(case: str, load: Callable[..., Plugins]) -> None:
    expected: Log = []
    by_pluggy_alone(*CALLS[case](expected))
    log: Log = []
    plugins = load(*CALLS[case](log))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plugins.notify(STARTED, run=RUN)
    assert log == expected
    assert len(log) >= 3


def test_tryfirst_and_trylast_change_the_order(load: Callable[..., Plugins]) -> None:
    """The comparison with pluggy would also hold if both ignored the options."""
    log: Log = []
    load(
        listener(log, "last", trylast=True),
        listener(log, "early"),
        listener(log, "first", tryfirst=True),
        listener(log, "late"),
    ).notify(STARTED, run=RUN)
    assert (log[0], log[-1]) == ("first", "last")


@pytest.mark.parametrize("style", ["wrapper", "hookwrapper"])
def test_a_wrapper_gets_the_results_of_the_listeners(style: str, load: Callable[..., Plugins]) -> None:
    log: Log = []
    seen: list[Any] = []

    @hookimpl(specname=STARTED)
    def answer() -> str:
        return "result"

    plugins = load(SimpleNamespace(answer=answer), wrapper(log, "w", after=seen.append, **{style: True}))
    plugins.notify(STARTED, run=RUN)
    [outcome] = seen
    assert (outcome.get_result() if style == "hookwrapper" else outcome) == ["result"]


def test_an_outer_wrapper_gets_what_an_inner_one_returns(load: Callable[..., Plugins]) -> None:
    seen: list[Any] = []

    @hookimpl(specname=STARTED, wrapper=True)
    def inner() -> Iterator[Any]:
        yield
        return ["replaced"]

    plugins = load(wrapper([], "outer", after=seen.append, tryfirst=True), SimpleNamespace(inner=inner))
    plugins.notify(STARTED, run=RUN)
    assert seen == [["replaced"]]


@pytest.mark.parametrize("error", [Broken("as intended"), SystemExit(3)], ids=["exception", "exit"])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_failing_listener_is_one_warning_and_the_others_run(
    position: int, error: BaseException, load: Callable[..., Plugins]
) -> None:
    log: Log = []

    def act() -> None:
        raise error

    others = [listener(log, "a"), wrapper(log, "w")]
    others.insert(position, listener(log, "failing", act=act))
    plugins = load(*others)
    with pytest.warns(PluginWarning, match=f"dist-0{position}.*{STARTED}.*{type(error).__name__}") as caught:
        plugins.notify(STARTED, run=RUN)
    assert len(caught) == 1
    assert sorted(log) == ["a", "failing", "w after", "w before"]


@pytest.mark.parametrize("style", ["wrapper", "hookwrapper"])
@pytest.mark.parametrize("where", ["before", "after"])
def test_a_failing_wrapper_is_one_warning_and_the_others_run(
    where: str, style: str, load: Callable[..., Plugins]
) -> None:
    log: Log = []
    acts: dict[str, Any] = {"before": fail} if where == "before" else {"after": lambda outcome: fail()}
    plugins = load(
        listener(log, "a"), wrapper(log, "broken", **acts, **{style: True}), wrapper(log, "w", tryfirst=True)
    )
    with pytest.warns(PluginWarning, match=rf"dist-01.*{STARTED}.*as intended") as caught:
        plugins.notify(STARTED, run=RUN)
    assert len(caught) == 1
    assert [entry for entry in log if not entry.startswith("broken")] == ["w before", "a", "w after"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("if False:\n            yield", "ended before its yield"),
        ("yield\n        yield", "second yield"),
    ],
)
@pytest.mark.parametrize("style", ["wrapper", "hookwrapper"])
def test_a_wrapper_with_another_number_of_yields_is_a_warning(
    source: str, words: str, style: str, load: Callable[..., Plugins]
) -> None:
    log: Log = []
    space: dict[str, Any] = {"hookimpl": hookimpl}
    exec(
        f"class Plugin:\n    @hookimpl({style}=True)\n    def {STARTED}(self, run):\n        {source}\n",
        space,
    )
    plugins = load(listener(log, "a"), space["Plugin"](), listener(log, "b"))
    with pytest.warns(PluginWarning, match=words):
        plugins.notify(STARTED, run=RUN)
    assert sorted(log) == ["a", "b"]


def test_an_exception_that_an_old_style_wrapper_sets_is_a_warning(load: Callable[..., Plugins]) -> None:
    log: Log = []
    broken = wrapper(log, "w", hookwrapper=True, after=lambda outcome: outcome.force_exception(Broken("set")))
    plugins = load(listener(log, "a"), broken, wrapper(log, "outer", tryfirst=True))
    with pytest.warns(PluginWarning, match="dist-01.*set"):
        plugins.notify(STARTED, run=RUN)
    assert log[-1] == "outer after"


@pytest.mark.filterwarnings("ignore::pluggy.PluggyTeardownRaisedWarning")
@pytest.mark.parametrize("style", ["wrapper", "hookwrapper"])
def test_an_interrupt_ends_the_call_and_wrappers_may_clean_up(
    style: str, load: Callable[..., Plugins]
) -> None:
    log: Log = []

    def interrupt() -> None:
        raise KeyboardInterrupt

    @hookimpl(specname=STARTED, **{style: True})
    def tidy() -> Iterator[Any]:
        try:
            outcome = yield
            if style == "hookwrapper":
                outcome.get_result()
        finally:
            log.append("cleaned up")

    plugins = load(listener(log, "a", act=interrupt), SimpleNamespace(tidy=tidy))
    with pytest.raises(KeyboardInterrupt):
        plugins.notify(STARTED, run=RUN)
    assert log == ["a", "cleaned up"]


def refused(plugin: object, monkeypatch: pytest.MonkeyPatch) -> str:
    """The sentence that ``--plugin`` ends with for a module of these functions."""
    monkeypatch.setattr("gath_bench.plugins.importlib.import_module", lambda name: plugin)
    with pytest.raises(UsageError) as caught:
        load_plugins(["mine"], entry_point_group=None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def metrics() -> list[MetricSpec]:
    return [MetricSpec("sound", "x:Y", "a metric")]


def generator() -> Iterator[None]:
    yield


async def coroutine() -> None:
    pass


def plain() -> None:
    pass


REFUSED: dict[str, tuple[Callable[..., object], dict[str, Any], str]] = {
    "two places": (plain, {"tryfirst": True, "trylast": True}, "tryfirst=True and trylast=True"),
    "two styles": (generator, {"wrapper": True, "hookwrapper": True}, "wrapper=True and hookwrapper=True"),
    "no yield": (plain, {"wrapper": True}, "no yield"),
    "no yield, old style": (plain, {"hookwrapper": True}, "no yield"),
    "yield without an option": (generator, {}, r"use @hookimpl(wrapper=True)"),
    "coroutine": (coroutine, {}, "async"),
    "unknown specname": (plain, {"specname": "gath_bench_run_start"}, "did you mean gath_bench_run_started"),
    "ordered registration": (metrics, {"specname": "gath_bench_metrics", "tryfirst": True}, "tryfirst=True"),
    "wrapped registration": (metrics, {"specname": "gath_bench_metrics", "wrapper": True}, "wrapper=True"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_supported_is_refused_at_load_time(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, options, words = REFUSED[case]

    def copy() -> object:  # the marker is put on the function itself
        return type(function)(function.__code__, function.__globals__)

    marked = hookimpl(**{"specname": STARTED, **options})(copy())
    assert words in refused(SimpleNamespace(mine=marked), monkeypatch)


def test_a_registration_hook_honours_specname(load: Callable[..., Plugins]) -> None:
    registering = SimpleNamespace(my_metrics=hookimpl(specname="gath_bench_metrics")(lambda: metrics()))
    [plugin] = load(registering).loaded
    assert plugin.error is None
    assert [spec.name for spec in plugin.components] == ["sound"]


def test_an_optional_hook_may_be_unknown(load: Callable[..., Plugins]) -> None:
    """It is pluggy's way to support several versions of the host."""
    log: Log = []
    later = hookimpl(specname="gath_bench_of_a_later_version", optionalhook=True)(lambda: None)
    plugin = SimpleNamespace(later=later, **vars(listener(log, "a")))
    plugins = load(plugin)
    assert plugins.loaded[0].error is None
    plugins.notify(STARTED, run=RUN)
    assert log == ["a"]
