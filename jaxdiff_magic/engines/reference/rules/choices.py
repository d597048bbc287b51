"""Elementwise choices: comparisons, maxima, selections, and what is piecewise constant."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jaxdiff_magic.engines.reference.bounded import (
    Bounded,
    Number,
    add,
    base,
    choose,
    move,
    weigh,
    with_value,
)
from jaxdiff_magic.engines.reference.precise import is_finite
from jaxdiff_magic.engines.reference.rules.movement import collapsed
from jaxdiff_magic.engines.reference.run import Node, Result, Rule, RuleStep, Run, TotalRule

TIE_BOUNDS = 4.0
"""A comparison is undecided where its sides are nearer than this many bounds on their rounding. A choice of two bits,
since bounds are first order."""


def near(a: np.ndarray, b: np.ndarray, error: np.ndarray | float | None) -> np.ndarray:
    """Where two values are within rounding of each other."""
    with np.errstate(invalid="ignore"):
        return np.abs(a - b) <= TIE_BOUNDS * (0.0 if error is None else error)


def apart(a: Bounded, b: Bounded) -> np.ndarray:
    """Where two values are within rounding of each other."""
    error = (0.0 if a.error is None else a.error) + (0.0 if b.error is None else b.error)
    return near(a.data, b.data, error)


def unordered(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where a comparison asks whether a value is NaN or infinite: it is so at the point, and beside it perhaps not."""
    return (a != a) | (b != b) | (~is_finite(a) & (a == b))


def comparison(compare: Callable[[np.ndarray, np.ndarray], np.ndarray], total: bool = False) -> Rule:
    """Which of two values is larger; undecided where they are within rounding of each other."""

    def rule(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
        shape = step.results[0].shape
        values = [run.expanded(x, shape) for x in xs]
        if xs[0].is_number:
            a, b = map(base, values)
            values = [a.data, b.data]
            if total:
                values = [np.where(v != v, np.inf, v) for v in values]
            if not (run.is_choice(xs[0], xs[1]) or run.is_choice(xs[1], xs[0])):
                compared = np.where(undefined := unordered(a.data, b.data), np.nan, a.data - b.data)
                tied = False if xs[0] is xs[1] else apart(a, b)  # x != x asks whether x is NaN
                decided = run.decide(undefined | tied, compare(*values), *xs, compared=compared)
                return run.record(xs, [decided], [shape], lambda _: [None, None])
        return run.record(xs, [compare(*values)], [shape], lambda _: [None, None])

    return rule


def finite(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """Whether a value is finite: where it is not, it may be so at the point alone."""
    x = base(xs[0].value).data
    found = is_finite(x)
    decided = run.decide(~found, found, *xs, compared=np.where(found, 1.0, np.nan))
    return run.record(xs, [decided], [xs[0].shape], lambda _: [None])


def on_integers(function: Callable[..., np.ndarray]) -> Rule:
    """Logic, bits, and tests of numbers: no derivative."""

    def rule(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
        shape, dtype = step.results[0].shape, step.results[0].dtype
        arrays = [base(v).data if isinstance(v, Number) else v for v in (run.expanded(x, shape) for x in xs)]
        value = np.asarray(function(*arrays)).astype(dtype)
        return run.record(xs, [value], [shape], lambda _: [None] * len(xs))

    return rule


def piecewise_constant(function: Callable[[np.ndarray], np.ndarray], jump: Callable[[np.ndarray], np.ndarray]) -> Rule:
    """floor, sign …: derivative zero, but for the places where it jumps."""

    def rule(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
        if not xs[0].is_number:
            return run.record(xs, [function(xs[0].value)], [xs[0].shape], lambda _: [None])
        x = base(xs[0].value)
        step_, at = jump(x.data), near(x.data, jump(x.data), x.error)
        value = run.decide(at, function(x.data), *xs, compared=x.data - step_)
        return [Node(Bounded(value), xs[0].shape, False)]

    return rule


def absolute(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """|x|, of complex numbers too; 0 is at a tie."""
    x = xs[0]
    if not x.is_number:
        return run.record(xs, [np.abs(x.value)], [x.shape], lambda _: [None])
    if np.iscomplexobj(x.array):
        parts = [run.apply(part, xs, {}, step.results)[0] for part in ("real", "imag")]
        squares = [run.apply("square", [part], {}, step.results)[0] for part in parts]
        return run.apply("sqrt", run.apply("add", squares, {}, step.results), {}, step.results)
    b = base(x.value)
    sign = run.decide(near(b.data, np.zeros(()), b.error), np.sign(b.data), x, compared=b.data)
    return run.record(xs, [weigh(x.value, sign)], [x.shape], lambda g: [None if g[0] is None else weigh(g[0], sign)])


def extremum(larger: bool) -> TotalRule:
    """max and min: the derivative of the one that is taken, half of each where they are equal."""

    def rule(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
        shape = step.results[0].shape
        values = [run.expanded(x, shape) for x in xs]
        if not xs[0].is_number:
            function = np.maximum if larger else np.minimum
            return run.record(xs, [function(*values)], [shape], lambda _: [None, None])
        a, b = map(base, values)
        first = (a.data > b.data) if larger else (a.data < b.data)
        left = np.where(a.data == b.data, 0.5, first.astype(float))
        left = run.decide(apart(a, b), left, *xs, compared=a.data - b.data)
        value = add(weigh(values[0], left), weigh(values[1], 1 - left))
        value = with_value(value, np.maximum(a.data, b.data) if larger else np.minimum(a.data, b.data))

        def pull(adjoints: list[Number | None]) -> list[Number | None]:
            g = adjoints[0]
            if g is None:
                return [None, None]
            return [collapsed(run, weigh(g, left), xs[0]), collapsed(run, weigh(g, 1 - left), xs[1])]

        found = run.record(xs, [value], [shape], pull)
        run.note_choice(found[0], xs)
        return found

    return rule


def clamp(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """The nearest number between two bounds."""
    low, x, high = xs
    result = [Result(x.shape, step.results[0].dtype)]
    (raised,) = extremum(True)(run, [x, low], RuleStep({}, result))
    return extremum(False)(run, [raised, high], RuleStep({}, result))


def select(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """Case 0 is the one taken where a boolean `which` is false."""
    which, *cases = xs
    shape = step.results[0].shape
    chosen = np.asarray(run.expanded(which, shape)).astype(int)
    if not cases[0].is_number:
        values = np.broadcast_arrays(*(run.expanded(case, shape) for case in cases), chosen)
        value = np.select([values[-1] == k for k in range(len(cases))], values[:-1])
        return run.record(xs, [value.astype(step.results[0].dtype)], [shape], lambda _: [None] * len(xs))
    value = choose(chosen, [run.expanded(case, shape) for case in cases])
    masks = [(chosen == k).astype(float) for k in range(len(cases))]

    def pull(adjoints: list[Number | None]) -> list[Number | None]:
        g = adjoints[0]
        found = [
            collapsed(run, weigh(g, mask), case) if g is not None and case.varies else None
            for case, mask in zip(cases, masks, strict=True)
        ]
        return [None, *found]

    return run.record(xs, [value], [shape], pull)


def frozen(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """stop_gradient: the value as a constant, or (`Run.freeze`) the constant that it is at the first point."""
    x = xs[0]
    if not x.is_number or run.thawed:
        return [x]
    value = base(x.value)
    if run.freeze and value.data.shape[0] > 1:
        keep = lambda a: np.broadcast_to(a[:1], a.shape)  # noqa: E731
        value = move(value, keep)
    return [Node(value, x.shape, False)]
