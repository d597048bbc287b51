"""Windows of an array: reduced, as in pooling, and what JAX's derivatives of that pick from them or put back."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxdiff_magic.engines.reference.bounded import Bounded, base
from jaxdiff_magic.engines.reference.rules.choices import apart
from jaxdiff_magic.engines.reference.rules.movement import cut, stacked
from jaxdiff_magic.engines.reference.rules.reductions import spread_size
from jaxdiff_magic.engines.reference.run import Node, Result, Rule, RuleStep, Run

FILLING = {"reduce_sum": 0.0, "reduce_max": -np.inf, "reduce_min": np.inf}
"""What stands beyond the border, and counts for nothing."""


def _stacked(run: Run, x: Node, params: Mapping[str, Any], out: Sequence[int], filling: float) -> Node:
    """The windows of an array: for each place within one the elements there, `(places, *out)`."""
    ones = (1,) * len(x.shape)
    spread = zip(params["padding"], params.get("base_dilation", ones), strict=True)
    config = [(lo, hi, d - 1) for (lo, hi), d in spread]
    sizes = tuple(spread_size(n, *part) for n, part in zip(x.shape, config, strict=True))
    border = run.constant(np.array(filling))
    (x,) = run.apply("pad", [x, border], {"padding_config": config}, [Result(sizes, np.dtype(float))])
    pieces = []
    for at in itertools.product(*map(range, params["window_dimensions"])):
        places = zip(at, params.get("window_dilation", ones), out, params["window_strides"], strict=True)
        pieces += cut(run, x, [slice(k * d, k * d + (o - 1) * t + 1, t) for k, d, o, t in places])
    return stacked(run, pieces)


def _reduced(reduce: str) -> Rule:
    """reduce_window_sum, _max, _min: the windows stacked, then reduced."""

    def rule(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
        (result,) = step.results
        if not math.prod(result.shape):
            return [run.constant(np.zeros(result.shape))]
        windows = _stacked(run, xs[0], step.params, result.shape, FILLING[reduce])
        return run.apply(reduce, [windows], {"axes": (0,)}, step.results)

    return rule


def _chosen(run: Run, x: Node, params: Mapping[str, Any], out: Sequence[int]) -> Node:
    """Which element of each window is taken, 1 for it and 0 for the others: of equal ones the first."""
    largest = getattr(params["select_prim"], "name", str(params["select_prim"])) == "ge"
    windows = _stacked(run, x, params, out, FILLING["reduce_max" if largest else "reduce_min"])
    found, axis = base(windows.value), run.batch_axes
    best = np.expand_dims((np.argmax if largest else np.argmin)(found.data, axis), axis)
    taken = np.arange(windows.shape[0]).reshape(-1, *(1,) * len(out)) == best
    top = np.take_along_axis(found.data, best, axis)
    error = None if found.error is None else np.broadcast_to(found.error, found.data.shape)
    least = None if error is None else np.take_along_axis(error, best, axis)
    tied = (apart(found, Bounded(top, least)) & np.isfinite(found.data)).sum(axis, keepdims=True) > 1
    decided = run.decide(tied, taken.astype(float), x)
    return Node(Bounded(decided), windows.shape, False)


def _gathered(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """select_and_gather_add: of one array the elements that are chosen in the windows of another."""
    x, operand = xs
    (result,) = step.results
    chosen = _chosen(run, operand, step.params, result.shape)
    windows = _stacked(run, x, step.params, result.shape, 0.0)
    (taken,) = run.apply("mul", [windows, chosen], {}, [Result(windows.shape, result.dtype)])
    return run.apply("reduce_sum", [taken], {"axes": (0,)}, step.results)


def _scattered(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """select_and_scatter_add: what belongs to each window, added up where an element was chosen in it."""
    source, operand = xs
    (result,) = step.results
    strides, padding = step.params["window_strides"], step.params["padding"]
    chosen = _chosen(run, operand, step.params, source.shape)
    zero, total = run.constant(np.zeros(())), None
    for k, at in enumerate(itertools.product(*map(range, step.params["window_dimensions"]))):
        (mask,) = cut(run, chosen, [slice(k, k + 1), *map(slice, source.shape)])
        (mask,) = run.apply("reshape", [mask], {}, [Result(source.shape, result.dtype)])
        (part,) = run.apply("mul", [source, mask], {}, [Result(source.shape, result.dtype)])
        ends = zip(at, padding, result.shape, source.shape, strides, strict=True)
        config = [(i - lo, n - (i - lo) - ((o - 1) * t + 1), t - 1) for i, (lo, _), n, o, t in ends]
        (part,) = run.apply("pad", [part, zero], {"padding_config": config}, step.results)
        total = part if total is None else run.apply("add", [total, part], {}, step.results)[0]
    return [run.constant(np.zeros(result.shape)) if total is None else total]


WINDOWS: Mapping[str, Rule] = {
    "reduce_window_sum": _reduced("reduce_sum"),
    "reduce_window_max": _reduced("reduce_max"),
    "reduce_window_min": _reduced("reduce_min"),
    "select_and_gather_add": _gathered,
    "select_and_scatter_add": _scattered,
}
"""Primitive to its rule."""
