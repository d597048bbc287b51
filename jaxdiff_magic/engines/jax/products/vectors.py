"""Vectors as long as the inputs: one array for each input leaf, wherever that lives, never put together into one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.subject.leaves import LARGE, is_spread

Vector = tuple[jax.Array, ...]
"""One array for each input leaf, of its shape, dtype and sharding."""


def vector_of(values: Sequence[Any]) -> Vector:
    """The values as JAX holds them; arrays that JAX holds already stay where they are."""
    return tuple(map(jnp.asarray, values))


def dot(a: Vector, b: Vector) -> float:
    """The inner product, its products and their sum in float64: in float32 a sum of millions has few digits."""
    with jax.enable_x64(True):
        return float(_dot(a, b))


@jax.jit
def _dot(a: Vector, b: Vector) -> jax.Array:
    wide = jnp.float64
    return sum((jnp.sum(x.astype(wide) * y.astype(wide)) for x, y in zip(a, b, strict=True)), jnp.zeros((), wide))


def norm(a: Vector) -> float:
    """The Euclidean norm."""
    return dot(a, a) ** 0.5


def stays(array: Any) -> bool:
    """Whether an array is not copied to be looked at: it is large, or spread over devices."""
    return np.size(array) > LARGE or is_spread(array)


def length_of(array: Any) -> float:
    """The Euclidean norm of one array, for which nothing is compiled where it may be copied."""
    if stays(array):
        return norm((jnp.asarray(array),))
    flat = np.asarray(array).astype(np.float64).ravel()
    largest = float(np.max(np.abs(flat), initial=0.0))
    if not np.isfinite(largest) or largest == 0.0:
        return largest
    return largest * float(np.linalg.norm(flat / largest))  # squares alone would overflow, or be 0


def _scaled(a: Vector, c: Any) -> Vector:
    return tuple((c * x).astype(x.dtype) for x in a)


scaled = jax.jit(_scaled)
"""`c a`, in the dtypes of a."""
scaled_in_place = jax.jit(_scaled, donate_argnums=0)
"""The same in the memory of a, which is gone afterwards."""


def _plus(a: Vector, *terms: Any) -> Vector:
    for c, b in zip(terms[::2], terms[1::2], strict=True):
        a = tuple((x + c * y).astype(x.dtype) for x, y in zip(a, b, strict=True))
    return a


plus = jax.jit(_plus)
"""`plus(a, c, b, d, e, …)` is `a + c b + d e + …`, in the dtypes of a."""
plus_in_place = jax.jit(_plus, donate_argnums=0)
"""The same in the memory of a, which is gone afterwards."""


def drawn(draw: Callable[..., jax.Array], key: jax.Array, like: Vector) -> Vector:
    """Random numbers in the shapes, dtypes and shardings of a vector, each part made where it will live.

    Args:
        draw: `jax.random.normal`, `jax.random.rademacher` or the like.
        key: of the draw.
        like: the vector.
    """
    keys = jax.random.split(key, max(len(like), 1))
    return tuple(_maker(draw, x.shape, x.dtype, x.sharding)(k) for k, x in zip(keys, like, strict=False))


@functools.lru_cache(maxsize=64)
def _maker(
    draw: Callable[..., jax.Array], shape: tuple[int, ...], dtype: np.dtype, sharding: jax.sharding.Sharding
) -> Callable[[jax.Array], jax.Array]:
    """Compiled once for all draws of a kind."""
    return jax.jit(lambda key: draw(key, shape, dtype), out_shardings=sharding)
