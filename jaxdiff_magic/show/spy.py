"""The sparsity pattern of a derivative in SVG: each entry where it stands, in the colour of the pass that finds it."""

from __future__ import annotations

import numpy as np

from jaxdiff_magic.report.cost_figures import Sparsity
from jaxdiff_magic.show.document import Picture

SIDE = 240
"""Length of the longer side, in pixels."""
MOST_CELLS = 80
"""A side with more entries than this is drawn in as many cells; a cell is filled where one of its entries is. Each is
three pixels wide then."""
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c8c", "#b8a800")
"""Told apart by all kinds of sight (M. Okabe, K. Ito, "Color Universal Design", 2008); they come again after eight."""
FRAME = "#8c8c8c"


def spy(name: str, sparsity: Sparsity) -> Picture | None:
    """The picture; None for a matrix without entries."""
    m, n = sparsity.shape
    if not m or not n:
        return None
    cells = tuple(min(size, MOST_CELLS) for size in (m, n))
    step = SIDE / max(m, n) * max(m / cells[0], n / cells[1])
    rows, cols = sparsity.rows * cells[0] // m, sparsity.cols * cells[1] // n
    drawn = {}
    for row, col, colour in zip(rows.tolist(), cols.tolist(), sparsity.colours.tolist(), strict=True):
        drawn.setdefault((row, col), colour)
    width, height = step * cells[1], step * cells[0]
    squares = "".join(
        f'<rect x="{1 + step * col:.2f}" y="{1 + step * row:.2f}" width="{step:.2f}" height="{step:.2f}" '
        f'fill="{COLOURS[colour % len(COLOURS)]}"/>'
        for (row, col), colour in drawn.items()
    )
    frame = f'<rect x="1" y="1" width="{width:.2f}" height="{height:.2f}" fill="none" stroke="{FRAME}"/>'
    size = f'width="{width + 2:.0f}" height="{height + 2:.0f}" viewBox="0 0 {width + 2:.2f} {height + 2:.2f}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} shape-rendering="crispEdges">{squares}{frame}</svg>'
    passes = len(np.unique(sparsity.colours))
    return Picture(
        svg,
        f"Sparsity pattern of the {name}: {len(sparsity.rows):,} of {m:,} x {n:,} entries, in {passes:,} "
        f"{'colour' if passes == 1 else 'colours'}, one for each pass.",
        f"Where the {name} has entries, each in the colour of the pass that finds it",
    )
