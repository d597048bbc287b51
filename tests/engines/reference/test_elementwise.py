"""Elementwise primitives: values, slopes and curvatures are JAX's, each entry within its bound."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from .agreement import assert_as_jax, compared, reference_of

X = np.array([0.3, -0.8, 1.1])
INSIDE = np.array([0.3, -0.5, 0.7])
ABOVE = np.array([1.3, 2.8, 5.1])

SMOOTH = {
    "exp": (jnp.exp, X),
    "exp2": (jnp.exp2, X),
    "expm1": (jnp.expm1, X),
    "log": (jnp.log, ABOVE),
    "log1p": (jnp.log1p, INSIDE),
    "sqrt": (jnp.sqrt, ABOVE),
    "cbrt": (jnp.cbrt, X),
    "rsqrt": (lax.rsqrt, ABOVE),
    "sin": (jnp.sin, X),
    "cos": (jnp.cos, X),
    "tan": (jnp.tan, X),
    "asin": (jnp.arcsin, INSIDE),
    "acos": (jnp.arccos, INSIDE),
    "atan": (jnp.arctan, X),
    "sinh": (jnp.sinh, X),
    "cosh": (jnp.cosh, X),
    "tanh": (jnp.tanh, X),
    "asinh": (jnp.arcsinh, X),
    "acosh": (jnp.arccosh, ABOVE),
    "atanh": (jnp.arctanh, INSIDE),
    "logistic": (jax.nn.sigmoid, X),
    "erf": (jax.scipy.special.erf, X),
    "erfc": (jax.scipy.special.erfc, X),
    "erf_inv": (jax.scipy.special.erfinv, INSIDE),
    "lgamma": (jax.scipy.special.gammaln, ABOVE),
    "digamma": (jax.scipy.special.digamma, ABOVE),
    "polygamma": (lambda x: jax.scipy.special.polygamma(1, x), ABOVE),
    "zeta": (lambda x: jax.scipy.special.zeta(2.5, x), ABOVE),
    "gammainc": (lambda x: jax.scipy.special.gammainc(2.0, x), ABOVE),
    "gammaincc": (lambda x: jax.scipy.special.gammaincc(2.0, x), ABOVE),
    "betainc": (lambda x: jax.scipy.special.betainc(2.0, 3.0, x), INSIDE**2),
    "i0e": (jax.scipy.special.i0e, X),
    "i1e": (jax.scipy.special.i1e, X),
    "sum, difference and product": (lambda x, y: x + y * (x - y), X, ABOVE),
    "quotient": (lambda x, y: x / y, X, ABOVE),
    "broadcasting": (lambda x, y: x[:, None] * y + x[0], X, ABOVE),
    "a whole power": (lambda x: x**3, X),
    "a negative power": (lambda x: x**-2, X),
    "a fractional power": (lambda x: x**1.7, ABOVE),
    "the power zero": (lambda x: x**0.0 * x, X),
    "one number to the power of another": (lambda x, y: y**x, X, ABOVE),
    "a fixed number to a power": (lambda x: 2.0**x, X),
    "atan2": (jnp.arctan2, X, INSIDE),
    "logaddexp": (jnp.logaddexp, X, INSIDE**2),
    "hypot": (jnp.hypot, X, ABOVE),
    "complex numbers between": (lambda x: jnp.real(jnp.exp(1j * x) * (x + 2j) / (1.0 - 1j * x)), X),
    "modulus of a complex number": (lambda x: jnp.abs(x + 1j * x**2), X),
    "imaginary and conjugate": (lambda x: jnp.imag(jnp.conj(x + 1j) * (x**2 + 2j * x)), X),
}
if hasattr(lax, "polynomial"):  # of newer versions of JAX
    polynomial = getattr(lax, "polynomial")  # noqa: B009
    SMOOTH |= {
        "a polynomial": (lambda x: polynomial(x, [1.5, -2.0, 0.5, 3.0]), X),
        "a polynomial of its coefficients": (lambda x, y: polynomial(x, [y, x * y, 2.0, y**2]), X, ABOVE),
        "a constant polynomial": (lambda x, y: polynomial(x, [y]) * x, X, ABOVE),
    }
CHOOSING = {
    "abs": (jnp.abs, X),
    "sign": (lambda x: jnp.sign(x) * x**2, X),
    "floor": (lambda x: jnp.floor(3 * x) * x, X),
    "ceil": (lambda x: jnp.ceil(3 * x) * x, X),
    "round": (lambda x: jnp.round(3 * x) * x, X),
    "maximum": (lambda x: jnp.maximum(x, x**2), X),
    "minimum": (lambda x: jnp.minimum(x, x**2), X),
    "clip between numbers": (lambda x: jnp.clip(x, -0.5, 0.7) ** 2, X),
    "clip between arrays": (lambda x: lax.clamp(x - 1.0, x**3, x + 0.1), X),
    "where": (lambda x: jnp.where(x > 0, jnp.exp(x), x**3), X),
    "one of three": (lambda x: lax.select_n(jnp.array([0, 2, 1]), x, x**2, x**3), X),
    "the sign of a remainder": (lambda x: lax.rem(x, jnp.full(3, 0.37)) * x, X),
    "mod": (lambda x: jnp.mod(x, 0.37) * x, X),
    "mod by what varies": (lambda x: jnp.mod(1.9, x), X),
    "stop_gradient": (lambda x: lax.stop_gradient(x**2) * x, X),
    "straight through": (lambda x: x + lax.stop_gradient(jnp.round(x) - x), X),
    "is_finite": (lambda x: jnp.where(jnp.isfinite(x), x**2, 0.0), X),
    "nan_to_num": (lambda x: jnp.nan_to_num(x) * x, X),
    "relu": (lambda x: jax.nn.relu(x) ** 2, X),
    "leaky relu and elu": (lambda x: jax.nn.leaky_relu(x) * jax.nn.elu(x), X),
}
WITH_INTEGERS = {
    "converted": (lambda x: x * (3 * x).astype(jnp.int32), X),
    "quotient toward zero": (lambda x: x * lax.div(jnp.array([-7, 7, 0]), jnp.array([2, -2, 3])), X),
    "floor division": (lambda x: x * (jnp.array([-7, 7, 5]) // jnp.array([2, -2, 3])), X),
    "remainder": (lambda x: x * (jnp.array([-7, 7, 5]) % 3) + lax.rem(jnp.array([-7, 7, 5]), 3), X),
    "bits": (lambda x: x * ((jnp.arange(3) << 2 | 1) ^ (jnp.arange(3) & ~2)), X),
    "shifts": (lambda x: x * (jnp.array([-8, 9, 3]) >> 1), X),
    "logical shift": (lambda x: x * lax.shift_right_logical(jnp.array([-8, 9, 3]), jnp.full(3, 60)), X),
    "counted bits": (lambda x: x * lax.population_count(jnp.array([0, 7, 255])), X),
    "powers": (lambda x: x * jnp.arange(3) ** 3, X),
    "booleans": (lambda x: x * ((x > 0) & ~(x > 1) | (x < -1)), X),
    "random numbers": (lambda x: x * jax.random.normal(jax.random.key(0), (3,)), X),
    "a dropout mask": (lambda x: x * jax.random.bernoulli(jax.random.PRNGKey(1), 0.5, (3,)), X),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_functions(name: str) -> None:
    assert_as_jax(*SMOOTH[name])


@pytest.mark.parametrize("name", CHOOSING)
def test_functions_of_several_branches(name: str) -> None:
    assert_as_jax(*CHOOSING[name])


@pytest.mark.parametrize("name", WITH_INTEGERS)
def test_integers_in_between(name: str) -> None:
    assert_as_jax(*WITH_INTEGERS[name])


AT_TIES = {
    "abs": (jnp.abs, [0.0]),
    "maximum": (lambda x: jnp.maximum(x, 1.0), [1.0]),
    "where": (lambda x: jnp.where(x > 0.3, x, x**2), [0.3]),
    "a comparison within rounding": (lambda x: jnp.where(x + 0.2 > 0.30000000000000004, x, x**2), [0.1]),
    "floor": (jnp.floor, [2.0]),
    "round": (jnp.round, [1.5]),
    "clip": (lambda x: jnp.clip(x, -1.0, 1.0), [1.0]),
    "mod": (lambda x: jnp.mod(x, 0.25), [0.5]),
    "an integer": (lambda x: x * x.astype(jnp.int32), [2.0]),
}


@pytest.mark.parametrize("name", AT_TIES)
def test_a_choice_at_a_tie_is_told(name: str) -> None:
    f, x = AT_TIES[name]
    assert compared(f, [np.array([x])]) == "at a tie"


def test_only_the_points_at_a_tie_are_told() -> None:
    found = reference_of(jnp.abs, 1.0).evaluate((0, 0), [np.array([1.0, 0.0, -2.0])])
    assert found.at_tie.tolist() == [False, True, False]
    assert found.values[[0, 2]].tolist() == [1.0, -1.0]


def test_a_constant_comparison_is_no_tie() -> None:
    f = lambda x: jnp.where(jnp.zeros(3) >= 0.0, x, -x)  # noqa: E731
    assert not reference_of(f, X).evaluate((0, 0), [X[None]]).at_tie.any()


def test_a_branch_that_is_not_taken_leaves_no_trace() -> None:
    """JAX's reverse mode gives NaN here: 0 times the infinite slope of the square root."""
    found = reference_of(lambda x: jnp.where(x > 0, jnp.sqrt(x), 3.0 * x), -1.0).evaluate((0, 0), [np.array([-1.0])])
    assert found.values.tolist() == [3.0]


def test_the_slope_of_a_power_is_finite_where_the_exponent_is_zero() -> None:
    found = reference_of(lambda x, y: x**y, 0.0, 0.0).evaluate((0, 0), [np.zeros(1), np.zeros(1)])
    assert found.values.tolist() == [0.0]
