"""``gath_bench.evaluate``: components by name or as instances, run folders, and what it refuses."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest
from toy.running import measure, table, toy_suite, toys, write_suite
from toy.toy_plugin import HOOK_CALLS, L1, Copy, Edit, Failing, ToyDataset

import gath_bench
from gath_bench.engine.cell import StrictFailure
from gath_bench.errors import UsageError
from gath_bench.evaluation.components import component_name, list_components, load
from gath_bench.evaluation.results import Results
from gath_bench.evaluation.run import evaluate, resolve_suite
from gath_bench.plugins import Plugins
from gath_bench.registry import Registry
from gath_bench.suite import Suite, quick_suite


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return toys()


@pytest.fixture
def toy_evaluate(plugins: Plugins) -> Any:
    """``evaluate`` on the toy suite, on the CPU."""

    def call(**choices: Any) -> Results:
        return evaluate(**{"suite": toy_suite(), "device": "cpu", "plugins": plugins, **choices})

    return call


def test_an_instance_has_the_values_of_the_named_component(toy_evaluate: Any, tmp_path: Path) -> None:
    _, named = measure(toy_suite(("toy-edit",), ("toy-l1", "toy-au")), tmp_path)
    results = toy_evaluate(models=[Edit()], datasets=[ToyDataset()], metrics=[L1(), "toy-au"], limit=12)
    (run,) = results.runs
    assert {cell.model for cell in run.manifest.cells} == {"toy-exact", "toy-copy", "edit"}
    for name in ("toy-l1", "toy-au.mae"):
        assert table(run, "edit", name).value == table(named, "toy-edit", name).value
        assert table(run, "edit", name).n == table(named, "toy-edit", name).n == 12


def test_without_output_nothing_is_left_and_no_listener_is_called(
    toy_evaluate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results = toy_evaluate(models=["toy-edit"])
    folder = results.path
    assert (folder / "manifest.json").exists()
    assert "toy-edit" in repr(results)
    del results
    gc.collect()
    assert not folder.exists()
    assert not folder.parent.exists()
    assert list(tmp_path.iterdir()) == []
    assert HOOK_CALLS == []


def test_a_failed_evaluation_leaves_no_temporary_folder(
    toy_evaluate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(StrictFailure, match="out of luck"):
        toy_evaluate(models=[Failing()], strict=True)
    with pytest.raises(UsageError, match="is not a device"):
        toy_evaluate(device="gpu")
    assert list(tmp_path.iterdir()) == []


def test_output_is_a_run_folder(toy_evaluate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept = toy_evaluate(models=["toy-edit"], output=tmp_path / "run")
    assert kept.path == tmp_path / "run"
    assert HOOK_CALLS[0] == "started"
    assert HOOK_CALLS[-1] == "finished"
    automatic = toy_evaluate(models=["toy-edit"], output="auto")
    assert automatic.path.parent == Path("results/runs")
    assert automatic.runs[0].observations.equals(kept.runs[0].observations)
    assert (kept.finished, kept.failed) == (True, False)
    assert toy_evaluate(models=["toy-failing"]).failed


def test_a_run_of_instances_cannot_be_verified(toy_evaluate: Any, tmp_path: Path) -> None:
    results = toy_evaluate(models=[Edit()], metrics=[L1()], output=tmp_path / "run")
    assert results.manifests[0].instances == ["edit", "l1"]
    for opened in (results, gath_bench.load_run(tmp_path / "run")):
        with pytest.raises(UsageError, match=r"cannot be verified: .*edit, l1"):
            opened.verify()


def test_a_run_of_instances_is_resumed_with_the_instances(toy_evaluate: Any, tmp_path: Path) -> None:
    suite = toy_suite(())
    first = toy_evaluate(models=[Edit()], suite=suite, output=tmp_path / "run", timeout=0)
    assert not first.finished
    with pytest.raises(UsageError, match=r"Python instances \(edit\): pass them"):
        toy_evaluate(resume=tmp_path / "run", suite=None)
    resumed = toy_evaluate(models=[Edit()], resume=tmp_path / "run", suite=None)
    assert resumed.finished
    assert resumed.runs[0].observations.equals(toy_evaluate(models=[Edit()]).runs[0].observations)


def test_an_instance_that_was_loaded_by_name_keeps_its_name(
    toy_evaluate: Any, plugins: Plugins, tmp_path: Path
) -> None:
    registry = Registry.of(plugins)
    model = load("model", "toy-noise[delay=0.01]", registry)
    metric = load("metric", "toy-l1[label=x]", registry)
    results = toy_evaluate(models=[model], metrics=[metric], output=tmp_path / "run")
    (manifest,) = results.manifests
    assert manifest.instances == []
    assert [cell.model for cell in manifest.cells][-1] == "toy-noise[delay=0.01]"
    assert manifest.metrics[0].key == "toy-l1[label=x]@1"
    assert results.verify(limit=4).reproduced


def test_instances_of_one_class_have_names_of_their_own(toy_evaluate: Any) -> None:
    named = Edit()
    named.name = "toy-edit"  # type: ignore[attr-defined]
    results = toy_evaluate(models=["toy-edit", Edit(), Edit(), named, Copy()])
    assert [cell.model for cell in results.manifests[0].cells][2:] == [
        "toy-edit",
        "edit",
        "edit-2",
        "toy-edit-instance",
        "copy",
    ]


@pytest.mark.parametrize(
    ("class_name", "expected"),
    [
        ("MyModel", "my-model"),
        ("VGG16Trunk", "vgg16-trunk"),
        ("_Private", "private"),
        ("Édit2", "dit2"),
        ("Ω", "unnamed"),
    ],
)
def test_a_class_name_becomes_a_component_name(class_name: str, expected: str) -> None:
    assert component_name(class_name) == expected


def test_a_suite_is_given_by_name_path_or_object(tmp_path: Path) -> None:
    path = write_suite(tmp_path / "mine.toml")
    assert resolve_suite(None) == resolve_suite("quick") == quick_suite()
    assert resolve_suite(str(path)) == resolve_suite(path)
    assert resolve_suite(path).name == "mine"
    suite = toy_suite()
    assert resolve_suite(suite) is suite
    with pytest.raises(UsageError, match="there is no suite file"):
        resolve_suite("qiuck")


def test_settings_replace_those_of_the_suite(toy_evaluate: Any) -> None:
    results = toy_evaluate(
        models=["toy-edit"], protocols=["sweep"], split="val", limit=3, seed=5, references=False
    )
    (manifest,) = results.manifests
    (cell,) = manifest.cells
    assert (cell.model, cell.protocol, cell.split, cell.samples) == ("toy-edit", "sweep", "val", 3)
    assert (manifest.seed, manifest.references) == (5, {})


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"models": ["toy-edti"]}, "did you mean toy-edit"),
        ({"models": "toy-edti"}, "there is no model 'toy-edti'"),
        ({"metrics": []}, "'metrics'"),
        ({"datasets": []}, "'datasets'"),
        ({"limit": 0}, "limit"),
        ({"seed": -1}, "seed"),
        ({"protocols": ["swep"]}, "did you mean sweep"),
        ({"split": "tset"}, "did you mean test"),
        ({"models": [object()]}, "object cannot be used: AttributeError"),
        ({"resume": "nowhere"}, "--resume uses the suite and the folder of the run"),
        ({"resume": "nowhere", "suite": None}, "is not a run folder"),
    ],
)
def test_errors_are_one_sentence(toy_evaluate: Any, choices: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        toy_evaluate(**choices)


def test_components_are_listed_with_their_status(plugins: Plugins) -> None:
    models = list_components("model", plugins=plugins)
    assert {info.kind for info in models} == {"model"}
    assert {"toy-edit", "toy-copy"} <= {info.name for info in models}
    assert {info.status for info in models} == {"ok"}
    assert {info.kind for info in list_components(plugins=plugins)} >= {"model", "dataset", "metric"}
    with pytest.raises(UsageError, match="did you mean metric"):
        list_components("metrik")  # type: ignore[arg-type]


def test_installed_components_are_loaded_by_name() -> None:
    assert gath_bench.load_model("copy-source").info.needs == frozenset()
    assert gath_bench.load_dataset("synthfaces[resolution=64]").info.resolution == 64
    assert gath_bench.load_metric("psnr").info.summaries[0].unit == "dB"
    assert "psnr" in {info.name for info in gath_bench.list_components("metric")}


def test_a_suite_without_references_is_stored_and_read(tmp_path: Path) -> None:
    suite = toy_suite().with_choices(references=False)
    assert Suite.model_validate(suite.model_dump(mode="json")) == suite
