"""Matrix functions: values by LAPACK, derivatives by their differentials.

Sources: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"
(2008); I. Murray, "Differentiation of the Cholesky decomposition" (2016).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxdiff_magic.errors import OutOfReach
from jaxdiff_magic.reference.numbers import (
    EPS,
    Bounded,
    Number,
    base,
    call,
    dot,
    dual,
    each,
    gather_sum,
    level,
    move,
    multiply,
    number,
    plus,
    split,
    weigh,
)
from jaxdiff_magic.reference.rules.movement import cut, stacked
from jaxdiff_magic.reference.run import Node, Result, Rule, Run, Step, TotalRule

ASYMMETRY = 1e-5
"""Two elements across the diagonal that are nearer than this, of the largest, are the same but for rounding."""
MAX_DENSE = 400
"""An implicit linear map is written out as a matrix while it has no more rows than this."""


def mm(*factors: Number) -> Number:
    """The matrix product over the last two axes."""
    found = factors[0]
    for factor in factors[1:]:
        found = dot(found, factor, np.matmul, base(found).data.shape[-1])
    return found


def t(x: Number) -> Number:
    """The transpose."""
    return move(x, lambda a: np.swapaxes(a, -1, -2))


def lower(x: Number, k: int = 0) -> Number:
    """The triangle up to the k-th diagonal."""
    return move(x, lambda a: np.tril(a, k))


def upper(x: Number, k: int = 0) -> Number:
    """The triangle from the k-th diagonal."""
    return move(x, lambda a: np.triu(a, k))


def halved(x: Number) -> Number:
    """The lower triangle with half the diagonal: Murray's Φ."""
    n = base(x).data.shape[-1]
    return weigh(x, np.tril(np.ones((n, n))) - 0.5 * np.eye(n))


def identity(x: Number) -> Number:
    """The identity matrix of the size of `x`."""
    return number(np.eye(base(x).data.shape[-1]))


def _batched(f: Callable[[np.ndarray], Any], a: np.ndarray) -> np.ndarray:
    """A function of one matrix, for all of a stack; NaN where it fails."""
    flat = a.reshape(-1, *a.shape[-2:])
    found = np.full(flat.shape, np.nan)
    for k, matrix in enumerate(flat):
        try:
            found[k] = f(matrix)
        except (np.linalg.LinAlgError, ValueError):
            continue
    return found.reshape(a.shape)


def inverse(x: Number) -> Number:
    """The inverse, with the bound |inv x| |dx| |inv x|; NaN where there is none."""
    if k := level(x):
        a, da = split(x, k)
        y = inverse(a)
        return dual(k, y, None if da is None else -mm(y, da, y))
    b = base(x)
    y = _batched(np.linalg.inv, b.data)
    n = b.data.shape[-1]
    size = np.abs(y)
    spread = 4 * n * EPS * np.abs(b.data)
    if b.error is not None:
        spread = spread + b.error
    return Bounded(y, size @ spread @ size)


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
    y = _batched(np.linalg.cholesky, b.data)
    z = np.abs(_batched(np.linalg.inv, y))
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
    y = _batched(_packed_lu, b.data)
    n = b.data.shape[-1]
    low, up = np.abs(np.tril(y, -1)) + np.eye(n), np.abs(np.triu(y))
    spread = 4 * n * EPS * (low @ up) + (0.0 if b.error is None else b.error)
    inner = (
        np.abs(_batched(np.linalg.inv, np.tril(y, -1) + np.eye(n)))
        @ spread
        @ np.abs(_batched(np.linalg.inv, np.triu(y)))
    )
    return Bounded(y, low @ np.tril(inner, -1) + np.triu(inner) @ up)


def _inverse_pull(y: Number, g: Number) -> Number:
    return -mm(t(y), g, t(y))


def _cholesky_pull(y: Number, g: Number) -> Number:
    z = inverse(y)
    return mm(t(z), halved(mm(t(y), g)), z)


def _cholesky(run: Run, xs: list[Node], step: Step) -> list[Node]:
    _need_symmetric(xs[0], "a Cholesky factor")
    return matrix_function(cholesky, _cholesky_pull)(run, xs, step)


