"""Emotion presets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gath_bench.au import PRESETS, aus_to_vector, normalise_au, preset
from gath_bench.errors import UsageError


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_is_its_formula(name: str) -> None:
    """The AUs and letters of the EMFACS formula, read independently of the table."""
    letters = {"A": 0.2, "B": 0.4, "C": 0.6, "D": 0.8, "E": 1.0}
    expected = {}
    for term in PRESETS[name].formula.split("+"):
        number = term.strip("RL")
        letter = number[-1] if number[-1] in letters else "D"
        if number != "0":
            expected[normalise_au(number.rstrip("ABCDE"))] = letters[letter]
    assert preset(name) == expected


@pytest.mark.parametrize("name", sorted(PRESETS))
@given(share=st.floats(0, 1))
def test_every_strength_fits_the_default_space(name: str, share: float) -> None:
    strength = share * min(PRESETS[name].max_strength, 5.0)
    values = aus_to_vector(preset(name, strength))
    assert ((values >= 0) & (values <= 1)).all()
    np.testing.assert_allclose(values, aus_to_vector(preset(name)) * strength, atol=1e-6)


def test_presets_differ() -> None:
    vectors = {tuple(aus_to_vector(preset(name)).tolist()) for name in PRESETS}
    assert len(vectors) == len(PRESETS)


def test_bad_presets() -> None:
    with pytest.raises(UsageError, match="did you mean happiness"):
        preset("hapiness")
    for strength in (-0.1, 1.3, math.nan, math.inf):
        with pytest.raises(UsageError, match=r"from 0 to 1\.25"):
            preset("fear", strength)
