"""The points of a check: the user's own, and random ones around it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import primitives_of, subject_trace


def sample(subject: Subject, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The point and `count` random ones around it, exactly representable in the user's dtype.

    Returns:
        For each input leaf an array of shape `(1 + count, *leaf.shape)`, float64. Each number moves by about a tenth of
        itself, so that none changes its sign, which may not be in the function's domain; 0 by a tenth of the leaf's
        size (of 1 where the whole leaf is zero).
    """
    batches = []
    for leaf, value in zip(subject.inputs, subject.point, strict=True):
        center = np.asarray(value, np.float64)[None]
        finite = np.abs(center[np.isfinite(center)])
        size = float(np.sqrt(np.mean(finite**2))) if finite.size else 0.0
        steps = np.where(np.isfinite(center), np.where(center == 0, size or 1.0, np.abs(center)), 0.0)
        noise = 0.1 * rng.standard_normal((count, *leaf.shape)) * steps
        batch = np.concatenate([center, center + noise]).astype(jnp.dtype(leaf.dtype))
        batches.append(batch.astype(np.float64))
    return batches


def place_of(subject: Subject, points: Sequence[np.ndarray], k: int) -> str:
    """A sampled point at the end of a sentence; "" for the user's own."""
    if k == 0:
        return ""
    parts = (
        f"{leaf.name} = {np.array2string(batch[k], precision=4, threshold=6, separator=', ')}"
        for batch, leaf in zip(points, subject.inputs, strict=True)
    )
    return f", at {', '.join(parts)}"


def is_the_same(subject: Subject, value: Sequence[Any]) -> bool:
    """Whether a function that is run anew at each call gives the value that it gave before."""
    if not subject.untraceable:
        return True
    again = subject.flat(*map(jnp.asarray, subject.point))
    return all(np.allclose(a, b, rtol=1e-3, equal_nan=True) for a, b in zip(again, value, strict=True))


def where_it_ends(
    subject: Subject, reference: Reference | None, points: list[np.ndarray], deadline: float
) -> list[np.ndarray]:
    """The points, the first one always, at which the function's loops are known to end: elsewhere JAX may run for ever.

    Args:
        subject: the function.
        reference: its derivatives by local rules; None when they were not asked for.
        points: as `sample` gives them.
        deadline: an instant of `budget.now`; points not looked at by then are left out.
    """
    reference = reference or _of_loops(subject)
    if reference is None:
        return points
    kept = reference.ends(points, deadline)
    return [batch[kept] for batch in points]


def _of_loops(subject: Subject) -> Reference | None:
    """What tells where a function's loops end; None where it has none, or where they cannot be told."""
    trace = None if subject.untraceable else subject_trace(subject)
    return Reference(trace) if trace and "while" in primitives_of(trace) else None


def batched(
    subject: Subject, function: Callable[..., list[Any]]
) -> tuple[Callable[[list[np.ndarray]], list[np.ndarray]], float]:
    """A function of the subject's leaves on a batch of points, and the relative rounding error of its values.

    It is run in float64 where it can be: in its own dtype a difference quotient has few digits left. It raises
    OutOfReach at points where a loop may not end.
    """
    loops = _of_loops(subject)
    own = [np.asarray(value, np.float64)[None] for value in subject.point]

    def run(batch: list[np.ndarray], dtype: str | None) -> list[np.ndarray]:
        if loops and not loops.ends([np.concatenate(pair) for pair in zip(own, batch, strict=True)], math.inf).all():
            raise OutOfReach("a loop may not end nearby")
        # compiled anew for each batch: a compiled function that is kept would hold captured arrays in this dtype
        compiled = function if subject.untraceable else jax.jit(function)
        results = []
        for point in zip(*batch, strict=True):
            leaves = (x.astype(dtype or leaf.dtype) for x, leaf in zip(point, subject.inputs, strict=True))
            results.append([np.asarray(out) for out in compiled(*map(jnp.asarray, leaves))])
        return [np.stack(column) for column in zip(*results, strict=True)]

    def in_float64(batch: list[np.ndarray]) -> list[np.ndarray]:
        with jax.enable_x64(True):
            return run(batch, "float64")

    own_eps = max(float(jnp.finfo(leaf.dtype).eps) for leaf in (*subject.inputs, *subject.outputs))
    try:
        wide, narrow = in_float64(own), run(own, None)
        same = all(np.allclose(a, b, rtol=1e3 * own_eps, equal_nan=True) for a, b in zip(wide, narrow, strict=True))
        if same and all(out.dtype == np.float64 for out in wide):
            return in_float64, float(np.finfo(np.float64).eps)
    except (TypeError, ValueError, OutOfReach):  # captured arrays or dtypes that do not mix with float64; endless loops
        pass
    return lambda batch: [out.astype(np.float64) for out in run(batch, None)], own_eps


def native_point(subject: Subject, points: Sequence[np.ndarray], k: int) -> list[np.ndarray]:
    """One of the sampled points, each leaf in its own dtype."""
    return [batch[k].astype(leaf.dtype) for batch, leaf in zip(points, subject.inputs, strict=True)]
