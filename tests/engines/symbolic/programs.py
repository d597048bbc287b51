"""Random programs over small arrays, from the operations that users write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st
from jax import lax

SHAPES = ((), (1,), (3,), (0,), (1, 3), (2, 1), (2, 3), (3, 3), (2, 0), (2, 1, 2))
LARGEST = 24
"""An operation whose result would have more elements is left out."""

Operation = Callable[[jax.Array, jax.Array, int], jax.Array]
"""Two operands and a number to choose axes and sizes with."""


def _axis(a: jax.Array, n: int) -> int | None:
    return None if n % 3 == 0 or not a.ndim else n % a.ndim


def _along(a: jax.Array, n: int) -> int:
    return n % a.ndim


def _factorisation(a: jax.Array, n: int) -> tuple[int, ...]:
    choices = [(a.size,), (1, a.size), (a.size, 1), (-1, 1, a.shape[-1] if a.ndim and a.shape[-1] else 1)]
    choices += [(2, a.size // 2)] if a.size % 2 == 0 else []
    choices += [(a.size // 3, 3)] if a.size % 3 == 0 else []
    shape = choices[n % len(choices)]
    return shape if a.size else (a.size,)


def _padded(a: jax.Array, n: int) -> jax.Array:
    low, high, interior = (n % 3) - 1, (n // 3 % 3) - 1, n // 9 % 3
    return lax.pad(a, jnp.asarray(0.5 * (n % 2), a.dtype), [(low, high, interior)] * a.ndim)


def _definite(a: jax.Array) -> jax.Array:
    if a.ndim != 2 or 0 in a.shape:
        raise ValueError("no matrix")
    return a @ a.T + 2 * jnp.eye(a.shape[0])


ELEMENTWISE: tuple[Operation, ...] = (
    lambda a, b, n: jnp.sin(a),
    lambda a, b, n: jnp.tanh(a),
    lambda a, b, n: jnp.exp(0.3 * a),
    lambda a, b, n: jax.nn.sigmoid(a),
    lambda a, b, n: a ** (n % 5),
    lambda a, b, n: (a * a + 0.5) ** (n % 7 / 2 - 1.5),
    lambda a, b, n: jnp.log1p(a * a),
    lambda a, b, n: jnp.log(a * a + 1.0),
    lambda a, b, n: jnp.sqrt(1.0 + a * a),
    lambda a, b, n: jnp.expm1(0.1 * a),
    lambda a, b, n: a + b,
    lambda a, b, n: a - b,
    lambda a, b, n: a * b,
    lambda a, b, n: a / (1.0 + b * b),
    lambda a, b, n: (1.0 + a * a) ** b,
    lambda a, b, n: jnp.arctan2(a, b),
    lambda a, b, n: jnp.abs(a - 0.1),
    lambda a, b, n: jax.nn.relu(a),
    lambda a, b, n: jax.nn.softplus(a),
    lambda a, b, n: jax.nn.gelu(a),
    lambda a, b, n: jnp.maximum(a, b),
    lambda a, b, n: jnp.minimum(a, 0.2),
    lambda a, b, n: jnp.clip(a, -0.7, 0.9),
    lambda a, b, n: jnp.where(a > b, a * a, b),
    lambda a, b, n: jnp.where((a > 0.2) & ~(b < 0.1), a, 2.0 * b),
    lambda a, b, n: jnp.where(jnp.arange(a.size).reshape(a.shape) % 2 == 0, a, -a),
    lambda a, b, n: jnp.where(a > 0.3, jnp.where(b > 0.1, a * b, b), a),
    lambda a, b, n: a * jnp.floor(3.0 * a),
    lambda a, b, n: a * jnp.sign(b),
    lambda a, b, n: jnp.mod(a, 0.8),
    lambda a, b, n: lax.rem(a, jnp.full_like(a, 0.8)),
    lambda a, b, n: lax.stop_gradient(a) * a,
    lambda a, b, n: a * (jnp.arange(a.size).reshape(a.shape) // 2),
)
MOVING: tuple[Operation, ...] = (
    lambda a, b, n: a.T,
    lambda a, b, n: a.ravel(),
    lambda a, b, n: a.reshape(_factorisation(a, n)),
    lambda a, b, n: a.T.reshape(_factorisation(a, n)),
    lambda a, b, n: jnp.flip(a, _axis(a, n)),
    lambda a, b, n: jnp.roll(a, n % 4, _axis(a, n)),
    lambda a, b, n: a[1:] if n % 2 else a[::2],
    lambda a, b, n: a[..., n % a.shape[-1]],
    lambda a, b, n: a[..., :-1],
    lambda a, b, n: a[..., None, :],
    lambda a, b, n: jnp.squeeze(a),
    lambda a, b, n: jnp.concatenate([a, b], _along(a, n)),
    lambda a, b, n: jnp.concatenate([a, a[..., :1], a], -1),
    lambda a, b, n: jnp.stack([a, b], n % (a.ndim + 1)),
    lambda a, b, n: jnp.broadcast_to(a, (2, *a.shape)),
    lambda a, b, n: jnp.broadcast_to(a[..., None], (*a.shape, 3)),
    lambda a, b, n: jnp.tile(a, 2),
    lambda a, b, n: _padded(a, n),
    lambda a, b, n: jnp.split(a, [1], _along(a, n))[n % 2],
    lambda a, b, n: jnp.swapaxes(a, 0, -1),
    lambda a, b, n: jnp.tril(a, n % 3 - 1),
    lambda a, b, n: a * jnp.eye(a.shape[-1]),
    lambda a, b, n: jnp.moveaxis(a, 0, -1),
)
REDUCING: tuple[Operation, ...] = (
    lambda a, b, n: jnp.sum(a, _axis(a, n)),
    lambda a, b, n: jnp.sum(a, _axis(a, n), keepdims=True),
    lambda a, b, n: jnp.mean(a, _axis(a, n)),
    lambda a, b, n: jnp.prod(a, _axis(a, n)),
    lambda a, b, n: jnp.max(a, _axis(a, n)),
    lambda a, b, n: jnp.min(a, _axis(a, n)),
    lambda a, b, n: jnp.var(a, _axis(a, n)),
    lambda a, b, n: jnp.cumsum(a, _along(a, n)),
    lambda a, b, n: lax.cumsum(a, _along(a, n), reverse=True),
    lambda a, b, n: jax.nn.softmax(a, _along(a, n)),
    lambda a, b, n: jax.nn.logsumexp(a, _along(a, n)),
    lambda a, b, n: jnp.sqrt(jnp.sum(a * a) + 0.1),
    lambda a, b, n: a @ b,
    lambda a, b, n: a @ a.T,
    lambda a, b, n: a.T @ b,
    lambda a, b, n: jnp.outer(a, b),
    lambda a, b, n: jnp.kron(a, b),
    lambda a, b, n: jnp.vdot(a, b),
    lambda a, b, n: jnp.tensordot(a, b, n % 3),
    lambda a, b, n: jnp.einsum("...i,...i->...", a, b),
    lambda a, b, n: jnp.einsum("ij,ik->ijk", a, b),
    lambda a, b, n: jnp.einsum("ij,ij->j", a, b),
    lambda a, b, n: jnp.einsum("bi,bj->bij", a, b).sum(0),
    lambda a, b, n: jnp.einsum("i,j,k->kj", a.ravel(), b.ravel(), a.ravel()),
)
INDEXING: tuple[Operation, ...] = (
    lambda a, b, n: a[jnp.array([n % a.shape[0], 0, -1])],
    lambda a, b, n: a[jnp.array([0, n % a.shape[0]]), ..., jnp.array([-1, 0])],
    lambda a, b, n: a[::-1][: n % 3 + 1],
    lambda a, b, n: a.at[n % a.shape[0]].set(b),
    lambda a, b, n: a.at[n % 2 :: 2].set(b[: len(range(n % 2, a.shape[0], 2))]),
    lambda a, b, n: a.at[jnp.array([n % a.shape[0], 0, 0])].add(b[:3]),
    lambda a, b, n: a.at[..., 0].multiply(1.5, unique_indices=True),
    lambda a, b, n: a.at[0].max(b),
    lambda a, b, n: a.at[jnp.array([n % 5, 7])].get(mode="clip"),
    lambda a, b, n: a.at[jnp.array([n % 5, 7])].get(mode="fill", fill_value=0.5),
    lambda a, b, n: lax.dynamic_slice_in_dim(a, n % 4, 1),
    lambda a, b, n: lax.dynamic_update_slice(a, b, (n % 3,) * a.ndim),
    lambda a, b, n: jnp.take_along_axis(a, jnp.argsort(b, -1), -1),
    lambda a, b, n: jax.ops.segment_sum(a, jnp.arange(a.shape[0]) % 2, 2),
    lambda a, b, n: a * jax.nn.one_hot(n % 3, a.shape[-1]),
)
ORDERED: tuple[Operation, ...] = (
    lambda a, b, n: jnp.sort(a, _along(a, n)),
    lambda a, b, n: a * jnp.argmax(b, _along(b, n), keepdims=True),
    lambda a, b, n: a[jnp.argmax(a[..., 0])] if a.ndim > 1 else a[jnp.argmin(a)],
    lambda a, b, n: lax.top_k(a, 1 + n % 2)[0],
    lambda a, b, n: lax.cummax(a, _along(a, n), reverse=n % 2 == 0),
    lambda a, b, n: lax.cumprod(a, _along(a, n), reverse=n % 2 == 0),
    lambda a, b, n: lax.cumlogsumexp(a, _along(a, n)),
    lambda a, b, n: jnp.median(a, _axis(a, n)),
    lambda a, b, n: lax.clamp(a - 0.5, b, a + 0.5),
    lambda a, b, n: jnp.max(jnp.tile(a.ravel(), 1) + jnp.arange(40.0)[:, None] * 0.01) * a,
    lambda a, b, n: jnp.convolve(a.ravel()[:4], b.ravel()[:3]),
)
ALGEBRA: tuple[Operation, ...] = (
    lambda a, b, n: jnp.linalg.inv(_definite(a)),
    lambda a, b, n: jnp.linalg.solve(_definite(a), b),
    lambda a, b, n: jnp.linalg.slogdet(_definite(a))[1],
    lambda a, b, n: jnp.linalg.det(_definite(a)),
    lambda a, b, n: jnp.linalg.cholesky(_definite(a)),
    lambda a, b, n: jax.scipy.linalg.solve_triangular(_definite(a), b, trans=n % 2, lower=n % 4 < 2),
    lambda a, b, n: jnp.linalg.eigvalsh(_definite(a) + jnp.diag(jnp.arange(float(a.shape[0])))),
)
CONTROL: tuple[Operation, ...] = (
    lambda a, b, n: lax.cond(jnp.sum(a) > 0.1 * n - 1, jnp.sin, lambda x: x**2, b),
    lambda a, b, n: lax.switch(n % 3, [jnp.sin, jnp.cos, jnp.tanh], a),
    lambda a, b, n: lax.fori_loop(0, n % 3, lambda i, c: jnp.sin(c) + a * i, b * jnp.ones_like(a)),
    lambda a, b, n: lax.scan(lambda c, x: (0.5 * c + x, c * x), 0.0 * a[0] + 1.0, a, reverse=n % 2 == 0)[1],
    lambda a, b, n: lax.while_loop(lambda c: jnp.sum(c * c) > 2.0, lambda c: 0.6 * c, a),
)
OPERATIONS = (*ELEMENTWISE, *MOVING, *REDUCING, *INDEXING, *ORDERED, *ALGEBRA, *CONTROL)


@dataclass(frozen=True)
class RandomProgram:
    """Instructions, each an operation, the positions of its operands, its number; what does not fit is left out.

    Attributes:
        shapes: of the inputs.
        instructions: what is done to the values so far.
        seed: of the point.
    """

    shapes: tuple[tuple[int, ...], ...]
    instructions: tuple[tuple[int, int, int, int], ...]
    seed: int

    def __call__(self, *inputs: jax.Array) -> jax.Array:
        values: list[jax.Array] = [*map(jnp.asarray, inputs)]
        for operation, first, second, number in self.instructions:
            # counted from the newest, so that programs are deep
            a, b = values[-1 - first % len(values)], values[-1 - second % len(values)]
            try:
                result = OPERATIONS[operation](a, b, number)
            except (TypeError, ValueError, ZeroDivisionError, IndexError):  # the shapes do not fit
                continue
            if result.size <= LARGEST and result.ndim <= 4:
                values.append(result)
        return values[-1]

    def point(self) -> Sequence[np.ndarray]:
        rng = np.random.default_rng(self.seed)
        return [rng.uniform(-1.5, 1.5, shape) for shape in self.shapes]


programs = st.builds(
    RandomProgram,
    shapes=st.lists(st.sampled_from(SHAPES), min_size=1, max_size=2).map(tuple),
    instructions=st.lists(
        st.tuples(st.integers(0, len(OPERATIONS) - 1), st.integers(0, 3), st.integers(0, 3), st.integers(0, 30)),
        min_size=1,
        max_size=12,
    ).map(tuple),
    seed=st.integers(0, 1000),
)
