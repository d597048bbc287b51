"""How often a while loop runs, where its condition compares a counter with a number that the program states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxdiff_magic.cost.counting.operands import is_literal
from jaxdiff_magic.primitives.bodies import bodies_of, constants_of, jaxpr_of, while_parts
from jaxdiff_magic.primitives.facts import having

SAME = having("passes", "reshapes") | {"stop_gradient"}
"""They leave an integer as it is."""
MIRRORED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "ne": "ne"}


@dataclass(frozen=True)
class Trips:
    """How often the body of a loop runs.

    Attributes:
        most: None where nothing is known.
        exact: whether it runs that often, or may stop earlier.
    """

    most: int | None
    exact: bool


def known_integer(value: Any) -> int | None:
    """The value of a constant that is one integer; None for any other."""
    if isinstance(value, Tracer) or np.ndim(value) != 0:
        return None
    dtype = getattr(value, "dtype", None) or np.asarray(value).dtype
    return int(value) if jnp.issubdtype(dtype, np.integer) else None


def trips(equation: Any, operands: Sequence[int | None]) -> Trips:
    """Of a while loop.

    Args:
        equation: the loop.
        operands: the values of its operands where they are integers that the program states, None elsewhere.
    """
    of_condition, of_body, carried = while_parts(equation.params, operands)
    goes_on, step = bodies_of(equation)
    condition, body = _Known(goes_on, [*of_condition, *carried]), _Known(step, [*of_body, *carried])
    bounds = [
        _bound(comparison, condition, body, len(of_condition), len(of_body))
        for comparison in condition.conjunction(condition.jaxpr.outvars[0])
    ]
    finite = [bound for bound in bounds if bound is not None]
    if not finite:
        return Trips(None, exact=False)
    return Trips(min(finite), exact=len(finite) == len(bounds) or min(finite) == 0)


class _Known:
    """A jaxpr, and the integers that its inputs start with."""

    def __init__(self, body: Any, inputs: Sequence[int | None]) -> None:
        self.jaxpr = jaxpr_of(body)
        self.made_by = {result: equation for equation in self.jaxpr.eqns for result in equation.outvars}
        self.start = {variable: value for variable, value in zip(self.jaxpr.invars, inputs, strict=True)}
        self.start |= dict(zip(self.jaxpr.constvars, map(known_integer, constants_of(body)), strict=False))

    def origin(self, atom: Any) -> Any:
        """The atom that an atom is a copy of."""
        while not is_literal(atom) and atom in self.made_by and self.made_by[atom].primitive.name in SAME:
            (atom,) = self.made_by[atom].invars
        return atom

    def equation(self, atom: Any) -> Any | None:
        atom = self.origin(atom)
        return None if is_literal(atom) else self.made_by.get(atom)

    def value(self, atom: Any) -> int | None:
        """The integer that a literal or an input is at the start."""
        atom = self.origin(atom)
        return known_integer(atom.val) if is_literal(atom) else self.start.get(atom)

    def position(self, atom: Any) -> int | None:
        """Which input an atom is."""
        atom = self.origin(atom)
        return None if is_literal(atom) or atom not in self.jaxpr.invars else self.jaxpr.invars.index(atom)

    def conjunction(self, atom: Any) -> Iterator[Any]:
        """The conditions of which a condition needs every one."""
        equation = self.equation(atom)
        if equation is not None and equation.primitive.name == "and":
            for part in equation.invars:
                yield from self.conjunction(part)
        else:
            yield equation


def _bound(
    comparison: Any, condition: _Known, body: _Known, condition_constants: int, body_constants: int
) -> int | None:
    """After how many trips a comparison fails; None where that cannot be told."""
    if comparison is None or comparison.primitive.name not in MIRRORED:
        return None

    def step(atom: Any) -> int | None:
        """By how much a value of the condition grows in each trip."""
        position = condition.position(atom)
        if position is None or position < condition_constants:
            return 0
        return _step(body, body_constants, position - condition_constants)

    left, right = comparison.invars
    name = comparison.primitive.name
    if step(right):  # the counter is on the right
        left, right, name = right, left, MIRRORED[name]
    start, end, by = condition.value(left), condition.value(right), step(left)
    return None if start is None or end is None or by is None or step(right) != 0 else _trips(name, start, end, by)


def _step(body: _Known, constants: int, carried: int) -> int | None:
    """By how much a carried value grows in each trip; None where that is not the same number each time."""
    before, after = body.jaxpr.invars[constants + carried], body.jaxpr.outvars[carried]
    if body.origin(after) is before:
        return 0
    equation = body.equation(after)
    if equation is None or equation.primitive.name not in ("add", "sub"):
        return None
    one, other = equation.invars
    subtracts = equation.primitive.name == "sub"
    if body.origin(other) is before and not subtracts:
        one, other = other, one
    if body.origin(one) is not before:
        return None
    position = body.position(other)
    if position is not None and position >= constants:
        later = body.origin(body.jaxpr.outvars[position - constants])
        if later is not body.jaxpr.invars[position]:
            return None  # what is added changes from trip to trip
    by = body.value(other)
    return None if by is None else -by if subtracts else by


def _trips(name: str, start: int, end: int, by: int) -> int | None:
    """How often a counter passes a comparison with a number, before it fails; None where it never does."""
    if name == "ne":
        steps, rest = divmod(end - start, by) if by else (0, end - start)
        return steps if steps >= 0 and rest == 0 else None
    if name in ("gt", "ge"):
        start, end, by = -start, -end, -by
    distance = end - start + (name in ("le", "ge"))
    if distance <= 0:
        return 0
    return -(-distance // by) if by > 0 else None
