"""A scalar expression in the shortest of a few equal forms, found within a limit of size."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp
from sympy import Expr

from jaxdiff_magic.engines.symbolic import time_limits
from jaxdiff_magic.engines.symbolic.expression import SELECTORS, Applied, Choice, IndexSum, contains, size
from jaxdiff_magic.engines.symbolic.functions import Frozen, Sigmoid, elementary
from jaxdiff_magic.engines.symbolic.proof import MAX_EXPANDED_OPERATIONS, SYMPY_FAILURES, terms
from jaxdiff_magic.engines.symbolic.readable import with_sigmoids

MAX_SHORTENED_TERMS = 300
"""What has more terms than this when it is multiplied out is not. A choice of time."""
MAX_FACTORED = 60
"""Expressions with more operations than this are not brought to lowest terms …"""
MAX_TRIGONOMETRIC = 25
"""… nor rewritten by identities of trigonometric and hyperbolic functions with more than this. Choices of time: both
grow steeply with the size."""
TRIGONOMETRIC = (sp.sin, sp.cos, sp.tan, sp.sinh, sp.cosh, sp.tanh)
WHOLE = (sp.Indexed, IndexSum, Applied, Choice, *SELECTORS)
"""What is one variable to these identities."""


def shortened(e: Expr) -> Expr:
    """The shortest form found, a choice outermost; of what `stop_gradient` froze, the value."""
    e = e.replace(Frozen, lambda x: x)
    if len(choices := e.atoms(Choice)) == 1 and not contains(e, (IndexSum,)):
        (choice,) = choices
        condition, *cases = choice.args
        return Choice(condition, *(shortened(e.xreplace({choice: case})) for case in cases))
    hidden, shown = _hidden(e)
    found = [shown]
    if size(shown) <= MAX_EXPANDED_OPERATIONS:
        for rewriting in (_expanded, _elementary, _factored, _reduced, _by_identities):
            time_limits.ask()
            try:
                found += rewriting(min(found, key=_length))
            except SYMPY_FAILURES:
                continue
    return min(found, key=_length).xreplace({symbol: part for part, symbol in hidden.items()})


def _length(e: Expr) -> tuple[int, int, str]:
    text = str(e)
    return size(e), len(text), text


def _hidden(e: Expr) -> tuple[dict[sp.Basic, sp.Symbol], Expr]:
    """`e` with everything that is one variable to the rewritings as a symbol, and what those stand for."""
    hidden: dict[sp.Basic, sp.Symbol] = {}

    def walk(node: sp.Basic) -> sp.Basic:
        if isinstance(node, WHOLE):
            return hidden.setdefault(node, sp.Dummy(f"h{len(hidden)}", real=True))
        return node.func(*map(walk, node.args)) if node.args else node

    return hidden, sp.sympify(walk(e))


def _expanded(e: Expr) -> Iterator[Expr]:
    if terms(e) <= MAX_SHORTENED_TERMS:
        yield sp.expand(e, power_base=False, log=False)


def _elementary(e: Expr) -> Iterator[Expr]:
    """Sigmoids and their kin as exponentials, which may cancel."""
    if e.has(sp.exp) or elementary(e) != e:
        yield from _expanded(elementary(e))


def _factored(e: Expr) -> Iterator[Expr]:
    if 1 < size(e) <= MAX_FACTORED:
        yield sp.factor_terms(e)
        if terms(fraction := sp.together(sp.powsimp(elementary(e)))) <= MAX_SHORTENED_TERMS:
            yield (lowest := time_limits.at_most(lambda: sp.cancel(fraction), e))
            yield time_limits.at_most(lambda: sp.factor(lowest), e)


def _reduced(e: Expr) -> Iterator[Expr]:
    """Exponentials as sigmoids; those of a negative argument by the positive one."""
    if e.has(sp.exp):
        short = with_sigmoids(e)
        yield short
        yield short.replace(Sigmoid, lambda x: 1 - Sigmoid(-x) if x.could_extract_minus_sign() else Sigmoid(x))


def _by_identities(e: Expr) -> Iterator[Expr]:
    if 1 < size(e) <= MAX_TRIGONOMETRIC and e.has(*TRIGONOMETRIC):
        yield time_limits.at_most(lambda: sp.trigsimp(e), e)
