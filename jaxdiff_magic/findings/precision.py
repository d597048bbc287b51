"""NumPy's float64 that JAX computes in float32 without a word."""

from __future__ import annotations

import numpy as np

from jaxdiff_magic.findings.listing import listing
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.report import Finding


def find(scene: Scene) -> list[Finding]:
    """One finding for all inputs that lose digits. A Python float does not count: it has no dtype to lose."""
    subject = scene.subject
    names = [
        leaf.name
        for leaf, value in zip(subject.inputs, subject.point, strict=True)
        if leaf.dtype == "float32" and isinstance(value, (np.ndarray, np.generic)) and value.dtype == np.float64
    ]
    if not names:
        return []
    verb = "is" if len(names) == 1 else "are"
    message = f"{listing(names)} {verb} float64 in NumPy, but JAX computes in float32: 7 digits of 16 are kept."
    cure = 'For all digits, run jax.config.update("jax_enable_x64", True) before the first JAX array is made.'
    return [Finding("precision", "warning", names[0], subject.where, message, cure)]
