"""What the first derivative costs: forward against reverse mode, and against what its structure allows."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from jaxdiff_magic.cost.calls import derivative_call
from jaxdiff_magic.cost.counted import most, program_costs
from jaxdiff_magic.cost.counting import NAMES, Programs, disagreement, programs
from jaxdiff_magic.cost.measuring import Program, compile_derivative, compiled, faster, is_faster, time_interleaved
from jaxdiff_magic.cost.passes import Mode, passes, too_large
from jaxdiff_magic.cost.recommending import recommend, size
from jaxdiff_magic.cost.structure import Strategy, by_formula, crossover, strategies_of
from jaxdiff_magic.cost_figures import Cost, ModeCost
from jaxdiff_magic.errors import OutOfReach
from jaxdiff_magic.subject import Subject

__all__ = ["cost_of"]

MODES: tuple[Mode, ...] = ("forward", "reverse")
MOST_TEMP_BYTES = 2_000_000_000
"""A program that needs more temporary memory is compiled, not run."""
FEWEST_TIMED = 64
"""The Hessian of fewer inputs is not worth the time to compile it again."""
WORTH_A_WORD = 1000
"""XLA's count of a program with fewer operations may differ without a word."""
LATE = "{} not measured: the time budget was used up. Give a larger one with budget=."

Times = Mapping[str, np.ndarray]


