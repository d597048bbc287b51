"""What depends on what, variable by variable: the steps that lead to some values, and those that some values reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from jaxdiff_magic.primitives.bodies import Mask
from jaxdiff_magic.subject.trace import Atom, Constant, Equation, Variable


def leading_to(
    steps: Sequence[Equation],
    wanted: Iterable[Atom],
    read: Callable[[Equation, Mask], Iterable[Atom]] = lambda step, _: step.inputs,
) -> tuple[list[Equation], set[Variable]]:
    """The steps that some values are made by, in their order, and all the variables that these and the values are.

    Args:
        read: of a step, and which of its results are needed, the operands that these are made of.
    """
    kept: list[Equation] = []
    needed = set(_variables(wanted))
    for step in reversed(steps):
        results = tuple(variable in needed for variable in step.outputs)
        if any(results):
            kept.append(step)
            needed.update(_variables(read(step, results)))
    return kept[::-1], needed


def _variables(atoms: Iterable[Atom]) -> Iterable[Variable]:
    return (atom for atom in atoms if isinstance(atom, Variable))


def reached_from(
    steps: Iterable[Any], sources: Iterable[Any], carries: Callable[[Any], bool] = lambda _: True
) -> tuple[list[Any], set[Any]]:
    """The steps that some values go into, and all the values that are made of them.

    Args:
        steps: what has `inputs` and `outputs`: the equations of a trace, or other operations.
        carries: whether a result hands on what comes to it.
    """
    kept, found = [], set(sources)
    for step in steps:
        if any(not isinstance(atom, Constant) and atom in found for atom in step.inputs):
            kept.append(step)
            found.update(filter(carries, step.outputs))
    return kept, found
