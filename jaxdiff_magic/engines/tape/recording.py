"""One run of a trace in which floating-point values that depend on the inputs are arrays of recording scalars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.bounded import Bounded
from jaxdiff_magic.engines.reference.run import Node, Result, RuleStep, Run
from jaxdiff_magic.engines.tape.recorder import MAX_RECORDED_STEPS, Recorder
from jaxdiff_magic.engines.tape.scalar import TapeScalar, is_truth, value_of
from jaxdiff_magic.subject.source import Location
from jaxdiff_magic.subject.trace import Constant, Equation, Trace

CHOICES: Mapping[str, str] = {
    "cond": "the branch of the condition",
    "while": "whether the loop goes on",
}
"""What a choice that Python makes is called; of other primitives it is a position or another whole number."""
MAX_RECORDED_EQUATIONS = 3_000
"""So many steps of any size are recorded in a fraction of a second."""
UNFIT = (TypeError, ValueError, IndexError, KeyError, AttributeError, ArithmeticError)
"""What Python and NumPy raise where a rule does not fit a use of its primitive."""


@dataclass
class Recording(Run):
    """A run whose values are known, as in any run at one point, or *live*: object arrays of scalars and numbers.

    What is known is computed by the rules of the reference, in float64; what is live by those of `rules`.

    Attributes:
        recorder: holds the tape.
        place: of the step that is recorded.
        doing: its primitive.
        equations: how many steps have been taken.
    """

    recorder: Recorder = field(default_factory=Recorder)
    place: Location = field(default_factory=Location)
    doing: str = ""
    equations: int = 0

    def literal(self, atom: Constant) -> Node:
        return self.constant(atom.rounded)

    def equation(self, equation: Equation, operands: list[Node]) -> list[Node]:
        self.equations += 1
        if self.equations > MAX_RECORDED_EQUATIONS:
            raise OutOfReach(f"it takes more than {MAX_RECORDED_EQUATIONS:,} steps; the browser takes short programs")
        before = self.place, self.doing
        self.place, self.doing = equation.location if equation.location.line else self.place, equation.primitive
        try:
            found = super().equation(equation, operands)
        finally:
            self.place, self.doing = before
        return [settled(node, variable.dtype) for node, variable in zip(found, equation.outputs, strict=True)]

    def apply(
        self,
        primitive: str,
        operands: Sequence[Node],
        params: Mapping[str, Any],
        results: Sequence[Result],
        bodies: Sequence[Trace] = (),
    ) -> list[Node]:
        if not any(map(is_live, operands)):
            return super().apply(primitive, operands, params, results, bodies)
        if rule := RULES.get(primitive):
            try:
                found = rule(self, list(operands), RuleStep(params, list(results), list(bodies)))
            except UNFIT as error:
                raise OutOfReach(f"the rule of {primitive} does not fit this use of it ({error})") from error
            if found is not None:
                return found
        if len(bodies) == 1:
            return self.trace(bodies[0], operands)
        raise OutOfReach(f"the browser has no `{primitive}`")

    def shared(self, node: Node) -> np.ndarray:
        """A whole or boolean value at the point; the tape is right only where it is the same."""
        if not is_live(node):
            return super().shared(node)
        flat = elements(node)
        choice = self.choice(CHOICES.get(self.doing, "a position that is computed"))
        numbers = elementwise(lambda x: self.recorder.frozen(x, choice), flat).astype(float)
        if not np.isfinite(numbers).all():
            raise OutOfReach(f"{choice} is not finite at the point")
        return numbers.astype(bool if all(map(is_truth, flat.ravel())) else np.int64)

    def choice(self, what: str) -> str:
        """Words for what is chosen in the present step."""
        return f"{what} in {self.place}" if self.place.line else what


Rule = Callable[[Recording, list[Node], RuleStep], list[Node] | None]
"""The results of a primitive some of whose operands are live; None where its body should be run."""
RULES: dict[str, Rule] = {}
"""Primitive to its rule; the files of `rules` fill it."""


def elementwise(f: Any, *arrays: np.ndarray) -> np.ndarray:
    """An object array of what a function gives for the elements of arrays that broadcast."""
    return np.asarray(np.frompyfunc(f, len(arrays), 1)(*arrays), object)


def is_live(node: Node) -> bool:
    """Whether a value is an array of scalars and numbers."""
    return not node.is_number and node.value.dtype == object


def live(array: Any) -> Node:
    """The node of an object array without the batch axis."""
    found = np.asarray(array, object)
    return Node(found[None], found.shape, False)


def lifted(node: Node) -> Node:
    """The same value as an object array, of plain numbers where it is known.

    Raises:
        OutOfReach: it is too large to be combined with what is live.
    """
    if is_live(node):
        return node
    if node.array.size > MAX_RECORDED_STEPS:
        raise OutOfReach(f"it has more than {MAX_RECORDED_STEPS:,} scalar operations, too many for the browser")
    if np.iscomplexobj(node.array):
        raise OutOfReach("it computes with complex numbers, which the browser has none of")
    return Node(node.array.astype(object), node.shape, False)


def elements(node: Node) -> np.ndarray:
    """The object array of a value, without the batch axis."""
    return lifted(node).value.reshape(node.shape)


def settled(node: Node, dtype: Any) -> Node:
    """A value none of whose elements depends on the inputs as a known one."""
    if not is_live(node) or any(isinstance(x, TapeScalar) for x in node.value.ravel()):
        return node
    numbers = elementwise(value_of, node.value).astype(float)
    if jnp.issubdtype(dtype, jnp.inexact):
        return Node(Bounded(numbers), node.shape, False)
    return Node(numbers.astype(dtype), node.shape, False)
