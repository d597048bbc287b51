"""Points at which the function is not smooth: which operation, the slopes on both sides, and what JAX returns."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.base.budget import passed, within
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.checking.sides import Side, Slopes, both_sides
from jaxdiff_magic.engines.reference.directions import leaf_places
from jaxdiff_magic.engines.reference.watching import Seen, watched
from jaxdiff_magic.findings.saying import listing, quoted
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.findings.smoothness import ties
from jaxdiff_magic.findings.smoothness.control_dependence import carrying
from jaxdiff_magic.findings.smoothness.crossing import SLIGHT, Crossing, Direction, crossings_along, evaluated
from jaxdiff_magic.findings.smoothness.flatness import flat_curvature
from jaxdiff_magic.findings.smoothness.ties import DECIDING, READING, Tie
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.leaves import matrix_of
from jaxdiff_magic.subject.trace import Equation, RuleCall

MAX_LINES = 6
"""No more lines than this are looked at. A choice of time, and of what anybody reads."""
MAX_MEASURED = 4
"""Along at most so many directions the slopes of one line are measured. A choice of time."""
MAX_FOLLOWED = 64
"""With more scalar inputs than this, only coordinates that have a name in the comparison are moved. A choice of
time."""
MAX_TANGENT_NUMBERS = 20_000_000
"""Tangents are followed while a run has no more numbers than this. A choice of memory: 160 MB in float64."""
AT_LEAST = 1.0
"""Seconds that there are in any case. A choice: a kink at the point makes the derivative one of many."""

NOUNS = {
    "select_n": "where",
    "cond": "cond",
    "reduce_max": "max",
    "reduce_min": "min",
    **dict.fromkeys(READING, "indexing"),
}
JUMPS = having("jumps")
ROOTS = frozenset(("sqrt", "cbrt", "pow"))
TURNING = JUMPS | frozenset(("select_n", "cond", "argmax", "argmin"))
"""Primitives whose results jump, so that they may turn round a decision that is not at a tie itself."""
CONVENTIONS: Mapping[str, str] = {
    **dict.fromkeys(("max", "min"), "since it gives each of two equal operands half of the slope"),
    "clamp": "since it counts a value on a bound as outside",
    "abs": "since its rule of abs takes slope +1 at 0",
    **dict.fromkeys(("reduce_max", "reduce_min"), "since it shares the slope evenly among equal elements"),
    **dict.fromkeys(("argmax", "argmin"), "since it takes the first of equal elements"),
    **dict.fromkeys(("sort", "top_k"), "since it keeps equal elements in the order in which they came"),
    **dict.fromkeys(READING, "since it differentiates the elements that are read"),
    **dict.fromkeys(("select_n", "cond"), "since it differentiates the branch that the condition picks"),
    **dict.fromkeys(ROOTS, "since the slope of a root at 0 is infinite, and nan once multiplied by 0"),
    **dict.fromkeys(JUMPS, "since the slope is 0 on both sides of the jump"),
}
"""Why JAX returns what it does at a kink; measured with JAX 0.10 and 0.12."""


@dataclass(frozen=True)
class Kink:
    """What one line does at a tie.

    Attributes:
        step: the operation that chooses.
        ties: the pairs that are equal.
        call: the function with a rule of its own around the operation, if there is one.
    """

    step: Equation
    ties: tuple[Tie, ...]
    call: RuleCall | None

    @property
    def name(self) -> str:
        """What the reader calls the operation."""
        return self.call.name if self.call else NOUNS.get(self.step.primitive, self.step.primitive)

    @property
    def why(self) -> str:
        """Why JAX returns what it does."""
        if self.call:
            return f"by its rule of {self.call.name}" if self.call.is_library else f"by the rule of {self.call.name}"
        return CONVENTIONS[self.step.primitive]


@dataclass(frozen=True)
class Bend:
    """What crossing a kink shows.

    Attributes:
        kink: the operation.
        direction: along which it was crossed.
        entry: of the flat outputs, whose slope or value is another on the other side; of the gradient for crossings.
        slopes: both sides; None for crossings.
        crossings: where the function has one slope, but its gradient has two; or JAX another.
    """

    kink: Kink
    direction: Direction
    entry: int
    slopes: Slopes | None
    crossings: tuple[Crossing, ...] = ()

    @property
    def key(self) -> object:
        """Equal for the operations of one line that make one kink between them, as those of `hypot` do."""
        place = self.kink.step.location
        return place.file, place.line, self.direction.name, self.entry, self.slopes is None


def find(scene: Scene) -> list[Finding]:
    """One finding for each source line whose choice is at a tie and bends the function or its gradient."""
    if scene.reference is None or not scene.seen or not scene.subject.size:
        return []
    with contextlib.suppress(OutOfReach):
        deadline = max(scene.deadline, within(AT_LEAST))
        found: dict[object, list[Bend]] = {}
        for kink in _kinks(scene)[:MAX_LINES]:
            if not passed(deadline) and (bend := _looked_at(scene, kink, deadline)) is not None:
                found.setdefault(bend.key, []).append(bend)
        return [_told(scene, bends) for bends in found.values()] + flat_curvature(scene)
    return []


def _kinks(scene: Scene) -> list[Kink]:
    """The operations that choose between equal numbers, one for each line and kind."""
    assert scene.trace is not None
    coarseness = ties.rounding_of(scene.subject)
    calls = scene.rule_calls
    bending, turning = (carrying(scene.trace, conditions) for conditions in (False, True))
    lines: dict[tuple[str, int, str], tuple[Equation, list[Tie]]] = {}
    for item in scene.seen:
        step = item.step
        if isinstance(step, Equation) and id(step) in (turning if step.primitive in TURNING else bending):
            place = (step.location.file, step.location.line, step.primitive)
            if decisive := _decisive(scene, item, coarseness):
                lines.setdefault(place, (step, []))[1].extend(decisive)
    kinks = [Kink(step, tuple(tied), calls.get(id(step))) for step, tied in lines.values()]
    compared = [frozenset(id(tie.item) for tie in kink.ties) for kink in kinks]
    # of several choices by one condition (the double where) the last one decides
    return [kink for k, kink in enumerate(kinks) if compared[k] not in compared[k + 1 :]]


def _decisive(scene: Scene, item: Seen, coarseness: float) -> list[Tie]:
    """The pairs at a tie by which one step chooses."""
    assert isinstance(item.step, Equation)
    if item.primitive in DECIDING:
        return []  # what it decides is what matters
    if item.primitive in ("select_n", "cond") or item.primitive in READING:
        behind = ties.comparisons_before(scene.names, item)
        return [tie for comparison in behind for tie in ties.ties_of(comparison, coarseness)]
    return ties.ties_of(item, coarseness)


# Crossing the kink


def _directions(scene: Scene, kink: Kink) -> list[Direction]:
    """Directions that move the two sides of the kink apart, the clearest first."""
    n, named = scene.subject.size, _named(scene, kink)
    columns = list(range(n)) if n <= MAX_FOLLOWED else named
    columns = columns[:MAX_FOLLOWED]
    rows = np.eye(n)[columns] if n <= MAX_FOLLOWED else np.array([_unit(n, k) for k in columns]).reshape(-1, n)
    size = sum(value.data.size for item in scene.seen for value in item.results) * max(len(rows), 1)
    order = list(named)
    if len(rows) and size <= MAX_TANGENT_NUMBERS and scene.trace is not None:
        order += [columns[k] for k in _moving(scene, kink, rows)]
    random = np.random.default_rng(n).standard_normal(n)
    found = [Direction(scene.names.input_element(k), _unit(n, k)) for k in dict.fromkeys(order)]
    if not found:  # the sides move together, or at second order, as at the norm of 0
        found = [Direction(scene.names.input_element(k), _unit(n, k)) for k in columns[:MAX_MEASURED]]
    return [*found[:MAX_MEASURED], Direction("a random direction", random / np.linalg.norm(random))]


def _unit(n: int, k: int) -> np.ndarray:
    unit = np.zeros(n)
    unit[k] = 1.0
    return unit


def _named(scene: Scene, kink: Kink) -> list[int]:
    """Elements of the inputs that are themselves compared."""
    found: dict[int, None] = {}
    for tie in kink.ties[:MAX_MEASURED]:
        for side in tie.sides:
            if side is None:
                continue
            value = tie.item.operands[side[0]]
            positions = scene.names.positions(value)
            if positions is not None and (at := int(positions[side[1] if value.data.shape else ()])) >= 0:
                found[at] = None
    return list(found)


def _moving(scene: Scene, kink: Kink, rows: np.ndarray) -> list[int]:
    """Which of some directions move the sides of the kink apart, the fastest first."""
    assert scene.trace is not None
    places = {id(item): k for k, item in enumerate(scene.seen)}
    followed = watched(scene.trace, scene.point, rows)
    speed = np.zeros(len(rows))
    for tie in kink.ties[:MAX_MEASURED]:
        along = Tie(followed[places[id(tie.item)]], tie.sides)
        speed = np.maximum(speed, np.abs(ties.tangent_of(along, len(rows))))
    speed = np.where(np.isfinite(speed), speed, 0.0)
    return [int(k) for k in np.argsort(-speed, kind="stable") if speed[k] > 0]


def _looked_at(scene: Scene, kink: Kink, deadline: float) -> Bend | None:
    """What crossing a kink shows: a bend of the function, else one of its gradient, else nothing."""
    directions = _directions(scene, kink)
    vectors = np.array([direction.vector for direction in directions])
    outputs = range(len(scene.subject.outputs))
    slopes = both_sides(evaluated(scene, [(o,) for o in outputs]), scene.point, vectors, deadline)
    crossed = list(zip(directions, slopes, strict=False))  # those that there was time for
    for direction, found in crossed:
        bent = found.apart | found.left.jumps | found.right.jumps
        if bent.any():
            return Bend(kink, direction, int(np.argmax(bent)), found)
    for direction, found in crossed:
        if (missed := _missed(scene, direction, found)).any():
            return Bend(kink, direction, int(np.argmax(missed)), found)
    if scene.subject.is_scalar and scene.values.hessian is not None and scene.values.jacobian is not None:
        crossings = crossings_along(scene, directions[:-1], deadline)
        if crossings:
            return Bend(kink, crossings[0].direction, crossings[0].entry, None, tuple(crossings))
    return None


def _missed(scene: Scene, direction: Direction, found: Slopes) -> np.ndarray:
    """The outputs with one slope along a direction, which is not JAX's: as of the median of three equal numbers."""
    told = _jax_slopes(scene, direction)
    left, right = found.left, found.right
    if told is None:
        return np.zeros(left.slope.shape, bool)
    with np.errstate(invalid="ignore"):
        size = np.maximum(np.abs(told), np.maximum(np.abs(left.slope), np.abs(right.slope)))
        allowed = left.off + right.off + SLIGHT * size
        apart = np.minimum(np.abs(left.slope - told), np.abs(right.slope - told))
        missed = np.isfinite(told) & (apart > allowed)
        return missed & ~(apart <= _rounding(scene, direction)) if missed.any() else missed


