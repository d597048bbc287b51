"""Derivatives at a point as limits of those beside it, where the chain rule, step by step, gives none at the point.

A function that is continuous at a point, and whose derivative beside it tends to one and the same limit from all sides,
has that derivative at the point (by the mean value theorem). Beside the point it is computed with many digits, so that
it can be computed very near.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import mpmath
import numpy as np

from jaxdiff_magic.reference.directions import Blocks
from jaxdiff_magic.reference.numbers import EPS
from jaxdiff_magic.reference.precise import elementwise, exact, in_digits, is_finite

if TYPE_CHECKING:
    from jaxdiff_magic.reference.derivatives import Reference

DIGITS = 100
"""Near 0, sin(x) / x and the like lose as many digits as the steps are small, once or twice for each order."""
STEPS = (2.0**-24, 2.0**-40)
"""Relative distances at which the sides are compared."""
SHRINKS = mpmath.mpf(2) ** -14
"""So much smaller two sides differ at the smaller step: 2^-16 where there is a limit, not at all at a kink."""
NOTHING = mpmath.mpf(2) ** -160
"""Relative differences that are smaller need not shrink."""
CENTRED = 2.0**-10
"""The mean of opposite sides is nearer to the limit than they are: by the step, or its rounding."""
OPERATIONS = 50_000
"""Most scalar operations of one run; there are some dozens."""


def limits(
    reference: Reference,
    point: Sequence[np.ndarray],
    directions: Sequence[np.ndarray],
    sizes: np.ndarray,
    order: int,
) -> list[Blocks]:
    """The limits of the derivatives of a function, by order, up to the first order at which there is none.

    Args:
        reference: of the function, in float64.
        point: a batch of one.
        directions: flat over all inputs; each is followed both ways.
        sizes: of each input, which the steps are relative to.
        order: the highest that is asked for.

    Raises:
        OutOfReach: a primitive has no rule with many digits.
    """
    flat, ends = np.concatenate([np.ravel(x) for x in point]), np.cumsum([x.size for x in point])[:-1]
    sides: list[list[list[Blocks]]] = []  # for each step and side by order
    for step in STEPS:
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
    far, near = (_largest([elementwise(_apart, x, value) for x in at]) for at in sides)
    return all(
        _shrinks(*pair, abs(exact(x))) for *pair, x in zip(far.ravel(), near.ravel(), value.ravel(), strict=True)
    )


def _limit(sides: list[list[np.ndarray]]) -> tuple[np.ndarray, np.ndarray] | None:
    """The common limit and a bound on its error; None where there is none."""
    if not all(is_finite(x).all() for at in sides for x in at):
        return None
    far, near = (_largest([elementwise(_apart, x, at[0]) for x in at]) for at in sides)
    mean = sum(elementwise(exact, x) for x in sides[1]) / len(sides[1])
    size = max((abs(x) for x in mean.ravel()), default=mpmath.mpf(0))
    if not all(_shrinks(*pair, size) for pair in zip(far.ravel(), near.ravel(), strict=True)):
        return None
    error = near.astype(float) * CENTRED
    value = mean.astype(float)
    value = np.where(np.abs(value) <= np.maximum(error, float(NOTHING * size)), 0.0, value)
    return value, error + EPS * np.abs(value)


def _apart(a: Any, b: Any) -> Any:
    return abs(exact(a) - exact(b))


def _largest(parts: list[np.ndarray]) -> np.ndarray:
    return np.max(np.stack(parts), axis=0)


def _shrinks(far: Any, near: Any, size: Any) -> bool:
    return bool(near <= SHRINKS * far or near <= NOTHING * size)
