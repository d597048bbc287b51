"""What is known about one block of derivatives, and what is decided of each of its entries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from jaxdiff_magic.base.figures import both
from jaxdiff_magic.checking.probes import Probes
from jaxdiff_magic.checking.rules import Comparison
from jaxdiff_magic.checking.words import Reason, Why
from jaxdiff_magic.engines.reference.directions import Found
from jaxdiff_magic.report import OUTCOMES

MAX_FAILED_PROOFS = 3
"""Of a block of which so many entries could not be proved, the others are not tried: a proof may take a second. A
choice: entries of one block are much alike."""
Tolerance = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From values and the bounds on their rounding to how far JAX's numbers may be from them."""
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

    def says(self, entry: tuple[int, ...] | None = None) -> Reason:
        """Both numbers of an entry where the rule is wrong; of the worst one where none is named."""
        found = self.comparison
        if found.rule is None or found.formula is None:
            return Reason(Why.NONE)
        at = found.worst if entry is None else entry
        return Reason(Why.RULE_WRONG, self.name, *both(found.rule[at], found.formula[at]), self.place)


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
        may_freeze: whether the function may call `stop_gradient`, so that function values alone accuse nobody.
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
    may_freeze: bool = False
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
        reasons: each once or more.
    """

    outcome: np.ndarray
    reason: np.ndarray
    reasons: tuple[Reason, ...] = (Reason(Why.NONE),)

    def set(self, mask: np.ndarray | bool, outcome: int, reason: Reason | Why) -> Decision:
        """The decision with some entries made worse (never better)."""
        mask = np.broadcast_to(mask, self.outcome.shape) & (self.outcome < outcome)
        return Decision(
            np.where(mask, outcome, self.outcome),
            np.where(mask, len(self.reasons), self.reason),
            (*self.reasons, Reason(reason) if isinstance(reason, Why) else reason),
        )

    def reason_of(self, entry: tuple[int, ...]) -> Reason:
        """Why an entry has its outcome."""
        return self.reasons[int(self.reason[entry])]

    def stated(self, mask: np.ndarray | bool, outcome: int, reason: Reason | Why) -> Decision:
        """The decision with some entries' outcomes replaced, whatever they were."""
        mask = np.broadcast_to(mask, self.outcome.shape)
        return replace(self, outcome=np.where(mask, -1, self.outcome)).set(mask, outcome, reason)

    def with_proofs(self, prove: Callable[[tuple[int, ...]], bool]) -> Decision:
        """The decision with entries that agree, or have no useful bound, tried for proof.

        A block whose proofs keep failing is given up.
        """
        outcome, failures = self.outcome.copy(), 0
        for entry in np.ndindex(*outcome.shape):
            coarse = self.reason_of(entry).why is Why.WIDE_BOUND  # which a proof does not look at
            if (outcome[entry] == AGREES or coarse) and failures < MAX_FAILED_PROOFS:
                proved = prove(entry)
                outcome[entry] = PROVED if proved else outcome[entry]
                failures += not proved
        return replace(self, outcome=outcome)
