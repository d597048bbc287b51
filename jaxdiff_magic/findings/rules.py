"""Derivative rules that the user wrote: what is wrong with them, or meant to be."""

from __future__ import annotations

from jaxdiff_magic.checking.faults import ONE_TRIANGLE, called, in_order
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.report import Finding
from jaxdiff_magic.report.fault import Fault
from jaxdiff_magic.subject.trace import RULES

CURES = {
    "derivative": "Compare the rule with the code; if it is meant to differ, as gradient clipping and straight-through "
    "estimators are, say so: trust={name!r}.",
    "second derivative": "A rule is differentiated for the second derivative: leave nothing that depends on the point "
    "in stop_gradient, in a constant or in a function without derivative.",
    "not linear": "A rule must be linear: twice the {what} gives twice the result. If it is meant to differ, as "
    "gradient clipping is, say so: trust={name!r}.",
    "not finite": "Correct the rule: it must give numbers wherever the derivative of {name} is one.",
    "value": "Return {name}(...) itself as the first result of the rule.",
    "fails": "Correct the rule: it must accept and return what JAX says.",
}

OF_OPERATIONS = {
    **dict.fromkeys(ONE_TRIANGLE, "Make the matrix symmetric by code, (a + a.T) / 2: then both triangles are read."),
    "linear_call": "Correct the function that transposes it: its result must be linear in the cotangent alone.",
    "custom_root": "Correct tangent_solve: it is given the linear function g and y, and must return the x with g(x) = "
    "y. Or the root was not reached: then correct solve.",
    "custom_linear_solve": "Correct transpose_solve: it is given vecmat, and must return the x with vecmat(x) = b.",
}
"""What is to be done where an operation is at fault, by its primitive."""


def find(scene: Scene) -> list[Finding]:
    """One finding for each function whose rule is wrong, at its first call; information where it is trusted."""
    return [_finding(scene, fault) for fault in scene.check.faults]


def _finding(scene: Scene, fault: Fault) -> Finding:
    is_name = bool(fault.rule)  # which keeps its own letters
    sentence = f"{fault.sentence if is_name else fault.sentence[0].upper() + fault.sentence[1:]}."
    if fault.difference:
        sentence += f" {fault.difference}."
    if fault.trusted:
        message = f"{fault.name} is trusted to differ from its code. {sentence}"
        return Finding("custom-rule", "info", fault.name, fault.where, message, formula=fault.residual)
    harmless = scene.check.outcome in ("proved", "agrees")
    if harmless:
        sentence += f" It makes no difference to the derivatives of {scene.subject.name} here."
    what = "tangent" if fault.kind == "custom_jvp" else "cotangent"
    if fault.kind not in RULES:
        cure = OF_OPERATIONS.get(fault.name, "")
    else:
        cure = CURES[fault.defect].format(name=fault.name, what=what)
    if not _is_called(scene, fault):
        cure = cure.partition("; if it is meant")[0].rstrip(".") + "."  # only what the function calls can be trusted
    severity = "warning" if harmless else "error"
    return Finding("custom-rule", severity, fault.name, fault.where, sentence, cure, fault.residual)


def _is_called(scene: Scene, fault: Fault) -> bool:
    """Whether the function itself calls what has the rule; a library's operation, or what a rule calls, it need not."""
    if scene.trace is None or fault.kind not in RULES:
        return True
    return fault.name in {called(placed.call.name) for placed in in_order(scene.trace)}
