"""Whether a strategy gives the same numbers as the plain mode, or, where that is too large, the same products."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.sparse import BCOO

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.cost.structure.strategy import Strategy, dense
from jaxdiff_magic.cost.structure.verified_products import directions, forward_product, point_of, reverse_product
from jaxdiff_magic.subject.subject import Subject

ULPS = 100
"""Two orders of the same additions may differ by so many units in the last place of the largest entry. A choice of two
digits: rounding of a sum grows with its terms, and an entry in a wrong place is off by all of itself."""
NEARBY = 0.01
"""A second point, where no input is zero or one by accident, is this far away, by an input's size or 1. A choice: far
enough for every number to change, near enough to stay in the domain."""


def verified(subject: Subject, strategy: Strategy, plain: Strategy | None, seed: int = 0) -> tuple[str, str]:
    """Compare a strategy's numbers at the point and at one near it, where entries are not zero by accident.

    Args:
        subject: what is differentiated; JAX can trace it.
        strategy: a feasible one.
        plain: a feasible plain mode; None to compare products in random directions.
        seed: of the second point and the directions.

    Returns:
        With what the numbers agree, in words, and ""; or "" and how they differ.
    """
    program = jax.jit(strategy.build())
    reference = jax.jit(plain.build()) if plain is not None else None
    for place, leaves in _points(subject, seed):
        found = program(*leaves)
        if reference is not None:
            worst = _difference(dense(found), reference(*leaves))
        else:
            worst = _product_difference(subject, strategy, found, leaves, seed)
        if worst > ULPS:
            other = f"{plain.name} mode" if plain is not None else "products in random directions"
            return "", f"its numbers {place} differ from those of {other} by {worst:.2g} units in the last place"
    if plain is not None:
        return f"the same numbers as {plain.name}, at the point and at one near it", ""
    return "the same products in random directions, at the point and at one near it", ""


def confirmed(
    subject: Subject, strategy: Strategy, reference: Strategy | None, deadline: float, *, late: bool = False
) -> Strategy:
    """A strategy that is feasible only where its numbers are right; unverified after the deadline.

    Args:
        late: whether one of few passes is compared even then, by products: it was found, and it is what to use.
    """
    if strategy.infeasible or (passed(deadline) and not late):
        return strategy
    agrees, differs = verified(subject, strategy, reference if not passed(deadline) else None)
    return replace(strategy, verified=agrees, infeasible=differs)


def _points(subject: Subject, seed: int) -> Iterator[tuple[str, list[jax.Array]]]:
    point = point_of(subject)
    yield "at the point", point
    moved = zip(point, directions(point, seed), strict=True)
    yield "near the point", [x + (NEARBY * jnp.maximum(jnp.abs(x), 1) * v).astype(x.dtype) for x, v in moved]


def _difference(found: Any, expected: Any) -> float:
    """The largest difference of two derivatives, in units in the last place of the largest entry of its block."""
    pairs = zip(jax.tree_util.tree_leaves(found), jax.tree_util.tree_leaves(expected), strict=True)
    return max((_ulps(np.asarray(a), np.asarray(b)) for a, b in pairs), default=0.0)


def _ulps(found: np.ndarray, expected: np.ndarray, scale: np.ndarray | float | None = None) -> float:
    eps = float(jnp.finfo(expected.dtype).eps)
    a, b = found.astype(float), expected.astype(float)
    if a.shape != b.shape:
        return np.inf
    if scale is None:
        scale = float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b)))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(same, 0.0, np.abs(a - b) / (eps * np.asarray(scale)))
    return float(np.max(np.where(np.isnan(error), np.inf, error), initial=0.0))


def _product_difference(subject: Subject, strategy: Strategy, found: Any, leaves: Sequence[Any], seed: int) -> float:
    """Like `_difference`, of products J v or u' J, beside |J| |v|, whose rounding it is."""
    blocks = found if strategy.what == "jacobian" else found[0]
    reverse = (product := forward_product(subject, strategy.what)) is None
    if reverse:
        product = reverse_product(subject, strategy.what)
    if product is None:  # as of a loop, which has no gradient in reverse
        reverse, product = False, forward_product(subject, strategy.what, "jax.jacfwd")
    if product is None:
        return np.inf
    outputs = subject.outputs if strategy.what == "jacobian" else subject.inputs
    space, results = (outputs, subject.inputs) if reverse else (subject.inputs, outputs)
    worst = 0.0
    for k in range(2):
        along = directions(space, seed + 1 + k)
        expected = jax.jit(product)(leaves, along)
        for r, one in enumerate(expected):
            own, size = np.zeros(results[r].size), np.zeros(results[r].size)
            for s, v in enumerate(along):
                block = blocks[s][r] if reverse else blocks[r][s]
                rows, cols, data = _entries(block, (outputs[s] if reverse else outputs[r]).size)
                rows, cols = (cols, rows) if reverse else (rows, cols)
                terms = data * np.asarray(v, float).ravel()[cols]
                np.add.at(own, rows, terms)
                np.add.at(size, rows, np.abs(terms))
            one = np.asarray(one).ravel()
            largest = np.maximum(size, np.max(size, initial=0.0) * 1e-3)
            worst = max(worst, _ulps(own.astype(one.dtype), one, largest))
    return worst


def _entries(block: Any, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and numbers of a block as a matrix of `height` rows."""
    if isinstance(block, BCOO):
        places = (
            np.ravel_multi_index(tuple(np.asarray(block.indices).T), block.shape) if block.ndim else np.zeros(1, int)
        )
        data = np.asarray(block.data, float)
    else:
        data = np.asarray(block, float).ravel()
        places = np.arange(data.size)
    width = int(np.prod(block.shape, dtype=int)) // max(height, 1)
    rows, cols = np.divmod(places, max(width, 1))
    return rows, cols, data
