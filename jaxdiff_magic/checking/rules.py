"""JAX's own derivative rules against the reference, entry by entry, in float64, at every sampled point."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.differences import directional
from jaxdiff_magic.checking.native import dtypes_of
from jaxdiff_magic.checking.sharper import GROSS, NEAR, SAFETY, Sharper, size_of, too_wide
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
"""Relatively so near to the code's derivative, a rule may be exact, and the code an iteration that has converged."""

NEARER = 0.25
"""A rule is that of what an iteration converges to where going on brings the code so much nearer to it."""


STOPPED = 1e-3
"""A rule is that of what an iteration comes to where the code is relatively so near to it, and goes on to it."""

UNSETTLED, MOST_UNSETTLED = 100.0, 1e-5
"""Where a result still moves by a part of itself when its loops go on, a rule, which takes the result as it is, may be
off by so many times that part, and by no more than this."""


MAX_DISPUTED = 4
"""At how many points a difference is looked into."""

RuleName = Literal["forward", "reverse", "second"]


@dataclass(frozen=True)
class Solution:
    """What an iteration comes to.

    Attributes:
        reference: its derivatives: the code with its loops going on.
        slack: how near to it relatively the code's result is known to lead.
    """

    reference: Reference
    slack: float

    def evaluate(self, path: Path, points: Sequence[np.ndarray], eps: float) -> Found:
        """Its derivative, where numbers are of a dtype of relative rounding `eps`."""
        found = self.reference.evaluate(path, points)
        more = self.slack * np.abs(found.values) * EPS / (SAFETY * eps)
        return Found(found.values, found.errors + more, found.at_tie)


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
    ours_found = reference.evaluate(path, points)
    nowhere = np.zeros(ours_found.values.shape[1:], bool)
    try:
        theirs_found = rule.evaluate(path, points)
        actual_bound = theirs_found.errors
    except NotLinear:
        return Comparison(nowhere, ~nowhere, Why.RULE_NOT_LINEAR)
    theirs_found, ours_found = sharper.both(name, path, theirs_found, ours_found)
    expected, actual = ours_found.values, theirs_found.values
    missed = apart(theirs_found, ours_found, rule.literal_eps)
    if missed.any() and (solution := converged(reference, path, points, theirs_found, ours_found, rule.literal_eps)):
        here = not theirs_found.at_tie[0]
        return Comparison(nowhere, nowhere, bound=actual_bound, is_elsewhere=not here, solution=solution)
    with np.errstate(invalid="ignore"):
        near = missed & (np.abs(actual - expected) <= APPROXIMATE * np.abs(expected))
    missed &= ~near
    wide = too_wide(expected, ours_found.errors, theirs_found.errors)[0]
    asked = (wide | sharper.is_sharp(name, path)) & ~(ours_found.at_tie[0] | theirs_found.at_tie[0])
    missed[0], foggy = _beside_wide_bounds(theirs_found, ours_found, missed[0] & ~(asked & ~wide), asked)
    ahead = np.zeros_like(nowhere)
    for position in np.flatnonzero(missed.reshape(len(missed), -1).any(axis=1))[:MAX_DISPUTED]:
        there = [batch[position : position + 1] for batch in points]
        excused = missed[position] & converging(reference, path, there, actual[position], expected[position])
        ahead, missed[position] = ahead | excused, missed[position] & ~excused
        if not missed[position].any():
            continue
        given, own = native(int(position)), [batch[position] for batch in points]
        with np.errstate(invalid="ignore"):
            distance = np.where(missed[position], np.abs(actual[position] - expected[position]), 0.0)
        entry = tuple(map(int, np.unravel_index(int(np.argmax(distance)), distance.shape)))
        ours, theirs = float(expected[(position, *entry)]), float(actual[(position, *entry)])
        largest = np.max(np.abs(actual[position]), initial=0.0, where=np.isfinite(actual[position]))
        allowed = SAFETY * actual_bound[(position, *entry)] * eps / EPS + 8 * eps * largest
        by_digits = position == 0 and asked[entry]
        if by_digits:
            allowed = 0.5 * abs(theirs - ours)  # it is the nearer one of the two
        if not abs(given[entry] - theirs) <= allowed:
            raise OutOfReach("JAX's rule and its numbers do not match")
        confirmed = sharper.sides_with(ours, theirs, path, entry) if by_digits else None
        if confirmed is None:
            confirmed = values_side_with(ours, theirs, reference, path, entry, own)
        if not confirmed and position == 0 and not by_digits:
            confirmed = sharper.sides_with(ours, theirs, path, entry)
        if confirmed:
            both = actual[position], expected[position]
            return Comparison(missed[position], nowhere, None, int(position), entry, *both)
    if ahead.any():
        unclear = ahead | missed.any(axis=0) | near.any(axis=0)
        return Comparison(nowhere, np.asarray(unclear), Why.RULE_AHEAD)
    if not missed.any() and not foggy.any():
        return Comparison(
            nowhere,
            np.asarray(near.any(axis=0)),
            Why.RULE_NEAR if near.any() else None,
            bound=actual_bound,
            is_elsewhere=bool(theirs_found.at_tie[0]),
            coarse=None if theirs_found.at_tie[0] else wide,
        )
    disputed = np.asarray(missed.any(axis=0))
    if not disputed.any():
        return Comparison(nowhere, foggy, Why.RULE_FOGGY, bound=actual_bound)
    return Comparison(nowhere, disputed | foggy, Why.RULE_DISPUTED, disputed=disputed)


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


