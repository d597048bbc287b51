"""From evidence to one of the four words, for every entry of a block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from jaxdiff_magic.checking.figures import both
from jaxdiff_magic.checking.probes import Probes
from jaxdiff_magic.checking.rules import AHEAD, Comparison
from jaxdiff_magic.checking.sharper import GROSS, NEAR, size_of
from jaxdiff_magic.engines.reference.directions import Found
from jaxdiff_magic.report import OUTCOMES

MAX_FAILED_PROOFS = 3
WIDE_BOUND = (
    "the bound on rounding is wider than the derivative, and neither more digits nor function values confirm it"
)
ALL_DIGITS, VISIBLE = 0.5, 1e-3
"""A number that is off by half of what it should be has no digit right; that counts where it is also this part of what
derivatives of the function are around the point: near a stationary point all are small."""
ROUNDINGS = 100
"""So many roundings in the user's dtype from the true derivative, a number is no longer the same to the eye."""
SMALL_BESIDE = 0.1
"""Numbers of a block round about as the largest do: JAX adds up and takes apart whole arrays."""
UNDEFINED = "the function's value is not finite here"
AT_TIE = "a choice (where, max, abs …) is at a tie here"
PROVED, AGREES, UNDECIDED, DIFFERS = range(len(OUTCOMES))


@dataclass(frozen=True)
class RuleEvidence:
    """What comparing one of JAX's rules with the formula showed.

    Attributes:
        name: "forward", "reverse" or "second".
        comparison: the result, over the sampled points.
        place: where it is wrong: ", at x = …"; "" for the user's own point.
    """

    name: str
    comparison: Comparison
    place: str

    def says(self, entry: tuple[int, ...] | None = None) -> str:
        """Both numbers of an entry where the rule is wrong; of the worst one where none is named."""
        found = self.comparison
        if found.rule is None or found.formula is None:
            return ""
        at = found.worst if entry is None else entry
        given, expected = both(found.rule[at], found.formula[at])
        return f"JAX's {_mode(self.name)} gives {given} where the function's own derivative is {expected}{self.place}"


@dataclass(frozen=True)
class Evidence:
    """All that is known about one block. Arrays begin with an axis for the sampled points.

    Attributes:
        shape: of the block.
        eps: of the user's dtype.
        scale: |f| / |x|, or / |x|^2 …: JAX's numbers carry rounding of terms of this size, whatever cancels.
        doubt: why no formula can be trusted here, or "".
        in_float64: what JAX gives at the user's point in one mode in float64, where the function is in another dtype.
        undefined: mask over the block: where the function itself has no value.
        height: |f| / max(|x|, 1), or / max(|x|, 1)^2 …: what is small beside this may be all rounding.
        has_hole: whether it has none somewhere, in this block or another: NaN spreads from there, as 0 times NaN.
        formula: by the chain rule, step by step, or else by a formula that function values confirm; None when out of
            reach.
        native: for each of the first points, JAX's numbers in forward and in reverse mode.
        rules: those that could be compared.
        numeric: estimates, error estimates and kinks at the first points; None when not computed.
        probes: for each mode, what Taylor remainders along directions say, where there is neither of them.
        is_smooth: whether function values along a few directions show no bend where a choice is at a tie;
            asked where there is no numeric column.
        frozen: why function values alone accuse nobody, or "".
        shown: the numeric column as a reader sees it, with more digits where there are. It accuses nobody, since it
            sees kinks that are nearer to the point than the user's dtype resolves.
        ahead: of JAX's numbers at one of the first points, where they are nearer than the code to what its loops
            converge to.
    """

    shape: tuple[int, ...]
    eps: float
    scale: float
    doubt: str
    formula: Found | None
    native: list[tuple[np.ndarray | None, np.ndarray | None]]
    rules: tuple[RuleEvidence, ...]
    numeric: tuple[np.ndarray, np.ndarray, np.ndarray] | None
    probes: Mapping[str, Probes] = field(default_factory=dict)
    is_smooth: bool = False
    frozen: str = ""
    ahead: Callable[[int, np.ndarray], np.ndarray | bool] = lambda k, numbers: False
    undefined: np.ndarray | bool = False
    has_hole: bool = False
    height: float = 0.0
    in_float64: Callable[[str], np.ndarray | None] = lambda mode: None
    shown: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True)
