"""One leaf of one derivative: JAX's numbers beside the code's, entry by entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.figures import both
from jaxdiff_magic.checking.rules import APPROXIMATE
from jaxdiff_magic.checking.sharper import FLOOR, GROSS, NEAR, SAFETY
from jaxdiff_magic.checking.words import Reason, Why
from jaxdiff_magic.engines.reference.bounded import EPS
from jaxdiff_magic.report import Outcome
from jaxdiff_magic.subject.leaves import Leaf

AMPLIFIED = 2.0**-10
"""What a change of the inputs in their last digits does, times this, is what rounding may do: the change is 2**16
roundings, and a program rounds at each of its steps, for which 2**6 is allowed. A choice: the square root of some
thousand steps, as errors add up that have no common sign."""
LITERALS = 128.0
"""JAX puts literals into its rules in the function's own dtype, each rounded once: a rule may be off by so many
roundings of an entry that is no small part of its leaf. A choice of seven bits, for what cancels."""
LOST = 0.5
"""Of a leaf whose numbers are off by so large a part of the largest of them, no digit is right."""
CONFIRMED = 0.1
"""Function values confirm one of two numbers where they are nearer to it than this part of what is between them."""
MAGNIFIED = 1e3
"""Numbers on the way to a derivative may be so much larger than it is, and overflow. A choice of three digits."""
BESIDE = 1e-6
"""Beside the largest derivative of all, each for a change of its input by as much as that is, one counts as no smaller
than this part. A choice: a derivative that is 0 by symmetry, as that of a bias before softmax, is all rounding, some
1e-16 of the others."""
AROUND = ", at a random point around it"

Confirm = Callable[[tuple[int, ...]], tuple[float, float]]
"""From an entry to its derivative by function values, and an error estimate."""


@dataclass(frozen=True)
class Sides:
    """What the code gives for a leaf, and what rounding may do to that.

    Attributes:
        value, noise: of the leaf's shape, float64.
        size: what an entry is compared with: itself, or a part of the largest.
        around: the size of the largest derivative of all, for the same change of the function; terms as large may
            cancel in this one.
    """

    value: np.ndarray
    noise: np.ndarray
    size: np.ndarray
    around: float = 0.0

    @classmethod
    def of(cls, pair: np.ndarray, scale: float) -> Sides:
        """From values at a point and at one beside it, `(2, *shape)`.

        Args:
            scale: no entry counts as smaller than this part `BESIDE` of what is around.
        """
        value, beside = pair
        largest = float(np.max(np.abs(value), initial=0.0, where=np.isfinite(value)))
        size = np.maximum(np.where(np.isfinite(value), np.abs(value), 0.0), max(FLOOR * largest, scale))
        return cls(value, AMPLIFIED * np.abs(value - beside) + EPS * size, size, scale / BESIDE)

    @property
    def largest(self) -> float:
        return float(np.max(self.size, initial=0.0))

    def allowed(self, eps: float) -> np.ndarray:
        """How far numbers of a dtype may be from the value, by its rounding."""
        return SAFETY * self.noise * eps / EPS + LITERALS * eps * max(self.largest, self.around)


@dataclass(frozen=True)
class Judged:
    """What was found of one leaf of one derivative.

    Attributes:
        what: as of `report.CheckEntry`.
        leaf: of which, or of the direction along which it is one number.
        entry: the one that is worst.
        expected, given: the code's number for it and JAX's.
        outcome, reason: of the whole leaf.
        mode: of JAX's program.
        error: of JAX's own number, in roundings of the largest entry; None where it was not looked at.
        numeric: by differences of function values, where they were asked.
        forward: by forward mode, where that was asked for beside reverse mode.
        output: the one of several outputs whose derivative it is; "" for all of them, weighted.
        tolerance: an entry that is off by less than this part of it, or of a hundredth of the largest, is not seen.
    """

    what: str
    leaf: Leaf
    entry: tuple[int, ...]
    expected: float
    given: float
    outcome: Outcome = "agrees"
    reason: Reason = field(default=Reason(Why.NONE))
    mode: str = "reverse"
    error: float | None = None
    numeric: float | None = None
    forward: float | None = None
    output: str = ""
    tolerance: float = 0.0

    def at(self, entry: tuple[int, ...], value: np.ndarray, given: np.ndarray) -> Judged:
        """The same of another entry."""
        return replace(self, entry=entry, expected=float(value[entry]), given=float(given[entry]))

    def undecided(self, reason: Reason) -> Judged:
        return replace(self, outcome="out of reach", reason=reason)


def tolerance_of(literal_eps: float) -> float:
    """Relatively so far from the code's derivative, a rule is the same but for rounding of its literals."""
    return max(min(LITERALS * literal_eps, GROSS), 4 * literal_eps, APPROXIMATE)


def undecided(what: str, leaf: Leaf, reason: Reason) -> Judged:
    """A leaf of which nothing could be told."""
    return Judged(what, leaf, (0,) * len(leaf.shape), np.nan, np.nan, "out of reach", reason)


