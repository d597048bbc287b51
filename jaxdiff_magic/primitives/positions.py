"""Positions: where each element comes from, or goes to, in a primitive that only moves elements.

A position is that of an element in its array in row-major order. NumPy finds them, since JAX would compile each
primitive anew for each shape; it gives what JAX gives when the primitive is bound to the positions of its operands.
Source for gather and scatter: XLA's operation semantics, https://openxla.org/xla/operation_semantics.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jaxdiff_magic.primitives.facts import having

Shape = tuple[int, ...]
Params = Mapping[str, Any]
Arrays = Sequence[np.ndarray]

NOWHERE = -1
"""The position of what comes from no element, as a filling does, or of what is dropped."""


def origins(
    primitive: str, params: Params, operands: Sequence[Shape], results: Sequence[Shape], places: Arrays = ()
) -> list[np.ndarray]:
    """Where each element of each result comes from.

    Args:
        primitive, params: JAX's name and parameters of it.
        operands: the shapes of the operands whose elements are moved; their elements are numbered through.
        results: the shapes of the results.
        places: the values of the other operands, which say where.

    Returns:
        Positions among the elements of all the operands, one after the other, or `NOWHERE`; int64, each of the shape
        of its result.

    Raises:
        KeyError: for a primitive that is not among `MOVES`.

    Example:
        >>> origins("rev", {"dimensions": (0,)}, [(3,)], [(3,)])
        [array([2, 1, 0])]
    """
    starts = itertools.accumulate(map(math.prod, operands), initial=0)
    numbered = [start + _numbered(shape) for start, shape in zip(starts, operands, strict=False)]
    found = MOVES[primitive]([*numbered, *places], params, results)
    return [np.broadcast_to(part, shape) for part, shape in zip(found, results, strict=True)]


def targets(primitive: str, params: Params, operand: Shape, updates: Shape, places: Arrays) -> np.ndarray:
    """Where each element of the updates goes to, in what is written to.

    Args:
        primitive, params: of a scatter, or of dynamic_update_slice.
        operand, updates: shapes of what is written to and of what is written.
        places: the values of the operands that say where.

    Returns:
        int64, of the shape of the updates: positions in the operand, or `NOWHERE` for what is dropped.
    """
    if primitive == "dynamic_update_slice":
        return _numbered(operand)[region(operand, places, updates)]
    d = params["dimension_numbers"]
    axes = (d.update_window_dims, d.scatter_dims_to_operand_dims, d.inserted_window_dims)
    batched = _batched(d, "scatter_indices_batching_dims")
    return _windows(
        operand, places[0], updates, *axes, *batched, window_sizes(params, operand, updates), _clips(params)
    )


def region(shape: Shape, starts: Sequence[Any], sizes: Sequence[int]) -> tuple[slice, ...]:
    """The part of an array that dynamic_slice reads and dynamic_update_slice writes: moved until it lies inside."""
    first = [int(np.clip(int(at), 0, n - int(k))) for at, n, k in zip(starts, shape, sizes, strict=True)]
    return tuple(slice(at, at + int(k)) for at, k in zip(first, sizes, strict=True))


def window_sizes(params: Params, operand: Shape, updates: Shape) -> tuple[int, ...]:
    """How many elements one update of a scatter covers, along each axis of what is written to."""
    d = params["dimension_numbers"]
    alone = (*d.inserted_window_dims, *getattr(d, "operand_batching_dims", ()))
    lengths = iter(updates[axis] for axis in d.update_window_dims)
    return tuple(1 if axis in alone else next(lengths) for axis in range(len(operand)))


def _numbered(shape: Shape) -> np.ndarray:
    return np.arange(math.prod(shape), dtype=np.int64).reshape(shape)


def _clips(params: Params, reads: bool = False) -> bool:
    """Whether windows are moved inside: XLA does so where it reads; where it writes, only when JAX asks for it."""
    name = str(params["mode"]).lower()
    return "clip" in name or (reads and "fill" not in name and "drop" not in name)


def _batched(d: Any, of_indices: str) -> tuple[Sequence[int], Sequence[int]]:
    """Axes of the operand that run with axes of the indices, and which these are."""
    return getattr(d, "operand_batching_dims", ()), getattr(d, of_indices, ())


def _windows(
    operand: Shape,
    indices: np.ndarray,
    shape: Shape,
    window_axes: Sequence[int],
    mapped: Sequence[int],
    dropped: Sequence[int],
    batched: Sequence[int],
    indices_batched: Sequence[int],
    sizes: Sequence[int],
    clip: bool,
) -> np.ndarray:
    """Positions in the operand of what a gather reads or a scatter writes; nowhere, where a window is not inside.

    Args:
        operand: its shape.
        indices: start indices, the last axis over the components in `mapped`.
        shape: of the gathered result or of the updates; `window_axes` are those of its axes that run in the window.
        dropped, batched: axes of the operand that are not among the window's.
        indices_batched: for each batched axis, that of `indices`.
        sizes: of the window, one for each axis of the operand.
        clip: whether windows are moved inside.
    """
    outer = [a for a in range(len(shape)) if a not in window_axes]
    grid = np.indices(shape, sparse=True)
    inner_axes = [d for d in range(len(operand)) if d not in (*dropped, *batched)]
    inner = dict(zip(inner_axes, (grid[a] for a in window_axes), strict=True))
    place = np.zeros(shape, np.int64)
    valid = np.ones(shape, bool)
    strides = np.cumprod([1, *operand[:0:-1]])[::-1]
    for d, length in enumerate(operand):
        at = inner.get(d, 0)
        if d in batched:
            at = at + grid[outer[indices_batched[list(batched).index(d)]]]
        elif d in mapped:
            component = indices[..., list(mapped).index(d)].astype(np.int64)
            expanded = component.reshape([shape[a] if a in outer else 1 for a in range(len(shape))])
            most = length - int(sizes[d])
            if clip:
                expanded = np.clip(expanded, 0, most)
            valid &= (expanded >= 0) & (expanded <= most)
            at = at + expanded
        place += int(strides[d]) * at
    return np.where(valid, place, NOWHERE)


def _gather(xs: Arrays, params: Params, results: Sequence[Shape]) -> Arrays:
    (x, indices), d = xs, params["dimension_numbers"]
    axes = (d.offset_dims, d.start_index_map, d.collapsed_slice_dims)
    batched = _batched(d, "start_indices_batching_dims")
    return [_windows(x.shape, indices, results[0], *axes, *batched, params["slice_sizes"], _clips(params, reads=True))]


def _slice(xs: Arrays, params: Params, results: Sequence[Shape]) -> Arrays:
    starts, limits = params["start_indices"], params["limit_indices"]
    return [xs[0][tuple(map(slice, starts, limits, params["strides"] or [1] * len(starts)))]]


def _reshape(xs: Arrays, params: Params, results: Sequence[Shape]) -> Arrays:
    order = params.get("dimensions")
    return [(xs[0] if order is None else xs[0].transpose(order)).reshape(results[0])]


def _broadcast(xs: Arrays, params: Params, results: Sequence[Shape]) -> Arrays:
    own = dict(zip(params["broadcast_dimensions"], xs[0].shape, strict=True))
    return [xs[0].reshape([own.get(axis, 1) for axis in range(len(results[0]))])]


def _pad(xs: Arrays, params: Params, results: Sequence[Shape]) -> Arrays:
    x, filling = xs
    (shape,) = results
    found = np.full(shape, filling)
    reads, writes = [], []
    for length, size, (low, _, interior) in zip(x.shape, shape, params["padding_config"], strict=True):
        at = int(low) + (int(interior) + 1) * np.arange(length)
        reads.append((at >= 0) & (at < size))
        writes.append(at[reads[-1]])
    if not shape:
        return [x]
    found[np.ix_(*writes)] = x[np.ix_(*reads)]
    return [found]


def along(params: Params, rank: int) -> int:
    """The axis of a stack or unstack, which has had two names."""
    return int(params.get("axis", params.get("dimension", 0))) % rank


def _split(xs: Arrays, params: Params, results: Sequence[Shape]) -> Arrays:
    return np.split(xs[0], np.cumsum(params["sizes"], dtype=int)[:-1], int(params["axis"]))


def _unstack(xs: Arrays, params: Params, results: Sequence[Shape]) -> Arrays:
    return list(np.moveaxis(xs[0], along(params, xs[0].ndim), 0))


def _tile(xs: Arrays, params: Params, results: Sequence[Shape]) -> Arrays:
    return [np.tile(xs[0], [size // max(own, 1) for size, own in zip(results[0], xs[0].shape, strict=True)])]


MOVES: Mapping[str, Callable[[Arrays, Params, Sequence[Shape]], Arrays]] = {
    **dict.fromkeys(having("passes") | {"optimization_barrier", "reduce_precision"}, lambda xs, p, results: xs),
    **dict.fromkeys(having("reshapes"), lambda xs, p, results: [xs[0].reshape(results[0])]),
    "reshape": _reshape,
    "broadcast_in_dim": _broadcast,
    "transpose": lambda xs, p, results: [xs[0].transpose(p["permutation"])],
    "rev": lambda xs, p, results: [np.flip(xs[0], p["dimensions"])],
    "tile": _tile,
    "slice": _slice,
    "split": _split,
    "unstack": _unstack,
    "concatenate": lambda xs, p, results: [np.concatenate(xs, p["dimension"])],
    "stack": lambda xs, p, results: [np.stack(xs, along(p, len(results[0])))],
    "pad": _pad,
    "gather": _gather,
    "dynamic_slice": lambda xs, p, results: [xs[0][region(xs[0].shape, xs[1:], p["slice_sizes"])]],
}
"""Primitive to what NumPy makes of its operands."""
