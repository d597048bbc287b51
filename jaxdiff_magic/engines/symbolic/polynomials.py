"""Polynomials and rational functions of whatever is no arithmetic: in lowest terms, and in their shortest form."""

from __future__ import annotations

import functools
import itertools

import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.engines.symbolic import time_limits
from jaxdiff_magic.engines.symbolic.expression import Delta, Index, size

MAX_SIZE = 120
"""Longer expressions are not factored. A choice of time: factoring grows steeply with the size."""
MAX_GENERATORS = 12
"""Polynomials in more unknowns are not factored: a choice of time."""


def cancelled(node: Expr) -> Expr:
    """A rational function in lowest terms, what is not arithmetic in it left alone."""
    hidden, shown = _hidden(node)
    if len(hidden) > MAX_GENERATORS or size(node) > MAX_SIZE:
        return node
    return _in_lowest_terms(shown).xreplace({dummy: part for part, dummy in hidden.items()})


@functools.lru_cache(maxsize=1024)
def _in_lowest_terms(shown: Expr) -> Expr:
    lowest = time_limits.at_most(lambda: sp.factor(sp.cancel(shown)), shown)
    coefficient, factored = lowest.as_coeff_Mul()
    factors = []
    for factor in sp.Mul.make_args(factored):
        if isinstance(factor, sp.Add) and factor.args[0] == -1:  # 1 - s, not s - 1
            coefficient, factor = -coefficient, -factor
        factors.append(factor)
    return sp.Mul(coefficient, *factors)


def _hidden(e: Expr) -> tuple[dict[sp.Basic, sp.Dummy], Expr]:
    """`e` with everything that is no arithmetic replaced by symbols, and what they stand for."""
    hidden: dict[sp.Basic, sp.Dummy] = {}

    def walk(node: sp.Basic) -> sp.Basic:
        if isinstance(node, sp.Rational) or (isinstance(node, sp.Dummy) and not isinstance(node, Index)):
            return node
        if isinstance(node, (sp.Add, sp.Mul)) or (isinstance(node, sp.Pow) and isinstance(node.exp, Integer)):
            return node.func(*map(walk, node.args))
        if node not in hidden:
            hidden[node] = _generator(len(hidden))
        return hidden[node]

    return hidden, walk(e)


@functools.cache
def _generator(k: int) -> sp.Dummy:
    """The same symbol every time, so that what has the same form is simplified once."""
    return sp.Dummy(f"g{k}")


def shortest(e: Expr) -> Expr:
    """The shortest of a few equal forms of a polynomial; the given one where that is as short.

    Deltas are not put inside a product of sums: diag(s) - s s' reads better than diag(s) (I - 1 s').
    """
    hidden, shown = _hidden(e)
    if not 1 < len(hidden) <= MAX_GENERATORS or not 1 < size(e) <= MAX_SIZE:
        return e
    deltas = frozenset(dummy for part, dummy in hidden.items() if isinstance(part, Delta))
    return _shortest(shown, deltas).xreplace({dummy: part for part, dummy in hidden.items()})


@functools.lru_cache(maxsize=1024)
def _shortest(shown: Expr, deltas: frozenset[sp.Dummy]) -> Expr:
    if deltas:
        return min([shown, _by_delta(shown, deltas)], key=size)
    expanded = sp.expand(shown)
    factored = _factored(expanded)
    return min([shown, expanded, factored, _with_squares(factored)], key=size)


def _factored(e: Expr) -> Expr:
    return time_limits.at_most(lambda: sp.factor(e), e)


def _with_squares(e: Expr) -> Expr:
    """A product with (1 - h) (1 + h) in it written as 1 - h**2."""
    for a, b in itertools.combinations([f for f in sp.Mul.make_args(e) if isinstance(f, sp.Add)], 2):
        together = sp.expand(a * b)
        if len(a.args) == len(b.args) == len(together.args) == 2:
            return _with_squares(sp.Mul(together, e / (a * b)))
    return e


def _by_delta(e: Expr, deltas: frozenset[sp.Dummy]) -> Expr:
    """A polynomial with the terms of each delta together."""
    groups: dict[Expr, Expr] = {}
    for term in _spread(e, deltas):
        selecting, rest = term.as_independent(*deltas, as_Add=False)[::-1]
        groups[selecting] = groups.get(selecting, Integer(0)) + rest
    return sp.Add(*(sp.Mul(key, min(rest, _factored(rest), key=size)) for key, rest in groups.items()))


def _spread(e: Expr, deltas: frozenset[sp.Dummy]) -> list[Expr]:
    if isinstance(e, sp.Add):
        return [part for term in e.args for part in _spread(term, deltas)]
    for factor in sp.Mul.make_args(e):
        if isinstance(factor, sp.Add) and not deltas.isdisjoint(factor.free_symbols):
            return [part for term in factor.args for part in _spread(term * (e / factor), deltas)]
    return [e]