def _need_symmetric(x: Node, result: str) -> None:
    """LAPACK reads one triangle of the matrix and JAX's rule all of it: they agree on symmetric matrices only.

    Raises:
        OutOfReach: the matrix is not symmetric at some point, so that its elements vary one by one.
    """
    data = np.asarray(x.array)
    asymmetry = np.max(np.abs(data - np.conj(np.swapaxes(data, -1, -2))), initial=0.0)
    if x.varies and asymmetry > ASYMMETRY * np.max(np.abs(data), initial=0.0):
        raise OutOfReach(f"{result} is that of a symmetric matrix, and this one need not be: symmetrise it first")


def _lu_pull(y: Number, g: Number) -> Number:
    low, up = lower(y, -1) + identity(y), upper(y)
    inner = lower(mm(t(low), lower(g, -1)), -1) + upper(mm(upper(g), t(up)))
    return mm(t(inverse(low)), inner, t(inverse(up)))


def matrix_function(f: Callable[[Number], Number], pull: Callable[[Number, Number], Number]) -> TotalRule:
    """A function of one square matrix (or a stack of them), and how its adjoint pulls back."""

    def rule(run: Run, xs: list[Node], step: Step) -> list[Node]:
        x = xs[0]
        if np.iscomplexobj(x.array):
            raise OutOfReach("complex matrices have no rule yet")
        y = f(x.value)
        return run.record(xs[:1], [y], [x.shape], lambda g: [None if g[0] is None else pull(y, g[0])])

    return rule


def _inverse(run: Run, xs: list[Node], step: Step) -> list[Node] | None:
    if (len(xs), len(step.results)) != (1, 1) or len(xs[0].shape) < 2 or xs[0].shape != step.results[0].shape:
        return None  # JAX keeps the name for a function's derivatives, whose operands and results are others
    return matrix_function(inverse, _inverse_pull)(run, xs, step)


def _solve(run: Run, xs: list[Node], step: Step) -> list[Node] | None:
    """jnp.linalg.solve(a, b) of a matrix and a vector: inv(a) @ b."""
    if (len(xs), len(step.results)) != (2, 1):
        return None
    a, b = xs
    if len(a.shape) != 2 or len(b.shape) != 1 or step.results[0].shape != b.shape:
        return None
    (y,) = matrix_function(inverse, _inverse_pull)(run, [a], step)
    return product(run, y, b, step.results[0])


def product(run: Run, a: Node, b: Node, result: Result) -> list[Node]:
    """a @ b without batch axes."""
    dims = {"dimension_numbers": (((len(a.shape) - 1,), (0,)), ((), ()))}
    return run.apply("dot_general", [a, b], dims, [result])


def _slogdet(run: Run, xs: list[Node], step: Step) -> list[Node] | None:
    x = xs[0]
    if len(xs) != 1 or len(x.shape) < 2 or len(step.results) != 2 or np.iscomplexobj(x.array):
        return None
    sign, value = _log_determinant(x.value)

    def pull(g: list[Number | None]) -> list[Number | None]:
        if g[1] is None:
            return [None]
        adjoint = move(g[1], lambda a: a[..., None, None])
        return [multiply(adjoint, t(inverse(x.value)))]

    shape = step.results[0].shape
    return run.record(xs, [Bounded(sign), value], [shape, shape], pull)


def _log_determinant(x: Number) -> tuple[np.ndarray, Number]:
    if k := level(x):
        a, da = split(x, k)
        sign, value = _log_determinant(a)
        tangent = None if da is None else _sum_all(multiply(da, t(inverse(a))))
        return sign, dual(k, value, tangent)
    b = base(x)
    sign, value = np.linalg.slogdet(b.data)
    y = np.abs(_batched(np.linalg.inv, b.data))
    n = b.data.shape[-1]
    spread = 4 * n * EPS * np.abs(b.data) + (0.0 if b.error is None else b.error)
    error = (np.swapaxes(y, -1, -2) * spread).sum((-1, -2)) + 4 * EPS * np.abs(value)
    return sign, Bounded(value, error)


