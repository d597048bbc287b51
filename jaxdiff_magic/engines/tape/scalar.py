"""The recording scalar: a number that knows its node on the tape, an element of object arrays.

NumPy calls the operators of such elements, so that its sums, products and matrix products are recorded as they run.
What asks for a plain number or a truth value raises TypeError: no choice is made without being noticed.
"""

from __future__ import annotations

from typing import Any, Protocol

from jaxdiff_magic.engines.tape.program import TapeNode


class Records(Protocol):
    """What notes operations: see `recorder.Recorder`."""

    nodes: list[TapeNode]
    zeros_are_structural: bool

    def record(self, name: str, *operands: Any) -> Any:
        """The result of an operation."""


class TapeScalar:
    """A number that depends on the inputs.

    Attributes:
        recorder: whose tape it is on.
        number: of its node.
        value: at the point.
        truth: whether it is 1 or 0 wherever it is.
        whole: whether it is a whole number wherever it is.
        tame: whether it is finite, with finite derivatives, at all finite inputs, overflow apart.
    """

    __slots__ = ("number", "recorder", "tame", "truth", "value", "whole")

    def __init__(self, recorder: Records, number: int, value: float, truth: bool, whole: bool, tame: bool) -> None:
        self.recorder, self.number, self.value = recorder, number, value
        self.truth, self.whole, self.tame = truth, whole, tame

    def __repr__(self) -> str:
        return f"%{self.number}={self.value:g}"

    def __bool__(self) -> bool:
        raise TypeError("it depends on the inputs")

    def __add__(self, other: Any) -> Any:
        return self.recorder.record("add", self, other)

    def __sub__(self, other: Any) -> Any:
        return self.recorder.record("sub", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.recorder.record("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        return self.recorder.record("mul", self, other)

    def __truediv__(self, other: Any) -> Any:
        return self.recorder.record("div", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.recorder.record("div", other, self)

    def __neg__(self) -> Any:
        return self.recorder.record("neg", self)

    __radd__, __rmul__ = __add__, __mul__


def value_of(x: Any) -> float:
    """The number at the point."""
    return x.value if isinstance(x, TapeScalar) else float(x)


def is_zero(x: Any) -> bool:
    """Whether it is a constant 0."""
    return not isinstance(x, TapeScalar) and x == 0


def is_truth(x: Any) -> bool:
    """Whether it is 1 or 0 (or a plain truth value) wherever it is."""
    return x.truth if isinstance(x, TapeScalar) else isinstance(x, bool)
