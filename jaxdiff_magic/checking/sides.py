"""Slopes from the left and from the right, from function values alone.

Source: one-sided difference quotients extrapolated to step 0, in the manner of C. J. F. Ridders, "Accurate computation
of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4 (1982).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.reference.directions import leaf_places

STEPS = 14
JUMPS, STEEP = 1.9, 1.2
"""By what factor quotients grow when the step is halved: 2 at a jump, sqrt 2 for a root, 1 where there is a slope."""
FINE = 1e-9
"""No jump is seen that is smaller than this part of the values around it."""

Batch = list[np.ndarray]
"""For each leaf its values at several points, shape `(points, *shape)`."""


@dataclass(frozen=True)
class Side:
    """One side of a point: arrays over the flat outputs.

    Attributes:
        slope: infinite at a jump and where the slope is; NaN where the function is not defined.
        error: an estimate of its error.
        limit: the function's value beside the point.
        jumps: whether that is not the value at the point.
    """

    slope: np.ndarray
    error: np.ndarray
    limit: np.ndarray
    jumps: np.ndarray


@dataclass(frozen=True)
class Slopes:
    """Both sides of a point along a direction; the slope from the left is that of f(x + t d) for t < 0."""

    left: Side
    right: Side
    middle: np.ndarray

    @property
    def apart(self) -> np.ndarray:
        """Where the two slopes are clearly not the same."""
        left, right = self.left, self.right
        with np.errstate(invalid="ignore"):
            size = np.maximum(np.abs(left.slope), np.abs(right.slope))
            differ = np.abs(left.slope - right.slope) > 10 * (left.error + right.error) + 1e-6 * size
            only_one = np.isfinite(left.slope) != np.isfinite(right.slope)
            opposed = np.isinf(left.slope) & np.isinf(right.slope)
        return differ | only_one | opposed


def both_sides(
    values: Callable[[Batch], tuple[np.ndarray, np.ndarray]], point: Sequence[np.ndarray], directions: np.ndarray
) -> list[Slopes]:
    """The slopes of a function along each of some directions.

    Args:
        values: a batch of points to values and bounds on their rounding, each `(points, outputs)`, float64.
        point: for each input leaf an array of its shape.
        directions: shape `(directions, inputs)`, flat over all leaves.
    """
    flat = np.concatenate([np.ravel(x) for x in point])
    moving = [np.abs(flat[d != 0]) for d in directions]
    scales = [float(np.median(m)) if m.size and np.median(m) > 0 else 1.0 for m in moving]
    steps = [0.1 * scale / 2.0 ** np.arange(STEPS) for scale in scales]
    moved = [flat + np.outer(np.concatenate([h, -h]), d) for h, d in zip(steps, directions, strict=True)]
    stacked = np.concatenate([flat[None], *moved])
    places = leaf_places([x.shape for x in point])
    batch = [stacked[:, place].reshape(-1, *x.shape) for place, x in zip(places, point, strict=True)]
    with np.errstate(all="ignore"):
        found, errors = values(batch)
        parts, noise = (array[1:].reshape(len(directions), 2, STEPS, -1) for array in (found, errors))
        return [
            Slopes(
                _side(found[0], part[1], (bounds[1] + errors[0]) / h[:, None], -h),
                _side(found[0], part[0], (bounds[0] + errors[0]) / h[:, None], h),
                found[0],
            )
            for part, bounds, h in zip(parts, noise, steps, strict=True)
        ]


def _side(middle: np.ndarray, beside: np.ndarray, rounding: np.ndarray, steps: np.ndarray) -> Side:
    """Neville's scheme on one-sided quotients, whose error has all powers of the step; the best entry wins."""
    h = steps[:, None]
    previous = (beside - middle) / h
    slope, error = previous[-1], np.full(middle.shape, np.inf)
    growth = np.abs(previous[-1]) / np.where(previous[-2] == 0, np.inf, np.abs(previous[-2]))
    for order in range(1, STEPS):
        factor = 2.0**order
        column = (factor * previous[1:] - previous[:-1]) / (factor - 1)
        estimates = np.maximum(np.abs(column - previous[1:]), np.abs(column - previous[:-1])) + rounding[order:]
        for k in range(len(column)):
            better = estimates[k] < error
            slope, error = np.where(better, column[k], slope), np.where(better, estimates[k], error)
        previous = column
    slope = np.where(np.abs(slope) <= error, 0.0, slope)
    steep = (growth > STEEP) & (np.abs(beside[-1] - middle) > FINE * np.max(np.abs(beside), axis=0))
    slope = np.where(steep, np.copysign(np.inf, (beside[-1] - middle) / h[-1]), slope)
    slope = np.where(np.isfinite(beside[-1]) & np.isfinite(middle), slope, np.nan)
    return Side(slope, np.where(steep, 0.0, error), 2 * beside[-1] - beside[-2], steep & (growth > JUMPS))
