"""Functions of too many inputs to be followed step by step: whether their value and gradient are finite, at least."""

from __future__ import annotations

import jax.numpy as jnp

from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.leaves import LARGE


def find(scene: Scene) -> list[Finding]:
    """One finding for values that are not finite, or else one for derivatives that are not."""
    subject, values = scene.subject, scene.values
    named = [(leaf.name, value) for leaf, value in zip(subject.outputs, values.value, strict=True)]
    if bad := [name for name, value in named if not _is_finite(value)]:
        message = f"{bad[0]} has entries that are not finite here. Derivatives mean nothing there."
        return [Finding("domain", "warning", bad[0], subject.where, message)]
    rows = values.jacobian if values.jacobian is not None else ()
    bad = [leaf.name for row in rows for leaf, block in zip(subject.inputs, row, strict=True) if not _is_finite(block)]
    if not bad:
        return []
    message = f"The derivative with respect to {bad[0]} has entries that are not finite, though the value is finite."
    cure = f"Look for the step with a smaller input: up to {LARGE:,} numbers, every step is followed."
    return [Finding("nan", "warning", bad[0], subject.where, message, cure)]


def _is_finite(array: object) -> bool:
    return bool(jnp.isfinite(jnp.asarray(array)).all())
