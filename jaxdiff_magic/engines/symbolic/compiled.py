"""A closed form as a JAX program: the index formula of a derivative, to be compiled and run instead of the passes.

For formulas that are polynomials in elements of arrays, as those of quadratic functions are: A[i, j] + A[j, i].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import sympy as sp

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.derivation import Derivation, Path
from jaxdiff_magic.engines.symbolic.expression import Delta, Index, IndexSum


class Part(NamedTuple):
    """An array whose axes are index symbols."""

    axes: tuple[Index, ...]
    data: Any


def closed_form(derivation: Derivation, path: Path) -> Callable[..., jax.Array]:
    """The derivative named by `path`, from its formula.

    Args:
        derivation: of the function.
        path: which derivative: see `Derivation.formula`.

    Returns:
        A function of the input leaves, for `jax.jit`; an array of shape `output.shape + inputs[0].shape + …`, in the
        dtype of the leaves.

    Raises:
        OutOfReach: the formula needs steps, or is not a polynomial in elements of inputs and constants.
    """
    program, definition = derivation.formula(path)
    known = {array.label for array in program.inputs} | {array.label for array, _ in program.constants}
    _refuse(definition.expr, known)

    def whole(*leaves: Any) -> jax.Array:
        dtype = jnp.result_type(*leaves)
        constants = [(array, jnp.asarray(data, dtype)) for array, data in program.constants]
        values = {a.label: jnp.asarray(x) for a, x in (*zip(program.inputs, leaves, strict=True), *constants)}
        found = _part(definition.expr, values, dtype)
        return jnp.broadcast_to(_aligned(found, definition.indices), definition.array.shape)

    return whole


def _refuse(e: sp.Basic, known: set[sp.Symbol]) -> None:
    """Raise where an expression has something that `_part` has no rule for."""
    match e:
        case sp.Rational():
            return
        case sp.Indexed() if e.base.label in known and _plain(e.indices):
            return
        case Delta() if _plain(e.args):
            return
        case sp.Symbol() if e in known:
            return
        case sp.Add() | sp.Mul():
            for arg in e.args:
                _refuse(arg, known)
        case IndexSum():
            _refuse(e.body, known)
        case sp.Pow(exp=sp.Integer() as power) if power > 0:
            _refuse(e.base, known)
        case _:
            raise OutOfReach(f"its formula is no polynomial: {e.func.__name__}")


def _plain(indices: Sequence[sp.Basic]) -> bool:
    return all(isinstance(index, Index) for index in indices) and len(set(indices)) == len(indices)


def _part(e: sp.Basic, values: Mapping[sp.Symbol, Any], dtype: Any) -> Part:
    match e:
        case sp.Rational():
            return Part((), jnp.asarray(float(e), dtype))
        case sp.Indexed():
            return Part(e.indices, values[e.base.label])
        case Delta():
            a, b = e.args
            return Part((a, b), jnp.eye(a.size, b.size, dtype=dtype))
        case sp.Add():
            parts = [_part(arg, values, dtype) for arg in e.args]
            axes = tuple(dict.fromkeys(axis for part in parts for axis in part.axes))
            return Part(axes, sum(_aligned(part, axes) for part in parts))
        case sp.Mul():
            parts = [_part(arg, values, dtype) for arg in e.args]
            axes = tuple(dict.fromkeys(axis for part in parts for axis in part.axes))
            return Part(axes, math.prod(_aligned(part, axes) for part in parts))
        case IndexSum():
            return _sum(e, values, dtype)
        case sp.Pow():
            axes, data = _part(e.base, values, dtype)
            return Part(axes, data ** int(e.exp))
        case _:
            return Part((), values[e])


def _sum(e: IndexSum, values: Mapping[sp.Symbol, Any], dtype: Any) -> Part:
    """A sum of products is one contraction."""
    parts = [_part(factor, values, dtype) for factor in sp.Mul.make_args(e.body)]
    axes = tuple(dict.fromkeys(axis for part in parts for axis in part.axes))
    repeats = math.prod(index.size for index in e.indices if index not in axes)
    kept = tuple(axis for axis in axes if axis not in e.indices)
    operands = [item for part in parts for item in (part.data, [axes.index(axis) for axis in part.axes])]
    out = [axes.index(axis) for axis in kept]
    return Part(kept, repeats * jnp.einsum(*operands, out, precision=jax.lax.Precision.HIGHEST))


def _aligned(part: Part, axes: Sequence[Index]) -> Any:
    """The data with an axis for each of `axes`, of size 1 where it has none."""
    order = [axis for axis in axes if axis in part.axes]
    moved = jnp.transpose(part.data, [part.axes.index(axis) for axis in order])
    sizes = iter(moved.shape)
    return moved.reshape([next(sizes) if axis in part.axes else 1 for axis in axes])
