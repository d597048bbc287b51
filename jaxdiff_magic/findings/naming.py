"""What a reader would call an element of a value in a run: `x[2]`, `h[3]`, 0.5."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.engines.reference.directions import leaf_places
from jaxdiff_magic.engines.reference.watching import Seen, Watched
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.primitives.positions import NOWHERE, origins
from jaxdiff_magic.subject.leaves import Leaf
from jaxdiff_magic.subject.trace import Constant, Equation

MAX_MOVES = 40
"""No name is looked for behind more moves than this. A choice of time: names are a few moves away."""


class Names:
    """Names of the values of a run, found by moving positions as the run moved numbers.

    Args:
        inputs: the leaves that the run began with.
        seen: its steps.
    """

    def __init__(self, inputs: Sequence[Leaf], seen: Sequence[Seen]) -> None:
        self.inputs = inputs
        self.producers: dict[int, Seen] = {}
        for item in seen:
            handed_on = {operand.key for operand in item.operands}  # as a conversion does that changes nothing
            if isinstance(item.step, Equation):
                self.producers |= {value.key: item for value in item.results if value.key not in handed_on}
        self._places = leaf_places([leaf.shape for leaf in inputs])
        self._positions: dict[int, np.ndarray | None] = {}

    def producer(self, value: Watched) -> Seen | None:
        """The step that gave a value; None for inputs and constants."""
        return self.producers.get(value.key)

    def positions(self, value: Watched, moves: int = MAX_MOVES) -> np.ndarray | None:
        """For each element, which element of the flat inputs it is, -1 for others; None where none is one."""
        if value.key not in self._positions:
            self._positions[value.key] = self._found(value, moves)
        return self._positions[value.key]

    def _found(self, value: Watched, moves: int) -> np.ndarray | None:
        if 0 <= value.key < len(self.inputs):
            place = self._places[value.key]
            return np.arange(place.start, place.stop).reshape(self.inputs[value.key].shape)
        item = self.producer(value)
        if item is None or item.primitive not in having("moves") or moves == 0 or len(item.results) != 1:
            return None
        assert isinstance(item.step, Equation)
        moved = item.operands[:1] if item.primitive in having("reads_at") else item.operands
        known = [self.positions(operand, moves - 1) for operand in moved]
        if all(positions is None for positions in known):
            return None
        shapes, results = [operand.data.shape for operand in moved], [item.step.outputs[0].shape]
        places = [operand.data for operand in item.operands[len(moved) :]]
        (found,) = origins(item.primitive, item.params, shapes, results, places)
        flat = [
            np.full(math.prod(shape), NOWHERE) if at is None else at.ravel()
            for at, shape in zip(known, shapes, strict=True)
        ]
        return np.concatenate([*flat, [NOWHERE]])[found]  # the last is that of a filling

    def input_element(self, position: int) -> str:
        """`x[2]`: the element at a position of the flat inputs."""
        for leaf, place in zip(self.inputs, self._places, strict=True):
            if place.start <= position < place.stop:
                index = np.unravel_index(position - place.start, leaf.shape) if leaf.shape else ()
                return leaf.element([int(k) for k in index])
        raise IndexError(position)

    def array(self, item: Seen, operand: int) -> str:
        """The name of a whole operand, or ""."""
        value, atom = item.operands[operand], item.step.inputs[operand]
        if 0 <= value.key < len(self.inputs):
            return self.inputs[value.key].name
        if isinstance(atom, Constant):
            return atom.name
        while (made := self.producer(value)) is not None:
            assert isinstance(made.step, Equation)
            if made.step.name:
                return made.step.name
            if made.primitive not in ("broadcast_in_dim", "reshape", "convert_element_type", "squeeze"):
                return ""
            value = made.operands[0]
            if 0 <= value.key < len(self.inputs):
                return self.inputs[value.key].name
            if isinstance(atom := made.step.inputs[0], Constant):
                return atom.name
        return ""

    def element(self, item: Seen, operand: int, index: Sequence[int]) -> str:
        """The name of an element of an operand: of an input, of a captured array, of a variable; or ""."""
        value = item.operands[operand]
        at = _own(index, value)
        positions = self.positions(value)
        if positions is not None and positions[at] >= 0:
            return self.input_element(int(positions[at]))
        name = self.array(item, operand)
        made = self.producer(value)
        if made is not None and isinstance(made.step, Equation) and not made.step.name and value.data.shape:
            return ""  # the name is that of an array of another shape
        return f"{name}[{', '.join(map(str, at))}]" if name and at else name

    def said(self, item: Seen, operand: int, index: Sequence[int]) -> str:
        """An element with its number: `x[2] = 0.5`; the number alone where it has no name."""
        value = item.operands[operand]
        at = _own(index, value)
        name, text = self.element(item, operand, index), figure(float(np.real(value.data[at])))
        return f"{name} = {text}" if name else text


def _own(index: Sequence[int], value: Watched) -> tuple[int, ...]:
    """Which element of an operand stands at a position of the result, whose shape it may be broadcast to."""
    own = index[len(index) - value.data.ndim :]
    return tuple(int(k) if size > 1 else 0 for k, size in zip(own, value.data.shape, strict=True))
