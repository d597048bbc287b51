"""A function as definitions: each an index expression of inputs, constants and earlier definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import sympy as sp
from sympy import Expr

from jaxdiff_magic.symbolic.expression import Index, canonical, free, refreshed, rename, size
from jaxdiff_magic.trace import Location


@dataclass(frozen=True)
class Array:
    """A named array of an expression: `x`, whose elements are written `x[i, j]`, or a scalar `x`."""

    name: str
    shape: tuple[int, ...]
    symbol: sp.Symbol | sp.IndexedBase = field(compare=False)

    @classmethod
    def named(cls, name: str, shape: Sequence[int]) -> Array:
        symbol = sp.IndexedBase(sp.Symbol(name, real=True), real=True) if shape else sp.Symbol(name, real=True)
        return cls(name, tuple(shape), symbol)

    @property
    def label(self) -> sp.Symbol:
        """The free symbol by which expressions are known to mention this array."""
        return self.symbol.label if isinstance(self.symbol, sp.IndexedBase) else self.symbol

    def at(self, indices: Sequence[Expr]) -> Expr:
        """The element at some index expressions."""
        return self.symbol[tuple(indices)] if isinstance(self.symbol, sp.IndexedBase) else self.symbol

    def indices(self) -> tuple[Index, ...]:
        """A fresh index symbol for each axis."""
        return tuple(Index(length, name) for length, name in zip(self.shape, "ijklmnpq" * 4, strict=False))


@dataclass(frozen=True)
class Definition:
    """`array[indices] = expr`.

    Attributes:
        array: what is defined.
        indices: one symbol per axis.
        expr: a scalar expression in those symbols.
        location: the line of the user's source it comes from.
        named: whether the array's name is a variable of the user's source.
    """

    array: Array
    indices: tuple[Index, ...]
    expr: Expr
    location: Location = field(default_factory=Location)
    named: bool = False

    def at(self, indices: Sequence[Expr]) -> Expr:
        """The defining expression of one element, free to stand inside any other expression."""
        return rename(refreshed(self.expr), dict(zip(self.indices, indices, strict=True)))


@dataclass(frozen=True)
class Program:
    """Definitions in order, each of earlier ones.

    Attributes:
        inputs: the arrays the function depends on.
        constants: arrays with known values.
        definitions: the steps.
        outputs: the results, as definitions that nothing else refers to.
    """

    inputs: tuple[Array, ...]
    constants: tuple[tuple[Array, np.ndarray], ...]
    definitions: tuple[Definition, ...]
    outputs: tuple[Definition, ...]

    def inlined(self, keep: Callable[[Definition], bool], limit: int) -> Program:
        """The same program with definitions substituted into their users.

        Args:
            keep: which definitions to keep by name whatever their size.
            limit: no expression is made larger than this many operations by substitution.
        """
        arrays = {definition.array.label: definition for definition in self.definitions}
        kept: dict[sp.Symbol, Definition] = {}
        done: dict[sp.Symbol, Definition] = {}

        def expand(definition: Definition) -> Definition:
            expr = definition.expr
            for label in sorted(free(expr) & arrays.keys(), key=lambda symbol: symbol.name):
                inner = done[label]
                larger = substitute(expr, {label: inner.at})
                if label not in kept and size(larger) <= limit:
                    expr = larger
                elif label not in kept:
                    kept[label] = inner
            return replace(definition, expr=canonical(expr))

        for label, definition in arrays.items():
            done[label] = expand(definition)
            if keep(definition):
                kept[label] = done[label]
        outputs = tuple(expand(definition) for definition in self.outputs)
        needed = _reachable(outputs, kept)
        return replace(self, definitions=tuple(d for d in done.values() if d.array.label in needed), outputs=outputs)


def _reachable(outputs: Sequence[Definition], kept: Mapping[sp.Symbol, Definition]) -> set[sp.Symbol]:
    needed: set[sp.Symbol] = set()
    pending = [output.expr for output in outputs]
    while pending:
        new = (free(pending.pop()) & kept.keys()) - needed
        needed |= new
        pending += [kept[label].expr for label in new]
    return needed


def substitute(e: Expr, definitions: Mapping[sp.Symbol, Callable[[Sequence[Expr]], Expr]]) -> Expr:
    """`e` with every reference to an array replaced by a function of its indices."""
    known: dict[sp.Basic, sp.Basic] = {}

    def walk(node: sp.Basic) -> sp.Basic:
        if not (free(node) & definitions.keys()):
            return node
        if node not in known:
            if isinstance(node, sp.Indexed) and node.base.label in definitions:
                known[node] = definitions[node.base.label]([walk(i) for i in node.indices])
            elif isinstance(node, sp.Symbol):
                known[node] = definitions[node](())
            else:
                known[node] = node.func(*(walk(arg) for arg in node.args))
        return known[node]

    return walk(sp.sympify(e))
