"""Rows of the check table from decided blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from jaxdiff_magic.checking.decide import OUT_OF_REACH, Decision, Evidence
from jaxdiff_magic.leaves import Leaf
from jaxdiff_magic.report import OUTCOMES, CheckEntry, Outcome

MAX_ENTRIES = 100
"""Every entry has a row while there are no more than this in all; beyond, the worst of each block has one."""

NAMES = {"hessian": "second derivative", "d3": "third derivative", "hessian product": "product with the Hessian"}


@dataclass(frozen=True)
class BlockCheck:
    """One block: its place, the evidence, and what was decided."""

    what: str
    output: Leaf
    inputs: tuple[Leaf, ...]
    evidence: Evidence
    decision: Decision

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
        return self._told(self.decision.reasons[int(self.decision.reason[tuple(at[0])])]) if len(at) else ""

    def unconfirmed(self) -> BlockCheck:
        """The block, undecided unless it differs, since a Taylor remainder says that the derivative is wrong."""
        if self.worst == "differs":
            return self
        why = "the Taylor remainder does not fall as it should: function values do not confirm this derivative"
        return replace(self, decision=self.decision.set(True, OUT_OF_REACH, why))

    def gaps(self) -> list[str]:
        """What was not covered: of a large block without a formula, all but some directions."""
        name = f"{self.what} of {self.output.name} with respect to {', '.join(leaf.name for leaf in self.inputs)}"
        return [gap for probes in self.evidence.probes.values() if (gap := probes.gap(name))][:1]

    def rows(self, entries: Sequence[tuple[int, ...]]) -> Iterator[CheckEntry]:
        """The table rows of some entries."""
        forward, reverse = self.evidence.native[0]
        formula = self.evidence.formula.values[0] if self.evidence.formula else None
        numeric = self.evidence.numeric[0][0] if self.evidence.numeric else None
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
                numeric=_number(numeric, entry),
                error=_number(errors, entry),
                outcome=OUTCOMES[int(self.decision.outcome[entry])],
                reason=self._reason(entry),
            )

    def _reason(self, entry: tuple[int, ...]) -> str:
        """Why an entry has its outcome, with its own numbers where the block's reason has those of its worst entry."""
        reason = self.decision.reasons[int(self.decision.reason[entry])]
        own = (rule.says(entry) for rule in self.evidence.rules if reason and rule.says() == reason)
        return self._told(next(own, reason))

    def _told(self, reason: str) -> str:
        """A reason with the derivative that it is about: the two columns of higher ones are no modes of the first."""
        if self.what in ("gradient", "jacobian"):
            return reason
        name = NAMES.get(self.what, f"derivative of order {self.what[1:]}")
        return reason.replace("JAX's forward mode", f"JAX's {name}").replace(
            "JAX's reverse mode", f"JAX's {name} by reverse over reverse mode"
        )

    def errors(self) -> np.ndarray | None:
        """Largest |JAX - formula| in ulp of the dtype, scaled by the size of the terms behind each entry."""
        if self.evidence.formula is None:
            return None
        value, bound = self.evidence.formula.values[0], self.evidence.formula.errors[0]
        scale = np.maximum(np.abs(value), bound / (8 * np.finfo(float).eps))
        scale = np.where(scale > 0, scale, np.max(scale, initial=0.0) or 1.0)  # an exact zero among others
        with np.errstate(all="ignore"):
            apart = [np.abs(column - value) for column in self.evidence.native[0] if column is not None]
            largest = np.max(apart, axis=0)
            return np.where(largest == 0, 0.0, largest / (self.evidence.eps * scale))

    def worst_entry(self) -> tuple[int, ...]:
        """The entry with the worst outcome, and among those the largest error."""
        errors = self.errors()
        rank = self.decision.outcome * 1e6 + (np.clip(np.nan_to_num(errors), 0, 1e5) if errors is not None else 0)
        return tuple(map(int, np.unravel_index(int(np.argmax(rank)), rank.shape)))


def entries_of(blocks: Sequence[BlockCheck]) -> tuple[CheckEntry, ...]:
    """One row per entry while that is readable, else the worst entry of each block."""
    blocks = [block for block in blocks if block.decision.outcome.size]
    every = sum(block.decision.outcome.size for block in blocks) <= MAX_ENTRIES
    return tuple(
        row
        for block in blocks
        for row in block.rows(list(np.ndindex(*block.decision.outcome.shape)) if every else [block.worst_entry()])
    )


def _number(array: np.ndarray | None, entry: tuple[int, ...]) -> float | None:
    return None if array is None else float(array[entry])
