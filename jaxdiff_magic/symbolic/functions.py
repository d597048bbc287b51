"""Scalar functions of expressions that SymPy lacks, or that must keep their numerically careful form."""

from __future__ import annotations

import sympy as sp
from sympy import Expr


class Sigmoid(sp.Function):
    """1 / (1 + exp(-x))."""

    is_real = True
    is_positive = True

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        return 1 / (1 + sp.exp(-x)) if x.is_number else None

    def fdiff(self, argindex: int = 1) -> Expr:
        return self * (1 - self)


class Log1p(sp.Function):
    """log(1 + x), accurate for small x."""

    is_real = True

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        return sp.log(1 + x) if x.is_number else None

    def fdiff(self, argindex: int = 1) -> Expr:
        return 1 / (1 + self.args[0])


class Expm1(sp.Function):
    """exp(x) - 1, accurate for small x."""

    is_real = True

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        return sp.exp(x) - 1 if x.is_number else None

    def fdiff(self, argindex: int = 1) -> Expr:
        return sp.exp(self.args[0])


class Frozen(sp.Function):
    """The value of an expression, taken as a constant by differentiation: `stop_gradient`."""

    is_real = True

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        return x if x.is_number else None

    def fdiff(self, argindex: int = 1) -> Expr:
        return sp.Integer(0)


def maximum(*args: Expr) -> Expr:
    """The largest argument; NaN where one is, which SymPy refuses to compare."""
    return sp.nan if sp.nan in args else sp.Max(*args)


def minimum(*args: Expr) -> Expr:
    """The smallest argument; NaN where one is."""
    return sp.nan if sp.nan in args else sp.Min(*args)


def elementary(e: Expr) -> Expr:
    """`e` with the functions of this file written out in exp and log, as proofs need them."""
    return (
        e.replace(Sigmoid, lambda x: 1 / (1 + sp.exp(-x)))
        .replace(Log1p, lambda x: sp.log(1 + x))
        .replace(Expm1, lambda x: sp.exp(x) - 1)
        .replace(Frozen, lambda x: x)
    )
