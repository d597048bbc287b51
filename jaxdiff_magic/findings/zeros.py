"""Inputs whose derivative is exactly zero: never used, held fixed, not selected, lost to rounding, or stationary."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.engines.reference.dependences import reaching
from jaxdiff_magic.engines.reference.directions import leaf_places
from jaxdiff_magic.engines.reference.watching import Seen, Watched, watched
from jaxdiff_magic.findings.digits.against_truth import in_digits
from jaxdiff_magic.findings.saying import listing, quoted
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.findings.smoothness.vanishing import VanishingTangent, vanishing_tangents
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.trace import Equation

MAX_FOLLOWED = 64
"""At most so many elements are followed one by one. A choice of time."""
MAX_TANGENT_NUMBERS = 20_000_000
"""Tangents are followed while a run has no more numbers than this. A choice of memory: 160 MB in float64."""
EXPECTED = frozenset(("stationary", "another element"))
"""Why single elements may well have a zero derivative."""


@dataclass(frozen=True)
class Direction:
    """A direction that moves what has a zero derivative.

    Attributes:
        leaf: which input.
        element: its place in the flat inputs; None for the whole leaf.
        vector: the direction, flat over all inputs.
        true: the reference's largest derivative along it.
        error: the bound on its rounding.
        at_tie: whether a choice was at a tie, so that it is a matter of convention.
    """

    leaf: int
    element: int | None
    vector: np.ndarray
    true: float
    error: float
    at_tie: bool


def find(scene: Scene) -> list[Finding]:
    """One finding for each input without influence, and one for each reason why some elements have none."""
    subject = scene.subject
    if scene.reference is None or not scene.seen or scene.values.jacobian is None or not subject.output_size:
        return []
    with contextlib.suppress(OutOfReach):
        wholes, parts = _zero(scene)
        followed = [*wholes, *parts]
        if not followed:
            return []
        rows = np.array([one.vector for one in followed])
        if rows.shape[0] * sum(value.data.size for item in scene.seen for value in item.results) > MAX_TANGENT_NUMBERS:
            return []
        seen = watched(scene.trace, scene.point, rows)  # type: ignore[arg-type]
        ends = vanishing_tangents(scene.names, seen, scene.rule_calls, len(rows))
        found = [_whole(scene, one, ended, seen, k) for k, (one, ended) in enumerate(zip(wholes, ends, strict=False))]
        return [finding for finding in found if finding] + list(_parts(scene, parts, ends[len(wholes) :]))
    return []


def _zero(scene: Scene) -> tuple[list[Direction], list[Direction]]:
    """Whole inputs, and single elements of a scalar function's other inputs, whose derivative is exactly 0 in JAX."""
    subject, jacobian, reference = scene.subject, scene.values.jacobian, scene.reference
    assert jacobian is not None and reference is not None
    places = leaf_places([leaf.shape for leaf in subject.inputs])
    rng = np.random.default_rng(subject.size)
    wholes, parts = [], []
    for i, (leaf, place) in enumerate(zip(subject.inputs, places, strict=True)):
        if not leaf.size:
            continue
        blocks = [np.asarray(row[i], np.float64).reshape(-1, leaf.size) for row in jacobian]
        zero = ~np.concatenate(blocks).any(axis=0)  # NaN counts as not zero
        if not zero.any():
            continue
        found = [reference.evaluate((o, i), [x[None] for x in scene.point]) for o in range(len(blocks))]
        true = np.concatenate([f.values.reshape(-1, leaf.size) for f in found])
        error = np.concatenate([f.errors.reshape(-1, leaf.size) for f in found])
        tie = any(bool(f.at_tie[0]) for f in found)
        vector = np.zeros(subject.size)
        if zero.all():
            vector[place] = 1.0 + rng.random(leaf.size)
            worst = np.unravel_index(int(np.argmax(np.abs(true))), true.shape)
            wholes.append(Direction(i, None, vector, float(true[worst]), float(error[worst]), tie))
        elif subject.is_scalar:
            for k in np.flatnonzero(zero)[:MAX_FOLLOWED]:
                unit = vector.copy()
                unit[place.start + k] = 1.0
                at = place.start + int(k)
                parts.append(Direction(i, at, unit, float(true[0, k]), float(error[0, k]), tie))
    return wholes, parts[:MAX_FOLLOWED]


