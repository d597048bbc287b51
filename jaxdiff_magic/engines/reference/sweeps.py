"""Runs of a trace at a batch of points, along given directions: forward over infinitesimals, or back over a tape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.bounded import Bounded, Dual, Number
from jaxdiff_magic.engines.reference.directions import (
    Found,
    Path,
    Raw,
    block_shape,
    coefficient,
    in_batches,
    laid_rows,
    leaf_places,
    total_size,
    value_of,
)
from jaxdiff_magic.engines.reference.followed import Sides
from jaxdiff_magic.engines.reference.pieces import taking
from jaxdiff_magic.engines.reference.run import Diverges, Node, Run
from jaxdiff_magic.subject.trace import Trace, primitives_of


class Sweeps:
    """The runs of a trace from which derivatives are put together; arguments as of `Reference`."""

    def __init__(self, trace: Trace, precise: bool = False, further: float = 0.0) -> None:
        self.trace, self.precise, self.further = trace, precise, further
        self.inputs = [variable.shape for variable in trace.inputs]
        self.outputs = [atom.shape for atom in trace.outputs]
        self._freezes = "stop_gradient" in primitives_of(trace)
        self._one_by_one = False
        self._most_trips: int | None = None
        self._sides: Sides | None = None

    def values(self, points: Sequence[np.ndarray]) -> list[np.ndarray]:
        """For each output its values, `(points, *output)`; what `stop_gradient` froze is that of the first point.

        Args:
            points: as in `evaluate`; they are run at once.
        """
        with np.errstate(all="ignore"):
            run = lambda part: self._forward(part, [], self._freezes)  # noqa: E731
            raw, _ = self._portions(points, run, keep_first=self._freezes)
        return [raw["value", o][0] for o in range(len(self.outputs))]

    def along(self, points: Sequence[np.ndarray], *directions: np.ndarray, thawed: bool = False) -> list[Found]:
        """For each output its derivative along some directions, one for each order.

        Args:
            points: as in `evaluate`.
            directions: each of shape `(inputs,)`: flat over all leaves.
            thawed: whether `stop_gradient` lets derivatives pass, so that they are those of the function's values.

        Returns:
            Arrays of shape `(points, *output)`.
        """
        rows = [direction[None] for direction in directions]
        with np.errstate(all="ignore"):
            blocks, tie = self._portions(points, lambda part: self._forward(part, rows, False, thawed))
        count, along = len(points[0]), (blocks["direction", o] for o in range(len(self.outputs)))
        return [
            Found(values.reshape(count, *shape), errors.reshape(count, *shape), tie)
            for (values, errors), shape in zip(along, self.outputs, strict=True)
        ]

    def product(self, path: Path, points: Sequence[np.ndarray], direction: np.ndarray) -> Found:
        """A first derivative's own derivative along a direction: the product of a Hessian and a vector.

        Args:
            path: (output, input).
            points: as in `evaluate`.
            direction: flat over all leaves, shape `(inputs,)`.

        Returns:
            Arrays of shape `(points, *output, *input)`.
        """
        output, i = path
        with np.errstate(all="ignore"):
            raw, tie = self._portions(points, lambda part: self._reverse(part, None, [direction[None]], False), 1)
        of, shape = leaf_places(self.outputs)[output], (len(points[0]), *block_shape(path, self.inputs, self.outputs))
        values, errors = (part[:, 0, of].reshape(shape) for part in raw["direction", i])
        return Found(values, errors, tie)

    def against(self, points: Sequence[np.ndarray], cotangent: np.ndarray) -> list[Found]:
        """For each input the derivative of the outputs' sum, weighted by a cotangent.

        Args:
            points: as in `evaluate`.
            cotangent: flat over all outputs, shape `(outputs,)`.

        Returns:
            Arrays of shape `(points, *input)`.
        """
        with np.errstate(all="ignore"):
            raw, tie = self._portions(points, lambda part: self._reverse(part, cotangent[None], [], False))
        pairs = (raw["direction", i] for i in range(len(self.inputs)))
        return [Found(values[:, 0], errors[:, 0], tie) for values, errors in pairs]

    def curved(self, points: Sequence[np.ndarray], cotangent: np.ndarray, direction: np.ndarray) -> list[Found]:
        """For each input the derivative along a direction of what `against` gives: u'H v.

        Args:
            points: as in `evaluate`.
            cotangent: flat over all outputs, shape `(outputs,)`.
            direction: flat over all inputs, shape `(inputs,)`.

        Returns:
            Arrays of shape `(points, *input)`.
        """
        with np.errstate(all="ignore"):
            rows = [direction[None]]
            raw, tie = self._portions(points, lambda part: self._reverse(part, cotangent[None], rows, False), 1)
        pairs = zip((raw["direction", i] for i in range(len(self.inputs))), self.inputs, strict=True)
        count = len(points[0])
        return [Found(v.reshape(count, *shape), e.reshape(count, *shape), tie) for (v, e), shape in pairs]

    def _portions(
        self,
        points: Sequence[np.ndarray],
        run: Callable[[Sequence[np.ndarray]], tuple[Any, np.ndarray]],
        batch: int = 1 << 30,
        keep_first: bool = False,
    ) -> tuple[Any, np.ndarray]:
        """Points in portions; one by one where they take different branches."""
        count = len(points[0])
        if keep_first:  # frozen values are those of the first point: the batch may not be cut
            batch = count
        if not self._one_by_one:
            try:
                return in_batches(points, run, min(batch, count))
            except Diverges:
                self._one_by_one = True
        if keep_first:
            raise OutOfReach("points that take different branches cannot be compared with frozen values")
        return in_batches(points, run, 1)

    def _reverse(
        self, points: Sequence[np.ndarray], seeds: np.ndarray | None, rows: Sequence[np.ndarray], freeze: bool
    ) -> tuple[Raw, np.ndarray]:
        """A reverse sweep along some cotangents (None: all unit ones), over numbers with infinitesimals along rows."""
        seeds = np.eye(total_size(self.outputs)) if seeds is None else seeds
        run = self._run(1 + 1 + len(rows), len(points[0]), freeze)
        inputs = self._seeded(points, rows, run, first_axis=2)
        outputs = run.trace(self.trace, inputs)
        cotangents = zip(outputs, laid_rows(seeds, self.outputs, 1, run.batch_axes), strict=True)
        adjoints = run.adjoints([(node, seed) for node, seed in cotangents if node.varies], inputs)
        found: Raw = {}
        batch_axes = (len(points[0]), len(seeds), *(len(r) for r in rows))
        for i, shape in enumerate(self.inputs):
            values, errors = coefficient(adjoints[i], len(rows), (*batch_axes, *shape))
            if rows:
                values, errors = np.moveaxis(values, 2, 1), np.moveaxis(errors, 2, 1)
                if len(rows) == 1:
                    found["adjoint", i] = value_of(adjoints[i], batch_axes[:2], shape, run.batch_axes)
            found["direction", i] = values, errors
        for o, shape in enumerate(self.outputs):
            found["value", o] = value_of(outputs[o].value, (len(points[0]),), shape, run.batch_axes)
        return found, run.at_tie

    def _forward(
        self, points: Sequence[np.ndarray], rows: Sequence[np.ndarray], freeze: bool, thawed: bool = False
    ) -> tuple[Raw, np.ndarray]:
        run = self._run(1 + len(rows), len(points[0]), freeze, taped=False, thawed=thawed)
        outputs = run.trace(self.trace, self._seeded(points, rows, run, first_axis=1))
        batch_axes = (len(points[0]), *(len(r) for r in rows))
        found: Raw = {}
        for o, shape in enumerate(self.outputs):
            found["direction", o] = coefficient(outputs[o].value, len(rows), (*batch_axes, *shape))
            found["value", o] = value_of(outputs[o].value, (len(points[0]),), shape, run.batch_axes)
        return found, run.at_tie

    def _run(self, batch_axes: int, points: int, freeze: bool = False, taped: bool = True, thawed: bool = False) -> Run:
        more = {"precise": self.precise, "further": self.further, "most_trips": self._most_trips}
        decides = None if self._sides is None else taking(self._sides)
        return Run(batch_axes, points, freeze, taped, thawed, decides=decides, **more)

    def _seeded(
        self, points: Sequence[np.ndarray], rows: Sequence[np.ndarray], run: Run, first_axis: int
    ) -> list[Node]:
        """The inputs, each with an infinitesimal along the rows of each set of directions."""
        batch_axes = run.batch_axes
        along = [laid_rows(r, self.inputs, first_axis + k, batch_axes) for k, r in enumerate(rows)]
        nodes = []
        for i, (point, shape) in enumerate(zip(points, self.inputs, strict=True)):
            laid = np.asarray(point, float).reshape(len(point), *(1,) * (batch_axes - 1), *shape)
            value: Number = Bounded(run.floating(laid))
            for k, directions in enumerate(along):
                value = Dual(k + 1, value, directions[i])
            nodes.append(Node(value, shape, True))
        return nodes
