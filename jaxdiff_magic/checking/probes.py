"""A large derivative without a formula: Taylor remainders along random directions, and along some single entries.

A random direction in which every input moves meets every entry of a row at once; single entries say which one is wrong.
What could still hide is stated: a single wrong entry that is off by less than the directions show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.checking.slopes import BoundedValues, Jacobian, leaf_scale, random_direction, remainders_along
from jaxdiff_magic.checking.taylor import RIGHT, WRONG, Remainders
from jaxdiff_magic.checking.words import Why

DIRECTIONS, FEWEST = 8, 3
"""Along how many random directions a block is tried, and along how many at least where time is short. A choice of time;
a wrong entry of usual size is missed by one random direction almost never."""
SMALLEST, SAMPLED = 20, 20
"""How many inputs are tried singly: those with the smallest entries, which directions show worst, and random ones. A
choice of time: each is one more direction."""
GROSS = 1e-5
"""A difference below this part of the derivative along the direction is not called wrong. A choice: some eighty times
the rounding of a float32, above what remainders leave."""
SHOWN = 1e-4
"""An entry of which the directions do not show this part is left undecided, unless it was tried singly. A choice: ten
times what is called wrong."""


@dataclass(frozen=True)
class Probes:
    """What was found about one block. Masks have its shape.

    Attributes:
        wrong: entries found wrong, tried singly.
        unclear: entries of which nothing can be said, and `why`.
        hides: for each element of the output, how far off a single entry that was not tried may be.
        singly, directions: along how many single inputs, and how many random directions, the block was tried.
    """

    wrong: np.ndarray
    unclear: np.ndarray
    why: Why
    hides: np.ndarray
    singly: int
    directions: int

    def gap(self, what: str) -> str:
        """What was not covered, as a sentence; "" where that does not matter, since something is wrong."""
        if self.wrong.any():
            return ""
        total = self.wrong.size // max(self.hides.size, 1)
        rows = "" if self.hides.size == 1 else " in each row"
        return (
            f"{what}: of {total:,} entries{rows} {self.singly} were tried singly, all in {self.directions} random "
            f"directions: a single wrong entry that is off by less than {np.max(self.hides):.1e} could hide"
        )


@dataclass(frozen=True)
class Probing:
    """One block, ready to be tried.

    Attributes:
        values: the output with bounds on its rounding.
        jacobian: JAX's derivative of it, of which only the leaf at `position` is tried.
        point: for each input leaf its value.
        position: of the leaf.
        eps: relative rounding error of the points at which values are known.
        deadline: the instant (`budget.now`) after which nothing more is tried.
    """

    values: BoundedValues
    jacobian: Jacobian
    point: Sequence[np.ndarray]
    position: int
    eps: float
    deadline: float

    def probes(self, rng: np.random.Generator) -> Probes | None:
        """What the directions say; None when there is no time for them."""
        block, leaf = self.jacobian.blocks[self.position], self.point[self.position]
        axes = block.ndim - leaf.ndim
        shape, size = block.shape[:axes], leaf.size
        scale, rows = leaf_scale(leaf), []
        while len(rows) < DIRECTIONS and not passed(self.deadline):
            rows.append(self._along(random_direction(self.point, rng, self.position)))
        if len(rows) < FEWEST:
            return None
        hides = np.max([found.error for found in rows], axis=0) / (0.5 * scale)
        undecided = np.any([found.says != RIGHT for found in rows], axis=0)
        wrong, tried = np.zeros((*shape, size), bool), np.zeros((*shape, size), bool)
        decided = np.zeros((*shape, size), bool)
        entries = np.abs(block.reshape(*shape, size))
        for k in dict.fromkeys([*self._suspects(rows, size), *_sampled(entries, rng)]):
            if passed(self.deadline):
                break
            found = self._along(self._moving(slice(k, k + 1)))
            wrong[..., k], decided[..., k] = self._wrong(found), found.says == RIGHT
            tried[..., k] = True
        scales = np.where(entries == 0, np.max(entries, initial=0.0), entries)
        shown = np.where(tried, decided, ~undecided[..., None] & (hides[..., None] <= SHOWN * scales))
        why = Why.PROBES_UNDECIDED
        if wrong.any():
            why = Why.PROBES_OTHER_WRONG
        elif not undecided.any():
            why = Why.PROBES_SMALL
        singly = int(np.count_nonzero(tried.reshape(-1, size)[0]))
        unclear = (~shown & ~wrong).reshape(block.shape)
        return Probes(wrong.reshape(block.shape), unclear, why, hides, singly, len(rows))

    def _along(self, direction: list[np.ndarray]) -> Remainders:
        return remainders_along(self.values, self.jacobian, self.point, direction, self.eps, fine=False)

    def _wrong(self, found: Remainders) -> np.ndarray:
        row = np.abs(self.jacobian.blocks[self.position]).reshape(*found.says.shape, -1).max(axis=-1)
        return (found.says == WRONG) & (found.error > GROSS * row * leaf_scale(self.point[self.position]))

    def _moving(self, part: slice) -> list[np.ndarray]:
        """The direction in which some elements of the leaf move alike, and nothing else does."""
        direction = [np.zeros_like(x) for x in self.point]
        direction[self.position].reshape(-1)[part] = leaf_scale(self.point[self.position])
        return direction

    def _suspects(self, rows: Sequence[Remainders], size: int) -> list[int]:
        """An input that a wrong entry belongs to, by halving; none where no direction says that something is wrong."""
        wrong = np.max([np.where(found.says == WRONG, found.error, 0.0) for found in rows], axis=0)
        if not wrong.any():
            return []
        at = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        begin, end = 0, size
        while end - begin > 1 and not passed(self.deadline):
            middle = (begin + end) // 2
            halves = [self._along(self._moving(slice(*half))).error[at] for half in ((begin, middle), (middle, end))]
            begin, end = (begin, middle) if halves[0] >= halves[1] else (middle, end)
        return [begin]


def _sampled(entries: np.ndarray, rng: np.random.Generator) -> list[int]:
    """Inputs to be tried singly.

    Args:
        entries: |J|, the inputs along the last axis.
        rng: of the random ones.
    """
    smallest = np.where(entries == 0, np.inf, entries).reshape(-1, entries.shape[-1]).min(axis=0)
    return [*np.argsort(smallest)[:SMALLEST].tolist(), *rng.permutation(entries.shape[-1])[:SAMPLED].tolist()]
