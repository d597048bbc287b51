"""JAX's rules in one check: which there are for a block, at how many points each is compared, and what that shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from jaxdiff_magic.base.budget import left, now, passed
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.evidence import RuleEvidence
from jaxdiff_magic.checking.native import columns_of
from jaxdiff_magic.checking.numeric import RuleBlock
from jaxdiff_magic.checking.points import native_point, place_of
from jaxdiff_magic.checking.rules import RuleName, compare
from jaxdiff_magic.checking.sharper import Sharper
from jaxdiff_magic.engines.jax.values import Derivatives, Values
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.reference.directions import Path
from jaxdiff_magic.engines.reference.rule_values import RuleValues

MAX_COMPARED = 200_000
"""Derivatives of one order are compared at as many sampled points as keep them below this many numbers. A choice of
time and memory: 1.6 MB for each array of a run."""
MAX_AT_ONCE = 4_000_000
"""A rule that makes no more numbers at one point is compared there, though time is up: it takes less than a second."""


@dataclass
class ComparedRules:
    """The rules of one check against its reference.

    Attributes:
        derivatives: JAX's own, of which a rule's numbers are to be.
        reference: the function's derivatives by local rules.
        programs: JAX's program of each rule.
        sharper: both sides with more digits.
        points: for each input leaf its values at the sampled points.
        native: what JAX gives at the first of them.
        eps: relative rounding error of that.
        deadline: the instant (`budget.now`) after which only what is short is compared.
        counts: for each length of path, at how many points rules are compared.
        compared: for each block and rule, at how many random points.
    """

    derivatives: Derivatives
    reference: Reference
    programs: Mapping[str, RuleValues]
    sharper: Sharper
    points: list[np.ndarray]
    native: Sequence[Values]
    eps: float
    deadline: float
    counts: dict[int, int] = field(default_factory=dict)
    compared: list[int] = field(default_factory=list)

    def names_for(self, path: Path) -> list[RuleName]:
        """The rules that give derivatives of a block's order."""
        names: dict[int, tuple[RuleName, ...]] = {2: ("forward", "reverse"), 3: ("second",)}
        return [name for name in names.get(len(path), ()) if name in self.programs]

    def evidence(self, path: Path) -> tuple[RuleEvidence, ...]:
        """What comparing each rule of a block shows, of those that can be compared in time."""
        found = []
        for name in self.names_for(path):
            if passed(self.deadline) and self.programs[name].numbers > MAX_AT_ONCE:
                continue
            try:
                count = self.counts.setdefault(len(path), self._count(len(path) - 1))
                native = lambda k: self._native(path, k)  # noqa: E731
                sides = self.reference, self.programs[name], path, self._first(count)
                comparison = compare(*sides, native, self.eps, self.sharper, name)
            except OutOfReach:
                continue
            self.compared.append(count - 1)
            place = place_of(self.derivatives.subject, self.points, comparison.at)
            found.append(RuleEvidence(name, comparison, place))
        return tuple(found)

    def block(self, name: RuleName) -> RuleBlock:
        """A block of one of JAX's rules at the user's point, with bounds on its rounding."""

        def block(path: Path) -> tuple[np.ndarray, np.ndarray]:
            found = self.programs[name].evaluate(path, self._first(self.counts.get(len(path), 1)))
            return found.values[0], found.errors[0]

        return block

    def _count(self, order: int) -> int:
        """At how many points, the user's own included, derivatives of one order are compared."""
        subject = self.derivatives.subject
        entries = subject.output_size * subject.size**order
        count = max(1, min(len(self.points[0]), MAX_COMPARED // max(entries, 1)))
        started = now()
        self.reference.evaluate((0, *[0] * order), self._first(1))
        seconds = max(now() - started, 1e-6)  # of one point; kept results cost nothing
        return max(1, min(count, int(max(left(self.deadline), 0.0) / (8 * seconds))))

    def _first(self, count: int) -> list[np.ndarray]:
        return [batch[:count] for batch in self.points]

    def _native(self, path: Path, k: int) -> np.ndarray:
        """JAX's numbers for a block at one of the points."""
        if k < len(self.native):
            values = self.native[k]
        else:
            values = self.derivatives.at(native_point(self.derivatives.subject, self.points, k))
        return next(column for column in columns_of(values, path)[::-1] if column is not None)
