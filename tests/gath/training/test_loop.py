"""The training loop: resuming, stopping, failures and results."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from gath.durations import format_duration
from gath.inference.model import WarpModel
from gath.networks.build import build_classifier, build_estimator
from gath.release.weights_file import load_weights
from gath.training import loop
from gath.training.checkpoint import load_config, load_state
from gath.training.context import TrainContext
from gath.training.data import FixedData, Pool
from gath.training.logging import LOG
from gath.training.loop import Diverged, train
from gath.training.run import TrainingRun
from gath.training.stages.adversarial import AdversarialStage
from gath.training.stages.clips import ClipStage

from gath_bench.analysis.summarise import is_contaminated
from gath_bench.contracts import ComponentKey, file_hash
from gath_bench.distributed import Ranks
from gath_bench.errors import UsageError

MakeRun = Callable[..., TrainingRun]


def _same(a: Any, b: Any) -> bool:
    """Equal to the bit, through nested dictionaries and lists."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    return bool(a == b)


def _stop_after(monkeypatch: pytest.MonkeyPatch, steps: int, how: Callable[[], None]) -> None:
    """Call a function after a number of steps, counted over all stages."""
    count = 0
    finite = torch.isfinite

    def watched(values: torch.Tensor) -> torch.Tensor:
        nonlocal count
        if values.ndim == 0:  # the values of one step
            count += 1
            if count == steps:
                how()
        return finite(values)

    monkeypatch.setattr(loop.torch, "isfinite", watched)


@pytest.mark.parametrize("steps", [1, 3, 7])
def test_a_training_killed_at_any_step_ends_with_the_same_weights(
    make_run: MakeRun, trained: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """Stopped in stage 1, 2 or 3 and resumed, against straight through."""
    _assert_same(_killed_and_resumed(make_run, monkeypatch, steps), trained)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(("data.stills=0", "data.frames=0"), id="endless streams"),
        pytest.param(("data.clips=16", "generator.stills=2"), id="clips"),
    ],
)
def test_the_same_holds_for_other_data(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, changes: tuple[str, ...]
) -> None:
    straight = make_run("straight", *changes)
    assert train(straight)
    _assert_same(_killed_and_resumed(make_run, monkeypatch, 6, *changes), straight.folder)


#: What SIGKILL leaves while a file is written.
PARTIAL = ("checkpoint.pt.0123456789ab.part", "samples/generator-000004.png.0123456789ab.part")


def _killed_and_resumed(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, steps: int, *changes: str
) -> Path:
    with monkeypatch.context() as patch:
        _stop_after(patch, steps, lambda: os.kill(os.getpid(), signal.SIGTERM))
        assert not train(make_run("killed", *changes))
    resumed = make_run("killed", *changes)
    (resumed.folder / "samples").mkdir(exist_ok=True)
    for name in PARTIAL:
        (resumed.folder / name).write_bytes(b"half")
    assert train(resumed)
    assert not any((resumed.folder / name).exists() for name in PARTIAL)
    return resumed.folder


def _assert_same(one: Path, other: Path) -> None:
    """Weights, optimizers, shipped file and log."""
    states = [load_state(folder / "checkpoint.pt") for folder in (one, other)]
    for state in states:
        del state["seconds"]
    assert _same(*states)
    assert _same(*(load_weights(folder / "gath-warp.safetensors")[0] for folder in (one, other)))
    assert (one / LOG).read_text() == (other / LOG).read_text()


def test_the_direct_generator_and_46_aus_train_too(make_run: MakeRun) -> None:
    run = make_run("run", "model=gath", "au_space=facewarehouse46", "data.name=toy-46", "accumulate=2")
    assert train(run)
    assert load_weights(run.folder / "gath.safetensors")[1]["config"]["au_space"] == "facewarehouse46"


def test_bf16_on_a_cpu_trains(make_run: MakeRun) -> None:
    assert train(make_run("run", "precision=bf16", "losses.r1_every=1"))


