"""Linear algebra: functions of whole matrices, kept whole, so that formulas do not grow with the size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.expression import Delta, FunctionSymbol, Index, Within
from jaxdiff_magic.engines.symbolic.indices import total
from jaxdiff_magic.engines.symbolic.program import Array
from jaxdiff_magic.engines.symbolic.rules.view import Indices, ResultView, StructureRule, View

FACTORS = {True: "lu_lower", False: "lu_upper"}
"""The function of a matrix that is its lower, or its upper, factor where rows are exchanged as LAPACK does."""


def _transposed(x: View) -> View:
    *batch, rows, columns = x.shape
    return View((*batch, columns, rows), lambda i: x.at((*i[:-2], i[-1], i[-2])), named=x.named)


def inverse(x: View) -> View:
    """The inverse of a matrix, or of each of a batch; that of a transposed array is the transposed inverse."""
    indices = tuple(Index(length) for length in x.shape)
    e = x.at(indices)
    if isinstance(e, sp.Indexed) and e.indices == (*indices[:-2], indices[-1], indices[-2]) != indices:
        return _transposed(View(x.shape, Array.function("inv", x.shape, _transposed(x).whole()).at, named=x.named))
    return View(x.shape, Array.function("inv", x.shape, x.whole()).at, named=x.named)


def product(a: View, b: View) -> View:
    """Matrix times matrix, or batches of them alike."""

    def at(i: Indices) -> sp.Basic:
        k = Index(a.shape[-1], "k")
        return total(a.at((*i[:-1], k)) * b.at((*i[:-2], k, i[-1])), [k])

    return View((*a.shape[:-1], b.shape[-1]), at)


def _inv(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    return [inverse(inputs[0])]


def _solve(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    a, b = inputs
    if len(b.shape) == 1 and len(a.shape) == 2:
        column = product(inverse(a), View((*b.shape, 1), lambda i: b.at(i[:-1])))
        return [View(b.shape, lambda i: column.at((*i, Integer(0))))]
    if a.shape[:-2] != b.shape[:-2]:
        raise OutOfReach("a batch of solves with shapes to be matched has no formula yet")
    return [product(inverse(a), b)]


def _det(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    a = inputs[0].whole()
    return [View(results[0].shape, Array.function("det", a.shape[:-2], a).at)]


def _slogdet(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    a = inputs[0].whole()
    return [View(a.shape[:-2], Array.function(name, a.shape[:-2], a).at) for name in ("sign_det", "logdet")]


def _cholesky(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    a = inputs[0].whole()
    return [View(a.shape, Array.function("cholesky", a.shape, a).at)]


def _eigh(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    if params.get("subset_by_index") is not None:
        raise OutOfReach("a part of the eigenvalues has no formula yet")
    a = inputs[0].whole()
    vectors, values = Array.function("eigenvectors", a.shape, a), Array.function("eigvalsh", a.shape[:-1], a)
    return [View(a.shape, vectors.at), View(a.shape[:-1], values.at)]


def _lu(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    """Both factors in one array, where rows were exchanged, and the order of rows that this makes."""
    a = inputs[0].whole()
    if a.shape[-1] != a.shape[-2]:
        raise OutOfReach("lu of a matrix that is not square has no formula yet")
    rows = a.shape[:-1]
    packed = Array.function("lu", a.shape, a)
    found = [Array.function(name, rows, a, below=max(rows[-1], 1)) for name in ("lu_pivots", "lu_permutation")]
    return [View(array.shape, array.at) for array in (packed, *found)]


def _pivots_to_permutation(
    inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]
) -> list[View]:
    """The order of rows of the same factorisation."""
    pivots = inputs[0].whole()
    if pivots.operation is None or pivots.operation[0] != "lu_pivots" or pivots.shape != results[0].shape:
        raise OutOfReach("an order of rows from pivots of no lu has no formula")
    (a,) = pivots.operation[1]
    return [View(pivots.shape, Array.function("lu_permutation", pivots.shape, a, below=max(pivots.shape[-1], 1)).at)]


def _tridiagonal_solve(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    """The inverse, times b, of the matrix whose row i holds the i-th elements of its three bands."""
    *bands, b = inputs

    def at(i: Indices) -> sp.Basic:
        return sp.Add(
            *(Delta(i[-1], i[-2] + offset) * band.at(i[:-1]) for offset, band in zip((-1, 0, 1), bands, strict=True))
        )

    matrix = View((*b.shape[:-1], b.shape[-2]), at, named=b.named)
    return [product(inverse(matrix), b)]


def _triangular_solve(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    """The x with op(A) x = b or x op(A) = b, where only one triangle of A is read."""
    a, b = inputs
    if params["conjugate_a"]:
        raise OutOfReach("a conjugated triangular solve has no formula yet")
    found = inverse(_triangle(a, params["lower"], params["unit_diagonal"]))
    if params["transpose_a"]:
        found = _transposed(found)
    return [product(found, b) if params["left_side"] else product(b, found)]


def _triangle(a: View, lower: bool, unit: bool) -> View:
    indices = tuple(Index(length) for length in a.shape)
    e = a.at(indices)
    order = indices[-2:] if lower else indices[:-3:-1]
    if _is_function(e, "cholesky") and e.indices[-2:] == order and not unit:
        return a  # it has no other triangle
    if _is_function(e, "lu") and e.indices == indices and lower == unit:
        return View(a.shape, _factor(e, lower).at, named=a.named)

    def at(i: Indices) -> sp.Basic:
        ahead: Expr = i[-2] - i[-1] if lower else i[-1] - i[-2]
        kept = Within(ahead, Integer(1 if unit else 0), Integer(a.shape[-1])) * a.at(i)
        return kept + Delta(i[-2], i[-1]) if unit else kept

    return View(a.shape, at, named=a.named)


def _is_function(e: sp.Basic, name: str) -> TypeGuard[sp.Indexed]:
    return isinstance(e, sp.Indexed) and isinstance(e.base.label, FunctionSymbol) and e.base.label.operation[0] == name


def _factor(packed: sp.Indexed, lower: bool) -> Array:
    label = packed.base.label
    return Array.function(FACTORS[lower], label.shape, *label.operation[1])


def kept(condition: sp.Basic, e: sp.Basic) -> Expr | None:
    """An element with 0 where a condition on its indices fails, if it needs none to say so: one of a triangle."""
    if not isinstance(condition, (sp.Ge, sp.Le, sp.Gt, sp.Lt)):
        return None
    ahead = condition.gts - condition.lts - (0 if isinstance(condition, (sp.Ge, sp.Le)) else 1)  # of integers
    if _is_function(e, "cholesky"):
        spare = sp.expand(ahead - (e.indices[-2] - e.indices[-1]))
        return e if isinstance(spare, Integer) and spare >= 0 else None
    if _is_function(e, "lu"):
        *_, row, column = e.indices
        if sp.expand(ahead - (row - column)) == -1:
            return _factor(e, True).at(e.indices) - Delta(row, column)
        if sp.expand(ahead - (column - row)) == 0:
            return _factor(e, False).at(e.indices)
    return None


LINEAR_ALGEBRA: Mapping[str, StructureRule] = {
    "inv": _inv,
    "solve": _solve,
    "det": _det,
    "slogdet": _slogdet,
    "cholesky": _cholesky,
    "eigh": _eigh,
    "triangular_solve": _triangular_solve,
    "tridiagonal_solve": _tridiagonal_solve,
    "lu": _lu,
    "lu_pivots_to_permutation": _pivots_to_permutation,
}
"""Primitive, or function of JAX's library that is kept whole, to its rule."""
