"""The recommended mode against the truth: how much slower it is than the faster of the two.

REGRET=all python -m pytest -s tests/benchmarks/test_regret.py measures every family at every shape and prints each.
"""

from __future__ import annotations

import os
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import cost
from jaxdiff_magic.cost.measuring import TimedProgram, compile_derivative, time_interleaved
from jaxdiff_magic.subject.subject import subject_of
from tests.cost.families import FAMILIES, SHAPES

EVERYTHING = os.environ.get("REGRET") == "all"
SOME = ((1, 256), (256, 1), (64, 64))


def regret(family: str, n: int, m: int, monkeypatch: pytest.MonkeyPatch) -> tuple[float, str]:
    """Time of the recommended mode over that of the faster one, less 1; and what there is to print."""
    programs: dict[str, TimedProgram] = {}

    def kept(subject: Any, mode: Any) -> TimedProgram:
        return programs.setdefault(mode, compile_derivative(subject, mode))

    monkeypatch.setattr(cost, "compile_derivative", kept)  # the truth is that of the same two programs
    x = jnp.asarray(np.random.default_rng(n).uniform(0.1, 0.9, n), jnp.float32)
    subject = subject_of(FAMILIES[family](n, m), (x,), {})
    found = cost.cost_of(subject, how="measure", feasible={}, deadline=time.monotonic() + 60)
    assert found.measured
    truth = np.concatenate([_times(programs) for _ in range(3)]).min(axis=0)
    times = dict(zip(("forward", "reverse"), truth, strict=True))
    best = found.strategies[0]
    chosen = times.get(best.mode, best.seconds)  # what uses structure is timed beside the faster mode
    assert chosen is not None
    figures = ", ".join(f"{mode} {1e6 * seconds:.0f} µs" for mode, seconds in times.items())
    by_count = min(times.values()) / times["forward" if n <= m else "reverse"]
    return max(chosen / min(times.values()) - 1, 0.0), f"{figures}; {found.recommended}; n <= m: {1 / by_count - 1:.3f}"


def _times(programs: dict[str, TimedProgram]) -> np.ndarray:
    times = time_interleaved([programs["forward"].run, programs["reverse"].run], time.monotonic() + 60)
    assert times is not None
    return times


def test_the_recommended_mode_is_seldom_much_slower_than_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    regrets = []
    print()
    for family in FAMILIES:
        for n, m in SHAPES if EVERYTHING else SOME:
            jax.clear_caches()
            value, figures = regret(family, n, m, monkeypatch)
            regrets.append(value)
            print(f"{family:18} {n:4} -> {m:<4} regret {value:.3f}   {figures}", flush=True)
    print(f"mean {np.mean(regrets):.4f}, worst {max(regrets):.3f} of {len(regrets)}")
    assert np.mean(regrets) <= 0.02
    assert max(regrets) <= (0.3 if EVERYTHING else 0.5)  # a busy machine may slow one of a pair down
