"""Primitives that read and write at computed positions: the positions are constants to differentiation."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.bounded import Number, add, base, weigh
from jaxdiff_magic.engines.reference.rules.movement import cut, moved
from jaxdiff_magic.engines.reference.run import Node, Result, Rule, RuleStep, Run
from jaxdiff_magic.primitives.positions import NOWHERE, origins, region, targets

MAX_TURNS = 200
"""An element that is updated more often than this is not followed. A choice of time: each is a step of its own."""


def taken(run: Run, x: Node, positions: np.ndarray, valid: np.ndarray) -> Node:
    """Elements of an operand by their row-major positions; 0 where not valid."""
    shape = positions.shape
    at = np.where(valid, positions, 0).ravel()
    keep, unique = valid.ravel(), _unique(positions[valid])

    def there(a: np.ndarray) -> np.ndarray:
        flat = a.reshape(*a.shape[: run.batch_axes], -1)
        if not flat.shape[-1]:
            return np.zeros((*a.shape[: run.batch_axes], *shape), a.dtype)
        return np.where(keep, flat[..., at], np.zeros((), a.dtype)).reshape(*a.shape[: run.batch_axes], *shape)

    def back(g: np.ndarray) -> np.ndarray:
        flat = g.reshape(*g.shape[: run.batch_axes], -1)[..., keep]
        return _scattered(flat, at[keep], math.prod(x.shape), unique).reshape(*g.shape[: run.batch_axes], *x.shape)

    copies = 1 if unique else int(np.bincount(at[keep]).max(initial=1))
    return moved(run, x, shape, there, back, copies)[0]


def placed(run: Run, x: Node, shape: tuple[int, ...], positions: np.ndarray, valid: np.ndarray) -> Node:
    """An operand's elements added up at row-major positions of a new array of zeros."""
    at, keep = positions.ravel(), valid.ravel()
    unique = _unique(at[keep])

    def there(a: np.ndarray) -> np.ndarray:
        flat = a.reshape(*a.shape[: run.batch_axes], -1)[..., keep]
        return _scattered(flat, at[keep], math.prod(shape), unique).reshape(*a.shape[: run.batch_axes], *shape)

    def back(g: np.ndarray) -> np.ndarray:
        flat = g.reshape(*g.shape[: run.batch_axes], -1)
        values = flat[..., np.where(keep, at, 0)] if flat.shape[-1] else np.zeros((*g.shape[: run.batch_axes], at.size))
        return np.where(keep, values, 0.0).reshape(*g.shape[: run.batch_axes], *x.shape)

    return moved(run, x, shape, there, back)[0]


def _unique(positions: np.ndarray) -> bool:
    return len(np.unique(positions)) == positions.size


def _scattered(flat: np.ndarray, at: np.ndarray, size: int, unique: bool) -> np.ndarray:
    whole = np.zeros((*flat.shape[:-1], size), flat.dtype)
    if unique:
        whole[..., at] = flat
    else:
        np.add.at(whole, (..., at), flat)  # pyright: ignore[reportArgumentType]
    return whole


