"""Known integers as index expressions: arithmetic of the indices where there is a pattern, else a table.

Indexing with constants is data movement that is known in full. What a reader should see of it is `x[2]`, `x[2*i + 1]`
or `x[n - 1 - i]`; only an order without a pattern needs a table of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.engines.symbolic.atoms import Lookup, Table
from jaxdiff_magic.engines.symbolic.expression import Delta, Within
from jaxdiff_magic.engines.symbolic.indices import quotient, remainder


def lookup(values: np.ndarray, indices: Sequence[Expr], name: str = "") -> Expr:
    """The element of an array of integers at some index expressions.

    Args:
        values: the integers.
        indices: one expression per axis.
        name: of the array, where a table is needed.
    """
    indices, patterned = list(indices), np.asarray(values, np.int64)
    if patterned.size == 0:
        return Integer(0)  # there is no element: any expression will do
    if name and patterned.ndim and not _affine(patterned):
        return Lookup(Table(patterned, name), *indices)
    for axis in reversed(range(patterned.ndim)):
        if np.all(patterned == patterned.take([0], axis)):
            patterned = patterned.take(0, axis)
            del indices[axis]
    if patterned.ndim == 0:
        return Integer(int(patterned))
    if (found := _affine(patterned)) is not None:
        first, steps = found
        return sp.Add(first, *(step * i for step, i in zip(steps, indices, strict=True)))
    return Lookup(Table(patterned, name), *indices)


def _affine(values: np.ndarray) -> tuple[int, list[int]] | None:
    """The first element and the step along each axis, if every element is their sum."""
    first = int(values.flat[0])
    steps = [int(values.take(1, axis).flat[0]) - first if n > 1 else 0 for axis, n in enumerate(values.shape)]
    grid = np.ogrid[tuple(slice(n) for n in values.shape)]
    predicted = first + sum(step * along for step, along in zip(steps, grid, strict=True))
    return (first, steps) if np.array_equal(np.broadcast_to(predicted, values.shape), values) else None


@dataclass(frozen=True)
class Region:
    """The elements of an array that a mask selects.

    Attributes:
        selector: 1 at those elements, else 0, in the array's index expressions.
        at: an array of integers that is known at those elements only, looked up at the same index expressions.
    """

    selector: Expr
    at: Callable[[np.ndarray], Expr]


def region(mask: np.ndarray, indices: Sequence[Expr]) -> Region:
    """The elements selected by a mask, as ranges and deltas where it is made of those."""
    if not mask.any():
        return Region(Integer(0), lambda values: Integer(0))
    along = [mask.any(tuple(a for a in range(mask.ndim) if a != axis)) for axis in range(mask.ndim)]
    if np.array_equal(mask, _product(along)):
        places = [np.flatnonzero(chosen) for chosen in along]
        parts = [_places(p, len(chosen), i) for p, chosen, i in zip(places, along, indices, strict=True)]
        selector = sp.Mul(*(part for part, _ in parts))
        if all(compact is not None for _, compact in parts):
            return Region(selector, lambda values: lookup(values[np.ix_(*places)], [c for _, c in parts]))
        return Region(selector, lambda values: lookup(np.where(mask, values, 0), indices))
    if mask.ndim == 2 and (diagonal := _diagonal(mask)) is not None:
        rows, columns = np.nonzero(mask)
        selector = Delta(indices[0] + diagonal, indices[1])
        return Region(selector, lambda values: lookup(values[rows, columns], [indices[0] - int(rows[0])]))
    return Region(
        Delta(lookup(mask.astype(int), indices), Integer(1)),
        lambda values: lookup(np.where(mask, values, 0), indices),
    )


def _product(along: Sequence[np.ndarray]) -> np.ndarray:
    """The mask that selects where each axis does."""
    found = np.ones((1,) * len(along), bool)
    for axis, chosen in enumerate(along):
        found = found & chosen.reshape([-1 if a == axis else 1 for a in range(len(along))])
    return found


def _places(places: np.ndarray, length: int, i: Expr) -> tuple[Expr, Expr | None]:
    """The selector of some places along an axis, and which of them an index is; None where there is no pattern."""
    first, last = int(places[0]), int(places[-1])
    if len(places) == 1:
        return Delta(i, Integer(first)), Integer(0)
    steps = np.unique(np.diff(places))
    if len(steps) > 1:
        mask = np.zeros(length, int)
        mask[places] = 1
        return Delta(lookup(mask, [i]), Integer(1)), None
    step = int(steps[0])
    inside = Within(i, Integer(first), Integer(last))
    if step == 1:
        return inside, i - first
    return inside * Delta(remainder(i - first, step), Integer(0)), quotient(i - first, step)


def _diagonal(mask: np.ndarray) -> int | None:
    rows, columns = np.nonzero(mask)
    offset = int(columns[0] - rows[0])
    return offset if np.array_equal(mask, np.eye(mask.shape[0], mask.shape[1], offset, dtype=bool)) else None
