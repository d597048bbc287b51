"""Whether every number that a program is given has a way to its results: `x[0] * x[1]` ignores the others in x."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.cost.counting.elementwise import ELEMENTWISE
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.subject.native import run_alone
from jaxdiff_magic.subject.trace import Constant, Equation, Trace, Variable

SAME = frozenset(ELEMENTWISE) | having("passes") | {"select_n", "stop_gradient"}
"""Each element of the result depends on the element in its place only."""
VIEWS: dict[str, Callable[[np.ndarray, Equation], np.ndarray]] = {
    "slice": lambda x, e: x[_slices(e.params["start_indices"], e.params["limit_indices"], e.params["strides"])],
    **dict.fromkeys(("squeeze", "expand_dims"), lambda x, e: x.reshape(e.outputs[0].shape)),
    "reshape": lambda x, e: x.reshape(e.outputs[0].shape),
    "transpose": lambda x, e: x.transpose(e.params["permutation"]),
    "rev": lambda x, e: np.flip(x, e.params["dimensions"]),
    "broadcast_in_dim": lambda x, e: _spread(x, e.outputs[0].shape, e.params["broadcast_dimensions"]),
}
"""Each element of the result is one of the operand's; done by NumPy, since JAX would compile each for its shape."""
TAKES = having("reads_at")
"""Likewise, of the first operand's, where the others are known."""
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
"""Indices that the program computes from constants are known up to this many."""

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
    values = [_value(atom, known) for atom in equation.inputs]
    first = 0
    for k, atom in enumerate(equation.inputs):
        needed = np.ones(atom.shape, bool)
        if name in SAME and atom.shape == mask.shape:
            needed = mask
        elif k == 0 and (name in VIEWS or (name in TAKES and all(value is not None for value in values[1:]))):
            needed = _origins(equation, atom.shape, values[1:], mask)
        elif name in REDUCTIONS:
            needed = np.broadcast_to(np.expand_dims(mask, equation.params["axes"]), atom.shape)
        elif name == "concatenate":
            axis = equation.params["dimension"]
            needed = np.take(mask, range(first, first + atom.shape[axis]), axis)
            first += atom.shape[axis]
        yield needed


def _origins(equation: Equation, shape: tuple[int, ...], rest: Sequence[Any], mask: np.ndarray) -> np.ndarray:
    """Where the marked elements of a result come from: the operation is done with positions for numbers."""
    size = math.prod(shape)
    positions = np.arange(size, dtype=np.int32).reshape(shape)
    moved = np.asarray(_done(equation, [positions, *rest]))[mask]
    found = np.zeros(size, bool)
    found[moved[(moved >= 0) & (moved < size)]] = True  # what is out of range is filled with another number
    return found.reshape(shape)


def _done(equation: Equation, values: Sequence[np.ndarray]) -> Any:
    """The result of an equation, or None where it is not known; of arrays, its first operand."""
    match equation.primitive, values:
        case name, [value] if name in VIEWS:
            return VIEWS[name](value, equation)
        case name, _ if name in ARITHMETIC:
            return ARITHMETIC[name](*values)
        case "convert_element_type", [value]:
            return value.astype(equation.params["new_dtype"])
        case "dynamic_slice", [value, *starts]:
            lengths = equation.params["slice_sizes"]
            begin = [int(np.clip(k, 0, n - w)) for k, n, w in zip(starts, value.shape, lengths, strict=True)]
            return value[_slices(begin, [k + w for k, w in zip(begin, lengths, strict=True)], None)]
        case "gather", _:
            return run_alone(equation, list(map(jnp.asarray, values)))[0]
    return None


def _slices(starts: Sequence[int], ends: Sequence[int], strides: Sequence[int] | None) -> tuple[slice, ...]:
    return tuple(map(slice, starts, ends, strides or [1] * len(starts)))


def _spread(x: np.ndarray, shape: tuple[int, ...], dimensions: Sequence[int]) -> np.ndarray:
    own = [1] * len(shape)
    for dimension, side in zip(dimensions, x.shape, strict=True):
        own[dimension] = side
    return np.broadcast_to(x.reshape(own), shape)


def _indices(trace: Trace) -> Known:
    """The integers and booleans that are computed from constants alone, as far as indices are, by variable."""
    known: Known = {}
    for equation in trace.equations:
        values = [_value(atom, known) for atom in equation.inputs]
        result = equation.outputs[0]
        if result.dtype.kind in "iub" and math.prod(result.shape) <= MOST_INDICES:
            given = [value for value in values if value is not None]
            with np.errstate(over="ignore"):  # JAX's integers wrap around without a word
                found = _done(equation, given) if len(given) == len(values) else None
            if found is not None:
                known[result.id] = np.asarray(found)
    return known


def _value(atom: Variable | Constant, known: Known) -> np.ndarray | None:
    if isinstance(atom, Variable):
        return known.get(atom.id)
    return atom.rounded if atom.key is None else None
