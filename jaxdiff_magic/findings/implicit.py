"""Draws whose derivative in JAX is the implicit reparameterised gradient, and not that of the draws themselves.

Source: M. Figurnov, S. Mohamed, A. Mnih, "Implicit reparameterization gradients" (2018).
"""

from __future__ import annotations

from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.checking.reasons import IMPLICIT, drawn_by
from jaxdiff_magic.findings.saying import quoted
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.report import Finding

CURE = (
    "Use it for gradients of an expectation, a mean over draws. It is no derivative of one draw at a fixed key: "
    "differences of such draws need not show it."
)


def find(scene: Scene) -> list[Finding]:
    """One finding for the first step that draws by rejection with a parameter that depends on the inputs."""
    if scene.trace is None or scene.values.jacobian is None:
        return []
    step = next(iter(drawn_by(scene.trace)), None)
    if step is None:
        return []
    numbers = ""
    for entry in scene.check.entries:
        given = entry.reverse if entry.forward is None else entry.forward
        if entry.outcome == "differs" and given is not None and entry.numeric is not None and len(entry.inputs) == 1:
            numbers = (
                f" With respect to {entry.inputs[0]} it is {figure(given)}; {entry.output} itself changes at the rate "
                f"{figure(entry.numeric)} at this key."
            )
            break
    message = (
        f"{step.primitive}{quoted(step.location)} draws by rejection, and JAX's derivative of a draw is {IMPLICIT}: it "
        f"is right on average, and not the derivative of these draws.{numbers}"
    )
    where = str(step.location) or scene.subject.where
    return [Finding("implicit-gradient", "warning", scene.subject.name, where, message, CURE)]
