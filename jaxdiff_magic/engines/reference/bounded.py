"""The numbers of the reference: float64 arrays with a bound on their own rounding, and dual numbers over them.

Every array begins with the run's batch axes (points, cotangents, tangents), each of full length or 1, before the axes
of the value itself; all arithmetic broadcasts over them. The bound is a running error analysis (N. J. Higham,
"Accuracy and Stability of Numerical Algorithms", 2nd ed., section 3.3). A dual number carries a derivative along one
infinitesimal; nested ones carry derivatives of any order (Griewank & Walther, "Evaluating Derivatives", ch. 3 and 13).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.precise import is_precise
from jaxdiff_magic.engines.reference.scalars import FUNCTIONS, ScalarFunction
from jaxdiff_magic.primitives.scalar import SCALARS

EPS = float(np.finfo(np.float64).eps)
Move = Callable[[np.ndarray], np.ndarray]
"""A map of arrays that selects, copies or adds elements, the batch axes left alone."""


_BARE: ContextVar[bool] = ContextVar("bare", default=False)


@contextmanager
def without_bounds(bare: bool = True) -> Iterator[None]:
    """Within it arithmetic keeps no bounds: they take half of the time, and grow beyond use in a long program.

    Args:
        bare: False to keep them again.
    """
    token = _BARE.set(bare)
    try:
        yield
    finally:
        _BARE.reset(token)


def has_no_bound(data: np.ndarray) -> bool:
    """Whether no bound is kept for a result: it has more digits, or nobody asks for bounds."""
    return _BARE.get() or is_precise(data)


class Number:
    """What arithmetic of the reference works on: `Bounded` or `Dual`."""

    __array_ufunc__ = None  # so that NumPy leaves mixed arithmetic to us

    def __add__(self, other: Any) -> Number:
        return add(self, number(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Number:
        return add(self, -number(other))

    def __rsub__(self, other: Any) -> Number:
        return add(number(other), -self)

    def __mul__(self, other: Any) -> Number:
        return multiply(self, number(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Number:
        return multiply(self, power(number(other), -1))

    def __rtruediv__(self, other: Any) -> Number:
        return multiply(number(other), power(self, -1))

    def __pow__(self, exponent: float) -> Number:
        return power(self, exponent)

    def __neg__(self) -> Number:
        return move(self, np.negative)


@dataclass(frozen=True, eq=False)
class Bounded(Number):
    """An array and a bound on the error of each element.

    Attributes:
        data: shape `(*batch, *shape)`, float64 (complex128 for complex values; objects for more digits).
        error: broadcasts to `data`; None where the values are exact, and for objects.
    """

    data: np.ndarray
    error: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Dual(Number):
    """primal + ε tangent.

    Attributes:
        level: which infinitesimal ε is; those of higher level contain numbers of lower level.
    """

    level: int
    primal: Number
    tangent: Number


def number(value: Any) -> Number:
    """A number as it is; a Python or NumPy value as an exact one."""
    return value if isinstance(value, Number) else Bounded(np.asarray(value))


def base(x: Number) -> Bounded:
    """The value itself, without its derivatives."""
    while isinstance(x, Dual):
        x = x.primal
    assert isinstance(x, Bounded)
    return x


def level(*numbers: Number) -> int:
    """The highest infinitesimal among some numbers; 0 where there is none."""
    return max((x.level for x in numbers if isinstance(x, Dual)), default=0)


def split(x: Number, k: int) -> tuple[Number, Number | None]:
    """Primal and tangent with respect to infinitesimal `k`; no tangent where `x` does not depend on it."""
    return (x.primal, x.tangent) if isinstance(x, Dual) and x.level == k else (x, None)


def dual(k: int, primal: Number, tangent: Number | None) -> Number:
    """A dual number, or its primal where the tangent is nothing."""
    return primal if tangent is None else Dual(k, primal, tangent)


def plus(a: Number | None, b: Number | None) -> Number | None:
    """The sum of two numbers of which either may be nothing."""
    return b if a is None else a if b is None else add(a, b)


def each(x: Number, f: Callable[[Bounded], Bounded]) -> Number:
    """A linear map applied to the value and all derivatives."""
    return Dual(x.level, each(x.primal, f), each(x.tangent, f)) if isinstance(x, Dual) else f(x)  # type: ignore[arg-type]


def add(a: Number, b: Number) -> Number:
    """a + b."""
    if k := level(a, b):
        (a, da), (b, db) = split(a, k), split(b, k)
        return dual(k, add(a, b), plus(da, db))
    data = a.data + b.data  # type: ignore[attr-defined]
    if has_no_bound(data):
        return Bounded(data)
    error = _sum(_sum(a.error, b.error), _rounding(data, a, b))  # type: ignore[arg-type]
    return Bounded(data, error)


def multiply(a: Number, b: Number) -> Number:
    """a * b, by the product rule."""
    if k := level(a, b):
        (a, da), (b, db) = split(a, k), split(b, k)
        left = None if da is None else multiply(da, b)
        right = None if db is None else multiply(a, db)
        return dual(k, multiply(a, b), plus(left, right))
    x, y = base(a), base(b)
    data = x.data * y.data
    if has_no_bound(data):
        return Bounded(data)
    error = _rounding(data, x, y)
    if x.error is not None:
        error = error + _carried(x.error, np.abs(y.data) if y.error is None else np.abs(y.data) + y.error)
    if y.error is not None:
        error = error + _carried(y.error, np.abs(x.data))
    return Bounded(data, error)


def weigh(x: Number, weight: np.ndarray) -> Number:
    """Times a constant that is exact; where it is 0 the result is, whatever `x` is there."""
    chosen = weight != 0

    def one(b: Bounded) -> Bounded:
        data = np.where(chosen, weight * b.data, 0.0)
        if b.error is None or is_precise(data):
            return Bounded(data)
        return Bounded(data, np.where(chosen, np.abs(weight) * b.error, 0.0))

    return each(x, one)


def move(x: Number, f: Move) -> Number:
    """Elements selected or copied (or their signs changed); what is not selected is an exact 0."""

    def one(b: Bounded) -> Bounded:
        return Bounded(f(b.data), None if b.error is None else np.abs(f(_full(b.error, b.data))))

    return each(x, one)


def with_value(x: Number, data: np.ndarray) -> Number:
    """`x` with its value replaced by one that is the same but for rounding; derivatives and bound stay."""
    if isinstance(x, Dual):
        return Dual(x.level, with_value(x.primal, data), x.tangent)
    return Bounded(data, base(x).error)


def exact_where_whole(x: Number) -> Number:
    """A constant exponent, its whole elements without an error: beside them, powers of negative numbers are none."""
    if isinstance(x, Dual) or (error := base(x).error) is None:
        return x
    data = base(x).data
    return Bounded(data, np.where(data == np.round(data), 0.0, error))


def gather_sum(x: Number, f: Move, terms: int) -> Number:
    """Elements added up by `f`, at most `terms` to each."""

    def one(b: Bounded) -> Bounded:
        if has_no_bound(b.data):
            return Bounded(f(b.data))
        data, error = f(b.data), (terms * EPS) * f(np.abs(b.data))
        if np.isinf(error).any():
            error = np.where(np.isinf(data) & np.isinf(b.data).any(), 0.0, error)  # see `_rounding`
        return Bounded(data, error if b.error is None else error + f(_full(b.error, b.data)))

    return each(x, one)


def choose(which: np.ndarray, cases: list[Number]) -> Number:
    """Element by element the case with the number that `which` holds."""
    if k := level(*cases):
        pairs = [split(case, k) for case in cases]
        zero = Bounded(np.zeros(()))
        return Dual(k, choose(which, [p for p, _ in pairs]), choose(which, [t or zero for _, t in pairs]))
    parts = [base(case) for case in cases]
    data = _picked(which, [p.data for p in parts])
    if is_precise(data) or all(p.error is None for p in parts):
        return Bounded(data)
    return Bounded(data, _picked(which, [np.zeros(()) if p.error is None else p.error for p in parts]))


def _picked(which: np.ndarray, cases: list[np.ndarray]) -> np.ndarray:
    if len(cases) == 2:
        return np.where(which == 1, cases[1], cases[0])
    return np.select([which == n for n in range(len(cases))], np.broadcast_arrays(*cases, which)[:-1])


def join(parts: list[Number], combine: Callable[[list[np.ndarray]], np.ndarray]) -> Number:
    """Several numbers put together (concatenated, stacked); their batch axes are broadcast first."""
    if k := level(*parts):
        pairs = [split(part, k) for part in parts]
        tangents = [move(p, np.zeros_like) if t is None else t for p, t in pairs]
        return Dual(k, join([p for p, _ in pairs], combine), join(tangents, combine))
    bases = [base(part) for part in parts]
    if any(has_no_bound(p.data) for p in bases):
        return Bounded(combine([p.data for p in bases]))
    errors = [np.zeros_like(p.data, float) if p.error is None else _full(p.error, p.data) for p in bases]
    return Bounded(combine([p.data for p in bases]), combine(errors))


def dot(a: Number, b: Number, product: Callable[[np.ndarray, np.ndarray], np.ndarray], terms: int) -> Number:
    """A bilinear map that adds up `terms` products for each element."""
    if k := level(a, b):
        (a, da), (b, db) = split(a, k), split(b, k)
        left = None if da is None else dot(da, b, product, terms)
        right = None if db is None else dot(a, db, product, terms)
        return dual(k, dot(a, b, product, terms), plus(left, right))
    x, y = base(a), base(b)
    if has_no_bound(x.data) or is_precise(y.data):
        return Bounded(product(x.data, y.data))
    size_x, size_y = np.abs(x.data), np.abs(y.data)
    error = ((terms + 1) * EPS) * product(size_x, size_y)
    if x.error is not None:
        error = error + product(_full(x.error, x.data), size_y)
    if y.error is not None:
        error = error + product(size_x if x.error is None else size_x + x.error, _full(y.error, y.data))
    return Bounded(product(x.data, y.data), error)


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`np.matmul` in few large products: a batch axis that one operand alone has is one of its rows or columns.

    NumPy repeats the other operand along it, and multiplies 2,000 vectors by a matrix one by one.
    """
    batch = max(a.ndim, b.ndim) - 2
    a, b = (x.reshape((1,) * (batch + 2 - x.ndim) + x.shape) for x in (a, b))
    of_a = [k for k in range(batch) if b.shape[k] == 1 != a.shape[k]]
    of_b = [k for k in range(batch) if a.shape[k] == 1 != b.shape[k]]
    if not of_a and not of_b:
        return np.matmul(a, b)
    shared = [k for k in range(batch) if k not in (*of_a, *of_b)]
    rows, columns = batch, batch + 1
    batch, tall, wide = (
        [x.shape[k] for k in axes] for x, axes in ((a, shared), (a, [*of_a, rows]), (b, [*of_b, columns]))
    )
    left = a.transpose(*shared, *of_b, *of_a, rows, columns).reshape(*batch, math.prod(tall), a.shape[-1])
    right = b.transpose(*shared, *of_a, rows, *of_b, columns).reshape(*batch, b.shape[-2], math.prod(wide))
    order = (*shared, *of_a, rows, *of_b, columns)
    return np.matmul(left, right).reshape(*batch, *tall, *wide).transpose(np.argsort(order))