def cost_of(
    subject: Subject,
    *,
    how: Literal["measure", "count"],
    feasible: Mapping[str, str],
    deadline: float,
    formula: Callable[[], Callable[..., Any]] | None = None,
) -> Cost:
    """Forward against reverse mode for the whole first derivative of a subject, and the ways to its Hessian.

    Args:
        subject: what is differentiated.
        how: "count" passes and operations, or compile and "measure" as well.
        feasible: for "forward", "reverse" and "hessian", why JAX cannot differentiate so; "" or absent when it can.
        deadline: a `time.monotonic()` instant after which nothing more is begun.
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
    obstacles = {mode: feasible.get(mode) or too_large(subject, mode) for mode in MODES}
    measured = _Measured(subject, deadline)
    if how == "measure":
        measured.add(
            "The two modes were", {mode: _compile_plain(subject, mode) for mode in MODES if not obstacles[mode]}
        )
        obstacles |= measured.refused
    ways = {mode: _plain(subject, mode, obstacles[mode], counted, measured) for mode in MODES}
    both = all(mode in measured.times for mode in MODES)
    winner = faster(*(measured.times[mode] for mode in MODES)) if both else _fewer_passes(subject)
    strategies = () if subject.is_large else strategies_of(subject, missing=feasible, deadline=deadline)
    structured = [s for s in strategies if s.what == "jacobian" and s.name not in MODES]
    fastest = min(measured.times, key=lambda mode: measured.times[mode].min(), default=None)
    usable = {s.name: _compile(subject, s) for s in structured if not s.infeasible}
    if how == "measure" and usable:  # side by side with the mode that they are to beat
        known = {fastest: lambda: measured.programs[fastest]} if fastest else {}
        measured.add("What uses its structure was", known | usable)
    others = [_structured(strategy, measured) for strategy in structured]
    best = _best([way for way in others if not way.infeasible], fastest, measured.times)
    if subject.is_scalar and formula and subject.size >= FEWEST_TIMED and time.monotonic() < deadline:
        with contextlib.suppress(OutOfReach):
            strategies += (by_formula(subject, "hessian", formula(), strategies, deadline=deadline),)
    hessian = _hessian(subject, strategies, counted, measured if how == "measure" else None)
    cost = recommend(subject, ways["forward"], ways["reverse"], winner, others, best, note=measured.note)
    return Cost(
        **vars(cost)
        | {
            "programs": program_costs(counted),
            "xla": _disagreement(counted, measured, cost.strategies[0].mode if cost.strategies else ""),
            "rule": _rule(subject, measured.times) if both and winner and best is None else "",
            "hessian": hessian,
        }
    )


class _Measured:
    """Programs compiled and timed side by side.

    Attributes:
        programs: what was compiled, by name.
        times: of those that were run, seconds of each round.
        refused: why a program was not run.
        note: why nothing was, or "".
    """

    def __init__(self, subject: Subject, deadline: float) -> None:
        self.deadline = deadline
        self.programs: dict[str, Program] = {}
        self.times: dict[str, np.ndarray] = {}
        self.refused: dict[str, str] = {}
        self.untraceable = subject.untraceable and (
            f"Not measured: JAX cannot compile {subject.name} ({subject.untraceable})."
        )
        self.note = ""

    def add(self, what: str, build: Mapping[str, Callable[[], Program]]) -> None:
        """Compile some programs and run, in turns, those that need no more memory than there should be."""
        if self.untraceable:
            self.note = self.untraceable
            return
        for name, compile_it in build.items():
            if time.monotonic() > self.deadline:
                self.note = self.note or LATE.format(what)
                return
            self.programs[name] = compile_it()
            if (needed := self.programs[name].temp_bytes or 0) > MOST_TEMP_BYTES:
                self.refused[name] = f"it needs {size(needed)} of temporary memory"
        runnable = [name for name in build if name not in self.refused]
        samples = time_interleaved([self.programs[name].run for name in runnable], self.deadline) if runnable else None
        if samples is not None:
            self.times |= dict(zip(runnable, samples.T, strict=True))
        elif runnable:
            self.note = self.note or LATE.format(what)

    def figures(self, name: str) -> dict[str, Any]:
        """The measured fields of a `ModeCost`."""
        program, samples = self.programs.get(name), self.times.get(name)
        return {
            "seconds": None if samples is None else float(samples.min()),
            "spread": None
            if samples is None
            else (float(np.quantile(samples, 0.25)), float(np.quantile(samples, 0.75))),
            "compile_seconds": program and program.compile_seconds,
            "temp_bytes": program and program.temp_bytes,
        }


def _compile_plain(subject: Subject, mode: Mode) -> Callable[[], Program]:
    return lambda: compile_derivative(subject, mode)


def _compile(subject: Subject, strategy: Strategy) -> Callable[[], Program]:
    return lambda: compiled(subject, strategy.build())


def _plain(subject: Subject, mode: Mode, infeasible: str, counted: Programs, measured: _Measured) -> ModeCost:
    return ModeCost(
        mode=mode,
        passes=passes(subject, mode),
        infeasible=infeasible,
        call=derivative_call(subject, mode),
        **(measured.figures(mode) | most(counted.counts, f"jacobian {mode}")),
    )


def _structured(strategy: Strategy, measured: _Measured) -> ModeCost:
    return ModeCost(
        mode=strategy.name,
        passes=strategy.passes,
        infeasible=strategy.infeasible or measured.refused.get(strategy.name, ""),
        call=strategy.call,
        because=strategy.because,
        verified=strategy.verified,
        sparsity=strategy.sparsity,
        **measured.figures(strategy.name),
    )


def _best(others: list[ModeCost], fastest: str | None, times: Times) -> ModeCost | None:
    """The way that uses structure and beats the plain modes: measured, else by its passes; None when there is none."""
    if fastest is None:
        return min(others, key=lambda way: way.passes or 0, default=None)
    others = [way for way in others if way.mode in times and is_faster(times[way.mode], times[fastest])]
    return min(others, key=lambda way: way.seconds or 0.0, default=None)


def _hessian(
    subject: Subject, strategies: tuple[Strategy, ...], counted: Programs, measured: _Measured | None
) -> tuple[ModeCost, ...]:
    """The ways to a scalar function's Hessian, best first: by time, else by operations, else by passes."""
    found = [s for s in strategies if s.what == "hessian"]
    work = {s.name: most(counted.counts, f"hessian {s.name}") for s in found}

    def operations(strategy: Strategy) -> float:
        return work[strategy.name].get("flops", np.inf) if not strategy.infeasible else np.inf

    plain = min((s for s in found if not s.because), key=operations, default=None)
    timed = [s for s in found if not s.infeasible and (s.because or s is plain)]
    if measured is not None and subject.size >= FEWEST_TIMED:
        measured.add("The Hessian was", {s.name: _compile(subject, s) for s in timed})
    figures = measured.figures if measured is not None else lambda _: {}
    ways = [
        ModeCost(
            s.name,
            s.passes,
            infeasible=s.infeasible,
            call=s.call,
            because=s.because,
            verified=s.verified,
            sparsity=s.sparsity,
        )
        for s in found
    ]
    ways = [ModeCost(**vars(way) | figures(way.mode) | work[way.mode]) for way in ways]
    return tuple(sorted(ways, key=_rank))


def _rank(way: ModeCost) -> tuple[bool, float, float, float]:
    """Feasible ways first, those that were timed before those that were not."""
    work = np.inf if way.flops is None else float(way.flops)
    return bool(way.infeasible), way.seconds or np.inf, 0.0 if way.because else work, way.passes or 0.0


def _disagreement(counted: Programs, measured: _Measured, mode: str) -> str:
    """Where XLA counts other operations in the recommended mode's program, or in the function's other one."""
    program, count = measured.programs.get(mode), counted.counts.get(f"jacobian {mode}")
    if program is None or program.xla is None or count is None or count.flops_most < WORTH_A_WORD:
        return ""
    return disagreement(count, program.xla)


def _rule(subject: Subject, times: Times) -> str:
    n, m = passes(subject, "forward"), passes(subject, "reverse")
    if not n or not m:
        return ""
    return crossover(float(times["forward"].min()) / n, float(times["reverse"].min()) / m, n, m)


def _fewer_passes(subject: Subject) -> Mode | None:
    n, m = passes(subject, "forward"), passes(subject, "reverse")
    return None if n == m else "forward" if n < m else "reverse"
