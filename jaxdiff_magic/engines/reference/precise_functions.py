"""The scalar and matrix functions of the reference with as many digits as are asked for, by mpmath.

Source: https://mpmath.org/doc/current/functions/
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.arithmetic import mpf, mpmath
from jaxdiff_magic.engines.reference.precise import Precise, elementwise, exact, spend
from jaxdiff_magic.primitives.scalar import SCALARS, InLibrary

MAX_BITS = 4000
"""The exponential of a larger number would need a whole memory for its exponent. A choice: numbers of 10^1200 digits
before the point are of no use to anybody."""
COST = 10
"""A function counts as so many operations. An estimate, for the work alone."""


def _in_mpmath(function: InLibrary) -> Callable[..., Any]:
    return getattr(mpmath, function) if isinstance(function, str) else functools.partial(function, mpmath)


MPMATH: Mapping[str, Callable[..., Any]] = {
    name: _in_mpmath(known.digits) for name, known in SCALARS.items() if known.digits is not None
}
"""Each function of `scalars.FUNCTIONS`."""

CONSTANTS: Mapping[str, tuple[float, Callable[[], Any]]] = {
    "1/3": (1 / 3, lambda: mpmath.mpf(1) / 3),
    "log(2)": (float(np.log(2.0)), lambda: mpmath.log(2)),
    "1/log(2)": (1.4426950408889634, lambda: 1 / mpmath.log(2)),
    "sqrt(pi)": (1.772453850905516, lambda: mpmath.sqrt(mpmath.pi)),
    "1/sqrt(pi)": (0.5641895835477563, lambda: 1 / mpmath.sqrt(mpmath.pi)),
}
"""Numbers in partial derivatives that are no short binary fractions: in float64, and with any number of digits."""


def evaluate(name: str, args: tuple[Any, ...]) -> np.ndarray:
    """A scalar function on arrays, of which at least one is of objects; NaN where it is not real."""
    function = MPMATH[name]

    def one(*numbers: Any) -> Precise:
        spend(COST)
        values = [mpmath.mpf(exact(x)) for x in numbers]
        if any(mpmath.isfinite(x) and mpmath.mag(x) > MAX_BITS for x in values):
            raise OutOfReach(f"{name} of a number beyond 2 ** {MAX_BITS:,} is not evaluated digit by digit")
        try:
            found = function(*values)
        except (ZeroDivisionError, ValueError):  # mpmath's way to say that a pole is met
            return Precise(mpmath.nan)
        return Precise(found if isinstance(found, mpf) else mpmath.nan)

    return elementwise(one, *args)


def _matrix(a: np.ndarray) -> Any:
    spend(len(a) ** 3)
    return mpmath.matrix([[exact(x) for x in row] for row in a])


def _array(found: Any) -> np.ndarray:
    return np.array([[Precise(found[i, j]) for j in range(found.cols)] for i in range(found.rows)], object)


def inverse(a: np.ndarray) -> np.ndarray:
    """The inverse of a square matrix of objects.

    Raises:
        ValueError: it is singular.
    """
    try:
        return _array(_matrix(a) ** -1)
    except ZeroDivisionError:
        raise ValueError("the matrix is singular") from None


def cholesky(a: np.ndarray) -> np.ndarray:
    """The lower factor of a positive definite matrix of objects.

    Raises:
        ValueError: it is not positive definite.
    """
    return _array(mpmath.cholesky(_matrix(a)))


def determinant(a: np.ndarray) -> Precise:
    """The determinant of a square matrix of objects."""
    return Precise(mpmath.mpf(mpmath.det(_matrix(a))))
