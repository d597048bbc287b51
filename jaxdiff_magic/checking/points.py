"""The points of a check: the user's own, and random ones around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.subject import Subject


def sample(subject: Subject, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The point and `count` random ones around it, exactly representable in the user's dtype.

    Returns:
        For each input leaf an array of shape `(1 + count, *leaf.shape)`, float64. Random points lie about a
        tenth of the leaf's size away (of 1 where the leaf is zero).
    """
    batches = []
    for leaf, value in zip(subject.inputs, subject.point, strict=True):
        center = np.asarray(value, np.float64)[None]
        size = float(np.sqrt(np.mean(center**2))) if center.size else 0.0
        noise = rng.standard_normal((count, *leaf.shape)) * 0.1 * (size or 1.0)
        batch = np.concatenate([center, center + noise]).astype(jnp.dtype(leaf.dtype))
        batches.append(batch.astype(np.float64))
    return batches


def batched(
    subject: Subject, function: Callable[..., list[Any]]
) -> tuple[Callable[[list[np.ndarray]], list[np.ndarray]], float]:
    """A function of the subject's leaves on a batch of points, and the relative rounding error of its values.

    It is run in float64 where it can be: in its own dtype a difference quotient has few digits left.
    """

    def run(batch: list[np.ndarray], dtype: str | None) -> list[np.ndarray]:
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

    point = [np.asarray(value, np.float64)[None] for value in subject.point]
    own_eps = max(float(jnp.finfo(leaf.dtype).eps) for leaf in (*subject.inputs, *subject.outputs))
    try:
        wide, own = in_float64(point), run(point, None)
        same = all(np.allclose(a, b, rtol=1e3 * own_eps, equal_nan=True) for a, b in zip(wide, own, strict=True))
        if same and all(out.dtype == np.float64 for out in wide):
            return in_float64, float(np.finfo(np.float64).eps)
    except (TypeError, ValueError):  # captured arrays or dtypes in the code that do not mix with float64
        pass
    return lambda batch: [out.astype(np.float64) for out in run(batch, None)], own_eps
