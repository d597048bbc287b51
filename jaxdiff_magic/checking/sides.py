"""Slopes from the left and from the right, from function values alone.

Source: one-sided difference quotients extrapolated to step 0, in the manner of C. J. F. Ridders, "Accurate computation
of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4 (1982).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.base.budget import now, passed
from jaxdiff_magic.engines.reference.directions import leaf_places

STEPS = 14
"""Quotients are taken at so many steps, each half of the one before: a choice. The last is 1/8192 of the first, where
rounding takes four more of the 16 digits."""
LAST = 6
"""So many of the last changes between quotients, at steps below a hundredth of the first, show where they lead to. A
choice: fewer may grow alike by accident."""
JUMPS, STEEP = 1.9, 1.2
"""By what factor quotients grow when the step is halved: 2 at a jump, sqrt 2 for a root, 1 where there is a slope. The
numbers are choices between these."""
RISING = 0.98, 1.7, 2.3
"""Factors of the changes where quotients grow without end: 1 for x log x, 2^(1 - p) for x^p, up to 2 for a jump. What
grows by more than the second is told from a bend nearby only where it is large beside the slope."""
SETTLING = 0.9
"""By what factor at most the changes shrink where quotients have a limit: 1/2 where the function is smooth. A choice
between that and 1, where there is none."""
FINE = 1e-9
"""No jump is seen that is smaller than this part of the values around it. A choice: below half the digits of a float64,
far above its rounding."""
PORTION = 0.5
"""Seconds after which the clock is looked at again, where a function is slow. A choice: short enough to end in time,
long enough for runs of many points at once."""

Batch = list[np.ndarray]
"""For each leaf its values at several points, shape `(points, *shape)`."""
Values = Callable[[Batch], tuple[np.ndarray, np.ndarray]]
"""A batch of points to values and bounds on their rounding, each `(points, outputs)`, float64."""


@dataclass(frozen=True)
class Side:
    """One side of a point: arrays over the flat outputs.

    Attributes:
        slope: infinite at a jump and where the slope is; NaN where the function is not defined.
        error: an estimate of its error.
        doubt: how much the quotients still change where they do not settle, as those of a function in steps; 0 where
            they do.
        limit: the function's value beside the point.
        jumps: whether that is not the value at the point.
    """

    slope: np.ndarray
    error: np.ndarray
    doubt: np.ndarray
    limit: np.ndarray
    jumps: np.ndarray

    @property
    def off(self) -> np.ndarray:
        """How far the true slope may be from this one; infinite where nothing is known."""
        return 10 * (self.error + self.doubt)

    @property
    def is_known(self) -> np.ndarray:
        """Whether there is a slope to tell, or it is clear that there is none."""
        return ~np.isfinite(self.slope) | (self.off <= np.maximum(0.01 * np.abs(self.slope), 1e-6))


@dataclass(frozen=True)
class Slopes:
    """Both sides of a point along a direction; the slope from the left is that of f(x + t d) for t < 0."""

    left: Side
    right: Side
    middle: np.ndarray

    @property
    def apart(self) -> np.ndarray:
        """Where the two slopes are clearly not one finite slope."""
        left, right = self.left, self.right
        with np.errstate(invalid="ignore"):
            size = np.maximum(np.abs(left.slope), np.abs(right.slope))
            differ = np.abs(left.slope - right.slope) > left.off + right.off + 1e-6 * size
        infinite = np.isinf(left.slope) & np.isinf(right.slope)
        kinds = [np.isnan(side.slope) + 2 * np.isinf(side.slope) for side in (left, right)]
        only_one = (kinds[0] != kinds[1]) & np.isfinite(np.where(np.isfinite(left.slope), left.off, right.off))
        return differ | only_one | infinite


def both_sides(
    values: Values, point: Sequence[np.ndarray], directions: np.ndarray, deadline: float = np.inf
) -> list[Slopes]:
    """The slopes of a function along each of some directions.

    Args:
        values: of the function; the first point of a batch is always `point`.
        point: for each input leaf an array of its shape.
        directions: shape `(directions, inputs)`, flat over all leaves.
        deadline: the instant (`budget.now`) after which no further points are evaluated; the directions that are not
            done by then are missing at the end.
    """
    flat = np.concatenate([np.ravel(x) for x in point])
    moving = [np.abs(flat[d != 0]) for d in directions]
    scales = [float(np.median(m)) if m.size and np.median(m) > 0 else 1.0 for m in moving]
    steps = [0.1 * scale / 2.0 ** np.arange(STEPS) for scale in scales]
    moved = [flat + np.outer(np.concatenate([h, -h]), d) for h, d in zip(steps, directions, strict=True)]
    stacked = np.concatenate([flat[None], *moved])
    places = leaf_places([x.shape for x in point])
    batch = [stacked[:, place].reshape(len(stacked), *x.shape) for place, x in zip(places, point, strict=True)]
    with np.errstate(all="ignore"):
        found, errors = values(batch) if deadline == np.inf else _in_time(values, batch, deadline)
        done = (len(found) - 1) // (2 * STEPS)
        parts, noise = (
            array[1 : 1 + done * 2 * STEPS].reshape(done, 2, STEPS, array.shape[1]) for array in (found, errors)
        )
        return [
            Slopes(
                _side(found[0], part[1], (bounds[1] + errors[0]) / h[:, None], -h),
                _side(found[0], part[0], (bounds[0] + errors[0]) / h[:, None], h),
                found[0],
            )
            for part, bounds, h in zip(parts, noise, steps[:done], strict=True)
        ]


def _in_time(values: Values, batch: Batch, deadline: float) -> tuple[np.ndarray, np.ndarray]:
    """Values at the points of a batch, as many as there is time for; the first tells how long one takes."""
    started, count = now(), len(batch[0])
    found = [values([x[:1] for x in batch])]
    seconds = now() - started
    size = count if seconds * count < PORTION else max(1, int(PORTION / seconds))
    for start in range(1, count, size):
        if passed(deadline):
            break
        after = values([np.concatenate([x[:1], x[start : start + size]]) for x in batch])
        found.append((after[0][1:], after[1][1:]))
    return np.concatenate([v for v, _ in found]), np.concatenate([e for _, e in found])


def _side(middle: np.ndarray, beside: np.ndarray, rounding: np.ndarray, steps: np.ndarray) -> Side:
    """Neville's scheme on one-sided quotients, whose error has all powers of the step; the best entry wins."""
    h = steps[:, None]
    quotients = previous = (beside - middle) / h
    slope, error = previous[-1], np.full(middle.shape, np.inf)
    for order in range(1, STEPS):
        factor = 2.0**order
        column = (factor * previous[1:] - previous[:-1]) / (factor - 1)
        estimates = np.maximum(np.abs(column - previous[1:]), np.abs(column - previous[:-1])) + rounding[order:]
        for k in range(len(column)):
            better = estimates[k] < error
            slope, error = np.where(better, column[k], slope), np.where(better, estimates[k], error)
        previous = column
    slope = np.where(np.abs(slope) <= error, 0.0, slope)
    noise = np.where(np.isfinite(rounding), rounding, 0.0)
    growth, doubt = np.abs(quotients[-1]) / np.abs(quotients[-2]), _doubt(quotients, noise)
    rise = np.abs(beside[-1] - middle)
    is_clear = (rise > FINE * np.max(np.abs(beside), axis=0)) & (rise > noise[-1] * np.abs(steps[-1]))
    steep = is_clear & _rising(quotients, noise, growth > STEEP)
    slope = np.where(steep, np.copysign(np.inf, quotients[-1]), slope)
    slope = np.where(np.isfinite(beside[-1]) & np.isfinite(middle), slope, np.nan)
    error, doubt = (np.where(steep, 0.0, array) for array in (error, doubt))
    return Side(slope, error, doubt, 2 * beside[-1] - beside[-2], steep & (growth > JUMPS))


def _rising(quotients: np.ndarray, noise: np.ndarray, is_large: np.ndarray) -> np.ndarray:
    """Where quotients grow without end: the last changes all go the same way and do not shrink."""
    changes = np.diff(quotients, axis=0)[-LAST:] * np.sign(quotients[-1])
    ratios = changes[1:] / np.where(changes[:-1] == 0, np.inf, changes[:-1])
    low, middle, high = RISING
    is_steady = np.all((ratios >= low) & (ratios <= np.where(is_large, high, middle)), axis=0)
    return is_steady & np.all(changes > noise[-LAST:] + noise[-LAST - 1 : -1], axis=0)


def _doubt(quotients: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """The largest of the last changes where they do not shrink, rounding aside."""
    changes = np.abs(np.diff(quotients, axis=0)[-LAST:])
    too_large = changes[1:] > SETTLING * changes[:-1] + noise[-LAST + 1 :] + noise[-LAST:-1]
    return np.where(np.any(too_large, axis=0), np.max(changes, axis=0), 0.0)
