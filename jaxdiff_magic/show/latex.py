"""A report's value and derivatives as display equations, in the LaTeX that KaTeX and MathJax share."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from jaxdiff_magic.base.figures import number
from jaxdiff_magic.report import ReportData
from jaxdiff_magic.report.grade import Grade
from jaxdiff_magic.show.arrangement import Grid, grids
from jaxdiff_magic.show.derivative_tables import is_equation, output_values
from jaxdiff_magic.show.leaf_table import modules_of, percent, scale_of, shape_of
from jaxdiff_magic.show.limits import LATEX_BYTES, MOST_TABLES
from jaxdiff_magic.subject.latex_names import latex_name, words

MAX_VALUE = 12
"""A value with more entries is left to the other forms of the output. A choice: what fits into a line."""


def render_latex(report: ReportData) -> str:
    """`report` as one `$$ \\begin{aligned} ... $$`: function, value and derivatives, formula = number."""
    lines = [*map(_grade, report.mine), *_value(report), *_leaves(report)]
    for _, group in itertools.groupby(grids(report), lambda grid: grid.what):
        found = list(group)
        for grid in found[:MOST_TABLES]:
            lines += [*_grid(grid), *(f"&{words(f'No formula: {why}')}" for why in grid.missing)]
        if (more := len(found) - MOST_TABLES) > 0:
            lines.append(f"&{words(f'{more:,} more blocks: report.blocks')}")
    return "$$\n\\begin{aligned}\n" + " \\\\\n".join(_fitted(lines)) + "\n\\end{aligned}\n$$"


def _fitted(lines: list[str]) -> list[str]:
    """The first lines, as many as `LATEX_BYTES` hold; of longer ones only that they are."""
    kept, room = [], LATEX_BYTES
    for line in lines:
        if (size := len(line.encode()) + 4) <= room:
            kept.append(line)
            room -= size
    if (more := len(lines) - len(kept)) > 0:
        kept.append(f"&{words(f'{more:,} more lines are too long: report.formula() has the formulas')}")
    return kept


def _leaves(report: ReportData) -> Iterator[str]:
    """The table of a model's leaves; modules that are folded are one row."""
    if report.leaves is None or not report.leaves.is_model:
        return
    modules, left_out = modules_of(report.leaves)
    scale = scale_of(report.leaves, modules)
    rows = [("parameter", "shape", r"\lVert g \rVert", r"\lVert g \rVert / \lVert p \rVert", "", "zeros", "check")]
    for module in modules:
        for row in module.rows if module.is_open and module.rows else (module.whole,):
            bar = scale.share(row.ratio)
            rule = rf"\rule{{{4 * bar:.2f}em}}{{0.6em}}" if bar else ""
            share = "" if row.zeros is None or row.nonfinite else words(percent(row.zeros))
            norm, ratio = (
                "" if x is None else _number(float(f"{x:.3g}"), "float64") for x in (row.gradient, row.ratio)
            )
            said = f"{row.nonfinite:,} not finite" if row.nonfinite else row.outcome
            rows.append((words(row.name), words(shape_of(row)), norm, ratio, rule, share, words(said)))
    head, *body = rows
    lines = [
        " & ".join(words(name) if name.isalpha() else name for name in head) + r" \\ \hline",
        *(" & ".join(row) + r" \\" for row in body),
    ]
    yield "&" + r"\begin{array}{l l r r l r l} " + " ".join(lines) + r" \end{array}"
    if left_out:
        yield f"&{words(f'{left_out:,} more: report.leaves')}"


def _grade(grade: Grade) -> str:
    """What is said of a reader's own derivation, as words; they are on the left, where no equation is aligned."""
    return rf"&{words(f'yours is {grade.outcome}: {grade.of} = {grade.written}: {grade.message}')}"


def _value(report: ReportData) -> Iterator[str]:
    if report.function is not None:
        alone = f"{latex_name(report.subject.name)} = {report.function.latex}"
        yield _aligned(report.function.latex if is_equation(report.function) else alone)
    elif why := report.unreachable or report.missing.get("function", ""):
        yield f"&{words(f'No formula: {why}')}"
    for leaf, value in zip(report.subject.outputs, output_values(report), strict=False):
        if value.size <= MAX_VALUE and value.ndim <= 2:
            numbers = _matrix([[_number(entry, leaf.dtype) for entry in row] for row in np.atleast_2d(value)])
            yield rf"{latex_name(leaf.name)} &= {numbers if value.ndim else _number(value, leaf.dtype)}"


def _grid(grid: Grid) -> Iterator[str]:
    numbers = [[_number(value, grid.dtype) for value in row] for row in grid.values]
    if grid.what == "orders":
        of, by = latex_name(grid.of), latex_name(grid.by[0])
        for k, (value,) in enumerate(numbers):
            power = "" if k == 0 else f"^{{{k + 1}}}"
            formula = None if grid.formulas is None else grid.formulas[k, 0]
            middle = "" if formula is None else f"{formula.latex} = "
            yield rf"\frac{{\mathrm{{d}}{power} {of}}}{{\mathrm{{d}} {by}{power}}} &= {middle}{value}"
    elif grid.whole is not None:
        shape = r" \times ".join(map(str, grid.whole.values.shape))
        yield rf"{_symbol(grid)} &\in \mathbb{{R}}^{{{shape}}}"
        yield from (_aligned(formula.latex) for formula in grid.closed_forms)
    else:
        formulas = [] if grid.formulas is None else [[formula.latex for formula in row] for row in grid.formulas]
        yield f"{_symbol(grid)} &= {_matrix(formulas) + ' = ' if formulas else ''}{_matrix(numbers)}"


def _aligned(equation: str) -> str:
    return equation.replace(" = ", " &= ", 1)


def _symbol(grid: Grid) -> str:
    of, by = latex_name(grid.of), ", ".join(map(latex_name, grid.by))
    point = by if len(grid.by) == 1 else f"({by})"
    match grid.what:
        case "gradient":
            return rf"\nabla_{{{by}}} {of}"
        case "jacobian" if grid.is_transposed:
            return rf"\left(\frac{{\partial {of}}}{{\partial {point}}}\right)^{{\top}}"
        case "jacobian":
            return rf"\frac{{\partial {of}}}{{\partial {point}}}"
        case "hessian":
            return rf"\nabla^{{2}}_{{{by}}} {of}"
        case what:
            return rf"\nabla^{{{what.removeprefix('d')}}}_{{{by}}} {of}"


def _matrix(entries: list[list[str]]) -> str:
    rows = r" \\ ".join(" & ".join(row) for row in entries)
    return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"


def _number(value: Any, dtype: str) -> str:
    text = number(value, dtype)
    mantissa, _, exponent = text.partition("e")
    if exponent:
        return rf"{mantissa} \times 10^{{{exponent}}}"
    return {"NaN": r"\mathrm{NaN}", "inf": r"\infty", "-inf": r"-\infty"}.get(text, text)
