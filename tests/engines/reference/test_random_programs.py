"""Whatever a user may write: the reference is right, or it says that it cannot tell.

PROGRAMS=5000 SEED=1 python -m pytest -s tests/engines/reference/test_random_programs.py tries as many, others for
each seed, and prints what became of them.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import jax
import pytest

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.run import Run

from ...examples_of import on_examples
from .agreement import compared
from .programs import Program, every_program

COUNT, SEED = int(os.environ.get("PROGRAMS", "100")), os.environ.get("SEED")


def outcome_of(program: Program) -> str:
    """What became of one comparison with JAX; fails where the reference is wrong or a rule does not fit."""
    try:
        return compared(program, program.points(1))
    except OutOfReach as error:
        assert "does not fit" not in error.reason, error.reason
        return f"out of reach: {error.reason.split(' (')[0]}"
    except jax.errors.JaxRuntimeError as error:  # XLA refuses some layouts of Fourier transforms
        assert "fft_thunk" in str(error)
        return "XLA fails"


def test_random_programs_are_right_or_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes: Counter[str] = Counter()
    reached: Counter[str] = Counter()
    distinct: set[Program] = set()
    evaluate = Run.equation

    def counting(self: Run, equation: Any, operands: Any) -> Any:
        results = evaluate(self, equation, operands)
        reached[equation.primitive] += 1
        return results

    monkeypatch.setattr(Run, "equation", counting)

    def try_one(program: Program) -> None:
        distinct.add(program)
        outcomes[outcome_of(program)] += 1

    on_examples(every_program, COUNT, SEED, try_one)
    print(f"\n{len(distinct)} programs, {len(reached)} primitives, {dict(outcomes)}\n{sorted(reached)}")
    assert len(reached) >= 40
    assert outcomes["compared"] >= 0.6 * sum(outcomes.values())
