"""Named AUs and emotion presets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gath_bench.au import (
    PRESETS,
    from_named,
    get_space,
    normalise_au,
    parse_named,
    preset,
    to_named,
)
from gath_bench.errors import UsageError

FACS = ["openface17", "disfa12", "pyfeat20"]


@pytest.mark.parametrize("space", FACS)
@given(data=st.data())
def test_to_named_and_back_changes_no_bit(space: str, data: st.DataObject) -> None:
    size = len(get_space(space))
    floats = st.floats(0, 1, width=32)
    values = np.array(data.draw(st.lists(floats, min_size=size, max_size=size)), dtype=np.float32)
    np.testing.assert_array_equal(from_named(to_named(values, space), space), values)


@given(st.dictionaries(st.sampled_from(get_space("openface17").labels), st.floats(0.01, 5)))
def test_parse_named_reads_what_is_written(named: dict[str, float]) -> None:
    if named:
        assert parse_named(",".join(f"{au}={value!r}" for au, value in named.items())) == named


def test_one_au_and_any_spelling() -> None:
    values = from_named({"au 12": 3})
    assert values.dtype == np.float32
    assert values.sum() == values[get_space("openface17").index("AU12")] == np.float32(0.6)


def test_uncovered_values_are_not_named() -> None:
    assert to_named([math.nan] * 12, "disfa12") == {}


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"AU24": 1}, "openface17 has no AU24: did you mean"),
        ({"AU12": 5.1}, "AU12 is 5.1.*0 .*to 5"),
        ({"AU12": -1}, "AU12 is -1"),
        ({"AU12": math.nan}, "AU12 is nan"),
        ({"AU12": 1, "12": 2}, "AU12 is named twice"),
        ({"smile": 1}, "not an action unit"),
    ],
)
def test_bad_names_and_intensities(named: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        from_named(named)


@pytest.mark.parametrize("text", ["", "AU12", "AU12=", "=3", "AU12=3,", "AU12=x", "AU12=1,12=2"])
def test_what_parse_named_refuses(text: str) -> None:
    with pytest.raises(UsageError):
        parse_named(text)


def test_spaces_without_aus_and_wrong_vectors_are_refused() -> None:
    with pytest.raises(UsageError, match="arkit52 is not made of FACS"):
        from_named({"AU12": 1}, "arkit52")
    with pytest.raises(UsageError, match="shape"):
        to_named(np.zeros((2, 17)))
    with pytest.raises(UsageError, match="divide"):
        to_named(np.full(17, 3.0))


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_is_its_formula(name: str) -> None:
    """The AUs and letters of the EMFACS formula, read independently of the table."""
    letters = {"A": 1.0, "B": 2.0, "C": 3.0, "D": 4.0, "E": 5.0}
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
    values = from_named(preset(name, strength))
    assert ((values >= 0) & (values <= 1)).all()
    np.testing.assert_allclose(values, from_named(preset(name)) * strength, atol=1e-6)


def test_presets_differ() -> None:
    vectors = {tuple(from_named(preset(name)).tolist()) for name in PRESETS}
    assert len(vectors) == len(PRESETS)


def test_bad_presets() -> None:
    with pytest.raises(UsageError, match="did you mean happiness"):
        preset("hapiness")
    for strength in (-0.1, 1.3, math.nan, math.inf):
        with pytest.raises(UsageError, match=r"from 0 to 1\.25"):
            preset("fear", strength)
