"""Matrix functions by elimination, number by number.

Source: Golub & Van Loan, "Matrix Computations", 4th ed., sections 3.1 (triangular systems), 3.4 (pivoting), 4.2
(Cholesky).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.run import Node, RuleStep
from jaxdiff_magic.engines.tape.recording import Recording, Rule, elements, lifted, live
from jaxdiff_magic.engines.tape.scalar import TapeScalar, is_zero, value_of

SMALL = 1e-3
"""Where the result does not depend on the pivots, one is good enough while it is this large, beside the others. A
choice of three digits: no more are lost by another order of pivots."""
MAX_DENSE = 36
"""An implicit linear map is written out as a matrix while it has no more rows than this. A choice: a row takes a run of
the map, all of which the tape has to hold."""


def stacked(run: Recording, f: Callable[..., Sequence[Any]], *nodes: Node) -> list[Node]:
    """A function of one matrix (or several) for all of a stack; its results stacked likewise."""
    arrays = [elements(node) for node in nodes]
    stack = arrays[0].shape[:-2]
    found = [f(*(array[place] for array in arrays)) for place in np.ndindex(*stack)]
    if not found:
        raise OutOfReach("a stack of no matrices")
    parts = [np.asarray(part) for part in found[0]]
    results = [np.empty((*stack, *part.shape), part.dtype) for part in parts]
    for place, row in zip(np.ndindex(*stack), found, strict=True):
        for result, part in zip(results, row, strict=True):
            result[(*place, ...)] = part
    return [live(result) if result.dtype == object else run.constant(result) for result in results]


def factored(run: Recording, a: np.ndarray, close: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """L (its unit diagonal left out) and U in one matrix, the successive swaps of rows, and the order they lead to.

    Args:
        a: the matrix.
        close: a pivot stays the one that is chosen while it is this many times as large as the others.
    """
    record, choice = run.recorder.record, run.choice("the order of the pivots")
    lu, count = a.copy(), min(a.shape)
    swaps, order = np.zeros(count, np.int32), np.arange(len(a), dtype=np.int32)
    for k in range(count):
        sizes = [abs(value_of(x)) for x in lu[k:, k]]
        best = swaps[k] = k + int(np.argmax(sizes))
        for i in range(k, len(a)):
            if i != best and not is_zero(lu[i, k]):
                bound = record("mul", close, record("abs", lu[i, k]))
                run.recorder.guard(record("ge", record("abs", lu[best, k]), bound), choice)
        lu[[k, best]], order[[k, best]] = lu[[best, k]], order[[best, k]]
        for i in range(k + 1, len(a)):
            if is_zero(lu[i, k]):
                continue
            if value_of(lu[k, k]) == 0:
                raise OutOfReach("the matrix is singular at the point")
            lu[i, k] = record("div", lu[i, k], lu[k, k])
            for j in range(k + 1, a.shape[1]):
                lu[i, j] = record("sub", lu[i, j], _times(run, lu[i, k], lu[k, j]))
    return lu, swaps, order


def _times(run: Recording, a: Any, b: Any) -> Any:
    return 0.0 if is_zero(a) or is_zero(b) else run.recorder.record("mul", a, b)


def substituted(run: Recording, a: np.ndarray, b: np.ndarray, lower: bool, unit: bool) -> np.ndarray:
    """x with a x = b, of one triangle of a."""
    record, x = run.recorder.record, b.copy()
    n = len(a)
    for i in range(n) if lower else reversed(range(n)):
        for column in range(b.shape[1]):
            total = b[i, column]
            for j in range(i) if lower else range(i + 1, n):
                total = record("sub", total, _times(run, a[i, j], x[j, column]))
            x[i, column] = total if unit or is_zero(total) else record("div", total, a[i, i])
    return x


def solved(run: Recording, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """x with a x = b."""
    lu, _, order = factored(run, a, SMALL)
    if any(value_of(lu[k, k]) == 0 for k in range(len(a))):
        raise OutOfReach("the matrix is singular at the point")
    return substituted(run, lu, substituted(run, lu, b[order], lower=True, unit=True), lower=False, unit=False)


def _lu(run: Recording, xs: list[Node], step: RuleStep) -> list[Node]:
    return stacked(run, lambda a: factored(run, a, 1.0), xs[0])


def _inverse(run: Recording, xs: list[Node], step: RuleStep) -> list[Node] | None:
    if (len(xs), len(step.results)) != (1, 1) or len(xs[0].shape) < 2 or xs[0].shape != step.results[0].shape:
        return None  # JAX keeps the name for a function's derivatives, whose operands and results are others
    return stacked(run, lambda a: [solved(run, a, np.eye(len(a)).astype(object))], xs[0])


def _solve(run: Recording, xs: list[Node], step: RuleStep) -> list[Node] | None:
    """jnp.linalg.solve(a, b) of a matrix and a vector or matrix."""
    if (len(xs), len(step.results)) != (2, 1) or len(xs[0].shape) != 2 or xs[1].shape != step.results[0].shape:
        return None
    a, b = (elements(x) for x in xs)
    return [live(solved(run, a, b.reshape(len(a), -1)).reshape(b.shape))]


def _pivots(run: Recording, a: np.ndarray) -> tuple[list[Any], float]:
    """The diagonal of U and the sign of the permutation."""
    lu, swaps, _ = factored(run, a, SMALL)
    return list(np.diagonal(lu)), (-1.0) ** int(np.sum(swaps != np.arange(len(swaps))))


def _product(run: Recording, factors: Sequence[Any]) -> Any:
    found: Any = 1.0
    for factor in factors:
        found = run.recorder.record("mul", found, factor)
    return found


def _det(run: Recording, xs: list[Node], step: RuleStep) -> list[Node] | None:
    """The product of the pivots; JAX writes the determinants of small matrices out."""
    x = xs[0]
    if (len(xs), len(step.results)) != (1, 1) or x.shape != (*step.results[0].shape, x.shape[-1], x.shape[-1]):
        return None
    if x.shape[-1] <= 3:
        return None

    def one(a: np.ndarray) -> list[Any]:
        pivots, sign = _pivots(run, a)
        return [_scalar(_product(run, [*pivots, sign]))]

    return stacked(run, one, x)


def _slogdet(run: Recording, xs: list[Node], step: RuleStep) -> list[Node] | None:
    x = xs[0]
    if (len(xs), len(step.results)) != (1, 2) or x.shape != (*step.results[0].shape, x.shape[-1], x.shape[-1]):
        return None
    record = run.recorder.record

    def one(a: np.ndarray) -> list[Any]:
        pivots, sign = _pivots(run, a)
        total: Any = 0.0
        for pivot in pivots:
            total = record("add", total, record("log", record("abs", pivot)))
        return [_scalar(_product(run, [*(record("sign", pivot) for pivot in pivots), sign])), _scalar(total)]

    return stacked(run, one, x)


def _scalar(x: Any) -> np.ndarray:
    found = np.empty((), object)
    found[()] = x
    return found


def _triangular_solve(run: Recording, xs: list[Node], step: RuleStep) -> list[Node]:
    """op(a) x = b or x op(a) = b, of one triangle of a."""
    p = step.params
    turned = p["transpose_a"] == p["left_side"]  # x op(a) = b is op(a)' x' = b'
    unit, lower = p["unit_diagonal"], p["lower"] != turned

    def one(a: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
        a = a.T if turned else a
        if p["left_side"]:
            return [substituted(run, a, b, lower, unit)]
        return [substituted(run, a, b.T, lower, unit).T]

    return stacked(run, one, *xs)


def _tridiagonal_solve(run: Recording, xs: list[Node], step: RuleStep) -> list[Node]:
    """a x = b, where row i of a holds the i-th elements of its three bands."""
    bands = [Node(lifted(x).value[..., None], (*x.shape, 1), False) for x in xs[:3]]

    def one(below: np.ndarray, diagonal: np.ndarray, above: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
        a = np.zeros((len(b), len(b)), object)
        for i in range(len(b)):
            for j, band in ((i - 1, below), (i, diagonal), (i + 1, above)):
                if 0 <= j < len(b):
                    a[i, j] = band[i, 0]
        return [solved(run, a, b)]

    return stacked(run, one, *bands, xs[3])


def _custom_linear_solve(run: Recording, xs: list[Node], step: RuleStep) -> list[Node]:
    """x with matvec(x) = b: the map written out as a matrix, column by column."""
    lengths = step.params["const_lengths"]
    constants, right = xs[: lengths.matvec], xs[sum(lengths) :]
    if len(right) != 1:
        raise OutOfReach("an implicit linear solve of several arrays at once is not in the browser's tape")
    (b,) = right
    if (size := math.prod(b.shape)) > MAX_DENSE:
        raise OutOfReach(f"an implicit linear solve of {size} unknowns is too large for the browser")
    a = np.zeros((size, size), object)
    with run.recorder.structural_zeros():
        for k, unit in enumerate(np.eye(size)):
            (column,) = run.trace(step.bodies[0], [*constants, run.constant(unit.reshape(b.shape))])
            a[:, k] = elements(column).ravel()
    found = solved(run, a, elements(b).reshape(size, 1))
    return [live(found.reshape(b.shape))]


def _cholesky(run: Recording, xs: list[Node], step: RuleStep) -> list[Node]:
    """The lower factor.

    LAPACK reads one triangle of the matrix and JAX's derivative all of it: they agree on symmetric matrices only.
    """
    record = run.recorder.record

    def one(a: np.ndarray) -> list[np.ndarray]:
        if not all(_same(a[i, j], a[j, i]) for i in range(len(a)) for j in range(i)):
            raise OutOfReach("a Cholesky factor is that of a symmetric matrix, and this one need not be")
        found = np.zeros(a.shape, object)
        for j in range(len(a)):
            for i in range(j, len(a)):
                total = a[i, j]
                for k in range(j):
                    total = record("sub", total, _times(run, found[i, k], found[j, k]))
                found[i, j] = record("sqrt", total) if i == j else record("div", total, found[j, j])
        return [found]

    return stacked(run, one, xs[0])


def _same(x: Any, y: Any) -> bool:
    return x is y if isinstance(x, TapeScalar) or isinstance(y, TapeScalar) else x == y


LINEAR_ALGEBRA: Mapping[str, Rule] = {
    "lu": _lu,
    "inv": _inverse,
    "solve": _solve,
    "det": _det,
    "slogdet": _slogdet,
    "triangular_solve": _triangular_solve,
    "tridiagonal_solve": _tridiagonal_solve,
    "custom_linear_solve": _custom_linear_solve,
    "cholesky": _cholesky,
}
"""Primitive to its rule."""