def _sum_all(x: Number) -> Number:
    return gather_sum(x, lambda a: a.sum((-1, -2)), math.prod(base(x).data.shape[-2:]))


def _det(run: Run, xs: list[Node], step: Step) -> list[Node] | None:
    """Through log|det|, except for singular matrices and those whose determinant JAX writes out."""
    x = xs[0]
    if (len(xs), len(step.results)) != (1, 1) or len(x.shape) != 2 or x.shape[-1] <= 3 or np.iscomplexobj(x.array):
        return None
    pair = [step.results[0]] * 2
    found = _slogdet(run, xs, Step({}, pair))
    if found is None or not np.isfinite(found[1].array).all():
        raise OutOfReach("the determinant of a singular matrix has no rule yet")
    sign, log = found
    (size,) = run.apply("exp", [log], {}, step.results)
    return run.apply("mul", [sign, size], {}, step.results)


def _lu(run: Run, xs: list[Node], step: Step) -> list[Node]:
    """LAPACK's pivots; then L and U of the matrix with its rows in that order.

    The leading square block gives its own factors; of the rows below it L is A U^-1, of the columns beside it U is
    L^-1 A.
    """
    x = xs[0]
    if len(x.shape) != 2 or np.iscomplexobj(x.array):
        raise OutOfReach("lu of several matrices, or of complex ones, has no rule yet")
    (m, n), k = x.shape, min(x.shape)
    dtype = step.results[0].dtype
    data = x.array.reshape(-1, m, n)
    import scipy.linalg  # heavy, and seldom needed

    pivots = [scipy.linalg.lu_factor(matrix, check_finite=False)[1] for matrix in data]
    order = np.array([_permutation(swaps, m) for swaps in pivots])
    lead = x.array.shape[: run.lead]
    permutation = run.shared(Node(order.reshape(*lead, -1), (m,), False))
    swaps = run.shared(Node(np.asarray(pivots).reshape(*lead, -1), (k,), False))
    (sorted_,) = product(run, run.constant(np.eye(m)[permutation]), x, step.results[0])
    (block,) = cut(run, sorted_, [slice(0, k), slice(0, k)])
    (packed,) = matrix_function(factors, _lu_pull)(run, [block], step)
    square, solve = Result((k, k), dtype), {"left_side": n > m, "lower": n > m, "transpose_a": False}
    if m != n:
        (rest,) = cut(run, sorted_, [slice(0 if n > m else k, m), slice(k if n > m else 0, n)])
        step_ = Step({**solve, "unit_diagonal": n > m}, [square])
        (rest,) = _triangular_solve(run, [packed, rest], step_)
        (packed,) = run.apply("concatenate", [packed, rest], {"dimension": int(n > m)}, [step.results[0]])
    return [packed, run.constant(swaps.astype(np.int32)), run.constant(permutation.astype(np.int32))]


def _permutation(swaps: np.ndarray, size: int) -> np.ndarray:
    """The order of rows that LAPACK's successive swaps lead to."""
    order = np.arange(size)
    for i, j in enumerate(swaps):
        order[[i, j]] = order[[j, i]]
    return order


def _pivots_to_permutation(run: Run, xs: list[Node], step: Step) -> list[Node]:
    pivots, result = xs[0], step.results[0]
    rows = pivots.array.reshape(-1, pivots.shape[-1])
    found = np.array([_permutation(swaps, result.shape[-1]) for swaps in rows], result.dtype)
    value = found.reshape(*pivots.array.shape[:-1], result.shape[-1])
    return run.record(xs, [value], [result.shape], lambda _: [None])


