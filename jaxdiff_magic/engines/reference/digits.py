"""Values and derivatives with as many digits as are asked for, of functions of few inputs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from jaxdiff_magic.base.errors import InputError, OutOfReach
from jaxdiff_magic.engines.reference.arithmetic import mpmath
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.reference.directions import Found, Path, total_size
from jaxdiff_magic.engines.reference.precise import Precise, elementwise, exact, in_digits, is_finite, mpmath_numbers
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Trace

MAX_PRECISE_INPUTS = 64
"""Derivatives by more scalar inputs are evaluated in float64 only. A choice of time: each takes a direction."""
MAX_PRECISE_OPERATIONS = 400_000
"""A run takes about a second for as many scalar operations."""
GUARD = 15
"""Digits beyond those asked for in the first run. A choice: about as many as a float64 has, for what a program of usual
length cancels."""
DOUBLINGS = 4
"""How often the working precision is doubled. A choice of time: sixteen times the digits of the first run."""
NOISE = 20
"""Rounding errors of two runs differ by less than so many digits. A choice: far below the digits that a doubling
adds."""


class Evaluated(Protocol):
    """What is run: a `Reference` or `RuleValues` on numbers with more digits."""

    def evaluate(self, path: Path, points: Sequence[np.ndarray]) -> Found:
        """A derivative at a batch of points."""
        ...


def with_digits(
    trace: Trace,
    paths: Sequence[Path],
    point: Sequence[np.ndarray],
    digits: int = 50,
    operations: int = MAX_PRECISE_OPERATIONS,
) -> dict[Path, np.ndarray]:
    """Some derivatives of one order, right to so many digits.

    The working precision is doubled until two runs agree (A. Ziv, "Fast evaluation of elementary mathematical functions
    with correctly rounded last bit", ACM TOMS 17, 1991). What is no more than the rounding of each run, up to 1,000
    digits, is 0.

    Args:
        trace: of the function.
        paths: which ones; `(output,)` is a value.
        point: for each input leaf its value; every element counts as the exact binary fraction that it is.
        digits: decimal digits that are right.
        operations: most scalar operations of one run.

    Returns:
        For each path an object array of `mpmath.mpf`, of the shape `(*output, *inputs…)`.

    Raises:
        OutOfReach: a primitive has no rule with so many digits, the size is too large, the result is not finite, a
            choice is at a tie, or it cancels beyond all digits.
    """
    order = max(len(path) for path in paths) - 1
    inputs = total_size([variable.shape for variable in trace.inputs])
    if order and inputs > MAX_PRECISE_INPUTS:
        raise OutOfReach(f"{inputs:,} inputs are too many for {digits} digits: at most {MAX_PRECISE_INPUTS}")
    return settled(lambda: Reference(trace, precise=True), paths, point, digits, operations)


def settled(
    made: Callable[[], Evaluated], paths: Sequence[Path], point: Sequence[np.ndarray], digits: int, operations: int
) -> dict[Path, np.ndarray]:
    """As `with_digits`, of whatever is made anew for each run."""
    batch = [np.asarray(x, np.float64)[None] for x in point]
    working = digits + GUARD
    before = coarse = _run(made, paths, batch, working, operations)
    for _ in range(DOUBLINGS):
        working *= 2
        fine = _run(made, paths, batch, working, operations)
        with mpmath.workdps(working):
            agree = [_agree(*pair, digits) for path in paths for pair in _pairs(coarse[path], fine[path])]
        if all(agree):
            return {path: _rounded(fine[path], digits) for path in paths}
        coarse, before = fine, coarse
    return {path: _rounded(_last(before[path], coarse[path], digits, working), digits) for path in paths}


def subject_with_digits(subject: Subject, trace: Trace, what: str, digits: int) -> Any:
    """The value or a derivative of a subject, in JAX's pytree structure: see `Report.precise`.

    Raises:
        InputError: there is no such derivative.
        OutOfReach: see `with_digits`.
    """
    orders = {"value": 0, "function": 0, "gradient": 1, "jacobian": 1, "hessian": 2}
    order = orders.get(what, int(what[1:]) if what[:1] == "d" and what[1:].isdecimal() else -1)
    if order < 0 or digits < 1:
        raise InputError(
            f"There is no {what!r} with {digits} digits: ask for 'value', 'gradient', 'jacobian', 'hessian', 'd3', …, "
            "with one digit or more."
        )
    if what == "gradient" and not subject.is_scalar:
        raise InputError(f"{subject.name} returns more than one number: ask for 'jacobian'.")
    inputs = range(len(subject.inputs))
    paths = list(itertools.product(range(len(subject.outputs)), *[inputs] * order))
    found = with_digits(trace, paths, subject.exact_point, digits)

    def nested(path: Path) -> Any:
        return found[path][()] if len(path) == order + 1 else [nested((*path, i)) for i in inputs]

    return subject.assemble([nested((o,)) for o in range(len(subject.outputs))], order)


def _run(
    made: Callable[[], Evaluated], paths: Sequence[Path], batch: Sequence[np.ndarray], working: int, operations: int
) -> dict[Path, np.ndarray]:
    """One run in some working precision; elements are `Precise`, or exact whatever the precision."""
    with in_digits(working, operations):
        evaluated = made()
        every = {path: evaluated.evaluate(path, batch) for path in paths}
        if any(len(path) > 1 and of.at_tie.any() for path, of in every.items()):
            raise OutOfReach("a choice is at a tie here, and its sides have no derivative in common")
        found = {path: of.values[0, ...] for path, of in every.items()}
        if not all(is_finite(values).all() for values in found.values()):
            raise OutOfReach("it is not finite here")
    return found


def _pairs(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[Any, Any]]:
    return zip(a.ravel(), b.ravel(), strict=True)


def _agree(a: Any, b: Any, digits: int) -> bool:
    """Whether two runs give the same digits; that both give 0 may be a value too small for both."""
    if not isinstance(b, Precise):
        return True
    a, b = exact(a), exact(b)
    return b != 0 and abs(a - b) <= abs(b) * mpmath.mpf(10) ** -(digits + 1)


def _last(coarse: np.ndarray, fine: np.ndarray, digits: int, working: int) -> np.ndarray:
    """Values of the last two runs, of which the second had twice the digits; those that are rounding alone are 0."""

    def one(a: Any, b: Any) -> Any:
        if _agree(a, b, digits):
            return b
        if abs(exact(b)) * ten**working > ten**NOISE * max(abs(exact(a)) * ten ** (working // 2), 1):
            raise OutOfReach(f"more digits cancel in it than the {working:,} that were tried")
        return 0

    with mpmath.workdps(working):
        ten = mpmath.mpf(10)
        return elementwise(one, coarse, fine)


def _rounded(values: np.ndarray, digits: int) -> np.ndarray:
    with mpmath.workdps(digits + GUARD):
        return mpmath_numbers(elementwise(lambda x: +exact(x), values))


def right_digits(number: float, truth: Any) -> float:
    """How many leading decimal digits of a float are those of the truth; infinite where they are equal."""
    with mpmath.workdps(30):
        apart = abs(mpmath.mpf(number) - truth)
        return math.inf if apart == 0 else float(-mpmath.log10(apart / abs(truth))) if truth != 0 else 0.0
