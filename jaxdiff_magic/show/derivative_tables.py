"""The derivatives of a report: formula and number side by side, in tables with named rows and columns."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import jax.numpy as jnp
import numpy as np
from jax import tree_util

from jaxdiff_magic.base.figures import number
from jaxdiff_magic.report import Block, ReportData
from jaxdiff_magic.report.formula import Formula
from jaxdiff_magic.show.arrangement import Grid, grids
from jaxdiff_magic.show.document import Cell, DocumentTable, Paragraph, Part, Runs
from jaxdiff_magic.show.heat import heat_map
from jaxdiff_magic.show.largest import all_of, as_matrix, largest
from jaxdiff_magic.show.limits import HELD_NAMES, MOST_CLOSED_FORMS, MOST_TABLES
from jaxdiff_magic.show.numbers import array, dimensions, extent
from jaxdiff_magic.subject.leaves import LARGE


def derivatives(report: ReportData) -> Iterator[Part]:
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
        held = ", ".join(f"{held.name} = {held.description} ({held.kind})" for held in subject.held[:HELD_NAMES])
        more = len(subject.held) - HELD_NAMES
        yield Paragraph((f"Held fixed: {held}{f', and {more:,} more' if more > 0 else ''}",))
    if report.verdict == "differs":
        warning = "the formulas are the function's own, the values are JAX's; the check names those that differ."
        yield Paragraph(("Wrong values", f": {warning}"), "bad")
    told: set[int] = set()
    for what, group in itertools.groupby(grids(report), lambda grid: grid.what):
        found = list(group)
        if is_too_many(report, len(found)):
            yield from _summary(what, [block for block in report.blocks if block.what == what])
            continue
        for grid in found:
            yield from _grid(grid)
            if grid.whole is not None and id(grid.whole) not in told:
                told.add(id(grid.whole))
                yield from _largest(grid)


def is_too_many(report: ReportData, tables: int) -> bool:
    """Whether one summary takes the place of the tables of a derivative: each would be a leaf's, and tell little."""
    by_leaf = report.leaves is not None and report.leaves.is_model and len(report.leaves) > 1
    return tables > MOST_TABLES or by_leaf


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


def _largest(grid: Grid) -> Iterator[Part]:
    """The largest entries of what a table was cut from, and all of it at a glance."""
    assert grid.whole is not None
    matrix = as_matrix(grid.whole)
    yield _largest_table([grid.whole])
    picture = heat_map(matrix.T if grid.is_transposed else matrix, _title(grid)[:1].lower() + _title(grid)[1:])
    if picture is not None:
        yield picture


def _largest_table(blocks: Sequence[Block]) -> DocumentTable:
    size = sum(block.values.size for block in blocks)
    rows = tuple((Cell((name,)), number_cell(value, dtype)) for name, value, dtype in largest(blocks))
    return DocumentTable(f"The {len(rows)} largest of its {size:,} entries", ("", "value"), rows)


def _summary(what: str, blocks: Sequence[Block]) -> Iterator[Part]:
    """A derivative of many leaves: how large it is, a few of its formulas, its largest entries."""
    values = [np.asarray(block.values, dtype=float).ravel() for block in blocks]
    size, dtype = sum(array.size for array in values), blocks[0].output.dtype
    title = {"gradient": "Gradient", "jacobian": "Jacobian", "hessian": "Hessian"}.get(what, f"Derivatives {what}")
    arrays = "one array" if len(blocks) == 1 else f"{len(blocks):,} arrays"
    if not size:
        yield Paragraph((f"{title}: no entries.",))
        return
    whole = np.concatenate(values)
    norm = number(float(np.linalg.norm(whole)), dtype)
    yield Paragraph((f"{title}: {size:,} entries in {arrays}, {dtype}, {extent(whole, dtype)}, norm {norm}.",))
    forms = [block.closed_form for block in blocks if block.closed_form is not None]
    yield from (Paragraph((form,)) for form in forms[:MOST_CLOSED_FORMS])
    if (more := len(forms) - MOST_CLOSED_FORMS) > 0:
        yield Paragraph((f"{more:,} more formulas: `report.formula({what!r}, 'index')`.",))
    for why in dict.fromkeys(block.missing for block in blocks if block.missing):
        yield Paragraph((f"No formula: {why}",))
    yield _largest_table(blocks)
    if len(matrix := all_of(blocks)) > 1 and (picture := heat_map(matrix, title)) is not None:
        yield picture


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
