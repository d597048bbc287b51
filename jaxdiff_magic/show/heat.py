"""A derivative at a glance: a small map of its entries, blue below zero, orange above, the deeper the larger."""

from __future__ import annotations

import itertools

import numpy as np

from jaxdiff_magic.base.figures import number
from jaxdiff_magic.show.document import Picture
from jaxdiff_magic.show.limits import HEAT_SIDE

BELOW, ABOVE, BROKEN = "#2f74c0", "#d5750f", "#7d7d7d"
"""Of numbers below and above zero, and of what is not finite: told apart by all kinds of sight, on white and on black,
since a picture does not know the theme around it. The middle is empty."""
LEVELS = (0.22, 0.4, 0.6, 0.8, 1.0)
"""How deep the colours are. A choice: steps that are told apart, of which the least is still seen: only what is exactly
0 is empty."""
FRAME = "#8c8c8c"
LONGEST, LEAST_CELL, MOST_CELL = 224, 7, 14
"""Pixels of the longer side, and of a cell: it is larger where there are few."""


def heat_map(values: np.ndarray, name: str) -> Picture | None:
    """The map of a matrix; of a vector as one row. None without entries."""
    matrix = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if matrix.size == 0 or matrix.ndim != 2:
        return None
    cells = largest_of_blocks(matrix)
    finite = np.abs(cells[np.isfinite(cells)])
    scale = float(finite.max(initial=0.0))
    rows, columns = cells.shape
    side = min(MOST_CELL, max(LEAST_CELL, LONGEST // max(rows, columns)))
    paths = "".join(
        f'<path d="{d}" stroke="{colour}" stroke-opacity="{depth}"/>'
        for (colour, depth), d in _runs(cells, scale).items()
    )
    size = f'width="{columns * side + 2}" height="{rows * side + 2}"'
    box = f'viewBox="{-1 / side:.3f} {-1 / side:.3f} {columns + 2 / side:.3f} {rows + 2 / side:.3f}"'
    frame = f'<rect width="{columns}" height="{rows}" fill="none" stroke="{FRAME}" stroke-width="{1 / side:.3f}"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box}>{paths}{frame}</svg>'
    return Picture(svg, _said(matrix, name, scale), _caption(matrix.shape, cells.shape, bool(np.isnan(cells).any())))


def largest_of_blocks(matrix: np.ndarray) -> np.ndarray:
    """The matrix in at most `HEAT_SIDE` cells a side, each the entry of largest size of those that it stands for.

    Of entries that are not finite NaN stands for its cell.
    """
    bounds = [np.linspace(0, n, min(n, HEAT_SIDE) + 1).round().astype(int) for n in matrix.shape]
    high, low = (_reduced(by, filled, bounds) for by, filled in ((np.maximum, matrix), (np.minimum, matrix)))
    with np.errstate(invalid="ignore"):
        cells = np.where(np.abs(low) > np.abs(high), low, high)
    return np.where(np.isfinite(cells), cells, np.nan)


def _reduced(by: np.ufunc, matrix: np.ndarray, bounds: list[np.ndarray]) -> np.ndarray:
    down = by.reduceat(matrix, bounds[0][:-1], axis=0)
    return by.reduceat(down, bounds[1][:-1], axis=1)


def _runs(cells: np.ndarray, scale: float) -> dict[tuple[str, float], str]:
    """Strokes along the rows, of one colour each: neighbours of one colour are one stroke, which keeps it small."""
    found: dict[tuple[str, float], list[str]] = {}
    for y, row in enumerate(cells):
        x = 0
        for ink, run in itertools.groupby(row, lambda value: _ink(float(value), scale)):
            length = len(list(run))
            if ink is not None:
                found.setdefault(ink, []).append(f"M{x} {y}.5h{length}")
            x += length
    return {ink: "".join(strokes) for ink, strokes in found.items()}


def _ink(value: float, scale: float) -> tuple[str, float] | None:
    if value != value:
        return BROKEN, 1.0
    if value == 0.0 or scale == 0.0:
        return None
    level = min(len(LEVELS) - 1, int(abs(value) / scale * len(LEVELS)))
    return (BELOW if value < 0 else ABOVE), LEVELS[level]


def _said(matrix: np.ndarray, name: str, scale: float) -> str:
    """What the picture shows, in words."""
    rows, columns = matrix.shape
    zeros, broken = int((matrix == 0).sum()), int((~np.isfinite(matrix)).sum())
    parts = [
        f"Map of the {rows:,} x {columns:,} entries of the {name}",
        f"{(matrix < 0).sum():,} below zero, {(matrix > 0).sum():,} above, {zeros:,} exactly zero",
        f"the largest is {number(scale, 'float32')} in size",
    ]
    return f"{'; '.join(parts)}{f'; {broken:,} are not finite' if broken else ''}."


def _caption(shape: tuple[int, int], cells: tuple[int, int], broken: bool) -> str:
    each = [-(-n // k) for n, k in zip(shape, cells, strict=True)]
    of = "" if each == [1, 1] else f"; each cell the largest of {' × '.join(map(str, each))}"
    return f"Blue below zero, orange above, deeper is larger{', grey not finite' if broken else ''}{of}"
