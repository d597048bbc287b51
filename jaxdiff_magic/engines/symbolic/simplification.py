"""The simplifications of an index expression before it is written in matrix notation, each confirmed by numbers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import sympy as sp
from sympy import Expr

from jaxdiff_magic.engines.symbolic.confirmation import same_values
from jaxdiff_magic.engines.symbolic.expression import Choice, canonical, contains, free
from jaxdiff_magic.engines.symbolic.functions import Sigmoid
from jaxdiff_magic.engines.symbolic.program import Array, Definition, Program
from jaxdiff_magic.engines.symbolic.readable import (
    with_binaries,
    with_known_sums,
    with_like_terms,
    with_sigmoids,
    without_choices,
)
from jaxdiff_magic.engines.symbolic.softmax import Softmaxes


@dataclass(frozen=True)
class Simplified:
    """An equal expression, in a program with the definitions that it needs.

    Attributes:
        program, expr: both.
        softmaxes: the softmax arrays in it.
        adding_up: the constants whose elements were added up to 1.
        is_plain: whether nothing was simplified.
        binary: the constants whose elements were taken as 0 or 1.
        complements: those of them that were taken as 1 - y of another, y.
    """

    program: Program
    expr: Expr
    softmaxes: Softmaxes
    adding_up: frozenset[sp.Symbol] = frozenset()
    is_plain: bool = False
    binary: frozenset[sp.Symbol] = frozenset()
    complements: Mapping[sp.Symbol, Array] = field(default_factory=dict)


def simplifications(
    program: Program, definition: Definition, rows: int, points: Sequence[np.ndarray], deadline: float
) -> Iterator[Simplified]:
    """Equal forms of a definition: the most simplified, that with its sums as written, that without any change.

    Args:
        program: that it belongs to.
        definition: an index expression.
        rows: how many of its axes count rows.
        points: values of the program's inputs, where each change is confirmed.
        deadline: in CPU time of this thread; what takes longer is left as it is.
    """
    softmaxes, binary = Softmaxes(), _binary(program)
    complements = _complements(program, binary)
    known = frozenset(array.label for array, x in program.constants if array.label in binary and (x.sum(-1) == 1).all())
    expr = canonical(definition.expr)

    def extended() -> Program:
        return replace(program, definitions=(*program.definitions, *softmaxes.definitions.values()))

    def rewritten(rewriting: Callable[[Expr], Expr]) -> Expr:
        """The current expression after a rewriting, or as it is where that changes its values."""
        if time.thread_time() > deadline or (candidate := rewriting(expr)) == expr:
            return expr
        candidate = canonical(candidate)
        before, after = (replace(definition, expr=e) for e in (expr, candidate))
        return candidate if same_values(extended(), before, after, rows, points) else expr

    if contains(expr, (Choice, sp.Abs, sp.sign)):
        expr = rewritten(without_choices)
    used: dict[str, Any] = {}
    if binary & free(expr) and (before := expr) != (expr := rewritten(lambda e: with_binaries(e, binary, complements))):
        used = {
            "binary": binary & free(before),
            "complements": {k: y for k, y in complements.items() if k in free(before)},
        }
    if contains(expr, (sp.exp, Sigmoid)):
        expr = rewritten(with_sigmoids)
    if contains(expr, (sp.exp,)):
        expr = rewritten(softmaxes.applied)
    adding_up: set[sp.Symbol] = set()
    if known & free(expr):
        before, expr = expr, rewritten(lambda e: with_known_sums(e, known, adding_up))
        adding_up = adding_up if before != expr else set()
    given = Simplified(extended(), expr, softmaxes, frozenset(adding_up), **used)
    if (shorter := rewritten(with_like_terms)) != expr:
        yield replace(given, expr=shorter)
    yield given
    yield Simplified(program, without_choices(definition.expr), Softmaxes(), is_plain=True)


def _binary(program: Program) -> frozenset[sp.Symbol]:
    """The constant arrays of both zeros and ones, and of nothing else: as labels are, and no weights or biases."""
    return frozenset(
        array.label
        for array, values in program.constants
        if values.ndim in (1, 2) and values.size and set(np.unique(values)) == {0.0, 1.0}
    )


def _complements(program: Program, binary: frozenset[sp.Symbol]) -> dict[sp.Symbol, Array]:
    """For a constant without a name that is 1 - y, computed before JAX saw it, the constant y of zeros and ones."""
    seen: list[tuple[Array, np.ndarray]] = []
    found: dict[sp.Symbol, Array] = {}
    for array, values in program.constants:
        if array.label in binary:
            matching = [y for y, others in seen if others.shape == values.shape and (others + values == 1).all()]
            if matching and array.anonymous:
                found[array.label] = matching[0]
            else:
                seen.append((array, values))
    return found
