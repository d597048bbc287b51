"""Primitives that compare elements with each other: the order at the point, with guards that it stays so."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.run import RULES as REFERENCE
from jaxdiff_magic.engines.reference.run import Node, Result, RuleStep
from jaxdiff_magic.engines.tape.recording import Recording, Rule, elements, elementwise, is_live, lifted
from jaxdiff_magic.engines.tape.scalar import is_truth, value_of


def columns(array: np.ndarray, axis: int) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """The one-dimensional parts of an array along an axis, each with its place among the other axes."""
    last = np.moveaxis(array, axis, -1)
    for place in np.ndindex(last.shape[:-1]):
        yield place, last[place]


def values(array: np.ndarray) -> np.ndarray:
    """The numbers at the point."""
    return elementwise(value_of, array).astype(float)


def _arg(larger: bool) -> Rule:
    """argmax, argmin: the first of equal ones; the first truth is a selection, of any other elements it is guarded."""
    find: Callable[..., np.intp] = np.argmax if larger else np.argmin
    before, after = ("gt", "ge") if larger else ("lt", "le")

    def rule(run: Recording, xs: list[Node], step: RuleStep) -> list[Node]:
        (axis,) = step.params["axes"]
        array = elements(xs[0])
        if larger and all(map(is_truth, array.ravel())):
            first = elementwise(functools.partial(_first_truth, run), *np.moveaxis(array, axis, 0))
            return [Node(first[None], first.shape, False)]
        choice = run.choice(f"which element is the {'largest' if larger else 'smallest'}")
        found = np.zeros([n for a, n in enumerate(array.shape) if a != axis], step.results[0].dtype)
        for place, column in columns(array, axis):
            best = found[place] = find(values(column))
            for k, other in enumerate(column):
                if k != best:
                    run.recorder.guard(run.recorder.record(before if k < best else after, column[best], other), choice)
        return [run.constant(found)]

    return rule


def _first_truth(run: Recording, *truths: Any) -> Any:
    """The position of the first one; 0 where there is none."""
    found: Any = 0.0
    for k in reversed(range(len(truths))):
        found = run.recorder.record("select", truths[k], float(k), found)
    return found


def order(run: Recording, keys: Sequence[np.ndarray], axis: int, largest_first: bool = False) -> np.ndarray:
    """The permutation along an axis that sorts by some keys, the first being the most important one."""
    choice = run.choice("the order of the sorted values")
    record, guard = run.recorder.record, run.recorder.guard
    found = np.zeros(keys[0].shape, np.int64)
    along = np.moveaxis(found, axis, -1)
    for (place, _), *parts in zip(columns(found, axis), *(columns(key, axis) for key in keys), strict=True):
        ranked = [part for _, part in parts]
        numbers = [-values(part) if largest_first else values(part) for part in ranked]
        along[place] = permutation = np.lexsort(numbers[::-1])
        for first, second in itertools.pairwise(permutation):
            for part, number in zip(ranked, numbers, strict=True):
                pair = (part[second], part[first]) if largest_first else (part[first], part[second])
                if number[first] != number[second]:
                    guard(record("lt", *pair), choice)
                    break
                guard(record("eq" if part is not ranked[-1] else "le", *pair), choice)
    return found


def _sort(run: Recording, xs: list[Node], step: RuleStep) -> list[Node]:
    """By the ranks of the elements, which are known, so that the reference's rule moves them."""
    axis, count = step.params["dimension"], step.params["num_keys"]
    places = order(run, [elements(x) for x in xs[:count]], axis)
    return _sorted(run, xs, places, axis, step.results)


def _sorted(run: Recording, xs: Sequence[Node], places: np.ndarray, axis: int, results: Sequence[Result]) -> list[Node]:
    ranks = run.constant(np.argsort(places, axis))
    params = {"dimension": axis, "num_keys": 1}
    moved = [lifted(x) if is_live(x) or x.is_number else x for x in xs]
    first = Result(ranks.shape, np.dtype(np.int64))
    found = REFERENCE["sort"](run, [ranks, *moved], RuleStep(params, [first, *results]))
    assert found is not None
    return found[1:]


def _top_k(run: Recording, xs: list[Node], step: RuleStep) -> list[Node]:
    x, axis = xs[0], step.params.get("axis", len(xs[0].shape) - 1)
    index = np.arange(x.shape[axis]).reshape([-1 if a == axis else 1 for a in range(len(x.shape))])
    numbered = run.constant(np.broadcast_to(index, x.shape).astype(step.results[1].dtype))
    places = order(run, [elements(x)], axis, largest_first=True)
    whole = [Result(x.shape, result.dtype) for result in step.results]
    best = {
        "start_indices": [0] * len(x.shape),
        "limit_indices": [int(step.params["k"]) if a == axis else n for a, n in enumerate(x.shape)],
        "strides": None,
    }
    sorted_ = _sorted(run, [x, numbered], places, axis, whole)
    return [run.apply("slice", [node], best, [result])[0] for node, result in zip(sorted_, step.results, strict=True)]


def _search_sorted(run: Recording, xs: list[Node], step: RuleStep) -> list[Node]:
    """How many elements of a sorted array come before a value; the one primitive of this form that JAX has."""
    primitive = step.params["_prim"]
    array, sought = (elements(x) for x in xs)
    if type(primitive).__name__ != "SearchSorted" or array.ndim != 1 or not array.size:
        raise OutOfReach(f"the browser has no `{type(primitive).__name__}`")
    comes_before = "lt" if primitive.side == "left" else "le"

    def place(x: object) -> object:
        found = 0.0
        for element in array:
            found = run.recorder.record("add", found, run.recorder.record(comes_before, element, x))
        return found

    return [Node(elementwise(place, sought)[None], xs[1].shape, False)]


ORDER: Mapping[str, Rule] = {
    "argmax": _arg(True),
    "argmin": _arg(False),
    "sort": _sort,
    "top_k": _top_k,
    "call_hi_primitive": _search_sorted,
}
"""Primitive to its rule."""
