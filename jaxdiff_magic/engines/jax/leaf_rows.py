"""The numbers of each leaf: its norm, that of its gradient, and how much of that is zero or not finite."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from jaxdiff_magic.engines.jax.products.vectors import dot, length_of, norm, stays
from jaxdiff_magic.engines.jax.values import Nested
from jaxdiff_magic.report import CheckEntry
from jaxdiff_magic.report.leaves import LeafRow, module_of, ratio_of, worst_of
from jaxdiff_magic.report.matrix_free import Estimate
from jaxdiff_magic.subject.leaves import Leaf

MOST_RESTARTS = 300
"""Lanczos iterations are given up after so many restarts. A choice: some dozens are the rule."""


def leaf_rows(
    inputs: Sequence[Leaf], point: Sequence[Any], jacobian: Nested | None, entries: Sequence[CheckEntry]
) -> tuple[LeafRow, ...]:
    """One row for each input leaf.

    Args:
        inputs: the leaves.
        point: their values, which stay on their devices where they are large.
        jacobian: blocks `[o][i]`; None where JAX has none.
        entries: of the check.
    """
    columns = [None] * len(inputs) if jacobian is None else list(zip(*jacobian, strict=True))
    return tuple(_row(*given, entries) for given in zip(inputs, point, columns, strict=True))


def _row(leaf: Leaf, value: Any, blocks: Sequence[Any] | None, entries: Sequence[CheckEntry]) -> LeafRow:
    parameter = length_of(value)
    gradient = zeros = nonfinite = None
    if blocks is not None:
        gradient = float(np.linalg.norm([length_of(block) for block in blocks]))
        if leaf.size and any(np.size(block) for block in blocks):
            counts = _counts(leaf, blocks)
            zeros, nonfinite = counts[0] / leaf.size, counts[1]
        else:
            nonfinite = 0
    return LeafRow(
        name=leaf.name,
        module=module_of(leaf.name),
        shape=leaf.shape,
        dtype=leaf.dtype,
        size=leaf.size,
        parameter=parameter,
        gradient=gradient,
        ratio=ratio_of(gradient, parameter),
        zeros=zeros,
        nonfinite=nonfinite,
        outcome=outcome_of(leaf, entries),
    )


def outcome_of(leaf: Leaf, entries: Iterable[CheckEntry]) -> str:
    """What the check says of the first derivative by one leaf: the worst of the entries that are about it alone.

    These are entries by an element of the leaf, `x[0, 2]`, and those along a direction within it, `x·v`.
    """
    element = re.compile(
        re.escape(leaf.name) + (r"\[\d+" + r", \d+" * (len(leaf.shape) - 1) + r"\]" if leaf.shape else "")
    )
    along = f"{leaf.name}·v"
    return worst_of(
        entry.outcome
        for entry in entries
        if entry.what in ("gradient", "jacobian")
        and len(entry.inputs) == 1
        and (entry.inputs[0] == along or element.fullmatch(entry.inputs[0]))
    )


def _counts(leaf: Leaf, blocks: Sequence[Any]) -> tuple[int, int]:
    """How many elements of a leaf move nothing, and how many have a derivative that is not finite."""
    if len(blocks) == 1 and np.size(blocks[0]) == leaf.size and stays(blocks[0]):
        return tuple(map(int, _counted(jnp.asarray(blocks[0]))))  # type: ignore[return-value]
    rows = np.concatenate([np.asarray(block).astype(np.float64).reshape(-1, leaf.size) for block in blocks])
    return int((~rows.any(axis=0)).sum()), int((~np.isfinite(rows)).any(axis=0).sum())


@jax.jit
def _counted(array: jax.Array) -> tuple[jax.Array, jax.Array]:
    return jnp.sum(array == 0), jnp.sum(~jnp.isfinite(array))


def bend_along(gradient: Sequence[Any], product: Sequence[Any]) -> Estimate | None:
    """g'Hg / g'g, the curvature of a scalar function along its gradient g, from g and Hg.

    The error is that of the rounding of Hg, each number to its dtype. None where the gradient is 0 or not finite.
    """
    g, h = tuple(gradient), tuple(product)
    length, along, size = norm(g), dot(g, h), norm(h)
    if not 0 < length < np.inf or not np.isfinite(size):
        return None
    eps = max(float(jnp.finfo(block.dtype).eps) for block in h)
    return Estimate(along / length**2, eps * sum(map(np.size, h)) ** 0.5 * size / length)


def spectrum_of(hessian: np.ndarray, eps: float) -> tuple[Estimate | None, Estimate | None]:
    """Largest eigenvalue and trace of a Hessian that was built; None where it is not finite.

    Args:
        hessian: shape (n, n), n > 1, float64.
        eps: of the dtype in which its entries were computed.

    The eigenvalue is found by Lanczos iterations. It is off by no more than the residual (Parlett, The Symmetric
    Eigenvalue Problem, theorem 4.5.1) and the rounding of the entries, the norm of which is below eps |H| in the
    Frobenius norm (Weyl); that there is no larger one is likely from a random start, not certain.
    """
    if not np.isfinite(hessian).all():
        return None, None
    symmetric = (hessian + hessian.T) / 2
    trace = Estimate(float(np.trace(symmetric)), eps * float(np.abs(np.diag(symmetric)).sum()))
    start = np.random.default_rng(len(symmetric)).normal(size=len(symmetric))
    try:
        (value,), vectors = eigsh(symmetric, k=1, which="LA", v0=start, maxiter=MOST_RESTARTS)
    except ArpackNoConvergence:
        return None, trace
    residual = float(np.linalg.norm(symmetric @ vectors[:, 0] - value * vectors[:, 0]))
    return Estimate(float(value), residual + eps * float(np.linalg.norm(symmetric))), trace
