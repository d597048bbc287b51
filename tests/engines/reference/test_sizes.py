"""At full size: value, gradient and Hessian (a product with a vector where it would not fit) are JAX's in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

RNG = np.random.default_rng(0)
POINT = np.array([0.3, -0.8, 1.1])


def logistic(n: int, d: int) -> tuple[Callable[..., Any], np.ndarray]:
    data, labels = RNG.normal(size=(n, d)), (RNG.uniform(size=n) > 0.5) * 1.0

    def loss(w: jax.Array) -> jax.Array:
        z = data @ w
        return -jnp.mean(labels * jax.nn.log_sigmoid(z) + (1 - labels) * jax.nn.log_sigmoid(-z))

    return loss, RNG.normal(size=d)


FIRST, SECOND, TARGET = RNG.normal(size=(50, 50)) / 7, RNG.normal(size=(50, 50)) / 7, RNG.normal(size=(100, 100))

FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "softmax of 50": (jax.nn.softmax, RNG.normal(size=50)),
    "log-sum-exp of 50": (jax.nn.logsumexp, RNG.normal(size=50)),
    "logistic regression 20 x 40": logistic(40, 20),
    "logistic regression 50 x 100": logistic(50, 100),
    "a 50-50-50 network by its input": (lambda x: jnp.sum(jnp.tanh(SECOND @ jnp.tanh(FIRST @ x)) ** 2), FIRST[0]),
    "matrix factorisation 100 x 100 of rank 5": (
        lambda u, v: jnp.sum((u @ v.T - TARGET) ** 2),
        RNG.normal(size=(100, 5)),
        RNG.normal(size=(100, 5)),
    ),
}


def step(x: jax.Array) -> jax.Array:
    return jnp.sin(x) * 1.1 + 0.1 * x[::-1]


def iterated(kind: str, times: int) -> Callable[..., Any]:
    def f(x: jax.Array) -> jax.Array:
        if kind == "python":
            for _ in range(times):
                x = step(x)
        elif kind == "fori_loop":
            x = lax.fori_loop(0, times, lambda _, c: step(c), x)
        else:
            x, _ = lax.scan(lambda c, _: (step(c), None), x, None, length=times)
        return jnp.sum(x)

    return f


def assert_close(found: np.ndarray, expected: Any) -> None:
    """Equal to 1e-12, relative to the largest entry."""
    expected = np.asarray(expected)
    assert found.shape == expected.shape
    assert np.max(np.abs(found - expected)) <= 1e-12 * np.max(np.abs(expected))


def assert_derivatives(f: Callable[..., Any], like: Callable[..., Any], args: tuple[np.ndarray, ...]) -> None:
    """Value, first and second derivatives of `f`, compared with what JAX gives for `like`, the same function."""
    with jax.enable_x64(True):
        reference, points = Reference(subject_trace(subject_of(f, args, {}))), [x[None] for x in args]
        every = tuple(range(len(args)))
        jacobian = jax.jacrev(like, every)
        value, first, second = jax.jit(lambda *x: (like(*x), jacobian(*x), jax.jacfwd(jacobian, every)(*x)))(*args)
        for i in every:
            for j in every:
                assert_close(reference.evaluate((0, i, j), points).values[0], second[i][j])
            assert_close(reference.evaluate((0, i), points).values[0], first[i])
        assert_close(reference.evaluate((0,), points).values[0], value)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_at_full_size(name: str) -> None:
    f, *args = FUNCTIONS[name]
    assert_derivatives(f, f, tuple(args))


@pytest.mark.parametrize("times", [10, 100, 1000])
@pytest.mark.parametrize("kind", ["python", "fori_loop", "scan"])
def test_derivatives_of_a_map_iterated_many_times(kind: str, times: int) -> None:
    # JAX compiles the Hessian of an unrolled loop for minutes, so its numbers come from the same map as a scan
    assert_derivatives(iterated(kind, times), iterated("scan", times), (POINT,))


def test_the_product_of_a_hessian_that_would_not_fit_and_a_vector() -> None:
    def loss(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.sum(jnp.tanh(b @ jnp.tanh(a @ jnp.ones(50))) ** 2)

    with jax.enable_x64(True):
        args, direction = (FIRST, SECOND), [RNG.normal(size=(50, 50)) for _ in range(2)]
        reference = Reference(subject_trace(subject_of(loss, args, {})))
        expected = jax.jit(lambda x, v: jax.jvp(jax.grad(loss, (0, 1)), x, v)[1])(args, tuple(direction))
        for i in range(2):
            flat = np.concatenate([d.ravel() for d in direction])
            found = reference.product((0, i), [x[None] for x in args], flat)
            assert_close(found.values[0], expected[i])
