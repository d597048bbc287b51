"""Where there is structure, its strategy is many times faster than the plain modes, with the same numbers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic.cost.measuring import time_interleaved
from jaxdiff_magic.cost.structure import Strategy, best_of, by_formula, dense, strategies_of
from jaxdiff_magic.engines.symbolic.compiled import closed_form
from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace
from tests.cost.test_structure import asdex

SIZE = 1000
RNG = np.random.default_rng(0)
X = jnp.asarray(RNG.uniform(0.5, 1.5, SIZE), jnp.float32)
BLOCKS = jnp.asarray(RNG.normal(size=(100, 10, 10)) / 3, jnp.float32)
INNER, OUTER = (jnp.asarray(RNG.normal(size=shape) / 16, jnp.float32) for shape in ((4, 256), (256, 4)))


def repeated(step: Callable[[jax.Array], jax.Array], times: int) -> Callable[[jax.Array], jax.Array]:
    """Enough work for each entry that a Jacobian takes longer to compute than to write down."""

    def f(x: jax.Array) -> jax.Array:
        for _ in range(times):
            x = step(x)
        return x

    return f


def neighbours(x: jax.Array) -> jax.Array:
    return jnp.sin(x) * x + jnp.pad(x[1:] ** 2, (0, 1)) - jnp.pad(x[:-1] ** 3, (1, 0))


def rosenbrock(x: jax.Array) -> jax.Array:
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def bottleneck(x: jax.Array) -> jax.Array:
    for _ in range(3):
        x = x + 0.1 * jnp.sin(x)
    h = jnp.tanh(INNER @ x)
    y = jnp.sin(OUTER @ h)
    for _ in range(3):
        y = y + 0.1 * jnp.cos(y)
    return y


CASES: dict[str, tuple[Callable[..., Any], jax.Array, str, str, dict[str, float]]] = {
    "tridiagonal Jacobian": (neighbours, X, "jacobian", "coloured forward", {"forward": 1.5, "reverse": 10}),
    "diagonal Jacobian": (
        repeated(lambda x: jnp.tanh(x) * jnp.exp(-x) + x, 20),
        X,
        "jacobian",
        "coloured forward",
        {"forward": 6, "reverse": 7},
    ),
    "block Jacobian": (
        repeated(lambda x: jnp.tanh(jnp.einsum("bij,bj->bi", BLOCKS, x.reshape(100, 10))).ravel(), 4),
        X,
        "jacobian",
        "coloured forward",
        {"forward": 4, "reverse": 10},
    ),
    "tridiagonal Hessian": (
        rosenbrock,
        X,
        "hessian",
        "coloured",
        {"forward over reverse": 2.5, "reverse over reverse": 5},
    ),
    "bottleneck of 4": (bottleneck, X[:256], "jacobian", "bottleneck", {"forward": 3, "reverse": 5}),
}
"""Function, point, what is differentiated, the strategy that is found, and how many times faster than which modes.

XLA computes a plain Jacobian of a few operations in the time that it takes to write its million entries down: there the
gain is that of not writing zeros.
"""


def ratio(fast: Callable[..., Any], slow: Callable[..., Any], *args: jax.Array) -> float:
    """How many times as long the slow one takes: both compiled, run in turn, the best of each."""
    programs = [jax.jit(fast), jax.jit(slow)]
    runs = [lambda program=program: jax.block_until_ready(program(*args)) for program in programs]
    times = time_interleaved(runs, time.monotonic() + 60)
    assert times is not None
    quickest, slowest = times.min(axis=0)
    return float(slowest / quickest)


@pytest.mark.parametrize("name", CASES)
def test_structure_beats_the_plain_mode(name: str) -> None:
    f, x, what, expected, factors = CASES[name]
    if asdex is None and expected.startswith("coloured"):
        pytest.skip("asdex cannot be imported beside this JAX")
    found = strategies_of(subject_of(f, (x,), {}), missing={}, deadline=time.monotonic() + 120)
    best = best_of(found, what)  # pyright: ignore[reportArgumentType]
    assert best is not None
    assert best.name == expected
    plain = [s for s in found if s.what == what and not s.infeasible and not s.because]
    ratios = {strategy.name: ratio(best.build(), strategy.build(), x) for strategy in plain}
    for strategy in plain:
        agree(best, strategy, x)
    print(name, {mode: round(value, 1) for mode, value in ratios.items()})
    assert set(ratios) == set(factors)
    assert all(ratios[mode] >= factors[mode] for mode in factors), ratios


HALF = jnp.asarray(RNG.normal(size=(25, 20)), jnp.float32)
TARGET = jnp.asarray(RNG.normal(size=(25, 25)), jnp.float32)
MATRIX = jnp.asarray(RNG.normal(size=(SIZE, SIZE)), jnp.float32)
CLOSED: dict[str, tuple[Callable[..., Any], tuple[jax.Array, ...]]] = {
    "quadratic form": (lambda x: x @ MATRIX @ x, (X,)),
    "matrix factorisation": (lambda u, v: jnp.sum((u @ v.T - TARGET) ** 2), (HALF, HALF[::-1])),
}


LEAST = {"quadratic form": 20, "matrix factorisation": 3}
"""Half of the least gain that was seen, on a busy machine."""


@pytest.mark.parametrize("name", CLOSED)
def test_a_closed_form_beats_the_plain_hessian(name: str) -> None:
    f, args = CLOSED[name]
    subject = subject_of(f, args, {})
    names = [leaf.name for leaf in subject.inputs], [leaf.name for leaf in subject.outputs]
    derivation = Derivation(subject_trace(subject), *names, subject.point)
    every = range(len(args))
    forms = [[closed_form(derivation, (0, i, j)) for j in every] for i in every]

    def program(*leaves: jax.Array) -> Any:
        return (tuple(tuple(form(*leaves) for form in row) for row in forms),)

    deadline = time.monotonic() + 120
    found = strategies_of(subject, missing={}, deadline=deadline)
    plain = best_of(found, "hessian")
    assert plain is not None
    assert plain.name == "forward over reverse"
    closed = by_formula(subject, "hessian", program, found, deadline=deadline)
    assert closed.verified == "the same numbers as forward over reverse, at the point and at one near it"
    gain = ratio(closed.build(), plain.build(), *args)
    print(name, round(gain, 1))
    assert gain >= LEAST[name]


def agree(one: Strategy, other: Strategy, x: jax.Array) -> None:
    a, b = (jax.tree.leaves(dense(jax.jit(strategy.build())(x))) for strategy in (one, other))
    for left, right in zip(a, b, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-5 * np.abs(right).max())
