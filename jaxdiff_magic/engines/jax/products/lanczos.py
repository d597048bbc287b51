"""The extreme eigenvalues of a symmetric matrix of which only products are known, with bounds.

Lanczos' method (C. Lanczos, 1950; G. H. Golub and C. F. Van Loan, "Matrix Computations", 4th ed., chapter 10). Whatever
rounding does to it, a vector y comes out, and for every y there is an eigenvalue within |H y - t y| / |y| of its
Rayleigh quotient t = y' H y / y' y. That t lies between the smallest and the largest eigenvalue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import eigh_tridiagonal

from jaxdiff_magic.base.budget import left, now
from jaxdiff_magic.engines.jax.products.vectors import Vector, dot, norm, plus, plus_in_place, scaled, scaled_in_place
from jaxdiff_magic.report.matrix_free import Estimate

MAX_VECTORS = 64
"""At most so many vectors span the space in which eigenvectors are looked for. A choice of time: each takes a
product."""
TOLERANCE = 1e-4
"""Good enough: an eigenvalue known to this part of the largest. A choice of four digits."""
MAX_BASIS_BYTES = 128_000_000
"""The vectors are kept, and made orthogonal to each other again, while they need no more memory than this. A choice of
memory: 64 vectors of 250,000 float64s."""
SAFETY = 16.0
"""How many roundings of the largest eigenvalue a product with the matrix may be off, relative to its length. A choice
of four bits, as in the check."""

Product = Callable[[Vector], Vector]


@dataclass(frozen=True)
class Extremes:
    """The smallest and the largest eigenvalue that were found, and how many products that took; None if not finite."""

    smallest: Estimate | None
    largest: Estimate | None
    passes: int


def _pairs(diagonal: Any, beside: Any) -> tuple[np.ndarray, np.ndarray]:
    """Ritz values, ascending, and vectors in columns, of the tridiagonal matrix in the basis of Krylov vectors."""
    values, vectors = eigh_tridiagonal(np.asarray(diagonal), np.asarray(beside))
    return np.asarray(values), np.asarray(vectors)


def extremes_of(
    product: Product,
    draw: Callable[[], Vector],
    deadline: float,
    params: tuple[Vector, Callable[..., Vector]] | None = None,
) -> Extremes:
    """Smallest and largest eigenvalue of a symmetric matrix.

    Args:
        product: multiplies it by a vector.
        draw: gives a random vector, the same one each time, so that it need not be kept: an eigenvector that it has no
            part in would be missed.
        deadline: the instant (`budget.now`) by which it should be done; a few products are made in any case.
        params: the point and the product as a traceable function of it and a vector, where there is one: then the
            vectors are kept while they fit.

    Memory: 6 vectors besides what a product takes, or `MAX_BASIS_BYTES`.
    """
    started, start = now(), draw()
    first = product(start)
    jax.block_until_ready(first)
    begun = now()
    compiling = begun - started
    jax.block_until_ready(product(start))
    seconds = now() - begun
    if not np.isfinite(dot(first, start)):
        return Extremes(None, None, 2)
    del first
    size = sum(x.size for x in start)
    left = max(deadline - started, 0.0)
    steps = max(2, min(MAX_VECTORS, size, int(left / max(3 * seconds, 1e-9))))
    needed = (steps + 4) * sum(x.nbytes for x in start)
    eps = max(float(jnp.finfo(x.dtype).eps) for x in start)
    one_dtype = len({x.dtype for x in start}) == 1
    del start
    may_compile = 2 * compiling < deadline - begun
    if params is not None and needed <= MAX_BASIS_BYTES and one_dtype and may_compile:
        vectors, passes = _with_basis(*params, draw(), steps)
    else:
        vectors, passes = _by_recurrence(product, draw, min(MAX_VECTORS, size), deadline)
    found = [] if vectors is None else [_rayleigh(product, vectors.pop(0)) for _ in range(2)]
    if not found or not all(np.isfinite([end.value, end.error]).all() for end in found):
        return Extremes(None, None, passes + 2)
    rounding = SAFETY * eps * max(abs(end.value) for end in found)
    ends = [Estimate(end.value, end.error + rounding) for end in found]
    low, high = sorted(ends, key=lambda end: end.value)
    return Extremes(low, high, passes + 4)


def _with_basis(
    point: Vector, product: Callable[..., Vector], start: Vector, steps: int
) -> tuple[list[Vector] | None, int]:
    """Both Ritz vectors out of a basis that is kept orthogonal: matfree's tridiagonalisation."""
    from matfree import decomp

    @jax.jit
    def decomposed(point: Vector, start: Vector) -> tuple[Vector, jax.Array]:
        run = decomp.tridiag_sym(steps, reortho="full", materialize=True, custom_vjp=False)
        found = run(lambda v, x: product(x, v), start, point)
        return found.Q_tall, found.J_small  # pyright: ignore[reportReturnType]

    basis, small = decomposed(point, start)
    t = np.asarray(small, np.float64)
    diagonal, beside = np.diagonal(t), np.diagonal(t, 1)
    scale = np.max(np.abs(diagonal[np.isfinite(diagonal)]), initial=0.0)
    # where the space is exhausted, what follows is made of rounding, or of 0 / 0
    good = np.isfinite(diagonal[1:]) & np.isfinite(beside) & (np.abs(beside) > np.finfo(np.float32).eps * scale)
    kept = 1 + (int(np.argmin(good)) if not good.all() else len(good))
    if not np.isfinite(diagonal[0]):
        return None, steps
    _, vectors = _pairs(diagonal[:kept], beside[: kept - 1])
    ends = [tuple(_combined(q[:kept], vectors[:, k].astype(q.dtype)) for q in basis) for k in (0, -1)]
    return ends, steps


