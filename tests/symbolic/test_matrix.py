"""Matrix notation: the formulas people know, and never one that has other values than the index form."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jaxdiff_magic.errors import OutOfReach
from jaxdiff_magic.report import Formula
from jaxdiff_magic.subject import subject_of
from jaxdiff_magic.symbolic import matrix_form as forms
from jaxdiff_magic.symbolic.derivation import Derivation
from jaxdiff_magic.symbolic.matrix import Identity, Kronecker, Matrix, Named, Product, Scaled, Sum, Transpose, Vec
from jaxdiff_magic.symbolic.matrix_algebra import add, diag, product, scaled, transpose
from jaxdiff_magic.symbolic.matrix_form import MatrixForm, matrix_form
from jaxdiff_magic.symbolic.matrix_notation import latex, text
from jaxdiff_magic.symbolic.matrix_values import value
from jaxdiff_magic.symbolic.presentation import Presentation, unshifted
from jaxdiff_magic.trace import subject_trace

from .programs import RandomProgram, programs

RNG = np.random.default_rng(0)
N, D, H = 5, 3, 4
X, A, B, W, V = (RNG.normal(size=s) for s in ((N, D), (D, D), (D, D), (H, D), (2, H)))
x, a, w, b, c, t = (RNG.normal(size=s) for s in (D, D, D, H, 2, 2))
y = RNG.normal(size=N)
labels = (y > 0).astype(float)
one_hot = np.eye(D)[1]
targets = np.eye(D)[RNG.integers(0, D, N)]


def presented(f: Callable[..., Any], *args: Any, layout: str = "numerator") -> Presentation:
    """The formulas of a function of float64 arrays."""
    with jax.enable_x64(True):
        subject = subject_of(f, [jnp.asarray(arg, float) for arg in args], {}, None)
        names = [leaf.name for leaf in subject.inputs], [leaf.name for leaf in subject.outputs]
        return Presentation(subject, Derivation(subject_trace(subject), *names), layout)


def formula(f: Callable[..., Any], *args: Any, by: tuple[int, ...], layout: str = "numerator") -> Formula:
    return presented(f, *args, layout=layout).matrix((0, *by))


def right_side(f: Callable[..., Any], *args: Any, by: tuple[int, ...]) -> str:
    return formula(f, *args, by=by).text.partition(" = ")[2]


def mse(w):
    return jnp.sum((y - X @ w) ** 2) / (2 * N)


def ridge(w, l):  # noqa: E741  as the textbooks have it
    return jnp.sum((y - X @ w) ** 2) / (2 * N) + l / 2 * jnp.sum(w**2)


def logistic(w):
    s = jax.nn.sigmoid(X @ w)
    return -jnp.mean(labels * jnp.log(s) + (1 - labels) * jnp.log(1 - s))


def logistic_by_hand(w, y):
    p = 1 / (1 + jnp.exp(-(X @ w)))
    return -jnp.mean(y * jnp.log(p) + (1 - y) * jnp.log(1 - p))


def softmax(z):
    return jnp.exp(z) / jnp.sum(jnp.exp(z))


def cross_entropy(z):
    return -jnp.sum(one_hot * jnp.log(jax.nn.softmax(z)))


def cross_entropy_of_rows(Z):
    return -jnp.mean(jnp.sum(targets * jax.nn.log_softmax(Z), axis=1))


def standardised(x):
    mu = jnp.mean(x)
    var = jnp.var(x)
    return (x - mu) / jnp.sqrt(var + 1e-5)


def network(W, b, V, c):
    h = jnp.tanh(W @ x + b)
    return jnp.sum((V @ h + c - t) ** 2)


def batch_network(W, V):
    H = jnp.tanh(X @ W.T)
    return jnp.sum((H @ V.T) ** 2)


IDENTITIES = [
    (lambda x: a @ x, (x,), (0,), "a"),
    (lambda x: x @ x, (x,), (0,), "2 x"),
    (lambda x: x @ x, (x,), (0, 0), "2 I"),
    (lambda x: x @ A @ x, (x,), (), "xᵀ A x"),
    (lambda x: x @ A @ x, (x,), (0,), "(A + Aᵀ) x"),
    (lambda x: x @ A @ x, (x,), (0, 0), "A + Aᵀ"),
    (lambda x, A: x @ A @ x, (x, A), (1,), "x xᵀ"),
    (lambda a, X, b: a @ X @ b, (a, A, x), (), "aᵀ X b"),
    (lambda a, X, b: a @ X @ b, (a, A, x), (0,), "X b"),
    (lambda a, X, b: a @ X @ b, (a, A, x), (1,), "a bᵀ"),
    (lambda a, X, b: a @ X @ b, (a, A, x), (2,), "Xᵀ a"),
    (lambda A: jnp.trace(A @ B), (A,), (), "tr(A B)"),
    (lambda A: jnp.trace(A @ B), (A,), (0,), "Bᵀ"),
    (lambda A: jnp.trace(A @ B @ A), (A,), (0,), "(A B)ᵀ + (B A)ᵀ|Aᵀ Bᵀ + Bᵀ Aᵀ|Bᵀ Aᵀ + Aᵀ Bᵀ"),
    (lambda A: jnp.sum(A**2), (A,), (), "‖A‖_F²"),
    (lambda A: jnp.linalg.norm(A), (A,), (0,), "A/‖A‖_F"),
    (lambda x: jnp.linalg.norm(x), (x,), (0,), "x/‖x‖"),
    (lambda x: jnp.linalg.norm(x), (x,), (0, 0), "I/‖x‖ - x xᵀ/‖x‖³"),
    (lambda x: jnp.sum(x**3), (x,), (), "𝟏ᵀ x³"),
    (lambda x: jnp.sum(x**3), (x,), (0,), "3 x²"),
    (lambda x: jnp.sum(x**3), (x,), (0, 0), "6 diag(x)"),
    (lambda x: jnp.log(jnp.sum(jnp.exp(x))), (x,), (0,), "softmax(x)"),
    (jax.nn.logsumexp, (x,), (0,), "softmax(a)"),
    (softmax, (x,), (0,), "diag(s) - s sᵀ, where s = softmax(z)"),
    (jax.nn.softmax, (x,), (0,), "diag(s) - s sᵀ, where s = softmax(x)"),
    (cross_entropy, (x,), (0,), "softmax(z) - one_hot, where 𝟏ᵀ one_hot = 1"),
    (cross_entropy_of_rows, (X,), (0,), "(1/5)(softmax(Z) - targets), where targets 𝟏 = 𝟏"),
    (mse, (w,), (), "(1/10) ‖y - X w‖²"),
    (mse, (w,), (0,), "-(1/5) Xᵀ(y - X w)"),
    (mse, (w,), (0, 0), "(1/5) Xᵀ X"),
    (ridge, (w, 0.3), (0,), "-(1/5) Xᵀ(y - X w) + l w"),
    (ridge, (w, 0.3), (1,), "(1/2) ‖w‖²"),
    (ridge, (w, 0.3), (0, 0), "l I + (1/5) Xᵀ X"),
    (logistic, (w,), (0,), "(1/5) Xᵀ(s - labels), where s = sigmoid(X w)"),
    (logistic, (w,), (0, 0), "(1/5) Xᵀ diag(s ⊙ (1 - s)) X, where s = sigmoid(X w)"),
    (logistic_by_hand, (w, y), (0,), "(1/5) Xᵀ(p - y), where p = sigmoid(X w)"),
    (lambda x: jnp.tanh(W @ x), (x,), (0,), "diag(1 - tanh(W x)²) W"),
    (lambda W: jnp.sum(jax.nn.relu(W @ x + b)), (W,), (0,), "[W x + b > 0] xᵀ"),
    (network, (W, b, V, c), (0,), "2 ((1 - h²) ⊙ Vᵀ(V h + c - t)) xᵀ, where h = tanh(W x + b)"),
    (network, (W, b, V, c), (2,), "2 (V h + c - t) hᵀ, where h = tanh(W x + b)"),
    (network, (W, b, V, c), (3, 3), "2 I"),
    (
        standardised,
        (x,),
        (0,),
        "-(1/3)(x - mu 𝟏)(x - mu 𝟏)ᵀ/(var + 1.0e-5)^(3/2) + (I - (1/3) 𝟏 𝟏ᵀ)/sqrt(var + 1.0e-5), "
        "where mu = (1/3) 𝟏ᵀ x, var = (1/3) ‖x - mu 𝟏‖²",
    ),
    (lambda W: W @ x, (W,), (0,), "I ⊗ xᵀ, where vec stacks the rows"),
    (lambda X: A @ X @ B, (X[:3],), (0,), "A ⊗ Bᵀ, where vec stacks the rows"),
    (lambda X: X.T, (A,), (0,), "K, where K vec(Z) = vec(Zᵀ), vec stacks the rows|K (I ⊗ I)"),
    (lambda U: jnp.sum((U @ B - A) ** 2), (A,), (0,), "2 (U B - A) Bᵀ"),
    (lambda U: jnp.sum((U @ B - A) ** 2), (A,), (0, 0), "2 I ⊗ (B Bᵀ), where vec stacks the rows"),
]


@pytest.mark.parametrize(("f", "args", "by", "expected"), IDENTITIES, ids=lambda v: v if isinstance(v, str) else "")
def test_a_derivative_reads_as_in_a_textbook(f, args, by, expected):
    assert right_side(f, *args, by=by) in expected.split("|")