def _rounding(scene: Scene, direction: Direction) -> np.ndarray | float:
    """How much of JAX's slopes along a direction may be rounding in the subject's own dtype; 0 where that is lost."""
    if scene.reference is None:
        return 0.0
    subject, batch, shares = scene.subject, [x[None] for x in scene.point], np.abs(direction.vector)
    try:
        blocks = [
            [scene.reference.evaluate((o, i), batch).errors[0] for i in range(len(subject.inputs))]
            for o in range(len(subject.outputs))
        ]
    except OutOfReach:
        return 0.0
    bounds = matrix_of(blocks, subject.outputs, subject.inputs)[:, shares != 0] @ shares[shares != 0]
    return np.where(np.isfinite(bounds), ties.rounding_of(subject) * bounds, 0.0)


# Sentences


def _opening(scene: Scene, bends: Sequence[Bend]) -> str:
    """Which operation is at a tie, between which numbers, and how often; and which others by the same."""
    kink = bends[0].kink
    first = kink.ties[0]
    if first.item.step is not kink.step:
        here = "on the boundary of its condition"
    else:
        here = "at a jump" if kink.step.primitive in JUMPS else "at its kink"
    elements = len({(id(tie.item.step), tie.sides) for tie in kink.ties})
    times = len({id(tie.item) for tie in kink.ties if tie.item.step is first.item.step})
    also = f" (and {elements - 1:,} more like it)" if elements > 1 else ""
    often = f", {times} times in a loop" if times > 1 else ""
    others = list(dict.fromkeys(bend.kink.name for bend in bends[1:] if bend.kink.name != kink.name))
    so = f"; so {'is' if len(others) == 1 else 'are'} {listing(others)} on this line" if others else ""
    return f"{kink.name}{quoted(kink.step.location)} is {here}: {ties.said(scene.names, first)}{also}{often}{so}."


