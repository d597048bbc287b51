"""One primitive applied to views: by its rule on indices, by its scalar function, or in core primitives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from sympy import Expr, Integer, Rational

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.elementwise import ELEMENTWISE
from jaxdiff_magic.engines.symbolic.rules import STRUCTURE
from jaxdiff_magic.engines.symbolic.rules.view import ResultView, View
from jaxdiff_magic.primitives.core import CORE


def has_rule(primitive: str) -> bool:
    """Whether a primitive has a formula of its own."""
    return any(primitive in table for table in (STRUCTURE, ELEMENTWISE, CORE))


def number(value: np.ndarray) -> sp.Basic:
    """A literal, exactly: binary fractions become rationals."""
    item = value.item()
    if isinstance(item, bool):
        return sp.true if item else sp.false
    if isinstance(item, int):
        return Integer(item)
    if not np.isfinite(item):
        return sp.nan if np.isnan(item) else (sp.oo if item > 0 else -sp.oo)
    return Rational(*item.as_integer_ratio())


def applied(
    primitive: str, inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]
) -> list[View]:
    """The results of a primitive.

    Raises:
        OutOfReach: it has no formula, for these operands or at all.
    """
    if rule := STRUCTURE.get(primitive):
        return rule(inputs, params, results)
    shape, dtype = results[0].shape, results[0].dtype
    if scalar := ELEMENTWISE.get(primitive):
        given = {**params, "dtype": dtype}
        return [View(shape, lambda i: scalar(*(x.at(_broadcast(i, shape, x.shape)) for x in inputs), **given))]
    if rewriting := CORE.get(primitive):

        def bind(core: str, xs: Sequence[Any], own: Mapping[str, Any], shape: tuple[int, ...]) -> View:
            views = [x if isinstance(x, View) else View((), lambda i, x=x: number(np.asarray(x))) for x in xs]
            return applied(core, views, own, [ResultView(shape, dtype)])[0]

        return rewriting(bind, inputs, params, [result.shape for result in results])
    raise OutOfReach(f"{primitive} has no formula yet")


def _broadcast(indices: Sequence[Expr], shape: tuple[int, ...], operand: tuple[int, ...]) -> tuple[Expr, ...]:
    """Which element of an operand goes with an element of the result: a scalar, or an axis of length 1, with all."""
    lengths = zip(shape, operand, strict=False)  # a scalar has none
    return tuple(k if own == length else Integer(0) for k, (length, own) in zip(indices, lengths, strict=False))
