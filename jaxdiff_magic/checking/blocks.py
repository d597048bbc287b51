"""Rows of the check table from decided blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.checking.evidence import UNDECIDED, Decision, Evidence
from jaxdiff_magic.checking.words import Reason, Why
from jaxdiff_magic.engines.reference.arithmetic import mpmath
from jaxdiff_magic.report import OUTCOMES, CheckEntry, Outcome
from jaxdiff_magic.subject.leaves import Leaf

MAX_ROWS_OF_ENTRIES = 100
"""Every entry has a row while there are no more than this in all; beyond, the worst of each block has one. A choice:
what still can be scrolled through."""

INHERENT = 8.0
"""An error that is no larger than so many times the rounding of f, for each unit of x, is nobody's fault. A choice of
three bits: some operations each round once."""


@dataclass(frozen=True)
class BlockCheck:
    """One block: its place, the evidence, and what was decided.

    Attributes:
        exact: what it should be, as `mpmath.mpf`; None where the formula's own rounding is slight, or where there are
            no such numbers.
    """

    what: str
    output: Leaf
    inputs: tuple[Leaf, ...]
    evidence: Evidence
    decision: Decision
    exact: np.ndarray | None = None

    @property
    def worst(self) -> Outcome:
        return OUTCOMES[int(np.max(self.decision.outcome, initial=0))]

    @property
    def is_of_solution(self) -> bool:
        """Whether it was compared with what the code's loops come to, which function values do not show yet."""
        return any(rule.comparison.solution is not None for rule in self.evidence.rules)

    def count(self, word: Outcome) -> int:
        return int(np.count_nonzero(self.decision.outcome == OUTCOMES.index(word)))

    def first_reason(self, word: Outcome) -> str:
        """Why the first entry with some outcome has it; "" when none has."""
        at = np.argwhere(self.decision.outcome == OUTCOMES.index(word))
        return self.decision.reason_of(tuple(at[0])).words(self.what) if len(at) else ""

    def unconfirmed(self) -> BlockCheck:
        """The block, undecided unless it differs, since a Taylor remainder says that the derivative is wrong."""
        if self.worst == "differs":
            return self
        return replace(self, decision=self.decision.set(True, UNDECIDED, Why.REMAINDER))

    def gaps(self) -> list[str]:
        """What was not covered: of a large block without a formula, all but some directions."""
        name = f"{self.what} of {self.output.name} with respect to {', '.join(leaf.name for leaf in self.inputs)}"
        return [gap for probes in self.evidence.probes.values() if (gap := probes.gap(name))][:1]

    def rows(self, entries: Sequence[tuple[int, ...]]) -> Iterator[CheckEntry]:
        """The table rows of some entries."""
        forward, reverse = self.evidence.native[0]
        formula = self.evidence.formula.values[0] if self.evidence.formula else None
        formula = formula if self.exact is None else self.exact.astype(float)
        errors = self.errors()
        for entry in entries:
            places, start = [], len(self.output.shape)
            for leaf in self.inputs:
                places.append(leaf.element(entry[start : start + len(leaf.shape)]))
                start += len(leaf.shape)
            yield CheckEntry(
                what=self.what,
                output=self.output.element(entry[: len(self.output.shape)]),
                inputs=tuple(places),
                symbolic=_number(formula, entry),
                forward=_number(forward, entry),
                reverse=_number(reverse, entry),
                numeric=self._difference(entry),
                error=None if errors is None or np.isnan(errors[entry]) else float(errors[entry]),
                outcome=OUTCOMES[int(self.decision.outcome[entry])],
                reason=self._reason(entry).words(self.what),
                why=self.decision.reason_of(entry).why.value,
            )

    def _difference(self, entry: tuple[int, ...]) -> float | None:
        """The numeric column; None, too, where it has no digit."""
        if self.evidence.shown is None:
            return None
        estimate, error = (part[0][entry] for part in self.evidence.shown[:2])
        return None if error > max(abs(estimate), self.evidence.scale) else float(estimate)

    def _reason(self, entry: tuple[int, ...]) -> Reason:
        """Why an entry has its outcome, with its own numbers where the block's reason has those of its worst entry."""
        reason = self.decision.reason_of(entry)
        if reason.why is not Why.RULE_WRONG:
            return reason
        rule = next(rule for rule in self.evidence.rules if rule.name == reason.mode)
        return replace(rule.says(entry), more=reason.more)

    def errors(self) -> np.ndarray | None:
        """JAX's own error: of its columns the larger distance to what is right, in units in the last place.

        NaN where it is not known to a quarter of a unit or a tenth of itself; None where nothing is known.
        """
        if (known := self._known()) is None:
            return None
        size, apart, bound = known
        unit = self.evidence.eps * np.maximum(size, _least(self.evidence.eps))
        with np.errstate(all="ignore"):
            return np.where(bound <= np.maximum(unit / 4, apart / 10), apart / unit, np.nan)

    def _known(self) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """The size of each entry, how far JAX's columns are from what it should be, and how well that is known."""
        found, columns = self.evidence.formula, [c for c in self.evidence.native[0] if c is not None]
        if found is None or found.at_tie[0] or not columns:
            return None
        value, bound = found.values[0], found.errors[0]
        with np.errstate(all="ignore"):
            if self.exact is None:
                apart = np.max([np.abs(column - value) for column in columns], axis=0)
            else:
                apart = np.max([distances(column, self.exact) for column in columns], axis=0)
                value, bound = self.exact.astype(float), np.zeros(value.shape)
            return np.max(np.abs([value, *columns]), axis=0), apart, bound

    def lost(self) -> tuple[int, ...] | None:
        """The entry of which most is rounding, where JAX's numbers have lost half their digits or more; else None.

        Zeros among larger entries do not count, nor what moves f by less than its own rounding.
        """
        known = self._known()
        if known is None or not known[0].size or not np.isfinite(known).all() or self.worst not in ("proved", "agrees"):
            return None
        size, apart, bound = known
        clear = np.where(bound <= apart / 10, apart, 0.0)
        entry = tuple(map(int, np.unravel_index(int(np.argmax(clear)), clear.shape)))
        scale = self.evidence.scale if np.isfinite(self.evidence.scale) else 0.0
        least = max(np.sqrt(self.evidence.eps) * np.max(size), INHERENT * self.evidence.eps * scale)
        return entry if clear[entry] > least else None

    def worst_entry(self) -> tuple[int, ...]:
        """The entry with the worst outcome, and among those the largest error."""
        errors = self.errors()
        rank = self.decision.outcome * 1e6 + (np.clip(np.nan_to_num(errors), 0, 1e5) if errors is not None else 0)
        return tuple(map(int, np.unravel_index(int(np.argmax(rank)), rank.shape)))


def entries_of(blocks: Sequence[BlockCheck]) -> tuple[CheckEntry, ...]:
    """One row per entry while that is readable, else the worst entry of each block."""
    blocks = [block for block in blocks if block.decision.outcome.size]
    every = sum(block.decision.outcome.size for block in blocks) <= MAX_ROWS_OF_ENTRIES
    return tuple(
        row
        for block in blocks
        for row in block.rows(list(np.ndindex(*block.decision.outcome.shape)) if every else [block.worst_entry()])
    )


def distances(column: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """How far numbers are from what they should be; NaN where they are not finite."""
    with mpmath.workdps(40):
        return np.array(
            [float(abs(mpmath.mpf(float(a)) - b)) for a, b in zip(column.ravel(), exact.ravel(), strict=True)]
        ).reshape(column.shape)


def _least(eps: float) -> float:
    """The smallest normal number of the dtype with some rounding error."""
    return next(
        (float(jnp.finfo(d).tiny) for d in ("float32", "float16", "bfloat16") if float(jnp.finfo(d).eps) == eps),
        float(np.finfo(np.float64).tiny),
    )


def _number(array: np.ndarray | None, entry: tuple[int, ...]) -> float | None:
    return None if array is None else float(array[entry])
