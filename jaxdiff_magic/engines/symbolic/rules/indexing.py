"""Indexing: gather, scatter, and slices at computed positions.

Known indices are followed exactly: where each element comes from, or goes to, is written as index arithmetic. Indices
that are positions found in an array (of a maximum, of an order) stay symbolic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.expression import Delta, Index, Within, bounds, is_index_expression
from jaxdiff_magic.engines.symbolic.functions import maximum, minimum
from jaxdiff_magic.engines.symbolic.indices import total
from jaxdiff_magic.engines.symbolic.rules.view import Indices, ResultView, StructureRule, View, chosen
from jaxdiff_magic.engines.symbolic.tables import lookup, region
from jaxdiff_magic.primitives.positions import NOWHERE, origins, targets

MOST_POSITIONS = 1 << 20
"""Larger movements are not followed element by element. A choice of memory: a table of 8 MB."""
MOST_REPEATS = 8
"""How often one element may be hit by a scatter that multiplies or compares. A choice: each makes the formula longer by
one factor."""


def _known(where: View, *arrays: View) -> np.ndarray:
    """The values of known indices, for arrays small enough to follow."""
    assert where.value is not None
    if sum(int(np.prod(array.shape)) for array in arrays) > MOST_POSITIONS:
        raise OutOfReach("indexing of arrays this large has no formula yet")
    limits = np.iinfo(np.int32)
    return np.clip(where.value(), limits.min, limits.max).astype(np.int32)


def _gather(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    x, where = inputs
    shape = results[0].shape
    if 0 in shape:
        return [View(shape, lambda i: Integer(0))]
    if where.value is None:
        return _gather_at_positions(inputs, params, results)
    (source,) = origins("gather", params, [x.shape], [shape], [_known(where, x, View(shape, x.at))])
    inside = source != NOWHERE
    axes = np.unravel_index(np.where(inside, source, 0), x.shape) if x.shape else ()

    def at(i: Indices) -> sp.Basic:
        places = region(inside, i)
        return chosen(
            places.selector, lambda: x.at(tuple(map(places.at, axes))), lambda: _filling(params, results[0].dtype)
        )

    return [View(shape, at)]


def _filling(params: Mapping[str, Any], dtype: Any) -> sp.Basic:
    value = params["fill_value"]
    if value is not None:
        return sp.nan if value != value else sp.Rational(*float(value).as_integer_ratio())
    if np.dtype(dtype).kind == "b":
        return sp.true
    if np.dtype(dtype).kind in "iu":
        limits = np.iinfo(dtype)
        return Integer(int(limits.min if limits.min < 0 else limits.max))
    return sp.nan


def _gather_at_positions(
    inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]
) -> list[View]:
    """A gather whose indices are expressions; they must lie within the array for certain."""
    x, where = inputs
    numbers, sizes = params["dimension_numbers"], params["slice_sizes"]
    rank = len(results[0].shape)
    offset_dims = [int(axis) for axis in numbers.offset_dims]
    batching = [int(axis) for axis in numbers.operand_batching_dims]
    collapsed = [int(axis) for axis in numbers.collapsed_slice_dims]
    mapped = [int(axis) for axis in numbers.start_index_map]
    windows = [axis for axis in range(len(x.shape)) if axis not in (*collapsed, *batching)]

    def at(i: Indices) -> sp.Basic:
        batch = [i[axis] for axis in range(rank) if axis not in offset_dims]
        offsets = dict(zip(windows, (i[axis] for axis in offset_dims), strict=True))
        places = []
        for axis, length in enumerate(x.shape):
            place = offsets.get(axis, Integer(0))
            if axis in batching:
                place += batch[int(numbers.start_indices_batching_dims[batching.index(axis)])]
            if axis in mapped:
                start = where.at((*batch, Integer(mapped.index(axis))))
                place += _inside(start, length - int(sizes[axis]))
            places.append(place)
        return x.at(tuple(places))

    return [View(results[0].shape, at)]


def _inside(start: sp.Basic, last: int) -> Expr:
    """A start of a slice, kept within the array as JAX does; for expressions, only where it is within for certain."""
    if isinstance(start, Integer):
        return Integer(min(max(int(start), 0), last))
    if is_index_expression(start):
        least, most = bounds(start)
        if least is not None and most is not None and least >= 0 and most <= last:
            return start
    raise OutOfReach("indexing at a position computed from the inputs has no formula yet")


def _dynamic_slice(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    x, *starts = inputs
    lengths = zip(starts, x.shape, params["slice_sizes"], strict=True)
    first = [_inside(_scalar(start), length - int(size)) for start, length, size in lengths]
    return [View(results[0].shape, lambda i: x.at(tuple(a + k for a, k in zip(first, i, strict=True))))]


def _dynamic_update_slice(
    inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]
) -> list[View]:
    x, update, *starts = inputs
    lengths = zip(starts, x.shape, update.shape, strict=True)
    first = [_inside(_scalar(start), length - size) for start, length, size in lengths]

    def at(i: Indices) -> sp.Basic:
        places = [k - a for a, k in zip(first, i, strict=True)]
        selector = sp.Mul(
            *(
                Delta(k, a) if size == 1 else Within(place, Integer(0), Integer(size - 1))
                for place, size, a, k in zip(places, update.shape, first, i, strict=True)
            )
        )
        return chosen(selector, lambda: update.at(tuple(places)), lambda: x.at(i))

    return [View(x.shape, x.at if 0 in update.shape else at)]


def _scalar(start: View) -> sp.Basic:
    return Integer(int(start.value())) if start.value is not None else start.at(())


def _element(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    """What one step of a scan sees of an array that it runs over."""
    return [View(results[0].shape, lambda i: inputs[0].at((Integer(params["position"]), *i)))]


def _targets(inputs: Sequence[View], params: Mapping[str, Any]) -> np.ndarray:
    """Where each element of the updates of a scatter goes to, where that is known."""
    x, where, updates = inputs
    if where.value is None:
        raise OutOfReach("a scatter to positions computed from the inputs has no formula yet")
    return targets("scatter", params, x.shape, updates.shape, [_known(where, x, updates)])


def _rounds(targets: np.ndarray) -> list[np.ndarray]:
    """Which update hits each element first, which second, and so on: positions of updates, in order of their hits."""
    flat = targets.ravel()
    order = np.argsort(flat, kind="stable")
    order = order[flat[order] >= 0]
    hits = flat[order]
    starts = np.flatnonzero(np.r_[True, hits[1:] != hits[:-1]]) if hits.size else np.zeros(0, int)
    rank = np.arange(hits.size) - np.repeat(starts, np.diff(np.r_[starts, hits.size]))
    return [order[rank == k] for k in range(int(rank.max(initial=-1)) + 1)]


def _scatter_by(combine: Callable[[sp.Basic, sp.Basic], sp.Basic], most: int) -> StructureRule:
    """A scatter that changes an element by one update after the other."""

    def rule(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
        x, _, updates = inputs
        if combine is _replaced and params.get("update_jaxpr") is not None:
            raise OutOfReach("a scatter that applies a function has no formula yet")
        if 0 in updates.shape or 0 in x.shape:
            return [View(x.shape, x.at)]
        places = _targets(inputs, params)
        rounds = _rounds(places)
        if len(rounds) > most:
            raise OutOfReach("a scatter that hits an element several times has no formula yet")

        def at(i: Indices) -> sp.Basic:
            found = x.at(i)
            for hitting in rounds:
                found = _changed(found, hitting, i)
            return found

        def _changed(before: sp.Basic, hitting: np.ndarray, i: Indices) -> sp.Basic:
            hit = region(_spread(np.ones(hitting.size), hitting, False).astype(bool), i)
            coordinates = np.unravel_index(hitting, updates.shape) if updates.shape else ()
            source = [hit.at(_spread(along, hitting, 0)) for along in coordinates]
            if combine is sp.Add and hit.selector != 1:  # no need to say it twice
                return before + hit.selector * updates.at(tuple(source))
            return chosen(hit.selector, lambda: combine(before, updates.at(tuple(source))), lambda: before)

        def _spread(values: np.ndarray, hitting: np.ndarray, elsewhere: int) -> np.ndarray:
            spread = np.full(int(np.prod(x.shape)), elsewhere, np.int64)
            spread[places.ravel()[hitting]] = values
            return spread.reshape(x.shape)

        return [View(x.shape, at)]

    return rule


def _replaced(before: sp.Basic, update: sp.Basic) -> sp.Basic:
    return update


_add_once = _scatter_by(sp.Add, 1)


def _scatter_add(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    x, _, updates = inputs
    if 0 in updates.shape or 0 in x.shape:
        return [View(x.shape, x.at)]
    places = _targets(inputs, params)
    if len(_rounds(places)) <= 1:
        return _add_once(inputs, params, results)
    axes = np.unravel_index(np.maximum(places, 0), x.shape) if x.shape else ()

    def at(i: Indices) -> sp.Basic:
        summed = [Index(length, "u") for length in updates.shape]
        kept = region(places != NOWHERE, summed)
        hits = (Delta(lookup(along, summed), k) for along, k in zip(axes, i, strict=True))
        return x.at(i) + total(sp.Mul(kept.selector, *hits, updates.at(tuple(summed))), summed)

    return [View(x.shape, at)]


INDEXING: Mapping[str, StructureRule] = {
    "gather": _gather,
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "scan_element": _element,
    "scatter": _scatter_by(_replaced, 1),
    "scatter-add": _scatter_add,
    "scatter-mul": _scatter_by(sp.Mul, MOST_REPEATS),
    "scatter-min": _scatter_by(minimum, MOST_REPEATS),
    "scatter-max": _scatter_by(maximum, MOST_REPEATS),
}
"""Primitive name to its rule."""
