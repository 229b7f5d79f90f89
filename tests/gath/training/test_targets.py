"""Target expressions of G."""

from __future__ import annotations

import torch
from gath.config import TargetConfig
from gath.training.targets import draw_targets

SOURCE, FRAME = torch.rand(400, 17) * 0.5 + 0.25, torch.rand(400, 17) * 0.5 + 0.25
NONE = {"frames": 0.0, "change": 0.0, "alone": 0.0, "neutral": 0.0, "same": 0.0}


def _only(kind: str) -> tuple[torch.Tensor, torch.Tensor]:
    return draw_targets(SOURCE, FRAME, TargetConfig(**{**NONE, kind: 1.0}), torch.Generator().manual_seed(0))


def test_each_kind_of_target_follows_its_definition() -> None:
    assert torch.equal(_only("frames")[0], FRAME)
    assert torch.equal(_only("neutral")[0], torch.zeros(400, 17))
    same, unchanged = _only("same")
    assert torch.equal(same, SOURCE)
    assert unchanged.tolist() == list(range(400))
    assert ((_only("change")[0] != SOURCE).sum(1) == 1).all()
    alone, unchanged = _only("alone")
    assert ((alone != 0).sum(1) == 1).all()
    assert len(unchanged) == 0
    assert (alone > 0).any(0).all(), "every AU occurs"


def test_a_mixture_has_its_shares_and_is_reproducible() -> None:
    shares = TargetConfig(**{**NONE, "frames": 3.0, "same": 1.0})
    drawn = [draw_targets(SOURCE, FRAME, shares, torch.Generator().manual_seed(5)) for _ in range(2)]
    assert torch.equal(drawn[0][0], drawn[1][0])
    targets, unchanged = drawn[0]
    assert 60 < len(unchanged) < 140
    kept = torch.zeros(400, dtype=torch.bool)
    kept[unchanged] = True
    assert torch.equal(targets[kept], SOURCE[kept])
    assert torch.equal(targets[~kept], FRAME[~kept])
