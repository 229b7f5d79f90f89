"""``gath-bench list``: kinds, statuses, and a width of 80 columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gath_bench.registry import LIST_ARGUMENTS


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A terminal of 80 columns, and no weights files."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("GATH_BENCH_WEIGHTS", str(tmp_path))
    for variable in ("XDG_CACHE_HOME", "TORCH_HOME", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))


def test_list_fits_80_columns_and_shows_every_component(gath_bench: Any) -> None:
    shown = gath_bench("list", plugins=False)
    assert shown.code == 0
    assert max(map(len, shown.out.splitlines())) <= 80
    items = json.loads(gath_bench("list", "--json", plugins=False).out)
    assert len(items) > 60
    lines = [line.split()[0] for line in shown.out.splitlines() if line.startswith("  ") and line.strip()]
    for item in items:
        assert item["name"] in lines


def test_every_kind_can_be_listed_alone(gath_bench: Any) -> None:
    for kind, argument in LIST_ARGUMENTS.items():
        items = json.loads(gath_bench("list", argument, "--json", plugins=False).out)
        assert {item["kind"] for item in items} == {kind.replace("_", "-")}


def test_trunks_show_the_status_of_their_weights(gath_bench: Any, tmp_path: Path) -> None:
    def weights() -> dict[str, str]:
        items = json.loads(gath_bench("list", "trunks", "--json", plugins=False).out)
        return {item["name"]: item["weights"] for item in items}

    assert weights() == {
        "alex": "missing",
        "inception": "missing",
        "squeeze": "missing",
        "synthfaces": "",
        "vgg": "missing",
    }
    (tmp_path / "vgg16-397923af.pth").write_bytes(b"network")
    assert weights()["vgg"] == "found"
    words = " ".join(gath_bench("list", "trunks", plugins=False).out.split())
    assert "VGG16, ImageNet weights (weights found)" in words
    assert (
        "AlexNet, ImageNet weights [weights missing] needs alexnet-owt-7be5be79.pth: run `gath-bench" in words
    )


def test_weights_list_fits_80_columns(gath_bench: Any) -> None:
    shown = gath_bench("weights", "list", plugins=False)
    assert max(map(len, shown.out.splitlines())) <= 80
    assert "for identity encoder sface; licence: Apache-2.0" in shown.out
