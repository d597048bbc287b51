"""The trace and the diagonal of a symmetric matrix of which only products are known, estimated by random signs.

For a vector z of random signs, z' H z has the trace for its mean (M. F. Hutchinson, 1989), and z * (H z) the diagonal
(C. Bekas, E. Kokiopoulou and Y. Saad, 2007). Where the matrix is diagonal every z gives both exactly.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.engines.jax.products.vectors import Vector, dot, drawn, norm
from jaxdiff_magic.report.matrix_free import Estimate

FEWEST = 2
"""A standard error takes two probes."""


def trace_of(
    product: Callable[[Vector], Vector], like: Vector, key: jax.Array, probes: int, deadline: float
) -> tuple[Estimate, int]:
    """The trace and its standard error, and how many products that took.

    Args:
        product: multiplies the matrix by a vector.
        like: a vector whose shapes, dtypes and shardings the probes take.
        key: of the random signs.
        probes: how many there are at most.
        deadline: the instant (`budget.now`) after which there are no more than the fewest.
    """
    found: list[float] = []
    rounding = 0.0
    for k in jax.random.split(key, probes):
        z = drawn(jax.random.rademacher, k, like)
        image = product(z)
        found.append(dot(z, image))
        rounding = float(jnp.finfo(image[0].dtype).eps) * norm(z) * norm(image)
        if passed(deadline) and len(found) >= FEWEST:
            break
    error = float(np.std(found, ddof=1) / len(found) ** 0.5)
    return Estimate(float(np.mean(found)), error + rounding), len(found)


def diagonal_of(
    product: Callable[[Vector], Vector], like: Vector, key: jax.Array, probes: int
) -> tuple[Vector, Vector]:
    """The diagonal and its standard error, entry by entry; arguments as for `trace_of`."""
    mean = tuple(jnp.zeros_like(x) for x in like)
    squares = tuple(jnp.zeros_like(x) for x in like)
    for count, k in enumerate(jax.random.split(key, probes), start=1):
        z = drawn(jax.random.rademacher, k, like)
        mean, squares = _updated(mean, squares, z, product(z), count)
    return mean, tuple(jnp.sqrt(s / (probes * (probes - 1))) for s in squares)


@jax.jit
def _updated(mean: Vector, squares: Vector, z: Vector, image: Vector, count: int) -> tuple[Vector, Vector]:
    """Running means and sums of squared deviations (B. P. Welford, 1962)."""
    off = [a * b - m for a, b, m in zip(z, image, mean, strict=True)]
    new = tuple(m + (d / count).astype(m.dtype) for m, d in zip(mean, off, strict=True))
    rest = [a * b - m for a, b, m in zip(z, image, new, strict=True)]
    return new, tuple(s + d * r for s, d, r in zip(squares, off, rest, strict=True))