class Decision:
    """An outcome and a reason for every entry.

    Attributes:
        outcome: positions in `OUTCOMES`.
        reason: positions in `reasons`; 0 is no reason.
        reasons: the texts.
    """

    outcome: np.ndarray
    reason: np.ndarray
    reasons: tuple[str, ...] = ("",)

    def set(self, mask: np.ndarray | bool, outcome: int, reason: str) -> Decision:
        """The decision with some entries made worse (never better)."""
        mask = np.broadcast_to(mask, self.outcome.shape) & (self.outcome < outcome)
        return Decision(
            np.where(mask, outcome, self.outcome),
            np.where(mask, len(self.reasons), self.reason),
            (*self.reasons, reason),
        )

    def stated(self, mask: np.ndarray | bool, outcome: int, reason: str) -> Decision:
        """The decision with some entries' outcomes replaced, whatever they were."""
        mask = np.broadcast_to(mask, self.outcome.shape)
        return replace(self, outcome=np.where(mask, -1, self.outcome)).set(mask, outcome, reason)

    def with_proofs(self, prove: Callable[[tuple[int, ...]], bool]) -> Decision:
        """The decision with entries that agree, or have no useful bound, tried for proof.

        A block whose proofs keep failing is given up.
        """
        outcome, failures = self.outcome.copy(), 0
        for entry in np.ndindex(*outcome.shape):
            coarse = self.reasons[int(self.reason[entry])] == WIDE_BOUND  # which a proof does not look at
            if (outcome[entry] == AGREES or coarse) and failures < MAX_FAILED_PROOFS:
                proved = prove(entry)
                outcome[entry] = PROVED if proved else outcome[entry]
                failures += not proved
        return replace(self, outcome=outcome)


