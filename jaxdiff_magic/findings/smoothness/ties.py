"""The choices of a run: which operations chose, between which numbers, and which of them were at a tie."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.engines.reference.bounded import EPS
from jaxdiff_magic.engines.reference.rules.choices import near
from jaxdiff_magic.engines.reference.watching import Seen, Watched
from jaxdiff_magic.findings.naming import Names
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Equation

COMPARISONS: Mapping[str, str] = {
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "eq": "==",
    "ne": "!=",
    "lt_to": "<",
    "le_to": "<=",
    "eq_to": "==",  # as `searchsorted` compares, NaN being the largest
}
SEARCH = "call_hi_primitive"
"""Where values belong in a sorted array; older versions of JAX compare in a loop instead."""
DECIDING = frozenset((*COMPARISONS, SEARCH))
"""Primitives that turn numbers into a decision."""
READING = having("reads_at")
MAX_LOGIC = 60
"""No more steps than this are looked through between a number and the choice that it decides. A choice of time."""

Index = tuple[int, ...]


@dataclass(frozen=True)
class Tie:
    """A choice between two numbers that are equal within rounding.

    Attributes:
        item: the step that compared them.
        sides: for each of the two, the operand and the element; None for the constant 0 or a whole number.
        constant: what stands in place of a side that is None.
    """

    item: Seen
    sides: tuple[tuple[int, Index], tuple[int, Index] | None]
    constant: float = 0.0


def is_number(value: Watched) -> bool:
    """Whether a value is real and floating."""
    return value.data.dtype.kind == "f"


def rounding_of(subject: Subject) -> float:
    """How much coarser the subject's own dtype is than float64: bounds on rounding are scaled by it."""
    return max(float(jnp.finfo(leaf.dtype).eps) for leaf in (*subject.inputs, *subject.outputs)) / EPS


def ties_of(item: Seen, coarseness: float) -> list[Tie]:
    """The elements at which a step chooses between numbers that are equal within rounding; [] for smooth steps.

    Args:
        item: an equation that was seen; comparisons count, `where` and `cond` that use them do not.
        coarseness: see `rounding_of`.
    """
    rule = TIES.get(item.primitive) if isinstance(item.step, Equation) else None
    if rule is None or not any(value.varies and is_number(value) for value in item.operands):
        return []
    return list(rule(item, coarseness))


