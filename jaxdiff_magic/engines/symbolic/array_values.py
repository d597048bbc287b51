"""Numbers of functions of whole arrays, by NumPy, with bounds on their errors.

Bounds are first-order perturbation theory of the operand's error plus the backward error of the algorithm
(N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., chapters 9, 10, 14; for eigenvalues:
Golub & Van Loan, "Matrix Computations", 4th ed., section 8.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

EPS = float(np.finfo(np.float64).eps)


class ArrayValue(NamedTuple):
    """Values with error bounds, and for each element whether it stands where the function jumps."""

    data: np.ndarray
    error: np.ndarray
    tie: np.ndarray


Numeric = Callable[[np.ndarray, np.ndarray], ArrayValue]
"""Of an operand's values and error bounds, with any leading axes."""


def _smooth(data: np.ndarray, error: np.ndarray) -> ArrayValue:
    return ArrayValue(data, error, np.zeros(data.shape, bool))


def _transposed(a: np.ndarray) -> np.ndarray:
    return np.swapaxes(a, -1, -2)


def _where_finite(function: Callable[[np.ndarray], np.ndarray], a: np.ndarray) -> np.ndarray:
    """A function of each matrix; NaN for one that has none."""
    try:
        return function(a)
    except np.linalg.LinAlgError:
        if a.ndim == 2:
            return np.full_like(function(np.eye(a.shape[-1])), np.nan)
        return np.stack([_where_finite(function, each) for each in a])


def _widened(a: np.ndarray, error: np.ndarray) -> np.ndarray:
    """The operand's error with the backward error of an elimination of it."""
    n = a.shape[-1]
    return error + 4 * n * EPS * np.max(np.abs(a), axis=(-2, -1), keepdims=True, initial=0.0)


def inv(a: np.ndarray, error: np.ndarray) -> ArrayValue:
    """|δY| <= |Y| (|δA| + c n eps |A|) |Y|."""
    y = _where_finite(np.linalg.inv, a)
    return _smooth(y, np.abs(y) @ _widened(a, error) @ np.abs(y) + EPS * np.abs(y))


def _relative(a: np.ndarray, error: np.ndarray) -> np.ndarray:
    """A bound on the relative error of a determinant."""
    y = _where_finite(np.linalg.inv, a)
    found = np.sum(np.abs(_transposed(y)) * _widened(a, error), axis=(-2, -1))
    return np.where(np.isfinite(found), found, np.inf)


def det(a: np.ndarray, error: np.ndarray) -> ArrayValue:
    """The determinant."""
    data = np.linalg.det(a)
    return _smooth(data, np.abs(data) * (_relative(a, error) + EPS))


def logdet(a: np.ndarray, error: np.ndarray) -> ArrayValue:
    """The logarithm of the absolute value of the determinant."""
    data = np.linalg.slogdet(a)[1]
    return _smooth(data, _relative(a, error) + EPS * (np.abs(data) + a.shape[-1]))


def sign_det(a: np.ndarray, error: np.ndarray) -> ArrayValue:
    """The sign of the determinant, which is in doubt where its error bound is as large as itself."""
    data = np.linalg.slogdet(a)[0]
    return ArrayValue(data, np.zeros_like(data), _relative(a, error) >= 1)


def cholesky(a: np.ndarray, error: np.ndarray) -> ArrayValue:
    """The lower factor; of the lower triangle, as LAPACK reads it."""
    factor = _where_finite(np.linalg.cholesky, a)
    y = np.abs(_where_finite(np.linalg.inv, factor))
    inner = np.tril(y @ _widened(a, error) @ _transposed(y))
    return _smooth(factor, np.abs(factor) @ inner + EPS * np.abs(factor))


def _lu(part: Callable[..., Any]) -> Numeric:
    """Some part of P A = L U with LAPACK's pivots, which jump where two of a column are as large as each other.

    Args:
        part: of L, U, their error bounds, LAPACK's swaps, and the order of rows that they make; with its error bound.
    """

    def found(a: np.ndarray, error: np.ndarray) -> ArrayValue:
        import scipy.linalg  # heavy, and seldom needed

        n = a.shape[-1]
        pairs = [scipy.linalg.lu_factor(each, check_finite=False) for each in a.reshape(-1, n, n)]
        packed = np.reshape([factors for factors, _ in pairs], a.shape)
        swaps = np.array([pivots for _, pivots in pairs], int).reshape(-1, n)
        order = np.tile(np.arange(n), (len(swaps), 1))
        for i, j in ((i, swaps[:, i]) for i in range(n)):
            every = np.arange(len(order))
            order[every, i], order[every, j] = order[every, j], order[every, i]
        swaps, order = (positions.reshape(a.shape[:-1]) for positions in (swaps, order))
        low, up = np.tril(packed, -1) + np.eye(n), np.triu(packed)
        wide = np.take_along_axis(_widened(a, error), order[..., None], -2)
        inner = np.abs(_where_finite(np.linalg.inv, low)) @ wide @ np.abs(_where_finite(np.linalg.inv, up))
        of_low = np.abs(low) @ np.tril(inner, -1) + EPS * np.abs(low)
        of_up = np.triu(inner) @ np.abs(up) + EPS * np.abs(up)
        near = np.any(np.tril(np.abs(low) >= 1 - 4 * of_low, -1), axis=(-2, -1), keepdims=True)
        data, bound = part(low, up, of_low, of_up, swaps, order)
        near = np.broadcast_to(near if data.ndim == a.ndim else near[..., 0], data.shape)
        return ArrayValue(data.astype(float), np.nan_to_num(bound, nan=np.inf), near)

    return found


