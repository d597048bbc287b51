"""A function with its arguments re-sized: traced with other shapes, where it allows them, and its derivatives counted.

Nothing is computed and no array is made. The function itself is entered once for each size.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.extend.core
import numpy as np
from jax import tree_util

from jaxdiff_magic.cost.counting import Count, count
from jaxdiff_magic.cost.passes import Mode
from jaxdiff_magic.subject.derivative_programs import DerivativePrograms
from jaxdiff_magic.subject.leaves import jax_dtype, kind
from jaxdiff_magic.subject.subject import Subject

NUMBERS = ("floating", "integer", "boolean")

Sides = Mapping[int, int]
"""The lengths of sides that change, each with its new length: sides of one length are one side, in all arguments."""


@dataclass(frozen=True)
class Resized:
    """A subject's function for arguments of other shapes.

    Attributes:
        closed: its jaxpr, of the differentiated leaves and then of the others that were re-sized.
        point: shapes and dtypes of the former.
        held: those of the latter.
    """

    closed: Any
    point: tuple[jax.ShapeDtypeStruct, ...]
    held: tuple[jax.ShapeDtypeStruct, ...]

    @property
    def inputs(self) -> int:
        """Number of scalar inputs."""
        return sum(int(np.prod(leaf.shape, dtype=int)) for leaf in self.point)

    @property
    def outputs(self) -> int:
        """Number of scalar outputs."""
        return sum(int(np.prod(leaf.shape, dtype=int)) for leaf in self.closed.out_avals)

    def jacobian(self, mode: Mode, is_scalar: bool) -> Count:
        """The counted work of the whole first derivative."""
        n = len(self.point)

        def whole(*arrays: Any) -> Any:
            def run(*leaves: Any) -> Any:
                return tuple(jax.extend.core.jaxpr_as_fun(self.closed)(*leaves, *arrays[n:]))

            return DerivativePrograms(run, self.point, is_scalar, True).transformed(mode, run, False)(*arrays[:n])

        return count(jax.make_jaxpr(whole)(*self.point, *self.held))


def held_sides(subject: Subject) -> set[int]:
    """The lengths, above 1, of the sides of arrays of numbers that are held fixed."""
    return {side for leaf in _held(subject).values() for side in np.shape(leaf) if side > 1}


def resized(subject: Subject, sides: Sides) -> Resized:
    """The function for other shapes; raises whatever it or JAX raises where it does not allow them.

    It is not heard when it prints, and a warning in it is about a size that nobody asked for.
    """
    point = tuple(_resized(leaf.shape, leaf.dtype, sides) for leaf in subject.inputs)
    changed = {k: leaf for k, leaf in _held(subject).items() if not sides.keys().isdisjoint(np.shape(leaf))}
    held = tuple(_resized(np.shape(leaf), jax_dtype(leaf), sides) for leaf in changed.values())

    def function(*arrays: Any) -> list[Any]:
        result = subject.call.with_leaves([*subject.call.positions, *changed], arrays)
        return [leaf for leaf in tree_util.tree_leaves(result) if kind(leaf) == "floating"]

    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        closed = jax.make_jaxpr(function)(*point, *held)
    if len(closed.out_avals) != len(subject.outputs):
        raise ValueError(f"it has {len(closed.out_avals)} outputs instead of {len(subject.outputs)}")
    return Resized(closed, point, held)


def _held(subject: Subject) -> dict[int, Any]:
    """The arrays of numbers that are held fixed, by their place among all leaves of the call."""
    leaves = dict(enumerate(tree_util.tree_leaves(subject.call.arguments)))
    held = {k: leaf for k, leaf in leaves.items() if k not in subject.call.positions and kind(leaf) in NUMBERS}
    return {k: leaf for k, leaf in held.items() if np.ndim(leaf)}


def _resized(shape: Sequence[int], dtype: Any, sides: Sides) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(tuple(sides.get(side, side) for side in shape), dtype)
