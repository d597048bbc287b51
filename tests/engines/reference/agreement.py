"""The reference beside JAX's own numbers, both in float64."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.subject.subject import Subject, subject_of
from jaxdiff_magic.subject.trace import subject_trace, trace_of

SLACK = 16.0
"""Bounds are first order and follow one order of evaluation; JAX's is another."""

FAST_TO_COMPILE = {"xla_backend_optimization_level": 0}
"""Each program runs once or twice."""


def subject_in_float64(f: Callable[..., Any], *args: Any) -> Subject:
    """A function at a point of float64 arrays; to be called under `enable_x64`."""
    return subject_of(f, [np.asarray(arg, np.float64) for arg in args], {}, None)


def reference_of(f: Callable[..., Any], *args: Any) -> Reference:
    """The reference of a function of float64 arrays."""
    with jax.enable_x64(True):
        return Reference(subject_trace(subject_in_float64(f, *args)))


def assert_as_jax(f: Callable[..., Any], *args: Any, order: int = 2) -> None:
    """Fail where the reference's value or a derivative up to `order` misses JAX's at a point that is at no tie."""
    assert compared(f, [np.asarray(arg, np.float64)[None] for arg in args], order) == "compared"


def compared(f: Callable[..., Any], points: Sequence[np.ndarray], order: int = 2) -> str:
    """Compare value and derivatives up to `order` with JAX's along random directions, one for each order.

    Every entry of a block is multiplied by a random number and counts, and JAX compiles the derivatives along two
    directions much faster than whole Hessians.

    Args:
        f: from arrays to a pytree of arrays.
        points: for each argument a batch of points.
        order: the highest order of derivative.

    Returns:
        "compared"; "at a tie" where a choice is undecided at every point; "not finite" where a value or derivative
        is not finite on one side.

    Raises:
        OutOfReach: the reference has no rule.
        AssertionError: the reference is wrong.
    """
    with jax.enable_x64(True):
        subject = subject_in_float64(f, *(p[0] for p in points))
        reference = Reference(subject_trace(subject))
        n = len(subject.inputs)
        rng = np.random.default_rng(0)
        directions = [[rng.uniform(0.3, 1.0, leaf.shape) for leaf in subject.inputs] for _ in range(order)]
        ours = [_contracted(reference, points, directions[:k], n) for k in range(order + 1)]
        jax_s = _along(subject.flat, directions)
        derivatives = jax.jit(jax_s).lower(*subject.point).compile(FAST_TO_COMPILE)
        at_tie, finite = True, True
        for position in range(len(points[0])):
            expected = derivatives(*(p[position] for p in points))
            for k, (found, theirs) in enumerate(zip(ours, expected, strict=True)):
                for output, ((values, errors, tie), block) in enumerate(zip(found, theirs, strict=True)):
                    if k == 0 or not tie[position]:
                        point = [p[position] for p in points]
                        rounding = lambda k=k, o=output, point=point: _rounding(jax_s, subject, point, k, o)  # noqa: E731
                        finite &= _close(values[position], errors[position], np.asarray(block), k, rounding)
                    at_tie &= bool(tie[position])
    return "at a tie" if at_tie and ours[0] else "compared" if finite else "not finite"


def _along(f: Callable[..., Any], directions: Sequence[Sequence[np.ndarray]]) -> Callable[..., tuple[Any, ...]]:
    """The function and its derivatives along one direction after the other, by JAX."""

    def all_orders(*leaves: Any) -> tuple[Any, ...]:
        return (f(*leaves),)

    for direction in directions:

        def all_orders(*leaves: Any, below: Any = all_orders, direction: Any = direction) -> tuple[Any, ...]:
            values, tangents = jax.jvp(below, leaves, tuple(direction))
            return *values, tangents[-1]

    return all_orders


def _contracted(
    reference: Reference, points: Sequence[np.ndarray], directions: Sequence[Sequence[np.ndarray]], inputs: int
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """For each output the reference's derivatives of one order along directions, their bounds, and the tie flags."""
    found = []
    for output, shape in enumerate(reference.outputs):
        values, errors = np.zeros((2, len(points[0]), *shape))
        tie = np.zeros(len(points[0]), bool)
        for path in itertools.product(range(inputs), repeat=len(directions)):
            block = reference.evaluate((output, *path), points)
            expected = sum((reference.inputs[i] for i in path), tuple(shape))
            assert block.values.shape == block.errors.shape == (len(points[0]), *expected)
            parts = [block.values, block.errors]
            for position, direction in reversed(list(zip(path, directions, strict=True))):
                weights, axes = direction[position], np.ndim(direction[position])
                parts = [np.tensordot(part, weights, axes) for part in parts]
            values, errors, tie = values + parts[0], errors + parts[1], tie | block.at_tie
        found.append((values, errors, tie))
    return found


def _rounding(
    program: Callable[..., Any], subject: Subject, point: Sequence[np.ndarray], order: int, output: int
) -> np.ndarray:
    """The bound on the rounding of one of JAX's own numbers: of the program that JAX writes for it."""
    trace = trace_of(lambda *leaves: program(*leaves)[order][output], subject.point, subject)
    return Reference(trace).evaluate((0,), [np.asarray(leaf)[None] for leaf in point]).errors[0]


def _close(
    values: np.ndarray, errors: np.ndarray, expected: np.ndarray, order: int, rounding: Callable[[], np.ndarray]
) -> bool:
    """Whether all is finite; fails where it is and the two differ beyond the reference's rounding and JAX's."""
    assert values.shape == expected.shape
    known = np.isfinite(values) & np.isfinite(expected) & np.isfinite(errors)
    size = np.max(np.abs(expected[known]), initial=1e-3)
    with np.errstate(invalid="ignore"):
        distance = np.abs(values - expected)
        apart = known & (distance > SLACK * errors + 1e-13 * size)
        if np.any(apart):
            theirs = rounding()
            apart &= ~(distance <= SLACK * (errors + theirs) + 1e-13 * size)
    assert not np.any(apart), (
        f"order {order}: the reference gives\n{values}\nwith bounds\n{errors}\nJAX gives\n{expected}"
    )
    return bool(known.all())
