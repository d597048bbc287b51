"""The ways to a derivative as bars, in SVG: what each takes of time and of memory, beside the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from jaxdiff_magic.base.units import operations
from jaxdiff_magic.report.cost_figures import ModeCost
from jaxdiff_magic.show.document import Picture
from jaxdiff_magic.show.numbers import duration, memory

WIDTH, NAMES, FIGURES = 640, 160, 90
"""Of the whole, of the column of names, and of that of figures, in pixels."""
ROW, GAP = 18, 30
INK = "#767676"
"""Legible on white and on black: a picture does not know the theme around it."""
COLOURS = {"forward": "#3d7fd9", "reverse": "#cf7a1c"}
STRUCTURE = "#2f9e63"
MEASURES: tuple[tuple[str, str, Callable[..., str]], ...] = (
    ("time", "seconds", duration),
    ("temporary memory", "temp_bytes", memory),
    ("FLOPs", "flops", operations),
)


def bars(ways: Sequence[ModeCost]) -> Picture | None:
    """Bars for each measure in which at least two ways have a figure; None where there is none.

    FLOPs are drawn only where nothing was timed.
    """
    groups = []
    for title, field, write in MEASURES:
        known = [(way.mode, getattr(way, field)) for way in ways if getattr(way, field) is not None]
        if len(known) > 1 and max(value for _, value in known) > 0 and not (field == "flops" and groups):
            groups.append((title, known, write))
    if not groups:
        return None
    height = sum(GAP + ROW * len(known) for _, known, _ in groups)
    drawn, top = [], 0
    for title, known, write in groups:
        drawn.append(_text(0, top + 18, title, weight=600))
        largest = max(value for _, value in known)
        for k, (name, value) in enumerate(known):
            y = top + GAP + ROW * k
            length = max(1.0, (WIDTH - NAMES - FIGURES) * value / largest)
            colour = COLOURS.get(name, STRUCTURE)
            drawn.append(_text(NAMES - 8, y + 11, name, anchor="end"))
            drawn.append(f'<rect x="{NAMES}" y="{y}" width="{length:.1f}" height="{ROW - 5}" rx="2" fill="{colour}"/>')
            drawn.append(_text(NAMES + length + 6, y + 11, write(value)))
        top += GAP + ROW * len(known)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}">{"".join(drawn)}</svg>'
    )
    said = "; ".join(f"{title}: {_listed(known, write)}" for title, known, write in groups)
    return Picture(svg, f"Bars. {said}.")


def _listed(known: Sequence[tuple[str, float]], write: Callable[..., str]) -> str:
    return ", ".join(f"{name} {write(value)}" for name, value in known)


def _text(x: float, y: float, text: str, anchor: str = "start", weight: int = 400) -> str:
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'
