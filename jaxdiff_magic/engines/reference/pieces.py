"""The smooth pieces of a function that meet at a point where choices are at a tie.

A choice there (a maximum, an absolute value, a comparison) takes one side in one direction and the other in another.
Which sides are taken together is seen just beside the point, along directions; the function is then differentiated at
the point itself along each of these pieces. Where all of them have the same derivatives, so has the function.

Source: A. Griewank, "On stable piecewise linearization and generalized algorithmic differentiation", Optimization
Methods and Software 28 (2013), for pieces told by the signs of what is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.arithmetic import mpmath
from jaxdiff_magic.engines.reference.bounded import Bounded
from jaxdiff_magic.engines.reference.directions import Blocks, Found, Path, leaf_places
from jaxdiff_magic.engines.reference.followed import Followed, Sides
from jaxdiff_magic.engines.reference.hyperplanes import ASIDE, hyperplanes, into_cells
from jaxdiff_magic.engines.reference.limits import limits
from jaxdiff_magic.engines.reference.precise import SHORT, elementwise, exact, in_digits, is_finite, is_precise, nearest
from jaxdiff_magic.engines.reference.run import Decides, Diverges, Node, Run

BESIDE = (2.0**-10, 2.0**-22)
"""So far beside the point, relative to its size, sides are looked at: small steps where other choices are near, …"""
NEARER = 0.125
"""… and again so much nearer, where the same must be seen. A choice of three bits."""
MAX_TIES = 4096
"""Of more choices at a tie the pieces are not looked for. A choice of time and memory."""
MAX_CELL_INPUTS = 64
"""With more inputs than this, random directions alone are tried, not one for each cell of what is compared. A choice of
time."""
RANDOM, FEW = 8, 3
"""Random directions, each both ways; fewer where there are many inputs. Choices of time: each way is one more run."""
MAX_PIECES = 1024
"""A point where more of them meet is left undecided. A choice of time: each has a derivative of its own."""
MAX_PIECE_NUMBERS = 4_000_000
"""No derivative has more numbers than this …"""
MIN_NUMBERS = 400
"""… and no run so many steps, each of which counts as so many: there are some dozens of runs. Choices of time and
memory."""
MAX_MEETINGS = 4
"""At so many points of a batch the pieces that meet are compared: it takes some dozens of runs for each. A choice of
time."""
DRAWS = 2
"""Directions along which the derivatives of pieces are compared; each misses a difference once in 4,096 times."""
SAME = 16.0
"""Numbers of two pieces are equal where they are within so many times the bounds on their rounding. A choice of four
bits, as in the check."""
FINE = 1e-6
"""Bounds that are wider than this, relative to the numbers, show nothing; then the pieces are compared …"""
DIGITS, OPERATIONS = 50, 100_000
"""… with so many digits, if a run takes no more scalar operations than this. The first of the three is that of numbers
that are the same (`NEAR` in `checking/sharper.py`), the last a fourth of a second by `MAX_PRECISE_OPERATIONS` in
`digits.py`."""


@dataclass(frozen=True)
class _Decided:
    """What the choices that are at a tie at the point decide beside it, each by its position in the run.

    Attributes:
        sides: what they decide.
        tied: which of their elements are at a tie there too.
        compared: for choices by the signs of numbers, those numbers, flat.
    """

    sides: dict[int, np.ndarray]
    tied: dict[int, np.ndarray]
    compared: dict[int, np.ndarray]

    @property
    def is_tied(self) -> bool:
        """Whether some of them are at a tie there too."""
        return any(tied.any() for tied in self.tied.values())

    def is_like(self, other: _Decided) -> bool:
        """Whether the same is decided elsewhere, ties aside."""
        return all(
            np.array_equal(self.tied[k], other.tied[k])
            and np.array_equal(np.where(self.tied[k], 0, side), np.where(other.tied[k], 0, other.sides[k]))
            for k, side in self.sides.items()
        )

    def both_ways(self) -> Iterator[Sides]:
        """The sides; of elements that are tied all around, one side each and then the other.

        Raises:
            OutOfReach: some are tied, and there are not two sides.
        """
        for side in (0, 1) if self.is_tied else (0,):
            chosen = {}
            for k, sides in self.sides.items():
                if self.tied[k].any() and not np.isin(sides, (0, 0.5, 1)).all():
                    raise OutOfReach("a choice is tied all around")
                chosen[k] = np.where(self.tied[k], side, sides).astype(sides.dtype)[None]
            yield chosen


def taking(sides: Sides) -> Decides:
    """Choices that take some sides where they are at a tie."""

    def decide(position: int, near: np.ndarray, decision: np.ndarray, compared: np.ndarray | None) -> np.ndarray:
        if not near.any():
            return decision
        side = sides.get(position)
        if side is None and compared is not None and not (near & (compared == compared)).any():
            return decision  # NaN on this piece, which has no number here
        shape = None if side is None else (len(side), *[1] * (decision.ndim - side.ndim), *side.shape[1:])
        if side is None or shape != (len(side), *decision.shape[1:]) or len(decision) not in (1, len(side)):
            raise OutOfReach("a choice at a tie has no side")
        return np.where(near, side.reshape(shape), decision).astype(decision.dtype)

    return decide


def common(reference: Followed, point: Sequence[np.ndarray], order: int) -> list[Blocks]:
    """The derivatives that all pieces have in common, by order, up to the first order at which they have not.

    Args:
        reference: of the function.
        point: a batch of one, at a tie of some choice.
        order: the highest that is asked for.

    Returns:
        For each order from 0 on its blocks; nothing where that cannot be told.
    """
    try:
        return _Meeting(reference, point).common(order)
    except (OutOfReach, Diverges):
        return []


def settled(reference: Followed, path: Path, points: Sequence[np.ndarray], found: Found) -> Found:
    """A derivative with that which all pieces have at points where choices are at a tie, if they have one."""
    order = len(path) - 1
    if order == 0 or reference.is_piece or not found.at_tie.any():
        return found
    values, errors, tie = found.values.copy(), found.errors.copy(), found.at_tie.copy()
    for k in np.flatnonzero(tie)[:MAX_MEETINGS]:
        known = reference.common([batch[k : k + 1] for batch in points], order)
        if len(known) > order:
            own, bounds = known[order][path]
            values[k], errors[k], tie[k] = own[0], bounds[0], False
    return Found(values, errors, tie)


class _Meeting:
    """A point at which pieces meet."""

    def __init__(self, reference: Followed, point: Sequence[np.ndarray]) -> None:
        self.reference = reference
        self.point = [np.asarray(x, np.float64) for x in point]
        self.flat = np.concatenate([x.ravel() for x in self.point])
        self.choices: dict[int, np.ndarray] = {}  # by position, which of their elements are undecided
        self.steps = self._run(self.flat[None], self._at_point).steps

    def common(self, order: int) -> list[Blocks]:
        """See `common`."""
        undecided = sum(int(np.count_nonzero(choice)) for choice in self.choices.values())
        size = len(self.flat)
        if not 0 < undecided <= MAX_TIES or max(size**order, MIN_NUMBERS * self.steps) > MAX_PIECE_NUMBERS:
            return []
        reference = self.reference
        try:
            return self._common(reference, order)
        except _Undefined:
            if reference.precise:
                return []
            few = self._directions()[: size + FEW if size <= MAX_CELL_INPUTS else FEW]
            return limits(reference, self.point, few, self._steps(), order)
        except _Coarse:
            with in_digits(DIGITS, OPERATIONS):
                found = self._common(reference.with_digits(), order)
            first = reference.on_sides(self._pieces()[0])
            return [piece.blocks(k, self.point) for k, piece in enumerate([reference, *[first] * (len(found) - 1)])]

    def _common(self, reference: Followed, order: int) -> list[Blocks]:
        """Likewise. A derivative in which two pieces differ differs along random directions."""
        if len(pieces := self._pieces()) > MAX_PIECES:
            return []
        found = [reference.blocks(0, self.point)]
        scale, size = _largest(found[0]), float(np.max(np.abs(self.flat), initial=0.0)) or 1.0
        first, rng = reference.on_sides(pieces[0]), np.random.default_rng(len(pieces))
        for k in range(order + 1):
            along = []
            for _ in range(DRAWS if k else 1):
                weights = rng.integers(SHORT, 2 * SHORT, (k, len(self.flat))) / SHORT  # exact in all digits
                along += self._along(reference, pieces, weights * rng.choice([-1, 1], weights.shape))
            if k == 0:  # and the value at the point is theirs
                own = (found[0][o,] for o in range(len(along)))
                along = [
                    Found(np.concatenate([of.values, value]), np.concatenate([of.errors, error]), of.at_tie)
                    for of, (value, error) in zip(along, own, strict=True)
                ]
            if any(of.at_tie.any() for of in along):
                raise OutOfReach("it is degenerate here")
            if not _alike(along, scale / size**k):
                break
            if k:
                found.append(first.blocks(k, self.point))
        return found

    def _along(self, reference: Followed, pieces: Sequence[Sides], directions: np.ndarray) -> list[Found]:
        """A derivative of each output along some directions, one for each order, for each piece."""
        try:
            every = {k: np.concatenate([sides[k] for sides in pieces]) for k in pieces[0]}
            points = [np.repeat(x, len(pieces), axis=0) for x in self.point]
            return reference.on_sides(every).along(points, *directions)
        except (OutOfReach, Diverges):
            one_by_one = [reference.on_sides(sides).along(self.point, *directions) for sides in pieces]
            parts = ("values", "errors", "at_tie")
            joined = (
                [np.concatenate([getattr(f, part) for f in of]) for part in parts]
                for of in zip(*one_by_one, strict=True)
            )
            return [Found(values, errors, tie) for values, errors, tie in joined]

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
        if run.at_tie.any():
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
        """What the choices at a tie at the point decide at other points, shape `(points, inputs)`."""
        found = [_Decided({}, {}, {}) for _ in flat]

        def decide(position: int, near: np.ndarray, decision: np.ndarray, compared: np.ndarray | None) -> np.ndarray:
            if (undecided := self.choices.get(position)) is not None:
                if undecided.shape != decision.shape[1:]:
                    raise OutOfReach("another program is run beside the point")
                if compared is not None:  # what is NaN or infinite beside the point, too, is decided there
                    near = near & (compared == compared)
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

    def _pieces(self) -> list[Sides]:
        """The sides that choices take together, seen along directions."""
        directions = self._directions()
        directions = np.stack([directions, -directions], axis=1).reshape(-1, len(self.flat))
        sides: dict[bytes, Sides] = {}
        seen = np.zeros(len(directions), bool)
        for step in BESIDE:
            far, near = (self._all_beside(self.flat + h * self._steps() * directions) for h in (step, NEARER * step))
            for k, pair in enumerate(zip(far, near, strict=True)):
                if pair[0].is_like(pair[1]) and not (seen[k] and pair[0].is_tied):
                    seen[k] = True
                    for found in pair[0].both_ways():
                        sides[b"".join(np.ascontiguousarray(found[c]).tobytes() for c in sorted(found))] = found
        if not seen.all():
            raise OutOfReach("the sides change however near to the point one looks")
        return list(sides.values())

    def _steps(self) -> np.ndarray:
        """The size of each input; of those that are 0, of the others of the same leaf."""
        parts = []
        for x in self.point:
            sizes = np.abs(x.ravel())
            sizes = np.where(np.isfinite(sizes), sizes, 0.0)
            other = float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 1.0
            parts.append(np.where(sizes > 0, sizes, other))
        return np.concatenate(parts)

    def _directions(self) -> np.ndarray:
        """One a row, relative to the sizes of the inputs; each is to be followed both ways."""
        n = len(self.flat)
        if n == 1:
            return np.ones((1, 1))
        rng = np.random.default_rng(n)
        if n > MAX_CELL_INPUTS:
            return rng.standard_normal((FEW, n))
        units = np.eye(n) + ASIDE * rng.standard_normal((1, n))
        random = rng.standard_normal((RANDOM, n))
        return np.concatenate([units, random, self._into_cells(random)])

    def _into_cells(self, bases: np.ndarray) -> np.ndarray:
        """Directions into all cells that the hyperplanes of what is compared cut the space into, if they are few.

        Every cell has an edge, in which as many hyperplanes meet as there are dimensions, less one.
        """
        n, nothing = len(self.flat), np.zeros((0, len(self.flat)))
        moves = np.concatenate([np.zeros((1, n)), ASIDE * np.eye(n)])
        around = self.flat + BESIDE[0] * self._steps() * (bases[:, None] + moves).reshape(-1, n)
        found = self._all_beside(around)
        if not found[0].compared:
            return nothing
        numbers = np.array([np.concatenate([there.compared[k] for k in sorted(there.compared)]) for there in found])
        numbers = numbers.reshape(len(bases), n + 1, -1)
        lines = hyperplanes((numbers[:, 1:] - numbers[:, :1]).swapaxes(1, 2).reshape(-1, n))
        return into_cells(lines) if lines is not None else nothing


class _Undefined(OutOfReach):
    """A derivative of some piece is not finite at the point."""


class _Coarse(OutOfReach):
    """Bounds are too wide to tell whether two pieces have the same derivative."""


def _alike(found: Sequence[Found], scale: float) -> bool:
    """Whether all pieces have the same derivatives.

    Args:
        found: for each output that of the pieces.
        scale: the size that such derivatives have, if the value is nothing special.
    """
    for of in found:
        values, errors = of.values, of.errors
        if not is_finite(values).all():
            raise _Undefined("a piece is not smooth at the point")
        if is_precise(values):
            apart = elementwise(lambda a, b: abs(exact(a) - exact(b)), values, values[:1])
            size = max([mpmath.mpf(scale), *(abs(exact(x)) for x in values.ravel())])
            if any(x > size * mpmath.mpf(10) ** (-0.7 * mpmath.dps) for x in apart.ravel()):
                return False
            continue
        bound = errors + errors[:1]
        if not np.all(np.abs(values - values[:1]) <= SAME * bound):
            return False
        if not np.all(bound <= FINE * max(float(np.max(np.abs(values), initial=0.0)), scale)):
            raise _Coarse("rounding hides whether two pieces have the same derivative")
    return True


def _largest(blocks: Blocks) -> float:
    """The largest number of some blocks."""
    return max((float(np.max(np.abs(nearest(values)), initial=0.0)) for values, _ in blocks.values()), default=0.0)