def _whole(
    scene: Scene, one: Direction, ended: Sequence[VanishingTangent], seen: Sequence[Seen], row: int
) -> Finding | None:
    """What to say about an input whose derivative is zero in every entry."""
    name = scene.subject.inputs[one.leaf].name
    if not abs(one.true) <= 4 * one.error and not _is_zero_as_held(scene, one.leaf):
        return _lost(scene, one, name, seen, row)
    told = {vanished.reason for vanished in ended}
    if not ended and _arrives(scene, seen, row):
        told = {"stationary"}  # contributions that cancel
    if told == {"stationary"}:
        what = f"{scene.subject.name} is stationary in {name} here: its derivative is 0."
        return Finding("zero-gradient", "info", name, "", what)
    if not ended or told == {"unread"}:
        return _unused(scene, one, name, seen, row)
    where = ended[0].item.step.location
    return Finding(
        kind="zero-gradient",
        severity="warning",
        path=name,
        where=str(where),
        message=f"{_derivative([one])} with respect to {name} is 0: {_reasons(ended)}. {_extent(scene, [one])}",
        cure=_cure(ended),
    )


def _reaches(scene: Scene, members: Sequence[Direction], slopes: bool) -> bool:
    """Whether there may be a way from any of some inputs to a result, at whatever point; of slopes alone, or of values.

    What is not told by one pass over the program's dependences is not said.
    """
    assert scene.trace is not None
    found = reaching(scene.trace, np.array([one.vector != 0 for one in members]), slopes=slopes)
    return found is None or bool(found.any())


def _is_zero_as_held(scene: Scene, leaf: int) -> bool:
    """Whether a derivative is 0 with literals as the program rounds them: 0.1 in float32 is 13421773/134217728."""
    outputs = range(len(scene.subject.outputs))
    with contextlib.suppress(OutOfReach):
        return not any(in_digits(scene, (o, leaf), scene.subject.exact_point).any() for o in outputs)
    return False


def _unused(scene: Scene, one: Direction, name: str, seen: Sequence[Seen], row: int) -> Finding:
    branch = next((item for item in seen if _takes_it_in(item, row)), None)
    if branch is not None:
        message = (
            f"The derivative with respect to {name} is 0: only a branch that is not taken here uses it"
            f"{quoted(branch.step.location)}. It is 0 around this point, not everywhere."
        )
        return Finding("zero-gradient", "warning", name, str(branch.step.location), message)
    if _reaches(scene, [one], slopes=False):
        message = f"The derivative with respect to {name} is 0 here; elsewhere it need not be."
        return Finding("zero-gradient", "info", name, scene.subject.where, message)
    message = f"The derivative with respect to {name} is 0: {scene.subject.name} never uses it, so it is 0 everywhere."
    cure = f"Leave {name} out of wrt, or look for the place where it was meant to be used."
    return Finding("zero-gradient", "warning", name, scene.subject.where, message, cure)


def _takes_it_in(item: Seen, row: int) -> bool:
    """Whether a conditional is given what moves along a direction."""
    step = item.step
    return (
        isinstance(step, Equation) and step.primitive == "cond" and any(_moves(value, row) for value in item.operands)
    )


def _moves(value: Watched, row: int) -> bool:
    if value.tangent is None:
        return False
    return bool(np.any(value.tangent[min(row, len(value.tangent) - 1)] != 0))


def _arrives(scene: Scene, seen: Sequence[Seen], row: int) -> bool:
    """Whether a direction goes through to the last step, its contributions cancelling but for rounding."""
    last = next((item for item in reversed(seen) if isinstance(item.step, Equation)), None)
    return last is not None and any(_moves(value, row) for value in last.results)


def _lost(scene: Scene, one: Direction, name: str, seen: Sequence[Seen], row: int) -> Finding | None:
    """A derivative that is too small for the dtype, or was rounded away; a large one is another matter."""
    leaf = scene.subject.inputs[one.leaf]
    info = jnp.finfo(leaf.dtype)
    scale = _scale(scene, one.leaf)
    if not abs(one.true) < max(float(info.eps) * scale, float(info.tiny)):
        return None
    gains = [(gain, item) for item in seen if (gain := _gain(item, row)) is not None]
    gain, item = min(gains, key=lambda pair: pair[0], default=(1.0, None))
    if item is not None and gain < 1e-3:
        assert isinstance(item.step, Equation)
        at = figure(float(np.ravel(item.operands[0].data)[0]))
        where, name_of = item.step.location, item.primitive
        cause = f"{name_of}{quoted(where)} is saturated at {at}, where its slope is {figure(float(f'{gain:.2g}'))}"
    else:
        where, cause = None, "many small factors are multiplied on the way"
    under = "below the smallest normal number" if abs(one.true) < float(info.tiny) else "lost to rounding"
    return Finding(
        kind="zero-gradient",
        severity="warning",
        path=name,
        where=str(where or ""),
        message=f"The derivative with respect to {name} is 0 in {leaf.dtype}, but not exactly: in float64 it is "
        f"{figure(one.true)}, {under} of {leaf.dtype}: {cause}.".replace("rounding of", "rounding in"),
        cure="Compute the logarithm of it instead (jax.nn.log_sigmoid, logsumexp), or scale the input.",
    )


