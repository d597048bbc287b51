"""Factorisations and spectra of matrices: values by LAPACK, derivatives by their differentials.

Sources: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"
(2008); I. Murray, "Differentiation of the Cholesky decomposition" (2016).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference import precise_functions
from jaxdiff_magic.engines.reference.bounded import (
    EPS,
    Bounded,
    Number,
    base,
    call,
    dual,
    each,
    level,
    move,
    multiply,
    plus,
    split,
    weigh,
)
from jaxdiff_magic.engines.reference.precise import is_precise, nearest
from jaxdiff_magic.engines.reference.rules.linear_algebra import (
    batched,
    halved,
    identity,
    inverse,
    inverse_pull,
    lower,
    matrix_function,
    mm,
    product,
    t,
    triangular_solve,
    upper,
)
from jaxdiff_magic.engines.reference.rules.movement import cut
from jaxdiff_magic.engines.reference.run import Node, Result, Rule, RuleStep, Run

VECTORS_ALONE = (False, True)
"""Of the results of eigh the vectors are looked at and the values are not."""


def cholesky(x: Number) -> Number:
    """The lower factor of a symmetric matrix."""
    if k := level(x):
        a, da = split(x, k)
        y = cholesky(a)
        if da is None:
            return y
        z = inverse(y)
        return dual(k, y, mm(y, halved(mm(z, da, t(z)))))
    b = base(x)
    if is_precise(b.data):
        return Bounded(batched(precise_functions.cholesky, b.data))
    y = batched(np.linalg.cholesky, b.data)
    z = np.abs(batched(np.linalg.inv, y))
    n = b.data.shape[-1]
    spread = 4 * n * EPS * np.abs(b.data) + (0.0 if b.error is None else b.error)
    return Bounded(y, np.abs(y) @ (z @ spread @ np.swapaxes(z, -1, -2)))


def _packed_lu(a: np.ndarray) -> np.ndarray:
    """L and U of a matrix whose rows are in pivot order already, L's unit diagonal left out."""
    lu = a.copy()
    for k in range(len(lu) - 1):
        lu[k + 1 :, k] /= lu[k, k]
        lu[k + 1 :, k + 1 :] -= np.outer(lu[k + 1 :, k], lu[k, k + 1 :])
    return lu


def factors(x: Number) -> Number:
    """L and U in one square matrix."""
    if k := level(x):
        a, da = split(x, k)
        y = factors(a)
        if da is None:
            return y
        low, up = lower(y, -1) + identity(y), upper(y)
        inner = mm(inverse(low), da, inverse(up))
        return dual(k, y, mm(low, lower(inner, -1)) + mm(upper(inner), up))
    b = base(x)
    y = batched(_packed_lu, b.data)
    if is_precise(y):
        return Bounded(y)
    n = b.data.shape[-1]
    low, up = np.abs(np.tril(y, -1)) + np.eye(n), np.abs(np.triu(y))
    spread = 4 * n * EPS * (low @ up) + (0.0 if b.error is None else b.error)
    inner = (
        np.abs(batched(np.linalg.inv, np.tril(y, -1) + np.eye(n))) @ spread @ np.abs(batched(np.linalg.inv, np.triu(y)))
    )
    return Bounded(y, low @ np.tril(inner, -1) + np.triu(inner) @ up)


def _cholesky_pull(y: Number, g: Number) -> Number:
    z = inverse(y)
    return mm(t(z), halved(mm(t(y), g)), z)


