"""From evidence to one of the four words, for every entry of a block."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.base.figures import both
from jaxdiff_magic.checking.evidence import AGREES, DIFFERS, UNDECIDED, Decision, Evidence, Tolerance
from jaxdiff_magic.checking.rules import Comparison
from jaxdiff_magic.checking.sharper import GROSS, NEAR, size_of
from jaxdiff_magic.checking.words import Reason, Why

ALL_DIGITS, VISIBLE = 0.5, 1e-3
"""A number that is off by half of what it should be has no digit right; that counts where it is also this part of what
derivatives of the function are around the point: near a stationary point all are small. A choice: losses of fewer
digits are findings, and no verdict."""
ROUNDINGS = 100
"""So many roundings in the user's dtype from the true derivative, a number is no longer the same to the eye. A choice
of two digits."""
SMALL_BESIDE = 0.1
"""Numbers of a block round about as the largest do: JAX adds up and takes apart whole arrays. A choice: numbers down to
a tenth of the largest have its rounding and one digit less."""


def decided(evidence: Evidence, tolerance: Tolerance) -> Decision:
    """Decide every entry of a block.

    Args:
        evidence: all that is known.
        tolerance: how far JAX's numbers may be from a value with a given rounding bound.
    """
    start = Decision(np.full(evidence.shape, AGREES), np.zeros(evidence.shape, int))
    if evidence.doubt:
        return start.set(True, UNDECIDED, Reason(Why.DOUBTFUL, said=evidence.doubt))
    found = _decided(start, evidence, tolerance)
    if np.any(evidence.undefined):
        return found.stated(evidence.undefined, UNDECIDED, Why.UNDEFINED)
    return found


def _decided(start: Decision, evidence: Evidence, tolerance: Tolerance) -> Decision:
    if evidence.formula is not None:
        return _by_formula(start, evidence, tolerance)
    if evidence.numeric is not None:
        return _by_differences(start, evidence)
    if evidence.probes:
        return _by_probes(start, evidence)
    return start.set(True, UNDECIDED, Why.NOTHING_KNOWN)


def _by_formula(decision: Decision, evidence: Evidence, tolerance: Tolerance) -> Decision:
    assert evidence.formula is not None
    for rule in evidence.rules:
        found = rule.comparison
        decision = decision.set(found.wrong, DIFFERS, rule.says())
        decision = decision.set(found.unclear, UNDECIDED, Reason(found.why or Why.NONE, rule.name))
    decision = decision.set(_bent(evidence, tolerance), UNDECIDED, Why.AT_TIE)
    clear = {rule.name: rule.comparison for rule in evidence.rules if rule.comparison.why is None}
    for k, columns in enumerate(evidence.native):
        if k > 0 and clear:
            break  # the rules were compared at these points, and without the rounding of the user's dtype
        value, allowed = evidence.formula.values[k], _allowed(evidence, k, tolerance)
        for mode, actual in zip(("forward", "reverse"), columns, strict=True):
            if actual is not None:
                by_rule = clear.get("second" if "second" in clear else mode)
                column = _Column(evidence, mode, k, value, actual, allowed, by_rule)
                decision = column.at_tie(decision) if evidence.formula.at_tie[k] else column.decide(decision)
    return decision.set(_unconfirmed(evidence, clear.values()), UNDECIDED, Why.WIDE_BOUND)


def _allowed(evidence: Evidence, k: int, tolerance: Tolerance) -> np.ndarray:
    """How far JAX's numbers may be from the formula at one of the first points."""
    assert evidence.formula is not None
    value = evidence.formula.values[k]
    allowed = tolerance(value, evidence.formula.errors[k])
    for rule in evidence.rules:  # whose program may round more than the reference, as long as two digits are left
        if rule.comparison.bound is not None:
            more = np.minimum(tolerance(value, rule.comparison.bound[k]), 0.01 * np.max(np.abs(value), initial=0.0))
            allowed = np.maximum(allowed, np.where(np.isfinite(more), more, 0.0))
    return allowed