def _told(scene: Scene, bends: Sequence[Bend]) -> Finding:
    """One finding for operations that make one kink; which of them gives JAX's number is told of one alone."""
    why = f", {bends[0].kink.why}" if len({bend.kink.why for bend in bends}) == 1 else ""
    return (_second_order if bends[0].slopes is None else _first_order)(scene, bends, why)


def _first_order(scene: Scene, bends: Sequence[Bend], why: str) -> Finding:
    bend, subject = bends[0], scene.subject
    direction, found, entry = bend.direction, bend.slopes, bend.entry
    assert found is not None
    output = _entry_name(scene, entry)
    along = f"Along {direction.name}"
    jumps = bool(found.left.jumps[entry] or found.right.jumps[entry])
    if jumps:
        beside = f"{figure(found.left.limit[entry])} on the left, {figure(found.right.limit[entry])} on the right"
        shows = f"{along}, {output} jumps: {figure(found.middle[entry])} here, {beside}"
        cure = "No derivative exists at a jump; move the point off it."
    elif found.apart[entry]:
        shows = (
            f"{along}, the slope of {output} is {_slope(found.left, entry)} from the left and "
            f"{_slope(found.right, entry)} from the right"
        )
        cure = "No derivative exists here; JAX's number is a convention. Check derivatives off the kink."
    else:
        shows = f"{along}, the slope of {output} is {_slope(found.left, entry)} from both sides"
        cure = "JAX's number is not the slope of the function here. Check derivatives off the kink."
    told = _jax_slopes(scene, direction)
    returned = f"; JAX returns {figure(told[entry])}{why}" if told is not None else ""
    return Finding(
        kind="kink",
        severity="warning",
        path=direction.name if direction.name in _elements(scene) else subject.name,
        where=str(bend.kink.step.location),
        message=f"{_opening(scene, bends)} {shows}{returned}.",
        cure=cure,
    )


