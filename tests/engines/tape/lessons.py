"""The functions of the lessons, each with a point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .agreement import Case, case_of

_rng = np.random.default_rng(0)
_X, _y, _w = _rng.normal(size=(100, 10)), _rng.normal(size=100), _rng.normal(size=10)
_labels = (_rng.normal(size=100) > 0) * 1.0
_A = np.array([[2.0, 1.0, 0.3], [0.5, 3.0, -0.2], [0.1, 0.4, 1.5]])
_A5 = _rng.normal(size=(5, 5)) + 3 * np.eye(5)
_B, _x, _a, _b = _rng.normal(size=(3, 3)), np.array([1.0, -2.0, 0.5]), *_rng.normal(size=(2, 3))
_DATA = np.array([[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]])
_TARGETS = np.array([True, True, False, True])
_ONE_HOT = np.array([0.0, 1.0, 0.0, 0.0])


def _cubic(x: Any) -> Any:
    return x**3 + 2 * x**2 - 3 * x + 1


def _inner(x: Any) -> Any:
    return jnp.array([x[0] ** 2, x[0] + x[1]])


def _outer(y: Any) -> Any:
    return jnp.array([y[0] * y[1], y[0] - y[1]])


def _with_trigonometry(x: Any) -> Any:
    return jnp.array([x[0] ** 2 + x[1], x[0] * x[1], jnp.sin(x[0]) + jnp.cos(x[1])])


def _normalised(x: Any) -> Any:
    mu = jnp.mean(x)
    return (x - mu) / jnp.sqrt(jnp.mean((x - mu) ** 2) + 1e-5)


def _logistic_regression(w: Any) -> Any:
    s = jax.nn.sigmoid(_X[:20, :4] @ w)
    return -jnp.mean(_labels[:20] * jnp.log(s) + (1 - _labels[:20]) * jnp.log(1 - s))


def _cross_entropy(z: Any) -> Any:
    s = jnp.exp(z) / jnp.sum(jnp.exp(z))
    return -jnp.sum(_ONE_HOT * jnp.log(s))


@jax.custom_vjp
def _relu(x: Any) -> Any:
    return jnp.maximum(x, 0)


_relu.defvjp(lambda x: (_relu(x), x), lambda x, g: (g * (x > 0),))


def _logistic_model(W: Any, b: Any) -> Any:
    p = 0.5 * (jnp.tanh((_DATA @ W + b) / 2) + 1)
    return -jnp.sum(jnp.log(p * _TARGETS + (1 - p) * (1 - _TARGETS)))


def _two_layers(W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    return jnp.sum((W2 @ jnp.tanh(W1 @ _x + b1) + b2 - 1.0) ** 2)


LESSONS: Mapping[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "A1": (lambda x: x**4, (2.0,)),
    "A2": (jnp.sin, (np.pi / 4,)),
    "A3": (jnp.tanh, (2.0,)),
    "A4": (_cubic, (1.0,)),
    "A5": (_cubic, (2.0,)),
    "A6": (lambda x: x**2 + x + 4, (1.0,)),
    "A7": (lambda x: x**3 - 5 * x + 2, (0.5,)),
    "B1": (lambda x: x[0] ** 2 + x[1] ** 2 + x[0] * x[1], ([1.0, 2.0],)),
    "B2": (lambda x: x[0] ** 2 * x[1] + x[1] ** 3, ([1.0, 2.0],)),
    "B3": (lambda x, y: x**2 + y**2, (1.0, 1.0)),
    "B4": (lambda x: x[0] ** 2 + x[0] * x[1] + 2 * x[1] ** 2, ([1.0, 2.0],)),
    "B5 bowl": (lambda x: x[0] ** 2 + 2 * x[1] ** 2, ([0.0, 0.0],)),
    "B5 saddle": (lambda x: x[0] ** 2 - x[1] ** 2, ([0.0, 0.0],)),
    "B6": (lambda x: jnp.sum(x**3), (np.linspace(-1.0, 1.0, 7),)),
    "B7": (lambda x, y: (x + y) * (x - y), (3.0, 2.0)),
    "C1": (lambda x: jnp.array([x[0] * x[1], x[1] ** 2 + x[2]]), ([1.0, 2.0, 3.0],)),
    "C2": (lambda x: jnp.array([x**2, 4 * x]), (1.0,)),
    "C3": (lambda x, y: jnp.array([x**3 + 2 * x**2 + 2 * y**3 + y**2, 4 * x + 3 * y**2]), (1.0, 1.0)),
    "C4": (_with_trigonometry, ([1.0, 2.0],)),
    "C5": (lambda x: _outer(_inner(x)), ([1.0, 2.0],)),
    "C6": (jax.nn.softmax, ([-1.0, 0.3, 0.7, 1.0],)),
    "D a'x": (lambda x: _a @ x, (_x,)),
    "D x'x": (lambda x: x @ x, (_x,)),
    "D x'Ax": (lambda x: x @ _A @ x, (_x,)),
    "D a'Xb": (lambda X: _a @ X @ _b, (_B,)),
    "D tr(AB)": (lambda A: jnp.trace(A @ _B), (_A,)),
    "D log|det A|": (lambda A: jnp.linalg.slogdet(A)[1], (_A,)),
    "D log|det A| written out": (lambda A: jnp.log(jnp.abs(jnp.linalg.det(A))), (_A,)),
    "D log|det A| of 5 rows": (lambda A: jnp.log(jnp.abs(jnp.linalg.det(A))), (_A5,)),
    "D x'inv(A)x": (lambda A: _x @ jnp.linalg.inv(A) @ _x, (_A,)),
    "D x'solve(A,x)": (lambda A: _x @ jnp.linalg.solve(A, _x), (_A,)),
    "E1": (lambda w: jnp.sum((_y - _X @ w) ** 2) / 200, (_w,)),
    "E2": (_cross_entropy, ([0.5, -1.0, 2.0, 0.1],)),
    "E2 of the library": (lambda z: -jnp.sum(_ONE_HOT * jax.nn.log_softmax(z)), ([0.5, -1.0, 2.0, 0.1],)),
    "E3": (_logistic_regression, (_w[:4],)),
    "E4": (
        lambda w, c: jnp.sum((_y[:30] - _X[:30, :3] @ w) ** 2) / 60 + c / 2 * jnp.sum(w**2),
        (_w[:3], 0.1),
    ),
    "E5": (_normalised, (np.linspace(-1.0, 2.0, 5),)),
    "E6": (lambda W, b, x: jnp.array([0.3, -0.7]) @ (W @ x + b), (_B[:2], [0.1, 0.2], _x)),
    "E7": (
        lambda x, W, b: jnp.sum(jax.nn.relu(W @ x + b)),
        ([1.0, 2.0], [[1.0, 2.0], [3.0, 4.0]], [0.5, -0.5]),
    ),
    "E8": (lambda x: jnp.sum(_relu(x) ** 2), ([1.5, -2.0, 0.5],)),
    "E9": (_logistic_model, ([0.1, -0.2, 0.3], 0.5)),
    "a network of two layers": (
        _two_layers,
        (_rng.normal(size=(4, 3)), _b[[0] * 4], _rng.normal(size=(2, 4)), [0.1, 0.2]),
    ),
}
"""Name to function and arguments; names are those of the lessons' table."""

REVERSE_ONLY = ("E8",)
"""JAX refuses to differentiate a custom_vjp forward."""


def case_of_lesson(name: str) -> Case:
    """The tape of a lesson's function beside JAX's numbers."""
    f, args = LESSONS[name]
    return case_of(f, *args, derivative=jax.jacrev if name in REVERSE_ONLY else jax.jacfwd)
