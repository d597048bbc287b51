"""The bound on an error is one: exact arithmetic lies within it, and it is not loose beyond use."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxdiff_magic.engines.reference.bounded import (
    Bounded,
    Dual,
    Number,
    base,
    call,
    dot,
    gather_sum,
    matmul,
    multiply,
    number,
)
from jaxdiff_magic.engines.reference.scalars import FUNCTIONS

from .agreement import reference_of

mpmath.mp.dps = 60
floats = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6)


def error_of(x: Number) -> float:
    error = base(x).error
    return 0.0 if error is None else float(error)


# Sums, products and quotients of exact numbers, as trees.
expressions = st.recursive(floats, lambda inner: st.tuples(st.sampled_from("+-*/"), inner, inner), max_leaves=12)
ACTIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


def evaluated(expression: Any, leaf: Callable[[float], Any]) -> Any:
    if isinstance(expression, float):
        return leaf(expression)
    action, a, b = expression
    return ACTIONS[action](evaluated(a, leaf), evaluated(b, leaf))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(expressions)
def test_rational_expressions_lie_within_their_bounds(expression: Any) -> None:
    try:
        exact = evaluated(expression, Fraction)
    except ZeroDivisionError:
        return
    with np.errstate(all="ignore"):
        ours = evaluated(expression, number)
    value, bound = float(base(ours).data), error_of(ours)
    if np.isfinite(value) and np.isfinite(bound):
        # the bound is of first order; underflow is beyond it
        assert abs(Fraction(value) - exact) <= 2 * Fraction(bound) + Fraction(1e-300)


ILL_CONDITIONED: dict[str, tuple[Callable[[Any, Any], Any], float]] = {
    "1 - cos x": (lambda m, x: 1 - m.cos(x), 1e-5),
    "exp x - 1": (lambda m, x: m.exp(x) - 1, 1e-9),
    "a difference of roots": (lambda m, x: m.sqrt(x + 1) - m.sqrt(x), 1e9),
    "a quadratic near its double zero": (lambda m, x: x * x - 2 * x + 1, 1.0000001),
    "(1 - x)^7 written out": (
        lambda m, x: 1 - 7 * x + 21 * x**2 - 35 * x**3 + 35 * x**4 - 21 * x**5 + 7 * x**6 - x**7,
        1.01,
    ),
    "sin of a large number": (lambda m, x: m.sin(x * x), 1e7 + 0.3),
    "log of a number near 1": (lambda m, x: m.log(x * x) * 1e8, 1.0 + 3e-9),
    "a quotient of differences": (lambda m, x: (m.exp(x) - 1 - x) / (x * x), 1e-4),
    "tan near its pole": (lambda m, x: m.tan(x + 0.5), 1.07079632679),
}


class Mp:
    """mpmath's functions by NumPy's names."""

    sqrt, exp, log, sin, cos, tan = mpmath.sqrt, mpmath.exp, mpmath.log, mpmath.sin, mpmath.cos, mpmath.tan


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", ILL_CONDITIONED)
def test_ill_conditioned_expressions_lie_within_their_bounds(name: str, order: int) -> None:
    f, x = ILL_CONDITIONED[name]
    found = reference_of(lambda x: f(jnp, x), x).evaluate((0,) * (1 + order), [np.array([x])])
    exact = mpmath.diff(lambda t: f(Mp, t), mpmath.mpf(x), order)
    error = abs(mpmath.mpf(float(found.values.item())) - exact)
    assert error <= float(found.errors.item())


def test_the_bound_of_a_cancellation_says_how_many_digits_are_left() -> None:
    f, x = ILL_CONDITIONED["1 - cos x"]
    found = reference_of(lambda x: f(jnp, x), x).evaluate((0,), [np.array([x])])
    assert 1e-7 < found.errors.item() / found.values.item() < 1e-5


ARGUMENTS: dict[str, tuple[Callable[..., Any], list[tuple[float, ...]]]] = {
    **{
        name: (getattr(mpmath, other), [(x,) for x in (-2.7, -0.3, 1e-9, 0.4, 5.3, 20.1)])
        for name, other in {
            "exp": "exp",
            "expm1": "expm1",
            "sin": "sin",
            "cos": "cos",
            "tan": "tan",
            "atan": "atan",
            "sinh": "sinh",
            "cosh": "cosh",
            "tanh": "tanh",
            "asinh": "asinh",
            "erf": "erf",
            "erfc": "erfc",
        }.items()
    },
    **{
        name: (getattr(mpmath, other), [(x,) for x in (1e-5, 0.3, 1.0000001, 1.9, 37.2)])
        for name, other in {
            "log": "log",
            "sqrt": "sqrt",
            "cbrt": "cbrt",
            "lgamma": "loggamma",
            "log1p": "log1p",
        }.items()
    },
    "digamma": (mpmath.digamma, [(0.3,), (1.4616321,), (7.5,)]),
    "polygamma": (lambda n, x: mpmath.polygamma(int(n), x), [(1.0, 0.3), (2.0, 4.4), (3.0, 1.1)]),
    "zeta": (mpmath.zeta, [(1.5, 0.7), (3.3, 2.2)]),
    "igamma": (lambda a, x: mpmath.gammainc(a, 0, x, regularized=True), [(2.0, 0.3), (0.4, 3.0), (9.0, 12.0)]),
    "igammac": (lambda a, x: mpmath.gammainc(a, x, regularized=True), [(2.0, 0.3), (0.4, 3.0), (9.0, 12.0)]),
    "regularized_incomplete_beta": (
        lambda a, b, x: mpmath.betainc(a, b, 0, x, regularized=True),
        [(2.0, 3.0, 0.2), (0.7, 5.0, 0.9)],
    ),
    "bessel_i0e": (lambda x: mpmath.besseli(0, x) * mpmath.exp(-abs(x)), [(0.3,), (-4.0,), (30.0,)]),
    "bessel_i1e": (lambda x: mpmath.besseli(1, x) * mpmath.exp(-abs(x)), [(0.3,), (-4.0,), (30.0,)]),
    "atan2": (mpmath.atan2, [(0.3, -2.0), (-1.0, 1e-7)]),
    "erf_inv": (mpmath.erfinv, [(0.3,), (-0.999,), (1e-7,)]),
    "logistic": (lambda x: 1 / (1 + mpmath.exp(-x)), [(-3.0,), (0.2,), (30.0,)]),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_the_rounding_of_library_functions_is_within_their_bounds(name: str) -> None:
    exact, points = ARGUMENTS[name]
    for point in points:
        found = call(name, *map(number, point))
        wanted = exact(*map(mpmath.mpf, point))
        assert abs(mpmath.mpf(float(base(found).data)) - wanted) <= error_of(found), point


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(floats, floats), min_size=1, max_size=9))
def test_inner_products_and_sums_lie_within_their_bounds(pairs: list[tuple[float, float]]) -> None:
    a, b = (np.array(column) for column in zip(*pairs, strict=True))
    exact = sum(Fraction(x) * Fraction(y) for x, y in pairs)
    found = dot(number(a), number(b), np.dot, len(a))
    summed = gather_sum(multiply(number(a), number(b)), np.sum, len(a))
    for one in (found, summed):
        assert abs(Fraction(float(base(one).data)) - exact) <= Fraction(error_of(one)) + Fraction(1e-300)


def test_errors_that_come_in_go_out_again() -> None:
    x = Bounded(np.asarray(2.0), np.asarray(1e-6))
    assert error_of(x * x) == pytest.approx(4e-6, rel=1e-5)
    assert error_of(call("exp", x)) == pytest.approx(1e-6 * np.exp(2.0), rel=1e-5)
    assert error_of(1.0 / x) == pytest.approx(1e-6 / 4, rel=1e-5)
    assert error_of(x - x) == pytest.approx(2e-6, rel=1e-5)


def test_infinitesimals_of_two_levels_give_mixed_derivatives() -> None:
    one = number(np.asarray(1.0))
    x = Dual(1, number(np.asarray(0.7)), one)
    y = Dual(2, number(np.asarray(1.3)), one)
    product = call("sin", x * y)
    assert isinstance(product, Dual)
    assert isinstance(product.tangent, Dual)
    mixed = float(base(product.tangent.tangent).data)
    assert mixed == pytest.approx(np.cos(0.91) - 0.91 * np.sin(0.91), rel=1e-14)


def test_no_function_claims_less_than_an_ulp() -> None:
    for name in ARGUMENTS:
        assert name in FUNCTIONS
        assert error_of(call(name, *map(number, ARGUMENTS[name][1][0]))) > 0.0


lead_axes = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["both", "first", "second"])), max_size=4)


@given(lead_axes, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 4))
def test_a_product_in_few_large_ones_is_numpys(
    lead: list[tuple[int, str]], rows: int, inner: int, columns: int, missing: int
) -> None:
    rng = np.random.default_rng(0)
    of_a = [1 if whose == "second" else size for size, whose in lead]
    of_b = [1 if whose == "first" else size for size, whose in lead]
    a = rng.standard_normal((*of_a, rows, inner))
    b = rng.standard_normal((*of_b[missing:], inner, columns))  # NumPy adds the axes that are missing
    want, found = np.matmul(a, b), matmul(a, b)
    assert found.shape == want.shape
    np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-12)
