"""Derivatives of a trace at a batch of points, by local rules, in float64.

Values come with error bounds; axes are `(points, output, inputs…)`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.bounded import Bounded, Dual, Number
from jaxdiff_magic.engines.reference.directions import (
    MAX_RUN_NUMBERS,
    Blocks,
    Found,
    Path,
    Raw,
    arranged,
    block_shape,
    coefficient,
    fingerprint,
    in_batches,
    laid_rows,
    largest,
    leaf_places,
    paths,
    starts_at,
    total_size,
    unit_rows,
    value_of,
)
from jaxdiff_magic.engines.reference.followed import Sides
from jaxdiff_magic.engines.reference.pieces import common, settled, taking
from jaxdiff_magic.engines.reference.precise import is_finite
from jaxdiff_magic.engines.reference.run import Diverges, Node, Run
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.subject.trace import Trace, primitives_of

LOOPS = having("loops")
FURTHER = (1.0, 0.25)
"""Iterations go on for so many times their own number; by less where they run into 0/0. Choices: one that converges is
there after twice its iterations."""
PATIENCE = 20
"""How many times as long as at the user's point a loop may take elsewhere, and so many iterations more. A choice:
points move by about a tenth, for which few loops that end take so much longer."""
MAX_KEPT = 40
"""Results of so many batches are kept: all that a check asks for of a function of one or two inputs. A choice of
memory."""
MAX_PORTIONS = 4_000
"""A derivative that takes more portions than this is out of reach. A choice of time: each is a run."""


class Reference:
    """The derivatives of a function by local rules.

    Args:
        trace: of the function.
        precise: whether to compute with as many digits as `precision` says, instead of float64; results are then object
            arrays.
        further: by how much of their own length loops go on once they have ended.

    Derivatives of order k are one reverse sweep over numbers with k - 1 infinitesimals, or, where there are more
    outputs than inputs, a forward sweep over numbers with k.
    """

    def __init__(self, trace: Trace, precise: bool = False, further: float = 0.0) -> None:
        self.trace, self.precise, self.further = trace, precise, further
        self.inputs = [variable.shape for variable in trace.inputs]
        self.outputs = [atom.shape for atom in trace.outputs]
        self._largest = largest(trace)
        self._freezes = "stop_gradient" in primitives_of(trace)
        self._one_by_one = False
        self._most_trips: int | None = None
        self._refused = ""
        self._kept: dict[tuple[int, bool, bytes], tuple[Blocks, np.ndarray]] = {}
        self._sides: Sides | None = None
        self._plain: dict[tuple[int, bytes], Blocks] = {}
        self._meetings: dict[bytes, tuple[int, list[Blocks]]] = {}

    def evaluate(self, path: Path, points: Sequence[np.ndarray], freeze: bool = False) -> Found:
        """A derivative at a batch of points.

        Args:
            path: which one; `(output,)` is the value.
            points: for each input leaf its values, shape `(points, *shape)`, float64.
            freeze: whether what `stop_gradient` froze keeps the value that it has at the first point, so that
                differences between the points show the derivative that is meant. Points at a tie are then left so.

        Raises:
            OutOfReach: names the primitive without a rule, and the user's line.
        """
        if self._refused:
            raise OutOfReach(self._refused)
        order, rest = len(path) - 1, (freeze and self._freezes, fingerprint(points))
        if (order, *rest) not in self._kept:
            while len(self._kept) > MAX_KEPT:
                self._kept.pop(next(iter(self._kept)))
            blocks, tie = self._all(order, points, freeze and self._freezes)
            for k in range(order + 1):  # a sweep of a higher order passes by the lower ones
                if any(len(known) == k + 1 for known in blocks):
                    self._kept.setdefault((k, *rest), (blocks, tie))
        blocks, tie = self._kept[(order, *rest)]
        found = Found(*blocks[path], tie)
        return found if freeze else settled(self, path, points, found)

    def known(self, path: Path, point: Sequence[np.ndarray]) -> Found | None:
        """A derivative at the first point of a batch that was evaluated before; None where there was none such."""
        for (order, freeze, kept), (blocks, tie) in self._kept.items():
            if order == len(path) - 1 and not freeze and path in blocks and starts_at(kept, point):
                values, errors = blocks[path]
                found = Found(values[:1], errors[:1], tie[:1])
                return settled(self, path, [np.asarray(x, np.float64)[None] for x in point], found)
        return None

    def along(self, points: Sequence[np.ndarray], *directions: np.ndarray) -> list[Found]:
        """For each output its derivative along some directions, one for each order.

        Args:
            points: as in `evaluate`.
            directions: each of shape `(inputs,)`: flat over all leaves.

        Returns:
            Arrays of shape `(points, *output)`.
        """
        rows = [direction[None] for direction in directions]
        with np.errstate(all="ignore"):
            blocks, tie = self._portions(points, lambda part: self._forward(part, rows, False))
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

    @functools.cached_property
    def longer(self) -> tuple[Reference, ...]:
        """The same function with its loops going on, which shows what they converge to; none where it has no loops."""
        if LOOPS.isdisjoint(primitives_of(self.trace)):
            return ()
        return tuple(Reference(self.trace, self.precise, further) for further in FURTHER)

    def ends(self, points: Sequence[np.ndarray], deadline: float) -> np.ndarray:
        """For each point, whether loops of no fixed length end, about as soon as they do at the first one.

        Those not looked at by `deadline`, on the clock of `budget.now`, are False. From then on a derivative is
        out of reach where a loop goes on for longer.
        """
        found = np.ones(len(points[0]), bool)
        if "while" not in primitives_of(self.trace):
            return found
        for k in range(len(found)):
            try:
                with np.errstate(all="ignore"):
                    if k == 0 or (not passed(deadline) and not self._refused):
                        run = self._run(1, 1, taped=False)
                        run.trace(self.trace, self._seeded([p[k : k + 1] for p in points], [], run, first_axis=1))
                        self._most_trips = self._most_trips or PATIENCE * run.trips + PATIENCE
                        continue
            except OutOfReach as error:
                if k == 0:
                    self._refused = error.reason  # so would every other run at this point be, after as long a time
            found[k] = k == 0
        return found

    # Points at which pieces meet

    @property
    def is_piece(self) -> bool:
        """Whether choices take sides that they are told."""
        return self._sides is not None

    def on_sides(self, sides: Sides) -> Reference:
        """The same function with choices that are at a tie taking some sides."""
        found = Reference(self.trace, self.precise, self.further)
        found._most_trips, found._sides = self._most_trips, sides
        return found

    def with_digits(self) -> Reference:
        """The same function with as many digits as `precision` says."""
        found = Reference(self.trace, True, self.further)
        found._most_trips = self._most_trips
        return found

    def blocks(self, order: int, points: Sequence[np.ndarray]) -> Blocks:
        """All derivatives of one order, those of choices at a tie by the side that they take as they are.

        Raises:
            OutOfReach: names the primitive without a rule, and the user's line; or what has no side.
        """
        key = order, fingerprint(points)
        if key not in self._plain:
            while len(self._plain) > 12:
                self._plain.pop(next(iter(self._plain)))
            blocks, tie = self._all(order, points, False)
            if self.is_piece and tie.any():
                raise OutOfReach("it is degenerate here")
            self._plain[key] = {path: pair for path, pair in blocks.items() if len(path) == order + 1}
        return self._plain[key]

    def common(self, point: Sequence[np.ndarray], order: int) -> list[Blocks]:
        """What the pieces that meet at a point have in common, by order: see `pieces.common`."""
        key = fingerprint(point)
        asked, found = self._meetings.get(key, (0, []))
        if asked < order and (not asked or len(found) > asked):  # else they part at a lower order
            asked, found = order, common(self, point, order)
            self._meetings[key] = asked, found
        return found

    # All blocks of one order

    def _all(self, order: int, points: Sequence[np.ndarray], freeze: bool) -> tuple[Blocks, np.ndarray]:
        n, m = total_size(self.inputs), total_size(self.outputs)
        if m == 0 or (n == 0 and order):
            empty = {
                path: 2 * (np.zeros((len(points[0]), *block_shape(path, self.inputs, self.outputs))),)
                for path in paths(self.inputs, self.outputs, order)
            }
            return empty, np.zeros(len(points[0]), bool)  # type: ignore[return-value]
        reverse = order > 0 and m <= n
        with np.errstate(all="ignore"):
            blocks, tie = self._by_sweeps(order, points, freeze, reverse)
            lost_in = {len(path) for path, (values, _) in blocks.items() if not is_finite(values).all()}
            unknown = order + 1 in lost_in
            blocks = {  # of lower orders those that a sweep of their own would not find better
                path: pair
                for path, pair in blocks.items()
                if len(path) == order + 1 or not (unknown or len(path) in lost_in)
            }
            if reverse and unknown and n**order * self._largest <= MAX_RUN_NUMBERS:
                # a branch that is not taken spoils a reverse sweep (0 * inf), a forward sweep leaves it out
                forward, more = self._by_sweeps(order, points, freeze, False)
                tie = tie | more
                for path, (values, errors) in blocks.items():
                    lost = ~is_finite(values)
                    blocks[path] = np.where(lost, forward[path][0], values), np.where(lost, forward[path][1], errors)
        return blocks, tie

    def _by_sweeps(
        self, order: int, points: Sequence[np.ndarray], freeze: bool, reverse: bool
    ) -> tuple[Blocks, np.ndarray]:
        """Portions of points and of directions, put together."""
        n, m = total_size(self.inputs), total_size(self.outputs)
        others = (m if reverse else 1) * n ** max(order - (2 if reverse else 1), 0) * self._largest
        width = max(1, min(n, MAX_RUN_NUMBERS // max(others, 1)))
        if reverse and order == 1:
            width = max(1, min(m, MAX_RUN_NUMBERS // self._largest))
        cut = m if reverse and order == 1 else n if order else 1
        if math.ceil(cut / width) * len(points[0]) > MAX_PORTIONS:
            raise OutOfReach("it would take too long to evaluate")
        portions = [slice(start, min(start + width, cut)) for start in range(0, cut, width)]
        batch = max(1, MAX_RUN_NUMBERS // max(1, others * min(width, cut)))

        def run(part: Sequence[np.ndarray]) -> tuple[Raw, np.ndarray]:
            found = [self._sweep(part, order, freeze, reverse, portion) for portion in portions]
            if len(found) == 1:
                return found[0]
            whole = found[0][0]
            for key in [key for key in whole if key[0] == "direction"]:
                whole[key] = tuple(np.concatenate([raw[key][k] for raw, _ in found], axis=1) for k in (0, 1))  # type: ignore[assignment]
            return whole, np.any([tie for _, tie in found], axis=0)

        raw, tie = self._portions(points, run, 1 if freeze else batch, keep_first=freeze)
        return arranged(raw, self.inputs, self.outputs, order, reverse), tie

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

    # One sweep

    def _sweep(
        self, points: Sequence[np.ndarray], order: int, freeze: bool, reverse: bool, portion: slice
    ) -> tuple[Raw, np.ndarray]:
        """Derivatives along a portion of the unit directions (of the cotangents, in a plain gradient).

        Returns:
            Reverse: for each input `(points, cotangents, directions…, *input)` with the portioned axis moved to be the
            first after the points; forward: for each output likewise.
        """
        n = total_size(self.inputs)
        every = slice(0, n)
        if not reverse:
            return self._forward(points, [unit_rows(n, portion if k == 0 else every) for k in range(order)], freeze)
        if order == 1:
            return self._reverse(points, unit_rows(total_size(self.outputs), portion), [], freeze)
        return self._reverse(
            points, None, [unit_rows(n, portion if k == 0 else every) for k in range(order - 1)], freeze
        )

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
        self, points: Sequence[np.ndarray], rows: Sequence[np.ndarray], freeze: bool
    ) -> tuple[Raw, np.ndarray]:
        run = self._run(1 + len(rows), len(points[0]), freeze, taped=False)
        outputs = run.trace(self.trace, self._seeded(points, rows, run, first_axis=1))
        batch_axes = (len(points[0]), *(len(r) for r in rows))
        found: Raw = {}
        for o, shape in enumerate(self.outputs):
            found["direction", o] = coefficient(outputs[o].value, len(rows), (*batch_axes, *shape))
            found["value", o] = value_of(outputs[o].value, (len(points[0]),), shape, run.batch_axes)
        return found, run.at_tie

    def _run(self, batch_axes: int, points: int, freeze: bool = False, taped: bool = True) -> Run:
        more = {"precise": self.precise, "further": self.further, "most_trips": self._most_trips}
        decides = None if self._sides is None else taking(self._sides)
        return Run(batch_axes, points, freeze, taped, decides=decides, **more)

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
