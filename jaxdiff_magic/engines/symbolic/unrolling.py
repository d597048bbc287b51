"""Control flow as at the point: the branch that is taken there, loops step by step."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.engines.symbolic.concrete import Atom
from jaxdiff_magic.primitives.bodies import scan_parts, while_parts
from jaxdiff_magic.subject.trace import Constant, Equation, Trace, Variable

_fresh = itertools.count(-1, -1)
"""Identities of variables that no trace has."""


def instance(trace: Trace, arguments: Sequence[Atom]) -> tuple[list[Equation], list[Atom]]:
    """A copy of a program with other inputs and variables of its own: its equations and results."""
    known: dict[Variable, Atom] = dict(zip(trace.inputs, arguments, strict=True))

    def read(atom: Atom) -> Atom:
        return known[atom] if isinstance(atom, Variable) else atom

    equations = []
    for equation in trace.equations:
        inputs = tuple(map(read, equation.inputs))
        outputs = tuple(map(fresh, equation.outputs))
        known.update(zip(equation.outputs, outputs, strict=True))
        equations.append(replace(equation, inputs=inputs, outputs=outputs))
    return equations, [read(atom) for atom in trace.outputs]


def fresh(like: Variable) -> Variable:
    """A new variable of the same shape and dtype."""
    return Variable(next(_fresh), like.shape, like.dtype)


def scan_steps(equation: Equation) -> tuple[list[Equation], list[Atom]]:
    """A scan written out: the equations of all its steps, and its results."""
    params, (body,) = equation.params, equation.bodies
    consts, state, runs = scan_parts(params, equation.inputs)
    carried = len(state)
    written: list[Equation] = []
    rows: dict[int, Sequence[Atom]] = {}
    steps = range(int(params["length"]))
    for step in reversed(steps) if params["reverse"] else steps:
        elements = [_element(equation, array, step) for array in runs]
        equations, results = instance(body, [*consts, *state, *(e.outputs[0] for e in elements)])
        written += [*elements, *equations]
        state, rows[step] = results[:carried], results[carried:]
    stacked = []
    for k, output in enumerate(equation.outputs[carried:]):
        if not steps:
            stacked.append(Constant(np.zeros(output.shape, output.dtype)))
            continue
        target = fresh(output)
        parts = tuple(rows[step][k] for step in steps)
        join = replace(equation, primitive="stack", params={"axis": 0}, inputs=parts, outputs=(target,), bodies=())
        written.append(replace(join, operator=lambda *arrays: jnp.stack(arrays)))
        stacked.append(target)
    return written, [*state, *stacked]


def _element(equation: Equation, array: Atom, step: int) -> Equation:
    row = Variable(next(_fresh), array.shape[1:], array.dtype)
    taken = replace(equation, primitive="scan_element", params={"position": step}, inputs=(array,), outputs=(row,))
    return replace(taken, name="", bodies=(), operator=lambda x: x[step])


def while_condition(equation: Equation) -> tuple[list[Equation], Atom]:
    """The equations that decide whether a while loop takes another step, and the decision."""
    condition, _ = equation.bodies
    of_condition, _, state = while_parts(equation.params, equation.inputs)
    equations, (decision,) = instance(condition, [*of_condition, *state])
    return equations, decision


def while_step(equation: Equation) -> tuple[list[Equation], Equation]:
    """The equations of one step of a while loop, and the loop that is left after it."""
    _, body = equation.bodies
    of_condition, of_body, state = while_parts(equation.params, equation.inputs)
    equations, results = instance(body, [*of_body, *state])
    return equations, replace(equation, inputs=(*of_condition, *of_body, *results))


def platform(platforms: Sequence[Sequence[str] | None]) -> int:
    """Which of the alternatives for several platforms runs here."""
    here = jax.default_backend()
    return next(k for k, names in enumerate(platforms) if names is None or here in names)
