"""Which steps a function's value is made of, and those on which only its control depends."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

from jaxdiff_magic.findings.smoothness.ties import DECIDING
from jaxdiff_magic.primitives.bodies import Mask, scan_carried, until_still
from jaxdiff_magic.subject.dependence import leading_to
from jaxdiff_magic.subject.trace import Atom, Equation, Trace

Wanted = Mask
"""For each operand or result, whether the function's value is made of it."""


def carrying(trace: Trace, conditions: bool) -> frozenset[int]:
    """The equations, by identity, whose results reach the function's results otherwise than by control alone.

    The stopping test of a loop is one, and so is all that only such a test reads.

    Args:
        trace: of the function; equations of its loops and branches are looked at too.
        conditions: whether what decides a `where` or a `cond`, and a comparison, counts as reached. For a step that
            bends it does not: it moves a decision only where the comparison itself is at a tie. A step that
            jumps can turn a decision round.
    """
    found: set[int] = set()
    _backward(trace, (True,) * len(trace.outputs), conditions, found)
    return frozenset(found)


def _backward(trace: Trace, wanted: Wanted, conditions: bool, found: set[int]) -> Wanted:
    """From the results of a trace that are wanted to its inputs; adds equations on the way."""

    def read(equation: Equation, results: Wanted) -> Iterator[Atom]:
        return itertools.compress(equation.inputs, _operands(equation, results, conditions, found))

    kept, needed = leading_to(trace.equations, itertools.compress(trace.outputs, wanted), read)
    found.update(map(id, kept))
    return tuple(variable in needed for variable in trace.inputs)


def _operands(equation: Equation, results: Wanted, conditions: bool, found: set[int]) -> Wanted:
    """Of which operands the wanted results of an equation are made."""
    others = len(equation.inputs) - 1
    match equation.primitive:
        case primitive if primitive in DECIDING:
            return (conditions,) * len(equation.inputs)
        case "select_n":
            return (conditions, *(True,) * others)
        case "cond":
            branches = [_backward(body, results, conditions, found) for body in equation.bodies]
            return (conditions, *map(any, zip(*branches, strict=True)))
        case "while":
            return _of_while(equation, results, conditions, found)
        case "scan":
            return _of_scan(equation, results, conditions, found)
    for body in equation.bodies:
        _backward(body, (True,) * len(body.outputs), conditions, found)
    return (True,) * len(equation.inputs)


def _of_while(equation: Equation, results: Wanted, conditions: bool, found: set[int]) -> Wanted:
    before, fixed = equation.params["cond_nconsts"], equation.params["body_nconsts"]
    inside = functools.partial(_backward, equation.bodies[1], conditions=conditions, found=found)
    carry, operands = until_still(results, inside, slice(fixed, None))
    return (*(False,) * before, *operands[:fixed], *carry)


def _of_scan(equation: Equation, results: Wanted, conditions: bool, found: set[int]) -> Wanted:
    carried = scan_carried(equation.params)
    inside = functools.partial(_backward, equation.bodies[0], conditions=conditions, found=found)
    wanted, operands = until_still(results, inside, carried)
    return (*operands[: carried.start], *wanted[: equation.params["num_carry"]], *operands[carried.stop :])
