"""Configurations: all shipped ones are valid, and errors name the wrong setting."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from gath.config import read_config, shipped
from gath.networks.build import build_generator

from gath_bench.errors import UsageError


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_configuration_builds_its_generator(name: str) -> None:
    config = read_config(name)
    network = build_generator(config)
    side, aus = config.resolution, torch.zeros(1, config.aus)
    assert network(torch.rand(1, 3, side, side), aus, aus).image.shape == (1, 3, side, side)


def test_small_configurations_are_small_and_46_aus_are_supported() -> None:
    for name in ("small", "small-warp"):
        count = sum(weight.numel() for weight in build_generator(read_config(name)).parameters())
        assert count < 2e6
    assert read_config("facewarehouse46").aus == 46
    assert read_config("small").model == "gath"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("losses.identiy=1", "did you mean identity"),
        ("model=gath-wrap", "gath-warp"),
        ("resolution=96", "64, 128 or 256"),
        ("networks.window=[0.5, 0.0, 0.75]", "must lie inside"),
        ("networks.window=[0.0, 0.0, 0.7]", "a multiple of 8"),
        ("networks.patch=3", "networks.patch"),
        ("networks={patch=4}", "leaves 16 positions"),
        ("au_space=openface", "did you mean openface17"),
        ("generator.steps=0", "greater than or equal to 1"),
        ("generator.steps=many", "generator.steps"),
        ("model.x=1", "is a value, not a table"),
        ("nonsense", "write key=value"),
        pytest.param("losses.au=1" + "0" * 5000, "the value of losses.au cannot be read", id="5,001 digits"),
        pytest.param("losses.au=" + "[" * 10**5, "the value of losses.au cannot be read", id="nested"),
        ("model=gath", "gath is trained on unpaired data"),
        ("targets={frames=0, change=0, alone=0, neutral=0, same=0}", "at least one share"),
    ],
)
def test_an_invalid_setting_is_refused_in_a_sentence(change: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        read_config("small-warp", ["resolution=64", change])
    assert "\n" not in str(error.value)


def test_an_invalid_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean small"):
        read_config("smal")
    with pytest.raises(UsageError, match="cannot be read"):
        read_config(str(tmp_path / "none.toml"))
    (tmp_path / "bad.toml").write_text("model = ")
    with pytest.raises(UsageError, match="not valid TOML"):
        read_config(str(tmp_path / "bad.toml"))


def test_changes_override_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[losses]\nau = 7\nidentity = 3\n")
    config = read_config(str(tmp_path / "mine.toml"), ["losses.au=9", "model=gath-warp"])
    assert (config.losses.au, config.losses.identity, config.model) == (9, 3, "gath-warp")