def converging(
    reference: Reference, path: Path, point: Sequence[np.ndarray], theirs: np.ndarray, ours: np.ndarray
) -> np.ndarray:
    """Where the code comes much nearer to a rule's numbers if its loops only go on.

    A rule may be that of what an iteration converges to (implicit differentiation); the code stops before.

    Args:
        reference: of the code.
        path: which block.
        point: a batch of one.
        theirs, ours: the block there, by the rule and by the code.
    """
    found = np.zeros(ours.shape, bool)
    for longer in reference.longer:
        with contextlib.suppress(OutOfReach), np.errstate(invalid="ignore"):
            further = longer.evaluate(path, point).values[0]
            found |= np.abs(further - theirs) <= NEARER * np.abs(ours - theirs)
    return found


def converged(
    reference: Reference, path: Path, points: Sequence[np.ndarray], theirs: Found, ours: Found, eps: float
) -> Solution | None:
    """What the code's loops come to, where a rule is the derivative of that and the code's own is a little off.

    An iteration stops once its result is right to some digits. Its derivative has fewer then, and more with every
    further step, while that of the equation that the result meets has all: a rule is the second where the code's
    derivative goes on to it.

    Args: as of `apart` and `converging`, of the block at all points.
    """
    with np.errstate(invalid="ignore"), contextlib.suppress(OutOfReach):
        missed, distance = apart(theirs, ours, eps), np.abs(theirs.values - ours.values)
        if not reference.longer or not np.all(~missed | (distance <= STOPPED * np.abs(ours.values))):
            return None
        most, some = (longer.evaluate(path, points) for longer in reference.longer)
        before, after = (code.evaluate(path[:1], points).values for code in (reference, reference.longer[0]))
        moved = np.max(np.abs(after - before), initial=0.0) / max(float(np.max(np.abs(after), initial=0.0)), EPS)
        slack = min(UNSETTLED * float(moved), MOST_UNSETTLED)
        allowed = slack * np.abs(most.values)
        goes_on = np.abs(some.values - theirs.values) <= np.maximum(NEARER * distance, allowed)
        is_there = ~apart(theirs, most, eps) | (np.abs(theirs.values - most.values) <= allowed)
        if np.all(is_there & (~missed | goes_on)):
            return Solution(reference.longer[0], slack)
    return None


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
