"""The smooth pieces of a function that meet at a point where choices stand on their border.

A choice there (a maximum, an absolute value, a comparison) takes one side in one direction and the other in another.
Which sides are taken together is seen just beside the point, along directions; the function is then differentiated at
the point itself along each of these pieces. Where all of them have the same derivatives, so has the function.

Source: A. Griewank, "On stable piecewise linearization and generalized algorithmic differentiation", Optimization
Methods and Software 28 (2013), for pieces told by the signs of what is compared.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import mpmath
import numpy as np

from jaxdiff_magic.errors import OutOfReach
from jaxdiff_magic.reference.directions import Blocks, leaf_places
from jaxdiff_magic.reference.limits import limits
from jaxdiff_magic.reference.numbers import Bounded
from jaxdiff_magic.reference.precise import elementwise, exact, in_digits, is_finite, is_precise, nearest
from jaxdiff_magic.reference.run import Decides, Diverges, Node, Run

if TYPE_CHECKING:
    from jaxdiff_magic.reference.derivatives import Reference

STEPS = (2.0**-10, 2.0**-22)
"""So far beside the point, relative to its size, sides are looked at: small steps where other choices are near, …"""
NEARER = 0.125
"""… and again so much nearer, where the same must be seen."""
MAX_ELEMENTS = 4096
"""Of more choices on their border the pieces are not looked for."""
MAX_INPUTS = 64
"""With more inputs than this, random directions alone are tried, not one for each cell of what is compared."""
RANDOM, FEW = 8, 3
"""Random directions, each both ways; fewer where there are many inputs, since runs are long."""
ASIDE = 2.0**-6
"""Unit directions lean so far to a random side, so that choices between the other inputs are decided as well."""
MAX_LINES = 6
"""All cells are tried of so many hyperplanes or fewer, that is 64."""
MAX_PIECES = 256
"""A point where more of them meet is left undecided."""
MAX_NUMBERS = 4_000_000
"""No more numbers are computed in all pieces together …"""
MIN_NUMBERS = 16
"""… where every step of a run counts as so many, since it takes some microseconds in any case."""
SAME = 16.0
"""Numbers of two pieces are equal where they are within so many times the bounds on their rounding."""
FINE = 1e-6
"""Bounds that are wider than this, relative to the numbers, show nothing; then the pieces are compared …"""
DIGITS, OPERATIONS = 50, 100_000
"""… with so many digits, if a run takes no more scalar operations than this."""

Sides = Mapping[int, np.ndarray]
"""What each choice that stands on its border decides, by its position among the choices of a run."""


@dataclass(frozen=True)
class _Decided:
    """What the choices that stand on their border at the point decide beside it, each by its position in the run.

    Attributes:
        sides: what they decide.
        tied: which of their elements are on their border there too.
        compared: for choices by the signs of numbers, those numbers, flat.
    """

    sides: dict[int, np.ndarray]
    tied: dict[int, np.ndarray]
    compared: dict[int, np.ndarray]


def taking(sides: Sides) -> Decides:
    """Choices that take some sides where they stand on their border."""

    def decide(position: int, near: np.ndarray, decision: np.ndarray, compared: np.ndarray | None) -> np.ndarray:
        if not near.any():
            return decision
        side = sides.get(position)
        if side is None or math.prod(side.shape) != math.prod(decision.shape):
            raise OutOfReach("a choice on its border has no side")
        return np.where(near, side.reshape(decision.shape), decision).astype(decision.dtype)

    return decide


def common(reference: Reference, point: Sequence[np.ndarray], order: int) -> list[Blocks]:
    """The derivatives that all pieces have in common, by order, up to the first order at which they have not.

    Args:
        reference: of the function.
        point: a batch of one, on the border of some choice.
        order: the highest that is asked for.

    Returns:
        For each order from 0 on its blocks; nothing where that cannot be told.
    """
    try:
        return _Meeting(reference, point).common(order)
    except (OutOfReach, Diverges):
        return []


class _Meeting:
    """A point at which pieces meet."""

    def __init__(self, reference: Reference, point: Sequence[np.ndarray]) -> None:
        self.reference = reference
        self.point = [np.asarray(x, np.float64) for x in point]
        self.flat = np.concatenate([x.ravel() for x in self.point])
        self.choices: dict[int, np.ndarray] = {}  # by position, which of their elements are undecided
        self.steps = self._run(self.flat[None], self._at_point).steps

    def common(self, order: int) -> list[Blocks]:
        """See `common`."""
        undecided = sum(int(np.count_nonzero(choice)) for choice in self.choices.values())
        size, pieces = len(self.flat), 2 * FEW if len(self.flat) > MAX_INPUTS else min(2 ** len(self.flat), MAX_PIECES)
        if not 0 < undecided <= MAX_ELEMENTS or pieces * max(size**order, MIN_NUMBERS * self.steps) > MAX_NUMBERS:
            return []
        reference = self.reference
        try:
            return self._common(reference, order)
        except _Undefined:
            if reference.precise:
                return []
            few = itertools.islice(self._directions(), size + FEW if size <= MAX_INPUTS else FEW)
            return limits(reference, self.point, list(few), self._steps(), order)
        except _Coarse:
            with in_digits(DIGITS, OPERATIONS):
                found = self._common(reference.with_digits(), order)
            first = reference.on_sides(next(self._pieces()))
            return [piece.blocks(k, self.point) for k, piece in enumerate([reference, *[first] * (len(found) - 1)])]

    def _common(self, reference: Reference, order: int) -> list[Blocks]:
        found, seen = [reference.blocks(0, self.point)], set()
        scale, size = _largest(found[0]), float(np.max(np.abs(self.flat), initial=0.0)) or 1.0
        for sides in self._pieces():
            key = b"".join(np.ascontiguousarray(sides[k]).tobytes() for k in sorted(sides))
            if key in seen:
                continue
            seen.add(key)
            if len(seen) > MAX_PIECES:
                return []
            piece = reference.on_sides(sides)
            if len(seen) == 1:
                found += [piece.blocks(k, self.point) for k in range(1, order + 1)]
            for k in range(len(found)):
                if not _same(found[k], piece.blocks(k, self.point), scale / size**k):
                    found = found[:k]
                    break
            if len(found) < 2:
                break
        return found

    # Runs

    def _run(self, flat: np.ndarray, decide: Decides) -> Run:
        """A run at several points, shape `(points, inputs)`."""
        run = Run(1, len(flat), taped=False, further=self.reference.further, decides=decide)
        places = leaf_places(self.reference.inputs)
        arguments = [
            Node(Bounded(flat[:, place].reshape(len(flat), *shape)), shape, True)
            for place, shape in zip(places, self.reference.inputs, strict=True)
        ]
        with np.errstate(all="ignore"):
            results = run.trace(self.reference.trace, arguments)
        if run.on_border.any():
            raise OutOfReach("equal eigenvalues are no choice between pieces")
        if not all(np.isfinite(result.array).all() for result in results):
            raise OutOfReach("it is not defined on all sides")
        return run

    def _at_point(
        self, position: int, near: np.ndarray, decision: np.ndarray, compared: np.ndarray | None
    ) -> np.ndarray:
        if near.any():
            self.choices[position] = np.broadcast_to(near, decision.shape)[0]
        return decision

    def _beside(self, flat: np.ndarray) -> list[_Decided]:
        """What the choices on their border at the point decide at other points, shape `(points, inputs)`."""
        found = [_Decided({}, {}, {}) for _ in flat]

        def decide(position: int, near: np.ndarray, decision: np.ndarray, compared: np.ndarray | None) -> np.ndarray:
            if (undecided := self.choices.get(position)) is not None:
                if undecided.shape != decision.shape[1:]:
                    raise OutOfReach("another program is run beside the point")
                parts = [np.broadcast_to(x, (len(flat), *undecided.shape)) for x in (decision, near)]
                for there, side, tied in zip(found, *parts, strict=True):
                    there.sides[position] = np.where(undecided, side, 0).astype(decision.dtype)
                    there.tied[position] = undecided & tied
                if compared is not None:
                    for there, numbers in zip(found, np.broadcast_to(compared, parts[0].shape), strict=True):
                        there.compared[position] = numbers[undecided]
            return decision

        self._run(flat, decide)
        if any(there.sides.keys() != self.choices.keys() for there in found):
            raise OutOfReach("another program is run beside the point")
        return found

    def _all_beside(self, flat: np.ndarray) -> list[_Decided]:
        """Likewise, one by one where they run through different branches."""
        try:
            return self._beside(flat)
        except Diverges:
            return [there for point in flat for there in self._beside(point[None])]

    # Pieces

    def _pieces(self) -> Iterator[Sides]:
        """The sides that choices take together, along directions."""
        directions = np.array(list(self._directions()))
        directions = np.stack([directions, -directions], axis=1).reshape(-1, len(self.flat))
        for step in STEPS:
            pairs = zip(
                *(self._all_beside(self.flat + h * self._steps() * directions) for h in (step, NEARER * step)),
                strict=True,
            )
            changed = []
            for direction, (far, near) in zip(directions, pairs, strict=True):
                if all(np.array_equal(far.sides[k], near.sides[k]) for k in far.sides):
                    yield from _both_ways(far)
                else:
                    changed.append(direction)
            if not changed:
                return
            directions = np.array(changed)
        raise OutOfReach("the sides change however near to the point one looks")

    def _steps(self) -> np.ndarray:
        """The size of each input; of those that are 0, of the others of the same leaf."""
        parts = []
        for x in self.point:
            sizes = np.abs(x.ravel())
            sizes = np.where(np.isfinite(sizes), sizes, 0.0)
            other = float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 1.0
            parts.append(np.where(sizes > 0, sizes, other))
        return np.concatenate(parts)

    def _directions(self) -> Iterator[np.ndarray]:
        n = len(self.flat)
        if n == 1:
            yield np.ones(1)
            return
        rng = np.random.default_rng(n)
        if n > MAX_INPUTS:
            yield from rng.standard_normal((FEW, n))
            return
        yield from np.eye(n) + ASIDE * rng.standard_normal((n, n))
        yield from rng.standard_normal((RANDOM, n))
        yield from self._into_cells(rng)

    def _into_cells(self, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Directions into the cells that the hyperplanes of what is compared cut the space into."""
        rows: list[np.ndarray] = []
        middle, *around = self._all_beside(
            self.flat
            + STEPS[0] * self._steps() * np.concatenate([np.zeros((1, len(self.flat))), np.eye(len(self.flat))])
        )
        if not middle.compared:
            return
        numbers = [np.concatenate([there.compared[k] for k in sorted(there.compared)]) for there in (middle, *around)]
        columns = [(there - numbers[0]) / STEPS[0] for there in numbers[1:]]
        for row in np.stack(columns, axis=1):
            size = np.linalg.norm(row)
            if np.isfinite(size) and size > 0:
                unit = row / size
                if not any(abs(unit @ other) > 1 - 1e-9 for other in rows):
                    rows.append(unit)
        if not 1 < len(rows) <= 2 * MAX_INPUTS:
            return
        lines = np.array(rows)
        inverse = np.linalg.pinv(lines)
        if len(lines) <= MAX_LINES:
            signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(lines))))[: 2 ** (len(lines) - 1)]
        else:
            flipped = np.ones((len(lines), len(lines))) - 2 * np.eye(len(lines))
            signs = np.concatenate([np.ones((1, len(lines))), flipped])
        for sign in signs:
            yield inverse @ (sign * rng.uniform(0.5, 1.5, len(lines)))


