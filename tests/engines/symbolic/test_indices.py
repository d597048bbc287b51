"""The calculus of indices against counting: every index expression is tried at all its values."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer

from jaxdiff_magic.engines.symbolic.evaluate import evaluation
from jaxdiff_magic.engines.symbolic.expression import Delta, Index, IndexSum, Truth, Within, bounds, canonical, contains
from jaxdiff_magic.engines.symbolic.indices import quotient, ravel, remainder, total, unravel
from jaxdiff_magic.engines.symbolic.program import Array, Definition, Program

Terms = list[tuple[int, int]]
"""The coefficients of a linear form, each with the size of its index."""

terms = st.lists(st.tuples(st.integers(-6, 6), st.integers(1, 4)), min_size=1, max_size=3)
X = Array.named("x", (4, 3))
VALUES = np.random.default_rng(0).uniform(1.0, 2.0, X.shape)


def indices_of(terms: Terms) -> list[Index]:
    return [Index(size) for _, size in terms]


def linear(terms: Terms, indices: Sequence[Index], constant: int) -> sp.Expr:
    return sp.Add(*(c * i for (c, _), i in zip(terms, indices, strict=True)), constant)


def assignments(indices: Sequence[Index]) -> list[dict[sp.Basic, Integer]]:
    ranges = itertools.product(*(range(i.size) for i in indices))
    return [dict(zip(indices, map(Integer, at), strict=True)) for at in ranges]


def number(e: sp.Basic, at: Mapping[sp.Basic, sp.Basic]) -> float:
    """The value of an expression in `X` at some indices."""
    scalar = Definition(Array.named("value", ()), (), sp.sympify(e).xreplace(dict(at)))
    started = evaluation(Program((X,), (), (), ()), [VALUES[None]])
    return float(started.of(scalar)[0][0])


@given(terms, st.integers(-8, 8))
def test_bounds_are_the_least_and_greatest_value(terms: Terms, constant: int) -> None:
    indices = indices_of(terms)
    e = linear(terms, indices, constant)
    values = [int(e.xreplace(at)) for at in assignments(indices)]
    assert bounds(e) == (min(values), max(values))


@given(terms, st.integers(-8, 8), st.integers(1, 6))
def test_quotient_and_remainder_are_pythons(terms: Terms, constant: int, divisor: int) -> None:
    indices = indices_of(terms)
    e = linear(terms, indices, constant)
    whole, rest = quotient(e, divisor), remainder(e, divisor)
    for at in assignments(indices):
        assert divmod(int(e.xreplace(at)), divisor) == (whole.xreplace(at), rest.xreplace(at))
        for part in (whole, rest):
            low, high = bounds(part)
            assert low is None or low <= part.xreplace(at)
            assert high is None or high >= part.xreplace(at)


class TestPositions:
    shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3)

    @given(shapes)
    def test_count_the_elements_in_row_major_order(self, shape: list[int]) -> None:
        indices = [Index(size) for size in shape]
        position = ravel(indices, shape)
        assert [int(position.xreplace(at)) for at in assignments(indices)] == list(range(int(np.prod(shape))))

    @given(st.lists(st.integers(2, 5), min_size=1, max_size=3))
    def test_lead_back_to_the_indices_they_came_from(self, shape: list[int]) -> None:
        indices = tuple(Index(size) for size in shape)
        assert unravel(ravel(indices, shape), shape) == indices

    @settings(max_examples=20, deadline=None)
    @given(shapes)
    def test_lead_to_the_same_element_of_another_shape(self, shape: list[int]) -> None:
        indices = [Index(size) for size in shape]
        for other in itertools.permutations(shape):
            element = unravel(ravel(indices, shape), other)
            for position, at in enumerate(assignments(indices)):
                assert tuple(int(i.xreplace(at)) for i in element) == np.unravel_index(position, other)

    def test_of_a_reshaped_reshape_are_plain_again(self) -> None:
        i = Index(12)
        there = unravel(i, (3, 4))
        assert ravel(there, (3, 4)) == i

    def test_in_an_empty_array_are_any(self) -> None:
        assert unravel(Index(0), (2, 0, 3)) == (0, 0, 0)


class TestTotal:
    @settings(max_examples=40, deadline=None)
    @given(terms, terms, st.integers(-3, 3), st.data())
    def test_is_the_sum_written_out(self, left: Terms, right: Terms, constant: int, data: st.DataObject) -> None:
        """Of deltas and ranges of linear forms, over any of the indices."""
        indices = [Index(4, "i"), Index(3, "j"), *indices_of(left), *indices_of(right)]
        a = linear(left, indices[2 : 2 + len(left)], constant)
        b = linear(right, indices[2 + len(left) :], 0)
        body = X.at(indices[:2]) * Delta(a, b + indices[0]) * Within(b, Integer(-2), Integer(3)) + Delta(a, indices[1])
        summed = data.draw(st.lists(st.sampled_from(indices), unique=True, min_size=1))
        found = total(body, summed)
        kept = [i for i in indices if i not in summed]
        for at in data.draw(st.lists(st.sampled_from(assignments(kept)), min_size=1, max_size=3)):
            written_out = sum(number(body, at | within) for within in assignments(summed))
            assert number(found, at) == pytest.approx(written_out)

    def test_over_a_delta_renames(self) -> None:
        i, j, k = Index(4, "i"), Index(3, "j"), Index(4, "k")
        assert total(Delta(i, k) * X.at((i, j)), [i]) == X.at((k, j))

    def test_over_a_shifted_delta_keeps_to_the_range(self) -> None:
        i, k = Index(4, "i"), Index(4, "k")
        found = total(Delta(i, k + 2) * X.at((i, Integer(0))), [i])
        assert [number(found, {k: Integer(n)}) for n in range(4)] == [VALUES[2, 0], VALUES[3, 0], 0.0, 0.0]

    def test_finds_the_digits_of_a_position_in_memory(self) -> None:
        i, j, k = Index(4, "i"), Index(3, "j"), Index(12, "k")
        found = total(Delta(3 * i + j, k) * X.at((i, j)), [i, j])
        assert not contains(found, (IndexSum, Delta))
        assert [number(found, {k: Integer(n)}) for n in range(12)] == list(VALUES.ravel())

    def test_takes_factors_out_that_the_sum_does_not_reach(self) -> None:
        i, j, k = Index(4, "i"), Index(3, "j"), Index(5, "k")
        assert total(X.at((i, j)), [k]) == 5 * X.at((i, j))

    def test_of_a_product_with_an_inner_sum_contracts_its_delta(self) -> None:
        i, j, k = Index(4, "i"), Index(3, "j"), Index(4, "k")
        inner = total(Delta(i, k) * sp.exp(X.at((i, j))), [j])
        assert canonical(total(inner, [i])) == canonical(IndexSum(sp.exp(X.at((k, j))), j))

    def test_over_no_elements_is_zero(self) -> None:
        empty, i = Index(0), Index(4)
        assert total(X.at((i, Integer(0))) + 1, [empty]) == 0
        assert total(Delta(3 * empty + i, Integer(2)), [empty, i]) == 0

    def test_of_a_condition_keeps_it(self) -> None:
        i = Index(4)
        positive = Truth(X.at((i, Integer(0))) > 1.5)
        assert number(total(positive, [i]), {}) == np.sum(VALUES[:, 0] > 1.5)


class TestCanonical:
    def test_equal_sums_are_equal_expressions_whatever_their_indices_are_called(self) -> None:
        def nested() -> sp.Expr:
            i, j = Index(4), Index(3)
            return IndexSum(X.at((i, Integer(0))) * IndexSum(sp.sin(X.at((i, j))), j), i)

        assert nested() != nested()
        assert canonical(nested()) == canonical(nested())

    def test_sums_within_sums_keep_their_own_indices(self) -> None:
        i, j, k = Index(3, "i"), Index(3, "j"), Index(3, "k")
        a, b = IndexSum(X.at((j, Integer(0))), j), IndexSum(X.at((k, i)), k)
        e = IndexSum(sp.exp(X.at((Integer(1), i)) * a) * b**2, i)
        assert number(canonical(e), {}) == pytest.approx(number(e, {}))
        assert canonical(canonical(e)) == canonical(e)
