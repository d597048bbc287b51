"""What each elementwise primitive does to scalar expressions: one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from jax import lax
from sympy import Expr, Integer

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.expression import Choice, bounds, decided
from jaxdiff_magic.engines.symbolic.functions import FORMULAS, Rounded, maximum, minimum
from jaxdiff_magic.engines.symbolic.indices import quotient
from jaxdiff_magic.engines.symbolic.rules.linear_algebra import kept

Rule = Callable[..., sp.Basic]


def _integer_pow(x: Expr, *, y: int, **_: Any) -> Expr:
    return x**y


def _select(which: sp.Basic, *cases: sp.Basic, **_: Any) -> sp.Basic:
    """Case 0 is the one taken where a boolean `which` is false."""
    if not any(isinstance(case, Expr) for case in cases) and len(cases) == 2:  # a Symbol is both, to SymPy
        return sp.Or(sp.And(which, cases[1]), sp.And(sp.Not(which), cases[0]))
    if not isinstance(which, Expr):
        for condition, case, other in ((which, cases[1], cases[0]), (sp.Not(which), cases[0], cases[1])):
            if other == 0 and (alone := kept(condition, case)) is not None:
                return alone
        return Choice(which, cases[1], cases[0])
    chosen = cases[-1]
    for k in reversed(range(len(cases) - 1)):
        chosen = Choice(sp.Eq(which, k), cases[k], chosen)
    return chosen


def _truncated(x: Expr) -> Expr:
    return sp.sign(x) * sp.floor(sp.Abs(x))


def _divide(x: Expr, y: Expr, *, dtype: np.dtype, **_: Any) -> Expr:
    """Integers are divided toward zero, unlike Python's //."""
    return _whole_quotient(x, y) if np.issubdtype(dtype, np.integer) else x / y


def _remainder(x: Expr, y: Expr, *, dtype: np.dtype, **_: Any) -> Expr:
    """Has the sign of the dividend, unlike Python's %."""
    return x - y * (_whole_quotient(x, y) if np.issubdtype(dtype, np.integer) else _truncated(x / y))


def _whole_quotient(x: Expr, y: Expr) -> Expr:
    least, _ = bounds(x)
    if least is not None and least >= 0 and isinstance(y, Integer) and y > 0:
        return quotient(x, int(y))
    # Half a unit more keeps an exact quotient clear of the rounding of its evaluation.
    return sp.sign(x) * sp.sign(y) * sp.floor((sp.Abs(x) + sp.S.Half) / sp.Abs(y))


def _polygamma(order: Expr, x: Expr, **_: Any) -> Expr:
    if not isinstance(order, Integer):
        raise OutOfReach("polygamma of a computed order has no formula")
    return sp.polygamma(order, x)


def _logical(on_booleans: Callable[..., sp.Basic]) -> Rule:
    def rule(*args: sp.Basic, **_: Any) -> sp.Basic:
        if any(isinstance(arg, Expr) for arg in args):
            raise OutOfReach("bitwise arithmetic on integers has no formula")
        return on_booleans(*args)

    return rule


def _round(x: Expr, *, rounding_method: lax.RoundingMethod, **_: Any) -> Expr:
    if rounding_method == lax.RoundingMethod.TO_NEAREST_EVEN:
        return Rounded(x)
    return sp.sign(x) * sp.floor(sp.Abs(x) + sp.S.Half)


def _compare(relation: Callable[..., sp.Basic], on_booleans: Callable[..., sp.Basic] | None = None) -> Rule:
    def rule(x: sp.Basic, y: sp.Basic, **_: Any) -> sp.Basic:
        if sp.nan in (x, y):
            return sp.sympify(relation is sp.Ne)
        if isinstance(x, Expr):
            return decided(relation(x, y))
        if on_booleans is None:
            raise OutOfReach("an order of booleans has no formula")
        return on_booleans(x, y)

    return rule


def _plain(function: Callable[..., sp.Basic]) -> Rule:
    return lambda *args, **_: function(*args)


ELEMENTWISE: Mapping[str, Rule] = {
    **{
        name: _plain(function)
        for name, function in {
            **FORMULAS,
            "add": lambda x, y: x + y,
            "add_any": lambda x, y: x + y,
            "sub": lambda x, y: x - y,
            "mul": lambda x, y: x * y,
            "neg": lambda x: -x,
            "one_minus_square": lambda x: 1 - x**2,
            "polynomial": lambda x, *coefficients: sp.Add(*(a * x**k for k, a in enumerate(coefficients))),
            "max": maximum,
            "min": minimum,
            "clamp": lambda low, x, high: sp.Min(sp.Max(x, low), high),
            "is_finite": lambda x: sp.true,  # a formula speaks of where the values are finite
        }.items()
    },
    "integer_pow": _integer_pow,
    "round": _round,
    "div": _divide,
    "rem": _remainder,
    "polygamma": _polygamma,
    "select_n": _select,
    "eq": _compare(sp.Eq, lambda x, y: sp.Not(sp.Xor(x, y))),
    "ne": _compare(sp.Ne, sp.Xor),
    "lt": _compare(sp.Lt),
    "le": _compare(sp.Le),
    "gt": _compare(sp.Gt),
    "ge": _compare(sp.Ge),
    "and": _logical(sp.And),
    "or": _logical(sp.Or),
    "xor": _logical(sp.Xor),
    "not": _logical(sp.Not),
}
"""Primitive name to a function of scalar expressions; the primitive's parameters come as keywords."""
