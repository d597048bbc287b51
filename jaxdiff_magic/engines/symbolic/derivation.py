"""A function's formulas, and those of JAX's own derivative programs: derived once each, when asked for."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.calculus import jacobian
from jaxdiff_magic.engines.symbolic.evaluate import EPS, evaluation
from jaxdiff_magic.engines.symbolic.expression import free
from jaxdiff_magic.engines.symbolic.interpret import program_of
from jaxdiff_magic.engines.symbolic.program import Definition, Program
from jaxdiff_magic.subject.trace import Trace

INLINE = 60
"""An expression is kept in one piece while it has no more operations than this. A choice: a line or two of text."""
INLINE_RULE = 4
"""The programs of JAX's rules are evaluated, not read: they stay in small pieces. A choice: what is shared then stays
shared."""
Path = tuple[int, ...]
"""Which derivative: the output's position, then the input's position for each order of differentiation."""


class Derivation:
    """The formulas of a function, from its trace alone.

    Args:
        trace: the function.
        inputs, outputs: names of its leaves.
        point: values of its inputs, at which branches are taken and loops are counted; without it, functions with
            branches that depend on the inputs are out of reach.

    Attributes:
        frozen: what was taken as it is at the point, in words; elsewhere the formulas may not hold, and an
            evaluation says where.

    Raises:
        OutOfReach: when a primitive has no formula.
    """

    literal_eps = EPS

    def __init__(
        self, trace: Trace, inputs: Sequence[str], outputs: Sequence[str], point: Sequence[Any] | None = None
    ) -> None:
        self.steps = program_of(trace, inputs, outputs, point)
        self.frozen = self.steps.frozen
        self._derived = functools.cache(self._derive)

    def formula(self, path: Path) -> tuple[Program, Definition]:
        """The derivative named by `path`, of shape `output.shape + inputs[0].shape + …`, and its program."""
        *above, last = path
        program = self._derived(tuple(above))
        return program, program.outputs[last]

    def _derive(self, above: Path) -> Program:
        """The program whose outputs are all derivatives one order above a path (none: the outputs themselves)."""
        if not above:
            return self.steps.inlined(lambda _: False, INLINE)
        return jacobian(*self.formula(above)).inlined(lambda _: False, INLINE)

    def evaluate(
        self, path: Path, points: Sequence[np.ndarray], freeze: bool = False
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A derivative at a batch of points, in float64.

        Args:
            path: which one.
            points: for each input leaf its values, shape `(points, *shape)`.
            freeze: whether what `stop_gradient` froze keeps the value that it has at the first point, so that
                differences between the points show the derivative that is meant.

        Returns:
            Values and error bounds, shape `(points, *definition.shape)`; and for each point, whether a choice in
            the formula was at a tie there.
        """
        program, definition = self.formula(path)
        started = evaluation(program, points, self.literal_eps, freeze=freeze)
        values, errors = started.of(definition)
        return values, errors, started.at_tie


class NotLinear(OutOfReach):
    """A rule that is not linear in its cotangent or tangent, as one that clips gradients."""


class TracedRule:
    """What JAX's own derivative program computes, as formulas: it is linear in its directions, so its derivative
    with respect to them is the Jacobian (or Hessian) that JAX would return.

    Args:
        trace: of the rule; its arguments are the leaves, then cotangents, then tangents.
        inputs: names of the leaves.
        cotangents, tangents: how many of each it takes; as many tangents as leaves for each order above the first.
        literal_eps: rounding of the literals that JAX put into the rule, in the function's own dtype.
        point: see `Derivation`; values of the leaves.

    Raises:
        OutOfReach: when a primitive has no formula.
    """

    def __init__(
        self,
        trace: Trace,
        inputs: Sequence[str],
        cotangents: int,
        tangents: int,
        literal_eps: float,
        point: Sequence[Any] | None = None,
    ) -> None:
        # names with spaces cannot be the user's
        directions = [f"direction {k}" for k in range(cotangents + tangents)]
        if point is not None:  # no branch depends on a direction
            point = [*point, *(np.zeros(var.shape, var.dtype) for var in trace.inputs[len(inputs) :])]
        results = [f"result {k}" for k in range(len(trace.outputs))]
        program = program_of(trace, [*inputs, *directions], results, point)
        self._leaves, self._directions = program.inputs[: len(inputs)], program.inputs[len(inputs) :]
        self._program = program.inlined(lambda _: False, INLINE_RULE)
        self._cotangents = cotangents
        self.literal_eps = literal_eps
        self.formula = functools.cache(self._formula)

    def _formula(self, path: Path) -> tuple[Program, Definition]:
        """As `Derivation.formula`, except that the axes of a rule with cotangents begin with the first input's."""
        output, *inputs = path
        if not self._cotangents:  # forward: result of the output, along the input's tangent
            along = [inputs[0]]
            first = output
        else:  # reverse, second: result of the first input, along the output's cotangent, then the tangent
            tangents = range(
                self._cotangents, len(self._directions), len(self._leaves)
            )  # where those of an order begin
            along = [output, *(start + i for start, i in zip(tangents, inputs[1:], strict=False))]
            first = inputs[0]
        program, definition = self._program, self._program.outputs[first]
        for direction in along:
            program, definition = self._along(program, definition, direction)
        left = {array.label for array in self._directions}
        if any(free(d.expr) & left for d in (*program.definitions, definition)):
            raise NotLinear("JAX's rule is not linear in its direction")
        return program, definition

    def _along(self, program: Program, definition: Definition, direction: int) -> tuple[Program, Definition]:
        derived = jacobian(replace(program, inputs=(self._directions[direction],)), definition)
        derived = replace(derived, inputs=program.inputs).inlined(lambda _: False, INLINE_RULE)
        return derived, derived.outputs[0]

    def evaluate(self, path: Path, points: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `Derivation.evaluate`, axes in the order `output, inputs…`."""
        program, definition = self.formula(path)
        directions = [np.zeros((len(points[0]), *array.shape)) for array in self._directions]
        started = evaluation(program, [*points, *directions], self.literal_eps)
        values, errors = started.of(definition)
        if self._cotangents:
            before, own = len(self._leaves[path[1]].shape), len(self._directions[path[0]].shape)
            order = [
                0,
                *range(1 + before, 1 + before + own),
                *range(1, 1 + before),
                *range(1 + before + own, values.ndim),
            ]
            values, errors = values.transpose(order), errors.transpose(order)
        return values, errors, started.at_tie

    def element(self, path: Path, element: Sequence[Any], n_output_axes: int) -> tuple[Any, ...]:
        """Where an element of the derivative (numbers or index symbols) stands in `formula`'s definition."""
        if not self._cotangents:
            return tuple(element)
        end = n_output_axes + len(self._leaves[path[1]].shape)
        return (*element[n_output_axes:end], *element[:n_output_axes], *element[end:])
