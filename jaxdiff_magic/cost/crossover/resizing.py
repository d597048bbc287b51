"""A function with its arguments re-sized: traced with other shapes, where it allows them, and its derivatives counted.

Nothing is computed and no array is made. The function itself is entered once for each size.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.extend.core
import numpy as np
from jax import tree_util

from jaxdiff_magic.cost.counting import Count, count
from jaxdiff_magic.cost.passes import Mode
from jaxdiff_magic.derivative_programs import DerivativePrograms
from jaxdiff_magic.leaves import kind
from jaxdiff_magic.subject import Subject

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


@dataclass(frozen=True)
class Arguments:
    """All leaves of a subject's call, and which of them are arrays.

    Attributes:
        leaves, structure: of the pair of positional and keyword arguments; shapes stand for the differentiated leaves.
        inputs: where those are.
        held: where the other arrays of numbers are.
    """

    leaves: Sequence[Any]
    structure: Any
    inputs: tuple[int, ...]
    held: tuple[int, ...]

    @property
    def held_sides(self) -> set[int]:
        """The lengths, above 1, of the sides of arrays that are held fixed."""
        return {side for place in self.held for side in np.shape(self.leaves[place]) if side > 1}


def arguments_of(subject: Subject) -> Arguments:
    """The arguments as they were given."""
    point = [leaf.aval for leaf in subject.inputs]
    given = subject.beside(lambda *args, **kwargs: (args, kwargs))(*point)
    leaves, structure = tree_util.tree_flatten(given)
    inputs = tuple(next(k for k, leaf in enumerate(leaves) if leaf is one) for one in point)
    held = (k for k, leaf in enumerate(leaves) if k not in inputs and kind(leaf) in NUMBERS and np.ndim(leaf))
    return Arguments(leaves, structure, inputs, tuple(held))


def resized(subject: Subject, arguments: Arguments, sides: Sides) -> Resized:
    """The function for other shapes; raises whatever it or JAX raises where it does not allow them.

    It is not heard when it prints, and a warning in it is about a size that nobody asked for.
    """
    point = tuple(_resized(arguments.leaves[place], sides) for place in arguments.inputs)
    changed = [k for k in arguments.held if any(side in sides for side in np.shape(arguments.leaves[k]))]
    held = tuple(_resized(arguments.leaves[place], sides) for place in changed)
    function = _function(subject, arguments, [*arguments.inputs, *changed])
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        closed = jax.make_jaxpr(function)(*point, *held)
    if len(closed.out_avals) != len(subject.outputs):
        raise ValueError(f"it has {len(closed.out_avals)} outputs instead of {len(subject.outputs)}")
    return Resized(closed, point, held)


def _resized(leaf: Any, sides: Sides) -> jax.ShapeDtypeStruct:
    dtype = jax.dtypes.canonicalize_dtype(leaf.dtype)
    return jax.ShapeDtypeStruct(tuple(sides.get(side, side) for side in leaf.shape), dtype)


def _function(subject: Subject, arguments: Arguments, places: Sequence[int]) -> Callable[..., list[Any]]:
    """The floating-point results by some leaves of the call, held ones as well."""

    def function(*arrays: Any) -> list[Any]:
        leaves = list(arguments.leaves)
        for place, array in zip(places, arrays, strict=True):
            leaves[place] = array
        args, kwargs = tree_util.tree_unflatten(arguments.structure, leaves)
        subject._call.count += 1  # it is a call of the user's function like any other, and `calls` tells them all
        result = subject.function(*args, **kwargs)
        return [leaf for leaf in tree_util.tree_leaves(result) if kind(leaf) == "floating"]

    return function
