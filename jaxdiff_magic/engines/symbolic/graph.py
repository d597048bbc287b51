"""A product of arrays as a graph: indices are nodes, matrices edges, vectors weights on nodes.

A summed node without edges is an inner product, with one edge a matrix-vector product, with two a matrix product; a
closed loop is a trace. What is left between two free nodes is a matrix, an outer product, or a diagonal. The method
is that of S. Laue, M. Mitterreiter, J. Giesen, "A Simple and Efficient Tensor Calculus", AAAI 2020, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.expression import Index
from jaxdiff_magic.engines.symbolic.matrix import (
    SCALAR,
    Diagonal,
    Hadamard,
    Identity,
    Matrix,
    Power,
    Product,
    number,
    shape,
)
from jaxdiff_magic.engines.symbolic.matrix_algebra import (
    diag,
    hadamard,
    ones,
    product,
    scaled,
    trace,
    transpose,
    unscaled,
)


@dataclass
class Graph:
    """A product of scalars, vectors and matrices, by the indices that they share."""

    scalars: list[Matrix] = field(default_factory=list)
    weights: dict[Index, list[Matrix]] = field(default_factory=dict)
    edges: list[tuple[Index, Index, Matrix]] = field(default_factory=list)

    def neighbours(self, node: Index) -> dict[Index, list[Matrix]]:
        """The edges at a node, each as a matrix with that node's index first, by their other ends."""
        found: dict[Index, list[Matrix]] = {}
        for a, b, m in self.edges:
            if node in (a, b):
                found.setdefault(b if node == a else a, []).append(m if node == a else transpose(m))
        return found

    def without(self, node: Index) -> list[tuple[Index, Index, Matrix]]:
        return [edge for edge in self.edges if node not in edge[:2]]

    def weight(self, node: Index) -> Matrix:
        return hadamard(self.weights.get(node) or [ones((node.size, None))])

    def eliminate(self, summed: set[Index]) -> None:
        """Sum over nodes, the least connected first."""
        remaining = set(summed)
        while remaining:
            node = min(remaining, key=lambda n: (len(self.neighbours(n)), n.name, n.dummy_index))
            remaining.discard(node)
            around = self.neighbours(node)
            if not around:
                self.scalars.append(inner(self.weights.pop(node, []), node.size))
            elif len(around) == 1:
                ((other, edges),) = around.items()
                if other in remaining and len(self.neighbours(other)) == 1 and not self._weighted(node, other):
                    remaining.discard(other)
                    self.scalars.append(_loop(edges))
                else:
                    vector = product(transpose(hadamard(edges)), self.weight(node))
                    self.weights.setdefault(other, []).append(vector)
                self.edges = self.without(node)
                self.weights.pop(node, None)
            elif len(around) == 2:
                (p, first), (q, second) = sorted(around.items(), key=lambda item: (item[0].name, item[0].dummy_index))
                middle = [diag(self.weight(node))] if self.weights.get(node) else []
                edge = product(transpose(hadamard(first)), *middle, hadamard(second))
                self.edges = [*self.without(node), (p, q, edge)]
                self.weights.pop(node, None)
            else:
                raise OutOfReach("an index links three matrices, which no matrix product does")

    def _weighted(self, *nodes: Index) -> bool:
        return any(self.weights.get(node) for node in nodes)

    def between(self, p: Index | None, q: Index | None) -> Matrix:
        """What two free nodes carry, as a matrix with rows `p` and columns `q`; None is no node."""
        if p is None or q is None:
            return ones(SCALAR) if p is q else self.weight(p) if p else transpose(self.weight(q))  # type: ignore[arg-type]
        edges = self.neighbours(p).get(q, [])
        others = [m for m in edges if not isinstance(m, Identity)]
        if len(others) < len(edges):  # a delta
            return diag(hadamard([self.weight(p), self.weight(q), *map(Diagonal, others)]))
        if others:
            left, right = ([diag(self.weight(node))] if self.weights.get(node) else [] for node in (p, q))
            return product(*left, hadamard(others), *right)
        return product(self.weight(p), transpose(self.weight(q)))

    def merged(self, same: Mapping[Index, Index]) -> Graph | None:
        """The graph with pairs of nodes made one, where each pair is joined by a delta; None where one is not."""
        deltas = [edge for edge in self.edges if isinstance(edge[2], Identity)]
        if {frozenset(edge[:2]) for edge in deltas} != {frozenset(pair) for pair in same.items()}:
            return None
        weights: dict[Index, list[Matrix]] = {}
        for node, carried in self.weights.items():
            weights.setdefault(same.get(node, node), []).extend(carried)
        edges = [(same.get(p, p), same.get(q, q), m) for p, q, m in self.edges if (p, q, m) not in deltas]
        return Graph(self.scalars, weights, edges)


def inner(weights: Sequence[Matrix], size: int) -> Matrix:
    """The sum over one index of a product of vectors: a'b, a'Xb, x'diag(w)x, or 1'a."""
    if not weights:
        return number(sp.Integer(size))
    coefficient, scalars, body = unscaled(hadamard(weights))
    assert body is not None
    parts = [*body.factors] if isinstance(body, Hadamard) else [body]
    squares = [part for part in parts if isinstance(part, Power) and part.exponent == 2]
    if squares:
        base = squares[0].base
        parts.remove(squares[0])
        found = product(transpose(base), *(diag(hadamard(o)) for o in [parts] if o), base)
    elif len(parts) == 1:
        found = product(transpose(ones((size, None))), parts[0])
    else:
        last = next((part for part in reversed(parts) if isinstance(part, Product)), parts[-1])
        parts.remove(last)
        found = product(transpose(hadamard(parts)), last)
    return scaled(coefficient, scalars, found)


def _loop(edges: Sequence[Matrix]) -> Matrix:
    """The sum of the elementwise product of matrices of one shape, as a trace."""
    if len(edges) == 1 and isinstance(edges[0], Power) and edges[0].exponent == 2:
        base = edges[0].base
        return trace(product(transpose(base), base))
    if len(edges) == 1:
        rows, columns = shape(edges[0])
        return product(transpose(ones((rows, None))), edges[0], ones((columns, None)))
    return trace(product(hadamard(edges[:-1]), transpose(edges[-1])))
