"""A strategy that uses structure, as a program to time and as a row of a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jaxdiff_magic.cost.measuring import TimedProgram, compiled
from jaxdiff_magic.cost.mode_calls import with_imports
from jaxdiff_magic.cost.structure import Strategy
from jaxdiff_magic.report.cost_figures import ModeCost
from jaxdiff_magic.subject.subject import Subject


def program_of(subject: Subject, strategy: Strategy) -> Callable[[], TimedProgram]:
    """What compiles a feasible strategy."""
    return lambda: compiled(subject, strategy.build())


def way(subject: Subject, strategy: Strategy, figures: Mapping[str, Any], refused: str = "") -> ModeCost:
    """The row, with what was measured and counted of it: fields of a `ModeCost`; and why it was not run, if so."""
    return ModeCost(
        mode=strategy.name,
        passes=strategy.passes,
        infeasible=strategy.infeasible or refused,
        call=with_imports(subject, strategy.call),
        because=strategy.because,
        verified=strategy.verified,
        sparsity=strategy.sparsity,
        **figures,
    )
