"""Frozen shifts, by which softmax and log-sum-exp keep from overflow, cancelled where they cancel exactly."""

from __future__ import annotations

import sympy as sp
from sympy import Expr

from jaxdiff_magic.engines.symbolic.expression import IndexSum, opened
from jaxdiff_magic.engines.symbolic.functions import Frozen
from jaxdiff_magic.engines.symbolic.indices import total


def unshifted(e: Expr) -> Expr:
    """`e` with frozen shifts cancelled where they cancel exactly: exp(x - c) / sum(exp(x - c)) without c.

    Softmax and log-sum-exp subtract a frozen maximum against overflow; in the formula it is clutter.
    """
    if not e.has(Frozen):
        return e
    known: dict[sp.Basic, sp.Basic] = {}

    def walk(node: sp.Basic) -> sp.Basic:
        if not node.has(Frozen):
            return node
        if node not in known:
            known[node] = summed(node) if isinstance(node, IndexSum) else _split_shift(node.func(*map(walk, node.args)))
        return known[node]

    def summed(node: IndexSum) -> Expr:
        bound, body = opened(node)
        return total(walk(body), bound)

    return sp.sympify(walk(e))


def _split_shift(node: sp.Basic) -> sp.Basic:
    if isinstance(node, sp.exp) and isinstance(node.args[0], sp.Add):
        frozen = [term for term in node.args[0].args if term.has(Frozen)]
        return sp.Mul(*(sp.exp(term) for term in frozen), sp.exp(node.args[0] - sp.Add(*frozen)), evaluate=False)
    if isinstance(node, sp.log) and isinstance(node.args[0], sp.Mul):
        shifts = [f for f in node.args[0].args if isinstance(f, sp.exp) and f.has(Frozen)]
        if shifts:
            rest = sp.Mul(*(f for f in node.args[0].args if f not in shifts))
            return sp.Add(*(shift.args[0] for shift in shifts), sp.log(rest))
    return node
