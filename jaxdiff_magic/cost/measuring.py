"""The time and memory that each mode takes here: compiled first, then run alternately."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.extend.core
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.cost.passes import Mode
from jaxdiff_magic.subject import Subject

FEWEST_ROUNDS = 5
MOST_ROUNDS = 200
SAMPLE_SECONDS = 200e-6
"""Programs faster than this are run several times for one sample, or the clock would be what is measured."""
ENOUGH_SECONDS = 0.3
SMALLEST_RATIO = 1.2
"""Two copies of one program can differ by almost as much, from where their buffers happen to lie."""


@dataclass(frozen=True)
class Program:
    """The whole first derivative in one mode, compiled for the point.

    Attributes:
        run: computes it and waits until it is there.
        compile_seconds: time to trace and compile.
        temp_bytes: temporary memory as XLA states it; None where the backend does not say.
    """

    run: Callable[[], Any]
    compile_seconds: float
    temp_bytes: int | None


def compile_derivative(subject: Subject, mode: Mode) -> Program:
    """Trace and compile; the function must be one that JAX can trace with abstract values.

    Both the point and the arrays that the function captured become arguments of the program: as constants, XLA
    would compute with them while compiling, and what is left to measure would be too fast to be true.
    """
    argnums = tuple(range(len(subject.inputs)))
    point = [jnp.asarray(value) for value in subject.point]
    if mode == "forward":
        derivative = jax.jacfwd(subject.flat, argnums)
    elif subject.is_scalar:
        derivative = jax.grad(lambda *leaves: subject.flat(*leaves)[0], argnums)
    else:
        derivative = jax.jacrev(subject.flat, argnums)
    start = time.perf_counter()
    closed = jax.make_jaxpr(derivative)(*point)

    def program(captured: Sequence[Any], *leaves: Any) -> Any:
        whole = jax.extend.core.ClosedJaxpr(closed.jaxpr, captured)  # pyright: ignore[reportPrivateImportUsage]
        return jax.extend.core.jaxpr_as_fun(whole)(*leaves)

    captured = [jnp.asarray(constant) for constant in closed.consts]
    compiled = jax.jit(program).lower(captured, *point).compile()
    compile_seconds = time.perf_counter() - start
    memory = compiled.memory_analysis()
    return Program(
        run=lambda: jax.block_until_ready(compiled(captured, *point)),
        compile_seconds=compile_seconds,
        temp_bytes=None if memory is None else int(memory.temp_size_in_bytes),
    )


def time_interleaved(runs: Sequence[Callable[[], Any]], deadline: float) -> np.ndarray | None:
    """Seconds per call, shape (rounds, len(runs)); each round runs every program, one after the other.

    Args:
        runs: functions that return when their work is done.
        deadline: a `time.monotonic()` instant.

    Returns:
        None when there is no time until the deadline for `FEWEST_ROUNDS` rounds.
    """
    for run in runs:
        run()  # the first call of a compiled program also sets up its buffers
    repeats = [max(1, int(SAMPLE_SECONDS / _seconds(run, 1))) for run in runs]
    rounds: list[list[float]] = []
    start = time.monotonic()
    while len(rounds) < MOST_ROUNDS:
        now = time.monotonic()
        if now > deadline or (now - start > ENOUGH_SECONDS and len(rounds) >= FEWEST_ROUNDS):
            break
        rounds.append([_seconds(run, count) for run, count in zip(runs, repeats, strict=True)])
    return np.array(rounds) if len(rounds) >= FEWEST_ROUNDS else None


def faster(forward: np.ndarray, reverse: np.ndarray) -> Mode | None:
    """Which of two interleaved series of times is the smaller beyond noise; None when neither is.

    A mode is faster when it won three quarters of the rounds and its best time is better by `SMALLEST_RATIO`.
    """
    low, high = np.quantile(forward / reverse, (0.25, 0.75))
    best = forward.min() / reverse.min()
    if low > 1 and best > SMALLEST_RATIO:
        return "reverse"
    if high < 1 and best < 1 / SMALLEST_RATIO:
        return "forward"
    return None


def _seconds(run: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        run()
    return (time.perf_counter() - start) / count
