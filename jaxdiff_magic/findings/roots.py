"""Loops that close in on a root by comparisons, which JAX differentiates step by step."""

from __future__ import annotations

import contextlib

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.bounded import Bounded
from jaxdiff_magic.engines.reference.run import Node, Run
from jaxdiff_magic.findings.saying import quoted
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.trace import all_equations

LOOPS = having("loops")


def find(scene: Scene) -> list[Finding]:
    """One finding where JAX's derivative differs, and such a loop is differentiated without a rule of its own."""
    if scene.trace is None or scene.check.outcome != "differs":
        return []
    unruled = (
        step for step in all_equations(scene.trace) if step.primitive in LOOPS and id(step) not in scene.rule_calls
    )
    loops = {id(body): step for step in unruled for body in step.bodies}
    if not loops:
        return []
    run = Run(1, 1, taped=False)
    with contextlib.suppress(OutOfReach), np.errstate(all="ignore"):
        run.trace(scene.trace, [Node(Bounded(x[None]), x.shape, True) for x in scene.point])
    step = next((loops[id(body)] for body in run.closing_in if id(body) in loops), None)
    if step is None:
        return []
    return [
        Finding(
            kind="zero-gradient",
            severity="error",
            path=scene.subject.name,
            where=str(step.location),
            message=f"The loop{quoted(step.location)} closes in on a root by comparisons. JAX differentiates its "
            f"steps, which are jumps, and not the root, whose derivative is that of the equation that it meets.",
            cure="Let jax.lax.custom_root run the loop: it differentiates the equation.",
        )
    ]
