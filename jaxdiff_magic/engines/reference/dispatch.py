"""Scalar functions that take numbers of the reference and plain arrays alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxdiff_magic.engines.reference.bounded import Number, base, call, exact_where_whole, number, weigh
from jaxdiff_magic.engines.reference.bounded import power as number_power
from jaxdiff_magic.engines.reference.precise import Precise, is_precise
from jaxdiff_magic.engines.reference.precise_functions import CONSTANTS
from jaxdiff_magic.engines.reference.scalars import FUNCTIONS


def _function(name: str) -> Callable[..., Any]:
    def apply(*args: Any) -> Any:
        if any(isinstance(arg, Number) for arg in args):
            return call(name, *map(number, args))
        return FUNCTIONS[name].value(*args)

    return apply


bessel_i0e, bessel_i1e = _function("bessel_i0e"), _function("bessel_i1e")
cos, sin, cosh, sinh, exp, log = map(_function, ("cos", "sin", "cosh", "sinh", "exp", "log"))
digamma, lgamma, polygamma, zeta = map(_function, ("digamma", "lgamma", "polygamma", "zeta"))


def power(x: Any, exponent: Any) -> Any:
    """`x` to a constant power; exactly 1 to the power 0, also at 0."""
    if isinstance(x, Number):
        return number_power(x, exponent)
    return FUNCTIONS["power"].value(x, exponent)


def bessel_i(x: Any, order: int) -> Any:
    """The modified Bessel function of the first kind, of a whole order."""
    if isinstance(x, Number):
        return call("bessel_i", x, static=(order,))
    return FUNCTIONS["bessel_i"].value(x, order)


def pow_below(a: Any, b: Any) -> Any:
    """a ** (b - 1), finite where b is 0 and the factor before it therefore too."""
    exponent = base(b).data if isinstance(b, Number) else np.asarray(b)
    if isinstance(b, Number):
        less = exact_where_whole(weigh(b - 1.0, (exponent != 0).astype(float)))
    else:
        less = np.where(b == 0, 0, b - 1)
    return _function("pow")(a, less)


def constant(text: str, like: Any) -> Any:
    """A number of `CONSTANTS`, in the arithmetic of another."""
    in_float64, in_mpmath = CONSTANTS[text]
    like = base(like).data if isinstance(like, Number) else like
    return np.array(Precise(in_mpmath()), object) if is_precise(like) else in_float64


def sign(x: Any) -> Any:
    """-1, 0 or 1: piecewise constant."""
    return number(np.sign(base(x).data)) if isinstance(x, Number) else np.sign(x)
