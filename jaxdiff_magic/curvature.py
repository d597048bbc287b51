"""What the Hessian of a scalar function says at a point: eigenvalues, definiteness, Newton step."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.leaves import Leaf
from jaxdiff_magic.report import Curvature

STATIONARY_ULP = 64
"""A gradient of this many roundings of the terms it is made of counts as zero."""

POINT_KINDS = {"positive definite": "minimum", "negative definite": "maximum", "indefinite": "saddle"}
"""What a stationary point is when the Hessian decides it (the second-derivative test)."""


def curvature_of(
    gradient: Sequence[np.ndarray],
    hessian: Sequence[Sequence[np.ndarray]],
    leaves: Sequence[Leaf],
    point: Sequence[np.ndarray],
) -> Curvature:
    """Definiteness of a Hessian, the kind of point it is taken at, and the Newton step.

    Args:
        gradient: one array per input leaf, of its shape, in the dtype in which it was computed.
        hessian: blocks [i][j] of shape `leaves[i].shape + leaves[j].shape`.
        leaves: the input leaves.
        point: their values, which set the scale on which a gradient is zero.

    An eigenvalue counts as zero within `n * eps * max|eigenvalue|` (Weyl: rounding the entries of a symmetric matrix
    moves its eigenvalues by no more than that), eps being that of the coarsest dtype among the blocks.

    Example:
        x0**2 + x0*x1 + 2*x1**2 has eigenvalues 3 - sqrt(2) and 3 + sqrt(2): positive definite.
    """
    sizes = [leaf.size for leaf in leaves]
    n = sum(sizes)
    eps = max(float(jnp.finfo(np.asarray(block).dtype).eps) for row in hessian for block in row)
    g = _join(gradient)
    h = np.block(
        [
            [np.asarray(block, np.float64).reshape(rows, columns) for block, columns in zip(row, sizes, strict=True)]
            for row, rows in zip(hessian, sizes, strict=True)
        ]
    )
    if not (np.isfinite(h).all() and np.isfinite(g).all()):
        return Curvature(
            eigenvalues=np.full(n, np.nan),
            definiteness="undecided",
            point_kind="undecided",
            condition=float("nan"),
            newton_step=None,
            symmetry_defect=float("nan"),
            note="The gradient or the Hessian has entries that are not finite.",
        )
    eigenvalues, vectors = np.linalg.eigh((h + h.T) / 2)
    magnitudes = np.abs(eigenvalues)
    tolerance = n * eps * magnitudes.max()
    definiteness = _definiteness(eigenvalues, tolerance)
    singular = bool(magnitudes.min() <= tolerance)
    x = _join(point)
    with np.errstate(invalid="ignore"):  # infinite inputs
        stationary = bool(np.all(np.abs(g) <= STATIONARY_ULP * eps * (np.abs(h) @ np.abs(x))))
    step = None if singular else -vectors @ ((vectors.T @ g) / eigenvalues)
    return Curvature(
        eigenvalues=eigenvalues,
        definiteness=definiteness,
        point_kind=POINT_KINDS.get(definiteness, "undecided") if stationary else "not stationary",
        condition=float("inf") if singular else float(magnitudes.max() / magnitudes.min()),
        newton_step=None if step is None else _split(step, leaves),
        symmetry_defect=float(np.abs(h - h.T).max()),
        note=" ".join(_notes(definiteness, stationary, singular, step, g, eps)),
    )


def _definiteness(eigenvalues: np.ndarray, tolerance: float) -> str:
    positive, negative = bool(eigenvalues[-1] > tolerance), bool(eigenvalues[0] < -tolerance)
    if positive and negative:
        return "indefinite"
    if not positive and not negative:
        return "zero"
    sign, nearest = ("positive", eigenvalues[0]) if positive else ("negative", eigenvalues[-1])
    return f"{sign} {'definite' if abs(nearest) > tolerance else 'semidefinite'}"


def _notes(
    definiteness: str, stationary: bool, singular: bool, step: np.ndarray | None, g: np.ndarray, eps: float
) -> list[str]:
    notes = []
    if definiteness == "zero":
        notes.append("The Hessian is zero here, which says nothing about the shape of the function nearby.")
    elif definiteness.endswith("semidefinite"):
        notes.append("Some eigenvalues are zero within rounding: the function may be flat in their directions.")
        if stationary:
            notes.append("The Hessian alone cannot decide the kind of this point; higher derivatives can.")
    if singular and definiteness != "zero":
        notes.append("The Hessian is singular within rounding: there is no Newton step.")
    if step is not None and not stationary and step @ g >= 0:
        notes.append("The Newton step does not go downhill here: it heads for a saddle or a maximum.")
    if eps > np.finfo(np.float64).eps:
        notes.append(f"Eigenvalues are known to about {eps:.0e} of the largest, the rounding of the dtype.")
    return notes


def _join(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.asarray(part, np.float64).ravel() for part in parts])


def _split(flat: np.ndarray, leaves: Sequence[Leaf]) -> tuple[np.ndarray, ...]:
    ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
    return tuple(part.reshape(leaf.shape) for part, leaf in zip(np.split(flat, ends), leaves, strict=True))
