"""From a trace to a program: every equation becomes a definition by its primitive's rule."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
import sympy as sp
from sympy import Integer, Rational

from jaxdiff_magic.errors import OutOfReach
from jaxdiff_magic.symbolic.elementwise import ELEMENTWISE
from jaxdiff_magic.symbolic.program import Array, Definition, Program
from jaxdiff_magic.symbolic.structure import STRUCTURE, VIEWS, Result, View
from jaxdiff_magic.trace import Constant, Equation, Location, Trace, Variable


def program_of(trace: Trace, inputs: Sequence[str], outputs: Sequence[str]) -> Program:
    """The trace as definitions over arrays with the given names.

    Raises:
        OutOfReach: names the first primitive without a formula, and the user's line.
    """
    taken = {*inputs, *outputs}
    arrays = [Array.named(name, var.shape) for name, var in zip(inputs, trace.inputs, strict=True)]
    views: dict[Variable, View] = {
        var: View(array.shape, array.at) for var, array in zip(trace.inputs, arrays, strict=True)
    }
    constants: dict[int, tuple[Array, np.ndarray]] = {}
    definitions: list[Definition] = []

    def unique(name: str, stem: str) -> str:
        tries = itertools.chain(
            [name] if name else [], (f"{name or stem}_{k}" for k in itertools.count(2 if name else 1))
        )
        found = next(candidate for candidate in tries if candidate not in taken)
        taken.add(found)
        return found

    def view(atom: Variable | Constant) -> View:
        if isinstance(atom, Variable):
            return views[atom]
        if np.iscomplexobj(atom.value):
            raise OutOfReach("complex numbers have no formula yet")
        if atom.shape == () and not atom.name:
            return View((), lambda _: number(atom.value))
        if id(atom) not in constants:
            array = Array.named(unique(atom.name, "c"), atom.shape)
            constants[id(atom)] = array, np.asarray(atom.value, float)
        array = constants[id(atom)][0]
        if atom.dtype == bool:
            return View(atom.shape, lambda i: sp.Eq(array.at(i), 1))
        return View(atom.shape, array.at)

    for equation in trace.equations:
        results = _apply(equation, [view(atom) for atom in equation.inputs])
        for variable, result in zip(equation.outputs, results, strict=True):
            if (
                equation.primitive in VIEWS
                or variable.dtype == bool
                or not jnp.issubdtype(variable.dtype, jnp.floating)
            ):
                views[variable] = result
                continue
            array = Array.named(unique(equation.name, "t"), variable.shape)
            indices = array.indices()
            expr = _reached(equation, lambda: result.at(indices))  # noqa: B023  called at once
            if expr.has(sp.zoo):
                raise OutOfReach(f"{equation.primitive} divides by zero{_at(equation.location)}")
            if expr.is_number:  # it needs no name
                views[variable] = result
                continue
            definitions.append(Definition(array, indices, expr, equation.location, bool(equation.name)))
            views[variable] = View(array.shape, array.at)

    def output(name: str, atom: Variable | Constant) -> Definition:
        array = Array.named(name, atom.shape)
        indices = array.indices()
        return Definition(array, indices, sp.sympify(view(atom).at(indices)))

    finished = tuple(output(name, atom) for name, atom in zip(outputs, trace.outputs, strict=True))
    return Program(tuple(arrays), tuple(constants.values()), tuple(definitions), finished)


def number(value: np.ndarray) -> sp.Basic:
    """A literal, exactly: binary fractions become rationals."""
    item = value.item()
    if isinstance(item, bool):
        return sp.true if item else sp.false
    if isinstance(item, int):
        return Integer(item)
    if not np.isfinite(item):
        return sp.nan if np.isnan(item) else (sp.oo if item > 0 else -sp.oo)
    return Rational(*item.as_integer_ratio())


def _apply(equation: Equation, inputs: list[View]) -> list[View]:
    results = [Result(var.shape, var.dtype) for var in equation.outputs]
    if rule := STRUCTURE.get(equation.primitive):
        return _reached(equation, lambda: rule(inputs, equation.params, results))
    if scalar := ELEMENTWISE.get(equation.primitive):
        shape, params = results[0].shape, {**equation.params, "dtype": results[0].dtype}
        return [View(shape, lambda i: scalar(*(x.at(_broadcast(i, shape, x.shape)) for x in inputs), **params))]
    raise OutOfReach(f"{equation.primitive} has no formula yet{_at(equation.location)}")


def _broadcast(indices: Sequence[sp.Expr], shape: tuple[int, ...], operand: tuple[int, ...]) -> tuple[sp.Expr, ...]:
    """Which element of an operand goes with an element of the result: a scalar, or an axis of length 1, with all."""
    lengths = zip(shape, operand, strict=False)  # a scalar has none
    return tuple(k if own == length else Integer(0) for k, (length, own) in zip(indices, lengths, strict=False))


def _reached(equation: Equation, action):
    try:
        return action()
    except OutOfReach as error:
        raise OutOfReach(f"{error.reason}{_at(equation.location)}") from None


def _at(location: Location) -> str:
    return f" ({location})" if location.line else ""
