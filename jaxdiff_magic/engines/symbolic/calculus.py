"""Derivatives of index expressions, and reverse accumulation over the definitions of a program.

The scalar rules are SymPy's; this file adds the chain rule over array elements (d x[i] / d x[k] is a delta), sums,
and choices. Source of the method: S. Laue, M. Mitterreiter, J. Giesen, "Computing Higher Order Derivatives of
Matrix and Tensor Expressions", NeurIPS 2018 (Ricci notation); Griewank & Walther, "Evaluating Derivatives", ch. 3.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic import array_functions, time_limits
from jaxdiff_magic.engines.symbolic.expression import (
    Applied,
    Choice,
    Delta,
    FunctionSymbol,
    IndexSum,
    Truth,
    canonical,
    free,
    opened,
)
from jaxdiff_magic.engines.symbolic.functions import Rounded
from jaxdiff_magic.engines.symbolic.indices import ravel, total
from jaxdiff_magic.engines.symbolic.program import Array, Definition, Program, functions_in

PIECEWISE_CONSTANT = (sp.sign, sp.floor, sp.ceiling, sp.Heaviside, Rounded, Truth)


def differentiate(e: Expr, array: Array, element: Sequence[Expr]) -> Expr:
    """The derivative of a scalar expression with respect to one element of an array.

    Choices (where, Max, Abs) are differentiated branch by branch: right away from their ties.

    Raises:
        OutOfReach: for a function with no known derivative.
    """
    if _is_position(array.label):
        return Integer(0)
    known: dict[sp.Basic, Expr] = {}

    def d(node: sp.Basic) -> Expr:
        if array.label not in free(node):
            return Integer(0)
        if node not in known:
            time_limits.ask()
            known[node] = rule(node)
        return known[node]

    def rule(node: sp.Basic) -> Expr:
        match node:
            case sp.Indexed() if node.base.label != array.label:  # it only says where
                return Integer(0)
            case sp.Indexed():
                return _same_element(node.indices, tuple(element), array.shape)
            case sp.Symbol():
                return Integer(1)
            case Applied():
                return array_functions.partial(node, array, element)
            case _:
                return _chain(node, array.label, d)

    return d(e)


def _chain(node: sp.Basic, label: sp.Symbol, d: Callable[[sp.Basic], Expr]) -> Expr:
    """The derivative of a function of expressions, of which `d` gives theirs, with respect to an element of an array.

    Choices are differentiated branch by branch, see `differentiate`.
    """
    match node:
        case sp.Add():
            return sp.Add(*map(d, node.args))
        case sp.Mul():
            return sp.Add(*(sp.Mul(d(arg), *node.args[:i], *node.args[i + 1 :]) for i, arg in enumerate(node.args)))
        case IndexSum():
            bound, body = opened(node)
            return total(d(body), bound)
        case Choice():
            condition, yes, no = node.args
            return Truth(condition) * d(yes) + Truth(sp.Not(condition)) * d(no)
        case sp.Max() | sp.Min():
            return sp.Add(*(sp.Mul(d(arg), *_wins(arg, node)) for arg in node.args))
        case sp.log() if isinstance(node.args[0], sp.Abs):  # sign(u) / |u| is 1 / u
            return d(node.args[0].args[0]) / node.args[0].args[0]
        case sp.Abs():
            return sp.sign(node.args[0]) * d(node.args[0])
        case _ if isinstance(node, PIECEWISE_CONSTANT):
            return Integer(0)
        case sp.Mod():
            a, b = node.args
            return d(a) - sp.floor(a / b) * d(b)
        case sp.polygamma():
            order, x = node.args
            return sp.polygamma(order + 1, x) * d(x)
        case _:
            return _by_partials(node, label, d)


def _wins(arg: Expr, of: sp.Basic) -> Iterator[Expr]:
    """Factors whose product is 1 where an argument of a maximum or minimum is its value, and 0 elsewhere."""
    sign = 1 if isinstance(of, sp.Max) else -1
    return (sp.Heaviside(sign * (arg - other)) for other in of.args if other != arg)


def _by_partials(node: sp.Basic, label: sp.Symbol, d: Callable[[sp.Basic], Expr]) -> Expr:
    """The chain rule, by SymPy's partial derivatives of a scalar function."""
    slots = dict(zip(_slots(len(node.args)), node.args, strict=True))
    return sp.Add(
        *(
            local_partial(node.func, len(node.args), position).xreplace(slots) * d(arg)
            for position, arg in enumerate(node.args)
            if label in free(arg)
        )
    )