def _both_ways(found: _Decided) -> Iterator[Sides]:
    """The sides; of elements that are tied all around, one side each and then the other."""
    if not any(tied.any() for tied in found.tied.values()):
        yield found.sides
        return
    for side in (0, 1):
        chosen = {}
        for k, sides in found.sides.items():
            tied = found.tied[k]
            if tied.any() and not np.isin(sides, (0, 0.5, 1)).all():
                raise OutOfReach("a choice is tied all around")
            chosen[k] = np.where(tied, side, sides).astype(sides.dtype)
        yield chosen


class _Undefined(OutOfReach):
    """A derivative of some piece is not finite at the point."""


class _Coarse(OutOfReach):
    """Bounds are too wide to tell whether two pieces have the same derivative."""


def _same(ours: Blocks, theirs: Blocks, scale: float) -> bool:
    """Whether two pieces have the same derivatives of one order.

    Args:
        ours, theirs: their derivatives.
        scale: the size that such derivatives have, if the value is nothing special.
    """
    for path, (values, errors) in ours.items():
        others, bounds = theirs[path]
        if not (is_finite(values).all() and is_finite(others).all()):
            raise _Undefined("a piece is not smooth at the point")
        if is_precise(values) or is_precise(others):
            apart = elementwise(lambda a, b: abs(exact(a) - exact(b)), values, others)
            size = max([mpmath.mpf(scale), *(abs(exact(x)) for x in values.ravel())])
            fine = size * mpmath.mpf(10) ** (-0.7 * mpmath.mp.dps)
            if any(x > fine for x in apart.ravel()):
                return False
            continue
        bound, size = errors + bounds, max(float(np.max(np.abs(values), initial=0.0)), scale)
        if not np.all(np.abs(values - others) <= SAME * bound):
            return False
        if not np.all(bound <= FINE * size):
            raise _Coarse("rounding hides whether two pieces have the same derivative")
    return True


def _largest(blocks: Blocks) -> float:
    """The largest number of some blocks."""
    return max((float(np.max(np.abs(nearest(values)), initial=0.0)) for values, _ in blocks.values()), default=0.0)
