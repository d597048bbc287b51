"""Derivatives that are what `stop_gradient` asks for, and not those of the function's values."""

from __future__ import annotations

import contextlib

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.checking.sharper import SAFETY
from jaxdiff_magic.checking.words import Why
from jaxdiff_magic.findings.saying import quoted
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.trace import Equation, all_equations, primitives_of

KIND = "stop-gradient"
PRIMITIVE = "stop_gradient"
MAX_MOVED = 64
"""Inputs are moved one by one while there are no more of them, else all along a random direction. A choice of time."""
RELATIVE = 1e-6
"""Two slopes nearer than this part of their size are one. A choice: nobody would see it."""
CURE = "Nothing is to be done where that is meant, as in straight-through estimators; else leave stop_gradient out."


def find(scene: Scene) -> list[Finding]:
    """One finding for the output whose derivative `stop_gradient` changes most; none where it changes nothing."""
    if scene.reference is None or scene.trace is None or not scene.subject.size:
        return _by_values(scene)
    if PRIMITIVE not in primitives_of(scene.trace):
        return []
    with contextlib.suppress(OutOfReach):
        return _found(scene, [step for step in all_equations(scene.trace) if step.primitive == PRIMITIVE])
    return []


def _found(scene: Scene, steps: list[Equation]) -> list[Finding]:
    """The largest difference between the derivative with what is held, and that of the values, which move on."""
    reference, subject = scene.reference, scene.subject
    assert reference is not None
    outputs = range(len(subject.outputs))
    if subject.size > MAX_MOVED:
        vectors = np.random.default_rng(subject.size).standard_normal((1, subject.size))
    else:
        vectors = np.eye(subject.size)
    worst, told = 0.0, None
    for k, vector in enumerate(vectors):
        point = [x[None] for x in scene.point]
        held, free = reference.along(point, vector), reference.along(point, vector, thawed=True)
        for o in outputs:
            ours, theirs = held[o].values[0], free[o].values[0]
            with np.errstate(invalid="ignore"):
                size = np.maximum(np.abs(ours), np.abs(theirs))
                bound = np.minimum(SAFETY * (held[o].errors[0] + free[o].errors[0]), size)
                apart = np.abs(ours - theirs) - bound - RELATIVE * size
            apart = np.where(np.isfinite(apart) & ~free[o].at_tie[0], apart, 0.0)
            if apart.size and float(np.max(apart)) > worst:
                worst = float(np.max(apart))
                at = tuple(int(i) for i in np.unravel_index(int(np.argmax(apart)), apart.shape))
                told = k, o, at, float(ours[at]), float(theirs[at])
    if told is None:
        return []
    k, o, at, ours, theirs = told
    output = subject.outputs[o].element(at)
    step = next((step for step in steps if PRIMITIVE in step.location.source), steps[0])
    if subject.size > MAX_MOVED:
        what, path = f"the derivative of {output} along a random direction", subject.name
    else:
        path = scene.names.input_element(k)
        what = f"the derivative of {output} with respect to {path}"
    message = (
        f"stop_gradient{quoted(step.location)} holds a value fixed: {what} is {figure(ours)}, as it asks for, and not "
        f"the derivative of the function's values, which is {figure(theirs)}. The numeric column of the check holds "
        "fixed what stop_gradient holds."
    )
    return [Finding(KIND, "warning", path, str(step.location) or subject.where, message, CURE)]


def _by_values(scene: Scene) -> list[Finding]:
    """Where there are no steps in which it would be seen: of the entries that function values contradict."""
    entry = next((entry for entry in scene.check.entries if entry.why == Why.FROZEN.value), None)
    given = None if entry is None else entry.forward if entry.reverse is None else entry.reverse
    if entry is None or given is None or entry.numeric is None:
        return []
    message = (
        f"{scene.subject.name} may call stop_gradient: JAX's derivative of {entry.output} with respect to "
        f"{', '.join(entry.inputs)} is {figure(given)}, and that of the function's values {figure(entry.numeric)}."
    )
    return [Finding(KIND, "warning", entry.inputs[-1], scene.subject.where, message, CURE)]
