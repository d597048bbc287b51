"""Matrix functions: values by LAPACK, derivatives by their differentials.

Sources: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"
(2008); I. Murray, "Differentiation of the Cholesky decomposition" (2016).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
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
    dot,
    dual,
    gather_sum,
    level,
    move,
    multiply,
    number,
    split,
    weigh,
)
from jaxdiff_magic.engines.reference.precise import is_finite, is_precise, nearest
from jaxdiff_magic.engines.reference.rules.movement import stacked
from jaxdiff_magic.engines.reference.run import Node, Result, Rule, RuleStep, Run, TotalRule

SOLVED = 1e-3
"""A linear solve whose code gives numbers so near to the solution, relatively, solves. A choice of three digits:
iterative solvers stop early; what does not solve is off by all of itself."""
MAX_DENSE = 400
"""An implicit linear map is written out as a matrix while it has no more rows than this. A choice of time: a row takes
a run of the map, and solving grows with the third power."""


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


def batched(f: Callable[[np.ndarray], Any], a: np.ndarray) -> np.ndarray:
    """A function of one matrix, for all of a stack; NaN where it fails."""
    flat = a.reshape(-1, *a.shape[-2:])
    found = np.full(flat.shape, np.nan, flat.dtype)
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
    if is_precise(b.data):
        return Bounded(batched(precise_functions.inverse, b.data))
    y = batched(np.linalg.inv, b.data)
    n = b.data.shape[-1]
    size = np.abs(y)
    spread = 4 * n * EPS * np.abs(b.data)
    if b.error is not None:
        spread = spread + b.error
    return Bounded(y, size @ spread @ size)


def inverse_pull(y: Number, g: Number) -> Number:
    """The adjoint of a matrix from that of its inverse y."""
    return -mm(t(y), g, t(y))


def matrix_function(f: Callable[[Number], Number], pull: Callable[[Number, Number], Number]) -> TotalRule:
    """A function of one square matrix (or a stack of them), and how its adjoint pulls back."""

    def rule(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
        x = xs[0]
        if np.iscomplexobj(x.array):
            raise OutOfReach("complex matrices have no rule yet")
        y = f(x.value)
        return run.record(xs[:1], [y], [x.shape], lambda g: [None if g[0] is None else pull(y, g[0])])

    return rule


def _inverse(run: Run, xs: list[Node], step: RuleStep) -> list[Node] | None:
    if (len(xs), len(step.results)) != (1, 1) or len(xs[0].shape) < 2 or xs[0].shape != step.results[0].shape:
        return None  # JAX keeps the name for a function's derivatives, whose operands and results are others
    return matrix_function(inverse, inverse_pull)(run, xs, step)


def _solve(run: Run, xs: list[Node], step: RuleStep) -> list[Node] | None:
    """jnp.linalg.solve(a, b) of a matrix and a vector: inv(a) @ b."""
    if (len(xs), len(step.results)) != (2, 1):
        return None
    a, b = xs
    if len(a.shape) != 2 or len(b.shape) != 1 or step.results[0].shape != b.shape:
        return None
    (y,) = matrix_function(inverse, inverse_pull)(run, [a], step)
    return product(run, y, b, step.results[0])


def product(run: Run, a: Node, b: Node, result: Result) -> list[Node]:
    """a @ b without batch axes."""
    dims = {"dimension_numbers": (((len(a.shape) - 1,), (0,)), ((), ()))}
    return run.apply("dot_general", [a, b], dims, [result])


def _slogdet(run: Run, xs: list[Node], step: RuleStep) -> list[Node] | None:
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
    if is_precise(b.data):
        flat = b.data.reshape(-1, *b.data.shape[-2:])
        values = np.array([precise_functions.determinant(m) for m in flat], object).reshape(b.data.shape[:-2])
        return np.sign(values), call("log", Bounded(np.abs(values)))
    sign, value = np.linalg.slogdet(b.data)
    y = np.abs(batched(np.linalg.inv, b.data))
    n = b.data.shape[-1]
    spread = 4 * n * EPS * np.abs(b.data) + (0.0 if b.error is None else b.error)
    error = (np.swapaxes(y, -1, -2) * spread).sum((-1, -2)) + 4 * EPS * np.abs(value)
    return sign, Bounded(value, error)


def _sum_all(x: Number) -> Number:
    return gather_sum(x, lambda a: a.sum((-1, -2)), math.prod(base(x).data.shape[-2:]))


def _det(run: Run, xs: list[Node], step: RuleStep) -> list[Node] | None:
    """Through log|det|, except for singular matrices and those whose determinant JAX writes out."""
    x = xs[0]
    if (len(xs), len(step.results)) != (1, 1) or len(x.shape) != 2 or x.shape[-1] <= 3 or np.iscomplexobj(x.array):
        return None
    pair = [step.results[0]] * 2
    found = _slogdet(run, xs, RuleStep({}, pair))
    if found is None or not is_finite(found[1].array).all():
        raise OutOfReach("the determinant of a singular matrix has no rule yet")
    sign, log = found
    (size,) = run.apply("exp", [log], {}, step.results)
    return run.apply("mul", [sign, size], {}, step.results)


def triangular_solve(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """op(a) x = b or x op(a) = b, of one triangle of a."""
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


def _tridiagonal_solve(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """a x = b, where row i of a holds the i-th elements of its three bands."""
    *bands, b = xs
    stack, (m, result) = b.shape[:-2], (b.shape[-2], step.results[0])
    whole, k = Result((*stack, m, m), result.dtype), len(stack)
    if not math.prod(whole.shape):
        return [run.constant(np.zeros(result.shape))]
    a = run.constant(np.zeros(whole.shape))
    for offset, band in zip((-1, 0, 1), bands, strict=True):
        rows = run.apply(
            "broadcast_in_dim", [band], {"shape": whole.shape, "broadcast_dimensions": tuple(range(k + 1))}, [whole]
        )
        mask = run.constant(np.broadcast_to(np.eye(m, k=offset), whole.shape))
        (a,) = run.apply("add", [a, *run.apply("mul", [*rows, mask], {}, [whole])], {}, [whole])
    (y,) = matrix_function(inverse, inverse_pull)(run, [a], RuleStep({}, [whole]))
    batch = tuple(range(k))
    return run.apply("dot_general", [y, b], {"dimension_numbers": (((k + 1,), (k,)), (batch, batch))}, step.results)


def _custom_linear_solve(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """x with matvec(x) = b: by the matrix that the map multiplies with, or the map written out as one."""
    constants, b = xs[: step.params["const_lengths"].matvec], xs[sum(step.params["const_lengths"]) :]
    if len(b) != 1 or any(np.iscomplexobj(x.array) for x in (*constants, *b)):
        raise OutOfReach("this implicit linear solve has no rule yet")
    for matrix in constants:
        if matrix.is_number and len(matrix.shape) >= 2 and matrix.shape[-1] == matrix.shape[-2]:
            (y,) = matrix_function(inverse, inverse_pull)(run, [matrix], step)
            for found in _products(run, y, b[0], step.results[0].dtype):
                (again,) = run.trace(step.bodies[0], [*constants, found])
                if _close(again.array, b[0].array):
                    return _as_written(run, xs, step, found)
    return _as_written(run, xs, step, *_written_out(run, constants, b[0], step))


def _as_written(run: Run, xs: list[Node], step: RuleStep, solution: Node) -> list[Node]:
    """The solution of a linear solve, or in JAX's program of a rule what its own code gives, where that is no solution.

    Of code that solves by iteration all but a part in 1e3 is taken for solved.
    """
    lengths, maps = step.params["const_lengths"], step.params["jaxprs"]
    begin = lengths.matvec + lengths.vecmat
    operands = [*xs[begin : begin + lengths.solve], *xs[sum(lengths) :]]
    body = step.bodies[sum(part is not None for part in (maps.matvec, maps.vecmat))]
    if not run.as_written or any(x.shape != v.shape for x, v in zip(operands, body.inputs, strict=True)):
        return [solution]  # operands that nothing else reads have not been computed
    try:
        given = run.trace(body, operands)[0]
    except OutOfReach:
        return [solution]
    right, own = nearest(solution.array), nearest(given.array)
    size = np.max(np.abs(right), initial=0.0)
    return [given if np.any(np.abs(own - right) > SOLVED * size) else solution]


def _close(found: np.ndarray, wanted: np.ndarray) -> bool:
    found, wanted = nearest(found), nearest(wanted)
    return np.allclose(found, wanted, rtol=1e-6, atol=1e-9 * np.max(np.abs(wanted), initial=0))


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


def _written_out(run: Run, constants: list[Node], b: Node, step: RuleStep) -> list[Node]:
    dtype = step.results[0].dtype
    if (size := math.prod(b.shape)) > MAX_DENSE:
        raise OutOfReach(f"an implicit linear solve of {size} unknowns has no rule yet")
    columns = []
    for unit in np.eye(size):
        (column,) = run.trace(step.bodies[0], [*constants, run.constant(unit.reshape(b.shape))])
        columns += run.apply("reshape", [column], {}, [Result((size,), dtype)])
    (flat,) = run.apply("reshape", [b], {}, [Result((size,), dtype)])
    (y,) = matrix_function(inverse, inverse_pull)(run, [stacked(run, columns, 1)], step)
    (found,) = product(run, y, flat, Result((size,), dtype))
    return run.apply("reshape", [found], {}, step.results)


LINEAR_ALGEBRA: Mapping[str, Rule] = {
    "inv": _inverse,
    "solve": _solve,
    "slogdet": _slogdet,
    "det": _det,
    "triangular_solve": triangular_solve,
    "tridiagonal_solve": _tridiagonal_solve,
    "custom_linear_solve": _custom_linear_solve,
}
"""Primitive to its rule."""
