"""What the Hessian of a scalar function says at a point: eigenvalues, definiteness, Newton step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.budget import within
from jaxdiff_magic.report import Check, Curvature, Finding
from jaxdiff_magic.subject.leaves import Leaf, joined, matrix_of, parted

STATIONARY_ULP = 64
"""A gradient of this many roundings of the terms it is made of counts as zero. A choice of six bits, for sums of some
dozens of terms."""

POINT_KINDS = {"positive definite": "minimum", "negative definite": "maximum", "indefinite": "saddle"}
"""What a stationary point is when the Hessian decides it (the second-derivative test)."""

NEGLIGIBLE = 1e-3
"""A Hessian that rounding could make all of counts as zero while it is this part of |gradient| / |x|; a larger one is
unknown. A choice of three digits."""

SAMPLE = 256
"""The eigenvalues of a larger Hessian are begun only if the time for a corner of this size says that they fit. A
choice: they take some milliseconds (2 when it was tried)."""


def curvature_of(
    gradient: Sequence[np.ndarray],
    hessian: Sequence[Sequence[np.ndarray]],
    leaves: Sequence[Leaf],
    point: Sequence[np.ndarray],
    *,
    doubt: str = "",
    errors: np.ndarray | None = None,
    deadline: float = float("inf"),
) -> Curvature:
    """Definiteness of a Hessian, the kind of point it is taken at, and the Newton step.

    Args:
        gradient: one array per input leaf, of its shape, in the dtype in which it was computed.
        hessian: blocks [i][j] of shape `leaves[i].shape + leaves[j].shape`.
        leaves: the input leaves.
        point: their values, which set the scale on which a gradient is zero.
        doubt: why this Hessian says nothing about the function, as `doubt_of` gives it; "" where it does.
        errors: bounds on the rounding of its entries, shape (n, n); None where none are known.
        deadline: the instant (`budget.now`) by which eigenvalues should be there.

    An eigenvalue counts as zero within `n * eps * max|eigenvalue|`, eps being that of the coarsest dtype among the
    blocks, and within the norm of `errors` and of half the asymmetry (Weyl: a change E of a symmetric matrix moves its
    eigenvalues by no more than |E|, which the largest sum of a row bounds).

    Example:
        x0**2 + x0*x1 + 2*x1**2 has eigenvalues 3 - sqrt(2) and 3 + sqrt(2): positive definite.
    """
    n = sum(leaf.size for leaf in leaves)
    eps = max(float(jnp.finfo(np.asarray(block).dtype).eps) for row in hessian for block in row)
    g = joined(gradient)
    h = matrix_of(hessian, leaves, leaves)
    if not (np.isfinite(h).all() and np.isfinite(g).all()):
        return _undecided(n, float("nan"), "The gradient or the Hessian has entries that are not finite.")
    asymmetry = np.abs(h - h.T)
    defect = float(asymmetry.max())
    symmetric = (h + h.T) / 2
    seconds = _seconds(symmetric)
    if seconds and within(seconds) > deadline:
        why = f"The eigenvalues of {n:,} inputs take about {seconds:.0f} s, which the budget does not leave."
        return _undecided(n, defect, f"{why} {doubt}".strip())
    eigenvalues, x = np.linalg.eigvalsh(symmetric), joined(point)
    spectrum = _Spectrum(eigenvalues, eps, _tolerance(eigenvalues, eps, asymmetry, errors))
    if spectrum.is_rounding and spectrum.largest > NEGLIGIBLE * np.max(np.abs(g)) / (np.max(np.abs(x)) or 1.0):
        doubt = doubt or "Rounding may take all digits of this Hessian: it says nothing of the shape of the function."
    if doubt:
        return Curvature(eigenvalues, "undecided", "undecided", spectrum.condition, None, defect, note=doubt)
    with np.errstate(invalid="ignore"):  # infinite inputs
        stationary = bool(np.all(np.abs(g) <= STATIONARY_ULP * eps * (np.abs(h) @ np.abs(x))))
    return _decided(spectrum, symmetric, g, leaves, stationary, defect)


@dataclass(frozen=True)
class _Spectrum:
    """The eigenvalues of a Hessian, and what rounding leaves of them.

    Attributes:
        eigenvalues: in ascending order.
        eps: of the dtype in which the Hessian was computed.
        tolerance: within which an eigenvalue is zero.
    """

    eigenvalues: np.ndarray
    eps: float
    tolerance: float

    @property
    def largest(self) -> float:
        return float(np.abs(self.eigenvalues).max())

    @property
    def is_rounding(self) -> bool:
        """Whether all of them may be."""
        return self.largest <= self.tolerance

    @property
    def is_singular(self) -> bool:
        return bool(np.abs(self.eigenvalues).min() <= self.tolerance)

    @property
    def condition(self) -> float:
        """The largest by the smallest, in magnitude."""
        return float("inf") if self.is_singular else self.largest / float(np.abs(self.eigenvalues).min())

    @property
    def definiteness(self) -> str:
        positive = bool(self.eigenvalues[-1] > self.tolerance)
        negative = bool(self.eigenvalues[0] < -self.tolerance)
        if positive and negative:
            return "indefinite"
        if not positive and not negative:
            return "zero"
        sign, nearest = ("positive", self.eigenvalues[0]) if positive else ("negative", self.eigenvalues[-1])
        return f"{sign} {'definite' if abs(nearest) > self.tolerance else 'semidefinite'}"


def _tolerance(eigenvalues: np.ndarray, eps: float, asymmetry: np.ndarray, errors: np.ndarray | None) -> float:
    """Within which an eigenvalue counts as zero: see `curvature_of`."""
    known = errors is not None and np.isfinite(errors).all()
    rounding = len(eigenvalues) * eps * float(np.abs(eigenvalues).max())
    return max(rounding, _norm(asymmetry) / 2, _norm(errors) if errors is not None and known else 0.0)


def _decided(
    spectrum: _Spectrum, h: np.ndarray, g: np.ndarray, leaves: Sequence[Leaf], stationary: bool, defect: float
) -> Curvature:
    """What a Hessian of which eigenvalues are known says, with the Newton step where it is regular."""
    definiteness, condition, eps = spectrum.definiteness, spectrum.condition, spectrum.eps
    step = None if spectrum.is_singular else -np.linalg.solve(h, g)
    descends = None
    if step is not None and not stationary:
        descends = _descends(definiteness, g, step, len(g) * eps * condition)
    return Curvature(
        eigenvalues=spectrum.eigenvalues,
        definiteness=definiteness,
        point_kind=POINT_KINDS.get(definiteness, "undecided") if stationary else "not stationary",
        condition=condition,
        newton_step=None if step is None else parted(step, leaves),
        symmetry_defect=defect,
        descends=descends,
        note=" ".join(_notes(definiteness, stationary, spectrum.is_singular, descends, eps)),
    )


def doubt_of(check: Check, findings: Sequence[Finding]) -> str:
    """Why JAX's Hessian at a point says nothing about the shape of the function there, or "".

    JAX differentiates the branch that it is on: where the function bends at the point there is no Hessian, where it is
    made of linear pieces the Hessian is 0 wherever it exists, and where a rule is wrong it is that of another function.
    """
    wrong = [entry.what for entry in check.entries if entry.outcome == "differs" and entry.what != "value"]
    wrong = [what for what in wrong if what in ("gradient", "hessian", "hessian product")]
    if wrong:
        what = "gradient" if "gradient" in wrong else "Hessian"
        return f"JAX's {what} is not that of the function (see Check): its Hessian says nothing about the shape of it."
    if any(finding.kind == "asymmetric-hessian" for finding in findings):
        return "JAX's Hessian is not symmetric (see Findings): it is that of no function."
    kinks = [finding for finding in findings if finding.kind == "kink"]
    if any(finding.severity != "info" for finding in kinks):
        return (
            "The function or its gradient bends at this point (see Findings), so that it has no Hessian here: JAX's is "
            "that of one side."
        )
    if kinks:
        return (
            "The function is made of linear pieces (see Findings): its Hessian is 0 wherever it exists and says "
            "nothing about the shape of the function."
        )
    return ""


def _undecided(n: int, defect: float, note: str) -> Curvature:
    """Where there are no eigenvalues."""
    return Curvature(np.full(n, np.nan), "undecided", "undecided", float("nan"), None, defect, note=note)


def _seconds(h: np.ndarray) -> float:
    """How long the eigenvalues of a symmetric matrix will take: the time grows with the third power of the size."""
    if len(h) <= SAMPLE:
        return 0.0
    taken = []
    for _ in range(2):  # the first call also wakes the threads
        started = time.perf_counter()
        np.linalg.eigvalsh(h[:SAMPLE, :SAMPLE])
        taken.append(time.perf_counter() - started)
    return min(taken) * (len(h) / SAMPLE) ** 3


def _norm(entries: np.ndarray) -> float:
    """A bound on the spectral norm of a symmetric matrix whose entries have these magnitudes."""
    return float(entries.sum(axis=1).max())


def _descends(definiteness: str, g: np.ndarray, step: np.ndarray, relative: float) -> bool | None:
    """Whether the function falls along a Newton step; None where rounding hides the sign of the slope."""
    if definiteness.endswith(" definite"):
        return definiteness.startswith("positive")
    slope = float(g @ step)
    return None if abs(slope) <= relative * float(np.linalg.norm(g) * np.linalg.norm(step)) else slope < 0


def _notes(definiteness: str, stationary: bool, singular: bool, descends: bool | None, eps: float) -> list[str]:
    notes = []
    if definiteness == "zero":
        notes.append("The Hessian is zero here, which says nothing about the shape of the function nearby.")
    elif definiteness.endswith("semidefinite"):
        notes.append("Some eigenvalues are zero within rounding: the function may be flat in their directions.")
        if stationary:
            notes.append("The Hessian alone cannot decide the kind of this point; higher derivatives can.")
    if singular and definiteness != "zero":
        notes.append("The Hessian is singular within rounding: there is no Newton step.")
    if descends is False:
        notes.append("The Newton step does not go downhill here: it heads for a saddle or a maximum.")
    if eps > np.finfo(np.float64).eps:
        notes.append(f"Eigenvalues are known to about {eps:.0e} of the largest, the rounding of the dtype.")
    return notes
