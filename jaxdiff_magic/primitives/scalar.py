"""Scalar functions, each said once: its numbers, its names in SymPy and mpmath, its rounding, where it jumps or bends.

What else lists scalar functions, in an engine, on a tape or in the panel, asks here. No derivative is stated but where
SymPy's form of it would lose digits; the others are derived from the formula, and written down, by
`python -m jaxdiff_magic.engines.symbolic.shipped`. Neither SymPy nor mpmath is imported: a row has the names of their
functions, or a function of the library and the arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.special as special

InLibrary = str | Callable[..., Any]
"""The name of a function of a library; or a function of the library and the arguments."""


@dataclass(frozen=True)
class ScalarFacts:
    """What is known of a scalar function.

    Attributes:
        name: of JAX's primitive.
        value: on NumPy arrays of floats.
        formula: in SymPy, or in the symbolic engine's own functions, which come first; None where it has none.
        digits: in mpmath; None where the reference makes it of others.
        ulps: rounding of a library's evaluation, in ulp.
        rough: where libraries compute it to an ulp of 1, not of the value: near its zeros; or by a series whose
            terms are of that size, of which `ulps` is a bound too.
        border: where its value or its slope jumps: at 0, at whole numbers, or at the halves between them.
        notation: its name in matrix notation; "" where it has none.
        in_browser: whether the panel has it.
        slope: its derivative in x, the value v and functions by their names here, in a form that loses no digits;
            "" where SymPy's loses none.
        bend: likewise its second derivative; "" where that of `slope` loses none.
    """

    name: str
    value: Callable[..., np.ndarray]
    formula: InLibrary | None
    digits: InLibrary | None
    ulps: int = 2
    rough: Literal["", "near zeros", "in series"] = ""
    border: Literal["", "zero", "whole", "half"] = ""
    notation: str = ""
    in_browser: bool = False
    slope: str = ""
    bend: str = ""


def _real_power(x: np.ndarray, exponent: float) -> np.ndarray:
    if exponent == -1:
        return 1 / x
    return np.sqrt(x) if exponent == 0.5 else np.power(x, exponent)


def _exact_power(mp: Any, x: Any, a: Any) -> Any:
    """x ** a among the real numbers, as IEEE arithmetic has it at 0."""
    if x == 0 and a < 0:
        return mp.inf
    return x ** (int(a) if mp.isint(a) else a)


def _known(
    name: str,
    value: Callable[..., np.ndarray],
    formula: InLibrary | None = "",
    digits: InLibrary | None = "",
    *,
    panel: bool = False,
    **rest: Any,
) -> ScalarFacts:
    """A row. The libraries have the function under the primitive's name where no other is said."""
    formula = name if formula == "" else formula
    digits = (formula if isinstance(formula, str) else name) if digits == "" else digits
    return ScalarFacts(name, value, formula, digits, in_browser=panel, **rest)


def _usual(name: str, value: Callable[..., np.ndarray], **rest: Any) -> ScalarFacts:
    """A function that has one name everywhere, and that the panel has."""
    return _known(name, value, panel=True, notation=name, **rest)