@jax.jit
def _combined(basis: jax.Array, weights: jax.Array) -> jax.Array:
    return jnp.tensordot(weights, basis, axes=1)


def _by_recurrence(
    product: Product, draw: Callable[[], Vector], steps: int, deadline: float
) -> tuple[list[Vector] | None, int]:
    """Both Ritz vectors without keeping the basis: the recurrence is run twice, the second time to add them up.

    Rounding makes such a basis lose its orthogonality, which gives copies of eigenvalues that have converged and does
    no harm to the extreme ones (C. C. Paige, 1980).
    """
    diagonal: list[float] = []
    beside: list[float] = []
    started = now()
    q, before, beta = _unit(draw()), None, 0.0
    for _ in range(steps):
        w = product(q)
        alpha = dot(q, w)
        w = _next(w, q, before, alpha, beta)
        diagonal.append(alpha)
        before, beta = q, norm(w)
        if not np.isfinite(beta):
            return None, len(diagonal)
        if _is_done(diagonal, beside, beta) or now() - started > left(deadline):  # the second run takes as long
            break
        q = scaled_in_place(w, 1 / beta)
        beside.append(beta)
        del w
    beside = beside[: len(diagonal) - 1]
    del q, before
    _, vectors = _pairs(diagonal, beside)
    ends = _added_up(product, draw, diagonal, beside, vectors[:, [0, -1]])
    return ends, 2 * len(diagonal) - 1


def _unit(a: Vector) -> Vector:
    return scaled(a, 1 / norm(a))


def _next(w: Vector, q: Vector, before: Vector | None, alpha: float, beta: float) -> Vector:
    return plus_in_place(w, -alpha, q) if before is None else plus_in_place(w, -alpha, q, -beta, before)


def _is_done(diagonal: Sequence[float], beside: Sequence[float], last: float) -> bool:
    """Whether both ends are known well enough, or the space is exhausted: `last` leads out of it."""
    values, vectors = _pairs(diagonal, beside)
    scale = float(np.max(np.abs(values)))
    bounds = last * np.abs(vectors[-1, [0, -1]])
    return bool(last <= np.finfo(np.float32).eps * scale or (bounds <= TOLERANCE * scale).all())


def _added_up(
    product: Product,
    draw: Callable[[], Vector],
    diagonal: Sequence[float],
    beside: Sequence[float],
    weights: np.ndarray,
) -> list[Vector]:
    """The Ritz vectors, in a second run of the recurrence with the numbers of the first."""
    q, before = _unit(draw()), None
    ends = [scaled(q, weight) for weight in weights[0]]
    for k, beta in enumerate(beside):
        w = _next(product(q), q, before, diagonal[k], beside[k - 1] if k else 0.0)
        before, q = q, scaled_in_place(w, 1 / beta)
        del w
        ends = [plus_in_place(end, weight, q) for end, weight in zip(ends, weights[k + 1], strict=True)]
    return ends


def _rayleigh(product: Product, y: Vector) -> Estimate:
    """The Rayleigh quotient of a vector, and within what distance of it there is an eigenvalue."""
    length = norm(y)
    image = product(y)
    quotient = dot(y, image) / length**2
    return Estimate(quotient, norm(plus(image, -quotient, y)) / length)
