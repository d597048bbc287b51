"""What findings look at: a function at its point, how JAX differentiates it, and what every step does there."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.jax.values import Derivatives, Values
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.reference.watching import Seen, watched
from jaxdiff_magic.findings.naming import Names
from jaxdiff_magic.report import Check
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import RuleCall, Trace


@dataclass(frozen=True)
class Scene:
    """A function at its point.

    Attributes:
        subject: the function.
        derivatives, values: how JAX differentiates it, and what it gives at the point.
        trace: its steps; None where they cannot be told.
        reference: its derivatives by local rules; None where they cannot be told.
        check: the verdict.
        deadline: the instant (`budget.now`) after which nothing long is begun.
        trust: names of functions whose rules are meant to differ from their code.
    """

    subject: Subject
    derivatives: Derivatives
    values: Values
    trace: Trace | None
    reference: Reference | None
    check: Check
    deadline: float
    trust: tuple[str, ...] = ()

    @functools.cached_property
    def seen(self) -> tuple[Seen, ...]:
        """The steps at the point, in float64; none where some step has no rule."""
        if self.trace is not None:
            with contextlib.suppress(OutOfReach):
                return watched(self.trace, self.point)
        return ()

    @functools.cached_property
    def point(self) -> list[np.ndarray]:
        """The values of the inputs, float64."""
        return list(self.subject.exact_point)

    @functools.cached_property
    def names(self) -> Names:
        """What the reader calls the values of the run that was seen."""
        return Names(self.subject.inputs, self.seen)

    @functools.cached_property
    def rule_calls(self) -> Mapping[int, RuleCall]:
        """For each equation, by its identity, the outermost function with a rule of its own that it is part of."""
        return dict(_covering(self.trace)) if self.trace is not None else {}


def _covering(trace: Trace) -> Iterator[tuple[int, RuleCall]]:
    for call in trace.rule_calls:  # inner calls come first
        yield from ((id(equation), call) for equation in trace.equations[slice(*call.equations)])
    for equation in trace.equations:
        for body in equation.bodies:
            yield from _covering(body)