@functools.cache
def local_partial(function: type[sp.Basic], arity: int, position: int) -> Expr:
    """SymPy's partial derivative of a scalar function, in placeholder arguments; derived once."""
    slots = _slots(arity)
    found = function(*slots).diff(slots[position])
    if found.has(sp.Derivative, sp.Subs):
        raise OutOfReach(f"no derivative is known for {function.__name__}")
    return found


@functools.cache
def _slots(arity: int) -> tuple[sp.Symbol, ...]:
    return tuple(sp.Dummy(f"u{i}", real=True) for i in range(arity))


def _is_position(label: sp.Symbol) -> bool:
    """Whether an array holds positions found in others, which have no slope."""
    return isinstance(label, FunctionSymbol) and label.below is not None


def _same_element(indices: Sequence[Expr], element: Sequence[Expr], shape: Sequence[int]) -> Expr:
    """1 where two elements of an array are the same one, as deltas that can be contracted."""
    if any(index.has(sp.floor, sp.Mod) for index in (*indices, *element)):
        # A reshaped array: positions in memory compare more simply than indices.
        flat = Delta(ravel(indices, shape), ravel(element, shape))
        if not (isinstance(flat, Delta) and flat.has(sp.floor, sp.Mod)):
            return flat
    return sp.Mul(*(Delta(a, b) for a, b in zip(indices, element, strict=True)))


def jacobian(program: Program, output: Definition) -> Program:
    """The derivative of one output with respect to every input, by reverse accumulation over the definitions.

    Returns:
        The program with the adjoints of its definitions added; its outputs are, for each input, a definition of
        shape `output.shape + input.shape`.
    """
    seeds = output.array.indices()  # its own may be those of an adjoint that is yet to be differentiated
    output = Definition(output.array, seeds, output.at(seeds))
    arrays = {array.label: array for array in program.inputs}
    for definition in program.definitions:  # those that depend on an input
        depends = not arrays.keys().isdisjoint(free(definition.expr))
        if depends and not _is_position(definition.array.label):
            arrays[definition.array.label] = definition.array
    elements = {label: array.indices() for label, array in arrays.items()}
    adjoints: dict[sp.Symbol, list[Expr]] = {}

    def push(definition: Definition, adjoint: Expr | None) -> None:
        """Add what a definition contributes to the adjoint of each array it mentions."""
        for label in sorted(free(definition.expr) & arrays.keys(), key=lambda symbol: symbol.name):
            local = differentiate(definition.expr, arrays[label], elements[label])
            term = local if adjoint is None else total(adjoint * local, definition.indices)
            if term != 0:
                adjoints.setdefault(label, []).append(term)

    def collect(array: Array) -> Definition:
        name = f"d{output.array.name}/d{array.name}"
        expr = canonical(sp.Add(*adjoints.get(array.label, ())))
        whole = Array.named(name, output.array.shape + array.shape)
        return Definition(whole, (*seeds, *elements[array.label]), expr)

    push(output, None)
    added = []
    for definition in reversed(program.definitions):
        if definition.array.label in adjoints:
            added.append(replace(collect(definition.array), location=definition.location))
            push(definition, added[-1].array.at((*seeds, *definition.indices)))
    outputs = tuple(collect(array) for array in program.inputs)
    known = {array.label for array in program.inputs} | {d.array.label for d in program.definitions}
    functions = functions_in([d.expr for d in (*added, *outputs)], known)
    return replace(program, definitions=(*program.definitions, *functions, *added), outputs=outputs)
