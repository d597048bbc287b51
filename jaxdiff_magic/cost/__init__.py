"""What the first derivative costs: forward against reverse mode, and against what its structure allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from jaxdiff_magic.base.budget import left
from jaxdiff_magic.cost.counted import most, program_costs
from jaxdiff_magic.cost.counting import NAMES, Programs, disagreement, programs
from jaxdiff_magic.cost.crossover import crossovers, rule_of_thumb
from jaxdiff_magic.cost.hessians import hessian_ways
from jaxdiff_magic.cost.kept_for_reverse import kept_of
from jaxdiff_magic.cost.measuring import Measured, TimedProgram, compile_derivative, faster, is_faster
from jaxdiff_magic.cost.mode_calls import derivative_call
from jaxdiff_magic.cost.passes import Mode, passes, too_large
from jaxdiff_magic.cost.recommending import recommend
from jaxdiff_magic.cost.structure import Strategy, strategies_of
from jaxdiff_magic.cost.structure.slices import slices_of
from jaxdiff_magic.cost.structured import program_of, way
from jaxdiff_magic.report.cost_figures import Cost, ModeCost
from jaxdiff_magic.subject.subject import Subject

__all__ = ["cost_of"]

MODES: tuple[Mode, ...] = ("forward", "reverse")
WORTH_A_WORD = 1000
"""XLA's count of a program with fewer operations may differ without a word. A choice: in so short a program a few
operations that XLA fuses or leaves out are a large share."""
WORTH_KEEPING = 100_000
"""What a function that moves fewer bytes keeps for reverse mode fits anywhere. A choice: a tenth of a megabyte."""

SOON = 0.2
"""What compiles in fewer seconds is looked at though the time is up. A choice: nobody waits for it."""
WORTH = 0.25
"""A way that was found but not timed is better than the plain modes where it takes so small a share of their passes. A
choice, as in `structure/strategies.py`: fewer passes of other programs may take as long."""

Times = Mapping[str, np.ndarray]


def cost_of(
    subject: Subject,
    *,
    how: Literal["measure", "count"],
    feasible: Mapping[str, str],
    deadline: float,
    compiling: float = 0.0,
    formula: Callable[[], Callable[..., Any]] | None = None,
) -> Cost:
    """Forward against reverse mode for the whole first derivative of a subject, and the ways to its Hessian.

    Args:
        subject: what is differentiated.
        how: "count" passes and operations, or compile and "measure" as well.
        feasible: for "forward", "reverse" and "hessian", why JAX cannot differentiate so; "" or absent when it can.
        deadline: an instant of `budget.now` after which nothing more is begun.
        compiling: seconds that XLA is expected to take for one of them.
        formula: makes the formula of the Hessian a program, leaves to blocks `[o][i][j]`; raises OutOfReach where that
            cannot be.

    Returns:
        The two modes, the recommended one and the reason; "either" when no difference can be measured. What could
        not be measured is counted, and `note` says why.

    Example:
        >>> cost_of(subject_of(loss, (weights,), {}), how="count", feasible={}, deadline=0).call  # doctest: +SKIP
        'jax.grad(loss)(weights)'
    """
    counted = programs(subject, deadline, [name for name in NAMES if subject.is_scalar or "hessian " not in name])
    measured = Measured(subject, deadline, compiling)
    obstacles = {mode: feasible.get(mode) or too_large(subject, mode) for mode in MODES}
    if how == "measure":
        _measure_plain(subject, measured, [mode for mode in MODES if not obstacles[mode]])
        obstacles |= measured.refused
    has_time = compiling < SOON or left(deadline) > compiling
    strategies = _strategies(subject, feasible, counted, measured, deadline) if has_time else ()
    obstacles |= {s.name: s.infeasible for s in strategies if s.what == "jacobian" and not obstacles.get(s.name, "?")}
    ways = {mode: _plain(subject, mode, obstacles[mode], counted, measured) for mode in MODES}
    both = all(mode in measured.times for mode in MODES)
    winner = faster(*(measured.times[mode] for mode in MODES)) if both else _fewer_passes(subject)
    structured = [s for s in strategies if s.what == "jacobian" and s.name not in MODES]
    fastest = min(measured.times, key=lambda mode: measured.times[mode].min(), default=None)
    if how == "measure":
        _measure_structured(subject, measured, structured, fastest)
    others = [
        way(subject, strategy, measured.figures(strategy.name), measured.refused.get(strategy.name, ""))
        for strategy in structured
    ]
    best = _best([other for other in others if not other.infeasible], fastest, measured.times, _fewest(subject))
    timed = measured if how == "measure" else None
    hessian = hessian_ways(subject, strategies, counted, timed, formula, deadline)
    grown, fixed = crossovers(subject, counted.counts, measured.times, deadline) if how == "measure" else ((), "")
    cost = recommend(subject, ways["forward"], ways["reverse"], winner, others, best, note=measured.note)
    return replace(
        cost,
        programs=program_costs(counted),
        xla=_disagreement(counted, measured, cost.strategies[0].mode if cost.strategies else ""),
        rule=_rule(subject, measured.times) if both and winner and best is None else "",
        hessian=hessian,
        kept=kept_of(subject) if _is_sizeable(counted) and not obstacles["reverse"] else (),
        crossovers=grown,
        fixed=fixed,
    )


def _strategies(
    subject: Subject, feasible: Mapping[str, str], counted: Programs, measured: Measured, deadline: float
) -> tuple[Strategy, ...]:
    """The ways to first and second derivatives that use their structure; none where the inputs are very many."""
    if subject.is_large:
        return ()
    found = strategies_of(
        subject, missing=feasible, deadline=deadline, counts=counted.counts, programs=measured.programs
    )
    return (*slices_of(subject, _fewest(subject), found, deadline), *found)


def _measure_plain(subject: Subject, measured: Measured, modes: Sequence[Mode]) -> None:
    """Time the plain modes side by side."""
    measured.add("The two modes were", {mode: _compile_plain(subject, mode) for mode in modes})


def _measure_structured(
    subject: Subject, measured: Measured, structured: Sequence[Strategy], fastest: str | None
) -> None:
    """Time the ways that use structure, side by side with the mode that they are to beat."""
    possible = [s for s in structured if not s.infeasible]
    usable = {s.name: program_of(subject, s) for s in possible if s.verified}
    if usable:
        known = {fastest: lambda: measured.programs[fastest]} if fastest else {}
        measured.add("What uses its structure was", known | usable)
    for unverified in (s for s in possible if not s.verified):
        measured.late(f"{unverified.name.capitalize()} was")


def _is_sizeable(counted: Programs) -> bool:
    return "function" in counted.counts and counted.counts["function"].bytes_most >= WORTH_KEEPING


def _compile_plain(subject: Subject, mode: Mode) -> Callable[[], TimedProgram]:
    return lambda: compile_derivative(subject, mode)


def _plain(subject: Subject, mode: Mode, infeasible: str, counted: Programs, measured: Measured) -> ModeCost:
    return ModeCost(
        mode=mode,
        passes=passes(subject, mode),
        infeasible=infeasible,
        call=derivative_call(subject, mode),
        **(measured.figures(mode) | most(counted.counts, f"jacobian {mode}")),
    )


def _best(others: list[ModeCost], fastest: str | None, times: Times, fewest: int) -> ModeCost | None:
    """The way that uses structure and beats the plain modes: measured, else by its passes; None when there is none."""
    if fastest is None:
        return min(others, key=lambda way: (way.seconds or np.inf, way.passes or 0), default=None)
    timed = [way for way in others if way.mode in times and is_faster(times[way.mode], times[fastest])]
    if not timed:  # what was found when the time ran out, and compared, and takes a small share of the passes
        few = [w for w in others if w.mode not in times and w.verified and (w.passes or 0) <= WORTH * fewest]
        return min(few, key=lambda way: way.passes or 0, default=None)
    return min(timed, key=lambda way: way.seconds or 0.0, default=None)


def _disagreement(counted: Programs, measured: Measured, mode: str) -> str:
    """Where XLA counts other operations in the program of the mode that is named first, and why."""
    program, count = measured.programs.get(mode), counted.counts.get(f"jacobian {mode}")
    if program is None or program.xla is None or count is None or count.flops_most < WORTH_A_WORD:
        return ""
    return disagreement(count, program.xla)


def _rule(subject: Subject, times: Times) -> str:
    n, m = passes(subject, "forward"), passes(subject, "reverse")
    if not n or not m:
        return ""
    return rule_of_thumb(float(times["forward"].min()) / n, float(times["reverse"].min()) / m, n, m)


def _fewest(subject: Subject) -> int:
    return min(passes(subject, mode) for mode in MODES)


def _fewer_passes(subject: Subject) -> Mode | None:
    n, m = passes(subject, "forward"), passes(subject, "reverse")
    return None if n == m else "forward" if n < m else "reverse"
