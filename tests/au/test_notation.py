"""The notation of expressions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gath_bench.au import PRESETS, SPACES, aus_to_vector, format_aus, get_space, parse_aus, vector_to_aus
from gath_bench.errors import UsageError

FACS = ["openface17", "disfa12", "pyfeat20"]
#: Characters of the notation, so that random texts come close to it.
CLOSE = st.text("0123456789ABCDELRaul+,=*.-_ ehpins;", max_size=24)


def coefficients(space: str) -> st.SearchStrategy[dict[str, float]]:
    return st.dictionaries(st.sampled_from(get_space(space).labels), st.floats(0, 1), min_size=1)


@pytest.mark.parametrize("space", SPACES)
@given(data=st.data())
def test_parsing_a_formatted_expression_returns_it(space: str, data: st.DataObject) -> None:
    aus = data.draw(coefficients(space))
    assert parse_aus(format_aus(aus), space) == aus
    np.testing.assert_array_equal(aus_to_vector(format_aus(aus), space), aus_to_vector(aus, space))


@pytest.mark.parametrize("space", SPACES)
@given(data=st.data())
def test_vector_to_aus_round_trip_is_exact(space: str, data: st.DataObject) -> None:
    size = len(get_space(space))
    floats = st.floats(0, 1, width=32)
    values = np.array(data.draw(st.lists(floats, min_size=size, max_size=size)), dtype=np.float32)
    np.testing.assert_array_equal(aus_to_vector(vector_to_aus(values, space), space), values)


@given(
    levels=st.dictionaries(st.sampled_from(get_space("openface17").labels), st.integers(1, 5), min_size=1),
    data=st.data(),
)
def test_facs_letters_are_fifths_in_any_spelling(levels: dict[str, int], data: st.DataObject) -> None:
    expected = {au: level / 5 for au, level in levels.items()}
    spellings = (
        lambda au, letter: f"{int(au[2:])}{letter}",
        lambda au, letter: f"{au}{letter}",
        lambda au, letter: f" au {int(au[2:])} {letter.lower()} ",
    )
    parts = [data.draw(st.sampled_from(spellings))(au, "ABCDE"[level - 1]) for au, level in levels.items()]
    assert parse_aus(data.draw(st.sampled_from("+,")).join(parts)) == expected


@given(st.text() | CLOSE, st.sampled_from(list(SPACES)))
def test_any_text_gives_coefficients_or_one_sentence(text: str, space: str) -> None:
    try:
        aus = parse_aus(text, space)
    except UsageError:
        return
    assert aus.keys() <= set(get_space(space).labels)
    assert all(0 <= value <= 1 for value in aus.values())
    assert parse_aus(format_aus(aus), space) == aus if aus else text.strip().startswith("neutral")


@pytest.mark.parametrize("name", sorted(PRESETS))
@given(share=st.floats(0, 1))
def test_a_preset_with_a_factor_is_the_preset_scaled(name: str, share: float) -> None:
    factor = share * min(PRESETS[name].max_strength, 5.0)
    values = aus_to_vector(f"{name}*{factor:.17f}")
    assert ((values >= 0) & (values <= 1)).all()
    np.testing.assert_allclose(values, aus_to_vector(name) * factor, atol=1e-6)


def test_the_three_notations_join() -> None:
    assert parse_aus("happiness*0.5, 1C + AU26=0.25") == {"AU06": 0.4, "AU12": 0.4, "AU01": 0.6, "AU26": 0.25}
    assert parse_aus("jawOpen=0.5,mouthSmileLeft=1", "arkit52") == {"jawOpen": 0.5, "mouthSmileLeft": 1.0}
    assert parse_aus("neutral") == {}
    assert not aus_to_vector("neutral").any()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no AUs are given: write 6C"),
        ("6C+", "empty part"),
        ("6C,,12D", "empty part"),
        ("AU12=3", r"AU12=3 is above 1: .*\(AU12=0.6\) or FACS notation with a letter A to E \(12C\)"),
        ("AU12=9", r"AU12=9 is above 1: .*\(AU12=0.6\) or FACS notation with a letter A to E \(12C\)"),
        ("AU12=inf", "above 1"),
        ("AU12=-0.1", "not a coefficient"),
        ("AU12=nan", "not a coefficient"),
        ("AU12=", "not a coefficient"),
        ("AU12=x", "not a coefficient"),
        ("=0.5", "not an action unit"),
        ("12", r"'12' has no intensity: .*\(12C\).*\(AU12=0.6\)"),
        ("AU12", "has no intensity"),
        ("12F", "cannot read '12F'"),
        ("12D*0.5", "cannot read"),
        ("R12A", "unilateral"),
        ("L 12=0.5", "unilateral"),
        ("AU12=0.5,12=0.2", "AU12 is named twice"),
        ("happiness+6C", "AU06 is named twice"),
        ("AU24=0.5", "openface17 has no AU24: did you mean"),
        ("24C", "openface17 has no AU24: did you mean"),
        ("hapiness", "did you mean happiness"),
        ("happiness*x", "no number after the star"),
        ("happiness*2", r"from 0 to 1\.25"),
    ],
)
def test_invalid_expressions_give_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        parse_aus(text)
    assert "\n" not in str(caught.value)


def test_facs_notation_and_presets_need_a_space_of_action_units() -> None:
    for text in ("6C+12D", "happiness"):
        with pytest.raises(
            UsageError, match="AU space arkit52 does not have: write coefficients by its labels"
        ):
            parse_aus(text, "arkit52")
    with pytest.raises(UsageError, match="disfa12 has no AU07"):
        parse_aus("anger", "disfa12")
    with pytest.raises(
        UsageError, match=r"jawOpen=3 is above 1: write a coefficient in \[0, 1\] \(jawOpen=0.6\)\."
    ):
        parse_aus("jawOpen=3", "arkit52")
    with pytest.raises(UsageError, match="did you mean"):
        parse_aus("JawOpen=0.5", "arkit52")


def test_mappings_accept_any_spelling() -> None:
    values = aus_to_vector({"au 12": 0.6})
    assert values.dtype == np.float32
    assert values.sum() == values[get_space("openface17").index("AU12")] == np.float32(0.6)


@pytest.mark.parametrize(
    ("aus", "message"),
    [
        ({"AU24": 1}, "openface17 has no AU24: did you mean"),
        ({"AU12": 3}, r"AU12=3 is above 1: .*AU12=0.6.*12C"),
        ({"AU12": -1}, "AU12=-1 is not a coefficient"),
        ({"AU12": math.nan}, "AU12=nan"),
        ({"AU12": 1, "12": 0.5}, "AU12 is named twice"),
        ({"smile": 1}, "not an action unit"),
    ],
)
def test_bad_mappings(aus: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        aus_to_vector(aus)


@pytest.mark.parametrize("space", FACS)
def test_unknown_coefficients_are_left_out(space: str) -> None:
    assert vector_to_aus([math.nan] * len(get_space(space)), space) == {}


def test_wrong_vectors_are_refused() -> None:
    with pytest.raises(UsageError, match="shape"):
        vector_to_aus(np.zeros((2, 17)))
    with pytest.raises(UsageError, match="divide"):
        vector_to_aus(np.full(17, 3.0))