def _gather(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    x, indices = xs
    shape = step.results[0].shape
    (positions,) = origins("gather", step.params, [x.shape], [shape], [run.shared(indices)])
    valid = positions != NOWHERE
    found = taken(run, x, positions, valid)
    if valid.all():
        return [found]
    filling = step.params.get("fill_value")
    dtype = np.dtype(step.results[0].dtype)
    if filling is None:
        filling = np.nan if found.is_number else True if dtype == np.bool_ else _extreme(dtype)
    outside = run.constant(np.full(shape, filling, float if found.is_number else dtype))
    return run.apply("select_n", [run.constant(valid), outside, found], {}, step.results)


def _extreme(dtype: np.dtype) -> int:
    """What XLA's fill mode puts for integers."""
    return np.iinfo(dtype).min if np.issubdtype(dtype, np.signedinteger) else np.iinfo(dtype).max


def _positions(run: Run, xs: list[Node], step: RuleStep) -> tuple[np.ndarray, np.ndarray]:
    """Where the updates of a scatter go, and which of them go anywhere."""
    x, indices, updates = xs
    found = targets("scatter", step.params, x.shape, updates.shape, [run.shared(indices)])
    return found, found != NOWHERE


def _scatter(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """Overwrites; of several updates of one element, the last stays."""
    if (update := step.params.get("update_jaxpr")) is not None and update.outvars != update.invars[1:]:
        raise OutOfReach("scatter that applies a function has no rule yet")
    positions, valid = _positions(run, xs, step)
    at = np.where(valid, positions, -1).ravel()
    last = np.zeros(at.size, bool)
    last[at.size - 1 - np.unique(at[::-1], return_index=True)[1]] = True
    return _overwritten(run, xs[0], xs[2], positions, valid & last.reshape(valid.shape))


def _overwritten(run: Run, x: Node, updates: Node, positions: np.ndarray, valid: np.ndarray) -> list[Node]:
    written = np.zeros(math.prod(x.shape), bool)
    written[positions[valid]] = True
    mask = written.reshape(x.shape)
    new = placed(run, updates, x.shape, positions, valid)
    if not x.is_number:
        return run.record([x, new], [np.where(mask, new.value, x.value)], [x.shape], lambda _: [None, None])
    kept = (~mask).astype(float)

    def pull(g: list[Number | None]) -> list[Number | None]:
        return [None if g[0] is None else weigh(g[0], kept), g[0]]

    return run.record([x, new], [add(weigh(x.value, kept), new.value)], [x.shape], pull)


def _scatter_add(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    positions, valid = _positions(run, xs, step)
    added = placed(run, xs[2], xs[0].shape, positions, valid)
    return run.apply("add", [xs[0], added], {}, step.results)


def _scatter_by(primitive: str) -> Rule:
    """scatter-mul, -min, -max: an element that has several updates gets them one after the other."""

    def rule(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
        positions, valid = _positions(run, xs, step)
        turns = _turns(positions, valid)
        if (count := int(np.max(turns, initial=0))) > MAX_TURNS:
            raise OutOfReach(f"scatter-{primitive} that updates an element {count:,} times has no rule yet")
        result = xs[0]
        for turn in range(1, count + 1):
            which = np.flatnonzero(turns.ravel() == turn)
            at, every = positions.ravel()[which], np.ones(which.shape, bool)
            pair = [taken(run, result, at, every), taken(run, xs[2], which, every)]
            (new,) = run.apply(primitive, pair, {}, [Result(which.shape, step.results[0].dtype)])
            (result,) = _overwritten(run, result, new, at, every)
        return [result]

    return rule


def _turns(positions: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """For each update, which one of its element it is: 1, 2, …; 0 for those that are left out."""
    turns, seen = np.zeros(positions.shape, int), Counter()
    for place in np.argwhere(valid):
        element = int(positions[tuple(place)])
        seen[element] += 1
        turns[tuple(place)] = seen[element]
    return turns


def _dynamic_slice(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    x, *starts = xs
    return cut(run, x, region(x.shape, list(map(run.shared, starts)), step.params["slice_sizes"]))


def _dynamic_update_slice(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    x, new, *starts = xs
    positions = targets("dynamic_update_slice", step.params, x.shape, new.shape, list(map(run.shared, starts)))
    return _overwritten(run, x, new, positions, np.ones(positions.shape, bool))


def _sort(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    axis, keys = step.params["dimension"], xs[: step.params["num_keys"]]
    order = _order(run, keys, axis, largest_first=False)
    return _reordered(run, xs, order, axis)


def _order(run: Run, keys: Sequence[Node], axis: int, largest_first: bool) -> np.ndarray:
    """The permutation along an axis that sorts, the same at all points."""
    (there,) = run.axes([axis])
    columns = [-key.array if largest_first else key.array for key in reversed(keys)]
    order = np.lexsort(np.broadcast_arrays(*columns), axis=there)
    if keys[0].is_number:
        b = base(keys[0].value)
        ranked = np.take_along_axis(b.data, order, there)
        error = np.take_along_axis(np.broadcast_to(0.0 if b.error is None else b.error, b.data.shape), order, there)
        with np.errstate(invalid="ignore"):
            equal = np.abs(np.diff(ranked, axis=there)) <= 4 * np.max(error, initial=0.0)
            order = run.decide(equal.any(axis=there, keepdims=True), order, *keys)
    return run.shared(Node(order, keys[0].shape, False))


def _reordered(run: Run, xs: Sequence[Node], order: np.ndarray, axis: int) -> list[Node]:
    every = np.arange(order.size).reshape(xs[0].shape)
    positions = np.take_along_axis(every, order, axis)
    return [taken(run, x, positions, np.ones(positions.shape, bool)) for x in xs]


def _top_k(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    x, axis = xs[0], step.params.get("axis", len(xs[0].shape) - 1)
    index = np.arange(x.shape[axis]).reshape([-1 if a == axis else 1 for a in range(len(x.shape))])
    numbered = run.constant(np.broadcast_to(index, x.shape).astype(step.results[1].dtype))
    order = _order(run, [x], axis, largest_first=True)
    best = [slice(0, int(step.params["k"])) if a == axis else slice(None) for a in range(len(x.shape))]
    return [cut(run, sorted_, best)[0] for sorted_ in _reordered(run, [x, numbered], order, axis)]


def _search_sorted(run: Run, xs: list[Node], step: RuleStep) -> list[Node] | None:
    """Where values belong in a sorted array; the one primitive of this form that JAX has."""
    primitive = step.params["_prim"]
    array, values = xs
    if type(primitive).__name__ != "SearchSorted" or len(array.shape) != 1:
        raise OutOfReach(f"{type(primitive).__name__} has no rule yet")
    places = np.empty(values.array.shape, step.results[0].dtype)
    rows = np.broadcast_to(array.array, (*places.shape[: run.batch_axes], *array.shape)).reshape(-1, *array.shape)
    found = [
        np.searchsorted(row, part, side=primitive.side)
        for row, part in zip(rows, values.array.reshape(len(rows), -1), strict=True)
    ]
    return run.record(
        xs, [np.reshape(found, places.shape).astype(places.dtype)], [values.shape], lambda _: [None, None]
    )


INDEXING: Mapping[str, Rule] = {
    "gather": _gather,
    "scatter": _scatter,
    "scatter-add": _scatter_add,
    "scatter_add": _scatter_add,
    "scatter-mul": _scatter_by("mul"),
    "scatter_mul": _scatter_by("mul"),
    "scatter-min": _scatter_by("min"),
    "scatter_min": _scatter_by("min"),
    "scatter-max": _scatter_by("max"),
    "scatter_max": _scatter_by("max"),
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "sort": _sort,
    "top_k": _top_k,
    "call_hi_primitive": _search_sorted,
}
"""Primitive to its rule."""