def test_the_time_limit_stops_after_a_step_and_prints_the_resume_command(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run("run", max_minutes=0)
    assert not train(run)
    assert load_state(run.folder / "checkpoint.pt")["step"] == 1
    said = capsys.readouterr().err
    assert f"gath-bench train --resume {run.folder}" in said
    assert load_config(run.folder) == run.config


def test_a_training_stopped_before_its_first_step_can_be_resumed(
    make_run: MakeRun, trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The time limit is reached while a pool is filled: configuration and images so far are kept."""
    run = make_run("run", max_minutes=0)
    with monkeypatch.context() as patch:
        patch.setattr("gath.training.data._CHUNK", 4)
        assert not train(run)
        assert "stopped before the frames were rendered; resume with" in capsys.readouterr().err
        assert load_config(run.folder) == run.config
        assert [path.suffix for path in run.cache.iterdir()] == [".unfinished"]  # type: ignore[union-attr]


def test_a_nan_loss_ends_the_training_and_keeps_the_last_checkpoint(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run("run")
    real = AdversarialStage.step

    def broken(stage: Any, step: int) -> dict[str, torch.Tensor]:
        values = real(stage, step)
        return {**values, "g_loss": values["g_loss"] * float("nan")} if step == 3 else values

    monkeypatch.setattr(AdversarialStage, "step", broken)
    with pytest.raises(Diverged, match="at step 3; the checkpoint of step 2 is kept"):
        train(run)
    state = load_state(run.folder / "checkpoint.pt")
    assert (state["stage"], state["step"]) == ("generator", 2)
    assert all(torch.isfinite(weight).all() for weight in state["networks"]["generator"].values())
    monkeypatch.undo()
    assert train(run)


def test_teachers_are_shared_and_not_trained_again(make_run: MakeRun, trained: Path) -> None:
    run = make_run("run", teachers=trained)
    assert train(run)
    for name in ("estimator.safetensors", "classifier.safetensors"):
        assert (run.folder / name).read_bytes() == (trained / name).read_bytes()
    lines = [json.loads(line) for line in (run.folder / LOG).read_text().splitlines()]
    assert "estimator" not in {line["stage"] for line in lines}
    with pytest.raises(UsageError, match="--teachers takes the run folder"):
        train(make_run("other", teachers=run.folder / "samples"))
    with pytest.raises(
        UsageError, match="has au_space openface17, but the configuration has facewarehouse46"
    ):
        train(make_run("third", "au_space=facewarehouse46", "data.name=toy-46", teachers=trained))


def test_the_estimator_of_a_weights_file_can_be_used(make_run: MakeRun, trained: Path) -> None:
    weights = trained / "gath-warp.safetensors"
    run = make_run("run", estimator=weights)
    assert train(run)
    taken, made = (
        load_weights(path)[0]["estimator"] for path in (weights, run.folder / "gath-warp.safetensors")
    )
    assert _same(taken, made)
    with pytest.raises(UsageError, match="does not hold the E of a generator"):
        train(make_run("other", estimator=trained / "classifier.safetensors"))
    with pytest.raises(
        UsageError, match="has au_space openface17, but the configuration has facewarehouse46"
    ):
        train(make_run("third", "au_space=facewarehouse46", "data.name=toy-46", estimator=weights))


def test_teachers_alone_can_be_trained(make_run: MakeRun) -> None:
    run = make_run("run", teachers_only=True)
    assert train(run)
    assert (run.folder / "classifier.safetensors").exists()
    assert not (run.folder / "gath-warp.safetensors").exists()


def test_validation_results_are_part_of_the_card(make_run: MakeRun) -> None:
    run = make_run("run", "validation.every=2", "validation.limit=3")
    assert train(run)
    context: Any = run.context
    assert [shape for shape, _ in context.evaluated] == [(2, 3, 64, 64)] * 2, "at step 2 and at the end"
    assert context.evaluated[0][1]["limit"] == 3
    card = json.loads((run.folder / "gath-warp.json").read_text())
    assert card["validation"] == {"au-error.mae": 0.25}
    assert card["sha256"] == file_hash(run.folder / "gath-warp.safetensors")
    assert [ComponentKey.parse(key).name for key in card["trained_against"]] == [
        "gath-estimator",
        "gath-classifier",
    ]


def test_the_estimator_of_the_labels_counts_as_a_teacher(make_run: MakeRun) -> None:
    """Also in a training without labels that uses the E of this one."""
    labelled = make_run("labelled", "data.name=labelled-toy-faces")
    assert train(labelled)
    weights = labelled.folder / "gath-warp.safetensors"
    copied = make_run("copied", estimator=weights)
    assert train(copied)
    for run in (labelled, copied):
        trained_against = WarpModel(weights=run.folder / "gath-warp.safetensors").info.trained_against
        assert trained_against[2:] == ("labeller@1#ab12cd34",)
        assert is_contaminated(trained_against, ["other-name@2#ab12cd34"])
        assert not is_contaminated(trained_against, ["labeller@1#00000000"])
        assert json.loads((run.folder / "gath-warp.json").read_text())["labelled_by"] == [
            "labeller@1#ab12cd34"
        ]
        assert "| AU labels by | `labeller@1#ab12cd34` |" in (run.folder / "gath-warp.md").read_text()


def test_a_failed_measurement_does_not_end_the_training(make_run: MakeRun) -> None:
    run = make_run("run", "validation.every=2")
    run.context.evaluate = lambda *_, **__: 1 / 0  # type: ignore[method-assign]
    assert train(run)


def test_samples_and_log_are_written(trained: Path) -> None:
    assert {path.name for path in (trained / "samples").iterdir()} == {
        "generator-000002.png",
        "generator-000004.png",
    }
    lines = [json.loads(line) for line in (trained / LOG).read_text().splitlines()]
    assert [line["step"] for line in lines if line["stage"] == "generator"] == [0, 1, 2, 3]
    last = lines[-1]
    for name in ("g_loss", "d_loss", "d_real", "d_fake", "au_mae", "mask", "flow", "identity", "cycle"):
        assert name in last


def test_a_damaged_checkpoint_is_refused_in_a_sentence(make_run: MakeRun) -> None:
    run = make_run("run")
    run.folder.mkdir()
    (run.folder / "checkpoint.pt").write_bytes(b"PK half a file")
    with pytest.raises(UsageError, match="is damaged, or not the state of a training"):
        train(run)


def test_durations_are_formatted() -> None:
    assert format_duration(7500) == "2 h 05 min"


def test_a_step_changes_g_and_d_and_not_their_teachers(make_run: MakeRun) -> None:
    """A step that omits one of the updates would still run and log plausible losses."""
    config = make_run().config
    pool = Pool(torch.randint(0, 256, (8, 3, 64, 64), dtype=torch.uint8), torch.rand(8, 17))
    ctx = TrainContext(config, "cpu", Ranks(), FixedData(pool, pool, 8))
    stage = AdversarialStage(ctx, build_estimator(config), build_classifier(config, 8))
    watched = {**stage.networks, "estimator": stage.estimator, "classifier": stage.classifier}
    before = {
        name: {key: value.clone() for key, value in network.state_dict().items()}
        for name, network in watched.items()
    }
    for step in range(3):
        stage.step(step)
    for name, network in watched.items():
        still = [key for key, value in network.state_dict().items() if torch.equal(value, before[name][key])]
        if name in ("estimator", "classifier"):
            assert len(still) == len(before[name])
        else:
            # The gradients of D's bias cancel while no margin is reached: the weights of its examples balance.
            assert set(still) <= {"bias.bias"}, f"{name}: {still} did not change"


def test_clips_train_the_generator_towards_the_true_target(make_run: MakeRun) -> None:
    """On a pool where the target is the mirrored source, the error falls; E and C stay as they are."""
    changes = ("data.clips=8", "generator.steps=1000", "generator.learning_rate=3e-3", "generator.stills=2")
    weights = ("generator.randomize=0", "losses.au=0", "losses.mask=0")
    config = make_run("clips", *changes, *weights).config
    rng = torch.Generator().manual_seed(0)
    images = torch.rand(8, 3, 8, 8, generator=rng)
    images = torch.nn.functional.interpolate(images, 64, mode="bilinear").mul(255).byte()
    clips = Pool(torch.stack([images, 255 - images], 1), torch.rand(8, 2, 17, generator=rng))
    stills = Pool(images, torch.zeros(8).long())
    ctx = TrainContext(config, "cpu", Ranks(), FixedData(stills, stills, 8, clips))
    stage = ClipStage(ctx, build_estimator(config), build_classifier(config, 8))
    before = [value.clone() for value in stage.estimator.state_dict().values()]
    errors = [float(values["changed"] / values["copied"]) for values in map(stage.step, range(60))]
    assert sum(errors[-10:]) < 0.8 * sum(errors[:10])
    after = stage.estimator.state_dict().values()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_the_discriminator_learns_to_separate_its_examples(make_run: MakeRun) -> None:
    """With a constant generator, D separates stills from generated images, and right AUs from wrong ones."""
    rates = (
        "generator.steps=1000",
        "generator.learning_rate=1e-9",
        "generator.discriminator_learning_rate=3e-3",
    )
    config = make_run("d", *rates, "losses.r1=0").config
    rng = torch.Generator().manual_seed(0)
    aus = torch.rand(32, 17, generator=rng).round()
    images = (aus[:, :3, None, None] * 200).expand(-1, -1, 64, 64).byte()
    stills = Pool(
        torch.randint(0, 256, (32, 3, 64, 64), dtype=torch.uint8, generator=rng), torch.zeros(32).long()
    )
    frames = Pool(images, aus)
    ctx = TrainContext(config, "cpu", Ranks(), FixedData(stills, frames, 8))
    stage = AdversarialStage(ctx, build_estimator(config), build_classifier(config, 8))
    with torch.no_grad():  # generates grey images, unlike any still
        stage.generator.mask.bias.fill_(20)  # type: ignore[union-attr, operator]
        stage.generator.residual.bias.fill_(20)  # type: ignore[union-attr, operator]
    told = [stage.step(step) for step in range(150)][-50:]
    real, fake, right, wrong = (
        float(torch.stack([values[name] for values in told]).mean())
        for name in ("d_real", "d_fake", "d_right", "d_wrong")
    )
    assert real > fake + 1
    assert right > wrong + 0.5


def test_the_au_error_weighs_more_in_the_last_steps(make_run: MakeRun) -> None:
    weights = ("losses.au=0.5", "losses.au_late=2", "losses.late=0.25")
    config = make_run("late", "data.clips=8", "generator.steps=8", *weights).config
    ctx = TrainContext(
        config, "cpu", Ranks(), FixedData(Pool(*[torch.empty(0)] * 2), Pool(*[torch.empty(0)] * 2), 8)
    )
    stage = ClipStage(ctx, build_estimator(config), build_classifier(config, 8))
    assert [stage._au_weight(step) for step in range(8)] == [0.5] * 6 + [2.0] * 2


def test_the_discriminator_learns_to_separate_the_images_of_a_clip(make_run: MakeRun) -> None:
    """With a constant generator, D separates true targets from generated images, and its logits stay near 0."""
    rates = ("generator.learning_rate=1e-9", "generator.discriminator_learning_rate=3e-3", "losses.r1=0")
    config = make_run("d", "data.clips=16", "generator.steps=1000", *rates).config
    rng = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, (16, 2, 3, 64, 64), dtype=torch.uint8, generator=rng)
    stills = Pool(noise[:, 0], torch.zeros(16).long())
    clips = Pool(noise, torch.rand(16, 2, 17, generator=rng))
    ctx = TrainContext(config, "cpu", Ranks(), FixedData(stills, stills, 8, clips))
    stage = ClipStage(ctx, build_estimator(config), build_classifier(config, 8))
    with torch.no_grad():  # generates grey images, unlike any target
        stage.generator.mask.bias.fill_(20)  # type: ignore[union-attr, operator]
        stage.generator.residual.bias.fill_(20)  # type: ignore[union-attr, operator]
    told = [stage.step(step) for step in range(60)][-20:]
    real, fake = (
        float(torch.stack([values[name] for values in told]).mean()) for name in ("d_real", "d_fake")
    )
    assert real > fake + 1
    assert abs(real + fake) < real - fake


def test_changed_losses_of_a_resumed_training_are_part_of_the_card(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, trained: Path
) -> None:
    with monkeypatch.context() as patch:
        _stop_after(patch, 6, lambda: os.kill(os.getpid(), signal.SIGTERM))
        assert not train(make_run("run"))
    first = make_run("run")
    config = load_config(first.folder, ["losses.mask=8"])
    assert config.losses.mask == 8
    changed = replace(first, config=config, origin={"command": ["gath-bench", "later"], "commit": "c"})
    assert train(changed)
    facts = json.loads((first.folder / "gath-warp.json").read_text())
    assert facts["then"] == [{"step": 2, "command": ["gath-bench", "later"], "commit": "c"}]
    assert facts["config"]["losses"]["mask"] == 8
    assert "| from step 2 | `gath-bench later` |" in (first.folder / "gath-warp.md").read_text()
    ours, straight = (load_weights(folder / "gath-warp.safetensors")[0] for folder in (first.folder, trained))
    assert not _same(ours["generator"], straight["generator"])
    with pytest.raises(UsageError, match="losses only"):
        load_config(first.folder, ["resolution=128"])


def test_the_card_holds_measured_costs(trained: Path) -> None:
    card = (trained / "gath-warp.md").read_text()
    facts = json.loads((trained / "gath-warp.json").read_text())
    assert facts["sha256"][:16] in card
    for stage in ("estimator", "classifier", "generator"):
        (line,) = [line for line in card.splitlines() if line.startswith(f"| {stage} |")]
        seconds, images, flops, share, _ = (cell.strip() for cell in line.split("|")[2:-1])
        assert float(seconds) > 0
        assert float(images) == pytest.approx(4 / float(seconds), rel=0.2)
        assert float(flops) > 0
        assert 0 <= float(share.rstrip("%")) < 200
    assert "| step | g_loss | d_loss |" in card
