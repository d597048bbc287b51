"""What function values say along a direction: the code in float64, at points on a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.differences import directional
from jaxdiff_magic.checking.directions.drawn import root_mean_square
from jaxdiff_magic.checking.sharper import GROSS
from jaxdiff_magic.engines.reference.bounded import EPS
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.reference.directions import MAX_RUN_NUMBERS, largest, leaf_places

STEP = 2.0**-17
"""Of the inputs' own size: steps of quotients from both sides. A choice: above the square root of rounding, and so
small that few of the kinks of a network lie between."""


class ValuesAlong:
    """The outputs' weighted sum, at points on a line.

    Args:
        reference: of the function.
        weights: of its outputs, flat over all of them.
    """

    def __init__(self, reference: Reference, weights: np.ndarray) -> None:
        self.reference, self.weights = reference, weights
        self.places = leaf_places(reference.inputs)
        self._at_once = max(1, MAX_RUN_NUMBERS // max(largest(reference.trace), 1))

    def at(self, flat: np.ndarray, direction: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """The sum at `flat + t direction` for each step t; what `stop_gradient` froze is that of `flat`."""
        return self._taken(flat, direction, steps, self._sums)

    def derivative(self, flat: np.ndarray, direction: np.ndarray) -> tuple[float, float]:
        """The derivative along a direction by differences, and an error estimate; infinite where there is none."""
        return self._differences(flat, direction, self._sums)

    def unit(self, i: int, entry: tuple[int, ...]) -> np.ndarray:
        """The direction in which one entry of an input leaf moves."""
        unit = np.zeros(self.places[-1].stop)
        unit[self.places[i]].reshape(self.reference.inputs[i])[entry] = 1.0
        return unit

    def by_entry(self, flat: np.ndarray, i: int, entry: tuple[int, ...]) -> tuple[float, float]:
        """The derivative by one entry of an input leaf, likewise."""
        unit = self.unit(i, entry)
        scale = abs(float(flat @ unit)) or root_mean_square(flat[self.places[i]]) or 1.0
        estimate, error = self.derivative(flat, scale * unit)
        return estimate / scale, error / scale

    def bend_by_entry(
        self, flat: np.ndarray, direction: np.ndarray, i: int, entry: tuple[int, ...]
    ) -> tuple[float, float]:
        """The derivative along a direction of that by one entry, by differences of the code's gradient."""

        def slopes(points: Sequence[np.ndarray]) -> np.ndarray:
            found = self.reference.against(points, self.weights)[i].values
            return found[(slice(None), *entry)]

        return self._differences(flat, direction, slopes)

    def is_smooth(self, flat: np.ndarray, direction: np.ndarray, gradient: np.ndarray) -> bool:
        """Whether the slopes from both sides along a direction are those that a gradient says."""
        steps = np.array([STEP, STEP / 2, -STEP, -STEP / 2])
        try:
            middle, *beside = self.at(flat, direction, np.array([0.0, *steps]))
        except OutOfReach:
            return False
        slopes = [(value - middle) / step for value, step in zip(beside, steps, strict=True)]
        parts = gradient * direction
        allowed = GROSS * float(np.sqrt(np.sum(parts**2))) + 64 * EPS * abs(float(middle)) / STEP
        sides = (2 * slopes[1] - slopes[0], 2 * slopes[3] - slopes[2])  # extrapolated to step 0
        return all(abs(side - float(parts.sum())) <= allowed for side in sides)

    def _differences(
        self, flat: np.ndarray, direction: np.ndarray, function: Callable[[Sequence[np.ndarray]], np.ndarray]
    ) -> tuple[float, float]:
        def values(batch: Sequence[np.ndarray]) -> list[np.ndarray]:
            return [self._taken(flat, direction, batch[0], function)]

        try:
            found = directional(values, [np.zeros(())], [np.ones(())])
        except OutOfReach:
            return 0.0, np.inf
        return float(found.estimate[0]), float(found.error[0])

    def _taken(
        self,
        flat: np.ndarray,
        direction: np.ndarray,
        steps: np.ndarray,
        function: Callable[[Sequence[np.ndarray]], np.ndarray],
    ) -> np.ndarray:
        """What a function of batches gives at points on a line, as many of them at once as there is memory for."""
        found = []
        for start in range(0, len(steps), self._at_once):
            part = np.concatenate([[0.0], steps[start : start + self._at_once]])
            moved = flat + np.outer(part, direction)
            points = [
                moved[:, place].reshape(len(part), *shape)
                for place, shape in zip(self.places, self.reference.inputs, strict=True)
            ]
            found.append(function(points)[1:])
        return np.concatenate(found)

    def _sums(self, points: Sequence[np.ndarray]) -> np.ndarray:
        flat = [value.reshape(len(value), -1) for value in self.reference.values(points)]
        values = np.concatenate(flat, axis=1)
        return np.where(self.weights == 0, 0.0, values) @ self.weights
