"""What each primitive that moves or converts data does to indices: one rule per primitive."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.atoms import Lookup
from jaxdiff_magic.engines.symbolic.expression import Delta, Truth, bounds
from jaxdiff_magic.engines.symbolic.indices import quotient, ravel, remainder, unravel
from jaxdiff_magic.engines.symbolic.rules.view import Indices, ResultView, StructureRule, View, between, pieces
from jaxdiff_magic.primitives.facts import having


def _broadcast(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    (x, *_), axes = inputs, params["broadcast_dimensions"]

    def at(i: Indices) -> sp.Basic:
        return x.at(tuple(Integer(0) if size == 1 else i[axis] for axis, size in zip(axes, x.shape, strict=True)))

    return [View(results[0].shape, at)]


def _reshape(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    if params["dimensions"] is not None:
        raise OutOfReach("reshape in another order than row-major has no formula yet")
    return _same_order(inputs, params, results)


def _same_order(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
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


def _transpose(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    order = list(params["permutation"])
    return [View(results[0].shape, lambda i: inputs[0].at(tuple(i[order.index(axis)] for axis in range(len(order)))))]


def _slice(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    starts = params["start_indices"]
    strides = params["strides"] or (1,) * len(starts)

    def at(i: Indices) -> sp.Basic:
        return inputs[0].at(tuple(int(a) + int(s) * k for a, s, k in zip(starts, strides, i, strict=True)))

    return [View(results[0].shape, at)]


def _reverse(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    x = inputs[0]

    def at(i: Indices) -> sp.Basic:
        return x.at(tuple(x.shape[a] - 1 - k if a in params["dimensions"] else k for a, k in enumerate(i)))

    return [View(x.shape, at)]


def _concatenate(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    axis = params["dimension"]
    starts = list(itertools.accumulate((x.shape[axis] for x in inputs), initial=0))

    def at(i: Indices) -> sp.Basic:
        parts = [
            (between(i[axis], start, x.shape[axis]), x, (*i[:axis], i[axis] - start, *i[axis + 1 :]))
            for start, x in zip(starts, inputs, strict=False)
            if x.shape[axis]
        ]
        return pieces([(place, lambda x=x, j=j: x.at(j)) for place, x, j in parts])

    return [View(results[0].shape, at)]


def _pad(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    x, filling = inputs

    def at(i: Indices) -> sp.Basic:
        inside: Expr = Integer(1)
        source = []
        for k, size, (low, _, interior) in zip(i, x.shape, params["padding_config"], strict=True):
            position, step = k - int(low), int(interior) + 1
            if step > 1:
                inside *= Delta(remainder(position, step), Integer(0))
                position = quotient(position, step)
            inside *= between(position, 0, size)
            source.append(position)
        if inside == 0:
            return filling.at(())
        value, outside = x.at(tuple(source)), filling.at(())
        return inside * value if outside == 0 else inside * value + (1 - inside) * outside

    return [View(results[0].shape, at)]


def _iota(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    return [View(results[0].shape, lambda i: i[params["dimension"]])]


def _convert(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    x, dtype = inputs[0], np.dtype(params["new_dtype"])

    def at(i: Indices) -> sp.Basic:
        e = x.at(i)
        if not isinstance(e, Expr):
            return e if dtype.kind == "b" else _as_number(e)
        if dtype.kind == "b":
            return sp.Ne(e, 0)
        if np.issubdtype(dtype, np.integer) and not e.is_integer:
            return sp.sign(e) * sp.floor(sp.Abs(e))
        return e

    return [View(results[0].shape, at)]


def _as_number(condition: sp.Basic) -> Expr:
    """1 where a condition holds, else 0; an element of a table of zeros and ones is that itself."""
    match condition:
        case sp.core.relational.Equality(args=(Lookup() as found, sp.Integer(p=1))) if bounds(found) == (0, 1):
            return found
        case _:
            return Truth(condition)


def _same(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    return [View(x.shape, x.at) for x in inputs]


def _rounded(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    own = jnp.finfo(results[0].dtype)
    if params["mantissa_bits"] < own.nmant or params["exponent_bits"] < own.nexp:
        raise OutOfReach("rounding to fewer bits has no formula")
    return _same(inputs, params, results)


MOVEMENT: Mapping[str, StructureRule] = {
    **dict.fromkeys(having("passes"), _same),
    "broadcast_in_dim": _broadcast,
    "reshape": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "rev": _reverse,
    "concatenate": _concatenate,
    "pad": _pad,
    "iota": _iota,
    "convert_element_type": _convert,
    "optimization_barrier": _same,
    "reduce_precision": _rounded,
}
"""Primitive name to its rule."""