def call(name: str, *args: Number, static: tuple[Any, ...] = ()) -> Number:
    """A scalar function, element by element.

    Args:
        name: of the function, as in `FUNCTIONS`.
        args: its arguments, of one shape.
        static: arguments that are no numbers of the run, such as an exponent; they come last.
    """
    function = FUNCTIONS[name]
    if name == "power" and static == (0,):  # constant; 0 * x ** -1 would have no slope at 0
        return Bounded(np.ones_like(base(args[0]).data))
    if k := level(*args):
        pairs = [split(arg, k) for arg in args]
        primals = [p for p, _ in pairs]
        value = call(name, *primals, static=static)
        tangent = None
        for i, (_, t) in enumerate(pairs):
            if t is not None:
                tangent = plus(tangent, multiply(number(function.partials(i)(*primals, *static, value)), t))
        return dual(k, value, tangent)
    parts = [base(arg) for arg in args]
    arguments = [part.data for part in parts]
    data = function.value(*arguments, *static)
    if has_no_bound(data):
        return Bounded(data)
    known = SCALARS[name]
    error = known.ulps * _rounding(data, *parts)
    if known.rough == "near zeros":
        error = error + known.ulps * EPS
    for i, part in enumerate(parts):
        if part.error is not None and (slope := _slope(function, i, part, (*arguments, *static, data))) is not None:
            error = error + np.where(part.error == 0, 0.0, slope * part.error)
    return Bounded(data, error)


