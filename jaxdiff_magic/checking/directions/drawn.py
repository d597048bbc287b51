"""The random vectors of a check along directions, and sizes of what they are drawn for."""

from __future__ import annotations

import numpy as np

from jaxdiff_magic.engines.jax.values import Values
from jaxdiff_magic.subject.subject import Subject


def weights_of(subject: Subject, values: Values, rng: np.random.Generator) -> np.ndarray:
    """A cotangent: 1 for a scalar function, else random, and 0 where an output has no finite value."""
    flat = np.concatenate([np.ravel(np.asarray(value, np.float64)) for value in values.value] or [np.zeros(0)])
    drawn = np.ones(1) if subject.is_scalar else rng.standard_normal(subject.output_size)
    return np.where(np.isfinite(flat), drawn, 0.0)


def direction_of(subject: Subject, rng: np.random.Generator) -> np.ndarray:
    """A random direction in which each leaf moves by about as much as it is, or 1."""
    parts = []
    for value in subject.point:
        x = np.asarray(value, np.float64).ravel()
        parts.append(rng.standard_normal(x.size) * (root_mean_square(x) or 1.0))
    return np.concatenate(parts or [np.zeros(0)])


def root_mean_square(x: np.ndarray) -> float:
    """Of the finite elements; 0 where there are none."""
    finite = x[np.isfinite(x)]
    return float(np.sqrt(np.mean(np.square(finite)))) if finite.size else 0.0


def largest_of(x: np.ndarray) -> float:
    """The largest absolute value of the finite elements; 0 where there are none."""
    return float(np.max(np.abs(x), initial=0.0, where=np.isfinite(x)))
