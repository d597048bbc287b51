"""Chaotic, ill-conditioned and long programs around one elementwise function of the user's.

Every number in them is one of float32, so that the same function is computed in every dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
import numpy as np
from jax import lax
from jax.experimental.ode import odeint

Function = Callable[[jax.Array], jax.Array]
Code = Callable[[Function, jax.Array], jax.Array]
JITTER = 2.0**-20  # about 1e-6


def like(x: jax.Array, value: Any) -> jax.Array:
    return jnp.asarray(np.asarray(value, np.float32), x.dtype)


def hilbert(x: jax.Array, n: int) -> jax.Array:
    return like(x, 1.0 / (np.arange(n)[:, None] + np.arange(n)[None] + 1.0))


def line(x: jax.Array, n: int, low: float = -1.0, high: float = 1.0) -> jax.Array:
    return like(x, np.linspace(low, high, n))


def some(x: jax.Array, *shape: int, seed: int = 0) -> jax.Array:
    return like(x, np.random.default_rng(seed).uniform(-1.0, 1.0, shape))


def loop(step: Callable[[Any], Any], start: Any, length: int) -> Any:
    return lax.fori_loop(0, length, lambda _, state: step(state), start)


def rk4(field: Function, y: jax.Array, h: float, steps: int) -> jax.Array:
    def step(y: jax.Array) -> jax.Array:
        a = field(y)
        b = field(y + 0.5 * h * a)
        c = field(y + 0.5 * h * b)
        return y + h * (a + 2.0 * b + 2.0 * c + field(y + h * c)) * like(y, 1.0 / 6.0)

    return loop(step, y, steps)


# Linear systems that lose nearly all digits


def hilbert_solve(g: Function, x: jax.Array) -> jax.Array:
    return jnp.sum(jnp.linalg.solve(hilbert(x, 7), g(jnp.sum(x) * line(x, 7, 0.5, 1.5))))


def hilbert_inverse(g: Function, x: jax.Array) -> jax.Array:
    return jnp.linalg.inv(hilbert(x, 4)) @ g(jnp.resize(x, 4) * line(x, 4, 0.5, 1.5))


def hilbert_matrix(g: Function, x: jax.Array) -> jax.Array:
    a = hilbert(x, 4) + jnp.diag(jnp.resize(0.125 * g(x), 4) ** 2)
    return jnp.linalg.solve(a, jnp.ones(4, x.dtype))


def vandermonde(g: Function, x: jax.Array) -> jax.Array:
    nodes = g(x) + 2.0 * jnp.arange(x.size, dtype=x.dtype)
    return jnp.linalg.solve(nodes[:, None] ** jnp.arange(x.size), line(x, x.size))


def near_singular(g: Function, x: jax.Array) -> jax.Array:
    a = jnp.ones((2, 2), x.dtype).at[1, 1].add(2.0**-14 * (1.25 + g(x)[0])).at[0, 1].add(2.0**-12 * x[-1])
    return jnp.linalg.inv(a)[0] * 2.0**-12


def gram(g: Function, x: jax.Array) -> jax.Array:
    v = jnp.stack([g(x), g(x) + 2.0**-7 * x**2 + 2.0**-8, jnp.cos(x)])
    return jnp.linalg.slogdet(v @ v.T + JITTER * jnp.eye(3, dtype=x.dtype))[1]


def growing_triangle(g: Function, x: jax.Array) -> jax.Array:
    n = 12
    lower = jnp.eye(n, dtype=x.dtype) - jnp.tril(jnp.ones((n, n), x.dtype), -1)
    return jsl.solve_triangular(lower, g(jnp.resize(x, n) * line(x, n, 0.5, 1.0)), lower=True)[-1]


def heat(g: Function, x: jax.Array) -> jax.Array:
    n = x.size
    a = jnp.eye(n, dtype=x.dtype) * 33.0 - 16.0 * (jnp.eye(n, k=1, dtype=x.dtype) + jnp.eye(n, k=-1, dtype=x.dtype))
    return jnp.sum(loop(lambda u: jnp.linalg.solve(a, 32.0 * g(u)) + 0.25 * u, x, 10) ** 2)


def jacobi_sweeps(g: Function, x: jax.Array) -> jax.Array:
    a = some(x, x.size, x.size) * (0.5 / x.size)
    return loop(lambda u: g(x) - a @ u, jnp.zeros_like(x), 25)


# Steps in time, chaotic or long


def euler(g: Function, x: jax.Array) -> jax.Array:
    return loop(lambda y: y + 0.125 * (g(jnp.roll(y, 1)) - 0.25 * y), x, 40)[0]


def lorenz(g: Function, x: jax.Array) -> jax.Array:
    def field(s: jax.Array) -> jax.Array:
        return jnp.stack([10.0 * (g(s[1]) - s[0]), s[0] * (28.0 - s[2]) - s[1], s[0] * s[1] - like(s, 8 / 3) * s[2]])

    return rk4(field, jnp.resize(x, 3) + 1.0, 2.0**-6, 50)


def oscillator(g: Function, x: jax.Array) -> jax.Array:
    y = jnp.stack([x[0], x[-1]])
    return rk4(lambda s: jnp.stack([s[1], 2.0 * (1.0 - s[0] ** 2) * s[1] - g(s[0])]), y, 2.0**-4, 24)[0]


def ode(g: Function, x: jax.Array) -> jax.Array:
    return jnp.sum(odeint(lambda y, t: -g(y) + 0.25 * jnp.cos(t), x, line(x, 2, 0.0, 0.5))[1])


def logistic_map(g: Function, x: jax.Array) -> jax.Array:
    return loop(lambda v: like(x, 3.9) * v * (1.0 - v), 0.3125 * g(x) + 0.5, 18)


def logistic_maps_coupled(g: Function, x: jax.Array) -> jax.Array:
    def step(v: jax.Array) -> jax.Array:
        w = 3.75 * v * (1.0 - v)
        return 0.875 * w + 0.125 * jnp.roll(w, 1)

    return jnp.sum(loop(step, 0.25 * g(x) + 0.5, 12))


def henon(g: Function, x: jax.Array) -> jax.Array:
    step = lambda s: jnp.stack([1.0 - 1.375 * g(s[0]) ** 2 + s[1], 0.3125 * s[0]])  # noqa: E731
    return loop(step, 0.25 * jnp.resize(x, 2), 12)[0]


def forward_only(g: Function, x: jax.Array) -> jax.Array:
    return lax.while_loop(lambda s: s[0] < 30, lambda s: (s[0] + 1, s[1] + 0.125 * g(s[1] - 0.25)), (0, x))[1]


# Statistics


def gaussian_process(g: Function, x: jax.Array) -> jax.Array:
    t, y = line(x, 6, 0.0, 2.0), jnp.sin(3.0 * line(x, 6))
    d = (t[:, None] - t[None]) ** 2
    k = (1.25 + g(x[0])) * jnp.exp(-d * (1.5 + g(x[-1]))) + JITTER * jnp.eye(6, dtype=x.dtype)
    c = jnp.linalg.cholesky(k)
    z = jsl.solve_triangular(c, y, lower=True)
    return -0.5 * z @ z - jnp.sum(jnp.log(jnp.diag(c)))


def warped_process(g: Function, x: jax.Array) -> jax.Array:
    n = 5
    t = 2.0 * line(x, n) + 0.5 * g(jnp.resize(x, n))
    k = jnp.exp(-0.5 * (t[:, None] - t[None]) ** 2) + (2.0**-10) * jnp.eye(n, dtype=x.dtype)
    factor = jsl.cho_factor(k, lower=True)
    y = some(x, n)
    return 2.0**-6 * (y @ jsl.cho_solve(factor, y)) + jnp.sum(jnp.log(jnp.diag(factor[0])))


def kernel_values(g: Function, x: jax.Array) -> jax.Array:
    t = jnp.resize(x, 4) + 2.0 * line(x, 4)
    k = 4.0 * jnp.eye(4, dtype=x.dtype) + g((t[:, None] - t[None]) ** 2)
    return jnp.linalg.solve(k, line(x, 4, 1.0, 2.0))[:2]


def kernel_regression(g: Function, x: jax.Array) -> jax.Array:
    t = line(x, 9, -2.0, 2.0)
    w = jnp.exp(-8.0 * (g(x)[:, None] - t[None]) ** 2)
    return (w @ jnp.sin(2.0 * t)) / jnp.sum(w, axis=1)


def kalman(g: Function, x: jax.Array) -> jax.Array:
    def step(carry: Any, y: jax.Array) -> Any:
        m, p = carry
        m, p = 0.75 * m + g(m - x[0]) * 0.25, p + 0.0625 + 0.125 * x[-1] ** 2
        s = p + 0.25
        gain = p / s
        return (m + gain * (y - m), p * (1.0 - gain)), jnp.log(s) + (y - m) ** 2 / s

    start = (x[0], jnp.ones((), x.dtype))
    return jnp.sum(lax.scan(step, start, jnp.sin(4.0 * line(x, 16)))[1])


def kalman_matrices(g: Function, x: jax.Array) -> jax.Array:
    a = like(x, [[1.0, 0.25], [-0.25, 0.875]])

    def step(p: jax.Array, q: jax.Array) -> Any:
        p = a @ p @ a.T + jnp.diag(jnp.stack([q, q**2]) ** 2) + 0.125 * jnp.eye(2, dtype=x.dtype)
        k = p[:, 0] / (p[0, 0] + 0.0625)
        return p - jnp.outer(k, p[0]), jnp.log(p[0, 0] + 0.0625)

    p, logs = lax.scan(step, jnp.eye(2, dtype=x.dtype), g(jnp.resize(x, 12) * line(x, 12, 0.5, 1.5)))
    return jnp.sum(logs) + jnp.trace(p)


def hidden_markov(g: Function, x: jax.Array) -> jax.Array:
    moves = like(x, [[np.log(0.9), np.log(0.1)], [-np.inf, 0.0]])
    start = like(x, [np.log(0.75), np.log(0.25)])
    mu = jnp.resize(x, 2)

    def step(a: jax.Array, y: jax.Array) -> Any:
        return jax.nn.logsumexp(a[:, None] + moves, axis=0) - g(y - mu) ** 2, None

    return jax.nn.logsumexp(lax.scan(step, start, line(x, 12))[0])


def impossible_start(g: Function, x: jax.Array) -> jax.Array:
    a = like(x, [0.0, -np.inf])
    moves = like(x, [[np.log(0.9), np.log(0.1)], [-np.inf, 0.0]])
    mu = jnp.resize(x, 2)
    for y in (0.25, 1.125, 0.75):
        a = jax.nn.logsumexp(a[:, None] + moves, axis=0) + g(y - mu)
    return jax.nn.logsumexp(a)


def masked_softmax(g: Function, x: jax.Array) -> jax.Array:
    keep = jnp.arange(x.size) != 1
    return jax.nn.softmax(jnp.where(keep, g(2.0 * x), -jnp.inf)) @ line(x, x.size, 1.0, 3.0)


def masked_sum(g: Function, x: jax.Array) -> jax.Array:
    return jax.nn.logsumexp(jnp.where(jnp.arange(8) % 3 > 0, 4.0 * g(jnp.resize(x, 8) * line(x, 8)), -jnp.inf))


def attention(g: Function, x: jax.Array) -> jax.Array:
    h = jnp.resize(x, (4, 2)) * some(x, 4, 2)
    q, k, v = g(h @ some(x, 2, 2, seed=1)), h @ some(x, 2, 2, seed=2), g(h)
    seen = jnp.tril(jnp.ones((4, 4), bool))
    p = jax.nn.softmax(jnp.where(seen, 4.0 * q @ k.T, -jnp.inf), axis=-1)
    return jnp.sum((p @ v)[-1])


def attention_by_a_large_number(g: Function, x: jax.Array) -> jax.Array:
    h = g(jnp.resize(x, (3, 2)) + some(x, 3, 2))
    hidden = jnp.triu(jnp.ones((3, 3), x.dtype), 1) * -1e9
    return jax.nn.softmax(h @ h.T + hidden, axis=-1) @ h[:, 0]


def transport(g: Function, x: jax.Array) -> jax.Array:
    cost = g(jnp.resize(x, 3)[:, None] - line(x, 3)[None]) ** 2 * 8.0

    def step(state: Any) -> Any:
        u, v = state
        u = -jax.nn.logsumexp(v[None] - cost, axis=1)
        return u, -jax.nn.logsumexp(u[:, None] - cost, axis=0)

    u, v = loop(step, (jnp.zeros(3, x.dtype), jnp.zeros(3, x.dtype)), 15)
    return jnp.sum(cost * jnp.exp(u[:, None] + v[None] - cost))


# Networks and descent


def recurrent(g: Function, x: jax.Array) -> jax.Array:
    w = 1.5 * some(x, 3, 3)
    step = lambda h, t: (jnp.tanh(w @ h + g(jnp.resize(x, 3) * t)), None)  # noqa: E731
    return jnp.sum(lax.scan(step, jnp.zeros(3, x.dtype), line(x, 30))[0])


def recurrent_cell(g: Function, x: jax.Array) -> jax.Array:
    w = 1.25 * some(x, x.size, x.size)
    return lax.scan(lambda h, t: (g(w @ h + t), h), x, line(x, 50))[0]


def residual_network(g: Function, x: jax.Array) -> jax.Array:
    w = some(x, x.size, x.size)
    return jnp.sum(loop(lambda h: h + 0.125 * g(w @ h), x, 32) ** 2)


def descent(g: Function, x: jax.Array) -> jax.Array:
    a, y = some(x, 4, x.size), line(x, 4)
    return jnp.sum(loop(lambda w: w - 0.25 * (a.T @ (g(a @ w) - y)), x, 25))


def descent_with_momentum(g: Function, x: jax.Array) -> jax.Array:
    a, rate = some(x, 3, 2), 0.0625 * (1.5 + g(x[0]))

    def step(state: Any) -> Any:
        w, v = state
        v = 0.875 * v - rate * (a.T @ (jnp.sin(a @ w) - x[-1]))
        return w + v, v

    return loop(step, (jnp.ones(2, x.dtype), jnp.zeros(2, x.dtype)), 20)[0]


def normalised_layers(g: Function, x: jax.Array) -> jax.Array:
    def step(h: jax.Array) -> jax.Array:
        h = g(h)
        return (h - jnp.mean(h)) / jnp.sqrt(jnp.var(h) + 2.0**-10) + 0.25 * x

    return loop(step, x, 4) @ line(x, x.size, 1.0, 2.0)


# Decompositions, powers and series


def power_iteration(g: Function, x: jax.Array) -> jax.Array:
    a = jnp.diag(g(x) + 2.0) + like(x, np.full((x.size, x.size), 0.25))

    def step(v: jax.Array) -> jax.Array:
        w = a @ v
        return w / jnp.sqrt(w @ w)

    v = loop(step, line(x, x.size, 0.5, 1.0), 25)
    return v @ a @ v


def matrix_power(g: Function, x: jax.Array) -> jax.Array:
    p = jax.nn.softmax(g(jnp.resize(x, (3, 3)) * some(x, 3, 3)), axis=-1)
    return loop(lambda v: v @ p, like(x, [1.0, 0.0, 0.0]), 30)


def exponential_series(g: Function, x: jax.Array) -> jax.Array:
    a = g(jnp.resize(x, (2, 2)) * like(x, [[4.0, 1.0], [-1.0, 3.0]])) * 2.0

    def step(k: jax.Array, state: Any) -> Any:
        total, term = state
        term = term @ a / (k + 1)
        return total + term, term

    eye = jnp.eye(2, dtype=x.dtype)
    return lax.fori_loop(0, 20, step, (eye, eye))[0][0]


def eigenvalues(g: Function, x: jax.Array) -> jax.Array:
    a = jnp.diag(g(x) + 2.0 * jnp.arange(x.size, dtype=x.dtype)) + like(x, np.full((x.size, x.size), 0.5))
    return jnp.linalg.eigvalsh(a @ a)[::-1][:2]


def eigenvectors(g: Function, x: jax.Array) -> jax.Array:
    a = jnp.diag(0.0625 * g(x) + 0.25 * jnp.arange(x.size, dtype=x.dtype)) + 0.125
    _, v = jnp.linalg.eigh(a)
    return (v[:, 0] ** 2) @ line(x, x.size)


def qr_chain(g: Function, x: jax.Array) -> jax.Array:
    a = jnp.resize(g(x), (3, 3)) * some(x, 3, 3) + 2.0 * jnp.eye(3, dtype=x.dtype)
    for _ in range(2):
        q, r = jnp.linalg.qr(a)
        a = r @ q
    return jnp.sum(jnp.diag(a) ** 2)


def long_product(g: Function, x: jax.Array) -> jax.Array:
    return jnp.prod(1.0 + 0.5 * g(jnp.sum(x) * line(x, 40)))


def running_product(g: Function, x: jax.Array) -> jax.Array:
    return jnp.cumprod(1.25 + g(jnp.resize(x, 24)))[jnp.array([3, 23])]


def cancelling(g: Function, x: jax.Array) -> jax.Array:
    return jnp.sum((g(x) + 2.0**12) - 2.0**12) + jnp.sum((g(x) - 2.0**13) + 2.0**13)


def cancelling_much(g: Function, x: jax.Array) -> jax.Array:
    return jnp.sum(g(x) * 2.0**30 + x) - jnp.sum(g(x)) * 2.0**30 + g(x)[0]


def cancelling_squares(g: Function, x: jax.Array) -> jax.Array:
    return ((2.0**5 + g(x)) ** 2 - 2.0**10 - g(x) ** 2) * 2.0**-5


def expanded_polynomial(g: Function, x: jax.Array) -> jax.Array:
    total = jnp.zeros_like(x)
    for c in np.poly(np.arange(1.0, 8.0)):
        total = total * (g(x) + 3.5) + float(c)
    return jnp.sum(total)


def continued_fraction(g: Function, x: jax.Array) -> jax.Array:
    return loop(lambda v: (1.0 + g(x) ** 2) / (1.0 + v), x + 2.0, 15)


def newton(g: Function, x: jax.Array) -> jax.Array:
    target = 2.0 + g(x)
    return loop(lambda y: 0.5 * (y + target / y), 1.0 + target, 8)


def branches_in_a_loop(g: Function, x: jax.Array) -> jax.Array:
    step = lambda k, v: lax.cond(k % 3 == 0, lambda v: g(v) + 0.25, lambda v: v - 0.125 * v**2, v)  # noqa: E731
    return jnp.sum(lax.fori_loop(0, 15, step, x))


def nested_loops(g: Function, x: jax.Array) -> jax.Array:
    inner = lambda c, t: (c + 0.125 * g(c * t), None)  # noqa: E731
    ts = line(x, 5)
    return lax.scan(lambda c, _: (jnp.tanh(lax.scan(inner, c, ts)[0] * 1.25), c), x, None, length=6)[0]


def batch_of_loops(g: Function, x: jax.Array) -> jax.Array:
    return jnp.sum(jax.vmap(lambda v: loop(lambda w: 1.5 * g(w) - 0.25 * v, v, 20))(x) ** 2)


@dataclass(frozen=True)
class Surrounding:
    """A program around a function g of arrays of any shape.

    Attributes:
        code: what it computes of g and the input.
        size: of the input.
        dtypes: in which it means anything.
    """

    code: Code
    size: int
    dtypes: tuple[str, ...]


WIDE = (ode, hilbert_solve, cancelling_much)
"""In float32 they would mean nothing."""
BY_SIZE: dict[int, tuple[Code, ...]] = {
    1: (hilbert_solve, logistic_map, continued_fraction),
    2: (
        *(near_singular, oscillator, henon, gaussian_process, kalman, hidden_markov, impossible_start),
        *(cancelling_squares, newton),
    ),
    3: (
        *(hilbert_inverse, hilbert_matrix, gram, growing_triangle, jacobi_sweeps),
        *(euler, lorenz, ode, logistic_maps_coupled, forward_only),
        *(warped_process, kernel_values, kernel_regression, kalman_matrices),
        *(masked_softmax, attention_by_a_large_number, transport),
        *(recurrent, descent, descent_with_momentum, normalised_layers),
        *(power_iteration, exponential_series, eigenvalues, eigenvectors, qr_chain, long_product),
        *(running_product, cancelling, cancelling_much, expanded_polynomial),
        *(branches_in_a_loop, nested_loops, batch_of_loops),
    ),
    4: (vandermonde, recurrent_cell, residual_network, matrix_power),
    5: (heat,),
    8: (masked_sum, attention),
}
SURROUNDINGS = {
    code.__name__.replace("_", " "): Surrounding(code, size, ("float64",) if code in WIDE else ("float32", "float64"))
    for size, codes in BY_SIZE.items()
    for code in codes
}
