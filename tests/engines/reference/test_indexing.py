"""Reading and writing at positions: fixed, computed, outside, twice."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic.base.errors import OutOfReach

from .agreement import assert_as_jax, compared, reference_of

X = np.array([0.3, -0.8, 1.1])
M = np.array([[0.3, -0.8, 1.1], [0.7, 0.2, -0.4]])

READING = {
    "positions, one of them twice": (lambda x: x[jnp.array([2, 0, 0])] ** 2, X),
    "from the end": (lambda x: x[-1] * x[jnp.array([-2, -3])], X),
    "outside: the last element": (lambda x: x[5] * x[0], X),
    "outside: a filling": (lambda x: x.at[jnp.array([1, 7])].get(mode="fill", fill_value=0.5) ** 2, X),
    "rows and columns": (lambda a: a[jnp.array([1, 0]), jnp.array([0, 2])] ** 2, M),
    "whole rows": (lambda a: a[jnp.array([1, 1])] ** 2, M),
    "along an axis": (lambda a: jnp.take_along_axis(a, jnp.argsort(a, 1), 1) ** 2, M),
    "at the largest": (lambda x: x[jnp.argmax(x)] * x, X),
    "a row each": (lambda a: jax.vmap(lambda row, k: row[k])(a, jnp.array([2, 0])) ** 2, M),
    "a slice that starts where the values say": (lambda x: lax.dynamic_slice(x, (jnp.argmax(x) - 1,), (2,)) ** 2, X),
    "a slice that starts outside": (lambda x: lax.dynamic_slice(x, (7,), (2,)) ** 2, X),
    "searchsorted": (lambda x: x * jnp.searchsorted(jnp.array([-0.5, 0.2, 0.7]), x), X),
    "interpolation": (lambda x: jnp.interp(x, jnp.array([-1.0, 0.0, 2.0]), jnp.array([0.0, 3.0, 1.0])), X),
}
WRITING = {
    "set": (lambda x: x.at[1].set(x[0] * x[2]), X),
    "set many": (lambda x: jnp.zeros(5).at[jnp.array([4, 1, 2])].set(x**2), X),
    "set outside": (lambda x: x.at[7].set(x[0]) ** 2, X),
    "set columns": (lambda a: a.at[:, 1].set(a[:, 0] ** 2), M),
    "add twice to one": (lambda x: jnp.zeros(5).at[jnp.array([1, 1, 4])].add(x**2), X),
    "subtract": (lambda x: x.at[jnp.array([0, 0])].subtract(x[1:] ** 2), X),
    "multiply": (lambda x: x.at[1].mul(x[0]), X),
    "divide": (lambda x: x.at[1].divide(x[0]), X),
    "min": (lambda x: x.at[jnp.array([1, 2])].min(x[0]), X),
    "max": (lambda x: x.at[jnp.array([1, 2])].max(x[0]), X),
    "a row each": (lambda a: jax.vmap(lambda row, k: row.at[k].set(row[1] ** 2))(a, jnp.array([2, 0])), M),
    "a slice": (lambda x: lax.dynamic_update_slice(x, x[:2] ** 2, (jnp.argmax(x) - 1,)), X),
    "sums over segments": (lambda x: jax.ops.segment_sum(x**2, jnp.array([0, 1, 0]), 2), X),
}
ORDERING = {
    "sort": (jnp.sort, X),
    "sort along an axis": (lambda a: jnp.sort(a, 0) ** 2, M),
    "sort from the largest": (lambda x: jnp.sort(x, descending=True) * jnp.arange(3.0), X),
    "sort one by another": (lambda x: lax.sort((x, x**2))[1] * jnp.arange(3.0), X),
    "argsort": (lambda x: x[jnp.argsort(x)] * x, X),
    "top_k": (lambda a: lax.top_k(a, 2)[0] ** 2, M),
    "top_k's positions": (lambda x: x * x[lax.top_k(x, 1)[1]], X),
    "median": (jnp.median, X),
    "quantile": (lambda x: jnp.quantile(x, 0.3), X),
}


@pytest.mark.parametrize("name", READING)
def test_reading(name: str) -> None:
    assert_as_jax(*READING[name])


@pytest.mark.parametrize("name", WRITING)
def test_writing(name: str) -> None:
    assert_as_jax(*WRITING[name])


@pytest.mark.parametrize("name", ORDERING)
def test_ordering(name: str) -> None:
    assert_as_jax(*ORDERING[name])


@pytest.mark.parametrize("f", [jnp.sort, lambda x: lax.top_k(x, 2)[0], lambda x: x[jnp.argsort(x)]])
def test_equal_elements_in_a_sort_are_told(f: object) -> None:
    assert compared(f, [np.array([[1.0, 0.5, 1.0]])]) == "at a tie"  # type: ignore[arg-type]


def test_positions_in_an_array_without_elements() -> None:
    assert_as_jax(lambda x, e: x * (1.0 + e[jnp.zeros(0, int)].sum()), X, np.zeros(0))
    assert_as_jax(lambda x, e: jax.vmap(lambda k: x[k])(jnp.zeros(0, int)).sum() + x, X, np.zeros(0))


def test_a_scatter_that_applies_a_function_is_not_taken_for_one_that_overwrites() -> None:
    with pytest.raises(OutOfReach, match="applies a function"):
        compared(lambda x: x.at[0].apply(jnp.sin), [X[None]], order=0)


def test_factors_for_one_element_come_one_after_the_other() -> None:
    """JAX has no derivative of it."""
    x = np.array([0.5, 1.2, -0.7])
    found = reference_of(lambda x: x.at[jnp.array([0, 0])].multiply(x[1:])[0], x).evaluate((0, 0), [x[None]])
    np.testing.assert_allclose(found.values[0], [1.2 * -0.7, 0.5 * -0.7, 0.5 * 1.2], rtol=1e-14)