def _scale(scene: Scene, leaf: int) -> float:
    """|f| / |x|: of what size a derivative would matter."""
    size = max(float(np.max(np.abs(np.asarray(value, np.float64)), initial=0.0)) for value in scene.values.value)
    return max(size, 1.0) / (float(np.max(np.abs(scene.point[leaf]), initial=0.0)) or 1.0)


def _gain(item: Seen, row: int) -> float | None:
    """How much a step of one operand shrinks a direction."""
    step = item.step
    if not isinstance(step, Equation) or step.bodies or len(item.operands) != 1:
        return None
    before, after = (
        0.0 if v.tangent is None else float(np.max(np.abs(v.tangent[min(row, len(v.tangent) - 1)]), initial=0.0))
        for v in (item.operands[0], item.results[0])
    )
    return after / before if before > 0 and np.isfinite(before) else None


def _parts(scene: Scene, parts: Sequence[Direction], ends: Sequence[Sequence[VanishingTangent]]) -> Iterator[Finding]:
    """One finding for each reason why elements of a gradient are zero, where it is worth a word."""
    groups: dict[tuple[object, ...], tuple[Sequence[VanishingTangent], list[Direction]]] = {}
    for one, ended in zip(parts, ends, strict=True):
        if not abs(one.true) <= 4 * one.error or {vanished.reason for vanished in ended} & EXPECTED:
            continue
        told = {
            (vanished.reason, vanished.item.step.location.line) for vanished in ended if vanished.reason != "unread"
        }
        key = (one.leaf, frozenset(told), bool(told) or _reaches(scene, [one], slopes=False))
        groups.setdefault(key, (ended, []))[1].append(one)
    for ended, members in groups.values():
        names = listing([scene.names.input_element(one.element) for one in members if one.element is not None])
        if len(parts) == MAX_FOLLOWED:
            names += f" (of the first {MAX_FOLLOWED} elements with derivative 0)"
        if not ended or {vanished.reason for vanished in ended} == {"unread"}:
            if _reaches(scene, members, slopes=False):
                continue  # what ends the way was not seen
            them = "them" if len(members) > 1 else "it"
            where, why = scene.subject.where, f"{scene.subject.name} never reads {them}, so it is 0 at every point."
        else:
            where, why = str(ended[0].item.step.location), f"{_reasons(ended)}. {_extent(scene, members)}"
        yield Finding(
            kind="zero-gradient",
            severity="info",
            path=scene.names.input_element(members[0].element or 0),
            where=where,
            message=f"{_derivative(members)} with respect to {names} is 0: {why}",
        )


def _derivative(members: Sequence[Direction]) -> str:
    """What is 0: where a choice is at a tie, that which JAX returns."""
    return "JAX's derivative" if any(one.at_tie for one in members) else "The derivative"


def _reasons(ended: Sequence[VanishingTangent]) -> str:
    """The reasons, each with its source line."""
    said = dict.fromkeys(f"{vanished.why}{quoted(vanished.item.step.location)}" for vanished in ended)
    return "; ".join(list(said)[:3])


def _extent(scene: Scene, members: Sequence[Direction]) -> str:
    """Whether the derivative is zero wherever it exists, or at this point."""
    if not _reaches(scene, members, slopes=True):
        return "So it is 0 at every point."
    return "It is 0 at this point; elsewhere it need not be."


def _cure(ended: Sequence[VanishingTangent]) -> str:
    reasons = {vanished.reason for vanished in ended}
    if reasons <= {"rounding", "integer", "comparison"}:
        return (
            "For a useful derivative use a smooth stand-in (a sigmoid, a soft maximum) or a straight-through estimator."
        )
    if reasons == {"factor"}:
        return "Start from a factor that is not exactly 0, as random weights are."
    if reasons == {"saturated"}:
        return "Scale the input, or compute the logarithm of the function instead."
    return ""
