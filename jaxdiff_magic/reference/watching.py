"""A run of a trace at one point, step by step: what every operation was given and what it gave, in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.reference.numbers import Bounded, base
from jaxdiff_magic.reference.run import Node, Run
from jaxdiff_magic.trace import Equation, RuleCall, Trace

MAX_SEEN = 20_000
"""Of longer runs the first steps are kept."""


@dataclass(frozen=True)
class Value:
    """An operand or a result.

    Attributes:
        data: float64 (complex128, or integers and booleans as they are).
        error: a bound on its rounding, of the shape of `data`, or 0.0.
        varies: whether it depends on the function's inputs, be it only by jumps (as integers do).
    """

    data: np.ndarray
    error: np.ndarray | float
    varies: bool


@dataclass(frozen=True)
class Seen:
    """One step of a run: an equation (of a loop's body, in one of its iterations), or a call with a rule of its own."""

    step: Equation | RuleCall
    operands: tuple[Value, ...]
    results: tuple[Value, ...]


def watched(trace: Trace, point: Sequence[np.ndarray], precise: bool = False) -> tuple[Seen, ...]:
    """The steps of a trace at a point, in the order in which they are done; what no result depends on is left out.

    Args:
        trace: of a function.
        point: its arguments, float64.
        precise: whether to compute with as many digits as `precision` says; values are then objects, without a bound.

    Raises:
        OutOfReach: names the primitive that has no rule, and the user's line.
    """
    seen: list[Seen] = []

    def watch(step: Equation | RuleCall, operands: Sequence[Node], results: Sequence[Node]) -> None:
        if len(seen) < MAX_SEEN:
            seen.append(Seen(step, tuple(map(_value, operands)), tuple(map(_value, results))))

    run = Run(1, 1, taped=False, precise=precise, watch=watch)
    arguments = [np.asarray(x, np.float64) for x in point]
    with np.errstate(all="ignore"):
        run.trace(trace, [Node(Bounded(run.floating(x[None])), x.shape, True) for x in arguments])
    return tuple(seen)


def _value(node: Node) -> Value:
    if not node.is_number:
        return Value(np.asarray(node.value).reshape(node.shape), 0.0, node.varies)
    found = base(node.value)
    error = 0.0 if found.error is None else np.broadcast_to(found.error, found.data.shape).reshape(node.shape)
    return Value(found.data.reshape(node.shape), error, node.varies)
