"""Numbers with as many digits as are asked for: elements of object arrays, which refuse what was rounded to float64.

The rules of the reference are NumPy code, and NumPy calls the methods of the elements of an object array. A constant
that some rule wrote as a rounded float (1/3, ln 2) would silently cut the result to 16 digits: arithmetic with a float
that is not a short binary fraction, and any conversion to a float, raises TypeError instead.
"""

from __future__ import annotations

import contextlib
import math
import operator
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.arithmetic import handed_out, mpf, mpmath

SHORT = 4096
"""Floats that are whole multiples of one over this are exact: weights, signs, exponents such as 0.5."""


class _Left(threading.local):
    """How many scalar operations may still be done."""

    operations = math.inf


_left = _Left()


@contextlib.contextmanager
def precision(digits: int, operations: float = math.inf) -> Iterator[None]:
    """Compute with some decimal digits, at most so many scalar operations.

    Raises:
        OutOfReach: it takes more operations.
    """
    before, _left.operations = _left.operations, operations
    try:
        with mpmath.workdps(digits):
            yield
    except Spent:
        raise OutOfReach(f"it takes more than {operations:,} scalar operations, too many for so many digits") from None
    finally:
        _left.operations = before


UNFIT = (TypeError, ValueError, AttributeError, IndexError, KeyError, ArithmeticError)
"""What NumPy and mpmath raise where a rule works for float64 only."""


@contextlib.contextmanager
def in_digits(digits: int, operations: float = math.inf) -> Iterator[None]:
    """As `precision`, of rules that may work for float64 only.

    Raises:
        OutOfReach: likewise where one of them does.
    """
    try:
        with precision(digits, operations):
            yield
    except UNFIT as error:
        raise OutOfReach(f"a step of it is evaluated in float64 only ({error})") from error


def spend(operations: int) -> None:
    """Count scalar operations; stop the run where there are too many."""
    _left.operations -= operations
    if _left.operations < 0:
        raise Spent


class Spent(Exception):
    """The scalar operations are used up."""


class Precise:
    """A real number of the present working precision of mpmath.

    Attributes:
        value: an `mpmath.mpf`.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __float__(self) -> float:
        raise TypeError("it needs the nearest float64 of a number with more digits")

    def __complex__(self) -> complex:
        raise TypeError("complex numbers have 16 digits")

    def __neg__(self) -> Precise:
        return Precise(-self.value)

    def __abs__(self) -> Precise:
        return Precise(abs(self.value))

    def __bool__(self) -> bool:
        return self.value != 0

    def __hash__(self) -> int:
        return hash(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __floor__(self) -> Precise:
        return Precise(mpmath.floor(self.value))

    def __ceil__(self) -> Precise:
        return Precise(mpmath.ceil(self.value))

    def __trunc__(self) -> Precise:
        return Precise(mpmath.mpf(int(self.value)))

    def __repr__(self) -> str:
        return str(self.value)

    def rint(self) -> Precise:
        """The nearest whole number, of two the even one: what `np.round` asks for."""
        return Precise(mpmath.nint(self.value))

    def fmod(self, other: Any) -> Precise:
        """The remainder with the sign of the dividend: what `np.fmod` asks for."""
        divisor = exact(other)
        return Precise(self.value - divisor * int(self.value / divisor))

    def conjugate(self) -> Precise:
        """The number itself."""
        return self

    def __add__(self, other: Any) -> Precise:
        return _apply(operator.add, self, other)

    def __sub__(self, other: Any) -> Precise:
        return _apply(operator.sub, self, other)

    def __rsub__(self, other: Any) -> Precise:
        return _apply(lambda a, b: b - a, self, other)

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, Precise) and exact(other) == 0 and mpmath.isfinite(self.value):
            return 0  # whatever the value is: such a zero is known to be one
        return _apply(operator.mul, self, other)

    def __truediv__(self, other: Any) -> Precise:
        return _apply(operator.truediv, self, other)

    def __rtruediv__(self, other: Any) -> Precise:
        return _apply(lambda a, b: b / a, self, other)

    __radd__, __rmul__ = __add__, __mul__

    def __eq__(self, other: Any) -> bool:
        return _compare(operator.eq, self, other)

    def __ne__(self, other: Any) -> bool:
        return _compare(operator.ne, self, other)

    def __lt__(self, other: Any) -> bool:
        return _compare(operator.lt, self, other)

    def __le__(self, other: Any) -> bool:
        return _compare(operator.le, self, other)

    def __gt__(self, other: Any) -> bool:
        return _compare(operator.gt, self, other)

    def __ge__(self, other: Any) -> bool:
        return _compare(operator.ge, self, other)


def exact(x: Any) -> Any:
    """A number as mpmath takes it; None for what is no number.

    Raises:
        TypeError: it is a float that stands for some other number.
    """
    if isinstance(x, Precise):
        return x.value
    if isinstance(x, (bool, int, np.bool_, np.integer)):
        return int(x)
    if isinstance(x, mpf):
        return x
    if isinstance(x, (float, np.floating)):
        number = float(x)
        if math.isfinite(number) and not (number * SHORT).is_integer():
            raise TypeError(f"a constant is known to 16 digits only: {number!r}")
        return mpmath.mpf(number)
    return None


def _apply(op: Callable[[Any, Any], Any], a: Precise, other: Any) -> Any:
    if (b := exact(other)) is None:
        return NotImplemented
    spend(1)
    try:
        return Precise(op(a.value, b))
    except ZeroDivisionError:
        return Precise(mpmath.nan)


def _compare(op: Callable[[Any, Any], bool], a: Precise, other: Any) -> Any:
    b = exact(other)
    return NotImplemented if b is None else op(a.value, b)


def is_precise(array: Any) -> bool:
    """Whether an array holds numbers of this kind."""
    return getattr(array, "dtype", np.dtype(float)).kind == "O"


def precise(array: Any) -> np.ndarray:
    """The elements of a floating-point array as they are, each an exact binary fraction."""
    wide = np.asarray(array).astype(float)
    spend(wide.size)
    return elementwise(lambda x: Precise(mpmath.mpf(x)), wide)


def elementwise(f: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    """An object array of what a function gives for the elements of some arrays."""
    return np.asarray(np.frompyfunc(f, len(arrays), 1)(*arrays), object)


def nearest(array: np.ndarray) -> np.ndarray:
    """The nearest float64 of each element, for choices that no digit of the result depends on."""
    return elementwise(lambda x: float(exact(x)), array).astype(float) if is_precise(array) else array


def mpmath_numbers(array: np.ndarray) -> np.ndarray:
    """The elements of a result as `mpmath.mpf`.

    Raises:
        TypeError: one of them was computed in float64.
    """
    return elementwise(lambda x: handed_out(exact(x)), array)


def is_finite(array: np.ndarray) -> np.ndarray:
    """Which elements are neither infinite nor NaN, of arrays of any kind."""
    if not is_precise(array):
        return np.isfinite(array)
    return elementwise(lambda x: bool(mpmath.isfinite(exact(x))), array).astype(bool)
