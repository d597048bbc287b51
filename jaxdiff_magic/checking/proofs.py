"""Proofs for a check: JAX's rules as formulas, beside those of the function, within the time there is."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.rules import RuleName, literal_eps
from jaxdiff_magic.engines.jax.rule_traces import higher_trace
from jaxdiff_magic.engines.jax.values import NO_DERIVATIVE
from jaxdiff_magic.engines.reference.directions import Path
from jaxdiff_magic.engines.symbolic.derivation import Derivation, TracedRule
from jaxdiff_magic.engines.symbolic.proof import block_to_prove, entry_to_prove, proved, proved_at_once
from jaxdiff_magic.engines.symbolic.time_limits import until
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Trace

MAX_PROVED_EQUATIONS = 150
"""A program with more equations than this, for each order above the first, is not written out for a proof. A choice of
time."""


@dataclass
class Proofs:
    """What proofs of one subject share.

    Attributes:
        subject: the function at its point.
        derivation: its formulas.
        traces: JAX's program of each rule.
        deadline: the instant (`budget.now`) after which no further proofs are tried.
    """

    subject: Subject
    derivation: Derivation
    traces: Mapping[RuleName, Trace]
    deadline: float
    _rules: dict[str, TracedRule | None] = field(default_factory=dict)
    _long: set[Path] = field(default_factory=set)  # of whose entries one was too long

    def rules_for(self, path: Path, compared: Sequence[RuleName]) -> Sequence[str]:
        """The rules to be proved for a derivative: those that were compared, or JAX's program of a higher order."""
        return compared if len(path) <= 3 else [f"d{len(path) - 1}"]

    def of_block(self, path: Path, names: Sequence[str]) -> bool:
        """Whether a whole derivative and some rules are the same expression in index symbols."""
        axes = len(self.subject.outputs[path[0]].shape)
        with until(self.deadline):
            ours = block_to_prove(self.derivation, path)  # first: what is too long needs no rule to be read
            return ours is not None and all(
                (rule := self._rule(name)) is not None and proved_at_once(ours, rule, path, axes) for name in names
            )

    def of_entry(self, path: Path, names: Sequence[str], entry: tuple[int, ...]) -> bool:
        """Whether one entry of a derivative and of some rules are the same expression."""
        axes = len(self.subject.outputs[path[0]].shape)
        if path in self._long:
            return False
        with until(self.deadline):
            try:
                ours = entry_to_prove(self.derivation, path, entry)
            except OutOfReach:
                self._long.add(path)
                return False
            return all(
                (rule := self._rule(name)) is not None and proved(ours, rule, path, entry, axes) for name in names
            )

    def _rule(self, name: str) -> TracedRule | None:
        """JAX's rule as formulas; None where it is too long or out of reach, or there is no time left."""
        if passed(self.deadline):
            return None
        if name not in self._rules:
            self._rules[name] = None
            trace, inputs = self._trace(name), [leaf.name for leaf in self.subject.inputs]
            cotangents = len(self.subject.outputs) if name != "forward" else 0
            times = {"reverse": 0}.get(name, 1) if name in self.traces else int(name[1:]) - 1
            tangents = times * len(inputs)
            if trace is not None and len(trace.equations) <= MAX_PROVED_EQUATIONS * max(times, 1):
                with contextlib.suppress(OutOfReach):
                    eps, point = literal_eps(self.subject), self.subject.point
                    self._rules[name] = TracedRule(trace, inputs, cotangents, tangents, eps, point)
        return self._rules[name]

    def _trace(self, name: str) -> Trace | None:
        """JAX's program of a rule that was compared, or of a higher order; None where it has none."""
        compared = next((trace for known, trace in self.traces.items() if known == name), None)
        if compared is not None:
            return compared
        try:
            return higher_trace(self.subject, int(name[1:]))
        except NO_DERIVATIVE:
            return None
