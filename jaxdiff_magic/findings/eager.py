"""Where JAX gives NaN outside of `jax.jit` and a number inside: the compiler drops products with 0, which keep NaN."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.engines.jax.values import NO_DERIVATIVE
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.report import Finding

MAX_EAGER_NUMBERS = 4096
"""A Jacobian of more numbers is not computed once more without compilation. A choice of time: it runs operation by
operation."""
CURE = "jax.jit the derivative, or differentiate the outputs one by one; better, move the point into the domain."


def find(scene: Scene) -> Iterator[Finding]:
    """One finding for the first entry at which both differ."""
    subject, values = scene.subject, scene.values
    if values.reverse is None or subject.untraceable or "reverse" not in scene.derivatives.transforms:
        return
    has_hole = not all(np.isfinite(np.asarray(value, np.float64)).all() for value in values.value)
    if not has_hole or subject.size * subject.output_size > MAX_EAGER_NUMBERS:
        return
    try:
        eager = scene.derivatives.transforms["reverse"](*subject.point)
    except NO_DERIVATIVE:
        return
    for o, output in enumerate(subject.outputs):
        for i, leaf in enumerate(subject.inputs):
            plain, compiled = (np.asarray(part[o][i], np.float64) for part in (eager, values.reverse))
            lost = np.argwhere(np.isnan(plain) & np.isfinite(compiled))
            if len(lost):
                entry = tuple(map(int, lost[0]))
                of, by = output.element(entry[: len(output.shape)]), leaf.element(entry[len(output.shape) :])
                yield Finding(
                    kind="nan",
                    severity="warning",
                    path=f"∂{of}/∂{by}",
                    where=subject.where,
                    message=(
                        f"Without jax.jit, reverse mode gives nan for ∂{of}/∂{by}, where the compiled one gives "
                        f"{figure(compiled[entry], 5)}: another output is not finite, and 0 times nan is nan."
                    ),
                    cure=CURE,
                )
                return
