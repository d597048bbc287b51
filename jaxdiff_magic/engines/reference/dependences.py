"""Which inputs a program's results can depend on at all: one pass over its steps, whatever their numbers are.

Groups of input elements are marked, and the marks follow every step to the results. Where a step moves elements to
known places, so do their marks; of any other step whose results are not made element by element, every result has the
marks of every operand. A mark that does not arrive is therefore proof that there is no way; one that arrives proves
nothing.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.rules.elementwise import ELEMENTWISE
from jaxdiff_magic.engines.reference.run import Result, Run
from jaxdiff_magic.primitives.bodies import scan_parts, while_parts
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.primitives.positions import MOVES, NOWHERE, origins, targets
from jaxdiff_magic.subject.trace import Constant, Equation, Trace, Variable

MAX_MARKS = 20_000_000
"""No pass has more marks than this: groups times the numbers of one run. A choice of memory: 20 MB of booleans."""
MAX_UNROLLED = 64
"""A scan of no more steps than this is followed step by step; of a longer one all rows have the marks of all. A choice
of time."""
MAX_KNOWN = 100_000
"""Larger arrays are not computed. A choice of time and memory."""

Marks = np.ndarray
"""Which groups reach an element: Boolean, `(groups, *shape)`."""


def reaching(trace: Trace, groups: np.ndarray, *, slopes: bool = False) -> np.ndarray | None:
    """Which groups of input elements the results may depend on.

    Args:
        trace: of the function.
        groups: which elements of the flat inputs each has, Boolean, shape `(groups, inputs)`.
        slopes: whether the derivative alone is meant: what is constant piece by piece, held by `stop_gradient`, or
            multiplied by a captured 0 then hands nothing on.

    Returns:
        Boolean, shape `(groups,)`: False is proved for every point, True is not. None where there are too many steps.

    Example:
        Of `jnp.sqrt(x[0]) * x[2]` the groups {x[0]}, {x[1]}, {x[2]} give True, False, True.
    """
    if len(groups) * _numbers(trace) > MAX_MARKS:
        return None
    ends = np.cumsum([math.prod(v.shape) for v in trace.inputs])[:-1]
    marks = [
        part.reshape(len(groups), *variable.shape)
        for part, variable in zip(np.split(groups.astype(bool), ends, axis=1), trace.inputs, strict=True)
    ]
    results = _Pass(len(groups), slopes).trace(trace, marks)
    return np.any([result.reshape(len(groups), -1).any(axis=1) for result in results], axis=0)


def _numbers(trace: Trace) -> int:
    """How many numbers the steps of a trace give, those of short scans as often as they are made."""
    return sum(
        sum(math.prod(variable.shape) for variable in equation.outputs)
        + (_times(equation) + 1) * sum(map(_numbers, equation.bodies))
        for equation in trace.equations
    )


def _times(equation: Equation) -> int:
    length = int(equation.params.get("length", 1)) if equation.primitive == "scan" else 1
    return length if length <= MAX_UNROLLED else 2


@dataclass(frozen=True)
class _Pass:
    """One pass.

    Attributes:
        groups: how many there are.
        slopes: see `reaching`.
        numbers: values that are the same at every point, as far as they are known.
    """

    groups: int
    slopes: bool
    numbers: dict[Variable, np.ndarray] = field(default_factory=dict)

    def trace(self, trace: Trace, arguments: Sequence[Marks]) -> list[Marks]:
        known: dict[Variable, Marks] = dict(zip(trace.inputs, arguments, strict=True))

        def read(atom: Variable | Constant) -> Marks:
            if isinstance(atom, Variable):
                return known[atom]
            return np.zeros((self.groups, *atom.shape), bool)

        for equation in trace.equations:
            operands = [read(atom) for atom in equation.inputs]
            if not any(marks.any() for marks in operands):
                results = [np.zeros((self.groups, *v.shape), bool) for v in equation.outputs]
                self.numbers.update(self._computed(equation))
            else:
                results = self._equation(equation, operands)
            if self.slopes:
                results = [
                    marks if jnp.issubdtype(v.dtype, jnp.inexact) else np.zeros_like(marks)
                    for marks, v in zip(results, equation.outputs, strict=True)
                ]
            known.update(zip(equation.outputs, results, strict=True))
        return [read(atom) for atom in trace.outputs]

    def _equation(self, equation: Equation, operands: list[Marks]) -> list[Marks]:
        primitive = equation.primitive
        if self.slopes and primitive in having("level"):
            return [np.zeros((self.groups, *v.shape), bool) for v in equation.outputs]
        match primitive:
            case "cond":
                return self._cond(equation, operands)
            case "scan":
                return self._scan(equation, operands)
            case "while":
                return self._while(equation, operands)
            case "mul":
                return [self._product(equation, operands)]
        if primitive in ELEMENTWISE and primitive != "clamp" and len(equation.outputs) == 1:
            used = operands[1:] if primitive == "select_n" and self.slopes else operands
            return [self._joined(used, equation.outputs[0].shape)]
        if primitive in having("reduces"):
            axes = tuple(int(axis) + 1 for axis in equation.params["axes"])
            return [operands[0].any(axis=axes).reshape(self.groups, *v.shape) for v in equation.outputs]
        try:
            if primitive in MOVES:
                return self._moved(equation, operands)
            if primitive in having("writes"):
                return [self._written(equation, operands)]
        except OutOfReach:
            pass  # positions that are computed
        return self._everything(equation, operands)

    # Steps

    def _joined(self, operands: Sequence[Marks], shape: tuple[int, ...]) -> Marks:
        """Element by element; a scalar goes into all."""
        found = np.zeros((self.groups, *shape), bool)
        for marks in operands:
            found |= marks.reshape(self.groups, *(1,) * (len(shape) + 1 - marks.ndim), *marks.shape[1:])
        return found

    def _product(self, equation: Equation, operands: list[Marks]) -> Marks:
        """A fixed factor that is exactly 0 leaves no slope."""
        kept = []
        for marks, other in zip(operands, reversed(equation.inputs), strict=True):
            factor = self._number(other) if self.slopes else None
            fits = factor is not None and factor.shape in ((), marks.shape[1:])
            kept.append(marks & (factor != 0)[None] if fits else marks)
        return self._joined(kept, equation.outputs[0].shape)

    def _everything(self, equation: Equation, operands: Sequence[Marks]) -> list[Marks]:
        """Every result of every operand."""
        any_ = np.any([marks.reshape(self.groups, -1).any(axis=1) for marks in operands], axis=0)
        return [
            np.broadcast_to(any_.reshape(-1, *(1,) * len(v.shape)), (self.groups, *v.shape)) for v in equation.outputs
        ]

    def _moved(self, equation: Equation, operands: list[Marks]) -> list[Marks]:
        """The marks of elements, where these are moved to."""
        count = 1 if equation.primitive in having("reads_at") else len(operands)
        places = self._places(equation.inputs[count:], operands[count:])
        shapes, results = [v.shape for v in equation.inputs[:count]], [v.shape for v in equation.outputs]
        unmarked = np.zeros((self.groups, 1), bool)  # as a filling is
        flat = np.concatenate([*(marks.reshape(self.groups, -1) for marks in operands[:count]), unmarked], axis=1)
        return [flat[:, at] for at in origins(equation.primitive, equation.params, shapes, results, places)]

    def _written(self, equation: Equation, operands: list[Marks]) -> Marks:
        """The marks of an array, some elements of which are replaced or changed."""
        a_slice = equation.primitive == "dynamic_update_slice"
        updates, which = operands[1 if a_slice else 2], slice(2, None) if a_slice else slice(1, 2)
        places = self._places(equation.inputs[which], operands[which])
        at = targets(equation.primitive, equation.params, operands[0].shape[1:], updates.shape[1:], places)
        kept = at != NOWHERE
        found = operands[0].reshape(self.groups, -1).copy()
        if a_slice or (equation.primitive == "scatter" and equation.params.get("update_jaxpr") is None):
            found[:, at[kept]] = False
        for group, marks in zip(found, updates, strict=True):
            group[at[marks & kept]] = True
        return found.reshape(operands[0].shape)

    def _number(self, atom: Variable | Constant) -> np.ndarray | None:
        """A value that is the same at every point, where it is known."""
        return atom.value if isinstance(atom, Constant) else self.numbers.get(atom)

    def _computed(self, equation: Equation) -> Iterator[tuple[Variable, np.ndarray]]:
        """The results of a step whose operands are known: shapes and positions, for the most part."""
        values = [self._number(atom) for atom in equation.inputs]
        if equation.bodies or sum(math.prod(v.shape) for v in equation.outputs) > MAX_KNOWN:
            return
        run = Run(1, 1, taped=False)
        nodes = [run.constant(value) for value in values if value is not None]
        if len(nodes) == len(values):
            with contextlib.suppress(OutOfReach), np.errstate(all="ignore"):
                results = [Result(v.shape, v.dtype) for v in equation.outputs]
                found = run.apply(equation.primitive, nodes, equation.params, results)
                yield from ((v, node.array.reshape(v.shape)) for v, node in zip(equation.outputs, found, strict=True))

    def _places(self, atoms: Sequence[Variable | Constant], operands: Sequence[Marks]) -> list[np.ndarray]:
        """Integers that the program knows.

        Raises:
            OutOfReach: they are computed from what is not known.
        """
        values = [self._number(atom) for atom in atoms]
        known = [np.asarray(value) for value in values if value is not None]
        if len(known) < len(values) or any(marks.any() for marks in operands):
            raise OutOfReach("positions are computed")
        return known

    # Bodies

    def _cond(self, equation: Equation, operands: list[Marks]) -> list[Marks]:
        """Any of the branches may be taken."""
        branches = [self.trace(body, operands[1:]) for body in equation.bodies]
        found = [np.any(np.broadcast_arrays(*marks), axis=0) for marks in zip(*branches, strict=True)]
        return self._steered(found, operands[0])

    def _steered(self, results: list[Marks], by: Marks) -> list[Marks]:
        """What a condition decides depends on it; its slope does not."""
        if self.slopes:
            return results
        any_ = by.reshape(self.groups, -1).any(axis=1)
        return [marks | any_.reshape(-1, *(1,) * (marks.ndim - 1)) for marks in results]

    def _scan(self, equation: Equation, operands: list[Marks]) -> list[Marks]:
        (body,), p = equation.bodies, equation.params
        constants, carry, arrays = scan_parts(p, operands)
        carried, length = len(carry), int(p["length"])
        if length <= MAX_UNROLLED:
            rows: list[list[Marks]] = [[] for _ in equation.outputs[carried:]]
            for k in reversed(range(length)) if p["reverse"] else range(length):
                results = self.trace(body, [*constants, *carry, *(array[:, k] for array in arrays)])
                carry = results[:carried]
                for kept, row in zip(rows, results[carried:], strict=True):
                    kept.append(row)
            order = slice(None, None, -1) if p["reverse"] else slice(None)
            return [
                *carry,
                *(
                    np.stack(kept[order], axis=1) if kept else np.zeros((self.groups, *v.shape), bool)
                    for kept, v in zip(rows, equation.outputs[carried:], strict=True)
                ),
            ]
        every = [np.asarray(array.any(axis=1)) for array in arrays]
        carry, results = self._until_still(body, constants, carry, every)
        spread = [
            np.broadcast_to(row[:, None], (self.groups, *v.shape))
            for row, v in zip(results[carried:], equation.outputs[carried:], strict=True)
        ]
        return [*carry, *spread]

    def _until_still(
        self, body: Trace, constants: list[Marks], carry: list[Marks], rows: list[Marks]
    ) -> tuple[list[Marks], list[Marks]]:
        """The carry of a loop once no further turn marks anything new, and the results of the last turn."""
        while True:
            results = self.trace(body, [*constants, *carry, *rows])
            after = [a | b for a, b in zip(carry, results, strict=False)]  # rows come after
            if all(np.array_equal(a, b) for a, b in zip(after, carry, strict=True)):
                return carry, results
            carry = after

    def _while(self, equation: Equation, operands: list[Marks]) -> list[Marks]:
        goes_on, body = equation.bodies
        of_condition, of_body, carry = while_parts(equation.params, operands)
        carry, _ = self._until_still(body, of_body, carry, [])
        while not self.slopes:  # what says when it ends reaches all that it carries, which may say when it ends
            (test,) = self.trace(goes_on, [*of_condition, *carry])
            after, _ = self._until_still(body, of_body, self._steered(carry, test), [])
            if all(np.array_equal(a, b) for a, b in zip(after, carry, strict=True)):
                break
            carry = after
        return carry
