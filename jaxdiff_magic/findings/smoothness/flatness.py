"""Piecewise linear functions: their Hessian is 0 wherever it exists, and says nothing."""

from __future__ import annotations

import numpy as np

from jaxdiff_magic.engines.reference.watching import Seen
from jaxdiff_magic.findings.saying import quoted
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.findings.smoothness.ties import comparisons_behind, is_number
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.trace import Equation

BENDING = {
    "max": "max",
    "min": "min",
    "abs": "abs",
    "clamp": "clip",
    "select_n": "where",
    "reduce_max": "max",
    "reduce_min": "min",
    "sort": "sort",
}
"""Primitives that put linear pieces together, as the reader calls them."""


def flat_curvature(scene: Scene) -> list[Finding]:
    """One finding for a scalar function with bends whose Hessian is exactly 0."""
    subject, values = scene.subject, scene.values
    if not subject.is_scalar or values.hessian is None or values.jacobian is None:
        return []
    if any(np.any(np.asarray(block) != 0) for row in values.hessian[0] for block in row):
        return []
    if not any(np.any(np.asarray(block) != 0) for block in values.jacobian[0]):
        return []  # flat altogether: why is another matter
    steps = [item for item in scene.seen if isinstance(item.step, Equation)]
    bends = [item for item in steps if _bends(scene, item)]
    if not bends or not all(map(_is_linear, steps)):
        return []
    step = bends[0].step
    assert isinstance(step, Equation)
    return [
        Finding(
            kind="kink",
            severity="info",
            path=subject.name,
            where=str(step.location),
            message=f"{subject.name} is made of linear pieces ({BENDING[step.primitive]}{quoted(step.location)}): its "
            "Hessian is exactly 0 wherever it exists, so definiteness, condition and Newton steps mean nothing here.",
            cure="Second-order methods need a smooth function, such as softplus in place of relu.",
        )
    ]


def _varying(item: Seen) -> int:
    return sum(value.varies and is_number(value) for value in item.operands)


def _bends(scene: Scene, item: Seen) -> bool:
    primitive = item.primitive
    if primitive not in BENDING or not _varying(item) or not is_number(item.results[0]):
        return False
    return primitive != "select_n" or bool(comparisons_behind(scene.names, item.operands[0]))


def _is_linear(item: Seen) -> bool:
    """Whether a step is linear in what depends on the inputs, piece by piece."""
    primitive, varying = item.primitive, _varying(item)
    if not varying or not any(map(is_number, item.results)) or primitive in BENDING or primitive in having("linear"):
        return True
    if primitive == "div":
        return not item.operands[1].varies
    return primitive in having("bilinear") and varying == 1
