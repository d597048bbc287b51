"""Linear algebra: functions of whole matrices, kept whole, so that formulas do not grow with the size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.expression import Delta, FunctionSymbol, Index, Within
from jaxdiff_magic.engines.symbolic.indices import total
from jaxdiff_magic.engines.symbolic.program import Array
from jaxdiff_magic.engines.symbolic.rules.view import Indices, ResultView, StructureRule, View


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
    if _is_cholesky(e) and e.indices[-2:] == order and not unit:
        return a  # it has no other triangle

    def at(i: Indices) -> sp.Basic:
        ahead: Expr = i[-2] - i[-1] if lower else i[-1] - i[-2]
        kept = Within(ahead, Integer(1 if unit else 0), Integer(a.shape[-1])) * a.at(i)
        return kept + Delta(i[-2], i[-1]) if unit else kept

    return View(a.shape, at, named=a.named)


def _is_cholesky(e: sp.Basic) -> bool:
    return (
        isinstance(e, sp.Indexed)
        and isinstance(e.base.label, FunctionSymbol)
        and e.base.label.operation[0] == "cholesky"
    )


def without_zeros(condition: sp.Basic, e: sp.Basic) -> bool:
    """Whether an element is 0 wherever a condition on its indices fails: the upper triangle of a Cholesky factor."""
    if not _is_cholesky(e) or not isinstance(condition, (sp.Ge, sp.Le)):
        return False
    ahead = sp.expand(condition.gts - condition.lts - (e.indices[-2] - e.indices[-1]))
    return isinstance(ahead, Integer) and ahead >= 0


LINEAR_ALGEBRA: Mapping[str, StructureRule] = {
    "inv": _inv,
    "solve": _solve,
    "det": _det,
    "slogdet": _slogdet,
    "cholesky": _cholesky,
    "eigh": _eigh,
    "triangular_solve": _triangular_solve,
}
"""Primitive, or function of JAX's library that is kept whole, to its rule."""
