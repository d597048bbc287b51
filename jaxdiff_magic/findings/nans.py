"""Values and derivatives that are not finite: which, and in which mode."""

from __future__ import annotations

import numpy as np

from jaxdiff_magic.findings.listing import listing
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.leaves import Leaf
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject import Subject
from jaxdiff_magic.values import Values

DOUBLE_WHERE = (
    "Give the function a safe input where it is not finite: jnp.where(ok, g(jnp.where(ok, x, 1.0)), 0.0), "
    "with ok true where g is smooth."
)


def find(scene: Scene) -> list[Finding]:
    """For each output one finding when it is not finite; else one for each input with such a derivative."""
    subject, values = scene.subject, scene.values
    findings = []
    for o, output in enumerate(subject.outputs):
        value = np.asarray(values.value[o])
        if not np.isfinite(value).all():
            findings.append(_outside_domain(subject, values, o, output, value))
        else:
            findings += _first_order(subject, values, o, output) or _second_order(subject, values, o, output)
    return findings


def _outside_domain(subject: Subject, values: Values, o: int, output: Leaf, value: np.ndarray) -> Finding:
    bad = _elements(output, ~np.isfinite(value))
    jacobian = values.jacobian
    finite = jacobian is not None and all(np.isfinite(np.asarray(block)).all() for block in jacobian[o])
    even = ", though JAX returns finite ones" if finite else ""
    return Finding(
        kind="domain",
        severity="warning",
        path=bad[0],
        where=subject.where,
        message=f"{listing(bad)} is {_what(value)} here: outside the domain, or overflow. "
        f"Derivatives mean nothing there{even}.",
        cure="Move the point into the domain; jax.config.update('jax_debug_nans', True) stops where a nan is born.",
    )


def _first_order(subject: Subject, values: Values, o: int, output: Leaf) -> list[Finding]:
    findings = []
    for i, leaf in enumerate(subject.inputs):
        blocks = {
            mode: np.asarray(jacobian[o][i])
            for mode, jacobian in (("forward", values.forward), ("reverse", values.reverse))
            if jacobian is not None
        }
        broken = [mode for mode, block in blocks.items() if not np.isfinite(block).all()]
        if not broken:
            continue
        block = blocks[broken[0]]
        names = _elements(leaf, (~np.isfinite(block)).reshape(-1, *leaf.shape).any(axis=0))
        alone = len(broken) < len(blocks)
        where = f" in {broken[0]} mode only" if alone else ""
        why = (
            " The other mode is finite: most often a branch that is not taken still takes part, as 0 * inf or 0 * nan."
            if alone
            else f" {output.name} itself is finite: roots, norms and powers at 0 do this."
        )
        message = f"The derivative of {output.name} with respect to {listing(names)} is {_what(block)}{where}.{why}"
        findings.append(Finding("nan", "warning", names[0], subject.where, message, DOUBLE_WHERE))
    return findings


def _second_order(subject: Subject, values: Values, o: int, output: Leaf) -> list[Finding]:
    if values.hessian is None:
        return []
    blocks = [np.asarray(block) for row in values.hessian[o] for block in row]
    bad = next((block for block in blocks if not np.isfinite(block).all()), None)
    if bad is None:
        return []
    message = f"The Hessian of {output.name} has entries that are {_what(bad)}, though its first derivative is finite."
    return [Finding("nan", "warning", output.name, subject.where, message, DOUBLE_WHERE)]


def _elements(leaf: Leaf, bad: np.ndarray | np.bool) -> list[str]:
    return [leaf.element(index) for index in np.argwhere(bad).tolist()]


def _what(array: np.ndarray) -> str:
    return "nan" if np.isnan(array).any() else "infinite"