def _close(a: Watched, b: Watched, coarseness: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return near(a.data, b.data, (np.asarray(a.error) + np.asarray(b.error)) * coarseness)


def _pair(*positions: tuple[int, int]) -> Callable[[Seen, float], Iterator[Tie]]:
    """Operands that are compared element by element."""

    def find(item: Seen, coarseness: float) -> Iterator[Tie]:
        for first, second in positions:
            a, b = item.operands[first], item.operands[second]
            if a.key == b.key or not (is_number(a) and is_number(b)):
                continue
            for index in map(tuple, np.argwhere(_close(a, b, coarseness)).tolist()):
                yield Tie(item, ((first, _within(a, index)), (second, _within(b, index))))

    return find


def _within(value: Watched, index: Index) -> Index:
    """The element of an operand that is in an element of the result: an axis of length 1 stands for a longer one."""
    return tuple(k if length > 1 else 0 for k, length in zip(index, value.data.shape, strict=False))


def _against(level: Callable[[np.ndarray], np.ndarray]) -> Callable[[Seen, float], Iterator[Tie]]:
    """An operand that is compared with a number of its own: 0, the nearest whole number."""

    def find(item: Seen, coarseness: float) -> Iterator[Tie]:
        x = item.operands[0]
        if is_number(x):
            levels = np.broadcast_to(level(x.data), x.data.shape)
            for index in map(tuple, np.argwhere(near(x.data, levels, np.asarray(x.error) * coarseness)).tolist()):
                yield Tie(item, ((0, index), None), float(levels[index]))

    return find


def _roots(item: Seen, coarseness: float) -> Iterator[Tie]:
    """Powers between 0 and 1 of 0."""
    if item.primitive == "pow":
        exponent = item.operands[1].data
        if not (np.all(exponent > 0) and np.all(exponent < 1)):
            return
    yield from _against(np.zeros_like)(item, coarseness)


def _ties(item: Seen, coarseness: float) -> Iterator[Tie]:
    """The largest (or smallest) elements along some axes, where there are several."""
    x, params = item.operands[0], item.params
    axes = tuple(params["axes"])
    if x.data.size == 0:
        return
    best = (np.max if item.primitive in ("reduce_max", "argmax") else np.min)(x.data, axis=axes, keepdims=True)
    error = np.broadcast_to(x.error, x.data.shape) * coarseness
    close = near(x.data, best, error + np.max(error, axis=axes, keepdims=True))
    for row in np.argwhere(close.sum(axis=axes, keepdims=True) > 1).tolist():
        line = tuple(slice(None) if a in axes else k for a, k in enumerate(row))
        inner = np.argwhere(np.expand_dims(close[line], tuple(a for a in range(close.ndim) if a not in axes)))
        tied = [tuple(k if a in axes else row[a] for a, k in enumerate(index)) for index in inner.tolist()]
        yield from (Tie(item, ((0, tied[0]), (0, other))) for other in tied[1:])


def _in_order(item: Seen, coarseness: float) -> Iterator[Tie]:
    """Neighbours in a sorted array."""
    x, params = item.operands[0], item.params
    axis = params.get("dimension", params.get("axis", x.data.ndim - 1)) % max(x.data.ndim, 1)
    order = np.argsort(x.data, axis=axis, kind="stable")
    data = np.take_along_axis(x.data, order, axis)
    error = np.take_along_axis(np.broadcast_to(x.error, x.data.shape), order, axis) * coarseness
    first, second = [slice(None)] * x.data.ndim, [slice(None)] * x.data.ndim
    first[axis], second[axis] = slice(None, -1), slice(1, None)
    close = near(data[tuple(first)], data[tuple(second)], error[tuple(first)] + error[tuple(second)])
    for index in np.argwhere(close).tolist():
        after = [k + (a == axis) for a, k in enumerate(index)]
        ends = [tuple(int(order[tuple(at)]) if a == axis else k for a, k in enumerate(at)) for at in (index, after)]
        yield Tie(item, ((0, ends[0]), (0, ends[1])))


def _nodes(item: Seen, coarseness: float) -> Iterator[Tie]:
    """Values that are equal to elements of the array among which their place is looked for."""
    array, values = item.operands
    if array.data.ndim != 1 or not (is_number(array) and is_number(values)):
        return
    error = (np.asarray(values.error)[..., None] + np.asarray(array.error)) * coarseness
    for *index, node in np.argwhere(near(values.data[..., None], array.data, error)).tolist():
        yield Tie(item, ((1, tuple(index)), (0, (node,))))


TIES: Mapping[str, Callable[[Seen, float], Iterator[Tie]]] = {
    "max": _pair((0, 1)),
    "min": _pair((0, 1)),
    "clamp": _pair((1, 0), (1, 2)),
    "abs": _against(np.zeros_like),
    "sign": _against(np.zeros_like),
    "floor": _against(np.round),
    "ceil": _against(np.round),
    "round": _against(lambda x: np.floor(x) + 0.5),
    "sqrt": _roots,
    "cbrt": _roots,
    "pow": _roots,
    "reduce_max": _ties,
    "reduce_min": _ties,
    "argmax": _ties,
    "argmin": _ties,
    "sort": _in_order,
    "top_k": _in_order,
    **dict.fromkeys(COMPARISONS, _pair((0, 1))),
    SEARCH: _nodes,
}
"""Primitive to the elements at which it is not smooth."""


def jumps_behind(names: Names, decision: Watched) -> list[Seen]:
    """The steps that turned numbers which depend on the inputs into what decides a choice, in their order.

    Args:
        names: of the run.
        decision: the condition of a `where`, the index of a `cond`.
    """
    found: dict[int, Seen] = {}
    waiting, known = [decision], set()
    while waiting and len(known) < MAX_LOGIC:
        value = waiting.pop()
        item = names.producer(value)
        if value.key in known or item is None:
            continue
        known.add(value.key)
        if any(operand.varies and is_number(operand) for operand in item.operands):
            tests_itself = len(item.operands) == 2 and item.operands[0].key == item.operands[1].key  # is it NaN?
            if not tests_itself and item.primitive != "is_finite":
                found[id(item)] = item
        else:
            waiting += item.operands
    return list(found.values())[::-1]


def comparisons_behind(names: Names, decision: Watched) -> list[Seen]:
    """Those of `jumps_behind` that compare numbers."""
    return [item for item in jumps_behind(names, decision) if item.primitive in DECIDING]


def comparisons_before(names: Names, item: Seen) -> list[Seen]:
    """The steps that compare numbers and so decide which case a step takes, or which elements it reads."""
    decisions = item.operands[1:] if item.primitive in READING else item.operands[:1]
    found = [step for decision in decisions for step in comparisons_behind(names, decision)]
    return list({id(step): step for step in found}.values())


def tangent_of(tie: Tie, directions: int) -> np.ndarray:
    """How fast the two sides of a tie move apart along each direction that was watched; shape `(directions,)`."""
    total = np.zeros(directions)
    for side, sign in zip(tie.sides, (1.0, -1.0), strict=True):
        if side is None:
            continue
        operand, index = side
        value = tie.item.operands[operand]
        if value.tangent is not None:
            rows = np.broadcast_to(value.tangent, (directions, *value.data.shape))
            total += sign * np.real(rows[(slice(None), *(index if value.data.shape else ()))])
    return total


def said(names: Names, tie: Tie) -> str:
    """`x[0] and x[1] are both 1`, `x[2] is 0`, `its operands are both 3`: the two numbers that are equal."""
    (operand, index), second = tie.sides
    value = tie.item.operands[operand].data[index if tie.item.operands[operand].data.shape else ()]
    named = [names.element(tie.item, *side) for side in tie.sides if side is not None]
    named = list(dict.fromkeys(filter(None, named)))
    if len(named) == 2:
        return f"{named[0]} and {named[1]} are both {figure(value)}"
    if named:
        return f"{named[0]} is {figure(value)}"
    if second is None:
        return f"its operand is {figure(value)}"
    return f"{'two elements' if operand == second[0] else 'its operands'} are both {figure(value)}"
