"""Choices that the data made: the branch, the count, the order at the point, and how near another one is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.engines.reference.watching import Seen, Watched
from jaxdiff_magic.findings.naming import Names
from jaxdiff_magic.findings.saying import count, quoted
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.findings.smoothness import ties
from jaxdiff_magic.findings.smoothness.ties import COMPARISONS, READING, is_number
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.trace import Equation

NEAR = 1e-3
"""A boundary nearer than this, relatively, is a warning. A choice: what the next step of an optimiser may cross."""
KINDS = {
    "cond": "cond",
    "while": "loop",
    "select_n": "where",
    "sort": "sort",
    "argmax": "argmax",
    "argmin": "argmin",
    **dict.fromkeys(READING, "indexing"),
}
ORDERING = frozenset(("lt", "le", "gt", "ge"))
OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


@dataclass(frozen=True)
class Margin:
    """How far a choice is from another outcome.

    Attributes:
        relative: the distance of the two numbers compared, relative to the larger of their arrays.
        said: the inequality that held, in the reader's names.
        undecided: whether the two are equal within rounding.
        count: of how many pairs this one is the nearest.
    """

    relative: float
    said: str
    undecided: bool
    count: int = 1


@dataclass(frozen=True)
class Taken:
    """One choice of one step: what was taken, and the margins by which it was."""

    step: Equation
    outcome: str
    margins: tuple[Margin, ...]


def find(scene: Scene) -> list[Finding]:
    """One finding for each source line whose choice depends on the inputs."""
    lines: dict[tuple[str, int, str], list[Taken]] = {}
    for choice in _choices(scene):
        place = choice.step.location
        lines.setdefault((place.file, place.line, KINDS[choice.step.primitive]), []).append(choice)
    unsure = {line[:2] for line, found in lines.items() if line[2] == "indexing" and _is_undecided(found)}
    # what an interpolation reads is one choice with those around it: at a node it is a kink, or nothing
    return [finding for line, found in lines.items() if line[:2] not in unsure and (finding := _finding(found))]


def _is_undecided(found: Sequence[Taken]) -> bool:
    return any(margin.undecided for choice in found for margin in choice.margins)


def _finding(found: Sequence[Taken]) -> Finding | None:
    step = found[0].step
    margins = [margin for choice in found for margin in choice.margins]
    if step.primitive not in ("cond", "while"):  # on its boundary, such a choice is a kink
        margins = [margin for margin in margins if not margin.undecided]
        if not margins:
            return None
    margins = list({(margin.said, margin.relative): margin for margin in margins}.values())
    outcomes = list(dict.fromkeys(choice.outcome for choice in found))
    often = sum(choice.step is step for choice in found)
    times = f", {often:,} times" if often > 1 and len(outcomes) == 1 else ""
    said = outcomes[0] if len(outcomes) == 1 else f"first {outcomes[0]}, and in the end {outcomes[-1]}"
    warn = any(margin.relative < NEAR or margin.undecided for margin in margins)
    return Finding(
        kind="frozen-branch",
        severity="warning" if warn else "info",
        path="",
        where=str(step.location),
        message=f"{KINDS[step.primitive]}{quoted(step.location)} depends on the inputs: {said}{times}."
        f"{_region(margins)}",
        cure="A small step crosses the boundary: look at both sides, or move the point away from it." if warn else "",
    )


def _region(margins: Sequence[Margin]) -> str:
    """Where the formula holds, and how near its boundary is."""
    if not margins:
        return " The derivative is that of this choice."
    nearest = min(margins, key=lambda margin: (not margin.undecided, margin.relative))
    if nearest.undecided:
        distance = "within rounding of the boundary"
    else:
        distance = f"a relative distance of {figure(float(f'{nearest.relative:.2g}'))} from the boundary"
    total = sum(margin.count for margin in margins)
    if total == 1:
        return f" The derivative is that of this choice; it holds while {nearest.said}, {distance}."
    return (
        f" The derivative is that of this choice; it holds while {total:,} comparisons stay as they are. The nearest "
        f"is {nearest.said}, {distance}."
    )


def _choices(scene: Scene) -> Iterator[Taken]:
    names, coarseness = scene.names, ties.rounding_of(scene.subject)
    conditions = _conditions(scene)
    counted: dict[int, list[Seen]] = {}
    for item in scene.seen:
        step = item.step
        if not isinstance(step, Equation):
            continue
        if id(step) in conditions:
            counted.setdefault(conditions[id(step)], []).append(item)
        elif step.primitive == "select_n" and is_number(item.results[0]):
            behind = [c for c in ties.comparisons_behind(names, item.operands[0]) if c.primitive in ORDERING]
            if behind and item.operands[0].data.dtype == bool:
                yield Taken(step, _truth(item.operands[0]), tuple(_margins(names, behind, coarseness)))
        elif step.primitive in READING and is_number(item.results[0]):
            behind = ties.comparisons_before(names, item)
            if margins := [m for c in behind for m in _reading_margins(names, c, coarseness)]:
                yield Taken(step, "it reads the elements that they pick", tuple(margins))
        elif step.primitive == "cond" and (jumps := ties.jumps_behind(names, item.operands[0])):
            behind = [jump for jump in jumps if jump.primitive in COMPARISONS]
            yield Taken(step, _branch(step, item.operands[0]), tuple(_margins(names, behind, coarseness)))
        elif step.primitive == "while" and (tests := counted.pop(id(step), [])):
            steps = sum(bool(np.all(test.results[0].data)) for test in tests)
            yield Taken(step, f"it takes {count(steps, 'step')}", tuple(_margins(names, tests, coarseness)))
        elif step.primitive in ("sort", "argmax", "argmin") and item.operands[0].varies and is_number(item.operands[0]):
            yield from _ordered(names, item, coarseness)


def _conditions(scene: Scene) -> dict[int, int]:
    """The comparisons of numbers in the conditions of while loops, each with its loop."""
    found = {}
    for item in scene.seen:
        if isinstance(item.step, Equation) and item.primitive == "while":
            condition = item.step.bodies[0]
            found |= {id(test): id(item.step) for test in condition.equations if test.primitive in COMPARISONS}
    varying = {
        id(item.step) for item in scene.seen if id(item.step) in found and any(value.varies for value in item.operands)
    }
    return {test: loop for test, loop in found.items() if test in varying}


def _branch(step: Equation, index: Watched) -> str:
    taken = int(np.clip(int(index.data), 0, len(step.bodies) - 1))
    if len(step.bodies) == 2:
        return f"the branch for {'true' if taken else 'false'} is taken"
    return f"branch {taken} of {len(step.bodies)} is taken"


def _truth(condition: Watched) -> str:
    true, size = int(np.count_nonzero(condition.data)), condition.data.size
    if size == 1:
        return f"the condition is {'true' if true else 'false'}"
    return f"the condition is true for {true:,} of {size:,} elements"


def _sign(comparison: Seen) -> str:
    return COMPARISONS[comparison.primitive]


def _margins(names: Names, comparisons: Sequence[Seen], coarseness: float) -> Iterator[Margin]:
    """The nearest pair of each comparison."""
    for item in comparisons:
        a, b = item.operands
        x, y = np.broadcast_arrays(np.asarray(a.data, float), np.asarray(b.data, float))
        if not x.size:
            continue
        gap = np.where(np.isfinite(x - y), np.abs(x - y), np.inf)
        index = tuple(int(k) for k in np.unravel_index(int(np.argmin(gap)), gap.shape))
        largest = max(float(np.max(np.abs(part[np.isfinite(part)]), initial=0.0)) for part in (x, y))
        held = bool(np.asarray(item.results[0].data)[index])
        sign = _sign(item) if held else OPPOSITE[_sign(item)]
        left, right = (names.element(item, k, index) or figure(v[index]) for k, v in enumerate((x, y)))
        numbers = ", ".join(
            text for k, v in enumerate((x, y)) if (text := names.said(item, k, index)) != figure(v[index])
        )
        inequality = f"{left} {sign} {right}" + (f" ({numbers})" if numbers else "")
        error = (np.asarray(a.error) + np.asarray(b.error)) * coarseness
        close = bool(ties.near(x, y, error)[index])
        yield Margin(float(gap[index]) / largest if largest else 0.0, inequality, close, x.size)


def _reading_margins(names: Names, item: Seen, coarseness: float) -> Iterator[Margin]:
    """The nearest pair of a comparison, or the node of a sorted array that is nearest to a value."""
    if item.primitive in COMPARISONS:
        yield from _margins(names, [item], coarseness)
        return
    array, values = (np.asarray(operand.data, float) for operand in item.operands)
    gaps = np.abs(values[..., None] - array)
    if not gaps.size:
        return
    *index, node = (int(k) for k in np.unravel_index(int(np.argmin(gaps)), gaps.shape))
    value, level = float(values[tuple(index)]), float(array[node])
    named = names.said(item, 1, index)
    sign = ">" if value > level else "<"
    largest = max(float(np.max(np.abs(values), initial=0.0)), abs(level))
    close = bool(list(ties.ties_of(item, coarseness)))
    left = names.element(item, 1, index) or figure(value)
    said = f"{left} {sign} {figure(level)}" + (f" ({named})" if named != figure(value) else "")
    yield Margin(float(gaps[(*index, node)]) / largest if largest else 0.0, said, close, values.size)


def _ordered(names: Names, item: Seen, coarseness: float) -> Iterator[Taken]:
    """Orders of elements: the two neighbours that are nearest."""
    assert isinstance(item.step, Equation)
    x, params = item.operands[0], item.params
    sorts = item.primitive == "sort"
    axis = params["dimension"] if sorts else params["axes"][0]
    if x.data.shape[axis] < 2:
        return
    order = np.argsort(x.data if item.primitive != "argmax" else -x.data, axis=axis, kind="stable")
    if not sorts:
        order = np.take(order, [0, 1], axis)
    ranked = np.take_along_axis(x.data, order, axis)
    gaps = np.abs(np.diff(ranked, axis=axis))
    nearest = [int(k) for k in np.unravel_index(int(np.argmin(gaps)), gaps.shape)]
    ends = []
    for step in (0, 1):
        at = [k + step * (a == axis) for a, k in enumerate(nearest)]
        ends.append(tuple(int(order[tuple(at)]) if a == axis else k for a, k in enumerate(at)))
    first, second = (names.element(item, 0, end) or figure(x.data[end]) for end in ends)
    largest = float(np.max(np.abs(x.data), initial=0.0))
    close = any(tie.sides[0][1] in ends for tie in ties.ties_of(item, coarseness))
    sign = ">" if item.primitive == "argmax" else "<"
    numbers = ", ".join(figure(x.data[end]) for end in ends)
    said = f"{first} {sign} {second}" + (f" ({numbers})" if first != figure(x.data[ends[0]]) else "")
    relative = float(np.min(gaps)) / largest if largest else 0.0
    outcome = (
        f"the order of its {count(x.data.shape[axis], 'element')} is taken as it is"
        if sorts
        else _winner(names, item, ends[0])
    )
    yield Taken(item.step, outcome, (Margin(relative, said, close, gaps.size),))


def _winner(names: Names, item: Seen, index: tuple[int, ...]) -> str:
    return f"it picks {names.element(item, 0, index) or f'element {index[-1]}'}"
