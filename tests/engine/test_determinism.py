"""Equal seeds give equal values; batch size, order of metrics and in-place changes have no effect."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy.running import long_rows, measure, table, toy_suite, values

EVERYTHING = ("toy-l1", "toy-source-l1", "toy-au", "toy-mask", "toy-system")


def test_same_seed_twice_gives_the_same_values(tmp_path: Path) -> None:
    suite = toy_suite(("toy-noise", "toy-edit"), EVERYTHING, seed=7)
    _, first = measure(suite, tmp_path / "a")
    _, second = measure(suite, tmp_path / "b")
    assert values(first) == values(second)
    assert first.observations.equals(second.observations)


def test_another_seed_gives_other_samples_and_noise(tmp_path: Path) -> None:
    _, first = measure(toy_suite(("toy-noise",)), tmp_path / "a")
    _, second = measure(toy_suite(("toy-noise",), seed=1), tmp_path / "b")
    for model in ("toy-copy", "toy-noise"):
        assert values(first, model) != values(second, model)


def test_noise_differs_between_batches_and_seeds(tmp_path: Path) -> None:
    drawn = []
    for seed in (0, 1):
        suite = toy_suite(("toy-noise",), ("toy-source-l1",), "toy[fixed=true]", seed=seed)
        _, run = measure(suite, tmp_path / str(seed))
        drawn += [row["value"] for row in long_rows(run, "toy-noise")]
    assert len(set(drawn)) == len(drawn) == 24


def test_noise_does_not_depend_on_the_other_models(tmp_path: Path) -> None:
    _, alone = measure(toy_suite(("toy-noise",)), tmp_path / "a")
    _, crowd = measure(toy_suite(("toy-edit", "toy-small", "toy-noise"), EVERYTHING), tmp_path / "b")
    found = [
        {row["sample_id"]: row["value"] for row in long_rows(run, "toy-noise", "toy-l1")}
        for run in (alone, crowd)
    ]
    assert found[0] == found[1]


def test_values_do_not_depend_on_the_batch_size(tmp_path: Path) -> None:
    models = ("toy-edit", "toy-small", "toy-gaps", "toy-nan")
    runs = [
        measure(
            toy_suite(models, EVERYTHING, "toy[n=33,unreadable=4]", batch_size=size), tmp_path / str(size)
        )[1]
        for size in (1, 32)
    ]
    one, many = (values(run) for run in runs)
    assert one.keys() == many.keys()
    for name, value in one.items():
        if isinstance(value, float):
            assert many[name] == pytest.approx(value, rel=1e-5, abs=1e-12), name
        else:
            assert many[name] == value


def test_metrics_see_multiples_of_one_255th(tmp_path: Path) -> None:
    _, run = measure(toy_suite(("toy-edit", "toy-small", "toy-noise"), ("toy-eightbit",)), tmp_path)
    assert {row["value"] for row in long_rows(run)} == {0.0}


@pytest.mark.parametrize("component", ["model", "metric", "evaluator"])
def test_in_place_changes_do_not_affect_other_components(tmp_path: Path, component: str) -> None:
    metrics = ("toy-l1", "toy-source-l1", "toy-au")
    _, quiet = measure(toy_suite(metrics=metrics), tmp_path / "quiet")
    if component != "model":
        # The toy estimator wipes what it is shown.
        first = "toy-in-place" if component == "metric" else "toy-au[prefix=first]"
        _, loud = measure(toy_suite(metrics=(first, *metrics)), tmp_path / "loud")
        for metric in metrics:
            assert values(loud, metric=metric) == values(quiet, metric=metric)
        return
    _, loud = measure(toy_suite(("toy-in-place",), metrics), tmp_path / "loud")
    for model in ("toy-exact", "toy-copy"):
        assert values(loud, model) == values(quiet, model)
    # It generated black, and is graded on that, against a source that is not black.
    assert table(loud, "toy-in-place", "toy-source-l1").value > 0.3  # type: ignore[operator]


def test_a_resize_is_part_of_the_model_key(tmp_path: Path) -> None:
    _, run = measure(toy_suite(("toy-small",), ("toy-source-l1",)), tmp_path)
    keys = {cell.model: cell.model_key for cell in run.manifest.cells}
    assert "resize=" in keys["toy-small"]
    assert "16to32" in keys["toy-small"]
    assert "resize" not in keys["toy-copy"]
    assert 0 < table(run, "toy-small", "toy-source-l1").value < 0.05  # type: ignore[operator]
