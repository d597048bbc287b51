"""What JAX's derivatives of pooling pick from windows, and put back, is what JAX computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic import check
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import primitives_of, subject_trace

from .agreement import assert_as_jax

X = np.random.default_rng(0).standard_normal((5, 7))
V = np.random.default_rng(1).standard_normal((5, 7))


def pooled(
    select: Any, start: float, size: tuple[int, int], strides: tuple[int, int], padding: Any
) -> Callable[..., Any]:
    return lambda x: lax.reduce_window(x, start, select, size, strides, padding)


POOLS = {
    "largest of squares": pooled(lax.max, -jnp.inf, (2, 2), (2, 2), "VALID"),
    "largest, overlapping": pooled(lax.max, -jnp.inf, (3, 2), (1, 2), "VALID"),
    "largest, beyond the border": pooled(lax.max, -jnp.inf, (3, 3), (2, 2), "SAME"),
    "largest, with gaps": pooled(lax.max, -jnp.inf, (2, 1), (3, 2), "VALID"),
    "smallest": pooled(lax.min, jnp.inf, (2, 3), (2, 2), ((1, 0), (0, 2))),
}


@pytest.mark.parametrize("name", POOLS)
def test_what_is_put_back_is_as_in_jax(name: str) -> None:
    def f(x: Any) -> Any:
        return jax.grad(lambda x: jnp.sum(jnp.sin(POOLS[name](x))))(x)

    assert "select_and_scatter_add" in primitives_of(subject_trace(subject_of(f, (jnp.asarray(X),), {})))
    assert_as_jax(f, X, order=1)


@pytest.mark.parametrize("name", POOLS)
def test_what_is_picked_is_as_in_jax(name: str) -> None:
    def f(x: Any, v: Any) -> Any:
        return jax.jvp(lambda x: jnp.sin(POOLS[name](x)), (x,), (v,))[1]

    trace = subject_trace(subject_of(f, (jnp.asarray(X), jnp.asarray(V)), {}))
    assert "select_and_gather_add" in primitives_of(trace)
    with jax.enable_x64(True):
        expected = f(jnp.asarray(X), jnp.asarray(V))
    (found,) = Reference(trace).values([X[None], V[None]])
    np.testing.assert_allclose(found[0], expected, rtol=1e-12)


def test_the_first_of_equal_elements_is_taken() -> None:
    def f(x: Any) -> Any:
        return jax.grad(lambda x: jnp.sum(POOLS["largest of squares"](x)))(x)

    x = np.zeros((4, 4))
    (found,) = Reference(subject_trace(subject_of(f, (jnp.asarray(x),), {}))).values([x[None]])
    np.testing.assert_array_equal(found[0], f(jnp.asarray(x)))


def test_a_pooled_net_is_compared_with_the_rules_of_jax() -> None:
    kernel = jnp.asarray(np.random.default_rng(2).standard_normal((3, 3, 1, 4)), jnp.float32)
    images = jnp.asarray(np.random.default_rng(3).standard_normal((2, 12, 12, 1)), jnp.float32)

    def loss(kernel: Any, weight: Any) -> Any:
        dims = ("NHWC", "HWIO", "NHWC")
        h = jax.nn.relu(lax.conv_general_dilated(images, kernel, (1, 1), "SAME", dimension_numbers=dims))
        h = lax.reduce_window(h, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        return jnp.mean(jnp.tanh(h.reshape(2, -1) @ weight) ** 2)

    weight = jnp.asarray(np.random.default_rng(4).standard_normal((144, 3)) / 12, jnp.float32)
    found = check(loss)(kernel, weight)
    assert found.outcome == "agrees"
    assert not found.columns
    assert "first and second derivatives" in found.summary
