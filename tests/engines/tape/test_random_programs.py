"""Whatever a user may write: its tape has JAX's numbers wherever its guards hold, or there is none.

PROGRAMS=2000 SEED=1 python -m pytest -s tests/engines/tape/test_random_programs.py tries as many, others for each seed,
and prints what became of them.
"""

from __future__ import annotations

import os
from collections import Counter

import jax
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach

from ...examples_of import on_examples
from ..reference.programs import Program, every_program
from .agreement import Case, cases_of
from .interpreter import Evaluated, run

COUNT, SEED = int(os.environ.get("PROGRAMS", "40")), os.environ.get("SEED")


def arrays(of: Case | Evaluated) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return of.value, of.jacobian, of.hessian


def assert_close(case: Case, found: Evaluated) -> bool:
    """Whether all numbers are finite; fails where two differ by more than rounding, as the program magnifies it."""
    finite, rng = True, np.random.default_rng(0)
    rounded = [run(case.tape, case.point, rng) for _ in range(3)]
    for ours, theirs, *others in zip(*map(arrays, (found, case, *rounded)), strict=True):
        known = np.isfinite(theirs) & np.isfinite(ours)
        size = np.max(np.abs(theirs[known]), initial=1.0)
        magnified = max(np.max(np.abs(other - ours)[known & np.isfinite(other)], initial=0.0) for other in others)
        np.testing.assert_allclose(ours[known], theirs[known], rtol=1e-10, atol=1e-10 * size + 100 * magnified)
        finite &= bool(known.all())
    return finite


def outcome_of(program: Program) -> str:
    """What became of one comparison with JAX; fails where the tape is wrong or a rule does not fit."""
    leaves = program.points(3)
    points = [[leaf[k] for leaf in leaves] for k in range(len(leaves[0]))]
    points[2] = [a + 0.01 * b for a, b in zip(points[0], points[2], strict=True)]  # guards are likely to hold there
    try:
        case, *others = cases_of(program, points[0], points)
    except OutOfReach as error:
        assert "does not fit" not in error.reason, error.reason
        return f"out of reach: {error.reason.split(' (')[0].split(' in ')[0]}"
    except jax.errors.JaxRuntimeError as error:  # XLA refuses some layouts of Fourier transforms
        assert "fft_thunk" in str(error)
        return "XLA fails"
    found = run(case.tape, case.point)
    assert found.holds, "a guard fails at the point"
    for other in others:
        away = run(other.tape, other.point)
        if away.holds and not away.at_tie:
            assert_close(other, away)
    if found.at_tie:
        return "at a tie"
    return "compared" if assert_close(case, found) else "not finite"


def test_tapes_of_random_programs_are_right_and_most_programs_have_one() -> None:
    outcomes: Counter[str] = Counter()

    def try_one(program: Program) -> None:
        outcomes[outcome_of(program)] += 1

    on_examples(every_program, COUNT, SEED, try_one)
    print("", *(f"{count:5} {outcome}" for outcome, count in outcomes.most_common()), sep="\n")
    assert outcomes["compared"] >= 0.6 * sum(outcomes.values())
