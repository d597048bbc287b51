"""Derivatives from function values alone: central differences, extrapolated, with an error estimate.

Source: C. J. F. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4 (1982).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Batch = list[np.ndarray]
"""For each leaf, its values at several points, shape `(points, *shape)`."""
Column = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Estimates, error estimates and kinks, `(points, *shape)` each."""

STEPS, FINE = 12, 23
"""So many steps are tried, each half of the one before; and where the larger ones do not settle an estimate. Of 12 the
last is 1/2048 of the first, of 23 it is 1/4,194,304: choices, of which the first takes half the time."""
COARSE = 1e-3
"""Where an estimate is known less well than this, smaller steps are tried: only there is chaos straight. A choice:
three digits are enough to tell a rule that is wrong from one that is right."""
UNSETTLED = 0.01
"""Noise that is this part of all that the values vary by is no rounding: the function is chaotic even at the smallest
steps, and its values show no slope. A choice: far above the rounding of any dtype but the half precisions, far below
the variation itself."""
DOUBLED = 8.0
"""Neville's scheme makes rounding at most about this much larger: its weights grow by (4**k + 1) / (4**k - 1)."""
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Difference:
    """A directional derivative by differences.

    Attributes:
        estimate: for each output leaf, the derivative, shape of the leaf.
        error: an estimate of its error, truncation and rounding together.
        kink: whether the slopes from the left and from the right differ.
    """

    estimate: list[np.ndarray]
    error: list[np.ndarray]
    kink: list[np.ndarray]


