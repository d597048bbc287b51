"""What each primitive that moves or reduces data does to indices: one rule per primitive."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.errors import OutOfReach
from jaxdiff_magic.symbolic.expression import Delta, Index, Truth, Within
from jaxdiff_magic.symbolic.functions import maximum, minimum
from jaxdiff_magic.symbolic.indices import quotient, ravel, remainder, total, unravel

Indices = tuple[Expr, ...]


@dataclass(frozen=True)
class View:
    """An array as a rule from indices to a scalar expression."""

    shape: tuple[int, ...]
    at: Callable[[Indices], sp.Basic]


@dataclass(frozen=True)
class Result:
    """Shape and dtype of one result of a primitive."""

    shape: tuple[int, ...]
    dtype: Any


StructureRule = Callable[[Sequence[View], Mapping[str, Any], Sequence[Result]], list[View]]


def _broadcast(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    (x, *_), axes = inputs, params["broadcast_dimensions"]

    def at(i: Indices) -> sp.Basic:
        return x.at(tuple(Integer(0) if size == 1 else i[axis] for axis, size in zip(axes, x.shape, strict=True)))

    return [View(results[0].shape, at)]


def _reshape(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    if params["dimensions"] is not None:
        raise OutOfReach("reshape in another order than row-major has no formula yet")
    return _same_order(inputs, params, results)


def _same_order(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    """The same elements in the same row-major order under another shape."""
    x, new = inputs[0], results[0].shape
    old = x.shape
    kept = [axis for axis, size in enumerate(old) if size != 1]
    wide = [axis for axis, size in enumerate(new) if size != 1]

    def at(i: Indices) -> sp.Basic:
        moved = [i[axis] for axis in wide]
        if [old[axis] for axis in kept] != [new[axis] for axis in wide]:
            position = ravel(moved, [new[axis] for axis in wide])
            moved = list(unravel(position, [old[axis] for axis in kept]))
        placed = dict(zip(kept, moved, strict=True))
        return x.at(tuple(placed.get(axis, Integer(0)) for axis in range(len(old))))

    return [View(new, at)]


def _transpose(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    order = list(params["permutation"])
    return [View(results[0].shape, lambda i: inputs[0].at(tuple(i[order.index(axis)] for axis in range(len(order)))))]


def _tile(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    x = inputs[0]
    return [
        View(
            results[0].shape,
            lambda i: x.at(tuple(remainder(k, max(size, 1)) for k, size in zip(i, x.shape, strict=True))),
        )
    ]


def _slice(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    starts = params["start_indices"]
    strides = params["strides"] or (1,) * len(starts)

    def at(i: Indices) -> sp.Basic:
        return inputs[0].at(tuple(int(a) + int(s) * k for a, s, k in zip(starts, strides, i, strict=True)))

    return [View(results[0].shape, at)]


def _reverse(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    x = inputs[0]

    def at(i: Indices) -> sp.Basic:
        return x.at(tuple(x.shape[a] - 1 - k if a in params["dimensions"] else k for a, k in enumerate(i)))

    return [View(x.shape, at)]


def _concatenate(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    axis = params["dimension"]
    starts = list(itertools.accumulate((x.shape[axis] for x in inputs), initial=0))

    def at(i: Indices) -> sp.Basic:
        pieces = [
            (_within(i[axis], start, x.shape[axis]), x, (*i[:axis], i[axis] - start, *i[axis + 1 :]))
            for start, x in zip(starts, inputs, strict=False)
            if x.shape[axis]
        ]
        return _pieces([(place, lambda x=x, j=j: x.at(j)) for place, x, j in pieces])

    return [View(results[0].shape, at)]


def _stack(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    axis = params.get("axis", params.get("dimension", 0)) % len(results[0].shape)

    def at(i: Indices) -> sp.Basic:
        rest = (*i[:axis], *i[axis + 1 :])
        return _pieces([(Delta(i[axis], Integer(k)), lambda x=x: x.at(rest)) for k, x in enumerate(inputs)])

    return [View(results[0].shape, at)]


def _unstack(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    axis = params.get("axis", params.get("dimension", 0)) % len(inputs[0].shape)

    def piece(k: int) -> View:
        return View(results[k].shape, lambda i: inputs[0].at((*i[:axis], Integer(k), *i[axis:])))

    return [piece(k) for k in range(len(results))]


def _split(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    axis = params["axis"]
    starts = itertools.accumulate((int(size) for size in params["sizes"]), initial=0)

    def piece(start: int, shape: tuple[int, ...]) -> View:
        return View(shape, lambda i: inputs[0].at((*i[:axis], i[axis] + start, *i[axis + 1 :])))

    return [piece(start, result.shape) for start, result in zip(starts, results, strict=False)]


def _pad(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    x, filling = inputs

    def at(i: Indices) -> sp.Basic:
        inside: Expr = Integer(1)
        source = []
        for k, size, (low, _, interior) in zip(i, x.shape, params["padding_config"], strict=True):
            position, step = k - int(low), int(interior) + 1
            if step > 1:
                inside *= Delta(remainder(position, step), Integer(0))
                position = quotient(position, step)
            inside *= _within(position, 0, size)
            source.append(position)
        if inside == 0:
            return filling.at(())
        value, outside = x.at(tuple(source)), filling.at(())
        return inside * value if outside == 0 else inside * value + (1 - inside) * outside

    return [View(results[0].shape, at)]


def _dot(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    x, y = inputs
    (x_sum, y_sum), (x_batch, y_batch) = params["dimension_numbers"]
    x_free = [a for a in range(len(x.shape)) if a not in (*x_sum, *x_batch)]
    y_free = [a for a in range(len(y.shape)) if a not in (*y_sum, *y_batch)]

    def at(i: Indices) -> sp.Basic:
        summed = [Index(x.shape[axis], "k") for axis in x_sum]
        batch, rest = i[: len(x_batch)], i[len(x_batch) :]
        of_x = dict(zip((*x_batch, *x_free, *x_sum), (*batch, *rest[: len(x_free)], *summed), strict=True))
        of_y = dict(zip((*y_batch, *y_free, *y_sum), (*batch, *rest[len(x_free) :], *summed), strict=True))
        product = x.at(tuple(of_x[a] for a in range(len(x.shape)))) * y.at(tuple(of_y[a] for a in range(len(y.shape))))
        return total(product, summed)

    return [View(results[0].shape, at)]


def _reduce_sum(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    x, axes = inputs[0], params["axes"]

    def at(i: Indices) -> sp.Basic:
        summed = {axis: Index(x.shape[axis], "s") for axis in axes}
        kept = iter(i)
        return total(x.at(tuple(summed.get(a) or next(kept) for a in range(len(x.shape)))), list(summed.values()))

    return [View(results[0].shape, at)]


def _reduce_by(combine: Callable[..., sp.Basic], most: int) -> StructureRule:
    """A reduction written out over its elements, while they are few."""

    def rule(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
        x, axes = inputs[0], params["axes"]
        ranges = [range(x.shape[axis]) for axis in axes]
        if (count := int(np.prod([len(r) for r in ranges]))) > most:
            raise OutOfReach(f"a {combine.__name__} over {count} elements has no formula yet")

        def at(i: Indices) -> sp.Basic:
            elements = []
            for chosen in itertools.product(*ranges):
                places, kept = dict(zip(axes, map(Integer, chosen), strict=True)), iter(i)
                elements.append(x.at(tuple(places[a] if a in places else next(kept) for a in range(len(x.shape)))))
            return combine(*elements)

        return [View(results[0].shape, at)]

    return rule


def _cumulative_sum(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    x, axis = inputs[0], params["axis"]

    def at(i: Indices) -> sp.Basic:
        k = Index(x.shape[axis], "s")
        ahead = k - i[axis] if params["reverse"] else i[axis] - k
        return total(Within(ahead, Integer(0), Integer(x.shape[axis])) * x.at((*i[:axis], k, *i[axis + 1 :])), [k])

    return [View(x.shape, at)]


def _iota(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    return [View(results[0].shape, lambda i: i[params["dimension"]])]


def _convert(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    x, dtype = inputs[0], np.dtype(params["new_dtype"])

    def at(i: Indices) -> sp.Basic:
        e = x.at(i)
        if not isinstance(e, Expr):
            return e if dtype.kind == "b" else Truth(e)
        if dtype.kind == "b":
            return sp.Ne(e, 0)
        if np.issubdtype(dtype, np.integer) and not e.is_integer:
            return sp.sign(e) * sp.floor(sp.Abs(e))
        return e

    return [View(results[0].shape, at)]


def _dynamic_slice(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[Result]) -> list[View]:
    x, *starts = inputs
    sizes = params["slice_sizes"]
    first = []
    for start, size, length in zip(starts, sizes, x.shape, strict=True):
        position = start.at(())
        if not isinstance(position, Integer):
            raise OutOfReach("dynamic_slice at a computed position has no formula yet")
        first.append(min(max(int(position), 0), length - size))
    return [View(results[0].shape, lambda i: x.at(tuple(a + k for a, k in zip(first, i, strict=True))))]


def _pieces(parts: Sequence[tuple[Expr, Callable[[], sp.Basic]]]) -> sp.Basic:
    """The one part whose place is 1. Parts are expressions, or all of them conditions."""
    values = [(place, value()) for place, value in parts if place != 0]
    if all(isinstance(value, Expr) for _, value in values):
        return sp.Add(*(place * value for place, value in values))
    return sp.Or(*(sp.And(sp.Eq(place, 1), value) for place, value in values))


def _within(e: Expr, start: int, size: int) -> Expr:
    return Delta(e, Integer(start)) if size == 1 else Within(e, Integer(start), Integer(start + size - 1))


STRUCTURE: Mapping[str, StructureRule] = {
    "broadcast_in_dim": _broadcast,
    "reshape": _reshape,
    "squeeze": _same_order,
    "transpose": _transpose,
    "tile": _tile,
    "slice": _slice,
    "rev": _reverse,
    "concatenate": _concatenate,
    "stack": _stack,
    "unstack": _unstack,
    "split": _split,
    "pad": _pad,
    "dot_general": _dot,
    "reduce_sum": _reduce_sum,
    "reduce_prod": _reduce_by(sp.Mul, 32),
    "reduce_max": _reduce_by(maximum, 32),
    "reduce_min": _reduce_by(minimum, 32),
    "reduce_and": _reduce_by(sp.And, 32),
    "reduce_or": _reduce_by(sp.Or, 32),
    "cumsum": _cumulative_sum,
    "iota": _iota,
    "convert_element_type": _convert,
    "dynamic_slice": _dynamic_slice,
}
"""Primitive name to its rule."""

VIEWS = frozenset("broadcast_in_dim reshape squeeze transpose tile slice rev split unstack copy".split())
"""Primitives that only re-index: they need no definition of their own."""
