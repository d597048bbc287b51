"""A trace run by JAX itself, one operation at a time, in the user's own dtypes: which step made which value.

Slow (JAX compiles every new operation), and meant for points where something is not finite: NaN and infinities arise
here exactly as in the user's run, overflow and underflow of float32 included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.primitives.bodies import scan_parts, while_parts
from jaxdiff_magic.subject.native import as_given, run_alone
from jaxdiff_magic.subject.trace import Constant, Equation, Trace, Variable

MAX_REPLAYED_STEPS = 20_000
"""A run with more steps than this is not told. A choice of time."""
MAX_BYTES = 1_000_000_000
"""Nor is one whose values take more memory than this, all together. A choice of memory: more might bring down a small
machine."""


@dataclass(frozen=True, eq=False)
class Replayed:
    """A value of the run.

    Attributes:
        data: as JAX computed it.
        makers: positions of the steps that made it: of a stacked result of a scan, one for each iteration.
        source: the input of the trace, or the constant, that it is; None where a step made it.
    """

    data: Any
    makers: tuple[int, ...] = ()
    source: Variable | Constant | None = None

    def has(self, bad: Callable[[np.ndarray], np.ndarray]) -> bool:
        """Whether some element is `bad`; never for integers, booleans and keys."""
        return jnp.issubdtype(self.data.dtype, jnp.inexact) and bool(np.any(bad(np.asarray(self.data))))


@dataclass(frozen=True, eq=False)
class Played:
    """One step of the run: an operation, what it was given and what it gave.

    Attributes:
        iterations: for each loop around it, the outermost first, in which iteration.
    """

    equation: Equation
    operands: tuple[Replayed, ...]
    results: tuple[Replayed, ...]
    iterations: tuple[int, ...] = ()


@dataclass(frozen=True)
class Replay:
    """The steps of a run in the order in which they were done, and its results."""

    steps: Sequence[Played]
    results: tuple[Replayed, ...]

    def origins(self, value: Replayed, bad: Callable[[np.ndarray], np.ndarray]) -> list[Played | Replayed]:
        """Where the bad elements of a value come from: steps with good operands and bad results, or bad inputs.

        Of a selection only the case that is selected counts; a nan that is written in the code comes from the step
        that uses it.
        """
        pending, reached, found = [value], set(), {}
        while pending:
            here = pending.pop()
            if here.source is not None:
                found[id(here.source)] = here
            for position in here.makers:
                step = self.steps[position]
                if position in reached or not any(result.has(bad) for result in step.results):
                    continue
                reached.add(position)
                before = [operand for operand in _taken(step) if operand.has(bad) and not is_literal(operand)]
                pending += before
                if not before:
                    found[position] = step
        return [found[key] for key in sorted(found, key=lambda key: (isinstance(found[key], Replayed), key))]


def replay(trace: Trace, arguments: Sequence[Any], deadline: float) -> Replay:
    """Run a trace step by step.

    Args:
        trace: of a function.
        arguments: one array for each of its inputs, of its dtype.
        deadline: the instant (`budget.now`) after which it is given up.

    Raises:
        OutOfReach: an operation cannot be run by itself, or the run takes too long.
    """
    run = _Run(deadline, [])
    given = [Replayed(jnp.asarray(x, v.dtype), (), v) for x, v in zip(arguments, trace.inputs, strict=True)]
    return Replay(run.steps, tuple(run.trace(trace, given, ())))


def is_literal(value: Replayed) -> bool:
    """Whether a value is a number that is written in the code."""
    return isinstance(value.source, Constant) and value.source.shape == () and not value.source.name


def _taken(step: Played) -> Sequence[Replayed]:
    """The operands that a step's results are made of: of a selection, those that some element is taken from."""
    if step.equation.primitive != "select_n":
        return step.operands
    which, *cases = step.operands
    taken = np.unique(np.asarray(which.data).astype(int))
    cut = [
        Replayed(jnp.where(jnp.asarray(which.data).astype(int) == k, case.data, 0), case.makers, case.source)
        for k, case in enumerate(cases)
        if k in taken
    ]
    return cut


@dataclass
class _Run:
    """A run in progress."""

    deadline: float
    steps: list[Played]
    bytes: int = 0

    def trace(self, trace: Trace, arguments: Sequence[Replayed], iterations: tuple[int, ...]) -> list[Replayed]:
        known: dict[Variable, Replayed] = dict(zip(trace.inputs, arguments, strict=True))

        def read(atom: Variable | Constant) -> Replayed:
            if isinstance(atom, Variable):
                return known[atom]
            return Replayed(as_given(atom), (), atom)

        for equation in trace.equations:
            results = self.equation(equation, [read(atom) for atom in equation.inputs], iterations)
            known.update(zip(equation.outputs, results, strict=True))
        return [read(atom) for atom in trace.outputs]

    def equation(self, equation: Equation, operands: list[Replayed], iterations: tuple[int, ...]) -> list[Replayed]:
        opened = {"scan": self.scan, "while": self.loop, "cond": self.branch}.get(equation.primitive)
        if opened is not None:
            return opened(equation, operands, iterations)
        if passed(self.deadline) or len(self.steps) >= MAX_REPLAYED_STEPS:
            raise OutOfReach("it takes too long to run step by step")
        found = run_alone(equation, [operand.data for operand in operands])
        self.bytes += sum(array.nbytes for array in found)
        if self.bytes > MAX_BYTES:
            raise OutOfReach("its values take too much memory")
        made = tuple(Replayed(array, (len(self.steps),)) for array in found)
        self.steps.append(Played(equation, tuple(operands), made, iterations))
        return list(made)

    def scan(self, equation: Equation, operands: list[Replayed], iterations: tuple[int, ...]) -> list[Replayed]:
        params, (body,) = equation.params, equation.bodies
        constants, carry, sliced = scan_parts(params, operands)
        carried, length = len(carry), params["length"]
        rows: list[list[Replayed]] = []
        for k in reversed(range(length)) if params["reverse"] else range(length):
            row = [Replayed(x.data[k], x.makers, x.source) for x in sliced]
            results = self.trace(body, [*constants, *carry, *row], (*iterations, k))
            carry = results[:carried]
            rows.append(results[carried:])
        if params["reverse"]:
            rows.reverse()
        empty = [Replayed(jnp.zeros(v.shape, v.dtype)) for v in equation.outputs[carried:]]
        return [*carry, *(map(_stacked, zip(*rows, strict=True)) if rows else empty)]

    def loop(self, equation: Equation, operands: list[Replayed], iterations: tuple[int, ...]) -> list[Replayed]:
        condition, body = equation.bodies
        for_condition, for_body, carry = while_parts(equation.params, operands)
        k = 0
        while bool(np.all(self.trace(condition, [*for_condition, *carry], (*iterations, k))[0].data)):
            carry = self.trace(body, [*for_body, *carry], (*iterations, k))
            k += 1
        return carry

    def branch(self, equation: Equation, operands: list[Replayed], iterations: tuple[int, ...]) -> list[Replayed]:
        which = int(np.clip(int(operands[0].data), 0, len(equation.bodies) - 1))
        return self.trace(equation.bodies[which], operands[1:], iterations)


def _stacked(column: Sequence[Replayed]) -> Replayed:
    """Results of all iterations of a scan as one array."""
    makers = dict.fromkeys(maker for value in column for maker in value.makers)
    source = next((value.source for value in column if value.source is not None), None)
    return Replayed(jnp.stack([value.data for value in column]), tuple(makers), source)
