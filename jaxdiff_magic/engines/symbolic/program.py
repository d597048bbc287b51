"""A function as definitions: each an index expression of inputs, constants and earlier definitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import sympy as sp
from sympy import Expr

from jaxdiff_magic.engines.symbolic import time_limits
from jaxdiff_magic.engines.symbolic.expression import (
    Applied,
    FunctionSymbol,
    Index,
    IndexSum,
    canonical,
    free,
    opened,
    refreshed,
    size,
)
from jaxdiff_magic.engines.symbolic.indices import total
from jaxdiff_magic.subject.trace import Location

SHORT = 3
"""A definition with no more operations than this is not worth a name. A choice: a name would be as long."""


@dataclass(frozen=True)
class Array:
    """A named array of an expression: `x`, whose elements are written `x[i, j]`, or a scalar `x`.

    Attributes:
        name: as it is written.
        shape: of the array.
        symbol: stands for it in expressions.
        operation: for a function of whole arrays, such as an inverse, its name and its operands.
        anonymous: whether it is a constant that has no name in the user's code.
    """

    name: str
    shape: tuple[int, ...]
    symbol: sp.Symbol | sp.IndexedBase = field(compare=False)
    operation: tuple[str, tuple[Array, ...]] | None = None
    anonymous: bool = field(default=False, compare=False)

    @classmethod
    def named(cls, name: str, shape: Sequence[int], integer: bool = False) -> Array:
        """An array of real numbers, or of whole ones."""
        kind = {"integer": True} if integer else {"real": True}
        symbol = sp.IndexedBase(sp.Symbol(name, **kind), **kind) if shape else sp.Symbol(name, **kind)
        return cls(name, tuple(shape), symbol)

    @classmethod
    def function(cls, name: str, shape: Sequence[int], *operands: Array, below: int | None = None) -> Array:
        """The array `name(operands…)`; of integers less than `below` when that is given."""
        written = f"{name}({', '.join(operand.name for operand in operands)})"
        return cls.labelled(FunctionSymbol(written, (name, operands), tuple(shape), below))

    @classmethod
    def labelled(cls, label: FunctionSymbol) -> Array:
        """The array whose label this is."""
        symbol = sp.IndexedBase(label, **label.assumptions0) if label.shape else label
        return cls(label.name, label.shape, symbol, label.operation)

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

    @classmethod
    def of_function(cls, array: Array) -> Definition:
        """What an array made by `Array.function` is."""
        indices = array.indices()
        return cls(array, indices, Applied(array.label, *indices))

    def at(self, indices: Sequence[Expr]) -> Expr:
        """The defining expression of one element, free to stand inside any other expression."""
        return refreshed(self.expr, dict(zip(self.indices, indices, strict=True)))


@dataclass(frozen=True)
class Program:
    """Definitions in order, each of earlier ones.

    Attributes:
        inputs: the arrays the function depends on.
        constants: arrays with known values.
        definitions: the steps.
        outputs: the results, as definitions that nothing else refers to.
        region: where the formulas hold, when that is not everywhere: a program whose outputs are all 1 there.
        frozen: what was taken as it is at the point, in words.
    """

    inputs: tuple[Array, ...]
    constants: tuple[tuple[Array, np.ndarray], ...]
    definitions: tuple[Definition, ...]
    outputs: tuple[Definition, ...]
    region: Program | None = None
    frozen: tuple[str, ...] = ()

    def inlined(self, keep: Callable[[Definition], bool], limit: int) -> Program:
        """The same program with definitions substituted into their users.

        All of them, when that leaves the outputs readable; else those that are used once or are short, so that the
        size of a program never grows by substitution beyond a constant factor.

        Args:
            keep: which definitions to keep by name in any case.
            limit: all are substituted when the outputs stay below this many operations.
        """
        arrays = {definition.array.label: definition for definition in self.definitions}
        functions = [definition.array for definition in self.definitions if definition.array.operation]
        whole = {array.label for array in functions}.union(*(array.label.operands for array in functions))
        users = Counter[sp.Symbol]()
        for definition in (*self.definitions, *self.outputs):
            users += _references(definition.expr, arrays)
        everything = self._written_out({k: d for k, d in arrays.items() if k not in whole}) <= limit
        done: dict[sp.Symbol, Definition] = {}

        def expand(definition: Definition) -> Definition:
            short = {}
            for label in (free(definition.expr) & arrays.keys()) - whole:
                inner = done[label]
                brief = size(inner.expr) <= SHORT or (users[label] == 1 and size(inner.expr) <= limit)
                if not keep(inner) and (everything or brief):
                    short[label] = inner.at
            return replace(definition, expr=canonical(substitute(definition.expr, short)))

        for label, definition in arrays.items():
            done[label] = expand(definition)
        outputs = tuple(map(expand, self.outputs))
        needed = _reachable(outputs, done)
        return replace(self, definitions=tuple(d for label, d in done.items() if label in needed), outputs=outputs)

    def _written_out(self, arrays: Mapping[sp.Symbol, Definition]) -> int:
        """How many operations the outputs would take with everything substituted."""
        sizes: dict[sp.Symbol, int] = {}

        def written_out(e: Expr) -> int:
            return size(e) + sum(count * sizes[label] for label, count in _references(e, arrays).items())

        for label, definition in arrays.items():
            sizes[label] = written_out(definition.expr)
        return sum(written_out(output.expr) for output in self.outputs)


def functions_in(expressions: Iterable[Expr], defined: Container[sp.Symbol]) -> list[Definition]:
    """Definitions of the array functions that some expressions mention, operands first, without those defined yet."""
    found: dict[sp.Symbol, Definition] = {}

    def declare(labels: Iterable[sp.Basic]) -> None:
        for label in sorted((s for s in labels if isinstance(s, FunctionSymbol)), key=lambda symbol: symbol.name):
            if label not in defined and label not in found:
                declare(label.operands)
                found[label] = Definition.of_function(Array.labelled(label))

    for e in expressions:
        declare(free(e))
    return list(found.values())


def _references(e: Expr, arrays: Mapping[sp.Symbol, Definition]) -> Counter[sp.Symbol]:
    """How often an expression mentions each of some arrays."""
    found = Counter[sp.Symbol]()
    if free(e) & arrays.keys():
        if isinstance(e, sp.Symbol):
            found[e] += 1
        elif isinstance(e, Applied):
            found.update(e.label.operands & arrays.keys())
        for arg in e.indices if isinstance(e, Applied) else e.args:
            found += _references(arg, arrays)
    return found


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
            time_limits.ask()
            if isinstance(node, Applied):  # of whole arrays, which have names
                known[node] = node
            elif isinstance(node, sp.Indexed) and node.base.label in definitions:
                known[node] = definitions[node.base.label]([walk(i) for i in node.indices])
            elif isinstance(node, sp.Symbol):
                known[node] = definitions[node](())
            elif isinstance(node, IndexSum):
                bound, body = opened(node)
                known[node] = total(walk(body), bound)  # what comes in may have deltas to contract
            else:
                known[node] = node.func(*(walk(arg) for arg in node.args))
        return known[node]

    return walk(sp.sympify(e))