def _spectrum(a: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values, vectors = np.linalg.eigh(a)
    inner = np.abs(_transposed(vectors)) @ _widened(a, error) @ np.abs(vectors)
    return values, vectors, inner


def eigvalsh(a: np.ndarray, error: np.ndarray) -> ArrayValue:
    """The eigenvalues of a symmetric matrix, ascending; two that are equal are a kink."""
    values, _, inner = _spectrum(a, error)
    bound = np.max(np.sum(inner, axis=-1), axis=-1, keepdims=True, initial=0.0)  # no eigenvalue moves further (Weyl)
    return ArrayValue(values, np.broadcast_to(bound, values.shape), _coincide(values, bound))


def eigenvectors(a: np.ndarray, error: np.ndarray) -> ArrayValue:
    """The eigenvectors, as columns, with the signs that LAPACK gives them."""
    values, vectors, inner = _spectrum(a, error)
    gap = np.abs(values[..., None, :] - values[..., :, None])
    spread = np.where(np.eye(a.shape[-1], dtype=bool), 0.0, inner / np.where(gap == 0, np.nan, gap))
    bound = np.max(np.sum(inner, axis=-1), axis=-1, keepdims=True, initial=0.0)
    near = np.broadcast_to(_coincide(values, bound)[..., None, :], vectors.shape)
    return ArrayValue(vectors, np.nan_to_num(np.abs(vectors) @ spread, nan=np.inf) + 8 * EPS, near)


def _coincide(values: np.ndarray, bound: np.ndarray) -> np.ndarray:
    close = np.diff(values, axis=-1) <= 4 * bound
    pad = [(0, 0)] * (values.ndim - 1)
    return np.pad(close, [*pad, (0, 1)]) | np.pad(close, [*pad, (1, 0)])


def _extreme(position: Callable[..., np.ndarray]) -> Numeric:
    def found(a: np.ndarray, error: np.ndarray) -> ArrayValue:
        where = position(a, axis=-1)
        at = np.expand_dims(where, -1)
        best, own = np.take_along_axis(a, at, -1), np.take_along_axis(error, at, -1)
        near = (np.abs(a - best) <= 4 * (error + own)).sum(-1) > 1
        return ArrayValue(where.astype(float), np.zeros(where.shape), near)

    return found


def _argsort(descending: bool) -> Numeric:
    def found(a: np.ndarray, error: np.ndarray) -> ArrayValue:
        where = np.argsort(-a if descending else a, axis=-1, kind="stable")
        sorted_, own = np.take_along_axis(a, where, -1), np.take_along_axis(error, where, -1)
        near = np.abs(np.diff(sorted_, axis=-1)) <= 4 * (own[..., 1:] + own[..., :-1])
        near = np.pad(near, [*[(0, 0)] * (a.ndim - 1), (0, min(1, a.shape[-1]))])
        return ArrayValue(where.astype(float), np.zeros(where.shape), near)

    return found


def _running(accumulate: np.ufunc) -> Numeric:
    def found(a: np.ndarray, error: np.ndarray) -> ArrayValue:
        best = accumulate.accumulate(a, axis=-1)
        new = np.concatenate([np.ones((*a.shape[:-1], min(1, a.shape[-1])), bool), a[..., 1:] != best[..., :-1]], -1)
        new &= a == best
        where = np.maximum.accumulate(np.where(new, np.arange(a.shape[-1]), 0), axis=-1)
        own = np.take_along_axis(error, where, -1)
        near = np.zeros(a.shape, bool)
        near[..., 1:] = np.abs(a[..., 1:] - best[..., :-1]) <= 4 * (error[..., 1:] + own[..., :-1])
        return ArrayValue(where.astype(float), np.zeros(where.shape), near)

    return found


NUMERIC: Mapping[str, Numeric] = {
    "inv": inv,
    "det": det,
    "logdet": logdet,
    "sign_det": sign_det,
    "cholesky": cholesky,
    "eigvalsh": eigvalsh,
    "eigenvectors": eigenvectors,
    "lu": _lu(lambda low, up, of_low, of_up, *_: (np.tril(low, -1) + up, np.tril(of_low, -1) + np.triu(of_up))),
    "lu_lower": _lu(lambda low, up, of_low, *_: (low, of_low)),
    "lu_upper": _lu(lambda low, up, of_low, of_up, *_: (up, of_up)),
    "lu_pivots": _lu(lambda *parts: (parts[-2], np.zeros(parts[-2].shape))),
    "lu_permutation": _lu(lambda *parts: (parts[-1], np.zeros(parts[-1].shape))),
    "argmax": _extreme(np.argmax),
    "argmin": _extreme(np.argmin),
    "argsort": _argsort(descending=False),
    "argsort_descending": _argsort(descending=True),
    "argcummax": _running(np.maximum),
    "argcummin": _running(np.minimum),
}
"""Function of whole arrays to its evaluation."""