@dataclass(frozen=True, eq=False)
class _Column:
    """One of JAX's columns beside the formula, at one of the first points.

    Attributes:
        k: which point; 0 is the user's own.
        value, allowed: what it should be, and how far it may be from that.
        by_rule: how the rule behind it compared, in float64; None where it was not, or not clearly.
    """

    evidence: Evidence
    mode: str
    k: int
    value: np.ndarray
    actual: np.ndarray
    allowed: np.ndarray
    by_rule: Comparison | None

    @functools.cached_property
    def known(self) -> np.ndarray:
        return np.isfinite(self.value)

    @functools.cached_property
    def given(self) -> np.ndarray:
        return np.isfinite(self.actual)

    @functools.cached_property
    def distance(self) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return np.abs(self.actual - self.value)

    @functools.cached_property
    def off(self) -> np.ndarray:
        """Where it is farther from what it should be than allowed."""
        return self.known & self.given & (self.distance > self.allowed)

    @functools.cached_property
    def unlike(self) -> np.ndarray:
        """Where it is visibly another number, and only the width of the bound allows for that."""
        assert self.evidence.formula is not None
        size = size_of(self.evidence.formula.values)[self.k]
        unlike = _unlike(self.distance, self.allowed, size, self.evidence.eps)
        return self.known & self.given & ~self.off & unlike

    def at_tie(self, decision: Decision) -> Decision:
        """Where a choice may go either way there, nothing is accused."""
        return decision.set(self.off | (self.known & ~self.given), UNDECIDED, Why.AT_TIE)

    def decide(self, decision: Decision) -> Decision:
        decision = self._not_finite(decision)
        if self.by_rule is not None and not self.by_rule.is_elsewhere:  # which decides without the dtype's rounding
            return self._by_rounding(decision)
        return self._by_distance(decision)

    def _not_finite(self, decision: Decision) -> Decision:
        evidence, known, given = self.evidence, self.known, self.given
        shown = shown_by_values(evidence) if self.k == 0 else False
        lost = known & ~given & (np.isfinite(self.allowed) | shown)
        # where a step overflows, NaN spreads as 0 times NaN to other entries: it accuses no rule
        whole = self.k == 0 and bool(np.all(known)) and not evidence.has_hole
        place = "nearby" if self.k else "here"
        decision = decision.set(lost, DIFFERS if whole else UNDECIDED, Reason(Why.NOT_FINITE, self.mode))
        decision = decision.set(known & ~given, UNDECIDED, Reason(Why.PERHAPS_NOT_FINITE, self.mode))
        decision = decision.set(~known & given, UNDECIDED, Reason(Why.CHAIN_NOT_FINITE, place=place))
        return decision.set(~known & ~given, UNDECIDED, Reason(Why.NEITHER_FINITE, place=place))

    def _by_rounding(self, decision: Decision) -> Decision:
        """The rule is right in float64: what is off here is the rounding of the user's dtype."""
        decision = decision.set(self.off, UNDECIDED, Why.OWN_ROUNDING)
        if self.k == 0 and (lost := self.known & self.given & _lost(self.evidence, self.actual)).any():
            return decision.set(lost, UNDECIDED, _all_rounding(self.mode, self.actual, self.value, lost))
        return decision

    def _by_distance(self, decision: Decision) -> Decision:
        """Nothing is known of the rule: function values must side with the formula to accuse it."""
        evidence, sides = self.evidence, _sides(self.evidence, self.value, self.actual, self.k)
        clearly = self.off & sides
        if clearly.any():
            ahead = clearly & evidence.ahead(self.k, self.actual)
            decision = decision.set(ahead, UNDECIDED, Reason(Why.RULE_AHEAD, self.mode))
            clearly &= ~ahead
        if self.k == 0 and self.unlike.any():  # rounding, or the rule? in float64 the rule remains
            clearly = clearly | (self.unlike & sides & _off_in_float64(evidence, self.mode, self.value))
        decision = decision.set(clearly, DIFFERS, Reason(Why.OFF_FORMULA, self.mode))
        return decision.set(self.off | self.unlike, UNDECIDED, Reason(Why.NEAR_FORMULA, self.mode))