_POWERS = (
    _known("power", _real_power, None, _exact_power),
    _known("pow", np.power, lambda _, x, y: x**y, _exact_power, panel=True),
    _known("square", np.square, lambda _, x: x**2, None, panel=True),
    _known("sqrt", np.sqrt, panel=True, bend="-1 / (4 * x * v)"),
    _known(
        "rsqrt",
        lambda x: 1 / np.sqrt(x),
        lambda sp, x: 1 / sp.sqrt(x),
        None,
        panel=True,
        slope="-v / (2 * x)",
        bend="3 * v / (4 * x**2)",
    ),
    _known(
        "cbrt",
        np.cbrt,
        lambda sp, x: sp.sign(x) * sp.Abs(x) ** sp.Rational(1, 3),
        lambda mp, x: -mp.cbrt(-x) if x < 0 else mp.cbrt(x),
        panel=True,
        slope="1 / (3 * v**2)",
        bend="-2 / (9 * v**2 * x)",
    ),
)
_EXPONENTIALS = (
    _usual("exp", np.exp),
    _known("exp2", np.exp2, lambda sp, x: sp.Integer(2) ** x, lambda mp, x: mp.mpf(2) ** x, panel=True),
    _known("expm1", np.expm1, "Expm1", "expm1", panel=True, notation="expm1"),
    _usual("log", np.log),
    _known("log1p", np.log1p, "Log1p", "log1p", panel=True, notation="log1p"),
    _known("log2", np.log2, lambda sp, x: sp.log(x) / sp.log(2), lambda mp, x: mp.log(x, 2), panel=True),
    _known(
        "logistic",
        special.expit,
        "Sigmoid",
        lambda mp, x: 1 / (1 + mp.exp(-x)),
        panel=True,
        notation="sigmoid",
        slope="v * logistic(-x)",
        bend="v * logistic(-x) * (logistic(-x) - v)",
    ),
)
_TRIGONOMETRIC = (
    _usual("sin", np.sin),
    _usual("cos", np.cos),
    _usual("tan", np.tan),
    _usual("asin", np.arcsin, slope="1 / sqrt((1 - x) * (1 + x))"),
    _usual("acos", np.arccos, slope="-1 / sqrt((1 - x) * (1 + x))"),
    _usual("atan", np.arctan),
    _known("atan2", np.arctan2, panel=True),
    _usual("sinh", np.sinh),
    _usual("cosh", np.cosh),
    _usual("tanh", np.tanh, slope="cosh(x) ** -2", bend="-2 * v * cosh(x) ** -2"),
    _usual("asinh", np.arcsinh),
    _usual("acosh", np.arccosh, slope="1 / sqrt((x - 1) * (x + 1))"),
    _usual("atanh", np.arctanh, slope="1 / ((1 - x) * (1 + x))", bend="2 * x / ((1 - x) * (1 + x)) ** 2"),
)
_SPECIAL = (
    _usual("erf", special.erf),
    # exp(-x²) of the rounded x²: up to x² ulp, until it underflows at x = 27
    _known("erfc", special.erfc, panel=True, ulps=1024),
    _known("erf_inv", special.erfinv, "erfinv", ulps=16),
    _known("lgamma", special.gammaln, "loggamma", lambda mp, x: mp.re(mp.loggamma(x)), panel=True, rough="near zeros"),
    _known("digamma", special.digamma, panel=True, ulps=16, rough="near zeros"),
    _known(
        "polygamma",
        lambda n, x: special.polygamma(np.asarray(n).astype(int), x),
        "polygamma",
        lambda mp, n, x: mp.polygamma(int(n), x),
        ulps=64,
        rough="near zeros",
    ),
    _known("zeta", special.zeta, "HurwitzZeta", "zeta", ulps=64, rough="near zeros"),
    _known(
        "igamma",
        special.gammainc,
        "RegularizedGamma",
        lambda mp, a, x: mp.gammainc(a, 0, x, regularized=True),
        ulps=256,
        rough="in series",
    ),
    _known(
        "igammac",
        special.gammaincc,
        "RegularizedGammaC",
        lambda mp, a, x: mp.gammainc(a, x, mp.inf, regularized=True),
        ulps=256,
        rough="in series",
    ),
    _known(
        "regularized_incomplete_beta",
        special.betainc,
        "RegularizedBeta",
        lambda mp, a, b, x: mp.betainc(a, b, 0, x, regularized=True),
        ulps=1024,
        rough="in series",
    ),
    _known(
        "bessel_i", lambda x, order: special.iv(order, x), None, lambda mp, x, order: mp.besseli(int(order), x), ulps=64
    ),
    _known(
        "bessel_i0e",
        special.i0e,
        "BesselI0e",
        lambda mp, x: mp.exp(-abs(x)) * mp.besseli(0, x),
        ulps=16,
        rough="in series",
    ),
    _known(
        "bessel_i1e",
        special.i1e,
        "BesselI1e",
        lambda mp, x: mp.exp(-abs(x)) * mp.besseli(1, x),
        ulps=16,
        rough="in series",
    ),
)
_PIECEWISE = (
    _known("abs", np.abs, "Abs", None, panel=True, notation="abs", border="zero"),
    _known("sign", np.sign, "sign", None, panel=True, notation="sign", border="zero"),
    _known("floor", np.floor, "floor", None, panel=True, notation="floor", border="whole"),
    _known("ceil", np.ceil, "ceiling", None, panel=True, notation="ceiling", border="whole"),
    # of two whole numbers that are as near the even one
    _known("round", np.round, "Rounded", None, panel=True, notation="round", border="half"),
    _known("stop_gradient", lambda x: x, "Frozen", None, notation="stop_gradient"),
)

SCALARS: Mapping[str, ScalarFacts] = {
    row.name: row for row in (*_POWERS, *_EXPONENTIALS, *_TRIGONOMETRIC, *_SPECIAL, *_PIECEWISE)
}
"""Name to what is known. `power` (of a constant exponent) and `bessel_i` are steps of the reference alone."""

NEAREST: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "zero": np.zeros_like,
    "whole": np.round,
    "half": lambda x: np.floor(x) + 0.5,
}
"""Kind of border to the one that is nearest to a number."""
