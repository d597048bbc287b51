"""What a formula mentions and its reader cannot know, said after it: arrays without a name, and steps in between."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import sympy as sp

from jaxdiff_magic.engines.symbolic.expression import FunctionSymbol, free
from jaxdiff_magic.engines.symbolic.interpret import number
from jaxdiff_magic.engines.symbolic.notation import definition_formula, scalar_formula
from jaxdiff_magic.engines.symbolic.program import Array, Definition, Program
from jaxdiff_magic.report.formula import Formula
from jaxdiff_magic.subject.latex_names import latex_name

MAX_LISTED = 12
"""A constant array is written out while it has no more numbers than this. A choice: what fits into a line."""


def explained(formula: Formula, program: Program, expressions: Iterable[sp.Expr]) -> Formula:
    """A formula followed by what it mentions without defining it.

    Args:
        formula: of the expressions.
        program: in which they stand.
        expressions: index expressions.
    """
    steps, labels = operands(program, expressions)
    return with_where(formula, [*map(definition_formula, steps), *constants(program.constants, labels)])


def operands(program: Program, expressions: Iterable[sp.Expr]) -> tuple[list[Definition], set[sp.Basic]]:
    """The steps that functions of whole arrays are of, inv(t_1), and all labels that they and expressions mention."""
    steps = {d.array.label: d for d in program.definitions if not d.array.operation}
    found: dict[sp.Basic, Definition] = {}
    labels: set[sp.Basic] = set()
    pending = list(expressions)
    while pending:
        for label in free(pending.pop()):
            roots = label.roots if isinstance(label, FunctionSymbol) else ()
            labels |= {label, *roots}
            for root in roots:
                if root in steps and root not in found:
                    found[root] = steps[root]
                    pending.append(steps[root].expr)
    return [d for label, d in steps.items() if label in found], labels


def constants(known: Iterable[tuple[Array, np.ndarray]], labels: Collection[Any]) -> Iterator[Formula]:
    """What the arrays without a name are, among some labels or names."""
    for array, values in known:
        if array.anonymous and (array.label in labels or array.name in labels):
            name = latex_name(array.name)
            if values.size <= MAX_LISTED and values.ndim <= 2:
                text, latex = _numbers(values)
                yield Formula(f"{name} = {latex}", f"{array.name} = {text}")
            else:
                shape = r" \times ".join(map(str, values.shape))
                text = f"{array.name} is a constant array of shape {values.shape}"
                yield Formula(rf"{name} \in \mathbb{{R}}^{{{shape}}} \text{{ is constant}}", text)


def with_where(formula: Formula, parts: Sequence[Formula]) -> Formula:
    """A formula, and what stands in it."""
    if not parts:
        return formula
    latex = r",\; ".join(part.latex for part in parts)
    text = ", ".join(part.text for part in parts)
    return Formula(
        rf"{formula.latex},\quad \text{{where }} {latex}",
        f"{formula.text}, where {text}",
        formula.sympy,
        formula.notation,
    )


def _numbers(values: np.ndarray) -> tuple[str, str]:
    written = [[scalar_formula(number(value)) for value in row] for row in np.atleast_2d(values)]
    rows = [f"[{', '.join(entry.text for entry in row)}]" for row in written]
    if values.ndim < 2:  # a column
        body = r" \\ ".join(entry.latex for entry in written[0])
        return rows[0], rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"
    body = r" \\ ".join(" & ".join(entry.latex for entry in row) for row in written)
    return f"[{', '.join(rows)}]", rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"