def _unconfirmed(evidence: Evidence, comparisons: Iterable[Comparison]) -> np.ndarray:
    """Where only numbers whose bounds say nothing are near each other, and function values do not show the same."""
    assert evidence.formula is not None
    coarse = np.zeros(evidence.shape, bool)
    for comparison in comparisons:
        if comparison.coarse is not None:
            coarse |= comparison.coarse & np.isfinite(evidence.formula.values[0])
    if not coarse.any():
        return coarse
    return coarse & ~shown_by_values(evidence)


def shown_by_values(evidence: Evidence) -> np.ndarray:
    """Where differences of function values show the derivative of the code at the user's own point.

    Where they were too dear, that two programs give the same number, and not 0, counts as well.
    """
    assert evidence.formula is not None
    values, size = evidence.formula.values[0], size_of(evidence.formula.values)[0]
    if evidence.numeric is None:
        return np.asarray(values != 0)
    estimate, error, kink = (part[0] for part in evidence.numeric)
    with np.errstate(invalid="ignore"):
        near_zero = (np.abs(estimate) <= GROSS * size) & (np.abs(values) <= GROSS * size)
        bent = kink & ~(near_zero & ~evidence.formula.at_tie[0])  # of noise around 0 a bend is seen as well
        return ~bent & (np.abs(estimate - values) <= GROSS * size) & (error <= GROSS * size)


def _off_in_float64(evidence: Evidence, mode: str, value: np.ndarray) -> np.ndarray | bool:
    """Where JAX's number is grossly off in float64 as well: that is not the rounding of the user's dtype."""
    wide = evidence.in_float64(mode)
    if wide is None:
        return False
    with np.errstate(invalid="ignore"):
        return np.abs(wide - value) > GROSS * size_of(value[None])[0]


def _unlike(distance: np.ndarray, allowed: np.ndarray, size: np.ndarray, eps: float) -> np.ndarray:
    """Where a number is visibly not the derivative, and the bound that would allow for it is as wide."""
    visible = max(ROUNDINGS * eps, NEAR) * np.maximum(size, SMALL_BESIDE * np.max(size, initial=0.0))
    with np.errstate(invalid="ignore"):
        return (distance > visible) & ~(allowed <= visible)


def _lost(evidence: Evidence, actual: np.ndarray) -> np.ndarray:
    """Where a number has no digit right, though the rule behind it is: all of it is rounding."""
    assert evidence.formula is not None
    values = evidence.formula.values
    around = np.max(np.abs(values), initial=0.0, where=np.isfinite(values))
    least = max(VISIBLE, 32 * evidence.eps) * max(float(around), evidence.height)
    with np.errstate(invalid="ignore"):
        return np.abs(actual - values[0]) > np.maximum(ALL_DIGITS * np.abs(values[0]), least)


def _all_rounding(mode: str, actual: np.ndarray, value: np.ndarray, lost: np.ndarray) -> Reason:
    """What JAX gives and what is right, of the entry that is farthest off."""
    distance = np.where(lost, np.abs(actual - value), 0.0)
    entry = np.unravel_index(int(np.argmax(distance)), distance.shape)
    return Reason(Why.ALL_ROUNDING, mode, *both(float(actual[entry]), float(value[entry])))


