"""What a rule takes and gives: arrays as functions from indices to scalar expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.engines.symbolic.expression import Delta, Within
from jaxdiff_magic.engines.symbolic.program import Array

Indices = tuple[Expr, ...]


@dataclass(frozen=True)
class View:
    """An array as a rule from indices to a scalar expression.

    Attributes:
        shape: of the array.
        at: its element at some index expressions.
        value: computes its values, where they do not depend on the inputs.
        named: names any view as a whole array, for functions of whole arrays; it is defined when it has no name yet.
    """

    shape: tuple[int, ...]
    at: Callable[[Indices], sp.Basic]
    value: Callable[[], np.ndarray] | None = None
    named: Callable[[View], Array] | None = None

    def whole(self) -> Array:
        """This view as a named array."""
        assert self.named is not None, "operands of primitives can be named"
        return self.named(self)


@dataclass(frozen=True)
class ResultView:
    """Shape and dtype of one result of a primitive."""

    shape: tuple[int, ...]
    dtype: Any


StructureRule = Callable[[Sequence[View], Mapping[str, Any], Sequence[ResultView]], list[View]]


def pieces(parts: Sequence[tuple[Expr, Callable[[], sp.Basic]]]) -> sp.Basic:
    """The one part whose place is 1. Parts are expressions, or all of them conditions."""
    values = [(place, value()) for place, value in parts if place != 0]
    if all(isinstance(value, Expr) for _, value in values):
        return sp.Add(*(place * value for place, value in values))
    return sp.Or(*(sp.And(sp.Eq(place, 1), value) for place, value in values))


def chosen(selector: Expr, yes: Callable[[], sp.Basic], no: Callable[[], sp.Basic]) -> sp.Basic:
    """One value where a selector is 1, another where it is 0; neither is asked for where it is never taken."""
    if selector == 1:
        return yes()
    if selector == 0:
        return no()
    first, second = yes(), no()
    if isinstance(first, Expr) and isinstance(second, Expr):
        return selector * first + (1 - selector) * second
    return sp.Or(sp.And(sp.Eq(selector, 1), first), sp.And(sp.Ne(selector, 1), second))


def between(e: Expr, start: int, size: int) -> Expr:
    """1 where start <= e < start + size, else 0."""
    return Delta(e, Integer(start)) if size == 1 else Within(e, Integer(start), Integer(start + size - 1))
