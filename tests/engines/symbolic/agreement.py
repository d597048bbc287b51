"""A function's formulas beside JAX's own numbers, both in float64."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.subject.subject import Subject, subject_of
from jaxdiff_magic.subject.trace import subject_trace


def assert_formulas_match(f: Callable[..., Any], *args: Any, order: int = 2) -> bool:
    """Fail where a formula's value, Jacobian or Hessian (up to `order`) misses JAX's.

    Returns:
        Whether the derivatives were compared: not where a choice in the formulas is at a tie.

    Raises:
        OutOfReach: there is no formula.
    """
    with jax.enable_x64(True):
        subject, derivation = formulas_of(f, *args)
        inputs, outputs = range(len(subject.inputs)), range(len(subject.outputs))
        batch = [np.asarray(leaf)[None] for leaf in subject.point]
        expected = jax.jit(_derivatives(subject.flat, len(inputs), order))(*subject.point)
        for k in range(order + 1):
            for path in itertools.product(outputs, *[inputs] * k):
                block = expected[k]
                for position in path:
                    block = block[position]
                block = np.asarray(block)
                values, errors, tie = derivation.evaluate(path, batch)
                if tie[0] and k:
                    return False
                assert values.shape == (1, *block.shape)
                _assert_close(values[0], errors[0], block, path)
    return True


def assert_formulas_match_differences(f: Callable[..., Any], *args: Any) -> None:
    """Fail where a formula's Jacobian misses central differences of the values: where JAX has no rule."""
    with jax.enable_x64(True):
        subject, derivation = formulas_of(f, *args)
        point, step = [jnp.asarray(leaf) for leaf in subject.point], 1e-5
        for position, leaf in enumerate(point):
            for entry in np.ndindex(*leaf.shape):
                moved = np.zeros(leaf.shape)
                moved[entry] = step
                ends = [
                    subject.flat(*point[:position], leaf + side * moved, *point[position + 1 :]) for side in (1, -1)
                ]
                for output, (above, below) in enumerate(zip(*ends, strict=True)):
                    values, _, _ = derivation.evaluate((output, position), [np.asarray(x)[None] for x in point])
                    expected = (np.asarray(above) - np.asarray(below)) / (2 * step)
                    np.testing.assert_allclose(values[(0, ..., *entry)], expected, rtol=1e-6, atol=1e-7)


def formulas_of(f: Callable[..., Any], *args: Any) -> tuple[Subject, Derivation]:
    """A function at a point, and its formulas; in the width that is in force."""
    leaves = [np.asarray(arg, float) for arg in args]
    subject = subject_of(f, leaves, {}, None)
    names = [leaf.name for leaf in subject.inputs], [leaf.name for leaf in subject.outputs]
    return subject, Derivation(subject_trace(subject), *names, subject.point)


def _derivatives(f: Callable[..., Any], arguments: int, order: int) -> Callable[..., list[Any]]:
    """The function and its derivatives with respect to all arguments, by JAX, as one function."""
    every = [f]
    for _ in range(order):
        every.append(jax.jacfwd(every[-1], argnums=tuple(range(arguments))))
    return lambda *leaves: [each(*leaves) for each in every]


def _assert_close(values: np.ndarray, errors: np.ndarray, expected: np.ndarray, path: tuple[int, ...]) -> None:
    known = np.isfinite(values) & np.isfinite(expected) & np.isfinite(errors)
    scale = np.max(np.abs(expected[known]), initial=1e-3)
    with np.errstate(invalid="ignore"):
        apart = known & (np.abs(values - expected) > 1e-10 * scale + 1e3 * errors)
    assert not np.any(apart), f"block {path}: the formula gives\n{values}\nJAX gives\n{expected}"


def primitives_of(f: Callable[..., Any], *args: Any) -> set[str]:
    """The primitives that JAX writes for a function of float64 arrays."""
    with jax.enable_x64(True):
        subject = subject_of(f, [np.asarray(arg, np.float64) for arg in args], {}, None)
        return {equation.primitive for equation in subject_trace(subject).equations}