def _slope(function: ScalarFunction, position: int, part: Bounded, arguments: tuple[Any, ...]) -> np.ndarray | None:
    """How strongly an argument's error acts; None where that is not known and the error is rounding alone."""
    try:
        return np.abs(function.partials(position)(*arguments))
    except OutOfReach:
        if np.any(part.error > 4 * EPS * np.abs(part.data)):  # type: ignore[operator]
            raise
        return None


def power(x: Number, exponent: float) -> Number:
    """`x` to a constant power."""
    return call("power", x, static=(exponent,))


def _rounding(data: np.ndarray, *operands: Bounded) -> np.ndarray:
    """One rounding of each result. An infinity that an operand brought along, or a pole, is exact; overflow is not.

    Masks and impossible events are -inf (a log of 0): what they do not reach keeps the bound that it has.
    """
    error = EPS * np.abs(data)
    if np.isinf(error).any():
        exact = np.zeros((), bool)
        for x in operands:
            exact = exact | np.isinf(x.data) | (x.data == 0)
        error = np.where(np.isinf(error) & exact, 0.0, error)
    return error


def _carried(error: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """An operand's error times a factor; what is exact stays so beside an infinite factor."""
    return np.where(error == 0, 0.0, factor * error)


def _sum(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    return b if a is None else a if b is None else a + b


def _full(error: np.ndarray, data: np.ndarray) -> np.ndarray:
    return error if error.shape == data.shape else np.broadcast_to(error, data.shape)
