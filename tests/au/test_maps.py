"""Laws of the maps between AU spaces."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gath_bench.au import MAPS, SPACES, AUMap, apply, aus_to_vector, find_map, get_space
from gath_bench.errors import UsageError

PAIRS = sorted(MAPS)


def coefficients(space: str, unknown: bool = False) -> st.SearchStrategy[np.ndarray]:
    values = st.floats(0, 1, width=32)
    if unknown:
        values = values | st.just(math.nan)
    shape = st.integers(1, 3).map(lambda rows: (rows, len(get_space(space))))
    return hnp.arrays(np.float32, shape, elements=values)


def reference(au_map: AUMap, values: np.ndarray) -> np.ndarray:
    """The definition, one number at a time, in double precision."""
    result = np.empty((len(values), len(au_map.covered)))
    for row, column in np.ndindex(result.shape):
        terms = [
            float(value) * weights[column]
            for value, weights in zip(values[row], au_map.weights, strict=True)
            if weights[column] != 0
        ]
        total = math.fsum(terms) if not any(map(math.isnan, terms)) else math.nan
        result[row, column] = min(max(total, 0.0), 1.0) if total == total else math.nan
        if not au_map.covered[column]:
            result[row, column] = math.nan
    return result


@pytest.mark.parametrize("pair", PAIRS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_apply_equals_its_definition(pair: tuple[str, str], data: st.DataObject) -> None:
    au_map = find_map(*pair)
    values = data.draw(coefficients(pair[0], unknown=True))
    before = values.copy()
    result = apply(au_map, values)
    np.testing.assert_allclose(result, reference(au_map, values), atol=1e-6)
    np.testing.assert_array_equal(values, before)
    assert result.dtype == np.float32


@pytest.mark.parametrize("pair", PAIRS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_values_stay_in_range_and_only_uncovered_ones_are_nan(
    pair: tuple[str, str], data: st.DataObject
) -> None:
    au_map = find_map(*pair)
    result = apply(au_map, data.draw(coefficients(pair[0])))
    covered = np.array(au_map.covered)
    assert ((result[:, covered] >= 0) & (result[:, covered] <= 1)).all()
    assert np.isnan(result[:, ~covered]).all()


@pytest.mark.parametrize("name", sorted(SPACES))
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_identity_map_is_exact(name: str, data: st.DataObject) -> None:
    values = data.draw(coefficients(name, unknown=True))
    np.testing.assert_array_equal(apply(find_map(name, name), values), values)
    assert not find_map(name, name).lossy


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if not MAPS[pair].lossy])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_inverse_of_a_lossless_map_returns_the_source(pair: tuple[str, str], data: st.DataObject) -> None:
    values = data.draw(coefficients(pair[0]))
    there = apply(find_map(*pair), values)
    back = apply(find_map(pair[1], pair[0]), there)
    np.testing.assert_allclose(back, values, atol=1e-6)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if MAPS[pair].lossy])
def test_a_lossy_map_lists_dropped_labels(pair: tuple[str, str]) -> None:
    assert find_map(*pair).dropped


@pytest.mark.parametrize("pair", PAIRS)
def test_a_map_is_consistent_with_its_spaces(pair: tuple[str, str]) -> None:
    au_map = find_map(*pair)
    source, target = get_space(pair[0]), get_space(pair[1])
    assert len(au_map.weights) == len(source)
    assert {len(row) for row in au_map.weights} == {len(au_map.covered)} == {len(target)}
    assert set(au_map.approximate) <= set(target.labels) - set(au_map.uncovered)
    assert au_map.coverage == pytest.approx(1 - len(au_map.uncovered) / len(target))
    assert au_map.notes
    assert au_map.citation
    fed = np.abs(np.array(au_map.weights)).sum(axis=0) > 0
    assert tuple(fed.tolist()) == au_map.covered


def test_known_correspondences() -> None:
    arkit = np.zeros(52, dtype=np.float32)
    for name, score in {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.4, "jawOpen": 0.5}.items():
        arkit[get_space("arkit52").index(name)] = score
    openface = apply(find_map("arkit52", "openface17"), arkit)
    expected = {"AU12": 0.6, "AU25": 0.5, "AU26": 0.5}
    for label, value in zip(get_space("openface17").labels, openface, strict=True):
        assert value == pytest.approx(expected.get(label, 0.0)), label
    closed = apply(find_map("openface17", "pyfeat20"), aus_to_vector("45E"))
    assert closed[get_space("pyfeat20").index("AU43")] == 1


@given(shape=st.lists(st.integers(0, 3), max_size=3))
def test_apply_accepts_any_leading_shape(shape: list[int]) -> None:
    result = apply(find_map("openface17", "disfa12"), np.zeros((*shape, 17)))
    assert result.shape == (*shape, 12)


@pytest.mark.parametrize("pair", PAIRS)
def test_torch_tensors_give_equal_tensors(pair: tuple[str, str]) -> None:
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).random((4, len(get_space(pair[0])))).astype(np.float32)
    values[0, 2] = np.nan
    result = apply(find_map(*pair), torch.from_numpy(values))
    assert isinstance(result, torch.Tensor)
    assert result.dtype == torch.float32
    np.testing.assert_allclose(result.numpy(), apply(find_map(*pair), values), atol=1e-6)


def test_a_pair_without_a_map_is_refused_with_existing_maps() -> None:
    with pytest.raises(UsageError, match=r"openface17 to facewarehouse46.*disfa12, pyfeat20"):
        find_map("openface17", "facewarehouse46")
    with pytest.raises(UsageError, match="facewarehouse46 has no map at all"):
        find_map("facewarehouse46", "openface17")
    with pytest.raises(UsageError, match="did you mean arkit52"):
        find_map("arkit51", "openface17")


def test_values_of_another_space_are_refused() -> None:
    with pytest.raises(UsageError, match="17 values, not 12"):
        apply(find_map("openface17", "disfa12"), np.zeros((2, 12)))