def judged(
    what: str,
    mode: str,
    leaf: Leaf,
    theirs: np.ndarray,
    side: Sides,
    literal_eps: float,
    confirm: Confirm,
    k: int,
) -> Judged:
    """One leaf by one of JAX's rules, in float64, beside the code's.

    Args:
        theirs: by the rule, at the point and at one beside it.
        side: by the code.
        literal_eps: relative rounding of the rule's literals.
        confirm: asks function values, where both differ.
        k: which of the points it is; 0 is the user's own.
    """
    value, given, size = side.value, theirs[0], np.where(side.size > 0, side.size, 1.0)
    distance, tolerance = np.abs(given - value), tolerance_of(literal_eps)
    start = Judged(what, leaf, (), np.nan, np.nan, mode=mode, tolerance=tolerance)
    start = start.at(worst_of(distance / size), value, given)
    lost = ~np.isfinite(value) | ~np.isfinite(given)
    if lost.any():
        start = start.at(worst_of(lost), value, given)
        why = Why.CHAIN_NOT_FINITE if np.isfinite(start.given) else Why.NEITHER_FINITE
        if np.isfinite(start.expected):
            why = Why.PERHAPS_NOT_FINITE
        return start.undecided(Reason(why, mode, place="nearby" if k else "here"))
    noise = SAFETY * (side.noise + AMPLIFIED * np.abs(given - theirs[1]))
    off = (distance > tolerance * size) & (distance > noise)
    if off.any():
        entry = worst_of(np.where(off, distance / size, 0.0))
        found = start.at(entry, value, given)
        estimate, error = confirm(entry)
        found = replace(found, numeric=estimate if np.isfinite(error) else None)
        if _sides_with(found.expected, found.given, estimate, error):
            reason = Reason(Why.RULE_WRONG, mode, *both(found.given, found.expected), AROUND if k else "")
            return replace(found, outcome="differs", reason=reason)
        return found.undecided(Reason(Why.RULE_DISPUTED, mode))
    foggy = distance > max(tolerance, NEAR) * size
    if foggy.any():
        return start.at(worst_of(np.where(foggy, distance / size, 0.0)), value, given).undecided(
            Reason(Why.RULE_FOGGY, mode)
        )
    return start


def of_dtype(found: Judged, own: np.ndarray, side: Sides, eps: float, mode: str) -> Judged:
    """A leaf whose rule was compared, with JAX's own numbers in the user's dtype, where these are worse.

    Args:
        own: JAX's numbers at the user's own point.
        eps: relative rounding of the function's dtypes.
    """
    distance = np.abs(own - side.value)
    entry = worst_of(np.where(np.isfinite(own), distance, np.inf))
    one = replace(found.at(entry, side.value, own), mode=mode)
    if found.outcome != "agrees":
        return found
    if not np.isfinite(own).all():
        fits = side.largest * MAGNIFIED < float(jnp.finfo(found.leaf.dtype).max) and np.all(
            side.allowed(eps) <= side.largest
        )
        if fits:
            return replace(one, outcome="differs", reason=Reason(Why.NOT_FINITE, mode))
        return one.undecided(Reason(Why.PERHAPS_NOT_FINITE, mode))
    one = replace(one, error=float(distance[entry]) / (eps * side.largest) if side.largest else 0.0)
    if float(distance[entry]) > LOST * side.largest:
        return one.undecided(Reason(Why.ALL_ROUNDING, mode, *both(one.given, one.expected)))
    if np.any(distance > np.maximum(side.allowed(eps), GROSS * side.largest)):
        return one.undecided(Reason(Why.OWN_ROUNDING, mode))
    return one


def by_numbers(what: str, leaf: Leaf, own: np.ndarray, side: Sides, eps: float, confirm: Confirm, mode: str) -> Judged:
    """A leaf of which no program of JAX's could be followed: its own numbers speak for the rule."""
    start = Judged(what, leaf, (), np.nan, np.nan, mode=mode, tolerance=GROSS)
    if not np.isfinite(own).all() or not np.isfinite(side.value).all():
        lost = worst_of(~np.isfinite(own) | ~np.isfinite(side.value))
        return start.at(lost, side.value, own).undecided(Reason(Why.PERHAPS_NOT_FINITE, mode))
    distance = np.abs(own - side.value)
    allowed = np.maximum(side.allowed(eps), GROSS * side.largest)
    found = start.at(worst_of(distance), side.value, own)
    if not np.any(distance > allowed):
        return found if np.all(side.allowed(eps) <= LOST * side.largest) else found.undecided(Reason(Why.WIDE_BOUND))
    if _sides_with(found.expected, found.given, *confirm(found.entry)):
        return replace(found, outcome="differs", reason=Reason(Why.OFF_FORMULA, mode))
    return found.undecided(Reason(Why.NEAR_FORMULA, mode))


def worst_of(distance: np.ndarray) -> tuple[int, ...]:
    """The place of the largest element."""
    return tuple(map(int, np.unravel_index(int(np.argmax(np.nan_to_num(distance, nan=0.0))), distance.shape)))


def _sides_with(ours: float, theirs: float, estimate: float, error: float) -> bool:
    """Whether function values confirm one number against another."""
    return bool(max(abs(estimate - ours), error) <= CONFIRMED * abs(theirs - ours))
