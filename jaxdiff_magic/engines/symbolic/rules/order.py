"""Orders and extremes: sort, argmax, running maxima. Where things stand is found at each point, and has no slope.

The largest element is the element at the position of the largest: its derivative is that element's. At a tie the
position is a matter of convention, which the evaluation notices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from sympy import Expr

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.functions import maximum, minimum
from jaxdiff_magic.engines.symbolic.indices import unravel
from jaxdiff_magic.engines.symbolic.program import Array
from jaxdiff_magic.engines.symbolic.rules.reductions import reduce_by
from jaxdiff_magic.engines.symbolic.rules.view import Indices, ResultView, StructureRule, View

FEW = 5
"""A maximum of no more elements than this is written as the maximum of them all; SymPy compares each with each, for
minutes where they are long."""


def _with_last(x: View, axes: Sequence[int]) -> tuple[View, Callable[[Indices, Expr], Indices]]:
    """An array with some axes moved to the end and made one; and, of an element there, its indices in `x`."""
    kept = [axis for axis in range(len(x.shape)) if axis not in axes]
    lengths = [x.shape[axis] for axis in axes]

    def back(rest: Indices, position: Expr) -> Indices:
        own = dict(zip((*kept, *axes), (*rest, *unravel(position, lengths)), strict=True))
        return tuple(own[axis] for axis in range(len(x.shape)))

    if [*kept, *axes] == list(range(len(x.shape))) and len(axes) == 1:
        return x, back
    shape = (*(x.shape[axis] for axis in kept), int(np.prod(lengths)))
    assert x.whole is not None
    return View(shape, lambda i: x.at(back(i[:-1], i[-1])), named=x.named), back


def _position(name: str, x: View, axes: Sequence[int]) -> tuple[Array, Callable[[Indices, Expr], Indices]]:
    """The array of positions, along some axes together, that a function of an array finds."""
    moved, back = _with_last(x, axes)
    *rest, length = moved.shape
    shape = rest if name in ("argmax", "argmin") else moved.shape
    return Array.function(name, shape, moved.whole(), below=max(length, 1)), back


def _extremum(name: str, combine: Callable[..., sp.Basic]) -> StructureRule:
    few = reduce_by(combine, FEW)

    def rule(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
        (x, *_), axes = inputs, list(params["axes"])
        if np.prod([x.shape[axis] for axis in axes]) <= FEW:
            return few(inputs, params, results)
        where, back = _position(name, x, axes)
        return [View(results[0].shape, lambda i: x.at(back(i, where.at(i))))]

    return rule


def _arg(name: str) -> StructureRule:
    def rule(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
        where, _ = _position(name, inputs[0], list(params["axes"]))
        return [View(results[0].shape, where.at)]

    return rule


def _running(name: str) -> StructureRule:
    """The largest or smallest element so far."""

    def rule(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
        x, axis = inputs[0], params["axis"]
        if params["reverse"]:
            found = _along(name, reversed_along(x, axis), axis)
            return [reversed_along(found, axis)]
        return [_along(name, x, axis)]

    return rule


def reversed_along(x: View, axis: int) -> View:
    """An array with one axis turned round."""
    last = x.shape[axis] - 1
    return View(x.shape, lambda i: x.at((*i[:axis], last - i[axis], *i[axis + 1 :])), named=x.named)


def _along(name: str, x: View, axis: int) -> View:
    where, back = _position(name, x, [axis])

    def at(i: Indices) -> sp.Basic:
        rest = (*i[:axis], *i[axis + 1 :])
        return x.at(back(rest, where.at((*rest, i[axis]))))

    return View(x.shape, at)


def _sort(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    axis = int(params["dimension"])
    keys = inputs[: params["num_keys"]]
    if len(keys) > 1:
        raise OutOfReach("a sort by several keys has no formula yet")
    where, back = _position("argsort", keys[0], [axis])

    def order(x: View) -> View:
        def at(i: Indices) -> sp.Basic:
            rest = (*i[:axis], *i[axis + 1 :])
            return x.at(back(rest, where.at((*rest, i[axis]))))

        return View(x.shape, at)

    return [order(x) for x in inputs]


def _top_k(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    x = inputs[0]
    axis = int(params.get("axis", -1)) % len(x.shape)
    where, back = _position("argsort_descending", x, [axis])

    def position(i: Indices) -> Expr:
        return where.at((*i[:axis], *i[axis + 1 :], i[axis]))

    def value(i: Indices) -> sp.Basic:
        return x.at(back((*i[:axis], *i[axis + 1 :]), position(i)))

    return [View(results[0].shape, value), View(results[1].shape, position)]


ORDER: Mapping[str, StructureRule] = {
    "reduce_max": _extremum("argmax", maximum),
    "reduce_min": _extremum("argmin", minimum),
    "argmax": _arg("argmax"),
    "argmin": _arg("argmin"),
    "cummax": _running("argcummax"),
    "cummin": _running("argcummin"),
    "sort": _sort,
    "top_k": _top_k,
}
"""Primitive name to its rule."""
