"""Tapes beside JAX's own numbers in float64: the function, its Jacobian and its Hessian."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.engines.tape import Tape, tape_of
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

from .interpreter import run

FAST_TO_COMPILE = {"xla_backend_optimization_level": 0}


@dataclass(frozen=True)
class Case:
    """A tape and JAX's numbers at a point; all inputs and all outputs are one vector each."""

    tape: Tape
    point: np.ndarray
    value: np.ndarray
    jacobian: np.ndarray
    hessian: np.ndarray


def tape_in_float64(f: Callable[..., Any], *args: Any) -> Tape:
    """The tape of a function of float64 arrays."""
    with jax.enable_x64(True):
        subject = subject_of(f, [np.asarray(arg, np.float64) for arg in args], {}, None)
        return tape_of(subject, subject_trace(subject))


def cases_of(
    f: Callable[..., Any],
    recorded_at: Sequence[Any],
    points: Sequence[Sequence[Any]],
    derivative: Callable[..., Any] = jax.jacfwd,
) -> list[Case]:
    """The tape of a function, recorded at one point, and JAX's numbers at some.

    Raises:
        OutOfReach: there is no tape.
    """
    tape = tape_in_float64(f, *recorded_at)
    with jax.enable_x64(True):
        shapes = [np.shape(arg) for arg in recorded_at]
        ends = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])

        def flat(x: jax.Array) -> jax.Array:
            parts = [x[a:b].reshape(shape) for a, b, shape in zip(ends, ends[1:], shapes, strict=False)]
            return jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree_util.tree_leaves(f(*parts))])

        def jet(x: jax.Array) -> tuple[jax.Array, ...]:
            return flat(x), derivative(flat)(x), derivative(derivative(flat))(x)

        vectors = [np.concatenate([np.ravel(np.asarray(arg, np.float64)) for arg in point]) for point in points]
        compiled = jax.jit(jet).lower(vectors[0]).compile(FAST_TO_COMPILE)
        return [Case(tape, x, *(np.asarray(part) for part in compiled(x))) for x in vectors]


def case_of(
    f: Callable[..., Any],
    *args: Any,
    recorded_at: Sequence[Any] | None = None,
    derivative: Callable[..., Any] = jax.jacfwd,
) -> Case:
    """The tape of a function (recorded at another point, if one is given) and JAX's numbers at a point."""
    return cases_of(f, args if recorded_at is None else recorded_at, [args], derivative)[0]


def assert_agrees(case: Case, tolerance: float = 1e-12) -> None:
    """Fail where the tape's numbers miss JAX's."""
    found = run(case.tape, case.point)
    assert found.holds, "a guard fails at the point"
    for ours, theirs in ((found.value, case.value), (found.jacobian, case.jacobian), (found.hessian, case.hessian)):
        size = np.max(np.abs(theirs[np.isfinite(theirs)]), initial=1.0)
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * size)


def assert_tape_as_jax(f: Callable[..., Any], *args: Any, recorded_at: Sequence[Any] | None = None) -> Tape:
    """The tape of a function that gives JAX's numbers at a point."""
    case = case_of(f, *args, recorded_at=recorded_at)
    assert_agrees(case)
    return case.tape
