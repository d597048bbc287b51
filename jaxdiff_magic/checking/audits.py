"""One derivative rule against the code that it stands for, at operands that runs of the function gave it.

The step (a call of a function with a rule of its own, or one operation) is a function to be checked like any other:
JAX's forward and reverse programs of it, which follow the rule, run in float64 against the derivatives of its code. A
rule is called wrong only where it misses them beyond both rounding bounds, JAX's own number is the rule's, and
differences of the code's values side with the code's derivative.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.differences import directional
from jaxdiff_magic.checking.excess import Disputed
from jaxdiff_magic.checking.likeness import likeness_of
from jaxdiff_magic.checking.rules import (
    APPROXIMATE,
    MAX_DISPUTED,
    RuleName,
    apart,
    converging,
    rule_trace,
    rule_values,
    values_side_with,
)
from jaxdiff_magic.checking.steps import Alone, subjects_of
from jaxdiff_magic.engines.jax.values import NO_DERIVATIVE
from jaxdiff_magic.engines.reference.bounded import EPS
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.reference.directions import Found, Path, leaf_places, total_size
from jaxdiff_magic.engines.reference.rule_values import NotLinear, RuleValues
from jaxdiff_magic.engines.reference.watching import Watched
from jaxdiff_magic.subject.leaves import Leaf
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Equation, RuleCall, subject_trace, trace_of

FEW_NUMBERS = 50_000
"""Every entry of a rule's Jacobian is looked at while no array of the run has more numbers than this. A choice of time
and memory: 400 kB for each array of the run."""
MAX_ENTRY_NUMBERS = 4_000_000
"""Beyond, directions are random ones, and entries are looked at where those differ, up to this. A choice of memory: 32
MB for each array of the run."""
ROUNDING = 1e3
"""A rule may compute the function's value another way: so many units in the last place are allowed for. A choice of
three digits: a wrong rule that is nearer than this is not named."""
MAX_SECOND = 200_000
"""Likewise of its second derivative. A choice of time and memory: 1.6 MB for each array of the run."""


@dataclass(frozen=True)
class Defect:
    """What is wrong with a rule.

    Attributes:
        kind: "derivative" (it is not the derivative of the code), "second derivative", "not linear" (in its tangent or
            cotangent), "not finite" (where the derivative of the code is), "value" (the rule returns another value
            than the function), or "fails" (JAX refuses it).
        entry: the derivative or value looked at, as a reader writes it; "" where none is meant.
        given, expected: what the rule gives there and what the code does; None where there is no such number.
        likeness: how the rule differs, in words that follow "it": "is 2 times the derivative"; or "".
        message: JAX's, where the rule fails.
        disputed: what the rule and the code give for the whole derivative; None where it was not looked at.
    """

    kind: str
    entry: str = ""
    given: float | None = None
    expected: float | None = None
    likeness: str = ""
    message: str = ""
    disputed: Disputed | None = field(default=None, compare=False, repr=False)


def defect_of(
    step: RuleCall | Equation, seen: Sequence[Sequence[Watched]], names: Sequence[str], name: str, order: int
) -> Defect | None:
    """What is wrong with the rule of a step; None where nothing is, or nothing can be said.

    Args:
        step: the call, or the operation.
        seen: its operands, as runs gave them.
        names: of the operands.
        name: of the function.
        order: of the highest derivative to look at, 1 or 2.

    Raises:
        OutOfReach: its code, or its rule, cannot be run here.
    """
    for alone in subjects_of(step, seen, names, name):
        with np.errstate(all="ignore"):  # what is not finite is left out of comparisons
            found = _Audit(alone.subject, alone.points, alone, order, getattr(step, "kind", "")).defect()
        if found:
            return found
    return None


@dataclass(frozen=True)
class _Audit:
    """One step at a batch of points."""

    subject: Subject
    points: list[np.ndarray]
    step: Alone
    order: int
    kind: str

    def defect(self) -> Defect | None:
        """The gravest thing that is wrong."""
        modes: list[RuleName] = ["reverse"] if self.kind == "custom_vjp" else ["forward", "reverse"]
        looks = [self._value, *(functools.partial(self._derivative, mode) for mode in modes)]
        if self.order > 1:
            looks.append(functools.partial(self._derivative, "second"))
        reasons = []
        for look in looks:
            try:
                if found := look():
                    return found
            except OutOfReach as error:  # the others may tell
                reasons.append(error)
        if len(reasons) == len(looks):
            raise reasons[0]
        return None

    @functools.cached_property
    def reference(self) -> Reference:
        """The derivatives of its code."""
        return Reference(subject_trace(self.subject))

    @functools.cached_property
    def eps(self) -> float:
        leaves = (*self.subject.inputs, *self.subject.outputs)
        return max(float(jnp.finfo(leaf.dtype).eps) for leaf in leaves)

    # The value that the rule returns beside the derivative

    def _value(self) -> Defect | None:
        try:
            trace = trace_of(lambda *leaves: jax.vjp(self.subject.flat, *leaves)[0], self.subject.point, self.subject)
        except NO_DERIVATIVE:
            return None  # which the derivatives will tell
        by_rule = Reference(trace)
        for o, leaf in enumerate(self.subject.outputs):
            theirs, ours = (found.evaluate((o,), self.points) for found in (by_rule, self.reference))
            scale = np.max(np.abs(ours.values), initial=0.0, where=np.isfinite(ours.values))
            with np.errstate(invalid="ignore"):
                distance = np.abs(theirs.values - ours.values)
            off = apart(theirs, ours, self.eps) & (distance > ROUNDING * self.eps * scale)
            if off.any():
                at = _largest(distance, off)
                leaves = [jnp.asarray(x[at[0]], i.dtype) for x, i in zip(self.points, self.subject.inputs, strict=True)]
                native = [
                    f(*leaves)[o][at[1:]] for f in (lambda *xs: jax.vjp(self.subject.flat, *xs)[0], self.subject.flat)
                ]
                if abs(float(native[0]) - float(native[1])) < 0.5 * abs(theirs.values[at] - ours.values[at]):
                    continue
                return Defect("value", leaf.element(at[1:]), float(theirs.values[at]), float(ours.values[at]))
        return None

    # Derivatives

    def _derivative(self, name: RuleName) -> Defect | None:
        try:
            rule = rule_values(self.subject, name, rule_trace(self.subject, name))
        except OutOfReach as error:
            exists = self.kind == {"forward": "custom_jvp", "reverse": "custom_vjp"}.get(name)
            return Defect("fails", message=error.reason) if exists else None
        if name == "second" and rule.numbers > MAX_SECOND:
            return None
        if rule.numbers <= FEW_NUMBERS or name == "second":
            return self._entries(name, rule)
        for k in range(len(self.points[0])):
            there = replace(self, points=[batch[k : k + 1] for batch in self.points])
            if found := there._along_random(name, rule):
                is_small = found.kind == "derivative" and rule.numbers <= MAX_ENTRY_NUMBERS
                return (there._entries(name, rule) if is_small else None) or found
        return None

    def _entries(self, name: RuleName, rule: RuleValues) -> Defect | None:
        """Entry by entry."""
        outputs, inputs = range(len(self.subject.outputs)), range(len(self.subject.inputs))
        for path in itertools.product(outputs, *[inputs] * (2 if name == "second" else 1)):
            try:
                theirs = rule.evaluate(path, self.points)
            except NotLinear:
                return Defect("not linear", message="tangent" if name == "forward" else "cotangent")
            ours = self.reference.evaluate(path, self.points)
            if found := self._not_finite(name, path, theirs, ours) or self._missed(name, path, theirs, ours):
                return found
        return None

    def _not_finite(self, name: RuleName, path: Path, theirs: Found, ours: Found) -> Defect | None:
        """Where a rule gives NaN or an infinity, and the whole derivative of the code is finite."""
        known = np.isfinite(ours.values) & np.isfinite(ours.errors)
        clear = known.reshape(len(known), -1).all(axis=1) & ~(ours.at_tie | theirs.at_tie)
        lost = ~np.isfinite(theirs.values) & clear.reshape(-1, *[1] * (known.ndim - 1))
        if name == "second" or not lost.any():
            return None
        k, *entry = at = _largest(np.abs(ours.values), lost)
        native = self._native(name, path, tuple(entry), [batch[k] for batch in self.points])
        if np.isfinite(native):
            return None
        return Defect("not finite", self._entry(path, entry), native, float(ours.values[at]))

    def _missed(self, name: RuleName, path: Path, theirs: Found, ours: Found) -> Defect | None:
        """What a rule gives wrong in one block, once it is confirmed."""
        with np.errstate(invalid="ignore"):
            distance = np.abs(theirs.values - ours.values)
        off = apart(theirs, ours, self.eps) & (distance > APPROXIMATE * np.abs(ours.values))
        for _ in range(MAX_DISPUTED if off.any() else 0):
            at = _largest(distance / np.where(off, np.abs(ours.values) + np.abs(theirs.values), 1.0), off)
            k, *entry = at
            given, expected = float(theirs.values[at]), float(ours.values[at])
            point = [batch[k] for batch in self.points]
            native = self._native(name, path, tuple(entry), point)
            same = abs(native - given) <= 0.25 * abs(given - expected)
            alone = [x[None] for x in point]
            ahead = converging(self.reference, path, alone, theirs.values[k], ours.values[k])[tuple(entry)]
            if same and not ahead and values_side_with(expected, given, self.reference, path, tuple(entry), point):
                kind = "second derivative" if name == "second" else "derivative"
                likeness = _common_likeness(theirs, ours, off, len(self.subject.outputs[path[0]].shape))
                disputed = Disputed(self.step.entire, self.points, name, path, tuple(entry), theirs, ours)
                return Defect(kind, self._entry(path, entry), given, expected, likeness, disputed=disputed)
            off[k] = False
            if not off.any():
                break
        return None

    def _entry(self, path: Path, entry: Sequence[int]) -> str:
        """`half[2] with respect to x[2]`."""
        leaf, places, start = self.subject.outputs[path[0]], [], len(self.subject.outputs[path[0]].shape)
        for i in path[1:]:
            shape = self.subject.inputs[i].shape
            places.append(self.subject.inputs[i].element(tuple(entry[start : start + len(shape)])))
            start += len(shape)
        output = leaf.element(tuple(entry[: len(leaf.shape)]))
        return f"{output} with respect to {' and '.join(places)}"

    def _native(self, name: RuleName, path: Path, entry: tuple[int, ...], point: Sequence[np.ndarray]) -> float:
        """JAX's own number for one entry, in the user's dtype."""
        output, inputs = path[0], path[1:]
        start = len(self.subject.outputs[output].shape)
        leaves = [jnp.asarray(x, leaf.dtype) for x, leaf in zip(point, self.subject.inputs, strict=True)]
        seeds = _unit(self.subject.outputs, output, entry[:start])
        units, places = [], []
        for i in inputs:
            places.append(entry[start : start + len(self.subject.inputs[i].shape)])
            units.append(_unit(self.subject.inputs, i, places[-1]))
            start += len(self.subject.inputs[i].shape)
        if name == "forward":
            return float(jax.jvp(self.subject.flat, leaves, units[0])[1][output][entry[: len(seeds[output].shape)]])
        pullback = lambda *xs: jax.vjp(self.subject.flat, *xs)[1](tuple(seeds))  # noqa: E731
        if name == "reverse":
            return float(pullback(*leaves)[inputs[0]][places[0]])
        second = jax.jit(lambda xs: jax.jvp(pullback, xs, units[1])[1])  # which leaves out what has no forward mode
        return float(second(leaves)[inputs[0]][places[0]])

    # Where the Jacobian is too large to be looked at entry by entry

    def _along_random(self, name: RuleName, rule: RuleValues) -> Defect | None:
        """Along a random tangent or cotangent; whether the rule is linear there."""
        shapes = [leaf.shape for leaf in (self.subject.inputs if name == "forward" else self.subject.outputs)]
        rng = np.random.default_rng(total_size(shapes))
        one, two = rng.uniform(0.5, 2.0, (2, total_size(shapes))) * rng.choice([-1.0, 1.0], (2, total_size(shapes)))
        rows = np.stack([one, two, one + two, -64.0 * one])
        points = [batch[:1] for batch in self.points]
        raw, tie = rule.along(points, *((None, rows) if name == "forward" else (rows, None)))
        ours = self.reference.along(points, one) if name == "forward" else self.reference.against(points, one)
        leaves = self.subject.outputs if name == "forward" else self.subject.inputs
        for k, ((values, errors), expected, leaf) in enumerate(zip(raw, ours, leaves, strict=True)):
            if _is_bent(values[0], errors[0]):
                return Defect("not linear", message="tangent" if name == "forward" else "cotangent")
            theirs = Found(values[:, 0], errors[:, 0], tie)
            off = apart(theirs, expected, self.eps)
            if off.any():
                at = _largest(np.abs(theirs.values - expected.values), off)
                given, true = float(theirs.values[at]), float(expected.values[at])
                if self._values_side_with(name, k, at[1:], one, given, true):
                    what = "along a random tangent" if name == "forward" else "from a random cotangent"
                    likeness = likeness_of(theirs.values[0], expected.values[0], off[0], leaf.size)
                    return Defect("derivative", f"{leaf.element(at[1:])} {what}", given, true, likeness)
        return None

    def _values_side_with(
        self, name: RuleName, k: int, entry: Sequence[int], row: np.ndarray, given: float, expected: float
    ) -> bool:
        """Whether differences of the code's values confirm one number along a random direction against another."""
        point, outputs = [batch[0] for batch in self.points], range(len(self.subject.outputs))
        direction = [np.zeros_like(x) for x in point]
        if name == "forward":
            places = leaf_places([leaf.shape for leaf in self.subject.inputs])
            direction = [row[place].reshape(x.shape) for place, x in zip(places, point, strict=True)]
        else:
            direction[k][tuple(entry)] = 1.0
        found = directional(
            lambda batch: [self.reference.evaluate((o,), batch, freeze=True).values for o in outputs], point, direction
        )
        if name == "forward":
            estimate, error = found.estimate[k][tuple(entry)], found.error[k][tuple(entry)]
        else:
            estimate, error = (
                float(weight @ np.concatenate([part.ravel() for part in parts]))
                for weight, parts in ((row, found.estimate), (np.abs(row), found.error))
            )
        return bool(abs(estimate - expected) <= 0.1 * abs(given - expected) and error <= 0.1 * abs(given - expected))


