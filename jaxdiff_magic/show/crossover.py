"""Both modes at other sizes, in SVG: the counted work of each as a line, where they cross, and where the point is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from jaxdiff_magic.base.figures import superscript
from jaxdiff_magic.base.units import operations
from jaxdiff_magic.report.cost_figures import Crossover, about
from jaxdiff_magic.show.bars import COLOURS, INK
from jaxdiff_magic.show.document import Picture

WIDTH, HEIGHT = 520, 270
LEFT, RIGHT, TOP, BOTTOM = 56, 92, 48, 44
"""What the axes and the names of the lines take, in pixels."""
RULE = 'stroke="#8c8c8c" stroke-opacity="0.3"'
LINE = 14
"""Least distance of two lines of text."""
MOST_LEVELS = 6
DASHES = {"forward": "", "reverse": ' stroke-dasharray="7 4"'}


def crossover_picture(crossover: Crossover) -> Picture:
    """Two lines over logarithmic axes: forward mode solid with discs, reverse mode dashed with squares."""
    plane, sizes = _Plane.of(crossover), crossover.sizes
    lines = {"forward": crossover.forward, "reverse": crossover.reverse}
    drawn = [*_levels(plane), *_here(plane, sizes[crossover.here]), *_ticks(plane, sizes, crossover)]
    for mode, flops in lines.items():
        drawn += _line(plane, mode, sizes, flops)
    drawn += _names(plane, {mode: flops[-1] for mode, flops in lines.items()})
    drawn += _crossing(plane, crossover)
    drawn.append(_text(0, 14, "counted FLOPs", weight=600))
    drawn.append(_text(WIDTH - RIGHT, HEIGHT - 6, crossover.grows, anchor="end", weight=600))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}">{"".join(drawn)}</svg>'
    )
    return Picture(svg, _said(crossover))


@dataclass(frozen=True)
class _Plane:
    """From scalars and FLOPs to pixels."""

    x: tuple[float, float]
    y: tuple[float, float]

    @staticmethod
    def of(crossover: Crossover) -> _Plane:
        flops = [*crossover.forward, *crossover.reverse]
        low, high = math.log10(min(flops)), math.log10(max(flops))
        room = 0.04 * (high - low) + 0.02
        return _Plane((math.log10(crossover.sizes[0]), math.log10(crossover.sizes[-1])), (low - room, high + room))

    def across(self, scalars: float) -> float:
        low, high = self.x
        return LEFT + 12 + (WIDTH - LEFT - RIGHT - 24) * (math.log10(scalars) - low) / (high - low)

    def up(self, flops: float) -> float:
        low, high = self.y
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (math.log10(flops) - low) / (high - low)


def _levels(plane: _Plane) -> Iterator[str]:
    """Powers of ten, as many as fit; where there are not three, also twice and five times each."""
    low, high = plane.y
    powers = range(math.ceil(low), math.floor(high) + 1)
    every = math.ceil(len(powers) / MOST_LEVELS) or 1
    levels = [(10.0**power, f"10{superscript(power)}") for power in powers[::every]]
    if len(powers) < 3:
        steps = [k * 10**power for power in range(math.floor(low), math.ceil(high) + 1) for k in (1, 2, 5)]
        levels = [(step, operations(step)) for step in steps if low <= math.log10(step) <= high]
    for flops, name in levels:
        y = plane.up(flops)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" {RULE}/>'
        yield _text(LEFT - 6, y + 4, name, anchor="end")


def _ticks(plane: _Plane, sizes: Sequence[int], crossover: Crossover) -> Iterator[str]:
    """The sizes below the axis, that of the point first; one that would touch another is left out."""
    taken: list[tuple[float, float]] = []
    first = sizes[crossover.here]
    for size in sorted(sizes, key=lambda size: size != first):
        x, name = plane.across(size), f"{size:,}"
        half = 3.6 * len(name) + 3
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM + 4}" stroke="{INK}"/>'
        if all(x + half < left or right < x - half for left, right in taken):
            taken.append((x - half, x + half))
            yield _text(x, HEIGHT - BOTTOM + 17, name, anchor="middle", weight=600 if size == first else 400)


def _here(plane: _Plane, size: int) -> Iterator[str]:
    x = plane.across(size)
    ends = f'x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 10}" y2="{HEIGHT - BOTTOM}"'
    yield f'<line {ends} stroke="{INK}" stroke-opacity="0.6"/>'
    yield _text(x, TOP - 14, "here", anchor="middle")


def _line(plane: _Plane, mode: str, sizes: Sequence[int], flops: Sequence[int]) -> Iterator[str]:
    colour = COLOURS[mode]
    places = [(plane.across(size), plane.up(value)) for size, value in zip(sizes, flops, strict=True)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{DASHES[mode]}/>'
    for x, y in places:
        yield _mark(mode, x, y)


def _mark(mode: str, x: float, y: float) -> str:
    if mode == "forward":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{COLOURS[mode]}"/>'
    return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" fill="{COLOURS[mode]}"/>'


def _names(plane: _Plane, ends: dict[str, int]) -> Iterator[str]:
    """Beside the end of each line, with its mark; apart where the lines meet."""
    upper, lower = sorted(ends, key=lambda mode: -ends[mode])
    y = {mode: plane.up(ends[mode]) + 4 for mode in ends}
    if (lack := LINE - (y[lower] - y[upper])) > 0:
        y[upper] -= lack / 2
        y[lower] += lack / 2
    for mode, place in y.items():
        yield _mark(mode, WIDTH - RIGHT + 12, place - 4)
        yield _text(WIDTH - RIGHT + 22, place, mode, weight=600)


def _crossing(plane: _Plane, crossover: Crossover) -> Iterator[str]:
    """A ring where the lines meet, with the size: below the lines, or above them where that is in the way."""
    if crossover.at is None:
        return
    x, y = plane.across(crossover.at), plane.up(_between(crossover.sizes, crossover.forward, crossover.at))
    here, words = plane.across(crossover.sizes[crossover.here]), f"cross at ≈ {about(crossover.at)}"
    length = 12 + 6.5 * len(words)
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="none" stroke="{INK}" stroke-width="2"/>'
    below = x + length < WIDTH - RIGHT and not x < here < x + length
    if below or x - length < LEFT:
        yield _text(x + 12, min(y + 22, HEIGHT - BOTTOM - 4), words)
    else:
        yield _text(x - 12, y - 12, words, anchor="end")


def _between(sizes: Sequence[int], flops: Sequence[int], at: float) -> float:
    """The work at a size between two that were counted, on the straight line of the picture."""
    k = next((k for k, size in enumerate(sizes[1:], 1) if size >= at), len(sizes) - 1)
    share = math.log(at / sizes[k - 1]) / math.log(sizes[k] / sizes[k - 1])
    return flops[k - 1] * (flops[k] / flops[k - 1]) ** share


def _said(crossover: Crossover) -> str:
    figures = "; ".join(
        f"{size:,}: forward {operations(forward)}, reverse {operations(reverse)}"
        for size, forward, reverse in zip(crossover.sizes, crossover.forward, crossover.reverse, strict=True)
    )
    here = f"here {crossover.sizes[crossover.here]:,}"
    return f"Lines of counted FLOPs by the number of {crossover.grows}, {here}. {figures}. {crossover.words}"


def _text(x: float, y: float, text: str, anchor: str = "start", weight: int = 400) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'