def _triangular_solve(run: Run, xs: list[Node], step: Step) -> list[Node]:
    a, b = xs
    p = step.params
    if np.iscomplexobj(a.array) or np.iscomplexobj(b.array):
        raise OutOfReach("complex matrices have no rule yet")
    n = a.shape[-1]
    mask = np.tril(np.ones((n, n))) if p["lower"] else np.triu(np.ones((n, n)))
    if p["unit_diagonal"]:
        mask = mask - np.eye(n)
    eye = np.eye(n) if p["unit_diagonal"] else np.zeros((n, n))

    def solved(m: Number, rhs: Number) -> Number:
        y = inverse(weigh(m, mask) + eye)
        y = t(y) if p["transpose_a"] else y
        return mm(y, rhs) if p["left_side"] else mm(rhs, y)

    value = solved(a.value, b.value)

    def pull(g: list[Number | None]) -> list[Number | None]:
        if g[0] is None:
            return [None, None]
        y = inverse(weigh(a.value, mask) + eye)
        y = t(y) if p["transpose_a"] else y  # the inverse of op(a)
        of_b = mm(t(y), g[0]) if p["left_side"] else mm(g[0], t(y))
        of_op = -mm(of_b, t(value)) if p["left_side"] else -mm(t(value), of_b)
        of_a = weigh(t(of_op) if p["transpose_a"] else of_op, mask)
        return [of_a if a.varies else None, of_b if b.varies else None]

    return run.record(xs, [value], [b.shape], pull)


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


def _eigh(run: Run, xs: list[Node], step: Step) -> list[Node]:
    x = xs[0]
    if np.iscomplexobj(x.array) or step.results[0].shape != x.shape:
        raise OutOfReach("eigh of complex matrices, or of some of the eigenvalues, has no rule yet")
    _need_symmetric(x, "this spectrum")
    found = _spectrum(x.value)
    w, v = found.values, found.vectors
    data = base(w)
    run.note_border(np.diff(data.data, axis=-1) <= 1e3 * (data.error[..., 1:] if data.error is not None else EPS), x)

    def pull(g: list[Number | None]) -> list[Number | None]:
        of_v, of_w = g
        inner: Number | None = None
        if of_w is not None:
            n = x.shape[-1]
            inner = weigh(move(of_w, lambda a: np.broadcast_to(a[..., None], (*a.shape, n))), np.eye(n))
        if of_v is not None:
            inner = plus(inner, multiply(_gaps(w), mm(t(v), of_v)))
        return [None if inner is None else mm(v, inner, t(v))]

    return run.record(xs, [v, w], [x.shape, x.shape[:-1]], pull)


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


def _eig(run: Run, xs: list[Node], step: Step) -> list[Node]:
    """Eigenvalues in LAPACK's order: dw = diag(V^-1 dA V)."""
    x = xs[0]
    if len(step.results) != 1 or np.iscomplexobj(x.array):
        raise OutOfReach("eigenvectors of a matrix that is not symmetric, or complex, have no rule yet")
    found = _eigensystem(x.value)
    w = base(found.values)
    apart = np.abs(w.data[..., :, None] - w.data[..., None, :]) + np.diag(np.full(x.shape[-1], np.inf))
    run.note_border(apart.min(-1) <= 1e3 * (0.0 if w.error is None else w.error), x)

    def pull(g: list[Number | None]) -> list[Number | None]:
        if g[0] is None:
            return [None]
        weighted = multiply(t(found.inverted), move(g[0], lambda a: a[..., None, :]))
        return [each(mm(weighted, t(found.vectors)), lambda b: Bounded(np.real(b.data), b.error))]

    return run.record(xs, [found.values], [x.shape[:-1]], pull)


def _custom_linear_solve(run: Run, xs: list[Node], step: Step) -> list[Node]:
    """x with matvec(x) = b: by the matrix that the map multiplies with, or the map written out as one."""
    constants, b = xs[: step.params["const_lengths"].matvec], xs[sum(step.params["const_lengths"]) :]
    if len(b) != 1 or any(np.iscomplexobj(x.array) for x in (*constants, *b)):
        raise OutOfReach("this implicit linear solve has no rule yet")
    for matrix in constants:
        if matrix.is_number and len(matrix.shape) >= 2 and matrix.shape[-1] == matrix.shape[-2]:
            (y,) = matrix_function(inverse, _inverse_pull)(run, [matrix], step)
            for found in _products(run, y, b[0], step.results[0].dtype):
                (again,) = run.trace(step.bodies[0], [*constants, found])
                if np.allclose(again.array, b[0].array, rtol=1e-6, atol=1e-9 * np.max(np.abs(b[0].array), initial=0)):
                    return [found]
    return _written_out(run, constants, b[0], step)


