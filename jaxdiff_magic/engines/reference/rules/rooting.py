"""Loops that close in on a root: differentiated by the condition that their result meets, not by their steps.

A bisection halves an interval by the sign of F(x, θ). What its steps depend on θ by are jumps, so that their derivative
is 0, whatever the root's is. The root meets F(x, θ) = 0, and that is differentiated here: x' = -F_θ / F_x, by steps of
x ← x - F(x, θ) / F_x with F_x held fixed, each of which gives one order of derivatives more (the implicit function
theorem; Griewank & Walther, "Evaluating Derivatives", ch. 15).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.bounded import EPS, Bounded, level
from jaxdiff_magic.engines.reference.precise import nearest
from jaxdiff_magic.engines.reference.run import Node, Result, Run
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.subject.dependence import leading_to
from jaxdiff_magic.subject.trace import Atom, Equation, Trace, Variable

SHRUNK = 1e-3
"""A bracket is what becomes smaller than this part of itself: ten halvings."""
MAX_CARRIED = 16
"""Loops that carry more than this are followed step by step. A choice: searches for a root carry a few ends, values and
counters."""
COMPARISONS = having("compares") | {"sign"}
BEYOND, NEAR, APART = 8.0, 1e-6, 1e-7
"""F is looked at so many final widths beside the root, so much of the first width, so much of the root itself. Choices:
beyond the rounding of the root, within what the first bracket is known to hold."""

Values = dict[Variable, Node]


@dataclass(frozen=True)
class _Bracket:
    """What a loop closes in on.

    Attributes:
        root: shape `(*batch, *shape)`.
        before, after: how wide the bracket was at first, and is in the end.
        shape: of the root.
    """

    root: np.ndarray
    before: np.ndarray
    after: np.ndarray
    shape: tuple[int, ...]


@dataclass(frozen=True)
class _Condition:
    """F: a value of the loop's body, and what that is computed by; or the difference of two.

    Attributes:
        of: the value, and what is taken from it.
        steps: those equations of the body that it takes.
    """

    of: tuple[Variable, ...]
    steps: Sequence[Equation]


def settled(
    run: Run, body: Trace, constants: Sequence[Node], before: Sequence[Node], loop: Callable[[], list[Node]]
) -> list[Node]:
    """The results of a loop; where it closes in on a root, with the derivatives of the root.

    Args:
        run: in progress.
        body: of the loop: constants and what it carries to what it carries.
        constants, before: what it is given.
        loop: runs it.
    """
    tie, taped = run.at_tie.copy(), len(run.entries)
    after = loop()
    is_compared = any(equation.primitive in COMPARISONS for equation in body.equations)
    if is_compared and len(before) <= MAX_CARRIED and any(node.varies for node in (*constants, *before)):
        for bracket in _brackets(before, after):
            try:
                found = _Root(run, body, constants, before, after, bracket).results(tie)
            except _Entangled:
                raise OutOfReach(
                    "a loop closes in on a root by comparisons, and what it gives besides has jumps"
                ) from None
            except OutOfReach:
                continue
            if found is not None:
                results, began = found
                run.closing_in.append(body)
                run.entries[taped:] = run.entries[began:]
                return results
    return after


def _brackets(before: Sequence[Node], after: Sequence[Node]) -> Iterator[_Bracket]:
    """Pairs of numbers whose distance has shrunk, and numbers beside which a step has."""
    numbers = [i for i, node in enumerate(after) if node.is_number and not np.iscomplexobj(node.array)]
    begun, ended = ({i: nearest(nodes[i].array) for i in numbers} for nodes in (before, after))
    pairs = [(i, j) for k, i in enumerate(numbers) for j in numbers[k + 1 :] if after[i].shape == after[j].shape]
    with np.errstate(all="ignore"):
        for i, j in pairs:
            first, last = (np.abs(nodes[i] - nodes[j]) for nodes in (begun, ended))
            if np.all((first > 0) & (last <= SHRUNK * first)):
                yield _Bracket((ended[i] + ended[j]) / 2, first, last, after[i].shape)
        for i, j in [*pairs, *(pair[::-1] for pair in pairs)]:
            first, last = np.abs(begun[j]), np.abs(ended[j])
            moved = np.abs(ended[i] - begun[i])
            if np.all((first > 0) & (last <= SHRUNK * first) & (moved <= 4 * first)) and np.any(moved):
                yield _Bracket(ended[i] + 0 * last, first, last, after[i].shape)


class _Entangled(Exception):
    """Beside a root, a loop carries numbers whose derivatives that of the root does not tell."""


class _Root:
    """A root that a loop has closed in on."""

    def __init__(
        self,
        run: Run,
        body: Trace,
        constants: Sequence[Node],
        before: Sequence[Node],
        after: Sequence[Node],
        bracket: _Bracket,
    ) -> None:
        self.run, self.body, self.bracket = run, body, bracket
        self.constants, self.before, self.after = constants, before, after
        arrays = [node.array if node.is_number and node.shape == bracket.shape else None for node in after]
        near = 2 * bracket.after + 64 * EPS * np.abs(bracket.root)
        self.at_root = [x is not None and bool(np.all(np.abs(x - bracket.root) <= near)) for x in arrays]
        self.vanishing = [
            x is not None and not here and bool(np.all(np.abs(x) <= SHRUNK * np.abs(first.array)))
            for x, here, first in zip(arrays, self.at_root, before, strict=True)
        ]
        carried = body.inputs[len(constants) :]
        self.unchanged = [out is own for out, own in zip(body.outputs, carried, strict=True)]

    def results(self, tie: np.ndarray) -> tuple[list[Node], int] | None:
        """What the loop carries in the end, and where its own part of the tape begins; None where no root is seen.

        Args:
            tie: at which points a choice was at a tie before the loop.
        """
        known = zip(self.after, self.at_root, self.vanishing, self.unchanged, strict=True)
        others = any(node.is_number and node.varies and not any(why) for node, *why in known)
        reached = self.run.at_tie.copy()
        watch, self.run.watch = self.run.watch, None
        try:
            for condition in self._conditions():
                if (slope := self._slope(condition)) is not None:
                    if others:
                        raise _Entangled
                    self.run.at_tie[...] = tie
                    began = len(self.run.entries)
                    root = self._differentiated(condition, slope)
                    return [self._carried(k, root) for k in range(len(self.after))], began
        finally:
            self.run.watch = watch
        self.run.at_tie[...] = reached
        return None

    def _carried(self, k: int, root: Node) -> Node:
        """One of the numbers that the loop carries in the end."""
        after = self.after[k]
        if self.unchanged[k]:
            return self.before[k]
        if not self.at_root[k]:
            return Node(Bounded(after.array), after.shape, False) if self.vanishing[k] else after
        beside = self._fixed(after.array - self.bracket.root)
        return self.run.apply("add", [root, beside], {}, [self._result])[0]

    @property
    def _result(self) -> Result:
        return Result(self.bracket.shape, np.dtype(float))

    def _fixed(self, data: np.ndarray) -> Node:
        return Node(Bounded(data), self.bracket.shape, False)

    # The condition

    def _conditions(self) -> Iterator[_Condition]:
        """Values that some comparison of the body looks at, those that are compared themselves first."""
        compared = [eq for eq in self.body.equations if eq.primitive in COMPARISONS]
        for equation in compared:
            of = tuple(atom for atom in equation.inputs if isinstance(atom, Variable))
            if of and all(self._fits(v) for v in of):
                yield _Condition(of, self._steps(of))
        behind = {v for eq in compared for step in self._steps(eq.inputs) for v in step.outputs}
        for equation in reversed(self.body.equations):
            for v in equation.outputs:
                if v in behind and self._fits(v):
                    yield _Condition((v,), self._steps((v,)))

    def _fits(self, v: Variable) -> bool:
        return v.shape == self.bracket.shape and np.issubdtype(v.dtype, np.floating)

    def _steps(self, atoms: Sequence[Atom]) -> list[Equation]:
        return leading_to(self.body.equations, atoms)[0]

    def _value(self, condition: _Condition, root: Node) -> Node:
        """F where everything that has come to the root is there, and steps are 0."""
        carried = [
            root if here else self._fixed(0 * self.bracket.root) if gone else first if same else node
            for node, first, here, gone, same in zip(
                self.after, self.before, self.at_root, self.vanishing, self.unchanged, strict=True
            )
        ]
        known: Values = dict(zip(self.body.inputs, (*self.constants, *carried), strict=True))
        for equation in condition.steps:
            operands = [known[x] if isinstance(x, Variable) else self.run.literal(x) for x in equation.inputs]
            known.update(zip(equation.outputs, self.run.equation(equation, operands), strict=True))
        values = [known[v] for v in condition.of]
        return values[0] if len(values) == 1 else self.run.apply("sub", values, {}, [self._result])[0]

    def _slope(self, condition: _Condition) -> np.ndarray | None:
        """F_x, where F is a function of θ that changes its sign with x at the root, as a line does; else None."""
        here = self.bracket
        h = np.maximum(np.maximum(BEYOND * here.after, NEAR * here.before), APART * np.abs(here.root))
        taped, self.run.taped = self.run.taped, False
        try:
            at = self._value(condition, self._fixed(here.root))
            if not (at.is_number and at.varies):
                return None
            right, left = (self._value(condition, self._fixed(here.root + d)).array for d in (h, -h))
            change = right - left
            is_line = np.abs(right + left - 2 * at.array) <= 0.5 * np.abs(change)
            if not np.all((right * left < 0) & (np.abs(at.array) <= 0.25 * np.abs(change)) & is_line):
                return None
            if np.prod(here.shape, dtype=int) > 1:  # each element must have a root of its own
                signs = np.where(np.random.default_rng(0).random(here.shape) < 0.5, -1.0, 1.0)
                signs.flat[:2] = -1.0, 1.0
                mixed = self._value(condition, self._fixed(here.root + signs * h)).array
                if not np.all(np.abs(mixed - np.where(signs > 0, right, left)) <= 1e-3 * np.abs(change)):
                    return None
            return change / (2 * h)
        finally:
            self.run.taped = taped

    def _differentiated(self, condition: _Condition, slope: np.ndarray) -> Node:
        """The root, with all derivatives that the run follows. Its value stays where the loop has come to."""
        run, root = self.run, self._fixed(self.bracket.root)
        value = self._value(condition, root)
        size, inverse = self._fixed(value.array), self._fixed(1 / slope)
        for _ in range(level(*self._numbers(value)) + run.taped + 1):
            off = run.apply("sub", [value, size], {}, [self._result])
            (change,) = run.apply("mul", [*off, inverse], {}, [self._result])
            (root,) = run.apply("sub", [root, change], {}, [self._result])
            value = self._value(condition, root)
        return root

    def _numbers(self, value: Node) -> list:
        return [node.value for node in (*self.constants, *self.before, value) if node.is_number]
