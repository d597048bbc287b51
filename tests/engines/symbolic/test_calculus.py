"""Derivatives over several steps: the same numbers however the steps are cut, and whatever their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic.engines.symbolic import derivation

from .agreement import assert_formulas_match

A = np.random.default_rng(1).uniform(-1.0, 1.0, (3, 3))
X = np.array([0.3, -0.8, 1.1])


def network(x: jax.Array) -> jax.Array:
    h = jnp.tanh(A @ x)
    k = jax.nn.sigmoid(A.T @ h + x)
    return jnp.sum(k * h) ** 2


def softmax_of_softmax(x: jax.Array) -> jax.Array:
    s = jnp.exp(x) / jnp.sum(jnp.exp(x))
    return jnp.exp(A @ s) / jnp.sum(jnp.exp(A @ s))


def normalised(x: jax.Array) -> jax.Array:
    centred = x - jnp.mean(x)
    return centred / jnp.sqrt(jnp.mean(centred**2) + 0.1)


def squared_sums(x: jax.Array) -> jax.Array:
    total = jnp.sum(x * jnp.sum(x**2))
    return jnp.sum(x) ** 2 * total + jnp.sum(jnp.sum(x) * x) * total**2


def reshaped(x: jax.Array) -> jax.Array:
    outer = jnp.outer(x, x).reshape(9)
    return jnp.sum(jnp.sin(outer.reshape(3, 3).T @ x)) * outer[4]


def repeated(x: jax.Array) -> jax.Array:
    for _ in range(2):
        x = jnp.sin(A @ x) * jnp.sum(x)
    return x


PROGRAMS = [network, softmax_of_softmax, normalised, squared_sums, reshaped, repeated]


@pytest.mark.parametrize("inline", [0, 3, 1000])
@pytest.mark.parametrize("f", PROGRAMS)
def test_derivatives_do_not_depend_on_how_much_is_inlined(
    f: Callable[..., Any], inline: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derivation, "INLINE", inline)
    assert assert_formulas_match(f, X, order=3 if inline == 3 else 2)


def test_several_inputs_and_outputs_each_have_their_blocks() -> None:
    def f(x: jax.Array, a: jax.Array) -> dict[str, jax.Array]:
        return {"y": a @ x, "cost": jnp.sum(jnp.tanh(a @ x) ** 2)}

    assert assert_formulas_match(f, X, A)


class TestStopGradient:
    def test_is_the_value_and_has_no_slope(self) -> None:
        assert assert_formulas_match(lambda x: lax.stop_gradient(x**2) * jnp.sin(x), X)

    def test_lets_a_straight_through_estimator_through(self) -> None:
        assert assert_formulas_match(lambda x: x + lax.stop_gradient(jnp.floor(x) - x), X)

    def test_in_a_library_function_changes_nothing(self) -> None:
        assert assert_formulas_match(lambda x: jax.nn.logsumexp(2.0 * x) + jax.nn.softmax(x)[0], X, order=3)


class TestKinks:
    """Away from the kink the derivative is that of the branch taken."""

    @pytest.mark.parametrize(
        "f",
        [
            jnp.abs,
            jax.nn.relu,
            lambda x: jnp.max(x**2),
            lambda x: jnp.clip(x, -0.5, 0.5) ** 2,
            lambda x: jnp.where(x > 0, jnp.exp(x), x**3),
            lambda x: jax.nn.elu(x) + jax.nn.leaky_relu(x),
        ],
    )
    def test_are_differentiated_branch_by_branch(self, f: Callable[..., Any]) -> None:
        assert assert_formulas_match(f, X)

    @pytest.mark.parametrize("f", [jnp.abs, jax.nn.relu, lambda x: jnp.where(x > 0, x, 0.0)])
    def test_are_noticed_when_stood_upon(self, f: Callable[..., Any]) -> None:
        assert not assert_formulas_match(f, np.array([1.0, 0.0]))
