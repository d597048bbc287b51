"""How a function and its gradient change where a kink is crossed, beside what JAX's Hessian says."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.checking.sides import Slopes, both_sides
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.subject.leaves import matrix_of

SLIGHT = 1e-6
"""A gradient that jumps by no more than this part of its size is that of a computation in steps, not of a kink. A
choice: well below half the digits of a float32, far above those of a float64."""


@dataclass(frozen=True)
class Direction:
    """A direction in which a kink is crossed: one coordinate, or a random one."""

    name: str
    vector: np.ndarray


@dataclass(frozen=True)
class Crossing:
    """An entry of the gradient that does not change along a direction as JAX's Hessian says."""

    direction: Direction
    slopes: Slopes
    entry: int
    told: float

    @property
    def is_bent(self) -> bool:
        """Whether it changes otherwise on the left than on the right."""
        return bool(self.slopes.apart[self.entry])

    @property
    def has_rate(self) -> bool:
        """Whether the rates are finite."""
        return all(bool(np.isfinite(side.slope[self.entry])) for side in (self.slopes.left, self.slopes.right))


def crossings_along(scene: Scene, directions: Sequence[Direction], deadline: float) -> list[Crossing]:
    """The entries of a scalar function's gradient that do not change as JAX's Hessian says.

    Args:
        scene: with a Hessian.
        directions: along which the kink is crossed.
        deadline: the instant (`budget.now`) after which no further one is looked at.
    """
    paths = [(0, i) for i in range(len(scene.subject.inputs))]
    vectors = np.array([direction.vector for direction in directions])
    crossings = []
    found = both_sides(evaluated(scene, paths), scene.point, vectors, deadline)
    for direction, slopes in zip(directions, found, strict=False):
        told = _hessian_times(scene, direction.vector)
        missed = np.flatnonzero((_off(scene, slopes, told) | slopes.apart) & ~_slight(slopes))
        crossings += [Crossing(direction, slopes, int(entry), float(told[entry])) for entry in missed]
    return crossings


def _off(scene: Scene, slopes: Slopes, told: np.ndarray) -> np.ndarray:
    """Which entries of a gradient change otherwise than JAX's Hessian says.

    An iteration that is cut short has other derivatives than what it approaches, and a rule gives those of the latter.
    The second ones then differ by more than the first: the code bears no witness to what is as small as that.
    """
    sides = (slopes.left, slopes.right)
    largest = functools.partial(np.max, initial=0.0)
    with np.errstate(invalid="ignore"):
        gradient = matrix_of(scene.values.jacobian, scene.subject.outputs, scene.subject.inputs)[0]
        reach = largest(np.abs(told)) * largest([largest(np.abs(x)) for x in scene.point])
        size = max(largest(np.abs(gradient)), largest(np.abs(slopes.middle)), reach)
        strange = np.sqrt(largest(np.abs(gradient - slopes.middle)) / size) if size else 0.0
        rates = [np.where(np.isfinite(side.slope), np.abs(side.slope), 0.0) for side in sides]
        far = sides[0].off + sides[1].off + strange * np.maximum(np.abs(told), np.maximum(*rates))
        far += 1e-3 * largest(np.abs(told)) + SLIGHT * max(1.0, largest(np.abs(slopes.middle)))
        return np.maximum(*(np.abs(side.slope - told) for side in sides)) > far


def _slight(slopes: Slopes) -> np.ndarray:
    """Where a rate is infinite only because of a step that is slight."""
    sides = (slopes.left, slopes.right)
    limit = SLIGHT * np.max(np.abs(slopes.middle), initial=0.0)
    steps = [np.isinf(side.slope) & (np.abs(side.limit - slopes.middle) <= limit) for side in sides]
    return steps[0] | steps[1]


def evaluated(scene: Scene, paths: Sequence[tuple[int, ...]]) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """The reference at a batch of points, several blocks side by side: values and bounds, `(points, entries)`."""
    reference = scene.reference
    assert reference is not None

    def values(batch: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        blocks = [reference.evaluate(path, batch, freeze=True) for path in paths]
        flat = [(found.values.reshape(len(batch[0]), -1), found.errors.reshape(len(batch[0]), -1)) for found in blocks]
        return np.concatenate([v for v, _ in flat], axis=1), np.concatenate([e for _, e in flat], axis=1)

    return values


def _hessian_times(scene: Scene, vector: np.ndarray) -> np.ndarray:
    """JAX's Hessian times a vector, flat."""
    inputs = scene.subject.inputs
    return matrix_of(scene.values.hessian[0], inputs, inputs) @ vector  # type: ignore[index]
