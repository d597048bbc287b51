"""Where tangents die: the steps that turn a direction of the inputs into nothing, and why.

Whether the derivative is zero at other points too is no matter of these steps: see `reference.dependences`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.engines.reference.watching import Seen, Watched
from jaxdiff_magic.findings.naming import Names
from jaxdiff_magic.findings.smoothness.ties import COMPARISONS, is_number
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.primitives.positions import NOWHERE, targets
from jaxdiff_magic.subject.trace import Equation, RuleCall


@dataclass(frozen=True)
class VanishingTangent:
    """A step at which a direction ends.

    Attributes:
        item: the step.
        why: in a clause: "stop_gradient holds it fixed".
        reason: one word that groups: "stop_gradient", "rounding", "integer", "comparison", "not selected",
            "overwritten", "factor", "saturated", "stationary", "unread".
    """

    item: Seen
    why: str
    reason: str


def vanishing_tangents(
    names: Names, seen: Sequence[Seen], calls: Mapping[int, RuleCall], directions: int
) -> list[list[VanishingTangent]]:
    """For each direction that was watched, the steps at which it ends, wholly or for some elements.

    Args:
        names: of the run.
        seen: its steps, with tangents.
        calls: for each equation (by identity) the function with a rule of its own around it.
        directions: how many there are.
    """
    found: list[dict[tuple[int, str], VanishingTangent]] = [{} for _ in range(directions)]
    for item in seen:
        step = item.step
        if not isinstance(step, Equation) or step.bodies:
            continue
        for operand, value in enumerate(item.operands):
            if value.tangent is None or not is_number(value):
                continue
            if end := _ended(item, operand, directions, calls.get(id(step))):
                vanished = _explained(names, end)
                for row in np.flatnonzero(end.rows):
                    found[row].setdefault((id(step), vanished.reason), vanished)
    return [_telling(list(rows.values())) for rows in found]


def _telling(found: list[VanishingTangent]) -> list[VanishingTangent]:
    """Without the comparisons that only decide which value goes on, and the reads that leave elements out."""
    for idle in ("comparison", "unread"):
        if any(vanished.reason != idle for vanished in found):
            found = [vanished for vanished in found if vanished.reason != idle]
    return found


def alive(value: Watched, directions: int) -> np.ndarray:
    """Where a value moves along each direction, shape `(directions, *shape)`."""
    shape = (directions, *value.data.shape)
    if value.tangent is None:
        return np.zeros(shape, bool)
    return np.broadcast_to(~(np.abs(value.tangent) == 0), shape)


@dataclass(frozen=True)
class End:
    """An operand along which directions end.

    Attributes:
        item, operand: the step and which of its operands.
        rows: which directions, shape `(directions,)`.
        elements: which elements of the operand, its shape.
        call: the function with a rule of its own around the step.
    """

    item: Seen
    operand: int
    rows: np.ndarray
    elements: np.ndarray
    call: RuleCall | None

    @property
    def value(self) -> Watched:
        return self.item.operands[self.operand]

    @property
    def primitive(self) -> str:
        return self.item.primitive

    @property
    def numbers(self) -> str:
        """The numbers at which it ends: 3, -2 to -1."""
        data = self.value.data[self.elements]
        low, high = float(np.min(data)), float(np.max(data))
        return figure(low) if low == high else f"{figure(low)} to {figure(high)}"

    def because(self, why: str, reason: str) -> VanishingTangent:
        return VanishingTangent(self.item, why, reason)


def _ended(item: Seen, operand: int, directions: int, call: RuleCall | None) -> End | None:
    """Where an operand moves without moving the result (of elementwise steps: some element of it)."""
    value, result, primitive = item.operands[operand], item.results[0], item.primitive
    moving = alive(value, directions)
    after = [alive(r, directions) for r in item.results]
    gone = ~np.any([a.reshape(directions, -1).any(axis=1) for a in after], axis=0)
    ends = moving & gone.reshape(-1, *(1,) * value.data.ndim)
    is_moved = primitive in having("moves", "across") or (primitive in having("writes") and operand > 0)
    if value.data.shape == result.data.shape and not is_moved:
        ends = ends | (moving & ~after[0])
    rows = ends.reshape(directions, -1).any(axis=1)
    return End(item, operand, rows, ends.any(axis=0), call) if rows.any() else None


def _explained(names: Names, end: End) -> VanishingTangent:
    """Why a direction ends at a step."""
    primitive = end.primitive
    if primitive in EXPLANATIONS:
        return EXPLANATIONS[primitive](names, end)
    if primitive in COMPARISONS:
        return end.because("only a comparison uses it", "comparison")
    if not is_number(end.item.results[0]):
        return end.because("it is made an integer or a boolean", "integer")
    if primitive in having("jumps"):
        return end.because(f"{primitive} makes it constant piece by piece", "rounding")
    if primitive in having("reads_at"):
        return end.because("other elements are read", "another element")
    if primitive in having("parts") and _is_input(names, end.value):
        return end.because("it is not read", "unread")
    if primitive in having("parts"):
        return end.because("other elements are read", "another element")
    if primitive in having("saturates"):
        return end.because(f"{primitive} is saturated at {end.numbers}", "saturated")
    if primitive in having("writes"):
        return _written(end)
    return end.because(f"the slope of {primitive} is 0 here", "stationary")


def _is_input(names: Names, value: Watched) -> bool:
    """Whether a value is an input, or one at fixed other places."""
    while not 0 <= value.key < len(names.inputs):
        item = names.producer(value)
        if item is None or item.primitive not in having("moves") - having("reads_at") or len(item.operands) != 1:
            return False
        value = item.operands[0]
    return True


def _smaller(names: Names, end: End) -> VanishingTangent:
    """max and min: of a rectifier, which is off."""
    other = end.item.operands[1 - end.operand]
    if end.call:
        return end.because(f"{end.call.name} is flat where its input is {end.numbers}", "not selected")
    same = other.data.size and np.ptp(other.data) == 0
    taken = f", {figure(other.data.flat[0])}, instead of {end.numbers}" if same else ""
    return end.because(f"{end.primitive} takes the other operand{taken}", "not selected")


def _factor(names: Names, end: End) -> VanishingTangent:
    """A product whose other factor is 0; where that depends on the same direction, the point is stationary."""
    item, other = end.item, end.item.operands[1 - end.operand]
    if alive(other, len(end.rows))[end.rows].any():
        return end.because("both factors of a product vary, and it is stationary", "stationary")
    name = names.array(item, 1 - end.operand)
    what = f"{name}, which is 0 here" if name else "a factor that is 0 here"
    return end.because(f"it is multiplied by {what}", "factor")


def _product(names: Names, end: End) -> VanishingTangent:
    """A product of all elements: another one of them is 0."""
    if np.any(end.value.data[~end.elements] == 0):
        return end.because("it is multiplied by a factor that is 0 here", "factor")
    return end.because("the slope of reduce_prod is 0 here", "stationary")


def _written(end: End) -> VanishingTangent:
    """What is written into an array, or was in it before."""
    primitive = end.primitive
    if end.operand and not _fits(end):
        return end.because("it is written outside the array, and dropped", "overwritten")
    if primitive in ("scatter", "dynamic_update_slice"):
        why = "another element is written over it" if end.operand else "its elements are overwritten"
        return end.because(why, "overwritten")
    if primitive.endswith("mul"):
        return end.because("it is multiplied by a factor that is 0 here", "factor")
    if primitive.endswith(("min", "max")):
        return end.because("another element is taken", "another element")
    return end.because(f"the slope of {primitive} is 0 here", "stationary")


def _fits(end: End) -> bool:
    """Whether any of the ended elements of what a step writes has its place in the array."""
    if not end.primitive.startswith("scatter"):
        return True  # a slice is moved until it fits
    array, indices, updates = (operand.data for operand in end.item.operands)
    places = targets(end.primitive, end.item.params, array.shape, updates.shape, [indices])
    return bool(np.any(places[end.elements] != NOWHERE))


EXPLANATIONS: Mapping[str, Callable[[Names, End], VanishingTangent]] = {
    "stop_gradient": lambda _, end: end.because("stop_gradient holds it fixed", "stop_gradient"),
    **dict.fromkeys(
        ("argmax", "argmin"),
        lambda _, end: end.because(f"{end.primitive} turns it into a position", "integer"),
    ),
    "select_n": lambda _, end: end.because("where selects the other case", "not selected"),
    **dict.fromkeys(("max", "min"), _smaller),
    "clamp": lambda _, end: end.because(f"it is clipped at {end.numbers}", "not selected"),
    **dict.fromkeys(
        ("reduce_max", "reduce_min", "sort", "top_k", "cummax", "cummin"),
        lambda _, end: end.because("another element is taken", "another element"),
    ),
    **dict.fromkeys(("mul", "dot_general", "conv_general_dilated"), _factor),
    "reduce_prod": _product,
}
"""Primitive to why a direction ends there."""
