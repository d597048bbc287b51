"""Digits that are lost: by NumPy's float64 that JAX computes in float32, and by formulas that cancel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.native import dtypes_of
from jaxdiff_magic.engines.reference.watching import Seen, Watched
from jaxdiff_magic.findings.digits.against_truth import (
    INHERENT,
    Compared,
    Expected,
    blocks_of,
    in_digits,
    in_float64,
    is_inherent,
    natural_size,
    program_of,
)
from jaxdiff_magic.findings.digits.cure import cure_of
from jaxdiff_magic.findings.digits.loss import Loss, loss_in, relative_error, run_natively
from jaxdiff_magic.findings.digits.words import advice, entry_name, lost_at, numbers, operation_of, wider
from jaxdiff_magic.findings.saying import listing
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.trace import Constant, Equation

SOME_RIGHT = 0.1
"""Where the relative error of a difference is smaller, a digit is right: it is not merely close to 0."""
LINEAR = having("sums")
"""Operations that magnify a relative error only where the result is close to 0: near a root, or at a minimum."""


def find(scene: Scene) -> list[Finding]:
    """Inputs that lose digits before anything is computed; values and derivatives that lose half of theirs or more."""
    return [*_converted(scene), *_narrow(scene), *_lost(scene)]


def _converted(scene: Scene) -> list[Finding]:
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


def _narrow(scene: Scene) -> list[Finding]:
    """One finding for all captured arrays that have fewer digits than the float64 inputs that they are used with."""
    if scene.trace is None or not any(leaf.dtype == "float64" for leaf in scene.subject.inputs):
        return []
    atoms = [atom for equation in scene.trace.equations for atom in equation.inputs if isinstance(atom, Constant)]
    names = list(dict.fromkeys(atom.name for atom in atoms if atom.name and _is_cut_short(atom)))
    if not names:
        return []
    are, they = ("is", "it has") if len(names) == 1 else ("are", "they have")
    message = (
        f"{listing(names)} {are} float32, and captured: {they} 7 digits, and so has what is computed from "
        f"{'it' if len(names) == 1 else 'them'}, though the result is float64."
    )
    cure = "Make it anew, from numbers with all their digits, where jax_enable_x64 is on."
    return [Finding("precision", "info", names[0], scene.subject.where, message, cure)]


def _is_cut_short(constant: Constant) -> bool:
    """Whether a float32 array may have lost digits: short binary fractions, such as ones and counts, have not."""
    if constant.dtype != np.float32:
        return False
    finite = constant.value[np.isfinite(constant.value)].astype(np.float64)
    return bool(np.any(finite * 2048 != np.round(finite * 2048)))


def _lost(scene: Scene) -> Iterator[Finding]:
    """For each output the first of its value, first and second derivatives that has lost half its digits or more."""
    if scene.reference is None or scene.trace is None:
        return
    inside = dtypes_of(scene.trace)
    leaves = (*scene.subject.inputs, *scene.subject.outputs)
    eps = max(float(jnp.finfo(dtype).eps) for dtype in (*(leaf.dtype for leaf in leaves), *inside))
    done: dict[tuple[int, int], Finding | None] = {}  # by output and length of path
    is_ruled = scene.check.outcome == "differs" or bool(scene.check.faults)  # then rounding is not what is wrong
    for block in (block for order in range(1 if is_ruled else 3) for block in blocks_of(scene, order)):
        if passed(scene.deadline):
            break
        output, order = block.path[0], len(block.path)
        told = [before for before in done if before[0] == output]
        if (output, order) in done or not block.is_suspect(eps) or (lost := _examined(scene, block, eps)) is None:
            continue
        if not told:
            if (finding := _finding(scene, lost, eps)) is not None:
                done[output, order] = finding
        elif not lost.is_slight and not lost.is_conditioned:
            first = done[told[0]]
            assert first is not None
            more = f" {entry_name(scene, block.path, lost.entry)} {numbers(block, lost.truth, lost.entry)}"
            done[told[0]] = replace(first, message=first.message + more)
            done[output, order] = None
    yield from filter(None, done.values())


@dataclass(frozen=True)
class _Lost:
    """A block that has lost half its digits or more.

    Attributes:
        block: as JAX gives it.
        truth: what it should be.
        entry: the one that is wrong by most.
        total: the relative error.
        is_conditioned: whether the rounding of the inputs alone does as much.
        is_slight: whether it moves f by less than its own rounding.
    """

    block: Compared
    truth: Expected
    entry: tuple[int, ...]
    total: float
    is_conditioned: bool
    is_slight: bool


def _examined(scene: Scene, block: Compared, eps: float) -> _Lost | None:
    value, bound = block.found.values[0], float(np.max(block.found.errors[0]))
    seen = float(np.max(np.abs(block.wide - value)))
    conditioned = is_inherent(scene, block.path, seen + bound, eps, in_float64)
    if conditioned and len(block.path) > 1:
        return None
    try:
        truth = Expected(in_digits(scene, block.path, scene.subject.exact_point), True)
    except OutOfReach:
        if bound > 0.1 * seen:
            return None  # float64 itself is in doubt
        truth = Expected(value, False)
    total = relative_error(block.wide, truth.values)
    apart = np.abs(block.wide - truth.values.astype(np.float64))
    if total <= np.sqrt(eps) or not _helps(scene, block, truth, float(np.max(apart))):
        return None
    entry = tuple(map(int, np.unravel_index(int(np.argmax(apart)), apart.shape)))
    if truth.precise and not conditioned:
        conditioned = is_inherent(scene, block.path, float(np.max(apart)), eps, in_digits)
    slight = float(apart[entry]) <= INHERENT * eps * natural_size(scene, block.path)
    return _Lost(block, truth, entry, total, conditioned, slight)


def _finding(scene: Scene, lost: _Lost, eps: float) -> Finding | None:
    block, truth, entry = lost.block, lost.truth, lost.entry
    if lost.is_conditioned and len(block.path) > 1:
        return None
    if lost.is_conditioned and not (_cancels(scene) and lost.total < SOME_RIGHT):
        return _ill_conditioned(scene, block, truth, entry)
    if lost.is_slight and len(block.path) > 2:
        return None
    program, arguments = program_of(scene, block, entry)
    loss = loss_in(program, arguments, eps, lost.total, scene.deadline) if program else None
    path = entry_name(scene, block.path, entry)
    message = f"{path} {numbers(block, truth, entry)} {lost_at(loss, scene)}"
    cure = _cure(scene, block, loss) or wider(block, truth, entry)
    where = str(loss.equation.location) if loss else ""
    severity = "info" if lost.is_slight and len(block.path) > 1 else "warning"
    return Finding("precision", severity, path, where or scene.subject.where, message, cure)


def _helps(scene: Scene, block: Compared, truth: Expected, error: float) -> bool:
    """Whether JAX comes nearer to the truth in float64: a rule that rounds, or is another one, does not.

    Args:
        error: the largest in the user's dtype.
    """
    if len(block.path) == 1 or block.native.dtype == np.float64:
        return True
    names = ("reverse", "forward") if len(block.path) == 2 else ("hessian",)
    transform = next(
        (scene.derivatives.transforms[name] for name in names if name in scene.derivatives.transforms), None
    )
    if transform is None or scene.subject.untraceable:
        return True
    try:
        with jax.enable_x64(True):
            found = transform(*(jnp.asarray(x, jnp.float64) for x in scene.subject.exact_point))
            for position in block.path:
                found = found[position]
            wide = np.max(np.abs(np.asarray(found, np.float64) - truth.values.astype(np.float64)), initial=0.0)
            return bool(wide < 0.1 * error)
    except (TypeError, ValueError):  # captured arrays or dtypes in the code that do not mix with float64
        return True


def _cancels(scene: Scene) -> bool:
    """Whether what loses most is a sum of numbers that were rounded on the way, which another formula need not be."""
    step = _steepest(scene.seen)
    return step is not None and step.primitive in LINEAR


def _ill_conditioned(scene: Scene, block: Compared, truth: Expected, entry: tuple[int, ...]) -> Finding | None:
    """A value that the rounding of its inputs moves; nothing is said where it is merely close to 0."""
    step = _steepest(scene.seen)
    if step is None or step.primitive in LINEAR:
        return None
    path, names = entry_name(scene, block.path, entry), listing([leaf.name for leaf in scene.subject.inputs])
    at = f" at {step.location}" if step.location.line else ""
    message = (
        f"{path} {numbers(block, truth, entry)} It is ill-conditioned here: the rounding of {names} to "
        f"{block.native.dtype} alone moves it as much, through {operation_of(step)}{at}. "
        "No other formula would do better."
    )
    return Finding("precision", "info", path, str(step.location) or scene.subject.where, message)


def _steepest(seen: Sequence[Seen]) -> Equation | None:
    """The step of a run in float64 that magnifies the relative bound on its operands most."""
    best, steepest = 0.0, None
    for item in seen:
        if isinstance(item.step, Equation) and item.results:
            before = max([float(np.finfo(float).eps), *(_relative_bound(x) for x in item.operands)])
            ratio = max(map(_relative_bound, item.results)) / before
            if ratio > best:
                best, steepest = ratio, item.step
    return steepest


def _relative_bound(x: Watched) -> float:
    size = float(np.max(np.abs(x.data), initial=0.0)) if x.data.dtype.kind == "f" else 0.0
    return float(np.max(x.error, initial=0.0)) / size if size else 0.0


def _cure(scene: Scene, block: Compared, loss: Loss | None) -> str:
    """The stable form that keeps the digits, where the table has one."""
    if loss is None or scene.trace is None:
        return ""
    order, trace = len(block.path) - 1, scene.trace
    names = [leaf.name for leaf in scene.subject.inputs]
    equations: list[Equation] = [loss.equation] if order == 0 else []
    if order > 0:
        here = (loss.equation.location.file, loss.equation.location.line)
        equations = [e for e in trace.equations if (e.location.file, e.location.line) == here]
    native = loss.native if order == 0 else run_natively(trace, scene.subject.native_point)
    found = cure_of(trace, equations, native, names, order, loss.result)
    return advice(found, block, order) if found else ""
