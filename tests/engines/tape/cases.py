"""Tapes with JAX's numbers as a file, for the tests of the interpreter that runs in the browser.

A file is `{"cases": [{"name", "tape", "point", "value", "jacobian", "hessian", "rounding"}, …]}`; the arrays are flat,
m, m * n and m * n * n numbers, and NaN and infinities are written as `wire.ts` says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.report.plain import plain

from ..reference.programs import Program, every_program
from .agreement import Case, case_of
from .interpreter import run
from .lessons import LESSONS, case_of_lesson


def lesson_cases(names: Iterable[str] = tuple(LESSONS)) -> Iterator[tuple[str, Case]]:
    """A case for each lesson."""
    for name in names:
        yield name, case_of_lesson(name)


def random_cases(count: int, number: int = 0) -> list[tuple[str, Case]]:
    """Cases of as many random programs that have a tape, finite numbers, and no choice that is undecided."""
    found: list[tuple[str, Case]] = []

    @settings(
        max_examples=10 * count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @seed(number)
    @given(every_program)
    def collect(program: Program) -> None:
        if len(found) == count:
            return
        try:
            case = case_of(program, *(leaf[0] for leaf in program.points(1)))
        except (OutOfReach, jax.errors.JaxRuntimeError):
            return
        numbers = (case.value, case.jacobian, case.hessian)
        if case.value.size and not run(case.tape, case.point).at_tie and all(np.isfinite(x).all() for x in numbers):
            found.append((f"random program {len(found)}: {program}", case))

    collect()
    return found


def to_dict(name: str, case: Case) -> dict[str, Any]:
    """A case in the form of the wire."""
    arrays = {"point": case.point, "value": case.value, "jacobian": case.jacobian, "hessian": case.hessian}
    numbers = {key: plain(np.ravel(array)) for key, array in arrays.items()}
    return {"name": name, "tape": case.tape.to_dict(), **numbers, "rounding": _rounding(case)}


def _rounding(case: Case) -> dict[str, float]:
    """How far rounding carries in each array: a hundred times what a few runs show whose steps are disturbed by it."""
    rng, exact = np.random.default_rng(0), run(case.tape, case.point)
    disturbed = [run(case.tape, case.point, rng) for _ in range(3)]

    def apart(what: str) -> float:
        ours = getattr(exact, what)
        distances = [np.abs(getattr(other, what) - ours) for other in disturbed]
        return 100 * max(float(np.max(d, initial=0.0, where=np.isfinite(d))) for d in distances)

    return {what: apart(what) for what in ("value", "jacobian", "hessian")}


def write(path: Path, cases: Iterable[tuple[str, Case]]) -> None:
    """Write cases to a file."""
    held = {"cases": [to_dict(name, case) for name, case in cases]}
    path.write_text(json.dumps(held, allow_nan=False, separators=(",", ":")), encoding="utf-8")
