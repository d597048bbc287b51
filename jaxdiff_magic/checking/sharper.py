"""The same derivatives with more digits, where the bounds of float64 are too wide to decide anything.

A bound on rounding is a worst case: through an ill-conditioned solve, a chaotic map or a long recurrence it is often
wider than the derivative itself, and then a wrong rule hides within it. There both programs, that of the code and that
of JAX's rule, are run with as many digits as settle them, and so are differences of the code's values.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from jaxdiff_magic.base.budget import left, now
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.differences import Column
from jaxdiff_magic.engines.reference.arithmetic import mpmath
from jaxdiff_magic.engines.reference.bounded import EPS
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.reference.digits import MAX_PRECISE_INPUTS, MAX_PRECISE_OPERATIONS, Evaluated, settled
from jaxdiff_magic.engines.reference.directions import Found, Path
from jaxdiff_magic.engines.reference.rule_values import RuleValues
from jaxdiff_magic.subject.trace import primitives_of

SAFETY = 16.0
"""Running error bounds are first order and follow one order of evaluation; JAX's may be another. A choice of four bits:
more would hide small faults, fewer might accuse right rules."""
NEAR = 1e-6
"""Numbers that are relatively nearer than this are the same derivative, in whatever way they were rounded: far below
100 roundings in float32, far above what digits settle. A bound that is wider decides nothing."""
GROSS = 1e-3
"""Numbers that are relatively farther apart than this are not the same, whatever the literals of a rule are rounded to
and however that is magnified. A choice: some 8,000 roundings of a float32."""
FLOOR = 1e-2
"""Beside the largest entry of its block, at the points that are looked at, an entry counts as no smaller than this. A
choice of two digits: beside a large entry, rounding takes so many of a small one."""
FREEZES = "stop_gradient"
DIGITS = 20
"""Digits that a run with more of them settles: some more than the 16 of a float64, so that none of these is in
doubt."""
SECONDS = 2.0
"""There is always so much time for a run with more digits: without it a wide bound leaves everything undecided. A
choice: some 800,000 scalar operations, by `MAX_PRECISE_OPERATIONS` in `digits.py`."""
SECONDS_OF_LONG, SHARE_OF_LONG = 0.3, 0.3
"""For a long function there are so many, or this part of the time that is left. A choice: it would need far more, and
function values must do."""
STEP, STEP_DIGITS = 2.0**-48, 40
"""Relative step of differences with more digits, some units in the last place of a float64, and the digits of values
that are taken from each other: no piece of a chaotic function is too short, and nothing is lost."""
MAX_SLOPES = 16
"""Of a block with more entries than this, none is differenced anew for the numeric column. A choice of time: each takes
four runs with 40 digits."""


def size_of(values: np.ndarray) -> np.ndarray:
    """What the errors of a block are relative to, entry by entry, at each point.

    Args:
        values: the derivative at the user's point and at others around it, `(points, …)`.
    """
    sizes = np.where(np.isfinite(values), np.abs(values), 0.0)
    return np.maximum(sizes, FLOOR * np.max(sizes, initial=0.0))


def too_wide(values: np.ndarray, *errors: np.ndarray) -> np.ndarray:
    """Where bounds are not finite, or wide beside the value that they belong to."""
    with np.errstate(invalid="ignore", over="ignore"):
        return ~(SAFETY * sum(errors) <= NEAR * size_of(values))


def apart(theirs: Found, ours: Found, eps: float) -> np.ndarray:
    """Where a rule's numbers miss the code's beyond both rounding bounds, and beyond one rounding in the user's dtype.

    Nothing is said where either is not finite, and at points where a choice is at a tie.

    Args:
        theirs, ours: of the same block, `(points, …)`.
        eps: relative rounding error of the user's dtype.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        distance = np.abs(theirs.values - ours.values)
        beyond = distance > SAFETY * (ours.errors + theirs.errors) + np.finfo(float).tiny
        beyond &= distance > 4 * eps * np.abs(ours.values)
    parts = (theirs.values, ours.values, theirs.errors, ours.errors)
    clear = ~(ours.at_tie | theirs.at_tie).reshape(-1, *[1] * (ours.values.ndim - 1))
    return beyond & clear & np.logical_and.reduce([np.isfinite(part) for part in parts])


