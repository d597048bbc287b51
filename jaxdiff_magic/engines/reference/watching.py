"""A run of a trace at one point, step by step: what every operation was given and what it gave, in float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jaxdiff_magic.engines.reference.bounded import Bounded, Dual, Number, base, split
from jaxdiff_magic.engines.reference.directions import laid_rows
from jaxdiff_magic.engines.reference.run import Node, Run
from jaxdiff_magic.subject.trace import Equation, RuleCall, Trace

MAX_SEEN = 20_000
"""Of longer runs the first steps are kept. A choice of memory."""


@dataclass(frozen=True)
class Watched:
    """An operand or a result.

    Attributes:
        data: float64 (complex128, or integers and booleans as they are).
        error: a bound on its rounding, of the shape of `data`, or 0.0.
        varies: whether it depends on the function's inputs, be it only by jumps (as integers do).
        key: tells one value of a run from another; those of the inputs are 0, 1, … in their order.
        tangent: along the directions of `watched`, shape `(directions, *shape)`, or `(1, *shape)` where they all give
            the same; None where none can reach it.
    """

    data: np.ndarray
    error: np.ndarray | float
    varies: bool
    key: int = -1
    tangent: np.ndarray | None = None


@dataclass(frozen=True)
class Seen:
    """One step of a run: an equation (of a loop's body, in one of its iterations), or a call with a rule of its own."""

    step: Equation | RuleCall
    operands: tuple[Watched, ...]
    results: tuple[Watched, ...]

    @property
    def primitive(self) -> str:
        """Of an equation; "" for a call."""
        return self.step.primitive if isinstance(self.step, Equation) else ""

    @property
    def params(self) -> Mapping[str, Any]:
        """Of an equation; none for a call."""
        return self.step.params if isinstance(self.step, Equation) else {}


def watched(
    trace: Trace, point: Sequence[np.ndarray], directions: np.ndarray | None = None, precise: bool = False
) -> tuple[Seen, ...]:
    """The steps of a trace at a point, in the order in which they are done; what no result depends on is left out.

    Args:
        trace: of a function.
        point: its arguments, float64.
        directions: along which tangents are followed, shape `(directions, inputs)`, flat over all arguments; None to
            follow none.
        precise: whether to compute with as many digits as `precision` says; values are then objects, without a bound.

    Raises:
        OutOfReach: names the primitive that has no rule, and the user's line.
    """
    seen: list[Seen] = []
    known = _Known()

    def watch(step: Equation | RuleCall, operands: Sequence[Node], results: Sequence[Node]) -> None:
        if len(seen) < MAX_SEEN:
            seen.append(Seen(step, tuple(map(known.value, operands)), tuple(map(known.value, results))))

    arguments = [np.asarray(x, np.float64) for x in point]
    batch_axes = 1 if directions is None else 2
    run = Run(batch_axes, 1, taped=False, precise=precise, watch=watch)
    numbers: list[Number] = [Bounded(run.floating(x.reshape(*(1,) * batch_axes, *x.shape))) for x in arguments]
    if directions is not None:
        along = laid_rows(directions, [x.shape for x in arguments], 1, batch_axes)
        numbers = [Dual(1, x, tangent) for x, tangent in zip(numbers, along, strict=True)]
    nodes = [Node(x, argument.shape, True) for x, argument in zip(numbers, arguments, strict=True)]
    for node in nodes:
        known.value(node)
    with np.errstate(all="ignore"):
        run.trace(trace, nodes)
    return tuple(seen)


@dataclass
class _Known:
    """The values of a run, each recorded once; the nodes are kept so that no two have one identity."""

    values: dict[int, tuple[Node, Watched]] = field(default_factory=dict)

    def value(self, node: Node) -> Watched:
        if id(node) not in self.values:
            self.values[id(node)] = node, _value(node, len(self.values))
        return self.values[id(node)][1]


def _value(node: Node, key: int) -> Watched:
    if not node.is_number:
        return Watched(_alone(node.array, node), 0.0, node.varies, key)
    found = base(node.value)
    error = 0.0 if found.error is None else _alone(np.broadcast_to(found.error, found.data.shape), node)
    _, tangent = split(node.value, 1)
    rows = None if tangent is None else base(tangent).data[0]  # of the one point
    return Watched(_alone(found.data, node), error, node.varies, key, rows)


def _alone(array: np.ndarray, node: Node) -> np.ndarray:
    """A value without batch axes: it is the same along all of them."""
    batch_axes = array.ndim - len(node.shape)
    return array[(*(0,) * batch_axes, ...)].reshape(node.shape)
