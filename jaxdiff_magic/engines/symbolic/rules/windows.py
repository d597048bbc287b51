"""Sums and extrema over windows that move along an array."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.expression import Index
from jaxdiff_magic.engines.symbolic.functions import maximum, minimum
from jaxdiff_magic.engines.symbolic.indices import total
from jaxdiff_magic.engines.symbolic.rules.reductions import MOST_FACTORS
from jaxdiff_magic.engines.symbolic.rules.view import Indices, ResultView, StructureRule, View, between


def _places(params: Mapping[str, Any], i: Indices, along: Sequence[Expr]) -> list[Expr]:
    """Where the elements of the window at `i` stand: i * stride + k * dilation - padding.

    Source: XLA operation semantics, ReduceWindow.
    """
    if any(step != 1 for step in params["base_dilation"]):
        raise OutOfReach("windows over an array that is spread out have no formula yet")
    parts = zip(i, params["window_strides"], along, params["window_dilation"], params["padding"], strict=True)
    return [at * int(stride) + k * int(dilation) - int(low) for at, stride, k, dilation, (low, _) in parts]


def _sum(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    x = inputs[0]

    def at(i: Indices) -> sp.Basic:
        window = [Index(length, "k") for length in params["window_dimensions"]]
        places = _places(params, i, window)
        inside = [between(place, 0, length) for place, length in zip(places, x.shape, strict=True)]
        return total(sp.Mul(*inside, x.at(tuple(places))), window)

    return [View(results[0].shape, at)]


def _extremum(combine: Callable[..., sp.Basic]) -> StructureRule:
    def rule(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
        sizes = params["window_dimensions"]
        if math.prod(sizes) > MOST_FACTORS:
            raise OutOfReach(f"an extremum over windows of {math.prod(sizes)} elements has no formula yet")
        if any(low or high for low, high in params["padding"]):
            raise OutOfReach("an extremum over windows that reach beyond the array has no formula yet")
        offsets = [tuple(map(Integer, offset)) for offset in itertools.product(*map(range, sizes))]

        def at(i: Indices) -> sp.Basic:
            return combine(*(inputs[0].at(tuple(_places(params, i, offset))) for offset in offsets))

        return [View(results[0].shape, at)]

    return rule


WINDOWS: Mapping[str, StructureRule] = {
    "reduce_window_sum": _sum,
    "reduce_window_max": _extremum(maximum),
    "reduce_window_min": _extremum(minimum),
}
"""Primitive name to its rule."""