def _is_bent(values: np.ndarray, errors: np.ndarray) -> bool:
    """Whether a rule's numbers along a, b, a + b and -64 a are not those of a linear map."""
    one, two, both, multiple = values
    e_one, e_two, e_both, e_multiple = errors + 64 * EPS * np.abs(values)
    sums = np.abs(both - one - two) > 64 * (e_one + e_two + e_both) + np.finfo(float).tiny
    multiples = np.abs(multiple + 64.0 * one) > 64 * (64 * e_one + e_multiple) + np.finfo(float).tiny
    finite = np.isfinite(values).all(axis=0)
    return bool(np.any((sums | multiples) & finite))


def _largest(distance: np.ndarray, where: np.ndarray) -> tuple[int, ...]:
    """The place of the largest element among some, at the first point that has one: the user's own comes first."""
    first = int(np.argmax(where.reshape(len(where), -1).any(axis=1)))
    at = np.unravel_index(int(np.argmax(np.where(where[first], distance[first], -1.0))), distance.shape[1:])
    return first, *(int(i) for i in at)


def _common_likeness(theirs: Found, ours: Found, off: np.ndarray, outputs: int) -> str:
    """How a block differs at all points alike; a single number is a multiple of any other, which says nothing."""
    places = np.flatnonzero(off.reshape(len(off), -1).any(axis=1))
    said = {likeness_of(theirs.values[k], ours.values[k], off[k], outputs) for k in places}
    return said.pop() if len(said) == 1 and (len(places) > 1 or ours.values[0].size > 1) else ""


def _unit(leaves: Sequence[Leaf], position: int, entry: tuple[int, ...]) -> list[Any]:
    """Zeros of the leaves' shapes, with a 1 in one place."""
    arrays = [np.zeros(leaf.shape, leaf.dtype) for leaf in leaves]
    arrays[position][entry] = 1.0
    return [jnp.asarray(array) for array in arrays]
