"""Differential rules of functions of whole arrays, in index form.

Sources: M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation",
2008 (inverse, determinant, eigenvalues); I. Murray, "Differentiation of the Cholesky decomposition", 2016.
Matrices may come in batches: leading axes, which must be the same for a derivative not to vanish.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.expression import Applied, Choice, Delta, Index, Within
from jaxdiff_magic.engines.symbolic.indices import total
from jaxdiff_magic.engines.symbolic.program import Array

Indices = tuple[Expr, ...]
Rule = Callable[[Array, Indices, Indices, Expr, Expr], Expr]
"""Of the operand, the indices of the batch, those of the result's element, and row and column of the operand's."""

POSITIONS = frozenset(
    "argmax argmin argsort argsort_descending argcummax argcummin sign_det lu_pivots lu_permutation".split()
)
"""Functions whose values jump: their derivative is 0 wherever they have one."""


def partial(e: Applied, array: Array, element: Sequence[Expr]) -> Expr:
    """The derivative of an element of an array function with respect to an element of an operand.

    Raises:
        OutOfReach: the function has no rule.
    """
    name, operands = e.label.operation
    if name in POSITIONS:
        return Integer(0)
    if name not in RULES:
        raise OutOfReach(f"no derivative is known for {name}")
    (operand,) = operands
    *others, row, column = element
    batch, own = e.indices[: len(others)], e.indices[len(others) :]
    same = sp.Mul(*(Delta(a, b) for a, b in zip(batch, others, strict=True)))
    return same * RULES[name](operand, tuple(batch), tuple(own), row, column)


def _inverse_of(a: Array) -> Array:
    return Array.function("inv", a.shape, a)


def _inv(a: Array, batch: Indices, own: Indices, row: Expr, column: Expr) -> Expr:
    """d(A⁻¹) = -A⁻¹ dA A⁻¹."""
    y, (i, j) = _inverse_of(a), own
    return -y.at((*batch, i, row)) * y.at((*batch, column, j))


def _det(a: Array, batch: Indices, own: Indices, row: Expr, column: Expr) -> Expr:
    """d det A = det(A) tr(A⁻¹ dA)."""
    return Array.function("det", a.shape[:-2], a).at(batch) * _inverse_of(a).at((*batch, column, row))


def _logdet(a: Array, batch: Indices, own: Indices, row: Expr, column: Expr) -> Expr:
    """d log|det A| = tr(A⁻¹ dA)."""
    return _inverse_of(a).at((*batch, column, row))


def _cholesky(a: Array, batch: Indices, own: Indices, row: Expr, column: Expr) -> Expr:
    """dL = L Φ(L⁻¹ dA L⁻ᵀ), where Φ keeps the lower triangle and half the diagonal."""
    factor, (i, j) = Array.function("cholesky", a.shape, a), own
    y, p = _inverse_of(factor), Index(a.shape[-1], "p")
    half = Within(p - j, Integer(1), Integer(a.shape[-1])) + Delta(p, j) / 2
    inner = factor.at((*batch, i, p)) * half * y.at((*batch, p, row)) * y.at((*batch, j, column))
    return total(inner, [p])


def _eigvalsh(a: Array, batch: Indices, own: Indices, row: Expr, column: Expr) -> Expr:
    """dλ = diag(Vᵀ dA V)."""
    v = Array.function("eigenvectors", a.shape, a)
    return v.at((*batch, row, *own)) * v.at((*batch, column, *own))


def _eigenvectors(a: Array, batch: Indices, own: Indices, row: Expr, column: Expr) -> Expr:
    """dV = V (F ∘ Vᵀ dA V), where F[p, j] = 1 / (λ[j] - λ[p]) off the diagonal, for distinct eigenvalues."""
    v, values = Array.function("eigenvectors", a.shape, a), Array.function("eigvalsh", a.shape[:-1], a)
    (i, j), p = own, Index(a.shape[-1], "p")
    gap = values.at((*batch, j)) - values.at((*batch, p))
    spread = Choice(sp.Eq(p, j), Integer(0), 1 / gap)
    return total(spread * v.at((*batch, i, p)) * v.at((*batch, row, p)) * v.at((*batch, column, j)), [p])


def _factorised(a: Array, batch: Indices, row: Expr, column: Expr) -> tuple[Array, Array, Callable[[Expr, Expr], Expr]]:
    """The factors of P A = L U, and L⁻¹ P dA U⁻¹ by its row and column."""
    low, up = (Array.function(name, a.shape, a) for name in ("lu_lower", "lu_upper"))
    order = Array.function("lu_permutation", a.shape[:-1], a, below=max(a.shape[-1], 1))
    place = Array.function("argsort", a.shape[:-1], order, below=max(a.shape[-1], 1))
    before, after = _inverse_of(low), _inverse_of(up)

    def inner(p: Expr, q: Expr) -> Expr:
        return before.at((*batch, p, place.at((*batch, row)))) * after.at((*batch, column, q))

    return low, up, inner


def _lu_lower(a: Array, batch: Indices, own: Indices, row: Expr, column: Expr) -> Expr:
    """dL = L tril(L⁻¹ P dA U⁻¹), without the diagonal."""
    (i, j), p = own, Index(a.shape[-1], "p")
    low, _, inner = _factorised(a, batch, row, column)
    return total(low.at((*batch, i, p)) * Within(p - j, Integer(1), Integer(a.shape[-1])) * inner(p, j), [p])


def _lu_upper(a: Array, batch: Indices, own: Indices, row: Expr, column: Expr) -> Expr:
    """dU = triu(L⁻¹ P dA U⁻¹) U."""
    (i, j), p = own, Index(a.shape[-1], "p")
    _, up, inner = _factorised(a, batch, row, column)
    return total(inner(i, p) * Within(p - i, Integer(0), Integer(a.shape[-1])) * up.at((*batch, p, j)), [p])


def _lu(a: Array, batch: Indices, own: Indices, row: Expr, column: Expr) -> Expr:
    """U, and L below its diagonal."""
    (i, j), n = own, Integer(a.shape[-1])
    below, above = Within(i - j, Integer(1), n), Within(j - i, Integer(0), n)
    return below * _lu_lower(a, batch, own, row, column) + above * _lu_upper(a, batch, own, row, column)


RULES: Mapping[str, Rule] = {
    "inv": _inv,
    "det": _det,
    "logdet": _logdet,
    "cholesky": _cholesky,
    "eigvalsh": _eigvalsh,
    "eigenvectors": _eigenvectors,
    "lu": _lu,
    "lu_lower": _lu_lower,
    "lu_upper": _lu_upper,
}
"""Function of one matrix to its differential rule."""
