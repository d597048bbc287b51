"""Primitives that move elements: what goes where, and the way back for adjoints."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.bounded import Move, Number, base, gather_sum, join, move
from jaxdiff_magic.engines.reference.run import Node, Rule, RuleStep, Run


def moved(run: Run, x: Node, shape: tuple[int, ...], there: Move, back: Move, copies: int = 1) -> list[Node]:
    """A linear map that selects elements of one operand.

    Args:
        there: on arrays with batch axes.
        back: its transpose; it adds up to `copies` elements.
    """
    if not x.is_number:
        return run.record([x], [there(x.value)], [shape], lambda _: [None])

    def pull(adjoints: list[Number | None]) -> list[Number | None]:
        g = adjoints[0]
        if g is None:
            return [None]
        return [move(g, back) if copies == 1 else gather_sum(g, back, copies)]

    return run.record([x], [move(x.value, there)], [shape], pull)


def collapsed(run: Run, adjoint: Number | None, node: Node) -> Number | None:
    """The adjoint of an operand that was repeated to the result's shape."""
    if adjoint is None or not node.varies:
        return None
    shape = base(adjoint).data.shape[run.batch_axes :]
    if shape == node.shape:
        return adjoint
    extra = len(shape) - len(node.shape)
    axes = tuple(a for a in range(len(shape)) if a < extra or (node.shape[a - extra] == 1 and shape[a] != 1))
    terms = int(np.prod([shape[a] for a in axes], dtype=int))
    return gather_sum(
        adjoint,
        lambda a: a.sum(axis=run.axes(axes), keepdims=True).reshape(*a.shape[: run.batch_axes], *node.shape),
        terms,
    )


