"""What the first derivative costs: forward against reverse mode."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Literal

import numpy as np

from jaxdiff_magic.cost.calls import derivative_call
from jaxdiff_magic.cost.measuring import Program, compile_derivative, faster, time_interleaved
from jaxdiff_magic.cost.passes import Mode, passes, too_large
from jaxdiff_magic.cost.recommending import recommend, size
from jaxdiff_magic.report import Cost, ModeCost
from jaxdiff_magic.subject import Subject

__all__ = ["cost_of"]

MODES: tuple[Mode, ...] = ("forward", "reverse")
MOST_TEMP_BYTES = 2_000_000_000
"""A program that needs more temporary memory is compiled, not run."""


def cost_of(
    subject: Subject, *, how: Literal["measure", "count"], feasible: Mapping[str, str], deadline: float
) -> Cost:
    """Forward against reverse mode for the whole first derivative of a subject.

    Args:
        subject: what is differentiated.
        how: "count" the passes by theory, or compile and "measure" as well.
        feasible: for "forward" and "reverse", why JAX cannot differentiate in this mode; "" or absent when it can.
        deadline: a `time.monotonic()` instant after which nothing more is begun.

    Returns:
        The two modes, the recommended one and the reason; "either" when no difference can be measured. What could
        not be measured is counted, and `note` says why.

    Example:
        >>> cost_of(subject_of(loss, (weights,), {}), how="count", feasible={}, deadline=0).call  # doctest: +SKIP
        'jax.grad(loss)(weights)'
    """
    obstacles: dict[Mode, str] = {mode: feasible.get(mode) or too_large(subject, mode) for mode in MODES}
    programs: dict[Mode, Program] = {}
    times: dict[Mode, np.ndarray] = {}
    note = ""
    if how == "measure":
        if subject.untraceable:
            note = f"Not measured: JAX cannot compile {subject.name} ({subject.untraceable})."
        else:
            programs, times, note = _measure(subject, obstacles, deadline)
    costs = {mode: _mode_cost(subject, mode, obstacles[mode], programs, times) for mode in MODES}
    winner = _fewer_passes(subject) if len(times) < len(MODES) else faster(times["forward"], times["reverse"])
    return recommend(subject, costs["forward"], costs["reverse"], winner, note)


def _measure(
    subject: Subject, obstacles: dict[Mode, str], deadline: float
) -> tuple[dict[Mode, Program], dict[Mode, np.ndarray], str]:
    """Compile and time the usable modes; adds to `obstacles` those that need too much memory."""
    programs: dict[Mode, Program] = {}
    for mode in MODES:
        if obstacles[mode]:
            continue
        if time.monotonic() > deadline:
            return programs, {}, "Not measured: the time budget was used up. Give a larger one with budget=."
        programs[mode] = compile_derivative(subject, mode)
        if (needed := programs[mode].temp_bytes or 0) > MOST_TEMP_BYTES:
            obstacles[mode] = f"it needs {size(needed)} of temporary memory"
    runnable: list[Mode] = [mode for mode in programs if not obstacles[mode]]
    if not runnable:
        return programs, {}, ""
    samples = time_interleaved([programs[mode].run for mode in runnable], deadline)
    if samples is None:
        return programs, {}, "Not measured: the time budget was used up. Give a larger one with budget=."
    return programs, dict(zip(runnable, samples.T, strict=True)), ""


def _mode_cost(
    subject: Subject, mode: Mode, infeasible: str, programs: dict[Mode, Program], times: dict[Mode, np.ndarray]
) -> ModeCost:
    program, samples = programs.get(mode), times.get(mode)
    return ModeCost(
        mode=mode,
        passes=passes(subject, mode),
        seconds=None if samples is None else float(samples.min()),
        spread=None if samples is None else (float(np.quantile(samples, 0.25)), float(np.quantile(samples, 0.75))),
        compile_seconds=program and program.compile_seconds,
        temp_bytes=program and program.temp_bytes,
        infeasible=infeasible,
        call=derivative_call(subject, mode),
    )


def _fewer_passes(subject: Subject) -> Mode | None:
    n, m = passes(subject, "forward"), passes(subject, "reverse")
    return None if n == m else "forward" if n < m else "reverse"
