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
from jaxdiff_magic.reference.directions import Blocks, total_size
from jaxdiff_magic.reference.numbers import Bounded
from jaxdiff_magic.reference.precise import elementwise, exact, is_finite, is_precise
from jaxdiff_magic.reference.run import Decides, Diverges, Node, Run

if TYPE_CHECKING:
    from jaxdiff_magic.reference.derivatives import Reference

STEPS = (2.0**-10, 2.0**-22)
"""So far beside the point, relative to its size, sides are looked at: small steps where other choices are near, …"""
NEARER = 0.125
"""… and again so much nearer, where the same must be seen."""
MAX_ELEMENTS = 4096
"""Of more choices on their border the pieces are not looked for."""
MAX_INPUTS = 16
"""With more inputs than this, random directions alone are tried, not one for each cell of what is compared."""
RANDOM, FEW = 8, 3
"""Random directions, each both ways; fewer where there are many inputs, since runs are long."""
ASIDE = 2.0**-6
"""Unit directions lean so far to a random side, so that choices between the other inputs are decided as well."""
MAX_LINES = 6
"""All cells are tried of so many hyperplanes or fewer, that is 64."""
MAX_PIECES = 100
"""A point where more of them meet is left undecided."""
MAX_NUMBERS = 4_000_000
"""No more numbers are computed in all pieces together."""
SAME = 16.0
"""Numbers of two pieces are equal where they are within so many times the bounds on their rounding."""
FINE = 1e-6
"""Bounds that are wider than this, relative to the numbers, show nothing."""

Sides = Mapping[int, np.ndarray]
"""What each choice that stands on its border decides, by its position among the choices of a run."""


@dataclass(frozen=True)
class _Choice:
    """A choice on its border: which of its elements, and what they compare, without lead axes."""

    undecided: np.ndarray
    compared: np.ndarray | None


