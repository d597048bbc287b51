"""A rounding bound that is not finite agrees with nothing: masks with -inf, impossible events, poles nearby."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive


def negative_square(factor: float) -> Callable[..., Any]:
    @jax.custom_vjp
    def square(x: Any) -> Any:
        return -(x**2)

    square.defvjp(lambda x: (-(x**2), x), lambda x, g: (-2 * factor * g * x,))
    return square


def hidden_markov(factor: float) -> Callable[..., Any]:
    emission = negative_square(factor)

    def log_likelihood(mean: Any) -> Any:  # one transition is impossible
        steps = jnp.array([[jnp.log(0.9), jnp.log(0.1)], [-jnp.inf, 0.0]])
        state = jnp.array([0.0, -jnp.inf])
        for seen in (0.2, 1.1, 0.7):
            state = jax.nn.logsumexp(state[:, None] + steps, axis=0) + emission(seen - mean)
        return jax.nn.logsumexp(state)

    return log_likelihood


def masked_softmax(factor: float) -> Callable[..., Any]:
    score = negative_square(factor)
    kept = jnp.array([True, True, False])
    return lambda s: jax.nn.softmax(jnp.where(kept, score(s), -jnp.inf))[0]


# beside the cases that people met: attention with a causal mask, the best of some paths, a mixture with an empty part


def causal_attention(factor: float) -> Callable[..., Any]:
    score = negative_square(factor)
    mask = jnp.tril(jnp.ones((3, 3), bool))

    def mixed(q: Any) -> Any:
        weights = jax.nn.softmax(jnp.where(mask, score(q[:, None] - q[None]), -jnp.inf), axis=-1)
        return weights @ jnp.array([1.0, 2.0, 4.0])

    return mixed


def best_path(factor: float) -> Callable[..., Any]:
    weight = negative_square(factor)

    def longest(x: Any) -> Any:
        edges = jnp.array([[0.0, -1.0], [-jnp.inf, 0.5]])
        ends = weight(x)
        for _ in range(3):
            ends = jnp.max(ends[:, None] + edges, axis=0) + weight(x)
        return jnp.max(ends)

    return longest


def mixture(factor: float) -> Callable[..., Any]:
    density = negative_square(factor)
    shares = jnp.log(jnp.array([0.3, 0.7, 0.0]))
    return lambda x: jax.scipy.special.logsumexp(shares + density(x - jnp.array([0.0, 1.0, 9.0])))


POINTS: dict[str, tuple[Callable[[float], Callable[..., Any]], Any]] = {
    "hidden markov": (hidden_markov, [0.1, 0.9]),
    "masked softmax": (masked_softmax, [0.3, 0.5, 1.0]),
    "causal attention": (causal_attention, [0.3, 0.5, 1.0]),
    "best path": (best_path, [0.3, 0.9]),
    "mixture": (mixture, 0.4),
}


@pytest.mark.parametrize("name", POINTS)
def test_half_of_a_derivative_differs_behind_a_mask(name: str) -> None:
    function, point = POINTS[name]
    report = derive(function(0.5), cost="none", order=1, points=8, budget=30)(jnp.array(point))
    assert report.verdict == "differs"
    assert report.check.faults


@pytest.mark.parametrize("name", POINTS)
def test_the_whole_derivative_agrees_behind_a_mask(name: str) -> None:
    function, point = POINTS[name]
    report = derive(function(1.0), cost="none", order=1, points=8, budget=30)(jnp.array(point))
    assert report.verdict in ("proved", "agrees")
    errors = [entry.error for entry in report.check.entries]
    assert all(error is not None and np.isfinite(error) for error in errors)


def test_numbers_beside_impossible_transitions_are_the_derivative() -> None:
    report = derive(hidden_markov(0.5), cost="none", order=1, budget=30)(jnp.array([0.1, 0.9]))
    shown = [entry.symbolic for entry in report.check.entries]
    assert shown == pytest.approx([2.0109212, -0.2568466], abs=1e-6)
    assert [entry.reverse for entry in report.check.entries] == pytest.approx([1.0054606, -0.1284233], abs=1e-6)
