"""A Hessian that is not symmetric beyond its rounding: then it is the Hessian of no function."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.checking.sharper import SAFETY
from jaxdiff_magic.engines.reference.bounded import EPS
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.leaves import matrix_of
from jaxdiff_magic.subject.subject import Subject

KIND = "asymmetric-hessian"
ROUNDINGS = 100
"""Two elements may differ by so many roundings of the largest one, besides the bounds of the reference: JAX's programs
of them are not the same. A choice of two digits."""


def find(scene: Scene) -> list[Finding]:
    """One finding for a scalar function whose second derivatives depend on their order, in JAX's numbers."""
    subject, hessian = scene.subject, scene.values.hessian
    if not subject.is_scalar or subject.is_large or hessian is None or not subject.size:
        return []
    h = matrix_of(hessian[0], subject.inputs, subject.inputs)
    if not np.isfinite(h).all():
        return []
    eps = max(float(jnp.finfo(np.asarray(block).dtype).eps) for row in hessian[0] for block in row)
    largest = float(np.max(np.abs(h)))
    errors = hessian_errors(subject, scene.reference)
    if errors is None or not np.isfinite(errors).all():
        allowed = np.full(h.shape, np.sqrt(eps) * largest)  # as where half of all digits cancel
    else:
        allowed = SAFETY * (errors + errors.T) + ROUNDINGS * eps * largest
    defect = np.abs(h - h.T)
    if not (defect > allowed).any():
        return []
    i, j = sorted(int(k) for k in np.unravel_index(int(np.argmax(defect - allowed)), h.shape))
    a, b = scene.names.input_element(i), scene.names.input_element(j)
    name = subject.name
    message = (
        f"JAX's Hessian of {name} is not symmetric: the derivative with respect to {a} and then {b} is "
        f"{figure(h[i, j])}, with respect to {b} and then {a} {figure(h[j, i])}. Rounding explains no more than "
        f"{figure(allowed[i, j], 1)}. It is the Hessian of no function: its eigenvalues mean nothing."
    )
    cure = "Look for a rule that is not the derivative of its code, or a matrix of which one triangle is read."
    return [Finding(KIND, "error", name, subject.where, message, cure)]


def hessian_errors(subject: Subject, reference: Reference | None) -> np.ndarray | None:
    """Bounds on the rounding of a scalar function's Hessian in its own dtype, as far as the check has found them."""
    if reference is None:
        return None
    inputs, point = range(len(subject.inputs)), [x[None] for x in subject.exact_point]
    known = [[reference.known((0, i, j), point) for j in inputs] for i in inputs]
    if any(found is None for row in known for found in row):
        return None
    eps = max(float(jnp.finfo(leaf.dtype).eps) for leaf in (*subject.inputs, *subject.outputs))
    bounds = [[found.errors for found in row if found] for row in known]
    return matrix_of(bounds, subject.inputs, subject.inputs) * (eps / EPS)
