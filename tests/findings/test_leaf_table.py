"""Where NaN, infinities, underflow and exact zeros begin, by the reader's line, and which leaves they reach."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.findings.leaf_table import leaves_of
from jaxdiff_magic.report.leaves import Beginning

from .scenes import scene_of


def beginnings(f, *args) -> tuple[Beginning, ...]:
    scene = scene_of(f, *args, order=1)
    return leaves_of(scene, None, scene.deadline).begins


def test_nan_on_the_way_back_is_told_by_its_line_and_the_leaves_it_reaches() -> None:
    def f(x, y, z):
        length = jnp.sqrt(jnp.sum((x * y) ** 2))
        return length + z

    (begun,) = beginnings(f, jnp.zeros(2), jnp.zeros(2), 1.0)
    assert (begun.what, begun.way, begun.leaves) == ("nan", "back", ("x", "y"))
    assert begun.source == "length = jnp.sqrt(jnp.sum((x * y) ** 2))" and begun.event == "0 * inf"


def test_the_line_is_found_also_where_no_formulas_are_wanted() -> None:
    def f(x, y):
        return jnp.sqrt(x) * y

    report = derive(f, symbolic=False, order=1, cost="none", points=1)(0.0, 0.0)
    assert report.leaves is not None
    begun = report.leaves.begins[0]
    assert (begun.what, begun.leaves, begun.source) == ("nan", ("x",), "return jnp.sqrt(x) * y")


def test_what_is_not_finite_on_the_way_forward_is_told_first_and_alone() -> None:
    def f(x, y):
        small = jnp.log(x)
        return small * y

    (begun,) = beginnings(f, -1.0, 2.0)
    assert (begun.what, begun.way, begun.source) == ("nan", "forward", "small = jnp.log(x)")


def test_an_infinity_is_no_nan() -> None:
    (begun,) = beginnings(lambda x: jnp.exp(x), 1e5)
    assert (begun.what, begun.way) == ("infinity", "forward")


def test_underflow_is_told_from_a_zero_that_is_chosen() -> None:
    def f(p, q):
        gone = jnp.exp(-p * 900.0)
        kept = jnp.maximum(q, 0.0)
        return gone + kept

    small, chosen = beginnings(f, 1.0, -1.0)
    assert (small.what, small.leaves, small.event) == ("underflow", ("p",), "exp")
    assert small.source == "gone = jnp.exp(-p * 900.0)"
    assert (chosen.what, chosen.leaves, chosen.source) == ("zero", ("q",), "kept = jnp.maximum(q, 0.0)")


def test_a_factor_that_is_zero_is_named() -> None:
    (begun,) = beginnings(lambda w, x: w @ x, jnp.zeros(3), jnp.ones(3))
    assert (begun.what, begun.leaves, begun.event) == ("zero", ("x",), "w is 0 in every entry")


def test_what_is_never_used_is_reached_by_nothing() -> None:
    (begun,) = beginnings(lambda x, y: x**2 + 0.0 * jax.lax.stop_gradient(y), 1.0, 2.0)
    assert begun.leaves == ("y",) and begun.event == "nothing of it reaches the result"


@pytest.mark.parametrize("x", [1.0, jnp.array([1.0, -2.0, 0.0])])
def test_of_a_function_with_nothing_wrong_nothing_is_told(x) -> None:
    assert beginnings(lambda x: jnp.sum(jnp.maximum(x, 0.0) ** 2), x) == ()


@pytest.mark.parametrize("size", [60, 3000], ids=["a Hessian that was built", "products with one that was not"])
def test_of_a_model_the_curvature_is_known_with_its_error(size: int) -> None:
    def f(p):
        return jnp.sum(jnp.cosh(p["a"])) + 2.0 * jnp.sum(p["b"] ** 2)

    p = {"a": jnp.linspace(-1.0, 1.0, size), "b": jnp.linspace(0.1, 0.5, size)}
    found = derive(f, symbolic=False, cost="none", points=1, budget=60.0)(p).leaves
    assert found is not None and found.is_model
    a, b = (np.asarray(leaf, np.float64) for leaf in p.values())
    gradient = np.concatenate([np.sinh(a), 4 * b])
    diagonal = np.concatenate([np.cosh(a), np.full(size, 4.0)])
    expected = (diagonal @ gradient**2 / (gradient @ gradient), 4.0, diagonal.sum())
    for estimate, value in zip((found.along, found.largest, found.trace), expected, strict=True):
        assert estimate is not None
        assert abs(estimate.value - value) <= 4 * estimate.error + 1e-5 * value
        assert estimate.error < 0.05 * value
