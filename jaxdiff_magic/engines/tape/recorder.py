"""Records scalar operations: constants folded, equal expressions shared, unused ones left out at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.tape.operations import COMMUTATIVE, KEEP_WHOLE, OPERATIONS, TAME, TRUTHS, WHOLE
from jaxdiff_magic.engines.tape.program import Tape, TapeNode
from jaxdiff_magic.engines.tape.scalar import TapeScalar
from jaxdiff_magic.engines.tape.simplification import simpler

MAX_TAPE_OPERATIONS = 3_000
"""The browser differentiates as many within a frame."""
MAX_RECORDED_STEPS = 12_000
"""Recording ends there, before it takes long. A choice, four times the above: steps that turn out to be needed by
nothing are dropped afterwards."""


class Recorder:
    """A tape in the making.

    Attributes:
        nodes: so far.
        scalars: for each node its number at the point.
        guards: see `Tape`; by the node of the comparison.
        zeros_are_structural: whether 0 * x is 0 whatever x is, since the 0 says where nothing stands.
    """

    def __init__(self) -> None:
        self.nodes: list[TapeNode] = []
        self.scalars: list[TapeScalar] = []
        self.guards: dict[int, tuple[int, str]] = {}
        self.zeros_are_structural = False
        self._known: dict[tuple[Any, ...], TapeScalar] = {}
        self._steps = 0

    def input(self, position: int, value: float) -> TapeScalar:
        """The node of an input."""
        return self._node(("input", position), value, (), tame=True)

    def record(self, name: str, *operands: Any) -> Any:
        """The result of an operation: a `TapeScalar`, or a plain number where that is known."""
        if not any(isinstance(x, TapeScalar) for x in operands):
            return float(OPERATIONS[name](*map(float, operands)))
        if (found := simpler(self, name, operands)) is not None:
            return found
        self._steps += 1
        if self._steps > MAX_RECORDED_STEPS:
            raise OutOfReach(
                f"it has more than {MAX_RECORDED_STEPS:,} scalar operations; the browser takes up to "
                f"{MAX_TAPE_OPERATIONS:,}"
            )
        scalars = [x if isinstance(x, TapeScalar) else self.constant(float(x)) for x in operands]
        numbers = [x.number for x in scalars]
        if name in COMMUTATIVE:
            numbers.sort()
        if (found := self._known.get((name, *numbers))) is not None:
            return found
        tame = _is_tame(name, scalars, operands)
        return self._node((name, *numbers), float(OPERATIONS[name](*(x.value for x in scalars))), scalars, tame)

    def constant(self, value: float) -> TapeScalar:
        """The node of a constant."""
        key = ("const", value.hex())
        if (found := self._known.get(key)) is None:
            found = self._known[key] = self._node(("const", value), value, (), tame=True)
            found.whole = value.is_integer()
        return found

    def _node(self, node: TapeNode, value: float, operands: Sequence[TapeScalar], tame: bool) -> TapeScalar:
        name = node[0]
        whole = name in WHOLE or (name in KEEP_WHOLE and all(x.whole for x in operands))
        scalar = TapeScalar(self, len(self.nodes), value, name in TRUTHS, whole, tame)
        self.nodes.append(node)
        self.scalars.append(scalar)
        self._known[node] = scalar
        return scalar

    def guard(self, comparison: Any, choice: str) -> None:
        """Note that the tape is right only where a comparison turns out as it does at the point."""
        if isinstance(comparison, TapeScalar):
            self.guards.setdefault(comparison.number, (int(comparison.value), choice))

    def frozen(self, x: Any, choice: str) -> float:
        """The value of a number at the point, where the tape depends on it."""
        if not isinstance(x, TapeScalar):
            return float(x)
        self.guard(x if x.truth else self.record("eq", x, x.value), choice)
        return x.value

    @contextlib.contextmanager
    def structural_zeros(self) -> Iterator[None]:
        """Products with 0 are 0."""
        before, self.zeros_are_structural = self.zeros_are_structural, True
        try:
            yield
        finally:
            self.zeros_are_structural = before

    def tape(self, outputs: Sequence[Any]) -> Tape:
        """What some outputs need, renumbered.

        Raises:
            OutOfReach: that is too much for the browser.
        """
        ends = [x.number if isinstance(x, TapeScalar) else self.constant(float(x)).number for x in outputs]
        needed = {*ends, *self.guards}
        for number in range(len(self.nodes) - 1, -1, -1):
            if number in needed and self.nodes[number][0] not in ("input", "const"):
                needed.update(self.nodes[number][1:])  # type: ignore[arg-type]
        kept = sorted(needed)
        operations = sum(self.nodes[number][0] not in ("input", "const") for number in kept)
        if operations > MAX_TAPE_OPERATIONS:
            raise OutOfReach(
                f"it has {operations:,} scalar operations; the browser takes up to {MAX_TAPE_OPERATIONS:,}"
            )
        places = {number: place for place, number in enumerate(kept)}

        def renumbered(node: TapeNode) -> TapeNode:
            name, *rest = node
            return node if name in ("input", "const") else (name, *(places[number] for number in rest))  # type: ignore[index]

        return Tape(
            tuple(renumbered(self.nodes[number]) for number in kept),
            tuple(places[number] for number in ends),
            tuple((places[number], *guard) for number, guard in self.guards.items()),
        )


def _is_tame(name: str, scalars: Sequence[TapeScalar], operands: Sequence[Any]) -> bool:
    if not all(x.tame for x in scalars):
        return False
    if name == "div":
        return not isinstance(operands[1], TapeScalar) and operands[1] != 0
    if name == "pow":
        return not isinstance(operands[1], TapeScalar) and float(operands[1]).is_integer() and operands[1] > 0
    return name in TAME
