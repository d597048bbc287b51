"""The time and memory that each mode takes here: compiled first, then run alternately."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.extend.core
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.budget import now, passed
from jaxdiff_magic.base.progress import tell
from jaxdiff_magic.base.units import size
from jaxdiff_magic.cost.counting import XlaNumbers, xla_numbers
from jaxdiff_magic.cost.passes import Mode
from jaxdiff_magic.subject.subject import Subject

FEWEST_ROUNDS = 5
"""A choice: fewer say nothing of how far the times scatter."""
MOST_ROUNDS = 200
"""A choice: the best time hardly falls with more."""
SAMPLE_SECONDS = 200e-6
"""Programs faster than this are run several times for one sample, or the clock would be what is measured."""
ENOUGH_SECONDS = 0.3
"""A choice: after so long, and `FEWEST_ROUNDS`, nobody waits for closer figures."""
SMALLEST_RATIO = 1.2
"""Two copies of one program can differ by almost as much, from where their buffers happen to lie."""

MOST_TEMP_BYTES = 2_000_000_000
"""A program that needs more temporary memory is compiled, not run. A choice: a program that takes more might bring down
a small machine."""
LATE = "{} not measured: the time budget was used up. Give a larger one with budget=."


@dataclass(frozen=True)
class TimedProgram:
    """A whole derivative in one way, compiled for the point.

    Attributes:
        run: computes it and waits until it is there.
        compile_seconds: time to trace and compile.
        xla: the compiler's own figures; None where the backend has none.
    """

    run: Callable[[], Any]
    compile_seconds: float
    xla: XlaNumbers | None

    @property
    def temp_bytes(self) -> int | None:
        """Temporary memory as XLA states it; None where it does not."""
        return self.xla.temp_bytes if self.xla else None


def compile_derivative(subject: Subject, mode: Mode) -> TimedProgram:
    """The whole first derivative in one mode, compiled; see `compiled`."""
    return compiled(subject, subject.programs.transformed(mode, subject.flat, nested=False))


def compiled(subject: Subject, derivative: Callable[..., Any]) -> TimedProgram:
    """Trace and compile a function of the leaves; it must be one that JAX can trace with abstract values.

    Both the point and the arrays that the function captured become arguments of the program: as constants, XLA
    would compute with them while compiling, and what is left to measure would be too fast to be true.
    """
    point = [jnp.asarray(value) for value in subject.point]
    start = time.perf_counter()
    closed = jax.make_jaxpr(derivative)(*point)

    def program(captured: Sequence[Any], *leaves: Any) -> Any:
        whole = jax.extend.core.ClosedJaxpr(closed.jaxpr, captured)  # pyright: ignore[reportPrivateImportUsage]
        return jax.extend.core.jaxpr_as_fun(whole)(*leaves)

    captured = [jnp.asarray(constant) for constant in closed.consts]
    executable = jax.jit(program).lower(captured, *point).compile()
    return TimedProgram(
        run=lambda: jax.block_until_ready(executable(captured, *point)),
        compile_seconds=time.perf_counter() - start,
        xla=xla_numbers(executable),
    )


class Measured:
    """Programs compiled and timed side by side.

    Attributes:
        programs: what was compiled, by name.
        times: of those that were run, seconds of each round.
        refused: why a program was not run.
        note: why nothing was, or "".
    """

    def __init__(self, subject: Subject, deadline: float, compiling: float = 0.0) -> None:
        self.deadline, self.compiling = deadline, compiling
        self.programs: dict[str, TimedProgram] = {}
        self.times: dict[str, np.ndarray] = {}
        self.refused: dict[str, str] = {}
        self.untraceable = subject.untraceable and (
            f"Not measured: JAX cannot compile {subject.name} ({subject.untraceable})."
        )
        self.note = ""

    def add(self, what: str, build: Mapping[str, Callable[[], TimedProgram]]) -> None:
        """Compile some programs and run, in turns, those that need no more memory than there should be."""
        if self.untraceable:
            self.note = self.untraceable
            return
        for name, compile_it in build.items():
            if now() + self.compiling > self.deadline:
                self.late(what)
                return
            tell(f"compiling {name}")
            self.programs[name] = compile_it()
            if (needed := self.programs[name].temp_bytes or 0) > MOST_TEMP_BYTES:
                self.refused[name] = f"it needs {size(needed)} of temporary memory"
        runnable = [name for name in build if name not in self.refused]
        tell(f"timing {', '.join(runnable)}")
        samples = time_interleaved([self.programs[name].run for name in runnable], self.deadline) if runnable else None
        if samples is not None:
            self.times |= dict(zip(runnable, samples.T, strict=True))
        elif runnable:
            self.late(what)

    def late(self, what: str) -> None:
        """Note that something was not measured for want of time; what was noted before stays."""
        self.note = self.note or LATE.format(what)

    def figures(self, name: str) -> dict[str, Any]:
        """The measured fields of a `ModeCost`."""
        figures: dict[str, Any] = {}
        if (program := self.programs.get(name)) is not None:
            figures |= {"compile_seconds": program.compile_seconds, "temp_bytes": program.temp_bytes}
        if (samples := self.times.get(name)) is not None:
            low, high = np.quantile(samples, (0.25, 0.75))
            figures |= {"seconds": float(samples.min()), "spread": (float(low), float(high))}
        return figures


def time_interleaved(runs: Sequence[Callable[[], Any]], deadline: float) -> np.ndarray | None:
    """Seconds per call, shape (rounds, len(runs)); each round runs every program, one after the other.

    Args:
        runs: functions that return when their work is done.
        deadline: an instant of `budget.now`.

    Returns:
        None when there is no time until the deadline for `FEWEST_ROUNDS` rounds.
    """
    for run in runs:
        run()  # the first call of a compiled program also sets up its buffers
    repeats = [max(1, int(SAMPLE_SECONDS / _seconds(run, 1))) for run in runs]
    rounds: list[list[float]] = []
    start = now()
    while len(rounds) < MOST_ROUNDS:
        if passed(deadline) or (now() - start > ENOUGH_SECONDS and len(rounds) >= FEWEST_ROUNDS):
            break
        rounds.append([_seconds(run, count) for run, count in zip(runs, repeats, strict=True)])
    return np.array(rounds) if len(rounds) >= FEWEST_ROUNDS else None


def faster(forward: np.ndarray, reverse: np.ndarray) -> Mode | None:
    """Which of two interleaved series of times is the smaller beyond noise; None when neither is."""
    return "forward" if is_faster(forward, reverse) else "reverse" if is_faster(reverse, forward) else None


def is_faster(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether a series won three quarters of the rounds, and its best time is better by `SMALLEST_RATIO`."""
    return bool(np.quantile(one / other, 0.75) < 1 and one.min() * SMALLEST_RATIO < other.min())


def _seconds(run: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        run()
    return (time.perf_counter() - start) / count
