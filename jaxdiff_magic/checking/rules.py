"""JAX's own derivative rules against the reference, entry by entry, in float64, at every sampled point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.differences import directional
from jaxdiff_magic.checking.iterations import Solution, converged, converging
from jaxdiff_magic.checking.native import dtypes_of
from jaxdiff_magic.checking.sharper import GROSS, NEAR, SAFETY, Sharper, apart, size_of, too_wide
from jaxdiff_magic.checking.words import Why
from jaxdiff_magic.engines.jax.rule_traces import cotangent_trace, second_trace, tangent_trace
from jaxdiff_magic.engines.jax.values import NO_DERIVATIVE
from jaxdiff_magic.engines.reference.bounded import EPS
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.reference.directions import Found, Path
from jaxdiff_magic.engines.reference.rule_values import NotLinear, RuleValues
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Trace, subject_trace

APPROXIMATE = 1e-9
"""Relatively so near to the code's derivative, a rule may be exact, and the code an iteration that has converged. A
choice: below half the digits of a float64 (1.5e-8), far above its rounding."""

MAX_DISPUTED = 4
"""At how many points a difference is looked into. A choice of time: each takes differences of the function in float64;
a wrong rule is mostly wrong at any of them."""

RuleName = Literal["forward", "reverse", "second"]


@dataclass(frozen=True)
class Comparison:
    """One block of one rule against the formula.

    Attributes:
        wrong: mask over the block: where the rule is wrong, confirmed by function values.
        unclear: mask over the block: where nothing can be said, and `why`.
        at: the sampled point (0 is the user's own) where it is.
        worst: the entry that is wrong by most, in absolute terms.
        rule, formula: both values of the block there; None where nothing is wrong.
        bound: of the rule's rounding at each of the sampled points, in float64; None when it was not compared.
        disputed: mask over the block: where both differ beyond their bounds, though function values do not decide;
            None for nowhere.
        is_elsewhere: whether a choice in the rule is at a tie at the user's own point, so that the rule was
            compared at the others alone.
        solution: what the code's loops come to, where the rule is the derivative of that; else None.
        coarse: mask over the block: where both are near at the user's own point, by numbers whose bounds say nothing;
            None for nowhere.
    """

    wrong: np.ndarray
    unclear: np.ndarray
    why: Why | None = None
    at: int = 0
    worst: tuple[int, ...] = ()
    rule: np.ndarray | None = None
    formula: np.ndarray | None = None
    bound: np.ndarray | None = None
    disputed: np.ndarray | None = None
    is_elsewhere: bool = False
    solution: Solution | None = None
    coarse: np.ndarray | None = None


TRACES: Mapping[RuleName, Callable[[Subject], Trace]] = {
    "forward": tangent_trace,
    "reverse": cotangent_trace,
    "second": second_trace,
}
"""How JAX's program of each rule is traced."""


def rule_trace(subject: Subject, name: RuleName) -> Trace:
    """JAX's forward, reverse or forward-over-reverse program of the subject.

    Raises:
        OutOfReach: when JAX has no such rule for this function.
    """
    try:
        return TRACES[name](subject)
    except NO_DERIVATIVE as error:
        raise OutOfReach(next(iter(str(error).strip().splitlines()), type(error).__name__)) from None


def rule_values(subject: Subject, name: RuleName, trace: Trace) -> RuleValues:
    """What a rule's program gives, entry by entry."""
    inputs, outputs = ([leaf.shape for leaf in leaves] for leaves in (subject.inputs, subject.outputs))
    eps, rounds = literal_eps(subject), _rounds(subject)
    return RuleValues(trace, inputs, outputs, name != "forward", name != "reverse", eps, rounds)


def _rounds(subject: Subject) -> float:
    """Below how much rounding a rule may not fall; 0 where the function's own code does, too, and may mean it."""
    eps = literal_eps(subject)
    inside = dtypes_of(subject_trace(subject)) if not subject.untraceable else ()
    return 0.0 if any(float(jnp.finfo(dtype).eps) > eps for dtype in inside) else eps


def literal_eps(subject: Subject) -> float:
    """Rounding of the literals that JAX puts into a rule, in the function's own dtype."""
    return max(float(jnp.finfo(leaf.dtype).eps) for leaf in subject.inputs)


def compare(
    reference: Reference,
    rule: RuleValues,
    path: Path,
    points: Sequence[np.ndarray],
    native: Callable[[int], np.ndarray],
    eps: float,
    sharper: Sharper,
    name: RuleName,
) -> Comparison:
    """Compare one block at a batch of points.

    A difference counts where both sides are finite, no choice is at a tie, the difference exceeds both
    rounding bounds (or, at the user's own point, is gross where they are too wide), differences of the reference one
    order below are nearer to it, and JAX's own number is the rule's.

    Args:
        reference, rule: the two sides.
        path: which block.
        points: for each input leaf its values at the points.
        native: JAX's numbers of the block at a point.
        eps: their relative rounding error.
        sharper: both sides with more digits.
        name: of the rule.
    """
    ours = reference.evaluate(path, points)
    nowhere = np.zeros(ours.values.shape[1:], bool)
    try:
        theirs = rule.evaluate(path, points)
    except NotLinear:
        return Comparison(nowhere, ~nowhere, Why.RULE_NOT_LINEAR)
    bound = theirs.errors  # of float64; with more digits there is hardly any
    theirs, ours = sharper.both(name, path, theirs, ours)
    missed = apart(theirs, ours, rule.literal_eps)
    if missed.any() and (solution := converged(reference, path, points, theirs, ours, rule.literal_eps)):
        return Comparison(nowhere, nowhere, bound=bound, is_elsewhere=bool(theirs.at_tie[0]), solution=solution)
    with np.errstate(invalid="ignore"):
        near = missed & (np.abs(theirs.values - ours.values) <= APPROXIMATE * np.abs(ours.values))
    missed &= ~near
    wide = too_wide(ours.values, ours.errors, theirs.errors)[0]
    asked = (wide | sharper.is_sharp(name, path)) & ~(ours.at_tie[0] | theirs.at_tie[0])
    missed[0], foggy = _beside_wide_bounds(theirs, ours, missed[0] & ~(asked & ~wide), asked)
    dispute = _Dispute(reference, path, points, theirs, ours, native, bound, eps, sharper, asked)
    ahead = np.zeros_like(nowhere)
    for position in np.flatnonzero(missed.reshape(len(missed), -1).any(axis=1))[:MAX_DISPUTED].tolist():
        excused = missed[position] & dispute.ahead(position)
        ahead, missed[position] = ahead | excused, missed[position] & ~excused
        if not missed[position].any():
            continue
        entry = dispute.worst(position, missed[position])
        if dispute.is_rule_wrong(position, entry):
            both = theirs.values[position], ours.values[position]
            return Comparison(missed[position], nowhere, None, position, entry, *both)
    disputed, close = np.asarray(missed.any(axis=0)), np.asarray(near.any(axis=0))
    if ahead.any():
        return Comparison(nowhere, ahead | disputed | close, Why.RULE_AHEAD)
    if disputed.any():
        return Comparison(nowhere, disputed | foggy, Why.RULE_DISPUTED, disputed=disputed)
    if foggy.any():
        return Comparison(nowhere, foggy, Why.RULE_FOGGY, bound=bound)
    why, is_elsewhere = Why.RULE_NEAR if close.any() else None, bool(theirs.at_tie[0])
    coarse = None if is_elsewhere else wide
    return Comparison(nowhere, close, why, bound=bound, is_elsewhere=is_elsewhere, coarse=coarse)


@dataclass(frozen=True)
class _Dispute:
    """One block of which a rule and the code give different numbers, before function values are asked.

    Attributes:
        reference, path, points, native, eps, sharper: as of `compare`.
        theirs, ours: the block by the rule and by the code at all points, with more digits where there are.
        bound: of the rule's rounding in float64.
        asked: mask over the block: where digits decide at the user's own point, and bounds in float64 do not.
    """

    reference: Reference
    path: Path
    points: Sequence[np.ndarray]
    theirs: Found
    ours: Found
    native: Callable[[int], np.ndarray]
    bound: np.ndarray
    eps: float
    sharper: Sharper
    asked: np.ndarray

    def ahead(self, position: int) -> np.ndarray:
        """Where the code comes to the rule's numbers at a point, if its loops only go on."""
        there = [batch[position : position + 1] for batch in self.points]
        theirs, ours = self.theirs.values[position], self.ours.values[position]
        return converging(self.reference, self.path, there, theirs, ours)

    def worst(self, position: int, missed: np.ndarray) -> tuple[int, ...]:
        """The entry that both sides differ in by most."""
        with np.errstate(invalid="ignore"):
            distance = np.abs(self.theirs.values[position] - self.ours.values[position])
        distance = np.where(missed, distance, 0.0)
        return tuple(map(int, np.unravel_index(int(np.argmax(distance)), distance.shape)))

    def is_rule_wrong(self, position: int, entry: tuple[int, ...]) -> bool:
        """Whether function values side with the code, and JAX's own number is the rule's.

        Raises:
            OutOfReach: JAX's own number is another one.
        """
        place = (position, *entry)
        ours, theirs = float(self.ours.values[place]), float(self.theirs.values[place])
        by_digits = position == 0 and bool(self.asked[entry])
        allowed = self._rounding(position, entry)
        if by_digits:
            allowed = 0.5 * abs(theirs - ours)  # it is the nearer one of the two
        if not abs(self.native(position)[entry] - theirs) <= allowed:
            raise OutOfReach("JAX's rule and its numbers do not match")
        confirmed = self.sharper.sides_with(ours, theirs, self.path, entry) if by_digits else None
        if confirmed is None:
            own = [batch[position] for batch in self.points]
            confirmed = values_side_with(ours, theirs, self.reference, self.path, entry, own)
        if not confirmed and position == 0 and not by_digits:
            confirmed = self.sharper.sides_with(ours, theirs, self.path, entry)
        return bool(confirmed)

    def _rounding(self, position: int, entry: tuple[int, ...]) -> float:
        """How far JAX's own number may be from the rule's, by rounding in the user's dtype."""
        numbers = self.theirs.values[position]
        largest = np.max(np.abs(numbers), initial=0.0, where=np.isfinite(numbers))
        return float(SAFETY * self.bound[(position, *entry)] * self.eps / EPS + 8 * self.eps * largest)


def _beside_wide_bounds(
    theirs: Found, ours: Found, missed: np.ndarray, asked: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What the numbers themselves say at the user's own point, where their bounds in float64 say nothing.

    A gross difference counts where it is beyond the rounding of the rule's own number, so that this is what is wrong.

    Returns:
        Masks over the block: where both numbers are not the same, those known before included; and where they are
        neither that nor near.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        distance, size = np.abs(theirs.values[0] - ours.values[0]), size_of(ours.values)[0]
        beyond = distance > SAFETY * theirs.errors[0]
    asked = asked & np.isfinite(distance)
    missed = missed | (asked & beyond & (distance > GROSS * size))
    return missed, asked & ~missed & (distance > NEAR * size)


def values_side_with(
    ours: float, theirs: float, reference: Reference, path: Path, entry: tuple[int, ...], point: list[np.ndarray]
) -> bool:
    """Whether differences of the order below confirm one number against another."""
    direction = [np.zeros_like(x) for x in point]
    inner = len(entry) - direction[path[-1]].ndim
    direction[path[-1]][entry[inner:]] = 1.0
    found = directional(lambda batch: [reference.evaluate(path[:-1], batch, freeze=True).values], point, direction)
    estimate, error = found.estimate[0][entry[:inner]], found.error[0][entry[:inner]]
    return bool(abs(estimate - ours) <= 0.1 * abs(theirs - ours) and error <= 0.1 * abs(theirs - ours))
