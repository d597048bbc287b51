"""Decompositions of matrices at points where they have no derivative: equal eigenvalues, too low a rank."""

from __future__ import annotations

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.engines.reference.watching import Seen
from jaxdiff_magic.findings.saying import quoted
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.report import Finding

KIND = "degenerate-matrix"
EQUAL = 100
"""Eigenvalues that are nearer than so many roundings of the largest are the same; a smaller one is 0. A choice of two
digits, as rounding adds up in a decomposition."""
SPECTRA = {"eigh": "eigenvalues", "svd": "singular values"}
OF_EQUAL = (
    "Write what treats them alike as a function of the matrix itself (trace, det, solve, a power), or differentiate at "
    "a point where they differ."
)
OF_RANK = (
    "Write it with the Gram matrix A.T @ A, of which R is a root (jnp.sum(R**2) is jnp.sum(A**2)), or leave dependent "
    "columns out."
)


def find(scene: Scene) -> list[Finding]:
    """One finding for each line with such a decomposition; none where JAX's derivative is NaN, which tells it."""
    blocks = [b for row in (scene.values.jacobian or ()) for b in row]
    if not blocks or not all(np.isfinite(np.asarray(block)).all() for block in blocks):
        return []
    found: dict[object, Finding] = {}
    eps = max(float(jnp.finfo(leaf.dtype).eps) for leaf in (*scene.subject.inputs, *scene.subject.outputs))
    for item in scene.seen:
        if item.primitive in (*SPECTRA, "qr", "geqrf") and item.operands[0].varies:
            for finding in _degenerate(scene, item, EQUAL * eps):
                found.setdefault((finding.where, item.primitive), finding)
    return list(found.values())


def _degenerate(scene: Scene, item: Seen, allowed: float) -> Iterator[Finding]:
    matrix, name = np.asarray(item.operands[0].data), scene.names.array(item, 0) or "the matrix"
    if not np.isfinite(matrix).all() or not matrix.size or np.iscomplexobj(matrix):
        return
    severity = "info" if scene.check.outcome in ("proved", "agrees") else "warning"
    where, line = str(item.step.location) or scene.subject.where, quoted(item.step.location)
    for one in matrix.reshape(-1, *matrix.shape[-2:]):
        if (values := SPECTRA.get(item.primitive)) is not None:
            spectrum = np.sort(np.linalg.eigvalsh(one) if item.primitive == "eigh" else np.linalg.svd(one)[1])
            close = np.flatnonzero(np.diff(spectrum) <= allowed * np.max(np.abs(spectrum)))
            if close.size:
                message = (
                    f"{item.primitive}{line}: two {values} of {name} are equal here, {figure(spectrum[close[0]])}. "
                    "Each of them bends, and their vectors have no derivative; what treats them alike has one (their "
                    "sum, a function of the matrix), and so have the others and their vectors."
                )
                yield Finding(KIND, severity, name, where, message, OF_EQUAL)
                return
            if item.primitive == "svd" and spectrum[0] <= allowed * spectrum[-1]:
                message = (
                    f"svd{line}: a singular value of {name} is 0 here. It bends there, as |x| does at 0, and its "
                    "vectors have no derivative; the others have one, and so has what is made of squares of the values."
                )
                yield Finding(KIND, severity, name, where, message, OF_RANK)
                return
        else:
            spectrum = np.linalg.svd(one)[1]
            rank = int(np.sum(spectrum > allowed * np.max(spectrum)))
            if rank < min(one.shape):
                message = (
                    f"qr{line}: {name} has rank {rank} here, not {min(one.shape)}. The columns of Q and the rows of R "
                    "that belong to what is missing are not determined and have no derivative; R'R = A'A has one."
                )
                yield Finding(KIND, severity, name, where, message, OF_RANK)
                return
