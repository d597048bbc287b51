"""Sums, products, extrema, matrix products, windows, convolutions and Fourier transforms are JAX's."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from .agreement import assert_as_jax, compared

X = np.array([0.3, -0.8, 1.1, 0.5])
M = np.array([[0.3, -0.8, 1.1], [0.7, 0.2, -0.4]])
T = np.random.default_rng(0).normal(size=(2, 2, 3))

REDUCTIONS = {
    "sum": (lambda a: jnp.sum(a**2, 0), M),
    "sum over two axes": (lambda a: jnp.sum(a**3, (0, 2)), T),
    "mean and variance": (lambda x: (jnp.mean(x**2), jnp.var(x)), X),
    "product": (jnp.prod, X),
    "product along an axis": (lambda a: jnp.prod(a, 1), M),
    "product with a zero": (jnp.prod, np.array([0.5, 0.0, 2.0])),
    "product with two zeros": (jnp.prod, np.array([0.5, 0.0, 0.0])),
    "max and min": (lambda x: jnp.max(x**2) * jnp.min(x), X),
    "max along an axis": (lambda a: jnp.max(a, 0) ** 2, M),
    "all and any": (lambda x: x * jnp.all(x > -1.0) * jnp.any(x < 0.0), X),
    "argmax and argmin": (lambda x: x * (jnp.argmax(x) + 2 * jnp.argmin(x)), X),
    "cumsum": (lambda a: jnp.cumsum(a**2, 1), M),
    "cumsum from the end": (lambda x: lax.cumsum(x**2, reverse=True), X),
    "cumprod": (jnp.cumprod, X),
    "cumprod from the end": (lambda a: lax.cumprod(a, 1, reverse=True), M),
    "cummax and cummin": (lambda x: (lax.cummax(x) ** 2, lax.cummin(x, reverse=True)), X),
    "cumlogsumexp": (lax.cumlogsumexp, X),
    "logsumexp": (jax.nn.logsumexp, X),
    "softmax": (jax.nn.softmax, X),
    "log_softmax": (lambda a: jax.nn.log_softmax(a, 0), M),
    "norm": (jnp.linalg.norm, X),
    "trace": (lambda a: jnp.trace(a @ a.T), M),
    "associative scan": (lambda x: lax.associative_scan(jnp.multiply, x), X),
}
PRODUCTS = {
    "inner": (lambda x: x @ x, X),
    "matrix and vector": (lambda a, x: a @ x[:3], M, X),
    "matrix and matrix": (lambda a: a @ a.T, M),
    "outer": (lambda x, y: jnp.outer(x, y), X, X**2),
    "batches": (lambda a, b: jnp.einsum("bij,bkj->bik", a, b), T, T**2),
    "a contraction of two axes": (lambda a, b: jnp.tensordot(a, b, 2), T, M),
    "batches in another order": (lambda a, b: jnp.einsum("ibj,jbk->kib", a, b), T, T.transpose(2, 1, 0)),
    "a diagonal": (lambda a: jnp.einsum("ii->i", a @ a.T), M),
    "integers": (lambda x: x * (jnp.arange(4) @ jnp.arange(4)), X),
}
WINDOWS = {
    "convolve": (lambda x, k: jnp.convolve(x, k, mode="same") ** 2, X, X[:3]),
    "a max pool": (lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (2,), (1,), "SAME") ** 2, X),
    "a min pool": (lambda x: lax.reduce_window(x, jnp.inf, lax.min, (2,), (2,), "VALID") ** 2, X),
    "an average pool": (lambda a: lax.reduce_window(a, 0.0, lax.add, (2, 2), (1, 1), "VALID") ** 2, M),
    "strides, padding, groups": (
        lambda x, k: lax.conv_general_dilated(x[None], k, (2,), [(1, 2)], feature_group_count=2),
        M,
        T[:, :1, :2],
    ),
    "dilations": (
        lambda x, k: lax.conv_general_dilated(x[None], k, (1,), [(2, 1)], lhs_dilation=(2,), rhs_dilation=(2,)),
        M,
        T[:, :, :2],
    ),
    "two dimensions, channels last": (
        lambda x, k: lax.conv_general_dilated(
            x[None, :, :, None], k[:, :, None, :], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        ),
        M,
        T[:, :, :2],
    ),
}
FOURIER = {
    "modulus": (lambda x: jnp.abs(jnp.fft.fft(x)), X),
    "inverse": (lambda x: jnp.real(jnp.fft.ifft(x * jnp.exp(1j * x))), X),
    "real": (lambda x: jnp.imag(jnp.fft.rfft(x**2)), X),
    "real of an odd length": (lambda x: jnp.real(jnp.fft.rfft(x[:3]) * 1j), X),
    "real inverse": (lambda x: jnp.fft.irfft(x + 1j * x**2), X),
    "real inverse of an odd length": (lambda x: jnp.fft.irfft(x + 1j * x**2, n=5), X),
    "two dimensions": (lambda a: jnp.abs(jnp.fft.fft2(a)), M),
    "filtering": (lambda x: jnp.fft.irfft(jnp.fft.rfft(x) * jnp.exp(-jnp.arange(3.0))) ** 2, X),
}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name: str) -> None:
    assert_as_jax(*REDUCTIONS[name])


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name: str) -> None:
    assert_as_jax(*PRODUCTS[name])


@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name: str) -> None:
    assert_as_jax(*WINDOWS[name])


@pytest.mark.parametrize("name", FOURIER)
def test_fourier_transforms(name: str) -> None:
    assert_as_jax(*FOURIER[name])


@pytest.mark.parametrize("f", [jnp.max, jnp.argmax, lambda x: lax.cummax(x), lambda x: x * jnp.argmin(-x)])
def test_ties_are_told(f: object) -> None:
    smooth = lambda x: jnp.sum(x * f(x))  # type: ignore[operator]  # noqa: E731
    assert compared(smooth, [np.array([[1.0, 0.5, 1.0]])]) == "at a tie"
