"""Derivatives at a point as limits of those beside it, where the chain rule, step by step, gives none at the point.

A function that is continuous at a point, and whose derivative beside it tends to one and the same limit from all sides,
has that derivative at the point (by the mean value theorem). Beside the point it is computed with many digits, so that
it can be computed very near.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxdiff_magic.engines.reference.arithmetic import mpmath
from jaxdiff_magic.engines.reference.bounded import EPS
from jaxdiff_magic.engines.reference.directions import Blocks
from jaxdiff_magic.engines.reference.followed import Followed
from jaxdiff_magic.engines.reference.precise import elementwise, exact, in_digits, is_finite

DIGITS = 100
"""Near 0, sin(x) / x and the like lose as many digits as the steps are small, once or twice for each order. 2^-40 is 12
digits, of which a second derivative of 0/0 loses up to four times as many; the others are to spare."""
DISTANCES = (2.0**-24, 2.0**-32, 2.0**-40)
"""Relative distances at which the sides are compared. Powers of two, each 2^-8 of the one before; the first is half the
bits of a float64."""
SHRINKS = mpmath.mpf(2) ** -7
"""So much smaller is at each step what is left to a limit: 2^-8 where the function is smooth, 1 where there is none."""
NOTHING = mpmath.mpf(2) ** -160
"""Relative differences that are smaller need not shrink."""
LEFT = 2.0**-6
"""Of the last change, so much is left as a bound on the error of the extrapolated limit. From one distance to the next,
2^-8 of the change is left where the limit is approached in proportion to the distance; this is four times that."""
OPERATIONS = 50_000
"""Most scalar operations of one run; there are some dozens. A choice of time: an eighth of a second for each, by
`MAX_PRECISE_OPERATIONS` in `digits.py`."""


def limits(
    reference: Followed,
    point: Sequence[np.ndarray],
    directions: np.ndarray,
    sizes: np.ndarray,
    order: int,
) -> list[Blocks]:
    """The limits of the derivatives of a function, by order, up to the first order at which there is none.

    Args:
        reference: of the function, in float64.
        point: a batch of one.
        directions: one a row, flat over all inputs; each is followed both ways.
        sizes: of each input, which the steps are relative to.
        order: the highest that is asked for.

    Raises:
        OutOfReach: a primitive has no rule with many digits.
    """
    flat, ends = np.concatenate([np.ravel(x) for x in point]), np.cumsum([x.size for x in point])[:-1]
    sides: list[list[list[Blocks]]] = []  # for each step and side by order
    for step in DISTANCES:
        sides.append([])
        for toward in (sign * direction for direction in directions for sign in (1, -1)):
            parts = np.split(flat + step * sizes * toward, ends)
            there = [part.reshape(x.shape) for part, x in zip(parts, point, strict=True)]
            with in_digits(DIGITS, OPERATIONS):
                precise = reference.with_digits()
                sides[-1].append([precise.blocks(k, there) for k in range(order + 1)])
    with in_digits(DIGITS, OPERATIONS):
        here = reference.with_digits().blocks(0, point)
        if not all(
            _is_reached(values, [[side[0][path][0] for side in at] for at in sides])
            for path, (values, _) in here.items()
        ):
            return []
        found = [reference.blocks(0, point)]
        for k in range(1, order + 1):
            own = {path: _limit([[side[k][path][0] for side in at] for at in sides]) for path in sides[0][0][k]}
            if any(limit is None for limit in own.values()):
                break
            found.append(own)  # type: ignore[arg-type]
    return found


def _is_reached(value: np.ndarray, sides: list[list[np.ndarray]]) -> bool:
    """Whether the values beside the point tend to that at the point."""
    if not all(is_finite(x).all() for x in (value, *(x for at in sides for x in at))):
        return False
    apart = [_largest([elementwise(_apart, x, value) for x in at]) for at in sides]
    return _all_shrink(apart, elementwise(lambda x: abs(exact(x)), value))


def _limit(sides: list[list[np.ndarray]]) -> tuple[np.ndarray, np.ndarray] | None:
    """The common limit and a bound on its error; None where there is none."""
    if not all(is_finite(x).all() for at in sides for x in at):
        return None
    means = [np.sum([elementwise(exact, x) for x in at], axis=0) / len(at) for at in sides]
    size = np.full(means[-1].shape, max((abs(x) for x in means[-1].ravel()), default=mpmath.mpf(0)), object)
    spreads = [_largest([elementwise(_apart, x, mean) for x in at]) for at, mean in zip(sides, means, strict=True)]
    changes = [np.abs(after - before) for before, after in itertools.pairwise(means)]
    if not (_all_shrink(spreads, size) and _all_shrink(changes, size)):
        return None
    ratio = mpmath.mpf(DISTANCES[-1]) / DISTANCES[-2]
    limit = means[-1] + (means[-1] - means[-2]) * ratio / (1 - ratio)
    error = (LEFT * np.maximum(changes[-1], spreads[-1]) + NOTHING * size).astype(float)
    value = limit.astype(float)
    return np.where(np.abs(value) <= error, 0.0, value), error + EPS * np.abs(value)


def _apart(a: Any, b: Any) -> Any:
    return abs(exact(a) - exact(b))


def _largest(parts: list[np.ndarray]) -> np.ndarray:
    return np.max(np.stack(parts), axis=0)


def _all_shrink(numbers: list[np.ndarray], size: np.ndarray) -> bool:
    """Whether what is left to a limit becomes smaller from step to step as it does where there is one."""
    return all(
        near <= SHRINKS * far or near <= NOTHING * whole
        for before, after in itertools.pairwise(numbers)
        for far, near, whole in zip(before.ravel(), after.ravel(), size.ravel(), strict=True)
    )
