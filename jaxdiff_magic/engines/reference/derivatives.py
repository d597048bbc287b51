"""Derivatives of a trace at a batch of points, by local rules, in float64.

Values come with error bounds; axes are `(points, output, inputs…)`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.directions import (
    MAX_RUN_NUMBERS,
    Blocks,
    Found,
    Path,
    Raw,
    arranged,
    block_shape,
    fingerprint,
    largest,
    paths,
    starts_at,
    total_size,
    unit_rows,
)
from jaxdiff_magic.engines.reference.followed import Sides
from jaxdiff_magic.engines.reference.pieces import common, settled
from jaxdiff_magic.engines.reference.precise import is_finite
from jaxdiff_magic.engines.reference.sweeps import Sweeps
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


class Reference(Sweeps):
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
        super().__init__(trace, precise, further)
        self._largest = largest(trace)
        self._refused = ""
        self._kept: dict[tuple[int, bool, bytes], tuple[Blocks, np.ndarray]] = {}
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
