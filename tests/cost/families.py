"""Functions from n inputs to m outputs, of the kinds that occur: which mode is faster depends on more than n and m."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Function = Callable[[jax.Array], jax.Array]

SHAPES = (
    (1, 1),
    (1, 16),
    (16, 1),
    (1, 256),
    (256, 1),
    (4, 4),
    (16, 16),
    (64, 64),
    (256, 256),
    (8, 64),
    (64, 8),
    (32, 256),
    (256, 32),
    (128, 64),
)
"""(n, m)."""


def matrix(rows: int, columns: int) -> jax.Array:
    """Of about unit norm, so that long chains neither vanish nor overflow."""
    values = np.random.default_rng(rows * 1000 + columns).standard_normal((rows, columns))
    return jnp.asarray(values / np.sqrt(rows + columns), jnp.float32)


def elementwise(n: int, m: int) -> Function:
    def chain(x: Any) -> Any:
        y = jnp.resize(x, (m,)) + 0.1 * jnp.sum(x)
        for _ in range(6):
            y = jnp.sin(y) + jnp.exp(-(y**2))
        return y

    return chain


def network(n: int, m: int, hidden: int = 64) -> Function:
    first, second, third = matrix(hidden, n), matrix(hidden, hidden), matrix(m, hidden)
    return lambda x: third @ jnp.tanh(second @ jnp.tanh(first @ x))


def product(n: int, m: int) -> Function:
    a = matrix(m, n)
    return lambda x: a @ x


def wide(n: int, m: int) -> Function:
    return network(n, m, hidden=1024)


def bottleneck(n: int, m: int) -> Function:
    narrow, broad = matrix(2, n), matrix(m, 2)
    return lambda x: jnp.sin(broad @ jnp.tanh(narrow @ jnp.cos(x)))


def early_work(n: int, m: int) -> Function:
    square, last = matrix(n, n), matrix(m, n)

    def early(x: Any) -> Any:
        for _ in range(20):
            x = jnp.tanh(square @ x)
        return last @ x

    return early


def late_work(n: int, m: int) -> Function:
    square, first = matrix(m, m), matrix(m, n)

    def late(x: Any) -> Any:
        y = first @ x
        for _ in range(20):
            y = jnp.tanh(square @ y)
        return y

    return late


def recurrent(n: int, m: int) -> Function:
    first, again, last = matrix(32, n), matrix(32, 32), matrix(m, 32)

    def scan(x: Any) -> Any:
        driven = first @ x
        state, _ = lax.scan(lambda state, _: (jnp.tanh(again @ state + driven), None), jnp.zeros(32), None, length=40)
        return last @ state

    return scan


def ode_loop(n: int, m: int) -> Function:
    field, last = matrix(n, n), matrix(m, n)

    def euler(x: Any) -> Any:
        return last @ lax.fori_loop(0, 50, lambda _, y: y + 0.02 * jnp.sin(field @ y), x)

    return euler


def gather(n: int, m: int) -> Function:
    chosen = jnp.asarray(np.random.default_rng(m).integers(0, n, (m, 4)))
    return lambda x: jnp.sum(x[chosen] ** 3 * jnp.sin(x[chosen]), axis=1)


def solve(n: int, m: int) -> Function:
    system, first, last = jnp.eye(48) * 4 + matrix(48, 48), matrix(48, n), matrix(m, 48)
    return lambda x: last @ jnp.linalg.solve(system + jnp.diag(jnp.tanh(first @ x)), jnp.ones(48))


FAMILIES: dict[str, Callable[[int, int], Function]] = {
    "elementwise chain": elementwise,
    "network": network,
    "matrix product": product,
    "wide": wide,
    "bottleneck": bottleneck,
    "early work": early_work,
    "late work": late_work,
    "recurrent": recurrent,
    "ODE loop": ode_loop,
    "gather": gather,
    "solve": solve,
}
