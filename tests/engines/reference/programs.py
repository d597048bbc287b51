"""Random programs for the reference: those of the formulas, and loops, positions, solvers and windows besides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
from hypothesis import strategies as st
from jax import lax

from ..symbolic.programs import LARGEST, OPERATIONS, SHAPES, Operation

DEPTH = 12
"""The most operations of a program."""


def _first_axis(a: jax.Array) -> jax.Array:
    """A matrix with the rows of `a`."""
    return a.reshape(a.shape[0], -1)[:3]


def _definite(a: jax.Array, spread: bool = True) -> jax.Array:
    """A well-conditioned symmetric matrix; with distinct eigenvalues unless told otherwise."""
    m = jnp.tanh(_first_axis(a))
    return m @ m.T + jnp.diag(2.0 + (jnp.arange(float(len(m))) ** 2 if spread else jnp.zeros(len(m))))


def _square(a: jax.Array) -> jax.Array:
    """A well-conditioned matrix without symmetry."""
    m = _definite(a)
    return m + 0.3 * jnp.triu(jnp.sin(m), 1)


def _right_side(b: jax.Array, rows: int) -> jax.Array:
    return jnp.cos(jnp.arange(float(rows)) + jnp.sum(b))


def _positions(a: jax.Array, n: int) -> jax.Array:
    """Fixed positions on the first axis, one of them twice, some of them counted from the end."""
    length = a.shape[0]
    return jnp.asarray([n % length, -1 - n % length, 0])


def _found(a: jax.Array) -> jax.Array:
    """A position that depends on the values."""
    return jnp.argmax(a.ravel())


def _some(a: jax.Array) -> jax.Array:
    """An array that is not empty: XLA cannot transform others."""
    if not a.size:
        raise ValueError("nothing to transform")
    return a


@jax.custom_jvp
def _cube(x: jax.Array) -> jax.Array:
    return x * x * x


_cube.defjvp(lambda p, t: (_cube(*p), 3.0 * p[0] ** 2 * t[0]))


@jax.custom_jvp
def _log_of_sum(x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.log(1.0 + x**2 + y**2)


@_log_of_sum.defjvp
def _log_of_sum_rule(p: Any, t: Any) -> Any:
    (x, y), (dx, dy) = p, t
    return _log_of_sum(x, y), 2.0 * (x * dx + y * dy) / (1.0 + x**2 + y**2)


def _newton(a: jax.Array) -> jax.Array:
    """Square roots by iteration until they settle: the number of steps depends on the values."""

    def unsettled(state: tuple[jax.Array, jax.Array]) -> jax.Array:
        return jnp.any(jnp.abs(state[0] ** 2 - state[1]) > 1e-3) & (jnp.max(state[1]) < 1e6)

    square = a * a + 0.5
    return lax.while_loop(unsettled, lambda s: (0.5 * (s[0] + s[1] / s[0]), s[1]), (square + 0.5, square))[0]


def _halved_while_large(a: jax.Array) -> jax.Array:
    large = lambda s: (jnp.sum(jnp.abs(s[0])) > 0.7) & (s[1] < 5)  # noqa: E731
    return lax.while_loop(large, lambda s: (0.5 * jnp.sin(s[0]) + 0.1 * s[0] * s[1], s[1] + 1), (a, 0))[0]


def _convolved(a: jax.Array, b: jax.Array, n: int) -> jax.Array:
    """Two channels in, two out, every option of the convolution used by some number."""
    groups = 1 + n % 2
    kernel = jnp.resize(b.ravel(), (2, 2 // groups, 2))
    signal = jnp.stack([a.ravel(), jnp.sin(a.ravel())])[None]
    return lax.conv_general_dilated(
        signal,
        kernel,
        (1 + n // 2 % 2,),
        [(n % 3, 1)],
        lhs_dilation=(1 + n // 5 % 2,),
        rhs_dilation=(1 + n // 3 % 2,),
        feature_group_count=groups,
    )


def _window(reduction: Any, start: float) -> Operation:
    def pooled(a: jax.Array, b: jax.Array, n: int) -> jax.Array:
        size = (1,) * (a.ndim - 1) + (2,)
        stride = (1,) * (a.ndim - 1) + (1 + n % 2,)
        return lax.reduce_window(a, start, reduction, size, stride, "SAME" if n % 3 else "VALID")

    return pooled


MORE_ELEMENTWISE: tuple[Operation, ...] = (
    lambda a, b, n: jnp.sinh(0.5 * a) + jnp.cosh(0.3 * a),
    lambda a, b, n: jnp.arcsin(0.6 * jnp.sin(a)),
    lambda a, b, n: jnp.arccos(0.6 * jnp.sin(a)),
    lambda a, b, n: jnp.arctan(a),
    lambda a, b, n: jnp.arcsinh(a),
    lambda a, b, n: jnp.arccosh(1.5 + a * a),
    lambda a, b, n: jnp.arctanh(0.6 * jnp.sin(a)),
    lambda a, b, n: jnp.tan(0.5 * jnp.sin(a)),
    lambda a, b, n: jnp.cbrt(a),
    lambda a, b, n: jnp.exp2(0.3 * a),
    lambda a, b, n: jax.scipy.special.erf(a) + jax.scipy.special.erfc(0.5 * a),
    lambda a, b, n: jax.scipy.special.erfinv(0.7 * jnp.sin(a)),
    lambda a, b, n: jax.scipy.special.gammaln(1.5 + a * a),
    lambda a, b, n: jax.scipy.special.digamma(1.5 + a * a),
    lambda a, b, n: lax.rsqrt(1.0 + a * a),
    lambda a, b, n: jnp.cos(a) * jnp.reciprocal(2.0 + jnp.sin(b)),
    lambda a, b, n: jnp.logaddexp(a, b),
    lambda a, b, n: jnp.hypot(a, 1.0 + b * b),
    lambda a, b, n: jnp.select([a > 0.5, a < -0.5], [a * b, jnp.sin(b)], a),
    lambda a, b, n: lax.select_n((jnp.abs(a) * 2).astype(jnp.int32) % 3, a, a * a, jnp.sin(a)),
    lambda a, b, n: lax.clamp(-0.5 - b * b, a, jnp.exp(b)),
    lambda a, b, n: jax.nn.relu6(3.0 * a) + jax.nn.leaky_relu(a) + jax.nn.elu(a),
    lambda a, b, n: a * (3.0 * a).astype(jnp.int32),
    lambda a, b, n: a * ((jnp.floor(2.0 * a).astype(jnp.int32) & 3) ^ 1),
    lambda a, b, n: a * jnp.ceil(a) + jnp.round(2.0 * b),
    lambda a, b, n: jnp.floor_divide(a, 0.4) * a,
    lambda a, b, n: jnp.where(jnp.isfinite(a), jnp.nan_to_num(a), b),
    lambda a, b, n: jnp.copysign(a, b),
    lambda a, b, n: jnp.real(jnp.exp(1j * a) * (b + 2j)),
    lambda a, b, n: jnp.abs(a + 1j * (1.0 + b * b)),
    lambda a, b, n: jnp.imag(jnp.conj(a + 1j) * jnp.exp(0.2j * b) / (2.0 + 1j * a)),
    lambda a, b, n: a + lax.stop_gradient(b * b - a),
    lambda a, b, n: _cube(a),
    lambda a, b, n: _log_of_sum(a, b),
    lambda a, b, n: jax.checkpoint(lambda x: jnp.sin(x * x))(a),
    lambda a, b, n: jax.jit(lambda x, y: x * jnp.exp(-y * y))(a, b),
    lambda a, b, n: a * jax.random.normal(jax.random.key(n), a.shape),
    lambda a, b, n: jnp.polyval(jnp.asarray([0.3, -1.0, n / 7.0]), a),
)
POSITIONS: tuple[Operation, ...] = (
    lambda a, b, n: a[_positions(a, n)],
    lambda a, b, n: a[..., jnp.asarray([-1, 0])],
    lambda a, b, n: a[jnp.asarray([0, a.shape[0] + n % 2])],  # perhaps outside: the last element
    lambda a, b, n: a.at[jnp.asarray([0, 5 + n])].get(mode="fill", fill_value=0.5),
    lambda a, b, n: a.at[n % a.shape[0]].set(jnp.sum(b)),
    lambda a, b, n: a.at[_positions(a, n)].add(jnp.sin(a[0])),
    lambda a, b, n: a.at[jnp.asarray([0, 7])].add(a[0] * a[-1], mode="drop"),
    lambda a, b, n: a.at[0].multiply(jnp.sum(b)),
    lambda a, b, n: a.at[..., -1].min(b.ravel()[0]),
    lambda a, b, n: a.at[jnp.arange(a.shape[0])].max(0.3 * a[0]),
    lambda a, b, n: a.at[_positions(a, n)].subtract(b.ravel()[0]),
    lambda a, b, n: a.at[0].divide(2.0 + jnp.sin(b.sum())).at[-1].power(2),
    lambda a, b, n: a.ravel()[_found(a)] * b,
    lambda a, b, n: a.ravel().at[_found(b) % a.size].set(0.7),
    lambda a, b, n: lax.dynamic_slice_in_dim(a, _found(a), 1, n % a.ndim),
    lambda a, b, n: lax.dynamic_update_slice(a, a[:1] * a[-1:], (_found(b) % a.shape[0],) + (0,) * (a.ndim - 1)),
    lambda a, b, n: jnp.sort(a, n % a.ndim, descending=bool(n % 2)),
    lambda a, b, n: jnp.take_along_axis(b, jnp.argsort(a, n % a.ndim), n % a.ndim),
    lambda a, b, n: lax.sort((a.ravel(), b.ravel()))[n % 2],
    lambda a, b, n: lax.top_k(a, min(2, a.shape[-1]))[0],
    lambda a, b, n: jnp.take(b.ravel(), lax.top_k(a.ravel(), 1)[1]),
    lambda a, b, n: jnp.median(a),
    lambda a, b, n: jnp.quantile(a, 0.3, n % a.ndim),
    lambda a, b, n: b * (1.0 + jnp.argmin(a)),
    lambda a, b, n: jnp.diff(a, axis=n % a.ndim),
    lambda a, b, n: jnp.diag(a) if n % 2 else jnp.diagonal(a),
    lambda a, b, n: jnp.repeat(a, 2, n % a.ndim),
    lambda a, b, n: jnp.interp(a, jnp.linspace(-2.0, 2.0, 5), jnp.asarray([0.0, 1.0, -0.5, 0.3, 2.0])),
    lambda a, b, n: jnp.searchsorted(jnp.asarray([-0.5, 0.0, 0.6]), a) * a,
    lambda a, b, n: jax.vmap(lambda row, k: row[k])(a, jnp.arange(a.shape[0]) % a.shape[-1]),
    lambda a, b, n: jax.vmap(lambda row, k: row.at[k].set(row[0] * 2.0))(a, jnp.arange(a.shape[0]) % a.shape[-1]),
    lambda a, b, n: jax.vmap(lambda row, k: lax.dynamic_slice(row, (k,), (1,)))(a, jnp.arange(a.shape[0])),
    lambda a, b, n: jax.ops.segment_sum(a, jnp.arange(a.shape[0]) % 2, 3),
    lambda a, b, n: lax.pad(a, b.ravel()[0], [(1, -(n % 2), n % 3)] * a.ndim),
)
MORE_REDUCING: tuple[Operation, ...] = (
    lambda a, b, n: lax.cumprod(a, n % a.ndim, reverse=bool(n % 2)),
    lambda a, b, n: lax.cummax(a, n % a.ndim, reverse=bool(n % 2)),
    lambda a, b, n: lax.cummin(a, n % a.ndim, reverse=bool(n % 2)),
    lambda a, b, n: lax.cumlogsumexp(a, n % a.ndim, reverse=bool(n % 2)),
    lambda a, b, n: jnp.where(jnp.all(a > -1.0) | jnp.any(b > 0.5), a, b),
    lambda a, b, n: jnp.convolve(a.ravel(), b.ravel(), ("full", "same", "valid")[n % 3]),
    _convolved,
    _window(lax.add, 0.0),
    _window(lax.max, -np.inf),
    _window(lax.min, np.inf),
    lambda a, b, n: jnp.linalg.norm(a) * b,
    lambda a, b, n: jax.nn.standardize(a, n % a.ndim),
    lambda a, b, n: jax.nn.log_softmax(a, n % a.ndim),
    lambda a, b, n: jnp.trace(a) * b,
    lambda a, b, n: jnp.einsum("...ij,...kj->...ik", a, b),
    lambda a, b, n: jnp.matmul(jnp.stack([a, a * a]), b),
    lambda a, b, n: lax.associative_scan(lambda x, y: x * y + 0.1, a),
    lambda a, b, n: jnp.real(jnp.fft.fft(_some(a))) + jnp.imag(jnp.fft.ifft(a)),
    lambda a, b, n: jnp.abs(jnp.fft.rfft(_some(a)) + 0.3j),
    lambda a, b, n: jnp.fft.irfft(_some(a) + 1j * jnp.sin(a), n=2 + n % 3),
    lambda a, b, n: jnp.real(jnp.fft.fft2(_some(a)) * jnp.exp(1j * a)),
)
LOOPS: tuple[Operation, ...] = (
    lambda a, b, n: lax.scan(lambda c, x: (jnp.sin(c) * x, c + x), a[0], a)[n % 2],
    lambda a, b, n: lax.scan(lambda c, x: (c * 0.5 + x, c), jnp.sum(b), a.ravel(), reverse=True)[n % 2],
    lambda a, b, n: lax.scan(lambda c, _: (0.5 * c + jnp.tanh(b), None), a, None, length=n % 4)[0],
    lambda a, b, n: lax.fori_loop(0, n % 4, lambda i, c: jnp.sin(c) * (i + 1.0), a),
    lambda a, b, n: lax.fori_loop(0, _found(a) % 3, lambda i, c: c.at[0].add(0.3 * c[-1] * i), a),
    lambda a, b, n: _newton(a),
    lambda a, b, n: _halved_while_large(a),
    lambda a, b, n: lax.cond(jnp.sum(a) > 0.1, lambda x: x * x, lambda x: jnp.exp(0.3 * x), a),
    lambda a, b, n: lax.switch(_found(a) % 3, [jnp.sin, lambda x: x * b.sum(), jnp.negative], a),
    lambda a, b, n: jax.vmap(lambda x: lax.cond(x.sum() > 0.0, jnp.sin, lambda y: y * y, x))(a),
    lambda a, b, n: jax.vmap(lambda x: lax.fori_loop(0, 2, lambda i, c: c * jnp.cos(c), x))(a),
    lambda a, b, n: jax.vmap(_halved_while_large)(a),
    lambda a, b, n: lax.map(lambda x: jnp.sum(x * x), a),
    lambda a, b, n: jax.vmap(lambda x: _cube(x) + x.sum(), in_axes=-1, out_axes=0)(a),
    lambda a, b, n: jax.vmap(lambda x, y: jnp.outer(x, y).sum(0))(a, b),
    lambda a, b, n: lax.scan(lambda c, x: (lax.cond(x > 0.0, lambda y: y * x, lambda y: y + x, c), c), b, a.ravel())[
        n % 2
    ],
    lambda a, b, n: lax.scan(lambda c, x: (c, lax.scan(lambda d, y: (d + y * c, d), x, a)[1]), 0.5, a[:, 0])[1],
    lambda a, b, n: jax.grad(lambda x: jnp.sum(jnp.sin(x) * jax.lax.stop_gradient(b.sum())))(a),
    lambda a, b, n: jax.jvp(lambda x: lax.scan(lambda c, y: (c * y, c), 1.0, x)[1], (a.ravel(),), (a.ravel(),))[1],
)
SOLVERS: tuple[Operation, ...] = (
    lambda a, b, n: jnp.linalg.inv(_square(a)),
    lambda a, b, n: jnp.linalg.inv(jnp.stack([_square(a), 2.0 * _definite(a)])),
    lambda a, b, n: jnp.linalg.solve(_square(a), _right_side(b, min(3, a.shape[0]))),
    lambda a, b, n: jnp.linalg.solve(_square(a), _definite(a)[:, :2] * jnp.sum(b)),
    lambda a, b, n: jnp.linalg.det(_square(a)),
    lambda a, b, n: jnp.linalg.slogdet(_square(a))[1],
    lambda a, b, n: jnp.linalg.det(jnp.pad(_square(a), ((0, 2), (0, 2))) + jnp.eye(min(3, a.shape[0]) + 2)),
    lambda a, b, n: jnp.linalg.cholesky(_definite(a)),
    lambda a, b, n: jnp.linalg.eigvalsh(_definite(a, n % 4 > 0)),
    lambda a, b, n: (lambda w, v: (v * jnp.sin(w)) @ v.T)(*jnp.linalg.eigh(_definite(a))),
    lambda a, b, n: jsp.linalg.lu_factor(_square(a))[0],
    lambda a, b, n: jsp.linalg.solve_triangular(
        _square(a), _right_side(b, min(3, a.shape[0])), trans=n % 2, lower=bool(n // 2 % 2), unit_diagonal=bool(n % 3)
    ),
    lambda a, b, n: jsp.linalg.cho_solve((jnp.linalg.cholesky(_definite(a)), True), _right_side(b, min(3, a.shape[0]))),
    lambda a, b, n: jnp.linalg.qr(_square(a))[n % 2],
    lambda a, b, n: jnp.linalg.svd(_square(a), compute_uv=False),
    lambda a, b, n: (lambda u, s, v: u @ jnp.diag(jnp.sqrt(s)) @ v)(*jnp.linalg.svd(_square(a))),
    lambda a, b, n: jnp.linalg.matrix_power(_square(a), n % 4 - 1) * 0.1,
    lambda a, b, n: jsp.sparse.linalg.cg(_definite(a), _right_side(b, min(3, a.shape[0])), tol=1e-14)[0],
    lambda a, b, n: lax.linalg.tridiagonal_solve(
        0.3 * jnp.sin(a.ravel()), 3.0 + a.ravel() ** 2, 0.3 * jnp.cos(a.ravel()), a.ravel()[:, None]
    ),
)
EVERY_OPERATION = (*OPERATIONS, *MORE_ELEMENTWISE, *POSITIONS, *MORE_REDUCING, *LOOPS, *SOLVERS)
DOES_NOT_FIT = (TypeError, ValueError, ZeroDivisionError, IndexError, AttributeError, NotImplementedError)


@dataclass(frozen=True)
class Program:
    """Instructions, each an operation, the positions of its operands, its number; what does not fit is left out.

    Attributes:
        shapes: of the inputs.
        instructions: what is done to the values so far.
        seed: of the points.
    """

    shapes: tuple[tuple[int, ...], ...]
    instructions: tuple[tuple[int, int, int, int], ...]
    seed: int

    def __call__(self, *inputs: jax.Array) -> jax.Array:
        return self.values(*inputs)[-1]

    def values(self, *inputs: jax.Array, at: int = -1, g: Callable[[Any], Any] | None = None) -> list[jax.Array]:
        """All that is computed, inputs first; the value at one position goes through a function `g` at once."""
        values: list[jax.Array] = []

        def append(value: jax.Array) -> None:
            values.append(g(value) if g is not None and len(values) == at else value)

        for value in inputs:
            append(value)
        for operation, first, second, number in self.instructions:
            # counted from the newest, so that programs are deep
            a, b = values[-1 - first % len(values)], values[-1 - second % len(values)]
            try:
                result = EVERY_OPERATION[operation](a, b, number)
            except DOES_NOT_FIT:
                continue
            if result.size <= LARGEST and result.ndim <= 4:
                append(result)
        return values

    def points(self, count: int) -> Sequence[np.ndarray]:
        """For each input a batch of points."""
        rng = np.random.default_rng(self.seed)
        return [rng.uniform(-1.5, 1.5, (count, *shape)) for shape in self.shapes]


def _family(operations: Sequence[Operation]) -> st.SearchStrategy[int]:
    return st.sampled_from([EVERY_OPERATION.index(operation) for operation in operations])


operation = st.one_of(*map(_family, (OPERATIONS, MORE_ELEMENTWISE, POSITIONS, MORE_REDUCING, LOOPS, SOLVERS)))
"""Every family as often as any other."""

every_program = st.builds(
    Program,
    shapes=st.lists(st.sampled_from(SHAPES), min_size=1, max_size=2).map(tuple),
    instructions=st.lists(
        st.tuples(operation, st.integers(0, 3), st.integers(0, 3), st.integers(0, 30)), min_size=3, max_size=DEPTH
    ).map(tuple),
    seed=st.integers(0, 1000),
)
