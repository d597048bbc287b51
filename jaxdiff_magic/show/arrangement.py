"""Which derivatives stand together in one table, and which are too large to be listed in full."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from jaxdiff_magic.base.figures import superscript
from jaxdiff_magic.report import Block, ReportData
from jaxdiff_magic.report.formula import Formula
from jaxdiff_magic.subject.leaves import Leaf

MAX_SIDE = 12
"""A table with more rows or columns is cut to its corner …"""
MAX_TABLE_ENTRIES = 100
"""… and so is one with more entries. Choices: what is still seen at one glance."""
CORNER = 3
"""So many rows and columns of a larger table, and …"""
LIST_CORNER = 6
"""… so many elements of a longer list are shown at either end: choices."""
MAX_FORMULA = 60
"""Characters of an entry's formula; where one is longer, the closed form stands above the numbers instead. A choice:
what fits into a cell of a table."""
MAX_OUTPUTS = 4
"""Of how many output elements the second and higher derivatives are listed. A choice: each has a table of its own."""


@dataclass(frozen=True)
class Grid:
    """A table of derivatives with named rows and columns.

    Attributes:
        what: "orders" (all orders of a function of one variable), else as in `Block.what`.
        of: the output that is differentiated.
        by: names of the inputs.
        rows, columns: names of elements; `columns` is ("",) for a plain list.
        values: shape (rows, columns), in `dtype`.
        formulas: object array of `Formula` (None where out of reach), same shape; or None.
        closed_forms: of the blocks in it, equations in index notation.
        whole: for a table cut to its corner, the block it was cut from.
        unlisted: on the last table of a vector's second or higher derivatives, how many of its elements have none.
        is_transposed: whether rows are inputs and columns outputs, for a Jacobian.
        missing: why blocks in it have no formula.
    """

    what: str
    of: str
    by: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: np.ndarray
    formulas: np.ndarray | None
    dtype: str
    closed_forms: tuple[Formula, ...] = ()
    whole: Block | None = None
    unlisted: int = 0
    is_transposed: bool = False
    missing: tuple[str, ...] = ()

    @property
    def is_list(self) -> bool:
        return self.columns == ("",)

    @property
    def transposed(self) -> Grid:
        formulas = None if self.formulas is None else self.formulas.T
        return replace(
            self, rows=self.columns, columns=self.rows, values=self.values.T, formulas=formulas, is_transposed=True
        )


def grids(report: ReportData) -> tuple[Grid, ...]:
    """The tables of first, second and higher derivatives, in the order in which they are read."""
    blocks = report.blocks
    places = {(block.output, *set(block.inputs)) for block in blocks}
    if len(places) == 1 and all(block.values.size == 1 for block in blocks):
        return (_orders(blocks),)
    grouped: dict[tuple[str, str], list[Block]] = {}
    for block in blocks:
        grouped.setdefault((block.what, block.output.name), []).append(block)
    found = tuple(grid for group in grouped.values() for grid in _arrange(group))
    if report.layout == "denominator":
        found = tuple(grid.transposed if grid.what == "jacobian" else grid for grid in found)
    return found


def _orders(blocks: Sequence[Block]) -> Grid:
    """All derivatives of a function of one variable, below each other."""
    of = blocks[0].output.element((0,) * len(blocks[0].output.shape))
    by = blocks[0].inputs[0].element((0,) * len(blocks[0].inputs[0].shape))
    formulas = np.array([[None if b.formulas is None else b.formulas.ravel()[0]] for b in blocks], dtype=object)
    return Grid(
        what="orders",
        of=of,
        by=(by,),
        rows=tuple(_order_name(of, by, len(block.inputs)) for block in blocks),
        columns=("",),
        values=np.array([[block.values.ravel()[0]] for block in blocks]),
        formulas=formulas if formulas.any() else None,
        dtype=blocks[0].output.dtype,
        missing=_missing(blocks),
    )


def _missing(blocks: Sequence[Block]) -> tuple[str, ...]:
    """Why some of them have no formula, each reason once."""
    return tuple(dict.fromkeys(block.missing for block in blocks if block.missing))


def _order_name(of: str, by: str, order: int) -> str:
    power = "" if order == 1 else superscript(order)
    return f"d{power}{of}/d{by}{power}"


def _arrange(group: Sequence[Block]) -> Iterator[Grid]:
    """The tables for the derivatives of one output, all of one kind."""
    what, output = group[0].what, group[0].output
    leading = list(dict.fromkeys(block.inputs[:-1] for block in group))
    last = list(dict.fromkeys(block.inputs[-1] for block in group))
    height = sum(math.prod(leaf.size for leaf in leaves) for leaves in leading)
    width = sum(leaf.size for leaf in last)
    sides = {"gradient": (width, 1), "jacobian": (output.size, width)}.get(what, (height, width))
    if len(group) > 1 and not (_fits(*sides) and len(group) == len(leading) * len(last)):
        for block in group:
            yield from _arrange([block])
        return

    by_inputs = {block.inputs: block for block in group}
    table = [[by_inputs[(*leaves, leaf)] for leaf in last] for leaves in leading]
    values = np.block([[_cube(block, block.values) for block in row] for row in table])
    closed_forms = tuple(block.closed_form for block in group if block.closed_form is not None)
    formulas = _formulas(table, bool(closed_forms))
    by = tuple(dict.fromkeys(leaf.name for block in group for leaf in block.inputs))
    output_names, row_names, column_names = _names([(output,)]), _names(leading), _names([(leaf,) for leaf in last])

    def grid(of: str, rows: Sequence[str], columns: Sequence[str], view: Callable[[np.ndarray], np.ndarray]) -> Grid:
        shown = None if formulas is None else view(formulas)
        whole = Grid(what, of, by, tuple(rows), tuple(columns), view(values), shown, output.dtype, closed_forms)
        return _cut(replace(whole, missing=_missing(group)), group[0])

    if what == "gradient" and width > MAX_SIDE and len(last[0].shape) == 2 and _fits(*last[0].shape):
        (leaf,) = last
        rows = [f"{leaf.name}[{i}, ·]" for i in range(leaf.shape[0])]
        columns = [f"[·, {j}]" for j in range(leaf.shape[1])]
        yield grid(output.name, rows, columns, lambda cube: cube.reshape(leaf.shape))
    elif what == "gradient":
        yield grid(output.name, column_names, [""], lambda cube: cube.reshape(-1, 1))
    elif what == "jacobian":
        yield grid(output.name, output_names, column_names, lambda cube: cube[:, 0])
    else:
        parts = [
            grid(of, row_names, column_names, lambda cube, o=o: cube[o])
            for o, of in enumerate(output_names[:MAX_OUTPUTS])
        ]
        yield from parts[:-1]
        yield from (replace(part, unlisted=output.size - len(parts)) for part in parts[-1:])


def _formulas(table: Sequence[Sequence[Block]], has_closed_form: bool) -> np.ndarray | None:
    """The formulas of several blocks as one cube; None where some is missing, or a closed form is shorter than they."""
    if any(block.formulas is None for row in table for block in row):
        return None
    found = np.block([[_cube(block, np.asarray(block.formulas)) for block in row] for row in table])
    if has_closed_form and max((len(formula.text) for formula in found.flat), default=0) > MAX_FORMULA:
        return None
    return found


def _fits(rows: int, columns: int) -> bool:
    return rows <= MAX_SIDE and columns <= MAX_SIDE and rows * columns <= MAX_TABLE_ENTRIES


def _cube(block: Block, entries: np.ndarray) -> np.ndarray:
    """Entries as (output, all inputs but the last, last input)."""
    return entries.reshape(block.output.size, math.prod(leaf.size for leaf in block.inputs[:-1]), block.inputs[-1].size)


def _cut(grid: Grid, block: Block) -> Grid:
    if _fits(*grid.values.shape):
        return grid
    corner = LIST_CORNER if grid.is_list else CORNER
    return replace(
        grid,
        rows=grid.rows[:corner],
        columns=grid.columns[:corner],
        values=grid.values[:corner, :corner],
        formulas=None if grid.formulas is None else grid.formulas[:corner, :corner],
        whole=block if grid.values.size else None,
    )


def _names(leaves: Sequence[tuple[Leaf, ...]]) -> list[str]:
    """Names of the elements of some leaves, or of tuples of leaves; no more than a table can have."""
    names = (
        ", ".join(leaf.element(index) for leaf, index in zip(group, indices, strict=True))
        for group in leaves
        for indices in itertools.product(*(itertools.islice(np.ndindex(leaf.shape), MAX_SIDE) for leaf in group))
    )
    return list(itertools.islice(names, MAX_SIDE))