@dataclass
class Sharper:
    """Runs with more digits at the user's own point, made when they are asked for.

    Attributes:
        reference: of the code.
        rules: JAX's programs.
        point: for each input leaf its value.
        deadline: on the clock of `budget.now`.
        least: seconds that there are in any case; see `SECONDS`.
    """

    reference: Reference
    rules: Mapping[str, RuleValues]
    point: Sequence[np.ndarray]
    deadline: float
    least: float = SECONDS
    _known: dict[tuple[str, Path], Found | None] = field(default_factory=dict)
    _spent: float = 0.0

    def code(self, path: Path, found: Found) -> Found:
        """Numbers of the code, those at the first point with more digits where any of them has a bound too wide.

        Its entry in `errors` stays what rounding may do to the same program in another precision.
        """
        if not too_wide(found.values, found.errors)[0].any():
            return found
        sharp = self._block("", path)
        return found if sharp is None else _with_first(found, sharp, found.errors[:1])

    def both(self, name: str, path: Path, theirs: Found, ours: Found) -> tuple[Found, Found]:
        """Numbers of a rule and of the code, with more digits at the first point where their bounds are too wide."""
        if not too_wide(ours.values, ours.errors, theirs.errors)[0].any():
            return theirs, ours
        sharp, by_rule = self._block("", path), self._block(name, path)
        if sharp and by_rule:  # both, or neither: with more digits literals are rounded as in the program
            ours, theirs = _with_first(ours, sharp, sharp.errors), _with_first(theirs, by_rule, by_rule.errors)
        return theirs, ours

    def at(self, path: Path, point: Sequence[np.ndarray]) -> np.ndarray:
        """A derivative of the code at another point, with more digits where it can be; NaN where a choice is tied.

        Raises:
            OutOfReach: it has none there.
        """
        found = self._run(functools.partial(Reference, self.reference.trace, precise=True), [path], point)
        if found is not None:
            return np.array(found[path], float)
        there = self.reference.evaluate(path, [x[None] for x in point])
        return np.where(there.at_tie[0], np.nan, there.values[0])

    def is_sharp(self, name: str, path: Path) -> bool:
        """Whether both a rule and the code have been run with more digits."""
        return self._known.get((name, path)) is not None and self._known.get(("", path)) is not None

    def sides_with(self, ours: float, theirs: float, path: Path, entry: Sequence[int]) -> bool | None:
        """Whether differences with more digits confirm one number against another; None where there are none."""
        slope = self.slope(path, entry)
        return None if slope is None else abs(slope - ours) <= 0.1 * abs(theirs - ours)

    def slope(self, path: Path, entry: Sequence[int], relative: float = STEP) -> float | None:
        """One entry by differences of the order below, with more digits; None where that is out of reach."""
        if FREEZES in primitives_of(self.reference.trace):  # what it froze would move
            return None
        leaf = path[-1]
        x = self.point[leaf]
        place = tuple(entry[len(entry) - x.ndim :])
        step = relative * (abs(float(x[place])) or float(np.max(np.abs(x), initial=0.0)) or 1.0)
        beside, widths = [], []
        for sign in (1.0, -1.0):
            moved = x.copy()
            moved[place] += sign * step
            widths.append(float(moved[place]))
            beside.append([moved if i == leaf else other for i, other in enumerate(self.point)])
        made = functools.partial(Reference, self.reference.trace, precise=True)
        ahead, behind = (self._run(made, [path[:-1]], at, STEP_DIGITS) for at in beside)
        if ahead is None or behind is None or widths[0] == widths[1]:
            return None
        inner = tuple(entry[: len(entry) - x.ndim])
        with mpmath.workdps(STEP_DIGITS):
            change = ahead[path[:-1]][inner] - behind[path[:-1]][inner]
            return float(change / (mpmath.mpf(widths[0]) - mpmath.mpf(widths[1])))

    def column(self, path: Path, numeric: Column | None) -> Column | None:
        """A numeric column, at the first point by differences with more digits where those of float64 show nothing."""
        if numeric is None or numeric[0][0].size > MAX_SLOPES:
            return numeric
        estimates, errors, kinks = (part.copy() for part in numeric)
        with np.errstate(invalid="ignore"):
            lost = np.isfinite(estimates[0]) & ~(errors[0] <= GROSS * size_of(estimates)[0]) & ~kinks[0]
        for entry in map(tuple, np.argwhere(lost)):
            slope, nearer = self.slope(path, entry), self.slope(path, entry, STEP / 8)
            if slope is not None and nearer is not None and abs(nearer - slope) <= GROSS * abs(slope):
                estimates[0, *entry], errors[0, *entry] = nearer, abs(nearer - slope)
        return estimates, errors, kinks

    def _block(self, name: str, path: Path) -> Found | None:
        """A derivative by a rule, or of the code (""); None where it is out of reach with more digits."""
        if (name, path) not in self._known:
            inputs, outputs = range(len(self.point)), range(len(self.reference.outputs))
            every = list(itertools.product(outputs, *[inputs] * (len(path) - 1)))  # a run gives all of one order
            found = self._blocks(name, every) or self._blocks(name, [path])
            for known in every if len(found) > 1 else [path]:
                self._known[name, known] = found.get(known)
        return self._known[name, path]

    def _blocks(self, name: str, paths: Sequence[Path]) -> dict[Path, Found]:
        """Some derivatives of one order; nothing where one of them is out of reach."""
        rule, runs = self.rules[name] if name else None, []

        def made() -> Evaluated:
            if rule is None:
                runs.append(Reference(self.reference.trace, precise=True))
            else:
                known = rule.inputs, rule.outputs, rule.reverse, rule.tangents, rule.literal_eps, rule.rounds
                runs.append(RuleValues(rule.trace, *known, precise=True))
            return runs[-1]

        found = {}
        for path, values in (self._run(made, paths, self.point) or {}).items():
            rounded = np.array(values, float)[None]
            tie = runs[-1].evaluate(path, [x[None] for x in self.point]).at_tie  # which it has kept
            found[path] = Found(rounded, EPS * np.abs(rounded), tie)
        return found

    def _run(
        self, made: Callable[[], Evaluated], paths: Sequence[Path], point: Sequence[np.ndarray], digits: int = DIGITS
    ) -> dict[Path, np.ndarray] | None:
        share = 1.0 if self.least >= SECONDS else SHARE_OF_LONG
        seconds = max(share * left(self.deadline), self.least - self._spent)
        if seconds <= 0 or sum(x.size for x in point) > MAX_PRECISE_INPUTS:
            return None
        started = now()
        try:
            operations = int(MAX_PRECISE_OPERATIONS * min(seconds, SECONDS))
            return settled(made, paths, point, digits, operations)
        except OutOfReach:
            return None
        finally:
            self._spent += now() - started


def _with_first(found: Found, sharp: Found, errors: np.ndarray) -> Found:
    """Numbers with those of the first point replaced, where the new ones are finite.

    Whether a choice is at a tie there is known better with more digits, too.
    """
    use = np.isfinite(sharp.values[0])
    values, bounds, tie = found.values.copy(), found.errors.copy(), found.at_tie.copy()
    values[0], bounds[0] = np.where(use, sharp.values[0], values[0]), np.where(use, errors[0], bounds[0])
    tie[0] = sharp.at_tie[0]
    return Found(values, bounds, tie)
