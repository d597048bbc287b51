"""Control flow as at the point: right where the point's branch is taken, and noticed where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

from .agreement import assert_formulas_match, formulas_of

X = np.array([0.3, -0.8, 1.1])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: lax.fori_loop(0, 3, lambda i, c: jnp.sin(c) * x[i], x),
        lambda x: lax.scan(lambda c, a: (c * a + 1, c**2), 1.0, x),
        lambda x: lax.scan(lambda c, a: (c * a + 1, (c**2, a)), 1.0, x, reverse=True),
        lambda x: lax.scan(lambda c, _: (jnp.tanh(c) + x, None), x, length=4)[0],
        lambda x: lax.scan(lambda c, a: (c, a), 1.0, x[:0])[1],
        lambda x: lax.map(lambda a: a**3, x),
        lambda x: lax.scan(lambda c, a: (lax.fori_loop(0, 2, lambda i, d: d * a, c), c), 1.0, x)[1],
        lambda x: lax.cond(x[0] > 0, jnp.sin, jnp.cos, x),
        lambda x: lax.cond(x[1] > 0, jnp.sin, jnp.cos, x),
        lambda x: lax.cond((x[1] > 0) | (x[2] > 0), jnp.sin, jnp.cos, x),
        lambda x: lax.switch(1, [jnp.sin, jnp.cos, jnp.exp], x),
        lambda x: lax.switch(jnp.argmax(x), [jnp.sin, jnp.cos, jnp.exp], x),
        lambda x: lax.switch(jnp.floor(2.5 * x[2]).astype(int), [jnp.sin, jnp.cos, jnp.exp], x),
        lambda x: lax.while_loop(lambda c: jnp.sum(c**2) < 10, lambda c: c * 1.5, x),
        lambda x: lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * jnp.sin(s[1])), (0, x))[1],
        lambda x: lax.platform_dependent(x, cpu=jnp.sin, default=jnp.cos),
        lambda x: jax.scipy.sparse.linalg.cg(jnp.outer(x, x) + 2 * jnp.eye(3), x, tol=1e-14)[0],
    ],
)
def test_formulas_are_jaxs_numbers(f: Callable[..., Any]) -> None:
    assert assert_formulas_match(f, X)


class TestAFrozenBranch:
    @staticmethod
    def f(x: jax.Array) -> jax.Array:
        return lax.cond(x[0] > 0, jnp.sin, jnp.cos, x)

    def test_is_said(self) -> None:
        _, derivation = formulas_of(self.f, X)
        (sentence,) = derivation.frozen
        assert "branch 1 of a conditional is taken (test_unrolling.py, line" in sentence

    def test_is_noticed_where_it_is_not_taken(self) -> None:
        _, derivation = formulas_of(self.f, X)
        _, _, outside = derivation.evaluate((0, 0), [np.array([X, -X, X + 1.0])])
        assert outside.tolist() == [False, True, False]

    def test_is_none_where_the_choice_is_a_constant(self) -> None:
        _, derivation = formulas_of(lambda x: lax.switch(1, [jnp.sin, jnp.cos], x), X)
        assert not derivation.frozen
        assert derivation.steps.region is None


class TestAFrozenTripCount:
    @staticmethod
    def f(x: jax.Array) -> jax.Array:
        return lax.while_loop(lambda c: jnp.sum(c**2) < 10, lambda c: c * 2.0, x)

    def test_is_said(self) -> None:
        _, derivation = formulas_of(self.f, X)
        (sentence,) = derivation.frozen
        assert "a loop takes 2 steps" in sentence

    def test_is_noticed_where_the_loop_runs_longer_or_shorter(self) -> None:
        _, derivation = formulas_of(self.f, X)
        _, _, outside = derivation.evaluate((0,), [np.array([X, X / 3, X * 3, X * 1.01])])
        assert outside.tolist() == [False, True, True, False]


def test_without_a_point_a_choice_is_out_of_reach() -> None:
    subject = subject_of(TestAFrozenBranch.f, [X], {}, None)
    with pytest.raises(OutOfReach, match="without a point"):
        Derivation(subject_trace(subject), ["x"], ["f"])


def test_long_loops_are_out_of_reach_and_say_so() -> None:
    with pytest.raises(OutOfReach, match="more than 64 steps"):
        formulas_of(lambda x: lax.fori_loop(0, 100, lambda i, c: jnp.sin(c), x), X)


def test_branches_are_the_same_in_single_precision() -> None:
    _, derivation = formulas_of(lambda x: lax.fori_loop(0, 2, lambda i, c: c * x[i], x), X)
    values, _, _ = derivation.evaluate((0,), [X[None]])
    assert values[0] == pytest.approx(X * X[0] * X[1])
