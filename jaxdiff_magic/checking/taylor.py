"""The Taylor remainder |f(x + hv) - f(x) - h J v| over a range of steps: order 2 in h where J is right, 1 where wrong.

Both directions are looked at, v and -v: at a kink the remainder is of order 1 as well, but not odd in h. Steps at which
the remainder is no larger than the rounding of the numbers that it is made of are left out.

Source: Farrell, Ham, Funke & Rognes, "Automated derivation of the adjoint of high-level transient finite element
programs", SIAM J. Sci. Comput. 35 (2013), section 5 (the Taylor remainder as a test of derivatives).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from jaxdiff_magic.checking.differences import Batch

Says = Literal["right", "wrong", "cannot decide"]
SAYS: Final[tuple[Says, ...]] = ("right", "cannot decide", "wrong")
RIGHT, UNDECIDED, WRONG = range(len(SAYS))

MARGIN = 16.0
"""A remainder shows no more than rounding while it is below this many times its bound. A choice of four bits, as
`SAFETY` in `sharper.py`."""
NEEDED = 4
"""A slope is read off no fewer steps than this. A choice: two give any slope, and three may be in line by accident."""
SPREAD = 0.3
"""How far local slopes may be from the slope over all steps used. A choice below a half, so that slopes 1 and 2 are
never taken for each other."""
SETTLED = 0.1
"""Central differences that grow by this part from one step to the next smaller one come to no slope, as in chaos. A
choice: where there is a slope, they change by ever less."""
EPS = float(np.finfo(np.float64).eps)


def steps_for(eps: float, fine: bool) -> np.ndarray:
    """Steps, relative to the direction, from 0.1 to where rounding drowns every remainder.

    Args:
        eps: relative rounding error of the function's values.
        fine: whether two steps to a decade are affordable, for functions of which rounding hides most.
    """
    if eps <= EPS:
        return 10.0 ** -np.arange(1.0, 9.25, 0.5 if fine else 1.0)
    return 0.1 * 0.5 ** np.arange(12)  # few steps are left where values have few digits: lay them closer


@dataclass(frozen=True)
class Remainders:
    """What the remainders of each element of an output say. Arrays have the output's shape.

    Attributes:
        says: positions in `SAYS`.
        slope: of log remainder against log step; NaN where every remainder is rounding.
        largest, smallest: the steps between which the slope was read off; NaN where there are none.
        floor: the largest step at which rounding hides the remainder; 0 where none does.
        error: the derivative along the direction is wrong by no more than this, by central differences.
        kink: whether the slopes from both sides differ.
    """

    says: np.ndarray
    slope: np.ndarray
    largest: np.ndarray
    smallest: np.ndarray
    floor: np.ndarray
    error: np.ndarray
    kink: np.ndarray

    def worst(self) -> tuple[int, ...]:
        """The element with the gravest news: wrong, else undecided, else of the lowest slope."""
        rank = 10.0 * self.says - np.minimum(np.nan_to_num(self.slope, nan=9.0), 9.0)
        return tuple(map(int, np.unravel_index(int(np.argmax(rank)), rank.shape)))


def line(point: Sequence[np.ndarray], direction: Sequence[np.ndarray], steps: np.ndarray) -> Batch:
    """The points x, x + hv and x - hv for every step h, as a batch.

    Args:
        point, direction: for each input leaf an array of its shape, float64.
        steps: h.
    """
    offsets = np.concatenate([[0.0], steps, -steps])
    return [
        np.asarray(x)[None] + offsets.reshape(-1, *[1] * np.ndim(x)) * np.asarray(d)[None]
        for x, d in zip(point, direction, strict=True)
    ]


def remainders(
    found: np.ndarray, bounds: np.ndarray, product: np.ndarray, rounding: np.ndarray, steps: np.ndarray
) -> Remainders:
    """The remainders of one output along a direction and its opposite.

    Args:
        found: the output at the points of `line`, shape `(points, *shape)`.
        bounds: on its rounding, of the same shape.
        product: J v, of the output's shape.
        rounding: bounds on the rounding of J v.
        steps: h, falling by one factor.
    """
    with np.errstate(all="ignore"):  # infinite and undefined values are left out below
        return _read(found, bounds, product, rounding, steps)


def _read(
    found: np.ndarray, bounds: np.ndarray, product: np.ndarray, rounding: np.ndarray, steps: np.ndarray
) -> Remainders:
    count, shape = len(steps), found.shape[1:]
    h = steps.reshape(-1, *[1] * len(shape))
    middle, ahead, behind = found[0], found[1 : count + 1], found[count + 1 :]
    up, down = ahead - middle - h * product, behind - middle + h * product
    size = np.maximum(np.abs(up), np.abs(down))
    noise = bounds[0] + np.maximum(bounds[1 : count + 1], bounds[count + 1 :]) + h * (rounding + EPS * np.abs(product))
    finite = np.isfinite(size) & np.isfinite(noise)
    above = finite & (size > MARGIN * noise)
    error = np.min(np.where(finite, np.abs(up - down) / (2 * h) + noise / h, np.inf), axis=0)
    slope, largest, smallest, last, steady = _slopes(size, above, h)
    at_last = np.take_along_axis(np.abs(up + down) / size, np.maximum(last, 0)[None], 0)[0]
    kink = steady & (slope < 1.5) & (at_last > 0.2)
    still = finite & (ahead == middle) & (behind == middle)  # values in stairs: the steps are below one stair
    stairs = still.any(axis=0) & ~still.all(axis=0)
    scale = np.max(np.abs(product), initial=0.0)
    exact = (error <= 1e-6 * np.abs(product)) | (finite.all(axis=0) & (size == 0).all(axis=0))
    exact |= ~above.any(axis=0) & (error <= 1e-6 * scale)
    right = exact | (steady & (slope > 2 - SPREAD))
    # as many steps as a slope is read off, at least, show one derivative; in chaos each shows a larger one
    central = np.abs(ahead - behind) / (2 * h)
    grows = central[1:] - central[:-1] > SETTLED * central[1:] + 2 * noise[1:] / h[1:]
    index = np.arange(count - 1).reshape(-1, *[1] * len(shape))
    unsettled = (grows & (index >= last - (NEEDED - 1)) & (index < last)).any(axis=0)
    wrong = ~right & steady & (np.abs(slope - 1) < 0.5 * SPREAD) & ~kink & ~stairs & ~unsettled
    hidden = np.where(finite & ~above, h, 0.0).max(axis=0)
    return Remainders(
        np.select([right, wrong], [RIGHT, WRONG], UNDECIDED), slope, largest, smallest, hidden, error, kink
    )


def _slopes(size: np.ndarray, above: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, ...]:
    """Slope, largest and smallest step of its range, place of the smallest, and whether it is steady there.

    The range ends at the smallest step above rounding, and begins where the slope there is left.
    """
    count, shape = len(size), size.shape[1:]
    index = np.arange(count).reshape(-1, *[1] * len(shape))
    first = np.argmax(above, axis=0)
    ends = ~above & (index > first)
    last = np.where(above.any(axis=0), np.where(ends.any(axis=0), np.argmax(ends, axis=0), count) - 1, -1)
    factor = h[0] / h[1]
    local = np.log(size[:-1] / size[1:]) / np.log(factor)  # between a step and the next smaller one
    near = (index[:-1] >= last - (NEEDED - 1)) & (index[:-1] < last)
    enough = last - first + 1 >= NEEDED
    mean = np.where(enough, np.sum(np.where(near, local, 0.0), axis=0) / (NEEDED - 1), np.nan)
    steady = enough & ~(near & ~(np.abs(local - mean) <= SPREAD)).any(axis=0)
    begin, going = last - (NEEDED - 1), steady.copy()
    for k in range(count - 2, -1, -1):
        earlier = going & (k < begin) & (k >= first)
        fits = np.abs(local[k] - mean) <= SPREAD
        begin = np.where(earlier & fits, k, begin)
        going &= ~earlier | fits

    def step(place: np.ndarray) -> np.ndarray:
        return np.where(steady, h.ravel()[np.clip(place, 0, count - 1)], np.nan)

    def remainder(place: np.ndarray) -> np.ndarray:
        return np.take_along_axis(size, np.clip(place, 0, count - 1)[None], 0)[0]

    over = np.log(remainder(begin) / remainder(last)) / np.log(step(begin) / step(last))
    return np.where(steady, over, mean), step(begin), step(last), last, steady
