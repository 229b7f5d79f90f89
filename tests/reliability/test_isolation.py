"""``run --isolate``: components that end or block their process fail alone; every other value is the same bit by bit.

The ordinary suite has one component; all of them need many processes::

    python -m pytest -m slow tests/reliability/test_isolation.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from toy import hostile
from toy.running import environment, toy_suite, values, write_suite

import gath_bench as gb
from gath_bench.engine.reuse import ENTRY
from gath_bench.files import exclusive
from gath_bench.plugins import PluginSources
from gath_bench.results import Run, load

SOURCES = PluginSources(("toy.toy_plugin", "toy.hostile"), None)
#: Seconds for one call: a hanging component takes as long, and others must not.
CALL_SECONDS = 10.0


def command(*words: object) -> list[str]:
    plugins = ("--no-plugins", "--plugin", "toy.toy_plugin", "--plugin", "toy.hostile")
    return [sys.executable, "-m", "gath_bench", *plugins, "run", *map(str, words), "--device", "cpu"]


def gath_bench(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), capture_output=True, text=True, env=environment(), timeout=550)


def measured(folder: Path, isolate: bool, reuse: bool = False, **components: Any) -> Run:
    """A run of four toy samples."""
    suite = toy_suite(references=None, **{"models": ("toy-noise",), "limit": 4, **components})
    options = {"isolate": True, "call_timeout": CALL_SECONDS} if isolate else {}
    gb.evaluate(
        suite=suite, device="cpu", output=folder, images=False, reuse=reuse, plugins=SOURCES, **options
    )
    return load(folder)


def by_names(run: Run) -> dict[tuple[str, ...], Any]:
    """(model, data set, sample, metric, observation, AU) -> value, without the number of the cell."""
    cells = {cell.cell_id: (cell.model, cell.dataset) for cell in run.manifest.cells}
    return {(*cells[key[0]], *key[1:]): value for key, value in values(run).items()}


def others(run: Run) -> dict[tuple[str, ...], Any]:
    """The values of components that do not end their process."""
    return {key: value for key, value in by_names(run).items() if not any("ending" in part for part in key)}


def test_a_component_that_ends_its_process_fails_alone(tmp_path: Path) -> None:
    suite = write_suite(
        tmp_path / "suite.toml",
        models=("hostile-ending[how=segfault]", "toy-noise"),
        metrics=("toy-l1", "toy-au", "toy-system", "toy-corpus"),
        datasets='[[datasets]]\nname = "toy"\nlimit = 6\n',
    )
    done = gath_bench(suite, "--isolate", "--json", "--output", tmp_path / "run")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    rows = json.loads(done.stdout)["rows"]
    failed = [row for row in rows if row["status"] == "failed"]
    assert {row["model"] for row in failed} == {"hostile-ending[how=segfault]"}
    assert all("SIGSEGV" in row["reason"] for row in failed)
    plain = toy_suite(("toy-noise",), ("toy-l1", "toy-au", "toy-system", "toy-corpus"), limit=6)
    gb.evaluate(suite=plain, device="cpu", output=tmp_path / "plain", plugins=SOURCES)
    assert load(tmp_path / "run").manifest.status == "finished"
    expected = others(load(tmp_path / "plain"))
    assert expected
    assert others(load(tmp_path / "run")) == expected


@pytest.mark.slow
def test_every_model_that_ends_or_blocks_its_process_fails_alone(tmp_path: Path) -> None:
    models = {f"hostile-ending[how={how}]": reason for how, (_, reason) in hostile.PROCESS_ENDINGS.items()}
    models |= {"hostile-ending[at=to,how=segfault]": "SIGSEGV", "hostile-ending[at=to,how=hang]": "did not"}
    run = measured(tmp_path / "run", isolate=True, models=(*models, "toy-noise"))
    assert others(run) == others(measured(tmp_path / "plain", isolate=False))
    for model, reason in models.items():
        found = {value for key, value in by_names(run).items() if key[0] == model}
        assert found, model
        assert all(value[0] == "failed" and reason in value[1] for value in found), (model, found)


#: Metric -> a part of the reason.
METRICS = {
    "hostile-ending-metric[how=segfault]": "SIGSEGV",
    "hostile-ending-metric[how=hang]": "did not return within 10 s",
    "hostile-ending-corpus[how=kill]": "SIGKILL",
    "hostile-ending-corpus[how=os-exit,at=update]": "exit code 0",
    'toy-au[estimator="hostile-ending-estimator[how=segfault]"]': "SIGSEGV",
    'toy-au[estimator="hostile-ending-estimator[how=os-exit,at=to]"]': "exit code 0",
}


@pytest.mark.slow
def test_every_metric_that_ends_or_blocks_its_process_fails_alone(tmp_path: Path) -> None:
    good = ("toy-l1", "toy-au", "toy-corpus")
    run = measured(
        tmp_path / "run", isolate=True, metrics=(*METRICS, "hostile-ending-system[how=abort]", *good)
    )
    assert others(run) == others(measured(tmp_path / "plain", isolate=False, metrics=good))
    for metric, reason in METRICS.items():
        found = {value for key, value in by_names(run).items() if key[3] == metric}
        assert any(value[0] == "failed" and reason in value[1] for value in found if isinstance(value, tuple))
    system = [row for row in run.observations.to_pylist() if "system" in row["metric"]]
    assert {row["status"] for row in system} == {"failed"}
    assert all("SIGABRT" in row["reason"] for row in system)


#: How a data set ends -> a part of the reason.
DATASETS = {"segfault": "SIGSEGV", "hang": "did not return within 10 s", "os-exit": "exit code 0"}


@pytest.mark.slow
def test_every_data_set_that_ends_or_blocks_its_process_fails_alone(tmp_path: Path) -> None:
    bad = tuple({"name": f"hostile-ending-data[how={how}]", "limit": 4} for how in DATASETS)
    run = measured(tmp_path / "run", isolate=True, datasets=(*bad, {"name": "toy", "limit": 4}))
    assert others(run) == others(measured(tmp_path / "plain", isolate=False))
    for how, reason in DATASETS.items():
        found = {value for key, value in by_names(run).items() if how in key[1]}
        assert all(value[0] == "failed" and reason in value[1] for value in found)


#: Option, component -> a part of the sentence that refuses it.
REFUSED = {
    "hostile-ending[how=segfault,at=init]": ("-m", "SIGSEGV"),
    "hostile-ending[how=hang,at=init]": ("-m", "did not return within 10 s"),
    "hostile-ending[how=os-exit,at=info]": ("-m", "exit code 0"),
    "hostile-ending-data[how=os-exit,at=samples]": ("-d", "exit code 0"),
    "hostile-ending-data[how=abort,at=fingerprint]": ("-d", "SIGABRT"),
    "hostile-ending-metric[how=kill,at=init]": ("-M", "SIGKILL"),
}


@pytest.mark.slow
@pytest.mark.parametrize("component", REFUSED)
def test_a_component_that_ends_its_process_outside_of_cells_is_refused(
    tmp_path: Path, component: str
) -> None:
    option, reason = REFUSED[component]
    given = {"-m": "toy-noise", "-d": "toy", "-M": "toy-l1"} | {option: component}
    words = [word for pair in given.items() for word in pair]
    done = gath_bench(
        *words, "--isolate", "--call-timeout", CALL_SECONDS, "--limit", 2, "--output", tmp_path / "run"
    )
    assert done.returncode == 2, done.stderr
    assert reason in done.stderr.splitlines()[-1]
    assert component.partition("[")[0] in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_isolated_runs_share_a_store_without_the_failed_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    models = ("hostile-ending[how=segfault]", "toy-noise", "toy-edit")
    metrics = ("toy-l1", "toy-au", "toy-corpus")
    expected = others(measured(tmp_path / "plain", isolate=False, models=models[1:], metrics=metrics))
    for name, isolate, chosen in (("one", True, models), ("two", True, models), ("three", False, models[1:])):
        run = measured(tmp_path / name, isolate, reuse=True, models=chosen, metrics=metrics)
        assert others(run) == expected
        reused = () if name == "one" else ("toy-au", "toy-l1")
        found = {cell.model: (cell.status, tuple(cell.reused)) for cell in run.manifest.cells}
        assert {found[model] for model in models[1:]} == {("ok", reused)}
        if isolate:
            assert found[models[0]] == ("failed", ())
        # Two metrics in each cell of a good model: nothing of the failed cell.
        assert len(list((tmp_path / "cache").rglob(f"*{ENTRY}"))) == 2 * 2


@pytest.mark.slow
def test_a_failed_cell_is_measured_again_on_resume(tmp_path: Path) -> None:
    folder, flag = tmp_path / "run", tmp_path / "flag"
    suite = write_suite(
        tmp_path / "suite.toml", models=(f'hostile-ending[how=os-exit,unless="{flag}"]',),
        datasets='[[datasets]]\nname = "toy"\nlimit = 4\n',
    )  # fmt: skip
    assert gath_bench(suite, "--isolate", "--output", folder).returncode == 1
    flag.touch()
    assert gath_bench("--isolate", "--resume", folder).returncode == 0
    run = load(folder)
    assert {cell.status for cell in run.manifest.cells} == {"ok"}
    assert not any(isinstance(value, tuple) for value in values(run).values())


@pytest.mark.slow
def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    suite = write_suite(
        tmp_path / "suite.toml", models=("hostile-ending[how=hang]",),
        datasets='[[datasets]]\nname = "toy"\nlimit = 4\n',
    )  # fmt: skip
    parent = subprocess.Popen(
        command(suite, "--isolate", "--output", folder), env=environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while len(list(folder.glob("samples/*.parquet"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    parent.kill()
    parent.wait()
    while True:  # the child holds the lock of the folder as long as it lives
        try:
            with exclusive(folder):
                break
        except BlockingIOError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    kept = values(load(folder))
    assert kept
    resumed = gath_bench("--isolate", "--call-timeout", CALL_SECONDS, "--resume", folder)
    assert resumed.returncode == 1, resumed.stderr
    assert kept.items() <= values(load(folder)).items()
