"""A function as one list of operations that JAX can run and differentiate, with the calls of compiled functions opened.

Functions that bring their own derivative rule, loops and branches stay whole: JAX differentiates them as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from jaxdiff_magic.primitives.bodies import call_body, constants_of, jaxpr_of
from jaxdiff_magic.subject.source import Location, assignment, places_of
from jaxdiff_magic.subject.trace import bound

COMPILED = ("jit", "pjit", "closed_call", "core_call")
"""Primitives that only call their body, by JAX's names for them."""


@dataclass(frozen=True, eq=False)
class Known:
    """A value that depends on no input: a literal or a captured array."""

    value: Any


Atom = int | Known
"""A value: the number of the one that is computed, or a known one."""


@dataclass(frozen=True, eq=False)
class Operation:
    """One primitive applied to earlier values.

    Attributes:
        equation: JAX's own.
        inputs: its operands.
        outputs: numbers of its results.
        place: where the user wrote it.
    """

    equation: Any
    inputs: tuple[Atom, ...]
    outputs: tuple[int, ...]
    place: Location

    def run(self, values: dict[int, Any]) -> None:
        """Compute the results from the values of the operands, and add them to `values`."""
        operands = [atom.value if isinstance(atom, Known) else values[atom] for atom in self.inputs]
        primitive = self.equation.primitive
        results = bound(primitive, primitive.get_bind_params(self.equation.params), *operands)
        values.update(zip(self.outputs, results, strict=True))


@dataclass(frozen=True, eq=False)
class OperationList:
    """A function from its leaves to its outputs.

    Attributes:
        inputs: the numbers of its leaves.
        operations: in the order in which they are done.
        outputs: its results.
        avals: shape and dtype of each computed value, by its number.
    """

    inputs: tuple[int, ...]
    operations: tuple[Operation, ...]
    outputs: tuple[Atom, ...]
    avals: tuple[Any, ...]

    def is_floating(self, number: int) -> bool:
        """Whether JAX differentiates a value."""
        return bool(jnp.issubdtype(self.avals[number].dtype, jnp.floating))

    def size(self, number: int) -> int:
        """How many scalars a value has."""
        return int(self.avals[number].size)


def opened(function: Callable[..., Any], point: Sequence[Any]) -> OperationList:
    """The operations of a function, arrays to a tuple of arrays, traced at a point."""
    closed = jax.make_jaxpr(function)(*map(jnp.asarray, point))
    avals: list[Any] = []
    operations: list[Operation] = []

    def number(var: Any) -> int:
        avals.append(var.aval)
        return len(avals) - 1

    def body(jaxpr: Any, arguments: Sequence[Atom], caller: list[Location] | None, callee: str) -> list[Atom]:
        known: dict[Any, Atom] = dict(zip((*jaxpr.constvars, *jaxpr.invars), arguments, strict=True))

        def read(atom: Any) -> Atom:
            return Known(atom.val) if hasattr(atom, "val") else known[atom]

        for equation in jaxpr.eqns:
            inputs = tuple(map(read, equation.invars))
            places = places_of(equation, caller, callee)
            inner = call_body(equation) if equation.primitive.name in COMPILED else None
            if inner is not None:
                constants, name = map(Known, constants_of(inner)), str(equation.params.get("name", ""))
                results = body(jaxpr_of(inner), [*constants, *inputs], places, name)
            else:
                results = [number(var) for var in equation.outvars]
                operations.append(Operation(equation, inputs, tuple(results), places[0] if places else Location()))
            known.update(zip(equation.outvars, results, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    inputs = [number(var) for var in closed.jaxpr.invars]
    outputs = body(closed.jaxpr, [*map(Known, closed.consts), *inputs], None, "")
    return OperationList(tuple(inputs), tuple(operations), tuple(outputs), tuple(avals))


def name_of(operation: Operation) -> str:
    """The variable of the user's source that holds the operation's result, or ""."""
    found = assignment(operation.place)
    return found[0] if found else ""