def _bent(evidence: Evidence, tolerance: Tolerance) -> np.ndarray | bool:
    """Where a choice at a tie bends the function at the user's point, as far as function values show.

    JAX and the formula may take the same side there, and agree on a number that is no derivative.
    """
    assert evidence.formula is not None
    values, bounds, ties = evidence.formula.values, evidence.formula.errors, evidence.formula.at_tie
    if not ties[0]:
        return False
    if evidence.numeric is None:  # too many inputs, or no time left, for function values entry by entry
        return not evidence.is_smooth
    estimate, error, kink = (part[0] for part in evidence.numeric)
    finite = np.where(np.isfinite(values), values, 0.0)  # nearby as well: at the point itself all may vanish
    size = max(float(np.max(np.abs(finite), initial=0.0)), evidence.scale)
    rounding = tolerance(values[0], bounds[0])
    rounding = np.where(np.isfinite(rounding), rounding, 0.0)  # bounds are lost where infinities cancel
    with np.errstate(invalid="ignore"):
        coarse = ~(error <= 1e-3 * size)  # as at a jump
        return kink | coarse | ~(np.abs(estimate - values[0]) <= 10 * error + rounding)


def _sides(evidence: Evidence, value: np.ndarray, actual: np.ndarray, k: int) -> np.ndarray:
    """Where differences of function values side with the formula against JAX's number, clearly."""
    if evidence.numeric is None or k >= len(evidence.numeric[0]):
        return np.zeros(evidence.shape, bool)
    estimate, error, kink = (part[k] for part in evidence.numeric)
    with np.errstate(invalid="ignore"):  # infinite estimates
        apart = np.abs(actual - value)
        return (np.abs(estimate - value) < 0.1 * apart) & (error < 0.1 * apart) & _gross(evidence, apart, value) & ~kink


def _gross(evidence: Evidence, apart: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Where a difference is too large for rounding in the user's dtype."""
    return (apart > 1e-3 * np.max(np.abs(value), initial=0.0)) & (apart > 1e3 * evidence.eps * evidence.scale)


def _by_differences(decision: Decision, evidence: Evidence) -> Decision:
    estimates, errors, kinks = evidence.numeric  # type: ignore[misc]
    for k, columns in enumerate(evidence.native[: len(estimates)]):
        estimate, error, kink = estimates[k], errors[k], kinks[k]
        size = np.abs(estimate)
        scale = np.max(size, initial=0.0)
        decision = decision.set(kink, UNDECIDED, Why.KINK)
        for mode, actual in zip(("forward", "reverse"), columns, strict=True):
            if actual is None:
                continue
            unknown = Reason(Why.UNKNOWN_FINITE, mode, place="nearby" if k else "here")
            decision = decision.set(~np.isfinite(actual), UNDECIDED, unknown)
            with np.errstate(invalid="ignore"):
                apart = np.abs(actual - estimate)
                # values that do not move at all may have lost their digits: they accuse nobody
                wrong = (apart > 100 * error) & _gross(evidence, apart, estimate) & (estimate != 0)
                unclear = ~(apart <= 10 * error + 100 * evidence.eps * size)
                # a zero that JAX gives exactly has no digits to compare; any other entry must show some of its own
                coarse = ~(error <= 1e-6 * np.where(actual == 0, scale, size))
            if k == 0 and np.any(wrong) and evidence.in_float64(mode) is not None:
                wrong &= _off_in_float64(evidence, mode, estimate)
            decision = decision.set(wrong & ~kink, *_accused(evidence, mode))
            decision = decision.set(unclear, UNDECIDED, Why.COARSE_VALUES)
            decision = decision.set(coarse & ~kink, UNDECIDED, Why.ONLY_COARSE_VALUES)
    return decision


def _by_probes(decision: Decision, evidence: Evidence) -> Decision:
    for mode, found in evidence.probes.items():
        decision = decision.set(found.wrong, *_accused(evidence, mode))
        decision = decision.set(found.unclear, UNDECIDED, found.why)
    return decision


def _accused(evidence: Evidence, mode: str) -> tuple[int, Reason]:
    """Outcome and reason where function values contradict JAX's derivative, and nothing else is known."""
    if evidence.may_freeze:
        return UNDECIDED, Reason(Why.FROZEN)
    return DIFFERS, Reason(Why.OFF_VALUES, mode)
