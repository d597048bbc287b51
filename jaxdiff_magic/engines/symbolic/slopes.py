"""Derivatives of the scalar functions in forms that lose no digits.

Written by `python -m jaxdiff_magic.engines.symbolic.shipped`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from jaxdiff_magic.primitives.scalar import SCALARS

Slope = Callable[..., np.ndarray]

cos, cosh, digamma, exp, logistic, polygamma, sin, sinh, sqrt = (
    SCALARS[name].value for name in "cos cosh digamma exp logistic polygamma sin sinh sqrt".split()
)


def trigamma(x: np.ndarray) -> np.ndarray:
    """The derivative of digamma."""
    return polygamma(1, x)


SLOPES: Mapping[str, tuple[Slope, ...]] = {
    "exp": (lambda x, v: v,),
    "expm1": (lambda x, v: exp(x),),
    "log": (lambda x, v: 1 / x,),
    "log1p": (lambda x, v: 1 / (x + 1),),
    "logistic": (lambda x, v: v * logistic(-x),),
    "sin": (lambda x, v: cos(x),),
    "cos": (lambda x, v: -sin(x),),
    "tan": (lambda x, v: v * v + 1,),
    "asin": (lambda x, v: 1 / sqrt((x + 1) * (1 - x)),),
    "acos": (lambda x, v: -1 / sqrt((x + 1) * (1 - x)),),
    "atan": (lambda x, v: 1 / (x * x + 1),),
    "sinh": (lambda x, v: cosh(x),),
    "cosh": (lambda x, v: sinh(x),),
    "tanh": (lambda x, v: 1 / cosh(x) ** 2,),
    "asinh": (lambda x, v: 1 / sqrt(x * x + 1),),
    "acosh": (lambda x, v: 1 / sqrt((x + 1) * (x - 1)),),
    "atanh": (lambda x, v: 1 / ((x + 1) * (1 - x)),),
    "erf": (lambda x, v: 1.1283791670955126 * exp(-x * x),),
    "erfc": (lambda x, v: -1.1283791670955126 * exp(-x * x),),
    "erf_inv": (lambda x, v: 0.886226925452758 * exp(v * v),),
    "lgamma": (lambda x, v: digamma(x),),
    "digamma": (lambda x, v: trigamma(x),),
    "atan2": (lambda a, b, v: b / (a * a + b * b), lambda a, b, v: -a / (a * a + b * b)),
}
"""Function to its partial derivatives, each of all arguments and the value v."""