def _reshape(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    if step.params.get("dimensions") is not None:
        raise OutOfReach("reshape in another order than row-major has no rule yet")
    x, shape = xs[0], step.results[0].shape
    return moved(run, x, shape, _to(run, shape), _to(run, x.shape))


def _to(run: Run, shape: tuple[int, ...]) -> Move:
    return lambda a: a.reshape(*a.shape[: run.batch_axes], *shape)


def _broadcast(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    x, shape, kept = xs[0], step.results[0].shape, list(step.params["broadcast_dimensions"])
    inner = [1] * len(shape)
    for axis, length in zip(kept, x.shape, strict=True):
        inner[axis] = length
    summed = tuple(a for a in range(len(shape)) if inner[a] == 1 and shape[a] != 1)
    copies = int(np.prod([shape[a] for a in summed], dtype=int))

    def there(a: np.ndarray) -> np.ndarray:
        batch = a.shape[: run.batch_axes]
        return np.broadcast_to(a.reshape(*batch, *inner), (*batch, *shape))

    def back(g: np.ndarray) -> np.ndarray:
        return g.sum(axis=run.axes(summed), keepdims=True).reshape(*g.shape[: run.batch_axes], *x.shape)

    return moved(run, x, shape, there, back, copies)


def _transpose(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    order = tuple(step.params["permutation"])
    batch = tuple(range(run.batch_axes))
    there, back = (*batch, *run.axes(order)), (*batch, *run.axes(np.argsort(order).tolist()))
    return moved(run, xs[0], step.results[0].shape, lambda a: a.transpose(there), lambda g: g.transpose(back))


def _reverse(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    flip = lambda a: np.flip(a, run.axes(step.params["dimensions"]))  # noqa: E731
    return moved(run, xs[0], xs[0].shape, flip, flip)


def cut(run: Run, x: Node, where: Sequence[slice]) -> list[Node]:
    """Some elements of an operand, none of them twice."""
    index = (slice(None),) * run.batch_axes + tuple(where)
    shape = tuple(len(range(*part.indices(length))) for part, length in zip(where, x.shape, strict=True))

    def back(g: np.ndarray) -> np.ndarray:
        whole = np.zeros((*g.shape[: run.batch_axes], *x.shape), g.dtype)
        whole[index] = g
        return whole

    return moved(run, x, shape, lambda a: a[index], back)


def _slice(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    starts, limits = step.params["start_indices"], step.params["limit_indices"]
    strides = step.params["strides"] or (1,) * len(starts)
    return cut(run, xs[0], [slice(int(a), int(b), int(s)) for a, b, s in zip(starts, limits, strides, strict=True)])


def _unstack(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    return unstacked(run, xs[0], step.params.get("axis", step.params.get("dimension", 0)) % len(xs[0].shape))


def unstacked(run: Run, x: Node, axis: int = 0) -> list[Node]:
    """The parts of an operand along an axis, as one operation, so that their adjoints are put together once."""
    (there,) = run.axes([axis])
    shape = (*x.shape[:axis], *x.shape[axis + 1 :])
    count = x.shape[axis]
    if not x.is_number:
        values = [np.take(x.value, k, there) for k in range(count)]
    else:
        values = [move(x.value, lambda a, k=k: np.take(a, k, there)) for k in range(count)]

    def pull(adjoints: list[Number | None]) -> list[Number | None]:
        known = next(g for g in adjoints if g is not None)
        parts = [move(known, np.zeros_like) if g is None else g for g in adjoints]
        return [join(parts, lambda arrays: np.stack(_same_batch(run, arrays), there))]

    return run.record([x], values, [shape] * count, pull)


def stacked(run: Run, xs: Sequence[Node], axis: int = 0) -> Node:
    """Operands of one shape put together along a new axis."""
    shape = (*xs[0].shape[:axis], len(xs), *xs[0].shape[axis:])
    (there,) = run.axes([axis])
    if not xs[0].is_number:
        value = np.stack(_same_batch(run, [x.value for x in xs]), there)
        return run.record(xs, [value], [shape], lambda _: [None] * len(xs))[0]
    value = join([x.value for x in xs], lambda arrays: np.stack(_same_batch(run, arrays), there))

    def pull(adjoints: list[Number | None]) -> list[Number | None]:
        g = adjoints[0]
        return [
            move(g, lambda a, k=k: np.take(a, k, there)) if g is not None and x.varies else None
            for k, x in enumerate(xs)
        ]

    return run.record(xs, [value], [shape], pull)[0]


def _stack(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    axis = step.params.get("axis", step.params.get("dimension", 0)) % len(step.results[0].shape)
    return [stacked(run, xs, axis)]


def _concatenate(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    axis, shape = step.params["dimension"], step.results[0].shape
    (there,) = run.axes([axis])
    together = lambda arrays: np.concatenate(_same_batch(run, arrays), there)  # noqa: E731
    if not xs[0].is_number:
        return run.record(xs, [together([x.value for x in xs])], [shape], lambda _: [None] * len(xs))
    starts = list(itertools.accumulate((x.shape[axis] for x in xs), initial=0))

    def pull(adjoints: list[Number | None]) -> list[Number | None]:
        g = adjoints[0]
        if g is None:
            return [None] * len(xs)
        every = [slice(None)] * there
        return [
            move(g, lambda a, s=start, n=x.shape[axis]: a[(*every, slice(s, s + n))]) if x.varies else None
            for start, x in zip(starts, xs, strict=False)
        ]

    return run.record(xs, [join([x.value for x in xs], together)], [shape], pull)


def _same_batch(run: Run, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    batch = np.broadcast_shapes(*(a.shape[: run.batch_axes] for a in arrays))
    return [np.broadcast_to(a, (*batch, *a.shape[run.batch_axes :])) for a in arrays]


def _pad(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """Pads, cuts (negative) and spreads (interior): the operand in its places, the filling elsewhere."""
    x, filling = xs
    shape = step.results[0].shape
    config = [tuple(map(int, part)) for part in step.params["padding_config"]]
    places, sources = [], []
    for (low, _, interior), length, size in zip(config, x.shape, shape, strict=True):
        positions = low + (interior + 1) * np.arange(length)
        kept = np.flatnonzero((positions >= 0) & (positions < size))
        places.append(positions[kept])
        sources.append(kept)
    target, source = ((*(slice(None),) * run.batch_axes, *_open(index)) for index in (places, sources))

    def there(a: np.ndarray) -> np.ndarray:
        whole = np.zeros((*a.shape[: run.batch_axes], *shape), a.dtype)
        _assign(run, whole, target, a, source)
        return whole

    def back(g: np.ndarray) -> np.ndarray:
        whole = np.zeros((*g.shape[: run.batch_axes], *x.shape), g.dtype)
        _assign(run, whole, source, g, target)
        return whole

    (placed,) = moved(run, x, shape, there, back)
    outside = np.ones(shape, bool)
    outside[_open(places)] = False
    if not outside.any() or not (filling.varies or np.any(filling.array != 0)):
        return [placed]
    mask = run.constant(outside)
    return run.apply("select_n", [mask, placed, filling], {}, step.results)


def _open(index: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    return np.ix_(*index) if index else ()


def _assign(run: Run, whole: np.ndarray, target: tuple[Any, ...], a: np.ndarray, source: tuple[Any, ...]) -> None:
    if len(target) == run.batch_axes:
        whole[...] = a
    else:
        whole[target] = a[source]


def _iota(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    shape, dtype = step.results[0]
    along = step.params["dimension"]
    index = np.arange(shape[along]).reshape([-1 if axis == along else 1 for axis in range(len(shape))])
    return [run.constant(np.broadcast_to(index, shape).astype(dtype))]


def _empty(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    return [run.constant(np.zeros(step.results[0].shape, step.results[0].dtype))]


MOVEMENT: Mapping[str, Rule] = {
    "reshape": _reshape,
    "broadcast_in_dim": _broadcast,
    "transpose": _transpose,
    "rev": _reverse,
    "slice": _slice,
    "unstack": _unstack,
    "stack": _stack,
    "concatenate": _concatenate,
    "pad": _pad,
    "iota": _iota,
    "empty": _empty,
    "empty2": _empty,
}
"""Primitive to its rule."""
