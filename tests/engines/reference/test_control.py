"""Loops and conditionals are run as they go at the point."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic.base.errors import OutOfReach

from .agreement import assert_as_jax, compared, reference_of

X = np.array([0.3, -0.8, 1.1])
M = np.array([[0.3, -0.8, 1.1], [0.7, 0.2, -0.4]])


def halved(x: jax.Array) -> jax.Array:
    """The number of rounds depends on the values."""
    large = lambda s: (jnp.sum(jnp.abs(s[0])) > 0.3) & (s[1] < 9)  # noqa: E731
    return lax.while_loop(large, lambda s: (0.5 * jnp.sin(s[0]), s[1] + 1), (x, 0))[0]


@jax.custom_jvp
def cube(x: jax.Array) -> jax.Array:
    return x**3


cube.defjvp(lambda p, t: (cube(*p), 3.0 * p[0] ** 2 * t[0]))

PROGRAMS: dict[str, tuple[Any, ...]] = {
    "scan": (lambda x: lax.scan(lambda c, a: (jnp.sin(c) * a, c * a), x[0], x), X),
    "scan from the end": (lambda x: lax.scan(lambda c, a: (c * 0.5 + a**2, c), 0.3, x, reverse=True), X),
    "scan of several arrays": (lambda x, y: lax.scan(lambda c, ab: (c * ab[0] + ab[1], c), 1.0, (x, y)), X, X**2),
    "scan of matrices": (lambda a: lax.scan(lambda c, row: (c * row, c + row), jnp.ones(3), a), M),
    "scan over nothing": (lambda x: lax.scan(lambda c, a: (c * a, c), x[0], x[:0]), X),
    "scan without arrays": (lambda x: lax.scan(lambda c, _: (c * x, None), x, None, length=3)[0], X),
    "scan within scan": (
        lambda x: lax.scan(lambda c, a: (c + lax.scan(lambda d, b: (d * b, None), a, x)[0], None), 0.0, x)[0],
        X,
    ),
    "fori_loop": (lambda x: lax.fori_loop(0, 4, lambda i, c: jnp.sin(c) * x + i, x), X),
    "a loop of computed length": (lambda x: lax.fori_loop(0, jnp.argmax(x), lambda i, c: c * x, x), X),
    "while_loop": (halved, X),
    "while loops side by side": (jax.vmap(halved), M),
    "cond": (lambda x: lax.cond(x[0] > 0, jnp.square, jnp.exp, x), X),
    "cond of a constant": (lambda x: lax.cond(True, jnp.square, jnp.exp, x), X),
    "switch": (lambda x: lax.switch(jnp.argmax(x), [jnp.sin, jnp.cos, jnp.exp], x), X),
    "switch beyond its branches": (lambda x: lax.switch(7, [jnp.sin, jnp.cos], x), X),
    "vmap of cond": (jax.vmap(lambda x: lax.cond(x > 0, jnp.exp, jnp.square, x)), X),
    "map": (lambda a: lax.map(lambda row: row @ row, a), M),
    "jit in jit": (jax.jit(lambda x: jax.jit(jnp.sin)(x) * x), X),
    "remat": (jax.checkpoint(lambda x: jnp.sin(x) * x), X),
    "a custom rule": (lambda x: cube(x) * x, X),
    "a custom rule under vmap in scan": (lambda x: lax.scan(lambda c, a: (jax.vmap(cube)(c) * a, None), x, x)[0], X),
    "a gradient": (jax.grad(lambda x: jnp.sum(jnp.sin(x) * x)), X),
    "a printout": (lambda x: (jax.debug.print("{}", x[0] > 9.0), x**2)[1], X),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    assert_as_jax(*PROGRAMS[name])


def test_a_loop_that_ends_at_a_tie_is_told() -> None:
    f = lambda x: lax.while_loop(lambda c: c > 0.25, lambda c: 0.5 * c, x)  # noqa: E731
    assert compared(f, [np.array([1.0])]) == "at a tie"


def test_points_may_take_different_branches() -> None:
    reference = reference_of(lambda x: lax.cond(x > 0, jnp.exp, jnp.square, x), 1.0)
    found = reference.evaluate((0, 0), [np.array([-0.5, 1.0, -2.0])])
    np.testing.assert_allclose(found.values, [-1.0, np.e, -4.0], rtol=1e-15)


def test_points_may_run_loops_for_different_times() -> None:
    points = [np.array([[0.1, 0.0], [2.0, 1.0], [0.3, -9.0]])]
    assert compared(halved, points) == "compared"


def test_a_call_back_into_python_is_out_of_reach() -> None:
    shape = jax.ShapeDtypeStruct((3,), np.float64)
    with pytest.raises(OutOfReach, match="call back into Python"):
        compared(lambda x: jax.pure_callback(np.sin, shape, x), [X[None]], order=0)
