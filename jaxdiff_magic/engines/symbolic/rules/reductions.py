"""Sums, products and other reductions: of products of arrays, along axes, and running ones."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from sympy import Integer

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.expression import Choice, Index, Within, decided
from jaxdiff_magic.engines.symbolic.indices import total
from jaxdiff_magic.engines.symbolic.rules.view import Indices, ResultView, StructureRule, View

MOST_FACTORS = 32
"""A product, or a condition on all, is written out over no more elements than this. A choice: nobody reads more."""


def _dot(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
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


def _reduce_sum(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    x, axes = inputs[0], params["axes"]

    def at(i: Indices) -> sp.Basic:
        summed = {axis: Index(x.shape[axis], "s") for axis in axes}
        kept = iter(i)
        return total(x.at(tuple(summed.get(a) or next(kept) for a in range(len(x.shape)))), list(summed.values()))

    return [View(results[0].shape, at)]


def reduce_by(combine: Callable[..., sp.Basic], most: int) -> StructureRule:
    """A reduction written out over its elements, while they are few."""

    def rule(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
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


def _running_sum(x: View, axis: int, reverse: bool) -> View:
    def at(i: Indices) -> sp.Basic:
        k = Index(x.shape[axis], "s")
        ahead = k - i[axis] if reverse else i[axis] - k
        return total(Within(ahead, Integer(0), Integer(x.shape[axis])) * x.at((*i[:axis], k, *i[axis + 1 :])), [k])

    return View(x.shape, at)


def _cumulative_sum(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    return [_running_sum(inputs[0], params["axis"], params["reverse"])]


def _cumulative_log_sum_exp(
    inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]
) -> list[View]:
    x = inputs[0]
    summed = _running_sum(View(x.shape, lambda i: sp.exp(x.at(i))), params["axis"], params["reverse"])
    return [View(x.shape, lambda i: sp.log(summed.at(i)))]


def _cumulative_product(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    x, axis = inputs[0], params["axis"]
    if x.shape[axis] > MOST_FACTORS:
        raise OutOfReach(f"a running product of {x.shape[axis]} elements has no formula yet")

    def at(i: Indices) -> sp.Basic:
        factors = []
        for k in map(Integer, range(x.shape[axis])):
            before = i[axis] <= k if params["reverse"] else k <= i[axis]
            factors.append(Choice(decided(before), x.at((*i[:axis], k, *i[axis + 1 :])), Integer(1)))
        return sp.Mul(*factors)

    return [View(x.shape, at)]


REDUCTIONS: Mapping[str, StructureRule] = {
    "dot_general": _dot,
    "reduce_sum": _reduce_sum,
    "reduce_prod": reduce_by(sp.Mul, MOST_FACTORS),
    "reduce_and": reduce_by(sp.And, MOST_FACTORS),
    "reduce_or": reduce_by(sp.Or, MOST_FACTORS),
    "cumsum": _cumulative_sum,
    "cumprod": _cumulative_product,
    "cumlogsumexp": _cumulative_log_sum_exp,
}
"""Primitive name to its rule."""
