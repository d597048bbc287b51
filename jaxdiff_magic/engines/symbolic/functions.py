"""Scalar functions of expressions that SymPy lacks, or that must keep their numerically careful form."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import sympy as sp
from sympy import Expr
from sympy.core.function import ArgumentIndexError

from jaxdiff_magic.primitives.scalar import SCALARS, InLibrary


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


class LogAddExp(sp.Function):
    """log(exp(x) + exp(y)), accurate and smooth everywhere: softplus where one of them is 0."""

    is_real = True

    @classmethod
    def eval(cls, x: Expr, y: Expr) -> Expr | None:
        if x.is_number and y.is_number:
            return sp.log(sp.exp(x) + sp.exp(y))
        return cls(y, x) if y != 0 and (x == 0 or sp.default_sort_key(y) < sp.default_sort_key(x)) else None

    def fdiff(self, argindex: int = 1) -> Expr:
        x, y = self.args
        return Sigmoid(x - y if argindex == 1 else y - x)

    @property
    def inside(self) -> Expr:
        """What it is the logarithm of."""
        return sp.Add(*map(sp.exp, self.args))


class Frozen(sp.Function):
    """The value of an expression, taken as a constant by differentiation: `stop_gradient`."""

    is_real = True

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        return x if x.is_number else None

    def fdiff(self, argindex: int = 1) -> Expr:
        return sp.Integer(0)


class Rounded(sp.Function):
    """The nearest whole number; of two that are as near, the even one, as IEEE 754 and `jnp.round` have it."""

    is_real = True
    is_integer = True

    @classmethod
    def eval(cls, x: Expr) -> Expr | None:
        if x.is_integer:
            return x
        if not x.is_number or x.is_finite is False:
            return None
        up = sp.floor(x + sp.S.Half)
        return up - 1 if up - x == sp.S.Half and up.is_odd else up

    def fdiff(self, argindex: int = 1) -> Expr:
        return sp.Integer(0)


class RegularizedGamma(sp.Function):
    """P(a, x), the regularized lower incomplete gamma function; its slope in a has no closed form (DLMF 8.8.13)."""

    is_real = True

    def fdiff(self, argindex: int = 1) -> Expr:
        a, x = self.args
        if argindex == 2:
            return sp.exp((a - 1) * sp.log(x) - x - sp.loggamma(a))
        raise ArgumentIndexError(self, argindex)


class RegularizedGammaC(sp.Function):
    """Q(a, x) = 1 - P(a, x), accurate where it is small."""

    is_real = True

    def fdiff(self, argindex: int = 1) -> Expr:
        a, x = self.args
        if argindex == 2:
            return -sp.exp((a - 1) * sp.log(x) - x - sp.loggamma(a))
        raise ArgumentIndexError(self, argindex)


class RegularizedBeta(sp.Function):
    """I_x(a, b), the regularized incomplete beta function, of (a, b, x); only its slope in x is known (DLMF 8.17.4)."""

    is_real = True

    def fdiff(self, argindex: int = 1) -> Expr:
        a, b, x = self.args
        if argindex == 3:
            norm = sp.loggamma(a) + sp.loggamma(b) - sp.loggamma(a + b)
            return sp.exp((a - 1) * sp.log(x) + (b - 1) * Log1p(-x) - norm)
        raise ArgumentIndexError(self, argindex)


class HurwitzZeta(sp.Function):
    """The sum of (n + q)**(-s) over n >= 0, of (s, q); only its slope in q is known (DLMF 25.11.17)."""

    is_real = True

    def fdiff(self, argindex: int = 1) -> Expr:
        s, q = self.args
        if argindex == 2:
            return -s * HurwitzZeta(s + 1, q)
        raise ArgumentIndexError(self, argindex)


class BesselI0e(sp.Function):
    """exp(-|x|) I0(x) (DLMF 10.29.3)."""

    is_real = True
    is_positive = True

    def fdiff(self, argindex: int = 1) -> Expr:
        x = self.args[0]
        return BesselI1e(x) - sp.sign(x) * self


class BesselI1e(sp.Function):
    """exp(-|x|) I1(x) (DLMF 10.29.2)."""

    is_real = True

    def fdiff(self, argindex: int = 1) -> Expr:
        x = self.args[0]
        return BesselI0e(x) - (sp.sign(x) + 1 / x) * self


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
        .replace(LogAddExp, lambda x, y: sp.log(sp.exp(x) + sp.exp(y)))
        .replace(Expm1, lambda x: sp.exp(x) - 1)
        .replace(Frozen, lambda x: x)
    )


def _formula(known: InLibrary) -> Callable[..., Expr]:
    if callable(known):
        return functools.partial(known, sp)
    return globals().get(known) or getattr(sp, known)


FORMULAS: Mapping[str, Callable[..., Expr]] = {
    name: _formula(known.formula) for name, known in SCALARS.items() if known.formula is not None
}
"""Scalar function, by the name of its primitive, to a function of expressions: where it is one, a class of SymPy's."""
