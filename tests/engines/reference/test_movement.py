"""Primitives that move elements: everything arrives where JAX puts it, and so do adjoints."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from .agreement import assert_as_jax

X = np.array([0.3, -0.8, 1.1])
M = np.arange(1.0, 7.0).reshape(2, 3) / 5
EMPTY = np.zeros((2, 0))

MOVES = {
    "reshape": (lambda a: a.reshape(3, 2) ** 2, M),
    "ravel and index": (lambda a: a.ravel()[4] * a, M),
    "transpose": (lambda a: a.T * a.reshape(3, 2), M),
    "transpose of three axes": (lambda a: jnp.transpose(a.reshape(1, 2, 3), (2, 0, 1)) ** 2, M),
    "squeeze and new axes": (lambda a: jnp.squeeze(a[None, :, None]) ** 2, M),
    "broadcast to more axes": (lambda x: jnp.broadcast_to(x, (2, 3)) * M, X),
    "broadcast of an axis of length 1": (lambda x: jnp.broadcast_to(x[:, None] ** 2, (3, 2)), X),
    "broadcast of a scalar": (lambda x: jnp.full((2, 2), x) * x, 0.7),
    "reverse": (lambda a: a[::-1, ::-1] * a, M),
    "slice": (lambda x: x[1:] * x[:-1], X),
    "slice with a stride": (lambda x: x[::2] ** 2, X),
    "split": (lambda x: [part**2 for part in jnp.split(x, [1])], X),
    "stack": (lambda x: jnp.stack([x, x**2], 1), X),
    "unstack": (lambda a: jnp.prod(jnp.stack([*a]), 0), M),
    "concatenate": (lambda x, y: jnp.concatenate([x, y, x]) ** 2, X, X + 1.0),
    "concatenate with a constant": (lambda x: jnp.concatenate([x**2, jnp.ones(2)]), X),
    "pad": (lambda x: lax.pad(x, x[0], [(1, 2, 1)]) ** 2, X),
    "negative padding": (lambda x: lax.pad(x, 0.5, [(-1, 1, 0)]) ** 2, X),
    "negative padding of what was spread": (lambda x: lax.pad(x, x[1], [(-2, -1, 2)]) ** 2, X),
    "tile": (lambda x: jnp.tile(x, 2) * jnp.arange(6.0), X),
    "tile along two axes": (lambda a: jnp.tile(a, (2, 2)) ** 2, M),
    "repeat": (lambda x: jnp.repeat(x, 2) ** 2, X),
    "roll": (lambda x: jnp.roll(x, 1) * x, X),
    "triangles": (lambda a: jnp.tril(a @ a.T) + jnp.triu(a @ a.T, 1) ** 2, M),
    "diagonals": (lambda x: jnp.diag(x) @ jnp.diag(x, 1)[:3, :3], X),
    "meshgrid": (lambda x: jnp.multiply(*jnp.meshgrid(x, x**2)), X),
    "moveaxis": (lambda a: jnp.moveaxis(a.reshape(1, 2, 3), 0, 2) ** 2, M),
    "kron": (lambda x: jnp.kron(x, x), X),
    "device_put": (lambda x: jax.device_put(x) ** 2, X),
}


@pytest.mark.parametrize("name", MOVES)
def test_movement(name: str) -> None:
    assert_as_jax(*MOVES[name])


ON_NOTHING = {
    "reshape": lambda a: a.reshape(0, 2) ** 2,
    "transpose": lambda a: a.T**2,
    "concatenate": lambda a: jnp.concatenate([a, jnp.ones((2, 1))], 1),
    "pad": lambda a: lax.pad(a, 1.0, [(0, 0, 0), (1, 1, 1)]),
    "sum": lambda a: jnp.sum(a, 1),
    "product": lambda a: jnp.prod(a, 1),
    "matrix product": lambda a: a @ a.T + 1.0,
    "tile": lambda a: jnp.tile(a, (1, 2)),
    "reverse": lambda a: a[:, ::-1],
}


@pytest.mark.parametrize("name", ON_NOTHING)
def test_arrays_without_elements(name: str) -> None:
    assert_as_jax(ON_NOTHING[name], EMPTY)
    assert_as_jax(lambda x, a: jnp.sum(ON_NOTHING[name](a * x[0])) * x, X, EMPTY)
