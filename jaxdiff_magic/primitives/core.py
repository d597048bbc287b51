"""Compound primitives, each said once in core ones: an engine that has no rule of its own for one takes this.

The step in the trace stays what it was, with its name and place, and is only done in core primitives. Not among them
are those that would lose by it: rsqrt and square (to roundings, and to a power in place of a square), clamp (the side
that it takes on a bound), top_k (its formula is the order of x, that of a sort would be the order of -x),
reduce_precision (each engine rounds in its own way), and reductions of windows (to as many slices as a window is long).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxdiff_magic.primitives.positions import along

Params = Mapping[str, Any]
Shape = tuple[int, ...]
Bind = Callable[[str, Sequence[Any], Params, Shape], Any]
"""Of a core primitive, its operands (arrays of the step, or numbers), its parameters as JAX has them, and the shape of
its one result: that result, in the dtype of the compound primitive's."""
Rewriting = Callable[[Bind, Sequence[Any], Params, Sequence[Shape]], list[Any]]
"""Of how to do a core primitive, the operands (which have a shape), the parameters and the shapes of the results."""


def _reshaped(bind: Bind, x: Any, shape: Shape) -> Any:
    return bind("reshape", [x], {"new_sizes": shape, "dimensions": None, "sharding": None}, shape)


def _part(bind: Bind, x: Any, axis: int, start: int, end: int) -> Any:
    """The elements from `start` to `end` along an axis."""
    first = tuple(start if k == axis else 0 for k in range(len(x.shape)))
    last = tuple(end if k == axis else length for k, length in enumerate(x.shape))
    shape = tuple(b - a for a, b in zip(first, last, strict=True))
    return bind("slice", [x], {"start_indices": first, "limit_indices": last, "strides": None}, shape)


def _reshape(bind: Bind, xs: Sequence[Any], params: Params, results: Sequence[Shape]) -> list[Any]:
    return [_reshaped(bind, xs[0], results[0])]


def _split(bind: Bind, xs: Sequence[Any], params: Params, results: Sequence[Shape]) -> list[Any]:
    ends = itertools.accumulate(map(int, params["sizes"]), initial=0)
    return [_part(bind, xs[0], int(params["axis"]), start, end) for start, end in itertools.pairwise(ends)]


def _unstack(bind: Bind, xs: Sequence[Any], params: Params, results: Sequence[Shape]) -> list[Any]:
    axis = along(params, len(xs[0].shape))
    return [_reshaped(bind, _part(bind, xs[0], axis, k, k + 1), shape) for k, shape in enumerate(results)]


def _stack(bind: Bind, xs: Sequence[Any], params: Params, results: Sequence[Shape]) -> list[Any]:
    (shape,) = results
    axis = along(params, len(shape))
    wide = [_reshaped(bind, x, (*x.shape[:axis], 1, *x.shape[axis:])) for x in xs]
    return [bind("concatenate", wide, {"dimension": axis}, shape)]


def _tile(bind: Bind, xs: Sequence[Any], params: Params, results: Sequence[Shape]) -> list[Any]:
    (x,), (shape,) = xs, results
    pairs = [(size // own if own else 1, own) for size, own in zip(shape, x.shape, strict=True)]
    wide = tuple(itertools.chain(*pairs))
    axes = tuple(range(1, len(wide), 2))
    repeated = bind("broadcast_in_dim", [x], {"shape": wide, "broadcast_dimensions": axes, "sharding": None}, wide)
    return [_reshaped(bind, repeated, shape)]


def _scatter_sub(bind: Bind, xs: Sequence[Any], params: Params, results: Sequence[Shape]) -> list[Any]:
    x, places, updates = xs
    params = {**params, "update_jaxpr": None}  # which says how to subtract
    return [bind("scatter-add", [x, places, bind("neg", [updates], {}, updates.shape)], params, results[0])]


CORE: Mapping[str, Rewriting] = {
    "squeeze": _reshape,
    "expand_dims": _reshape,
    "split": _split,
    "unstack": _unstack,
    "stack": _stack,
    "tile": _tile,
    "scatter-sub": _scatter_sub,
    "scatter_sub": _scatter_sub,
}
"""Compound primitive to what does it."""
