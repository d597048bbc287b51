"""The derivatives of a report: formula and number side by side, in tables with named rows and columns."""

from __future__ import annotations

from collections.abc import Iterator

import jax.numpy as jnp
import numpy as np
from jax import tree_util

from jaxdiff_magic.base.figures import number
from jaxdiff_magic.report import Block, ReportData
from jaxdiff_magic.report.formula import Formula
from jaxdiff_magic.show.arrangement import Grid, grids
from jaxdiff_magic.show.document import Cell, DocumentTable, Paragraph, Runs
from jaxdiff_magic.show.numbers import array, dimensions, extent
from jaxdiff_magic.subject.leaves import LARGE


def derivatives(report: ReportData) -> Iterator[Paragraph | DocumentTable]:
    """Function, value, what was held fixed, and the tables of all derivatives."""
    subject = report.subject
    if report.function is not None:
        yield Paragraph((report.function,) if is_equation(report.function) else (f"{subject.name} = ", report.function))
    elif why := report.unreachable or report.missing.get("function", ""):
        yield Paragraph(("No formula", f": {why}"), "warning")
    values = () if subject.output_size > LARGE else zip(subject.outputs, output_values(report), strict=False)
    if value := ", ".join(f"{leaf.name} = {array(entries, leaf.dtype)}" for leaf, entries in values):
        yield Paragraph((f"Value: {value}",))
    if subject.held:
        held = ", ".join(f"{held.name} = {held.description} ({held.kind})" for held in subject.held)
        yield Paragraph((f"Held fixed: {held}",))
    if report.verdict == "differs":
        warning = "the formulas are the function's own, the values are JAX's; the check names those that differ."
        yield Paragraph(("Wrong values", f": {warning}"), "bad")
    for grid in grids(report):
        yield from _grid(grid)


def is_equation(formula: Formula) -> bool:
    """Whether the formula says what it is the formula of, as those in index notation do."""
    return " = " in formula.text


def output_values(report: ReportData) -> list[np.ndarray]:
    """The floating-point leaves of the value, in the order of `report.subject.outputs`."""
    leaves = [np.asarray(leaf) for leaf in tree_util.tree_leaves(report.value)]
    return [leaf for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating)]


def _grid(grid: Grid) -> Iterator[Paragraph | DocumentTable]:
    title = _title(grid)
    if grid.whole is not None:
        yield Paragraph((f"{title}: {_size(grid.whole)}.",))
        title = f"{title}: {grid.values.size:,} of its {grid.whole.values.size:,} entries"
    for formula in grid.closed_forms:
        if formula.notation == "matrix" or grid.whole is not None or grid.formulas is None:
            yield Paragraph((formula,))
    for why in grid.missing:
        yield Paragraph((f"No formula: {why}",))
    if grid.is_list:
        header = ("", "value") if grid.formulas is None else ("", "formula", "value")
        rows = tuple((Cell((name,)), *_list_cells(grid, i)) for i, name in enumerate(grid.rows))
    else:
        header = ("", *grid.columns)
        rows = tuple(
            (Cell((name,)), *(_matrix_cell(grid, i, j) for j in range(len(grid.columns))))
            for i, name in enumerate(grid.rows)
        )
    if grid.values.size:
        yield DocumentTable(title, header, rows)
    else:
        yield Paragraph((f"{title}: no entries.",))
    if grid.unlisted:
        yield Paragraph((f"The same for {grid.unlisted:,} more outputs is left out.",))


def _title(grid: Grid) -> str:
    by = ", ".join(grid.by)
    match grid.what:
        case "orders":
            return f"Derivatives of {grid.of} by {by}"
        case "gradient":
            return f"Gradient of {grid.of} by {by}"
        case "jacobian" if grid.is_transposed:
            return f"Jacobian of {grid.of} by {by}, transposed"
        case "jacobian":
            return f"Jacobian of {grid.of} by {by}"
        case "hessian":
            return f"Hessian of {grid.of} by {by}"
        case what:
            return f"Derivatives of order {what.removeprefix('d')} of {grid.of} by {by}"


def _size(block: Block) -> str:
    values = np.asarray(block.values, dtype=float)
    dtype = block.output.dtype
    return (
        f"{dimensions(values.shape)}, {dtype}, {extent(values, dtype)}, "
        f"norm {number(float(np.linalg.norm(values)), dtype)}"
    )


def _list_cells(grid: Grid, i: int) -> tuple[Cell, ...]:
    value = number_cell(grid.values[i, 0], grid.dtype)
    formula = () if grid.formulas is None else (Cell(_runs(grid.formulas[i, 0])),)
    return (*formula, value)


def _matrix_cell(grid: Grid, i: int, j: int) -> Cell:
    value = number_cell(grid.values[i, j], grid.dtype)
    formula = None if grid.formulas is None else grid.formulas[i, j]
    if formula is None or formula.text == value.runs[0]:
        return value
    return Cell((formula, " = ", *value.runs), "number", value.tone)


def _runs(formula: Formula | None) -> Runs:
    return ("—",) if formula is None else (formula,)


def number_cell(value: float | None, dtype: str) -> Cell:
    """A number; one that is not finite is marked by a word and a tone."""
    if value is None:
        return Cell(("—",), "number")
    return Cell((number(value, dtype),), "number", "" if np.isfinite(float(value)) else "bad")