def decided(evidence: Evidence, tolerance: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Decision:
    """Decide every entry of a block.

    Args:
        evidence: all that is known.
        tolerance: how far JAX's numbers may be from a value with a given rounding bound.
    """
    start = Decision(np.full(evidence.shape, AGREES), np.zeros(evidence.shape, int))
    if evidence.doubt:
        return start.set(True, UNDECIDED, evidence.doubt)
    found = _decided(start, evidence, tolerance)
    if np.any(evidence.undefined):
        return found.stated(evidence.undefined, UNDECIDED, UNDEFINED)
    return found


def _decided(
    start: Decision, evidence: Evidence, tolerance: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> Decision:
    if evidence.formula is not None:
        return _by_formula(start, evidence, tolerance)
    if evidence.numeric is not None:
        return _by_differences(start, evidence)
    if evidence.probes:
        return _by_probes(start, evidence)
    return start.set(
        True, UNDECIDED, "there is neither a formula nor, within the budget, a numeric column to compare with"
    )


def _by_formula(
    decision: Decision, evidence: Evidence, tolerance: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> Decision:
    assert evidence.formula is not None
    values, bounds, ties = evidence.formula.values, evidence.formula.errors, evidence.formula.at_tie
    for rule in evidence.rules:
        found = rule.comparison
        decision = decision.set(found.wrong, DIFFERS, rule.says())
        decision = decision.set(found.unclear, UNDECIDED, f"JAX's {_mode(rule.name)} {found.why}")
    decision = decision.set(_bent(evidence, tolerance), UNDECIDED, AT_TIE)
    clear = {rule.name: rule.comparison for rule in evidence.rules if not rule.comparison.why}
    compared = bool(clear)
    for k, columns in enumerate(evidence.native):
        if k > 0 and compared:
            break  # the rules were compared at these points, and without the rounding of the user's dtype
        value, allowed = values[k], tolerance(values[k], bounds[k])
        for rule in evidence.rules:  # whose program may round more than the reference, as long as two digits are left
            if rule.comparison.bound is not None:
                more = np.minimum(tolerance(value, rule.comparison.bound[k]), 0.01 * np.max(np.abs(value), initial=0.0))
                allowed = np.maximum(allowed, np.where(np.isfinite(more), more, 0.0))
        for mode, actual in zip(("forward", "reverse"), columns, strict=True):
            if actual is None:
                continue
            known, given = np.isfinite(value), np.isfinite(actual)
            by_rule = clear.get("second" if "second" in clear else mode)  # which decides without the dtype's rounding
            here = by_rule is not None and not by_rule.is_elsewhere
            with np.errstate(invalid="ignore"):
                distance = np.abs(actual - value)
                off = known & given & (distance > allowed)
            unlike = known & given & ~off & _unlike(distance, allowed, size_of(values)[k], evidence.eps)
            if ties[k]:
                decision = decision.set(off | (known & ~given), UNDECIDED, AT_TIE)
                continue
            lost = known & ~given & (np.isfinite(allowed) | (shown_by_values(evidence) if k == 0 else False))
            reason = f"JAX's {mode} mode is not finite, the derivative is"
            # where a step overflows, NaN spreads as 0 times NaN to other entries: it accuses no rule
            whole = k == 0 and bool(np.all(known)) and not evidence.has_hole
            decision = decision.set(lost, DIFFERS if whole else UNDECIDED, reason)
            unsure = f"JAX's {mode} mode is not finite, and it is not certain that the derivative is"
            decision = decision.set(known & ~given, UNDECIDED, unsure)
            place = "nearby" if k else "here"
            decision = decision.set(~known & given, UNDECIDED, f"the chain rule, step by step, is not finite {place}")
            neither = f"neither JAX nor the chain rule, step by step, is finite {place}"
            decision = decision.set(~known & ~given, UNDECIDED, neither)
            if here:
                decision = decision.set(off, UNDECIDED, "rounding in the function's own dtype hides the digits")
                if k == 0 and (lost := known & given & _lost(evidence, actual)).any():
                    decision = decision.set(lost, UNDECIDED, _all_rounding(mode, actual, value, lost))
                continue
            clearly = off & _sides(evidence, value, actual, k)
            if clearly.any():
                ahead = clearly & evidence.ahead(k, actual)
                decision = decision.set(ahead, UNDECIDED, f"JAX's {mode} mode {AHEAD}")
                clearly &= ~ahead
            if k == 0 and unlike.any():  # rounding, or the rule? in float64 the rule remains
                clearly = clearly | (
                    unlike & _sides(evidence, value, actual, k) & _off_in_float64(evidence, mode, value)
                )
            decision = decision.set(clearly, DIFFERS, f"JAX's {mode} mode differs from the formula")
            undecided = f"JAX's {mode} mode and the formula differ, but not decidedly"
            decision = decision.set(off | unlike, UNDECIDED, undecided)
    return decision.set(_unconfirmed(evidence, clear.values()), UNDECIDED, WIDE_BOUND)


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


def _all_rounding(mode: str, actual: np.ndarray, value: np.ndarray, lost: np.ndarray) -> str:
    """What JAX gives and what is right, of the entry that is farthest off."""
    distance = np.where(lost, np.abs(actual - value), 0.0)
    entry = np.unravel_index(int(np.argmax(distance)), distance.shape)
    given, expected = both(float(actual[entry]), float(value[entry]))
    return f"rounding takes all digits of JAX's {mode} mode here: it is {given} by JAX and {expected} without it"


def _bent(evidence: Evidence, tolerance: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray | bool:
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
        decision = decision.set(kink, UNDECIDED, "the slopes from the left and from the right differ here")
        for mode, actual in zip(("forward", "reverse"), columns, strict=True):
            if actual is None:
                continue
            place = "nearby" if k else "here"
            unknown = (
                f"JAX's {mode} mode is not finite {place}; without a formula it is not known whether the derivative is"
            )
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
            decision = decision.set(wrong & ~kink, *_accused(evidence, f"{mode} mode"))
            decision = decision.set(unclear, UNDECIDED, "function values are too coarse to decide")
            decision = decision.set(
                coarse & ~kink, UNDECIDED, "without a formula, function values are too coarse to decide"
            )
    return decision


def _by_probes(decision: Decision, evidence: Evidence) -> Decision:
    for mode, found in evidence.probes.items():
        decision = decision.set(found.wrong, *_accused(evidence, _mode(mode)))
        decision = decision.set(found.unclear, UNDECIDED, found.why)
    return decision


def _accused(evidence: Evidence, mode: str) -> tuple[int, str]:
    """Outcome and reason where function values contradict JAX's derivative, and nothing else is known."""
    if evidence.frozen:
        return UNDECIDED, evidence.frozen
    return DIFFERS, f"JAX's {mode} differs from function values"


def _mode(rule: str) -> str:
    return "second derivative" if rule == "second" else f"{rule} mode"
