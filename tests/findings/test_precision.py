"""Digits that are lost are counted, their operation and line named, and the stable form tried before it is shown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.report import Finding


def precision_findings(f: Callable[..., Any], *args: Any, **options: Any) -> list[Finding]:
    report = derive(f, **{"cost": "none", "points": 0, **options})(*args)
    return [finding for finding in report.findings if finding.kind == "precision"]


def only(f: Callable[..., Any], *args: Any, **options: Any) -> Finding:
    (finding,) = precision_findings(f, *args, **options)
    return finding


def log_of_one_more(x):
    shifted = 1 + x
    return jnp.log(shifted)  # here


def one_minus_cosine(x):
    part = 1 - jnp.cos(x)  # here
    return part / x**2


def roots(x):
    return jnp.sqrt(x + 1) - jnp.sqrt(x)  # here


def root_and_its_square(b, c):
    return jnp.sqrt(b**2 + c) - b  # here


def exponential(x):
    return (jnp.exp(x) - 1) / x  # here


def variance(x):
    return jnp.mean(x**2) - jnp.mean(x) ** 2  # here


def log_of_sigmoid(x):
    return jnp.log(jax.nn.sigmoid(x))  # here


def log_of_written_sigmoid(x):
    return jnp.log(1 / (1 + jnp.exp(-x)))  # here


def complement(x):
    return 1 - jax.scipy.special.erf(x)  # here


def hyperbolic_sine(x):
    return (jnp.exp(x) - jnp.exp(-x)) / 2  # here


def compound_interest(n):
    return (1 + 1 / n) ** n  # here


def logarithms(x, h):
    return (jnp.log(x + h) - jnp.log(x)) / h  # here


LOST = {
    # name: (function, point in float32, point in float64, stable form)
    "log": (log_of_one_more, (1e-5,), (1e-12,), "jnp.log1p(x) for jnp.log(shifted)"),
    "cos": (one_minus_cosine, (1e-4,), (1e-9,), "2 * jnp.sin(x / 2) ** 2 for 1 - jnp.cos(x)"),
    "roots": (
        roots,
        (1e7,),
        (1e16,),
        "1 / (jnp.sqrt(x + 1) + jnp.sqrt(x)) for jnp.sqrt(x + 1) - jnp.sqrt(x)",
    ),
    "quadratic": (root_and_its_square, (3e4, 1.0), (1e9, 1.0), "c / (jnp.sqrt(b ** 2 + c) + b)"),
    "expm1": (exponential, (1e-5,), (1e-12,), "jnp.expm1(x) for jnp.exp(x) - 1"),
    "variance": (
        variance,
        (np.float32(1000) + np.arange(4, dtype=np.float32) / 128,),
        (1e8 + np.arange(4.0),),
        "jnp.mean((x - jnp.mean(x)) ** 2)",
    ),
    "log of sigmoid": (log_of_sigmoid, (20.0,), (40.0,), "jax.nn.log_sigmoid(x)"),
    "written sigmoid": (log_of_written_sigmoid, (20.0,), (40.0,), "jax.nn.log_sigmoid(x)"),
    "erfc": (complement, (4.0,), (6.5,), "jax.scipy.special.erfc(x)"),
    "sinh": (hyperbolic_sine, (1e-5,), (1e-12,), "2 * jnp.sinh(x) for jnp.exp(x) - jnp.exp(-x)"),
    "power": (compound_interest, (1e6,), (1e12,), "jnp.exp(n * jnp.log1p(1 / n)) for (1 + 1 / n) ** n"),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LOST)
def test_the_line_is_named_and_the_stable_form_tried(name: str, dtype: str) -> None:
    f, single, double, form = LOST[name]
    with jax.enable_x64(dtype == "float64"):
        finding = only(f, *(jnp.asarray(x, dtype) for x in (single if dtype == "float32" else double)), order=1)
    lines, start = inspect.getsourcelines(f)
    (here,) = (k for k, line in enumerate(lines) if "# here" in line)
    assert (finding.kind, finding.severity) == ("precision", "warning")
    assert finding.where == f"test_precision.py, line {start + here}"
    assert f"`{lines[here].strip()}`" in finding.message
    total = {"float32": 7, "float64": 16}[dtype]
    right = re.search(rf"has (\d+) of its {total} digits right here: ", finding.message)
    assert right and int(right[1]) <= total // 2
    assert f"in {dtype}" in finding.message and "with 50 digits" in finding.message
    assert finding.cure.startswith(f"Write {form}"), finding.cure
    assert f"keeps its digits in {dtype}" in finding.cure


def test_the_three_numbers_and_the_cure_as_a_reader_sees_them() -> None:
    finding = only(log_of_one_more, 1e-5, order=1)
    assert finding.path == "log_of_one_more"
    assert finding.message.startswith(
        "log_of_one_more has 2 of its 7 digits right here: 1.001353e-05 in float32, 9.999949747714609e-06 in float64 "
        "and 9.9999497477146086561e-6… with 50 digits. The others are lost in the logarithm at test_precision.py, line "
    )
    assert finding.message.endswith(
        "its operand is so close to 1 that rounding has taken the digits by which it differs."
    )
    assert finding.cure == "Write jnp.log1p(x) for jnp.log(shifted). It keeps its digits in float32: 9.99995e-06 here."


def test_a_derivative_that_cancels_where_the_value_does_not() -> None:
    """JAX differentiates the sigmoid s as s * (1 - s), and in float32 1 - s is 0 at 20."""
    finding = only(lambda x: jax.nn.sigmoid(x) + 1.0, 20.0)
    assert (finding.path, finding.severity) == ("∂f/∂x", "info")  # it moves f by less than f is rounded
    assert "∂f/∂x has 0 of its 7 digits right here: 0.0 in float32, 2.06115" in finding.message
    assert "lost in the subtraction" in finding.message
    assert finding.cure.startswith("In float64 7 digits are right")


def test_one_element_of_an_array_is_named() -> None:
    finding = only(lambda x: 1 - jnp.cos(x), jnp.array([0.0, 3e-4, 0.0]), order=1)
    assert finding.path == "f[1]"
    assert "its terms cancel" in finding.message
    assert finding.cure == "Write 2 * jnp.sin(x / 2) ** 2 for 1 - jnp.cos(x). It keeps its digits in float32."


def test_a_formula_without_a_known_stable_form_gets_the_wider_dtype() -> None:
    finding = only(lambda x: x**3 - 6 * x**2 + 12 * x - 8, 2.01, order=1)
    assert "lost in the subtraction" in finding.message
    assert finding.cure.startswith("In float64 8 digits are right: jax.config.update")


def test_ill_conditioning_is_told_apart() -> None:
    finding = only(lambda x: jnp.sin(1e6 * x), 1.1, order=1)
    assert (finding.severity, finding.cure) == ("info", "")
    assert "It is ill-conditioned here: the rounding of x to float32 alone moves it as much" in finding.message
    assert "through the sine at test_precision.py" in finding.message


def test_a_nearly_singular_matrix_is_no_formula_to_rewrite() -> None:
    hilbert = jnp.asarray([[1 / (i + j + 1) for j in range(6)] for i in range(6)], jnp.float32)
    finding = only(lambda b: jnp.linalg.solve(hilbert, b), jnp.ones(6), order=1)
    assert "lost in the linear solve" in finding.message and "nearly singular" in finding.message
    assert finding.cure.startswith("In float64")


def test_a_cure_is_shown_only_where_it_is_better() -> None:
    """The difference of the operands themselves has lost its digits: a quotient by their sum helps nothing."""

    def f(x, h):
        a = x + h
        return a**2 - x**2

    with jax.enable_x64(True):
        finding = only(f, 1.0, 1e-12, order=1)
    assert "lost in the subtraction" in finding.message and "(a - x)" not in finding.cure


RNG = np.random.default_rng(0)
X = RNG.standard_normal((20, 4)).astype(np.float32)
W = np.array([1.0, -2.0, 0.5, 3.0], np.float32)
Y = X @ W

FINE: dict[str, tuple[Callable[..., Any], Any]] = {
    "a large constant beside a small function": (lambda x: 1e6 + jnp.sin(x), 1.0),
    "sum of squares": (lambda x: jnp.sum(x**2), RNG.standard_normal(1000)),
    "softmax": (jax.nn.softmax, [1.0, 2.0, 3.0]),
    "log-sum-exp": (jax.nn.logsumexp, [1.0, 20.0, 3.0]),
    "softplus": (jax.nn.softplus, -30.0),
    "log of a sum": (lambda x: jnp.log(1 + x), 2.0),
    "log1p": (jnp.log1p, 1e-7),
    "least squares at their minimum": (lambda w: jnp.sum((X.astype(w.dtype) @ w - Y.astype(w.dtype)) ** 2), W),
    "cross entropy": (lambda w: -jnp.mean(jax.nn.log_sigmoid(Y * (X @ w))), W),
    "a root": (lambda x: x**2 - 2, 2**0.5),
    "a difference of equal inputs": (lambda x: x[0] - x[1], [1.0, 1.0000001]),
    "norm": (jnp.linalg.norm, [3e-4, 4e-4]),
    "determinant": (jnp.linalg.det, [[2.0, 1.0], [1.0, 3.0]]),
    "maximum": (lambda x: jnp.maximum(x, 0.0), -1.0),
    "a loop": (lambda x: jax.lax.fori_loop(0, 10, lambda k, c: jnp.sin(c) + x, x), 0.3),
    "zero": (lambda x: 0.0 * x, 1.0),
}


WITH_HESSIAN = {"a large constant beside a small function", "log-sum-exp", "least squares at their minimum", "a root"}


@pytest.mark.parametrize("name", FINE)
def test_nothing_is_said_where_nothing_is_lost(name: str) -> None:
    f, at = FINE[name]
    order = 2 if name in WITH_HESSIAN else 1
    assert precision_findings(f, jnp.asarray(at, jnp.float32), order=order) == []


@pytest.mark.parametrize("name", ["least squares at their minimum", "a root", "softmax"])
def test_nothing_is_said_in_float64_either(name: str) -> None:
    f, at = FINE[name]
    with jax.enable_x64(True):
        assert precision_findings(f, jnp.asarray(at, jnp.float64), order=1) == []


def test_captured_arrays_of_fewer_digits_than_the_input_are_named() -> None:
    ones = np.ones(4, np.float32)
    with jax.enable_x64(True):
        w = jnp.asarray(W, jnp.float64)
        finding = only(lambda w: jnp.sum((X @ (ones * w) - Y) ** 2), w, order=1)
    assert (finding.severity, finding.path) == ("info", "X")
    assert finding.message.startswith("X and Y are float32, and captured: they have 7 digits")


@pytest.mark.parametrize("trust", [(), ("sine",)], ids=["wrong", "trusted"])
def test_a_rule_that_is_not_the_derivative_is_no_matter_of_digits(trust: tuple[str, ...]) -> None:
    @jax.custom_jvp
    def sine(x):
        return jnp.sin(x)

    sine.defjvp(lambda primals, tangents: (sine(*primals), 0.9 * tangents[0]))
    report = derive(sine, cost="none", points=2, trust=trust)(0.5)
    assert [finding.kind for finding in report.findings] == ["custom-rule"]


class TestUnderflow:
    """Numbers below the smallest normal one of a dtype have lost their exponent: no operand was magnified."""

    @pytest.mark.parametrize(
        ("f", "x", "truth"),
        [
            (lambda x: x**2, 1e-30, "1.0e-60"),
            (lambda x: 1 / x, 1e30, "1.0e-60"),  # its derivative
            (lambda x: jnp.exp(x), -95.0, "5.52e-42"),
            (lambda x: jnp.sum(jnp.exp(-x)), np.array([95.0, 96.0]), "5.52e-42"),
        ],
        ids=["a square", "the slope of a reciprocal", "a subnormal exponential", "all elements"],
    )
    def test_is_called_so(self, f: Any, x: Any, truth: str) -> None:
        (finding,) = precision_findings(f, jnp.asarray(x, jnp.float32), order=1)
        assert f"it underflows: {truth} is below the smallest normal number of float32, 1.18e-38" in finding.message
        assert "magnifies" not in finding.message
        assert "In float64" in finding.cure

    def test_is_not_what_cancellation_is(self) -> None:
        finding = only(lambda x: 1 - jnp.cos(x), jnp.float32(1e-10), order=1)  # 0 for 5e-21
        assert "underflow" not in finding.message
