"""Partial derivatives of the scalar functions, written by `python -m jaxdiff_magic.engines.symbolic.shipped`."""

# ruff: noqa: E501
# fmt: off

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jaxdiff_magic.engines.reference.dispatch import (
    bessel_i,
    bessel_i0e,
    bessel_i1e,
    constant,
    cos,
    cosh,
    exp,
    lgamma,
    log,
    polygamma,
    pow_below,
    power,
    sign,
    sin,
    sinh,
    zeta,
)

Partial = Callable[..., Any]

PARTIALS: Mapping[str, tuple[Partial | None, ...]] = {
    "power": (
        lambda x, a, y: a * power(x, a - 1),
    ),
    "pow": (
        lambda a, b, y: b * pow_below(a, b),
        lambda a, b, y: y * log(a),
    ),
    "sqrt": (
        lambda x, y: 0.5 * power(y, -1),
    ),
    "cbrt": (
        lambda x, y: constant('1/3', y) * power(y, -2),
    ),
    "exp": (
        lambda x, y: y,
    ),
    "exp2": (
        lambda x, y: y * constant('log(2)', y),
    ),
    "expm1": (
        lambda x, y: exp(x),
    ),
    "log": (
        lambda x, y: power(x, -1),
    ),
    "log1p": (
        lambda x, y: power(x + 1, -1),
    ),
    "log2": (
        lambda x, y: power(x, -1) * constant('1/log(2)', y),
    ),
    "logistic": (
        lambda x, y: y * (1 - 1 * y),
    ),
    "sin": (
        lambda x, y: cos(x),
    ),
    "cos": (
        lambda x, y: -1 * sin(x),
    ),
    "tan": (
        lambda x, y: power(y, 2) + 1,
    ),
    "asin": (
        lambda x, y: power(1 - 1 * power(x, 2), -0.5),
    ),
    "acos": (
        lambda x, y: -1 * power(1 - 1 * power(x, 2), -0.5),
    ),
    "atan": (
        lambda x, y: power(power(x, 2) + 1, -1),
    ),
    "atan2": (
        lambda a, b, y: b * power(power(a, 2) + power(b, 2), -1),
        lambda a, b, y: -1 * a * power(power(a, 2) + power(b, 2), -1),
    ),
    "sinh": (
        lambda x, y: cosh(x),
    ),
    "cosh": (
        lambda x, y: sinh(x),
    ),
    "tanh": (
        lambda x, y: 1 - 1 * power(y, 2),
    ),
    "asinh": (
        lambda x, y: power(power(x, 2) + 1, -0.5),
    ),
    "acosh": (
        lambda x, y: power(power(x, 2) - 1, -0.5),
    ),
    "atanh": (
        lambda x, y: power(1 - 1 * power(x, 2), -1),
    ),
    "erf": (
        lambda x, y: 2 * constant('1/sqrt(pi)', y) * exp(-1 * power(x, 2)),
    ),
    "erfc": (
        lambda x, y: -2 * constant('1/sqrt(pi)', y) * exp(-1 * power(x, 2)),
    ),
    "erf_inv": (
        lambda x, y: 0.5 * constant('sqrt(pi)', y) * exp(power(y, 2)),
    ),
    "lgamma": (
        lambda x, y: polygamma(0, x),
    ),
    "digamma": (
        lambda x, y: polygamma(1, x),
    ),
    "polygamma": (
        None,
        lambda a, b, y: polygamma(a + 1, b),
    ),
    "zeta": (
        None,
        lambda a, b, y: -1 * a * zeta(a + 1, b),
    ),
    "igamma": (
        None,
        lambda a, b, y: exp(-1 * b + (a - 1) * log(b) - 1 * lgamma(a)),
    ),
    "igammac": (
        None,
        lambda a, b, y: -1 * exp(-1 * b + (a - 1) * log(b) - 1 * lgamma(a)),
    ),
    "regularized_incomplete_beta": (
        None,
        None,
        lambda a, b, c, y: exp((a - 1) * log(c) + (b - 1) * log(1 - 1 * c) - 1 * lgamma(a) - 1 * lgamma(b) + lgamma(a + b)),
    ),
    "bessel_i": (
        lambda x, a, y: 0.5 * bessel_i(x, a - 1) + 0.5 * bessel_i(x, a + 1),
    ),
    "bessel_i0e": (
        lambda x, y: -1 * y * sign(x) + bessel_i1e(x),
    ),
    "bessel_i1e": (
        lambda x, y: -1 * y * (sign(x) + power(x, -1)) + bessel_i0e(x),
    ),
}
"""Function to its partial derivatives, each of all arguments and the value y; None where none is known."""
