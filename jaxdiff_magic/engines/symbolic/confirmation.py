"""Whether a rewritten formula still has the values of the index form: compared at random points in float64."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import sympy as sp

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.evaluate import evaluation
from jaxdiff_magic.engines.symbolic.expression import rename
from jaxdiff_magic.engines.symbolic.matrix import Matrix
from jaxdiff_magic.engines.symbolic.matrix_values import value
from jaxdiff_magic.engines.symbolic.program import Array, Definition, Program

MAX_PROBED = 4096
"""Of a derivative with more entries only a few rows are compared. A choice of time."""
PROBED_ROWS = 3
"""So many rows, drawn at random: a choice of time. A form that is wrong is mostly wrong in any row."""


def points_near(program: Program, point: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Three points: one near the given, one of positive numbers, one of normal ones; a batch for each input."""
    rng = np.random.default_rng(7)
    batches = []
    for array, x in zip(program.inputs, point, strict=True):
        near = np.asarray(x, float) * (1 + 0.05 * rng.uniform(-1, 1, array.shape)) + 0.01 * rng.normal(size=array.shape)
        others = rng.uniform(0.3, 1.7, array.shape), rng.normal(size=array.shape)
        batches.append(np.stack([near, *others]).reshape(3, *array.shape))
    return batches


def probes(definition: Definition, rows: int) -> list[tuple[Definition, int | None]]:
    """The definition whole, or a few of its rows, each with its number."""
    whole = definition.array.shape
    if math.prod(whole) <= MAX_PROBED or not rows or rows == len(whole):
        return [(definition, None)]
    rng = np.random.default_rng(11)
    found = []
    for _ in range(PROBED_ROWS):
        at = tuple(int(rng.integers(length)) for length in whole[:rows])
        fixed = dict(zip(definition.indices[:rows], map(sp.Integer, at), strict=True))
        rest = Array.named(definition.array.name, whole[rows:])
        row = Definition(rest, definition.indices[rows:], rename(definition.expr, fixed))
        found.append((row, int(np.ravel_multi_index(at, whole[:rows]))))
    return found


def same_values(program: Program, a: Definition, b: Definition, rows: int, points: Sequence[np.ndarray]) -> bool:
    """Whether two expressions of a program have the same values, within rounding."""
    started = evaluation(program, points)
    pairs = zip(probes(a, rows), probes(b, rows), strict=True)
    return all(agree(*started.of(first), *started.of(second)) for (first, _), (second, _) in pairs)


def confirm(program: Program, definition: Definition, rows: int, found: Matrix, points: Sequence[np.ndarray]) -> None:
    """Raise OutOfReach unless a matrix form has the values of the index form."""
    started = evaluation(program, points)
    constants = {array.label: values for array, values in program.constants}
    with np.errstate(all="ignore"):
        for probe, row in probes(definition, rows):
            expected, errors = started.of(probe)
            for k in range(len(expected)):
                inputs = {array.label: batch[k] for array, batch in zip(program.inputs, points, strict=True)}
                chosen = None if row is None else np.array([row])
                try:
                    numbers = value(found, {**constants, **inputs}, chosen).reshape(expected[k].shape)
                except np.linalg.LinAlgError:  # a singular matrix, or one with no Cholesky factor, at this point
                    numbers = np.full(expected[k].shape, np.nan)
                if not agree(expected[k], errors[k], numbers, errors[k], some=k == 0):
                    raise OutOfReach("its matrix form could not be confirmed by numbers")


def agree(a: np.ndarray, a_error: np.ndarray, b: np.ndarray, b_error: np.ndarray, some: bool = True) -> bool:
    """Whether two arrays are equal within rounding wherever both are finite (and are so anywhere, if `some`)."""
    a, b, a_error, b_error = np.broadcast_arrays(a, b, a_error, b_error)
    finite = np.isfinite(a) & np.isfinite(b) & np.isfinite(a_error) & np.isfinite(b_error)
    if not finite.any():
        return not some or a.size == 0
    scale = np.max(np.abs(a[finite]), initial=0.0)
    apart = np.abs(a[finite] - b[finite])
    return bool(np.all(apart <= 1e-9 * scale + 1e3 * (a_error + b_error)[finite] + 1e-300))
