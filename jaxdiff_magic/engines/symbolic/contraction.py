"""Index expressions turned into matrix expressions: products by way of their graph, functions elementwise."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp
from sympy import Expr

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.expression import Choice, Delta, Index, IndexSum, Truth, Within, free, opened
from jaxdiff_magic.engines.symbolic.functions import FORMULAS, LogAddExp
from jaxdiff_magic.engines.symbolic.graph import Graph
from jaxdiff_magic.engines.symbolic.indices import total
from jaxdiff_magic.engines.symbolic.matrix import (
    ONE,
    SCALAR,
    Apply,
    Diagonal,
    Element,
    Identity,
    Matrix,
    Named,
    Shape,
    Unit,
    Vec,
    Zero,
    number,
    order,
    shape,
    transposes,
)
from jaxdiff_magic.engines.symbolic.matrix_algebra import (
    add,
    diag,
    kronecker,
    ones,
    power,
    product,
    scaled,
    transpose,
)
from jaxdiff_magic.primitives.scalar import SCALARS

FUNCTIONS: Mapping[Callable[..., sp.Basic], str] = {
    **{FORMULAS[name]: known.notation for name, known in SCALARS.items() if known.notation},
    sp.Max: "max",
    sp.Min: "min",
    LogAddExp: "logaddexp",
    sp.StrictGreaterThan: ">",
    sp.GreaterThan: "≥",
    sp.StrictLessThan: "<",
    sp.LessThan: "≤",
    sp.Equality: "=",
    sp.Unequality: "≠",
}


class TooLong(OutOfReach):
    """What may be found if there is more time."""


Arrays = Callable[[sp.Symbol], Matrix]
"""What the label of an array stands for."""


def vanishing(index: Index | None) -> int | None:
    """The length of an axis; None where there is none."""
    return None if index is None else index.size


@dataclass
class Contraction:
    """Turns index expressions into matrix expressions.

    Attributes:
        arrays: what labels of arrays stand for.
        deadline: when to give up, in CPU time of this thread.
    """

    arrays: Arrays
    deadline: float
    known: dict[tuple[Expr, Index | None, Index | None], Matrix] = field(default_factory=dict)

    def of(self, e: Expr, row: Index | None, column: Index | None) -> Matrix:
        """An expression in two free indices as a matrix (in one, as a vector or its transpose; in none, a scalar).

        Raises:
            OutOfReach: when it is no matrix expression.
        """
        if time.thread_time() > self.deadline:
            raise TooLong("its matrix form takes too long to find")
        mentioned = free(e)
        p, q = (index if index in mentioned else None for index in (row, column))
        if (e, p, q) not in self.known:
            self.known[e, p, q] = self._oriented(e, p, q)
        return broadcast(self.known[e, p, q], (vanishing(row), vanishing(column)))

    def _oriented(self, e: Expr, p: Index | None, q: Index | None) -> Matrix:
        if p is None and q is not None:
            return transpose(self._of(e, q, None))
        if p is not None and q is not None and not isinstance(e, (sp.Mul, IndexSum, sp.Indexed, Delta)):
            ways = self._of(e, p, q), transpose(self._of(e, q, p))
            return min(ways, key=lambda m: (transposes(m), order(m)))
        return self._of(e, p, q)

    def block(self, e: Expr, rows: Sequence[Index], columns: Sequence[Index]) -> Matrix:
        """An expression in up to two indices for the rows and two for the columns.

        Two indices of one side count the entries of a matrix in row-major order, so that
        vec(A X B') = (A ⊗ B) vec(X): H. V. Henderson, S. R. Searle, "The vec-permutation matrix, the vec operator
        and Kronecker products", 1981, with the rows of a matrix instead of its columns.
        """
        if len(rows) <= 1 and len(columns) <= 1:
            return self.of(e, *(rows or [None]), *(columns or [None]))
        if not columns and len(rows) == 2:
            return self.of(e, rows[0], rows[1])
        if not 0 < len(rows) <= 2 or not 0 < len(columns) <= 2:
            raise OutOfReach("it has more axes than a matrix of matrices")
        whole = tuple(math.prod(i.size for i in side) for side in (rows, columns))
        terms = [part for term in sp.Add.make_args(e) for part in distributed(term, {*rows, *columns})]
        return add([Zero(whole), *(self._block_term(term, rows, columns) for term in terms)])  # type: ignore[arg-type]

    def _block_term(self, e: Expr, rows: Sequence[Index], columns: Sequence[Index]) -> Matrix:
        if e == 0:
            return number(e)
        graph = self.graph(e, {*rows, *columns})
        for first, second, kind in _pairings(rows, columns):
            if all(set(edge[:2]) <= set(first) or set(edge[:2]) <= set(second) for edge in graph.edges):
                left, right = graph.between(*first), graph.between(*second)
                if kind == "vec":
                    left, right = (Vec(m) if None not in shape(m) else m for m in (left, right))
                    found = product(left, transpose(right if shape(right)[1] is None else transpose(right)))
                else:
                    commuted = kind == "commuted"
                    found = kronecker(*(right, left) if commuted else (left, right), commuted)
                return scaled(ONE, graph.scalars, found)
        if len(rows) == len(columns) == 2 and (merged := graph.merged(dict(zip(columns, rows, strict=True)))):
            return scaled(ONE, graph.scalars, diag(Vec(merged.between(*rows))))
        raise OutOfReach("its entries do not separate into a Kronecker product")

    def _of(self, e: Expr, p: Index | None, q: Index | None) -> Matrix:
        match e:
            case sp.Indexed() | Delta() | sp.Mul() | IndexSum():
                outer = {index for index in (p, q) if index is not None}
                terms = distributed(e, outer)
                if len(terms) > 1:
                    return add([self.of(term, p, q) for term in terms])
                graph = self.graph(e, outer)
                return scaled(ONE, graph.scalars, graph.between(p, q))
            case _ if e.is_number and e.is_finite and e.is_real:
                return number(e)
            case sp.Symbol() if not isinstance(e, Index):
                return self.arrays(e)
            case sp.Add():
                return add([self.of(term, p, q) for term in e.args])
            case sp.Pow() if isinstance(e.exp, sp.Rational):
                return power(self.of(e.base, p, q), e.exp)
            case sp.Pow():
                return self._applied("power", e.args, p, q)
            case sp.Heaviside():
                return self._applied(">", (e.args[0], sp.Integer(0)), p, q)
            case Truth() if isinstance(e.args[0], sp.core.relational.Relational):
                return self._of(e.args[0], p, q)
            case Choice() if isinstance(e.args[0], sp.core.relational.Relational):
                return self._applied("where", e.args, p, q)
            case LogAddExp(args=(x, sp.core.numbers.Zero())):
                return self._applied("softplus", (x,), p, q)
            case _ if e.func in FUNCTIONS and not isinstance(e.args[0], Index):
                return self._applied(FUNCTIONS[e.func], e.args, p, q)
            case _:
                raise OutOfReach(f"{e.func.__name__} has no matrix notation")

    def _applied(self, function: str, arguments: Sequence[Expr], p: Index | None, q: Index | None) -> Matrix:
        found = []
        for argument in arguments:
            own = free(argument)
            partial = any(index is not None and index in own for index in (p, q))
            found.append(self.of(argument, *((p, q) if partial else (None, None))))
        return Apply(function, tuple(found))

    def graph(self, e: Expr, outer: set[Index]) -> Graph:
        """A product as a graph on its free indices, all sums carried out."""
        factors, bound = _flattened(e)
        everything = outer | set(bound)
        graph = Graph()
        for factor in factors:
            on = sorted(free(factor) & everything, key=lambda index: (index.name, index.dummy_index))
            match on:
                case []:
                    graph.scalars.append(self._scalar(factor))
                case [single]:
                    graph.weights.setdefault(single, []).append(self._weight(factor, single))
                case [p, q]:
                    graph.edges.append((p, q, self._edge(factor, p, q)))
                case _:
                    raise OutOfReach("a factor depends on more than two indices")
        graph.eliminate(set(bound))
        return graph

    def _scalar(self, factor: Expr) -> Matrix:
        if isinstance(factor, sp.Indexed):
            return element(self.arrays(factor.base.label), factor.indices)
        if isinstance(factor, (Delta, Within)):
            raise OutOfReach("a condition on positions has no matrix notation")
        return self.of(factor, None, None)

    def _weight(self, factor: Expr, node: Index) -> Matrix:
        match factor:
            case Delta() if isinstance(factor.args[1], sp.Integer) and factor.args[0] == node:
                return Unit(node.size, int(factor.args[1]))
            case sp.Indexed():
                array = self.arrays(factor.base.label)
                if factor.indices == (node,):
                    return array
                if factor.indices == (node, node):
                    return Diagonal(array)
                return self._slice(array, factor.indices, node)
            case Delta():
                raise OutOfReach("a condition on positions has no matrix notation")
            case _:
                return self.of(factor, node, None)

    def _edge(self, factor: Expr, p: Index, q: Index) -> Matrix:
        match factor:
            case sp.Indexed() if set(factor.indices) == {p, q} and len(factor.indices) == 2:
                array = self.arrays(factor.base.label)
                return array if factor.indices == (p, q) else transpose(array)
            case Delta() if set(factor.args) == {p, q} and p.size == q.size:
                return Identity(p.size)
            case sp.Indexed() | Delta():
                raise OutOfReach("elements are taken at shifted positions, which matrix notation does not show")
            case _:
                return self.of(factor, p, q)

    def _slice(self, array: Matrix, indices: Sequence[Expr], node: Index) -> Matrix:
        """A row or a column of a matrix, as a product with a unit vector."""
        whole = shape(array)
        if len(indices) == 2 and isinstance(indices[1], sp.Integer) and indices[0] == node and whole[1]:
            return product(array, Unit(whole[1], int(indices[1])))
        if len(indices) == 2 and isinstance(indices[0], sp.Integer) and indices[1] == node and whole[0]:
            return product(transpose(array), Unit(whole[0], int(indices[0])))
        raise OutOfReach("elements are taken at shifted positions, which matrix notation does not show")


def _pairings(
    rows: Sequence[Index], columns: Sequence[Index]
) -> Iterator[tuple[tuple[Index | None, Index | None], tuple[Index | None, Index | None], str]]:
    """The ways to see a block as a product of two matrices in pairs of its indices."""
    tops = [(*rows,)] if len(rows) == 2 else [(rows[0], None), (None, rows[0])]
    sides = [(*columns,)] if len(columns) == 2 else [(columns[0], None), (None, columns[0])]
    for (k, l), (m, n) in itertools.product(tops, sides):  # noqa: E741
        yield (k, m), (l, n), "direct"
    if len(rows) == len(columns) == 2:
        (k, l), (m, n) = rows, columns  # noqa: E741
        yield (k, n), (l, m), "commuted"
    yield (rows[0], rows[1] if len(rows) == 2 else None), (columns[0], columns[1] if len(columns) == 2 else None), "vec"


def distributed(e: Expr, outer: set[Index]) -> list[Expr]:
    """The terms of a product in which a sum depends on more than two indices; else the product alone."""
    factors, bound = _flattened(e)
    everything = outer | set(bound)
    for place, factor in enumerate(factors):
        if isinstance(factor, sp.Add) and len(free(factor) & everything) > 2:
            others = factors[:place] + factors[place + 1 :]
            terms = (total(sp.Mul(term, *others), bound) for term in factor.args)
            return [part for term in terms for part in distributed(term, outer)]
    return [e]


def element(array: Matrix, indices: Sequence[Expr]) -> Matrix:
    """One element of an array."""
    if isinstance(array, Named) and all(isinstance(index, sp.Integer) for index in indices):
        return Element(array, tuple(map(int, indices)))
    raise OutOfReach("elements are taken at positions that are no indices")


def broadcast(m: Matrix, whole: Shape) -> Matrix:
    """A scalar or a vector repeated along the axes that it lacks."""
    own = shape(m)
    if own == whole:
        return m
    if own == SCALAR:
        return scaled(1, [m], ones(whole))
    if own[0] is None:
        return product(ones((whole[0], None)), m)
    return product(m, transpose(ones((whole[1], None))))


def _flattened(e: Expr) -> tuple[list[Expr], list[Index]]:
    """The factors of a product, with sums among them opened, and the indices that are summed."""
    factors: list[Expr] = []
    bound: list[Index] = []
    pending: list[Expr] = [e]
    while pending:
        match pending.pop():
            case sp.Mul() as factor:
                pending += factor.args
            case IndexSum() as factor:
                fresh, body = opened(factor)
                bound += fresh
                pending.append(body)
            case factor:
                factors.append(factor)
    return factors, bound
