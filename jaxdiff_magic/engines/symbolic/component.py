"""Component form: one element of a derivative, written out in the elements of the inputs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic import time_limits
from jaxdiff_magic.engines.symbolic.expression import (
    SELECTORS,
    Choice,
    FunctionSymbol,
    IndexSum,
    contains,
    free,
    rename,
    size,
)
from jaxdiff_magic.engines.symbolic.functions import Frozen
from jaxdiff_magic.engines.symbolic.program import Array, Definition, Program, substitute

MAX_SUM_TERMS = 400
"""A sum is written out while it has no more terms than this. A choice of time."""
MAX_GROWTH = 8
"""Nothing is written out that would have so many times the operations that are wanted. A choice: what is so much longer
is hardly what a reader wants."""
COFACTORS = ("det", "logdet", "inv")
MOST_ROWS = 3
"""Matrix functions are spelled out in elements up to this size. A choice: the determinant of four rows has 24 terms."""
MAX_REWRITTEN = 30
"""Longer expressions are shown as they are. A choice of time: SymPy's simplifications grow steeply with the size."""


def component(program: Program, definition: Definition, element: Sequence[int], limit: int) -> Expr:
    """One element of a definition in terms of input and constant elements alone.

    Raises:
        OutOfReach: when it takes more than `limit` operations to write.
    """
    steps = {step.array.label: step.at for step in program.definitions if not step.array.operation}
    e = spelled_out(written_out(definition.at([Integer(i) for i in element]), limit))
    while free(e) & steps.keys():
        e = spelled_out(written_out(substitute(e, steps), limit))
    if any(isinstance(s, FunctionSymbol) and not s.roots.isdisjoint(steps) for s in free(e)):
        raise OutOfReach("its components are elements of a function of an intermediate array")
    return written_out(e, limit)


def spelled_out(e: Expr) -> Expr:
    """Determinants and inverses of matrices with at most three rows, in the elements of those matrices."""
    elements = {node: (node.base.label, node.indices) for node in e.atoms(sp.Indexed)}
    elements |= {symbol: (symbol, ()) for symbol in e.atoms(FunctionSymbol) if symbol.operation[0] != "inv"}
    spelled = {
        node: by_cofactors(*label.operation, indices)
        for node, (label, indices) in elements.items()
        if isinstance(label, FunctionSymbol) and label.operation[0] in COFACTORS
    }
    return e.xreplace({node: found for node, found in spelled.items() if found is not None})


def by_cofactors(name: str, operands: Sequence[Array], indices: Sequence[Expr]) -> Expr | None:
    """An element of a determinant or inverse by Cramer's rule; None for larger matrices, and of an unknown place."""
    (a,) = operands
    batch, n = indices[: len(a.shape) - 2], a.shape[-1]
    place = indices[len(batch) :]
    if n > MOST_ROWS or not all(index.is_Integer for index in place):
        return None
    matrix = sp.Matrix(n, n, lambda i, j: a.at((*batch, Integer(i), Integer(j))))
    determinant = matrix.det(method="berkowitz").expand()
    if name == "inv":
        row, column = place
        return matrix.adjugate()[int(row), int(column)].expand() / determinant
    return determinant if name == "det" else sp.log(sp.Abs(determinant))


def written_out(e: Expr, limit: int) -> Expr:
    """An expression with its sums expanded term by term."""
    if _terms(e) > MAX_GROWTH * limit:  # most of them may vanish, but that would take too long to see
        raise OutOfReach("its components are too long to write out")
    known: dict[sp.Basic, sp.Basic] = {}

    def walk(node: sp.Basic) -> sp.Basic:
        if not contains(node, (IndexSum,)):
            return node
        if node not in known:
            time_limits.ask()
            if isinstance(node, IndexSum):
                if (count := math.prod(i.size for i in node.indices)) > MAX_SUM_TERMS:
                    raise OutOfReach(f"a sum of {count} terms is too long to write out")
                ranges = itertools.product(*(range(i.size) for i in node.indices))
                terms = (rename(node.body, dict(zip(node.indices, map(Integer, at), strict=True))) for at in ranges)
                known[node] = sp.Add(*map(walk, terms))
            else:
                known[node] = node.func(*map(walk, node.args))
        return known[node]

    found = walk(e)
    if size(found) > limit:
        raise OutOfReach("its components are too long to write out")
    return found


def _terms(e: sp.Basic) -> int:
    """How many operations an expression has once its sums are written out term by term."""
    inner = sum(map(_terms, e.args)) if contains(e, (IndexSum,)) else size(e)
    return math.prod(i.size for i in e.indices) * (inner + 1) if isinstance(e, IndexSum) else inner


def tidy(e: Expr) -> Expr:
    """The shortest of a few equal ways to write an expression."""
    return min(_rewritings(e), key=size)


def _rewritings(e: Expr) -> Iterator[Expr]:
    yield e
    if not 1 < size(e) <= MAX_REWRITTEN:
        return
    expanded = sp.expand(e)
    yield expanded
    if contains(e, (Choice, sp.Heaviside, Frozen, *SELECTORS)):
        yield sp.factor_terms(expanded)
    elif expanded.is_polynomial():  # people expand them, unless that is much longer: 10*(x - 1)**9
        if 2 * size(factored := time_limits.at_most(lambda: sp.factor(expanded), expanded)) <= size(expanded):
            yield factored
    else:
        yield sp.factor_terms(sp.powsimp(sp.together(e)))