def directional(
    values: Callable[[Batch], Batch],
    point: Sequence[np.ndarray],
    direction: Sequence[np.ndarray],
    eps: float = EPS,
    alike: bool = False,
) -> Difference:
    """The derivative of `values` at a point along a direction.

    Args:
        values: the function, on a batch of points at once.
        point, direction: for each input leaf an array of its shape, float64.
        eps: relative rounding error of the function's values.
        alike: whether all entries of a result round as the largest does.
    """
    with np.errstate(all="ignore"):  # infinite and undefined values show in the error estimate
        largest = _largest_step(point, direction)

        def at(steps: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
            offsets = np.concatenate([[0.0], steps, -steps])
            batch = [
                np.asarray(x)[None] + offsets.reshape(-1, *[1] * np.ndim(x)) * np.asarray(d)[None]
                for x, d in zip(point, direction, strict=True)
            ]
            return [_extrapolated(out, steps, eps, alike) for out in values(batch)]

        found = at(largest / 2.0 ** np.arange(STEPS))
        if eps <= EPS and any(np.any(error > COARSE * np.abs(best)) for best, error, _ in found):
            found = at(largest / 2.0 ** np.arange(FINE))
    return Difference(*(list(column) for column in zip(*found, strict=True)))


def _largest_step(point: Sequence[np.ndarray], direction: Sequence[np.ndarray]) -> float:
    """A tenth of the scale of the coordinates that move."""
    moving = [
        np.abs(x[d != 0] / d[d != 0]) for x, d in zip(map(np.asarray, point), map(np.asarray, direction), strict=True)
    ]
    ratios = np.concatenate([part.ravel() for part in moving]) if moving else np.zeros(0)
    scale = float(np.median(ratios)) if ratios.size else 0.0
    return 0.1 * scale if scale > 0 else 0.1


def _extrapolated(
    values: np.ndarray, steps: np.ndarray, eps: float, alike: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Neville's scheme on central differences of one output; the entry with the least error wins."""
    count = len(steps)
    middle, ahead, behind = values[0], values[1 : count + 1], values[count + 1 :]
    h = steps.reshape(-1, *[1] * middle.ndim)
    column = (ahead - behind) / (2 * h)
    size = np.maximum(np.abs(ahead), np.abs(behind))
    if alike:
        size = np.full(size.shape, np.max(size, initial=0.0))
    own = np.maximum(2 * eps * size, _grain(ahead - behind)) / h
    bend = np.abs(ahead - 2 * middle + behind) / h
    seen = np.logical_and.accumulate(bend > 100 * own)  # fourth differences take a kink for noise
    # at a jump f(x) itself stands apart, whatever the step
    apart = seen[-1] & (np.abs(bend[-1] * h[-1] - bend[0] * h[0]) < 0.01 * bend[0] * h[0])
    # what has lost no more than half of its digits may have lost them to rounding, which is that of the largest value
    large = np.sqrt(eps) * np.nanmax(np.abs(values), initial=0.0)
    noise = _noise(np.where(apart, (ahead[-1] + behind[-1]) / 2, middle), ahead + behind, large)
    rounding = np.maximum(own, noise / h)
    best, error = column[0], np.full(middle.shape, np.inf)
    previous = column
    factor = 4.0
    for order in range(1, count):
        column = (factor * previous[1:] - previous[:-1]) / (factor - 1)
        estimates = np.maximum(np.abs(column - previous[1:]), np.abs(column - previous[:-1])) + rounding[order:]
        estimates = np.maximum(estimates, _contradicted(column, rounding[order:]))
        for k in range(len(column)):
            better = estimates[k] < error
            best, error = np.where(better, column[k], best), np.where(better, estimates[k], error)
        previous, factor = column, factor * 4
    # smooth: (f(x + h) - 2 f(x) + f(x - h)) / h shrinks with h; at a kink it stays; of noise it grows as 1 / h
    far, near = bend[0], bend[STEPS // 2]
    last = np.take_along_axis(bend, np.maximum(seen.sum(axis=0) - 1, 0)[None], 0)[0]
    kink = seen[STEPS // 2] & (np.minimum(near, last) > 0.5 * far) & (near < far * h[0] / (2 * h[STEPS // 2]))
    slopes = np.abs(ahead - behind) / h
    jumps = (slopes[-1] > 2 * slopes[-5]) & (slopes[-5] > 2 * slopes[-9]) & (slopes[-1] > large / h[-1])
    unsettled = (noise > UNSETTLED * np.ptp(values, axis=0)) & (noise > large)
    return best, np.where(unsettled | jumps, np.inf, error), apart | (kink & ~unsettled)


def _contradicted(column: np.ndarray, rounding: np.ndarray) -> np.ndarray:
    """How far each estimate of one order is from those at smaller steps, beyond their rounding.

    In chaos large steps show a slope that is settled, and small steps another.
    """
    allowed, found = DOUBLED * rounding, np.zeros_like(column)
    least = np.minimum.accumulate((column + allowed)[:0:-1])[::-1]  # of all at smaller steps
    most = np.maximum.accumulate((column - allowed)[:0:-1])[::-1]
    found[:-1] = np.maximum(column[:-1] - least, most - column[:-1])
    return np.where(np.isnan(found), 0.0, np.maximum(found, 0.0))


def _noise(middle: np.ndarray, pairs: np.ndarray, large: float) -> np.ndarray:
    """Four times the noise of one output's values, by fourth differences over the three smallest steps.

    What is large, and falls by 8 at each of them, is no noise: there the function itself bends.

    Source: J. J. Moré, S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011).
    """
    fourth = np.abs(pairs[-4:-1] - 4 * pairs[-3:] + 6 * middle)
    falls = (fourth[0] > 8 * fourth[1]) & (fourth[1] > 8 * fourth[2]) & (fourth[0] > large)
    return 4 * np.where(falls, fourth[2], np.max(fourth, axis=0)) / np.sqrt(70)  # 1 + 16 + 36 + 16 + 1


def _grain(changes: np.ndarray) -> np.ndarray:
    """The smallest change that a value shows, where it shows none over other steps: what it is made of has lost digits.

    As 1 - tanh(x)**2 has, whose rounding is that of 1, and not of what is left.
    """
    sizes = np.abs(changes)
    least = np.min(np.where(sizes > 0, sizes, np.inf), axis=0)
    return np.where(np.any(sizes == 0, axis=0) & np.isfinite(least), least, 0.0)