def _cholesky(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    return matrix_function(cholesky, _cholesky_pull)(run, _one_triangle(run, xs[0], True), step)


def _one_triangle(run: Run, x: Node, is_lower: bool) -> list[Node]:
    """The symmetric matrix that LAPACK takes its operand for: it reads one triangle alone.

    JAX's rules let both triangles vary together; that is the same where the operand is symmetric at every point.
    """
    if np.iscomplexobj(x.array):
        raise OutOfReach("complex matrices have no rule yet")
    read = lower if is_lower else upper
    beside = -1 if is_lower else 1
    value = read(x.value) + t(read(x.value, beside))
    pull = lambda g: [None if g[0] is None else read(g[0]) + read(t(g[0]), beside)]  # noqa: E731
    return run.record([x], [value], [x.shape], pull)


def _lu_pull(y: Number, g: Number) -> Number:
    low, up = lower(y, -1) + identity(y), upper(y)
    inner = lower(mm(t(low), lower(g, -1)), -1) + upper(mm(upper(g), t(up)))
    return mm(t(inverse(low)), inner, t(inverse(up)))


def _lu(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """LAPACK's pivots; then L and U of the matrix with its rows in that order.

    The leading square block gives its own factors; of the rows below it L is A U^-1, of the columns beside it U is
    L^-1 A.
    """
    x = xs[0]
    if np.iscomplexobj(x.array):
        raise OutOfReach("lu of complex matrices has no rule yet")
    (*stack, m, n), k = x.shape, min(x.shape[-2:])
    whole, batch = [slice(None)] * len(stack), tuple(range(len(stack)))
    dtype = step.results[0].dtype
    data = nearest(x.array).reshape(-1, m, n)  # of the pivots alone
    import scipy.linalg  # heavy, and seldom needed

    pivots = [scipy.linalg.lu_factor(matrix, check_finite=False)[1] for matrix in data]
    order = np.array([_permutation(swaps, m) for swaps in pivots], int)
    lead = x.array.shape[: run.batch_axes]
    permutation = run.shared(Node(order.reshape(*lead, *stack, m), (*stack, m), False))
    swaps = run.shared(Node(np.array(pivots, int).reshape(*lead, *stack, k), (*stack, k), False))
    dims = {"dimension_numbers": (((len(stack) + 1,), (len(stack),)), (batch, batch))}
    (sorted_,) = run.apply("dot_general", [run.constant(np.eye(m)[permutation]), x], dims, [step.results[0]])
    (block,) = cut(run, sorted_, [*whole, slice(0, k), slice(0, k)])
    (packed,) = matrix_function(factors, _lu_pull)(run, [block], step)
    square, solve = Result((*stack, k, k), dtype), {"left_side": n > m, "lower": n > m, "transpose_a": False}
    if m != n:
        (rest,) = cut(run, sorted_, [*whole, slice(0 if n > m else k, m), slice(k if n > m else 0, n)])
        step_ = RuleStep({**solve, "unit_diagonal": n > m}, [square])
        (rest,) = triangular_solve(run, [packed, rest], step_)
        joined = {"dimension": len(stack) + int(n > m)}
        (packed,) = run.apply("concatenate", [packed, rest], joined, [step.results[0]])
    return [packed, run.constant(swaps.astype(np.int32)), run.constant(permutation.astype(np.int32))]


def _permutation(swaps: np.ndarray, size: int) -> np.ndarray:
    """The order of rows that LAPACK's successive swaps batch to."""
    order = np.arange(size)
    for i, j in enumerate(swaps):
        order[[i, j]] = order[[j, i]]
    return order


def _pivots_to_permutation(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    pivots, result = xs[0], step.results[0]
    rows = pivots.array.reshape(-1, pivots.shape[-1])
    found = np.array([_permutation(swaps, result.shape[-1]) for swaps in rows], result.dtype)
    value = found.reshape(*pivots.array.shape[:-1], result.shape[-1])
    return run.record(xs, [value], [result.shape], lambda _: [None])


@dataclass(frozen=True)
class _Spectrum:
    vectors: Number
    values: Number


def _spectrum(x: Number) -> _Spectrum:
    """Eigenvectors and eigenvalues of a symmetric matrix, where the eigenvalues are distinct."""
    if k := level(x):
        a, da = split(x, k)
        found = _spectrum(a)
        if da is None:
            return found
        inner = mm(t(found.vectors), da, found.vectors)
        diagonal = move(inner, lambda m: np.diagonal(m, axis1=-2, axis2=-1))
        turned = mm(found.vectors, multiply(_gaps(found.values), inner))
        return _Spectrum(dual(k, found.vectors, turned), dual(k, found.values, diagonal))
    b = base(x)
    try:
        values, vectors = np.linalg.eigh(b.data)
    except np.linalg.LinAlgError:
        raise OutOfReach("the eigenvalues did not converge") from None
    n = b.data.shape[-1]
    spread = np.sqrt(((4 * n * EPS * np.abs(b.data) + (0.0 if b.error is None else b.error)) ** 2).sum((-1, -2)))
    gaps = np.abs(base(_gaps(Bounded(values))).data).sum(-1, keepdims=True)
    error = spread[..., None, None] * np.broadcast_to(np.swapaxes(gaps, -1, -2), vectors.shape)
    return _Spectrum(Bounded(vectors, error), Bounded(values, np.broadcast_to(spread[..., None], values.shape)))


def _gaps(values: Number) -> Number:
    """1 / (w_j - w_i), 0 on the diagonal."""
    rows = move(values, lambda w: np.broadcast_to(w[..., :, None], (*w.shape, w.shape[-1])))
    columns = move(values, lambda w: np.broadcast_to(w[..., None, :], (*w.shape, w.shape[-1])))
    n = base(values).data.shape[-1]
    off = 1 - np.eye(n)
    return weigh(call("power", weigh(columns - rows, off) + np.eye(n), static=(-1,)), off)


def _eigh(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    x = xs[0]
    if np.iscomplexobj(x.array) or step.results[0].shape != x.shape:
        raise OutOfReach("eigh of complex matrices, or of some of the eigenvalues, has no rule yet")
    (x,) = _one_triangle(run, x, bool(step.params.get("lower", True)))
    found = _spectrum(x.value)
    w, v = found.values, found.vectors
    data = base(w)
    if run.unread != VECTORS_ALONE:  # where values are equal those of the vectors that are read show it by themselves
        close = np.diff(data.data, axis=-1) <= 1e3 * (data.error[..., 1:] if data.error is not None else EPS)
        run.note_tie(close, x)

    def pull(g: list[Number | None]) -> list[Number | None]:
        of_v, of_w = g
        inner: Number | None = None
        if of_w is not None:
            n = x.shape[-1]
            inner = weigh(move(of_w, lambda a: np.broadcast_to(a[..., None], (*a.shape, n))), np.eye(n))
        if of_v is not None:
            inner = plus(inner, multiply(_gaps(w), mm(t(v), of_v)))
        return [None if inner is None else mm(v, inner, t(v))]

    return run.record([x], [v, w], [x.shape, x.shape[:-1]], pull)


@dataclass(frozen=True)
class _Eigensystem:
    values: Number
    vectors: Number
    inverted: Number
    """The inverse of the matrix of eigenvectors: its rows are the left ones."""


def _eigensystem(x: Number) -> _Eigensystem:
    """Of any real square matrix with distinct eigenvalues, in complex numbers; vectors of any length."""
    if k := level(x):
        a, da = split(x, k)
        found = _eigensystem(a)
        if da is None:
            return found
        inner = mm(found.inverted, da, found.vectors)
        turned = mm(found.vectors, multiply(_gaps(found.values), inner))
        return _Eigensystem(
            dual(k, found.values, move(inner, lambda m: np.diagonal(m, axis1=-2, axis2=-1))),
            dual(k, found.vectors, turned),
            dual(k, found.inverted, -mm(found.inverted, turned, found.inverted)),
        )
    b = base(x)
    try:
        values, vectors = (part.astype(complex) for part in np.linalg.eig(b.data))
        inverted = np.linalg.inv(vectors)
    except np.linalg.LinAlgError:
        raise OutOfReach("the eigenvalues did not converge, or the matrix has too few eigenvectors") from None
    n = b.data.shape[-1]
    spread = 4 * n * EPS * np.abs(b.data) + (0.0 if b.error is None else b.error)
    inner = np.abs(inverted) @ spread @ np.abs(vectors)
    turned = np.abs(base(_gaps(Bounded(values))).data) * inner
    return _Eigensystem(
        Bounded(values, np.diagonal(inner, axis1=-2, axis2=-1)),
        Bounded(vectors, np.abs(vectors) @ turned),
        Bounded(inverted, turned @ np.abs(inverted) + 4 * n * EPS * np.abs(inverted)),
    )


def _eig(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """Eigenvalues in LAPACK's order: dw = diag(V^-1 dA V)."""
    x = xs[0]
    if len(step.results) != 1 or np.iscomplexobj(x.array):
        raise OutOfReach("eigenvectors of a matrix that is not symmetric, or complex, have no rule yet")
    found = _eigensystem(x.value)
    w = base(found.values)
    apart = np.abs(w.data[..., :, None] - w.data[..., None, :]) + np.diag(np.full(x.shape[-1], np.inf))
    run.note_tie(apart.min(-1) <= 1e3 * (0.0 if w.error is None else w.error), x)

    def pull(g: list[Number | None]) -> list[Number | None]:
        if g[0] is None:
            return [None]
        weighted = multiply(t(found.inverted), move(g[0], lambda a: a[..., None, :]))
        return [each(mm(weighted, t(found.vectors)), lambda b: Bounded(np.real(b.data), b.error))]

    return run.record(xs, [found.values], [x.shape[:-1]], pull)


def _qr(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """R from the Cholesky factor of the Gram matrix, with LAPACK's signs, and Q = A R^-1.

    Of a wide matrix the leading square block gives Q; of the columns beside it R is Q' A.
    """
    a = xs[0]
    (m, n), dtype = a.shape[-2:], step.results[0].dtype
    if len(a.shape) != 2 or step.params.get("pivoting") or np.iscomplexobj(a.array):
        raise OutOfReach("this kind of QR decomposition has no rule yet")
    if step.params.get("full_matrices") and m > n:
        raise OutOfReach("the columns that complete Q are any orthonormal ones: they have no derivative")
    if m < n:
        (block,), (rest,) = (cut(run, a, [slice(None), part]) for part in (slice(0, m), slice(m, n)))
        q, r = _qr(run, [block], RuleStep(step.params, [Result((m, m), dtype)] * 2))
        dims = {"dimension_numbers": (((0,), (0,)), ((), ()))}
        (rest,) = run.apply("dot_general", [q, rest], dims, [Result((m, n - m), dtype)])
        return [q, *run.apply("concatenate", [r, rest], {"dimension": 1}, [Result((m, n), dtype)])]
    square = Result((n, n), dtype)
    signs = run.shared(Node(np.sign(np.diagonal(np.linalg.qr(a.array).R, axis1=-2, axis2=-1)), (n,), False))
    (gram,) = run.apply("dot_general", [a, a], {"dimension_numbers": (((0,), (0,)), ((), ()))}, [square])
    (factor,) = matrix_function(cholesky, _cholesky_pull)(run, [gram], step)
    (r,) = run.apply("transpose", [factor], {"permutation": (1, 0)}, [square])
    (r,) = product(run, run.constant(np.diag(signs)), r, square)
    (inverted,) = matrix_function(inverse, inverse_pull)(run, [r], step)
    (q,) = product(run, a, inverted, Result((m, n), dtype))
    return [q, r]


def _svd(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """Singular values and vectors from the spectrum of the Gram matrix, with LAPACK's signs."""
    a = xs[0]
    dtype = step.results[0].dtype
    if len(a.shape) != 2 or (
        step.params.get("full_matrices") and step.params["compute_uv"] and a.shape[0] != a.shape[1]
    ):
        raise OutOfReach("this kind of singular value decomposition has no rule yet")
    wide = a.shape[0] < a.shape[1]
    (b,) = run.apply("transpose", [a], {"permutation": (1, 0)}, [Result(a.shape[::-1], dtype)]) if wide else [a]
    (m, n) = b.shape
    (gram,) = run.apply("dot_general", [b, b], {"dimension_numbers": (((0,), (0,)), ((), ()))}, [Result((n, n), dtype)])
    vectors, values = _eigh(run, [gram], RuleStep({}, [Result((n, n), dtype), Result((n,), dtype)]))
    (values,) = run.apply("rev", [values], {"dimensions": (0,)}, [Result((n,), dtype)])
    (s,) = run.apply("sqrt", [values], {}, [Result((n,), dtype)])
    if not step.params["compute_uv"]:
        return [s]
    (v,) = run.apply("rev", [vectors], {"dimensions": (1,)}, [Result((n, n), dtype)])
    known = np.linalg.svd(a.array, full_matrices=False)
    known = known.U if wide else np.swapaxes(known.Vh, -1, -2)
    signs = run.shared(Node(np.sign((known * v.array).sum(-2)), (n,), False))
    (v,) = product(run, v, run.constant(np.diag(signs)), Result((n, n), dtype))
    (scaled,) = product(run, b, v, Result((m, n), dtype))
    (u,) = run.apply("div", [scaled, _repeated(run, s, (m, n), dtype)], {}, [Result((m, n), dtype)])
    left, right = (v, u) if wide else (u, v)
    (right,) = run.apply("transpose", [right], {"permutation": (1, 0)}, [Result(right.shape[::-1], dtype)])
    return [s, left, right]


def _repeated(run: Run, x: Node, shape: tuple[int, ...], dtype: Any) -> Node:
    return run.apply("broadcast_in_dim", [x], {"broadcast_dimensions": (1,)}, [Result(shape, dtype)])[0]


DECOMPOSITIONS: Mapping[str, Rule] = {
    "cholesky": _cholesky,
    "lu": _lu,
    "lu_pivots_to_permutation": _pivots_to_permutation,
    "eigh": _eigh,
    "eig": _eig,
    "qr": _qr,
    "svd": _svd,
}
"""Primitive to its rule."""
