"""Known integers as index arithmetic: every table and mask is tried at all its places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sympy import Integer

from jaxdiff_magic.engines.symbolic.expression import Index, Lookup, bounds, contains
from jaxdiff_magic.engines.symbolic.tables import lookup, region

shapes = arrays.array_shapes(max_dims=2, max_side=5)


def at_places(e, indices, shape):
    """The values of an index expression at all the places of an array."""
    found = np.empty(shape, int)
    for place in np.ndindex(*shape):
        found[place] = int(e.xreplace(dict(zip(indices, map(Integer, place), strict=True))))
    return found


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(int, shapes, elements=st.integers(-3, 3)))
def test_a_lookup_is_the_element(values: np.ndarray) -> None:
    indices = [Index(n) for n in values.shape]
    e = lookup(values, indices)
    assert np.array_equal(at_places(e, indices, values.shape), values)
    low, high = bounds(e)
    assert low is None or (low <= values.min() and high >= values.max())


@pytest.mark.parametrize(
    "values",
    [np.arange(6), np.arange(10, 0, -3), np.full((2, 3), 7), np.arange(12).reshape(3, 4), np.zeros((2, 0), int)],
    ids=str,
)
def test_a_pattern_needs_no_table(values: np.ndarray) -> None:
    assert not contains(lookup(values, [Index(n) for n in values.shape]), (Lookup,))


@settings(max_examples=80, deadline=None)
@given(arrays.arrays(bool, shapes), st.integers(0, 100))
def test_a_region_selects_what_the_mask_does_and_knows_the_values_there(mask: np.ndarray, seed: int) -> None:
    indices = [Index(n) for n in mask.shape]
    values = np.random.default_rng(seed).integers(0, 9, mask.shape)
    places = region(mask, indices)
    assert np.array_equal(at_places(places.selector, indices, mask.shape), mask)
    assert np.array_equal(at_places(places.at(values), indices, mask.shape)[mask], values[mask])


@pytest.mark.parametrize(
    "mask",
    [np.arange(7) % 2 == 1, np.arange(7) == 3, np.eye(4, dtype=bool), np.eye(3, 5, 1, dtype=bool), np.arange(5) > 2],
    ids=str,
)
def test_a_plain_region_needs_no_table(mask: np.ndarray) -> None:
    assert not contains(region(mask, [Index(n) for n in mask.shape]).selector, (Lookup,))
