"""ScalarFunction functions: how NumPy evaluates each, and where its partial derivatives come from.

The partial derivatives are SymPy's, written down once in `partials.py`;
`python -m jaxdiff_magic.engines.symbolic.shipped` derives them anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special as special

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.precise import is_precise
from jaxdiff_magic.engines.reference.precise_functions import evaluate

PARTIALS: dict[str, tuple[Callable[..., Any] | None, ...]] = {}
"""Of each function its partial derivatives, which are made of these functions: `partials.py` has them."""


@dataclass(frozen=True)
class ScalarFunction:
    """A scalar function.

    Attributes:
        name: by which its partial derivatives are found.
        in_float64: on NumPy arrays of floats.
    """

    name: str
    in_float64: Callable[..., np.ndarray]

    def value(self, *args: Any) -> np.ndarray:
        """The function on arrays: of floats, or of numbers with more digits."""
        if any(map(is_precise, args)):
            return evaluate(self.name, args)
        return self.in_float64(*args)

    def partials(self, position: int) -> Callable[..., Any]:
        """The partial derivative by one argument: a function of all arguments and the function's value.

        Raises:
            OutOfReach: when none is known.
        """
        known = PARTIALS.get(self.name, ())
        if position < len(known) and (partial := known[position]) is not None:
            return partial
        raise OutOfReach(f"no derivative is known for {self.name} by its argument {position + 1}")


def _power(x: np.ndarray, exponent: float) -> np.ndarray:
    if exponent == -1:
        return 1 / x
    return np.sqrt(x) if exponent == 0.5 else np.power(x, exponent)


FUNCTIONS: Mapping[str, ScalarFunction] = {
    name: ScalarFunction(name, value)
    for name, value in {
        "power": _power,
        "pow": np.power,
        "sqrt": np.sqrt,
        "cbrt": np.cbrt,
        "exp": np.exp,
        "exp2": np.exp2,
        "expm1": np.expm1,
        "log": np.log,
        "log1p": np.log1p,
        "log2": np.log2,
        "sin": np.sin,
        "cos": np.cos,
        "tan": np.tan,
        "asin": np.arcsin,
        "acos": np.arccos,
        "atan": np.arctan,
        "atan2": np.arctan2,
        "sinh": np.sinh,
        "cosh": np.cosh,
        "tanh": np.tanh,
        "asinh": np.arcsinh,
        "acosh": np.arccosh,
        "atanh": np.arctanh,
        "logistic": special.expit,
        "erf": special.erf,
        "erfc": special.erfc,
        "erf_inv": special.erfinv,
        "lgamma": special.gammaln,
        "digamma": special.digamma,
        "polygamma": lambda n, x: special.polygamma(np.asarray(n).astype(int), x),
        "zeta": special.zeta,
        "igamma": special.gammainc,
        "igammac": special.gammaincc,
        "regularized_incomplete_beta": special.betainc,
        "bessel_i": lambda x, order: special.iv(order, x),
        "bessel_i0e": special.i0e,
        "bessel_i1e": special.i1e,
    }.items()
}
"""Name to function. A primitive of JAX that is elementwise and smooth has its own name here."""

ULPS: Mapping[str, int] = {
    "erfc": 1024,  # exp(-x²) of the rounded x²: up to x² ulp, until it underflows at x = 27
    "digamma": 16,
    "polygamma": 64,
    "zeta": 64,
    "igamma": 256,
    "igammac": 256,
    "regularized_incomplete_beta": 1024,
    "erf_inv": 16,
    "bessel_i": 64,
    "bessel_i0e": 16,
    "bessel_i1e": 16,
}
"""Rounding of a library's evaluation in ulp, where it is more than two."""

ROUGH = frozenset({"lgamma", "digamma", "polygamma", "zeta"})
"""Functions that libraries compute to an ulp of 1, not of the value, near their zeros."""
