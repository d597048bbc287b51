"""Smooth functions in the forms that keep them from overflow, in which they seem to have a kink.

log(exp(x) + exp(y)) is computed as max(x, y) + log(1 + exp(-|x - y|)): softplus and the logistic losses among others.
The value is that of the smooth function everywhere. By parts, the slopes at x = y would be those of the maximum and of
the absolute value, which are no slopes there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.engines.symbolic.expression import size
from jaxdiff_magic.engines.symbolic.functions import Log1p, LogAddExp
from jaxdiff_magic.engines.symbolic.program import Definition, substitute

DEPTH = 6
"""So many steps there are at most from log(1 + exp(-|x - y|)) back to x and y."""
LONGEST = 60
"""What has more operations when it is written out is another function. A choice of time."""
ROUNDED = 1e-6
"""How far 1 / log(2), as a program in single precision holds it, may be from itself. Some eight roundings of a
float32."""


def smooth(e: Expr, definitions: Sequence[Definition]) -> Expr:
    """`e`, a sum, with max(x, y) + log(1 + exp(-|x - y|)) in it as log(exp(x) + exp(y)).

    Args:
        e: the sum.
        definitions: the steps that it may mention.
    """
    if not isinstance(e, sp.Add):
        return e
    steps = {d.array.label: d.at for d in definitions if not d.array.operation}
    terms = _terms(e, lambda e: substitute(e, steps))
    opened = [substitute(term, steps) for term in terms]
    logarithms = [k for k, term in enumerate(opened) if any(isinstance(f, Log1p) for f in _factors(term, steps))]
    for place, other in itertools.product(logarithms, range(len(terms))):
        if other != place and (found := _joined(opened[other], opened[place], lambda e: substitute(e, steps))):
            rest = [term for k, term in enumerate(terms) if k not in (place, other)]
            return smooth(sp.Add(found, *rest), definitions)
    return e


def _terms(e: Expr, opened: Callable[[Expr], Expr], depth: int = 3) -> list[Expr]:
    """The terms of a sum, and of the sums among those."""
    found = []
    for term in sp.Add.make_args(e):
        coefficient, rest = term.as_coeff_Mul()
        inner = opened(rest) if depth else rest
        several = isinstance(inner, sp.Add) and size(inner) <= LONGEST
        found += [coefficient * part for part in _terms(inner, opened, depth - 1)] if several else [term]
    return found


def _factors(term: Expr, steps: Mapping[sp.Symbol, Callable[[Sequence[Expr]], Expr]]) -> tuple[Expr, ...]:
    """The factors of a product, and of what they stand for."""
    return sp.Mul.make_args(substitute(term, steps)) + sp.Mul.make_args(term)


def _joined(extremum: Expr, logarithm: Expr, opened: Callable[[Expr], Expr]) -> Expr | None:
    """The smooth function that an extremum and a logarithm add up to, if they do."""
    sign, chosen = extremum.as_coeff_Mul()
    if sign not in (1, -1) or not isinstance(chosen, (sp.Max, sp.Min)) or len(chosen.args) != 2:
        return None
    upward = sign if isinstance(chosen, sp.Max) else -sign  # -min(x, y) is max(-x, -y)
    x, y = (sign * upward * arg for arg in chosen.args)
    for _ in range(DEPTH):
        coefficient, log1p = logarithm.as_coeff_Mul()
        if isinstance(log1p, Log1p):
            base, exponent = log1p.args[0].as_base_exp()
            rate = sp.log(base) if isinstance(base, Integer) and base > 1 else Integer(1)
            if (base == sp.E or rate != 1) and sp.expand(exponent + sp.Abs(x - y)) == 0:
                is_inverse = math.isclose(float(coefficient * rate), float(upward), rel_tol=ROUNDED)
                return upward * LogAddExp(rate * x, rate * y) / rate if is_inverse else None
        if size(logarithm := opened(logarithm)) > LONGEST:
            return None
    return None
