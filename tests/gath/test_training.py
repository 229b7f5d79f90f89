"""The trainer: resumed = fresh, stops, failures, what it leaves behind."""

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
from gath import trainer
from gath.checkpoint import load_state, load_weights
from gath.data import Pool
from gath.networks.build import build_classifier, build_estimator
from gath.progress import LOG, clock
from gath.stages.adversarial import AdversarialStage
from gath.stages.stage import Workshop
from gath.trainer import Diverged, Job, config_of, train

from gath_bench.contracts import ComponentKey, file_hash
from gath_bench.distributed import Ranks
from gath_bench.errors import UsageError

MakeJob = Callable[..., Job]


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
    """Do something after so many steps, counted over all stages."""
    count = 0
    finite = torch.isfinite

    def watched(values: torch.Tensor) -> torch.Tensor:
        nonlocal count
        if values.ndim == 0:  # a loss: the trainer looks at each
            count += 1
            if count == steps:
                how()
        return finite(values)

    monkeypatch.setattr(trainer.torch, "isfinite", watched)


@pytest.mark.parametrize("steps", [1, 3, 7])
def test_a_training_killed_at_any_step_ends_with_the_same_weights(
    job: MakeJob, trained: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """Stopped in stage 1, 2 or 3 and resumed, against straight through."""
    _assert_same(_killed_and_resumed(job, monkeypatch, steps), trained)


def test_the_same_holds_where_images_come_from_an_endless_stream(
    job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = ("data.stills=0", "data.frames=0")
    straight = job("straight", *endless)
    assert train(straight)
    _assert_same(_killed_and_resumed(job, monkeypatch, 6, *endless), straight.folder)


def _killed_and_resumed(job: MakeJob, monkeypatch: pytest.MonkeyPatch, steps: int, *changes: str) -> Path:
    with monkeypatch.context() as patch:
        _stop_after(patch, steps, lambda: os.kill(os.getpid(), signal.SIGTERM))
        assert not train(job("killed", *changes))
    resumed = job("killed", *changes)
    assert train(resumed)
    return resumed.folder


def _assert_same(one: Path, other: Path) -> None:
    """Weights, optimizers, shipped file and log."""
    states = [load_state(folder / "checkpoint.pt") for folder in (one, other)]
    for state in states:
        del state["seconds"]
    assert _same(*states)
    assert _same(*(load_weights(folder / "gath-warp.safetensors")[0] for folder in (one, other)))
    assert (one / LOG).read_text() == (other / LOG).read_text()


def test_the_direct_generator_and_46_aus_train_too(job: MakeJob) -> None:
    made = job("run", "model=gath", "au_space=facewarehouse46", "data.name=toy-46", "accumulate=2")
    assert train(made)
    assert load_weights(made.folder / "gath.safetensors")[1]["config"]["au_space"] == "facewarehouse46"


def test_bf16_on_a_cpu_trains(job: MakeJob) -> None:
    assert train(job("run", "precision=bf16", "losses.r1_every=1"))


def test_out_of_time_stops_after_a_step_and_says_how_to_go_on(
    job: MakeJob, capsys: pytest.CaptureFixture[str]
) -> None:
    made = job("run", max_minutes=0)
    assert not train(made)
    assert load_state(made.folder / "checkpoint.pt")["step"] == 1
    said = capsys.readouterr().err
    assert f"gath-bench train --resume {made.folder}" in said
    assert config_of(made.folder) == made.config


def test_a_training_stopped_before_its_first_step_can_be_resumed(
    job: MakeJob, trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Out of time while images are drawn: the configuration and what was drawn are there."""
    made = job("run", max_minutes=0)
    with monkeypatch.context() as patch:
        patch.setattr("gath.data._CHUNK", 4)
        assert not train(made)
        assert "stopped before the frames were drawn; go on with" in capsys.readouterr().err
        assert config_of(made.folder) == made.config
        assert [path.suffix for path in made.cache.iterdir()] == [".part"]  # type: ignore[union-attr]


def test_a_loss_that_is_no_number_ends_the_training_and_keeps_the_last_good_checkpoint(
    job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = job("run")
    real = trainer.AdversarialStage.step

    def broken(stage: Any, step: int) -> dict[str, torch.Tensor]:
        values = real(stage, step)
        return {**values, "loss": values["loss"] * float("nan")} if step == 3 else values

    monkeypatch.setattr(trainer.AdversarialStage, "step", broken)
    with pytest.raises(Diverged, match="at step 3; the checkpoint of step 2 is kept"):
        train(made)
    state = load_state(made.folder / "checkpoint.pt")
    assert (state["stage"], state["step"]) == ("generator", 2)
    assert all(torch.isfinite(weight).all() for weight in state["networks"]["generator"].values())
    monkeypatch.undo()
    assert train(made)


def test_teachers_are_shared_and_not_trained_again(job: MakeJob, trained: Path) -> None:
    made = job("run", teachers=trained)
    assert train(made)
    for name in ("estimator.safetensors", "classifier.safetensors"):
        assert (made.folder / name).read_bytes() == (trained / name).read_bytes()
    lines = [json.loads(line) for line in (made.folder / LOG).read_text().splitlines()]
    assert "estimator" not in {line["stage"] for line in lines}
    with pytest.raises(UsageError, match="--teachers takes the folder"):
        train(job("other", teachers=made.folder / "samples"))
    with pytest.raises(
        UsageError, match="has au_space openface17, but the configuration has facewarehouse46"
    ):
        train(job("third", "au_space=facewarehouse46", "data.name=toy-46", teachers=trained))


def test_teachers_alone_can_be_trained(job: MakeJob) -> None:
    made = job("run", teachers_only=True)
    assert train(made)
    assert (made.folder / "classifier.safetensors").exists()
    assert not (made.folder / "gath-warp.safetensors").exists()


def test_the_averaged_generator_is_measured_by_the_suite_and_written_on_its_card(job: MakeJob) -> None:
    made = job("run", "validation.every=2", "validation.limit=3")
    assert train(made)
    bench: Any = made.context
    assert [shape for shape, _ in bench.evaluated] == [(2, 3, 64, 64)] * 2, "at step 2 and at the end"
    assert bench.evaluated[0][1]["limit"] == 3
    card = json.loads((made.folder / "gath-warp.json").read_text())
    assert card["validation"] == {"au-error.mae": 0.25}
    assert card["sha256"] == file_hash(made.folder / "gath-warp.safetensors")
    assert [ComponentKey.parse(key).name for key in card["trained_against"]] == [
        "gath-estimator",
        "gath-classifier",
    ]


def test_a_failed_measurement_does_not_end_the_training(job: MakeJob) -> None:
    made = job("run", "validation.every=2")
    made.context.evaluate = lambda *_, **__: 1 / 0  # type: ignore[method-assign]
    assert train(made)


def test_it_leaves_pictures_and_numbers(trained: Path) -> None:
    assert {path.name for path in (trained / "samples").iterdir()} == {
        "generator-000002.png", "generator-000004.png"
    }  # fmt: skip
    lines = [json.loads(line) for line in (trained / LOG).read_text().splitlines()]
    assert [line["step"] for line in lines if line["stage"] == "generator"] == [0, 1, 2, 3]
    last = lines[-1]
    for name in ("d_real", "d_fake", "au_mae", "mask", "flow", "identity", "cycle"):
        assert name in last


def test_a_damaged_checkpoint_is_refused_in_a_sentence(job: MakeJob) -> None:
    made = job("run")
    made.folder.mkdir()
    (made.folder / "checkpoint.pt").write_bytes(b"PK half a file")
    with pytest.raises(UsageError, match="damaged or of another kind"):
        train(made)


def test_times_are_said_in_words() -> None:
    assert clock(7500) == "2 h 05 min"


def test_every_network_of_the_last_stage_moves_and_its_teachers_do_not(job: MakeJob) -> None:
    """A step that forgets one of them still runs, and the losses still look like losses."""
    config = job().config
    pool = Pool(torch.randint(0, 256, (8, 3, 64, 64), dtype=torch.uint8), torch.rand(8, 17))
    shop = Workshop(config, "cpu", Ranks(), lambda: pool, lambda: pool)
    stage = AdversarialStage(shop, build_estimator(config), build_classifier(config, 8))
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
            # D's AU bias stands still while no margin is reached: its examples' weights balance.
            assert set(still) <= {"bias.bias"}, f"{name}: {still} never moved"


def test_the_discriminator_learns_what_real_faces_look_like(job: MakeJob) -> None:
    """Against a generator that stands still, D tells stills from paint, and right AUs from wrong ones."""
    rates = (
        "generator.steps=1000",
        "generator.learning_rate=1e-9",
        "generator.discriminator_learning_rate=3e-3",
    )
    config = job("d", *rates, "losses.r1=0").config
    rng = torch.Generator().manual_seed(0)
    aus = torch.rand(32, 17, generator=rng).round()
    images = (aus[:, :3, None, None] * 200).expand(-1, -1, 64, 64).byte()
    stills = Pool(
        torch.randint(0, 256, (32, 3, 64, 64), dtype=torch.uint8, generator=rng), torch.zeros(32).long()
    )
    frames = Pool(images, aus)
    shop = Workshop(config, "cpu", Ranks(), lambda: stills, lambda: frames)
    stage = AdversarialStage(shop, build_estimator(config), build_classifier(config, 8))
    with torch.no_grad():  # paints grey, and so unlike any still
        stage.generator.mask.bias.fill_(20)  # type: ignore[union-attr, operator]
        stage.generator.residual.bias.fill_(20)  # type: ignore[union-attr, operator]
    told = [stage.step(step) for step in range(150)][-50:]
    real, fake, right, wrong = (
        float(torch.stack([values[name] for values in told]).mean())
        for name in ("d_real", "d_fake", "d_right", "d_wrong")
    )
    assert real > fake + 1
    assert right > wrong + 0.5


def test_losses_can_change_half_way_and_the_card_says_so(
    job: MakeJob, monkeypatch: pytest.MonkeyPatch, trained: Path
) -> None:
    with monkeypatch.context() as patch:
        _stop_after(patch, 6, lambda: os.kill(os.getpid(), signal.SIGTERM))
        assert not train(job("run"))
    first = job("run")
    config = config_of(first.folder, ["losses.mask=8"])
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
        config_of(first.folder, ["resolution=128"])


def test_the_card_tells_what_was_measured(trained: Path) -> None:
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
    assert "| step | loss |" in card