def _products(run: Run, y: Node, b: Node, dtype: Any) -> Iterator[Node]:
    """A matrix (or a stack of them) times an array along each of its axes that fits."""
    stack = len(y.shape) - 2
    if y.shape[:stack] != b.shape[:stack]:
        return
    for axis in range(stack, len(b.shape)):
        if b.shape[axis] != y.shape[-1]:
            continue
        rest = [a for a in range(stack, len(b.shape)) if a != axis]
        shape = (*b.shape[:stack], b.shape[axis], *(b.shape[a] for a in rest))
        batch = tuple(range(stack))
        dims = {"dimension_numbers": (((stack + 1,), (axis,)), (batch, batch))}
        (found,) = run.apply("dot_general", [y, b], dims, [Result(shape, dtype)])
        order = np.argsort([*batch, axis, *rest]).tolist()
        yield run.apply("transpose", [found], {"permutation": order}, [Result(b.shape, dtype)])[0]


def _written_out(run: Run, constants: list[Node], b: Node, step: Step) -> list[Node]:
    dtype = step.results[0].dtype
    if (size := math.prod(b.shape)) > MAX_DENSE:
        raise OutOfReach(f"an implicit linear solve of {size} unknowns has no rule yet")
    columns = []
    for unit in np.eye(size):
        (column,) = run.trace(step.bodies[0], [*constants, run.constant(unit.reshape(b.shape))])
        columns += run.apply("reshape", [column], {}, [Result((size,), dtype)])
    (flat,) = run.apply("reshape", [b], {}, [Result((size,), dtype)])
    (y,) = matrix_function(inverse, _inverse_pull)(run, [stacked(run, columns, 1)], step)
    (found,) = product(run, y, flat, Result((size,), dtype))
    return run.apply("reshape", [found], {}, step.results)


def _qr(run: Run, xs: list[Node], step: Step) -> list[Node]:
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
        q, r = _qr(run, [block], Step(step.params, [Result((m, m), dtype)] * 2))
        dims = {"dimension_numbers": (((0,), (0,)), ((), ()))}
        (rest,) = run.apply("dot_general", [q, rest], dims, [Result((m, n - m), dtype)])
        return [q, *run.apply("concatenate", [r, rest], {"dimension": 1}, [Result((m, n), dtype)])]
    square = Result((n, n), dtype)
    signs = run.shared(Node(np.sign(np.diagonal(np.linalg.qr(a.array).R, axis1=-2, axis2=-1)), (n,), False))
    (gram,) = run.apply("dot_general", [a, a], {"dimension_numbers": (((0,), (0,)), ((), ()))}, [square])
    (factor,) = matrix_function(cholesky, _cholesky_pull)(run, [gram], step)
    (r,) = run.apply("transpose", [factor], {"permutation": (1, 0)}, [square])
    (r,) = product(run, run.constant(np.diag(signs)), r, square)
    (inverted,) = matrix_function(inverse, _inverse_pull)(run, [r], step)
    (q,) = product(run, a, inverted, Result((m, n), dtype))
    return [q, r]


def _svd(run: Run, xs: list[Node], step: Step) -> list[Node]:
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
    vectors, values = _eigh(run, [gram], Step({}, [Result((n, n), dtype), Result((n,), dtype)]))
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


LINEAR_ALGEBRA: Mapping[str, Rule] = {
    "inv": _inverse,
    "solve": _solve,
    "slogdet": _slogdet,
    "det": _det,
    "cholesky": _cholesky,
    "lu": _lu,
    "lu_pivots_to_permutation": _pivots_to_permutation,
    "triangular_solve": _triangular_solve,
    "eigh": _eigh,
    "eig": _eig,
    "custom_linear_solve": _custom_linear_solve,
    "qr": _qr,
    "svd": _svd,
}
"""Primitive to its rule."""
