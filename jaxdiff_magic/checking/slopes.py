"""Taylor remainders of JAX's derivatives at the user's point, along random directions: the evidence that is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.checking.differences import Batch
from jaxdiff_magic.checking.taylor import EPS, SAYS, Remainders, line, remainders, steps_for
from jaxdiff_magic.report import Slope
from jaxdiff_magic.subject.leaves import Leaf

BoundedValues = Callable[[Batch], tuple[np.ndarray, np.ndarray]]
"""From a batch of points to an output and bounds on its rounding, `(points, *shape)` each."""


@dataclass(frozen=True)
class Jacobian:
    """JAX's derivative of one output (of the function, or of its gradient) with respect to every input leaf.

    Attributes:
        blocks: for each input leaf, shape `(*output, *leaf)`, float64.
        bounds: on their rounding, of the same shapes.
    """

    blocks: Sequence[np.ndarray]
    bounds: Sequence[np.ndarray]

    def along(self, direction: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Its product with a direction, and a bound on the rounding of that."""
        parts = list(zip(self.blocks, self.bounds, direction, strict=True))
        product = np.asarray(sum(np.tensordot(block, d, np.ndim(d)) for block, _, d in parts))
        rounding = sum(
            np.tensordot(bound + 4 * EPS * np.abs(block), np.abs(d), np.ndim(d)) for block, bound, d in parts
        )
        return product, np.asarray(rounding)

    def size(self, point: Sequence[np.ndarray]) -> np.ndarray:
        """|J| |x|: a relative error of the inputs becomes this many times as large in the output."""
        return np.asarray(
            sum(np.tensordot(np.abs(block), np.abs(x), np.ndim(x)) for block, x in zip(self.blocks, point, strict=True))
        )


def random_direction(
    point: Sequence[np.ndarray], rng: np.random.Generator, only: int | None = None
) -> list[np.ndarray]:
    """A direction in which every input moves, by half to all of the size of its leaf; or those of one leaf alone.

    No entry of a Jacobian is hidden by a coordinate that happens to be small.
    """
    found = []
    for position, x in enumerate(point):
        drawn = rng.uniform(0.5, 1.0, x.shape) * rng.choice([-1.0, 1.0], x.shape)
        found.append(drawn * leaf_scale(x) if only in (None, position) else np.zeros_like(drawn))
    return found


def leaf_scale(x: np.ndarray) -> float:
    """Root mean square of an array; 1 where it is zero."""
    return (float(np.sqrt(np.mean(np.square(x)))) if x.size else 0.0) or 1.0


def remainders_along(
    values: BoundedValues,
    jacobian: Jacobian,
    point: Sequence[np.ndarray],
    direction: Sequence[np.ndarray],
    eps: float,
    fine: bool = True,
) -> Remainders:
    """The remainders of one output along a direction.

    Args:
        values: the output, with bounds on its rounding that take the inputs for exact.
        jacobian: JAX's derivative of it.
        point, direction: for each input leaf an array of its shape, float64.
        eps: relative rounding error of the points at which values are known.
        fine: see `steps_for`.
    """
    steps = steps_for(eps, fine)
    found, bounds = values(line(point, direction, steps))
    return remainders(found, bounds + eps * jacobian.size(point), *jacobian.along(direction), steps)


def slope_of(found: Remainders, what: str, leaves: Sequence[Leaf], mode: str, direction: str, eps: float) -> Slope:
    """The slope of the element with the gravest news.

    Args:
        found: of a derivative of an output, or of a block of its gradient or Jacobian.
        what: "gradient", "jacobian" or "hessian".
        leaves: the output, and the input of the block.
        mode, direction: as in `Slope`.
        eps: relative rounding error of the values.
    """
    at, places = found.worst(), []
    for leaf in leaves:
        begin = sum(len(before.shape) for before in leaves[: len(places)])
        places.append(leaf.element(at[begin : begin + len(leaf.shape)]))
    slope, largest, smallest = (float(part[at]) for part in (found.slope, found.largest, found.smallest))
    known = np.isfinite([slope, largest, smallest]).all()
    return Slope(
        what=what,
        output="/".join(f"∂{place}" for place in places) if len(places) > 1 else places[0],
        mode=mode,
        direction=direction,
        slope=slope if known else None,
        steps=(largest, smallest) if known else None,
        floor=float(found.floor[at]),
        dtype="float64" if eps <= EPS else leaves[0].dtype,
        says=SAYS[int(found.says[at])],
    )