@dataclass(frozen=True)
class _Decided:
    """What the choices decide beside the point; elements that are on their border there too have no side."""

    sides: Sides
    tied: Mapping[int, np.ndarray]
    compared: Mapping[int, np.ndarray]


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
        self.choices: dict[int, _Choice] = {}
        self._run(self.point, self._at_point)

    def common(self, order: int) -> list[Blocks]:
        size = len(self.flat)
        wanted = MAX_PIECES if size <= MAX_INPUTS else 2 * FEW
        undecided = sum(int(choice.undecided.sum()) for choice in self.choices.values())
        if not 0 < undecided <= MAX_ELEMENTS or wanted * size**order > MAX_NUMBERS:
            return []
        found, known = [self._blocks(self.reference, k) for k in range(1)], 0
        seen: set[bytes] = set()
        pieces: list[Reference] = []
        for sides in self._pieces():
            key = b"".join(np.ascontiguousarray(sides[k]).tobytes() for k in sorted(sides))
            if key in seen:
                continue
            seen.add(key)
            if len(seen) > MAX_PIECES:
                return []
            piece = self.reference.on_sides(sides)
            pieces.append(piece)
            if len(pieces) == 1:
                found += [self._blocks(piece, k) for k in range(1, order + 1)]
                known = order
            scale = self._scale(found[0])
            for k in range(known + 1):
                if not _same(found[k], self._blocks(piece, k), scale / self._size() ** k):
                    known = k - 1
                    break
            if known < 1:
                return []
        return found[: known + 1] if pieces else []

    def _blocks(self, piece: Reference, order: int) -> Blocks:
        """The derivatives of one order of a piece; a higher order is computed once for all."""
        return piece.blocks(order, self.point)

    def _scale(self, value: Blocks) -> float:
        sizes = [float(abs(x)) for values, _ in value.values() for x in _floats(values).ravel() if np.isfinite(float(x))]
        return max(sizes, default=0.0)

    def _size(self) -> float:
        return float(np.max(np.abs(self.flat), initial=0.0)) or 1.0

    # Runs

    def _run(self, point: Sequence[np.ndarray], decide: Decides) -> list[Node]:
        run = Run(1, 1, taped=False, further=self.reference.further, decides=decide)
        arguments = [Node(Bounded(x), shape, True) for x, shape in zip(point, self.reference.inputs, strict=True)]
        with np.errstate(all="ignore"):
            results = run.trace(self.reference.trace, arguments)
        if run.on_border.any():
            raise OutOfReach("equal eigenvalues are no choice between pieces")
        if not all(np.isfinite(result.array).all() for result in results):
            raise OutOfReach("it is not defined on all sides")
        return results

    def _at_point(
        self, position: int, near: np.ndarray, decision: np.ndarray, compared: np.ndarray | None
    ) -> np.ndarray:
        if near.any():
            undecided = np.broadcast_to(near, decision.shape)[0]
            self.choices[position] = _Choice(undecided, None if compared is None else compared[0])
        return decision

    def _beside(self, flat: np.ndarray) -> _Decided:
        """What the choices on their border at the point decide at another point."""
        sides, tied, compared_there = {}, {}, {}

        def decide(
            position: int, near: np.ndarray, decision: np.ndarray, compared: np.ndarray | None
        ) -> np.ndarray:
            if (choice := self.choices.get(position)) is not None:
                if choice.undecided.shape != decision.shape[1:]:
                    raise OutOfReach("another program is run beside the point")
                sides[position] = np.where(choice.undecided, decision[0], 0)
                tied[position] = choice.undecided & np.broadcast_to(near, decision.shape)[0]
                if compared is not None:
                    compared_there[position] = compared[0]
            return decision

        ends = np.cumsum([x.size for x in self.point])
        parts = np.split(flat, ends[:-1])
        self._run([part.reshape(x.shape) for part, x in zip(parts, self.point, strict=True)], decide)
        if sides.keys() != self.choices.keys():
            raise OutOfReach("another program is run beside the point")
        return _Decided(sides, tied, compared_there)

    # Pieces

    def _pieces(self) -> Iterator[Sides]:
        """The sides that choices take together, along directions."""
        for direction in self._directions():
            for toward in (direction, -direction):
                yield from self._along(toward)

    def _along(self, direction: np.ndarray) -> Iterator[Sides]:
        for step in STEPS:
            far, near = (self._beside(self.flat + h * self._steps() * direction) for h in (step, NEARER * step))
            if all(np.array_equal(far.sides[k], near.sides[k]) for k in far.sides):
                yield from _both_ways(far)
                return
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
        middle = self._beside(self.flat).compared
        step = STEPS[0]
        columns = []
        for unit in np.eye(len(self.flat)):
            there = self._beside(self.flat + step * self._steps() * unit).compared
            parts = [(there[k] - middle[k])[self.choices[k].undecided] / step for k in sorted(middle) if k in there]
            columns.append(np.concatenate([part.ravel() for part in parts]) if parts else np.zeros(0))
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


def _same(ours: Blocks, theirs: Blocks, scale: float) -> bool:
    """Whether two pieces have the same derivatives, as far as can be told."""
    for path, (values, errors) in ours.items():
        others, bounds = theirs[path]
        if not (is_finite(values).all() and is_finite(others).all()):
            return False
        if is_precise(values) or is_precise(others):
            fine = mpmath.mpf(10) ** (-0.7 * mpmath.mp.dps)
            apart = elementwise(lambda a, b: abs(exact(a) - exact(b)), values, others)
            size = max([abs(exact(x)) for x in values.ravel()] + [mpmath.mpf(scale)], default=mpmath.mpf(0))
            if any(x > fine * size for x in apart.ravel()):
                return False
            continue
        bound = errors + bounds
        size = max(float(np.max(np.abs(values), initial=0.0)), scale)
        if not np.all(np.abs(values - others) <= SAME * bound) or not np.all(bound <= FINE * size):
            return False
    return True


def _floats(values: np.ndarray) -> np.ndarray:
    return elementwise(lambda x: float(exact(x)), values).astype(float) if is_precise(values) else values
