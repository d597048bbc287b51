"""Whether every number that a program is given has a way to its results: `x[0] * x[1]` ignores the others in x."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from jaxdiff_magic.cost.counting.elementwise import ELEMENTWISE
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.primitives.positions import MOVES, NOWHERE, origins
from jaxdiff_magic.subject.trace import Constant, Equation, Trace, Variable

SAME = frozenset(ELEMENTWISE) | having("passes") | {"select_n", "stop_gradient"}
"""Each element of the result depends on the element in its place only."""
REDUCTIONS = frozenset("reduce_sum reduce_prod reduce_max reduce_min".split())
ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "lt": np.less,
    "ge": np.greater_equal,
    "select_n": lambda which, *cases: np.choose(np.asarray(which, int), cases),
}
"""What JAX does with an index before it uses it: from the end, where it is negative."""
MOST_INDICES = 100_000
"""Indices that the program computes from constants are known up to this many. A choice of time and memory."""

Known = dict[int, np.ndarray]


def reaches_all(trace: Trace, inputs: int) -> bool:
    """Whether each element of the first `inputs` inputs may matter to an output.

    An operation other than those above is taken to need all of its operands, so that a yes may be too generous, and
    a no is one.

    Example:
        >>> reaches_all(subject_trace(subject_of(lambda x: x[0] * x[1], (jnp.ones(3),), {})), 1)  # doctest: +SKIP
        False
    """
    known = _indices(trace)
    live = {atom.id: np.ones(atom.shape, bool) for atom in trace.outputs if isinstance(atom, Variable)}
    for equation in reversed(trace.equations):
        if any(live[result.id].any() for result in equation.outputs if result.id in live):
            for atom, needed in zip(equation.inputs, _needed(equation, live, known), strict=True):
                if isinstance(atom, Variable):
                    live[atom.id] = live.get(atom.id, False) | needed
    return all(bool(np.all(live.get(leaf.id, 0 in leaf.shape))) for leaf in trace.inputs[:inputs])


def _needed(equation: Equation, live: dict[int, np.ndarray], known: Known) -> Iterator[np.ndarray]:
    """For each operand, the elements that the live results are made of."""
    result, name = equation.outputs[0], equation.primitive
    mask = live.get(result.id, np.zeros(result.shape, bool))
    starts = list(itertools.accumulate((math.prod(atom.shape) for atom in equation.inputs), initial=0))
    read = np.zeros(starts[-1] + 1, bool)  # the last is that of a filling
    if (places := _origins(equation, known)) is not None:
        read[places[mask]] = True
    for atom, start, end in zip(equation.inputs, starts, starts[1:], strict=False):
        if name in SAME and atom.shape == mask.shape:
            yield mask
        elif places is not None:
            yield read[start:end].reshape(atom.shape)
        elif name in REDUCTIONS:
            yield np.broadcast_to(np.expand_dims(mask, equation.params["axes"]), atom.shape)
        else:
            yield np.ones(atom.shape, bool)


def _origins(equation: Equation, known: Known) -> np.ndarray | None:
    """Where the elements of the one result come from in the operands; None where that is not known."""
    if equation.primitive not in MOVES or len(equation.outputs) != 1:
        return None
    moved = 1 if equation.primitive in having("reads_at") else len(equation.inputs)
    places = [_value(atom, known) for atom in equation.inputs[moved:]]
    given = [value for value in places if value is not None]
    if len(given) < len(places):
        return None
    shapes, result = [atom.shape for atom in equation.inputs[:moved]], equation.outputs[0].shape
    return origins(equation.primitive, equation.params, shapes, [result], given)[0]


def _done(equation: Equation, values: Sequence[np.ndarray], known: Known) -> Any:
    """The result of an equation of known operands, or None."""
    if equation.primitive in ARITHMETIC:
        return ARITHMETIC[equation.primitive](*values)
    if equation.primitive == "convert_element_type":
        return values[0].astype(equation.params["new_dtype"])
    places = _origins(equation, known)
    if places is None or np.any(places == NOWHERE):
        return None
    return np.concatenate([value.ravel() for value in values])[places].astype(equation.outputs[0].dtype)


def _indices(trace: Trace) -> Known:
    """The integers and booleans that are computed from constants alone, as far as indices are, by variable."""
    known: Known = {}
    for equation in trace.equations:
        values = [_value(atom, known) for atom in equation.inputs]
        result = equation.outputs[0]
        if result.dtype.kind in "iub" and math.prod(result.shape) <= MOST_INDICES:
            given = [value for value in values if value is not None]
            with np.errstate(over="ignore"):  # JAX's integers wrap around without a word
                found = _done(equation, given, known) if len(given) == len(values) else None
            if found is not None:
                known[result.id] = np.asarray(found)
    return known


def _value(atom: Variable | Constant, known: Known) -> np.ndarray | None:
    if isinstance(atom, Variable):
        return known.get(atom.id)
    return atom.rounded if atom.key is None else None