def _second_order(scene: Scene, bends: Sequence[Bend], why: str) -> Finding:
    crossings, kink = bends[0].crossings, bends[0].kink

    def rate(crossing: Crossing) -> str:
        sides = (crossing.slopes.left, crossing.slopes.right)
        left, right = (_slope(side, crossing.entry) for side in sides)
        if crossing.is_bent:
            return f"{left} from the left and {right} from the right"
        return _slope(min(sides, key=lambda side: float(side.off[crossing.entry])), crossing.entry)

    first = min(crossings, key=lambda crossing: (crossing.is_bent, not crossing.has_rate))
    moved, other = first.direction.name, scene.names.input_element(first.entry)
    turned = [c for c in crossings if (c.direction.name, scene.names.input_element(c.entry)) == (other, moved)]
    back = f" (and that with respect to {moved}, moving {other}, at the rate {rate(turned[0])})" if turned else ""
    is_continuous = all(crossing.has_rate for crossing in crossings)
    smooth = "The gradient is continuous" if is_continuous else f"The function has one slope along {moved}"
    exists = "JAX's Hessian is wrong here" if first.has_rate and not first.is_bent else "there is no Hessian here"
    return Finding(
        kind="kink",
        severity="warning",
        path=moved,
        where=str(kink.step.location),
        message=f"{_opening(scene, bends)} {smooth}, but {exists}: moving {moved}, the derivative "
        f"with respect to {other} changes at the rate {rate(first)}{back if moved != other else ''}; JAX's entry is "
        f"{figure(first.told)}{why}.",
        cure="A symmetric Hessian does not show that it is right. Move the point off the tie, or write the second "
        "derivative by hand.",
    )


def _slope(side: Side, entry: int) -> str:
    value = float(side.slope[entry])
    if not np.isfinite(value):
        return "undefined" if np.isnan(value) else "infinite"
    if side.is_known[entry]:
        return figure(value)
    return f"about {figure(value, 1)}" if side.off[entry] < 0.5 * abs(value) else "unknown"


def _entry_name(scene: Scene, entry: int) -> str:
    """The name of an element of the flat outputs."""
    for leaf, place in zip(
        scene.subject.outputs, leaf_places([leaf.shape for leaf in scene.subject.outputs]), strict=True
    ):
        if place.start <= entry < place.stop:
            return leaf.element([int(k) for k in np.unravel_index(entry - place.start, leaf.shape)])
    raise IndexError(entry)


def _elements(scene: Scene) -> frozenset[str]:
    return frozenset(scene.names.input_element(k) for k in range(min(scene.subject.size, 10 * MAX_FOLLOWED)))


def _jax_slopes(scene: Scene, direction: Direction) -> np.ndarray | None:
    """JAX's slopes of the flat outputs along a direction."""
    jacobian = scene.values.jacobian
    if jacobian is None:
        return None
    moved = direction.vector != 0
    rows = matrix_of(jacobian, scene.subject.outputs, scene.subject.inputs)[:, moved]
    return rows @ direction.vector[moved]
