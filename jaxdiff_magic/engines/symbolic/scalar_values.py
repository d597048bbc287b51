"""Numbers of scalar functions: each with the sizes of its slopes, and where it jumps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import scipy.special as special
import sympy as sp

from jaxdiff_magic.engines.symbolic.functions import (
    BesselI0e,
    BesselI1e,
    Expm1,
    Frozen,
    HurwitzZeta,
    Log1p,
    LogAddExp,
    RegularizedBeta,
    RegularizedGamma,
    RegularizedGammaC,
    Rounded,
    Sigmoid,
)


def _gaussian(x: np.ndarray) -> np.ndarray:
    return 2 / math.sqrt(math.pi) * np.exp(-x * x)


def _gamma_density(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))


def _beta_density(a: np.ndarray, b: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.exp(special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b))


def _unknown(*args: np.ndarray) -> np.ndarray:
    """The size of a slope that is not known: an error there makes the result of any error."""
    return np.full(np.broadcast_shapes(*map(np.shape, args)), np.inf)


Numeric = Callable[..., np.ndarray]
ZERO: Numeric = lambda *args: np.zeros(())  # noqa: E731

FUNCTIONS: Mapping[type, tuple[Numeric, tuple[Numeric, ...]]] = {
    sp.exp: (np.exp, (np.exp,)),
    sp.log: (np.log, (lambda x: 1 / x,)),
    sp.sin: (np.sin, (np.cos,)),
    sp.cos: (np.cos, (np.sin,)),
    sp.tan: (np.tan, (lambda x: 1 / np.cos(x) ** 2,)),
    sp.asin: (np.arcsin, (lambda x: 1 / np.sqrt(1 - x * x),)),
    sp.acos: (np.arccos, (lambda x: 1 / np.sqrt(1 - x * x),)),
    sp.atan: (np.arctan, (lambda x: 1 / (1 + x * x),)),
    sp.atan2: (np.arctan2, (lambda y, x: x / (x * x + y * y), lambda y, x: y / (x * x + y * y))),
    sp.sinh: (np.sinh, (np.cosh,)),
    sp.cosh: (np.cosh, (np.sinh,)),
    sp.tanh: (np.tanh, (lambda x: 1 / np.cosh(x) ** 2,)),
    sp.asinh: (np.arcsinh, (lambda x: 1 / np.sqrt(1 + x * x),)),
    sp.acosh: (np.arccosh, (lambda x: 1 / np.sqrt(x * x - 1),)),
    sp.atanh: (np.arctanh, (lambda x: 1 / (1 - x * x),)),
    sp.erf: (special.erf, (_gaussian,)),
    sp.erfc: (special.erfc, (_gaussian,)),
    sp.loggamma: (special.gammaln, (special.digamma,)),
    sp.digamma: (special.digamma, (lambda x: special.polygamma(1, x),)),
    sp.polygamma: (
        lambda n, x: special.polygamma(n.astype(int), x),
        (ZERO, lambda n, x: special.polygamma(n.astype(int) + 1, x)),
    ),
    sp.erfinv: (special.erfinv, (lambda x: math.sqrt(math.pi) / 2 * np.exp(special.erfinv(x) ** 2),)),
    RegularizedGamma: (special.gammainc, (_unknown, lambda a, x: _gamma_density(a, x))),
    RegularizedGammaC: (special.gammaincc, (_unknown, lambda a, x: _gamma_density(a, x))),
    RegularizedBeta: (special.betainc, (_unknown, _unknown, lambda a, b, x: _beta_density(a, b, x))),
    HurwitzZeta: (special.zeta, (_unknown, lambda s, q: s * special.zeta(s + 1, q))),
    BesselI0e: (special.i0e, (np.ones_like,)),
    BesselI1e: (special.i1e, (np.ones_like,)),
    Log1p: (np.log1p, (lambda x: 1 / (1 + x),)),
    LogAddExp: (np.logaddexp, (lambda x, y: special.expit(x - y), lambda x, y: special.expit(y - x))),
    Expm1: (np.expm1, (np.exp,)),
    Sigmoid: (special.expit, (lambda x: special.expit(x) * special.expit(-x),)),
    Frozen: (lambda x: x, (np.ones_like,)),
    sp.Abs: (np.abs, (np.ones_like,)),
    sp.sign: (np.sign, (ZERO,)),
    sp.Heaviside: (lambda x, half: np.heaviside(x, half), (ZERO, ZERO)),
    sp.floor: (np.floor, (ZERO,)),
    sp.ceiling: (np.ceil, (ZERO,)),
    Rounded: (np.round, (ZERO,)),
    sp.Mod: (np.mod, (lambda a, b: np.ones_like(a), lambda a, b: np.floor(a / b))),
}
"""Each scalar function with the sizes of its partial derivatives, which carry errors through it."""

ROUGH = frozenset(
    {sp.loggamma, sp.digamma, sp.polygamma, HurwitzZeta, BesselI0e, BesselI1e}
    | {RegularizedGamma, RegularizedGammaC, RegularizedBeta}
)
"""Functions that libraries compute to an ulp of 1, not of the value, near their zeros."""

JUMPS: Mapping[type, Numeric] = {
    **dict.fromkeys((sp.Abs, sp.sign, sp.Heaviside), np.zeros_like),
    **dict.fromkeys((sp.floor, sp.ceiling), np.round),
    Rounded: lambda x: np.floor(x) + 0.5,
}
"""Functions whose value or derivative jumps, with the nearest place where it does."""

COMPARISONS: Mapping[type, Numeric] = {
    sp.StrictLessThan: np.less,
    sp.LessThan: np.less_equal,
    sp.StrictGreaterThan: np.greater,
    sp.GreaterThan: np.greater_equal,
    sp.Eq: np.equal,
    sp.Ne: np.not_equal,
}
