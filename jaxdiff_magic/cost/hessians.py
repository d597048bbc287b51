"""The ways to a scalar function's Hessian, ranked: by time where they were timed, else by operations."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.cost.counted import most
from jaxdiff_magic.cost.counting import Programs
from jaxdiff_magic.cost.measuring import Measured
from jaxdiff_magic.cost.structure import Strategy, by_formula
from jaxdiff_magic.cost.structured import program_of, way
from jaxdiff_magic.engines.jax.not_built import MAX_BUILT_ENTRIES
from jaxdiff_magic.report.cost_figures import ModeCost
from jaxdiff_magic.subject.subject import Subject

FEWEST_TIMED = 64
"""The Hessian of fewer inputs is not worth the time to compile it again. A choice: it takes at most so many passes
either way."""


def hessian_ways(
    subject: Subject,
    strategies: tuple[Strategy, ...],
    counted: Programs,
    measured: Measured | None,
    formula: Callable[[], Callable[..., Any]] | None,
    deadline: float,
) -> tuple[ModeCost, ...]:
    """The ways to a scalar function's Hessian, best first: by time, else by operations, else by passes.

    Args:
        subject: what is differentiated.
        strategies: of the subject; () for one that is not scalar, or too large.
        counted: the operations of its programs.
        measured: what is timed is added to it; None to time nothing.
        formula: see `cost_of`.
        deadline: an instant of `budget.now` after which nothing more is begun.
    """
    found = [s for s in strategies if s.what == "hessian"]
    fits = subject.size >= FEWEST_TIMED and subject.size**2 <= MAX_BUILT_ENTRIES
    if formula and subject.is_scalar and fits and not passed(deadline):
        with contextlib.suppress(OutOfReach):
            found.append(by_formula(subject, "hessian", formula(), strategies, deadline=deadline))
    work = {s.name: most(counted.counts, f"hessian {s.name}") for s in found}

    def operations(strategy: Strategy) -> float:
        return work[strategy.name].get("flops", np.inf) if not strategy.infeasible else np.inf

    plain = min((s for s in found if not s.because), key=operations, default=None)
    timed = [s for s in found if not s.infeasible and (s.verified or s is plain)]
    if measured is not None and subject.size >= FEWEST_TIMED:
        measured.add("The Hessian was", {s.name: program_of(subject, s) for s in timed})
    rows = []
    for strategy in found:
        figures = measured.figures(strategy.name) if measured else {}
        refused = measured.refused.get(strategy.name, "") if measured else ""
        rows.append(way(subject, strategy, figures | work[strategy.name], refused))
    return tuple(sorted(rows, key=_rank))


def _rank(way: ModeCost) -> tuple[bool, float, float, float]:
    """Feasible ways first, timed ones before others, but for a colouring: it takes few passes."""
    if way.sparsity is not None and way.seconds is None and way.verified and not way.infeasible:
        return False, 0.0, 0.0, way.passes or 0.0
    work = np.inf if way.flops is None else float(way.flops)
    return bool(way.infeasible), way.seconds or np.inf, 0.0 if way.because else work, way.passes or 0.0
