"""Index expressions as a person would simplify them: sigmoid and softmax by name, like terms together.

Each rewriting is an identity over the real numbers; whoever applies one checks it by numbers as well.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Mapping, Sequence

import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.engines.symbolic.expression import (
    Choice,
    Index,
    IndexSum,
    Truth,
    canonical,
    free,
    is_index_expression,
    size,
)
from jaxdiff_magic.engines.symbolic.functions import Sigmoid
from jaxdiff_magic.engines.symbolic.indices import total
from jaxdiff_magic.engines.symbolic.polynomials import cancelled, shortest
from jaxdiff_magic.engines.symbolic.program import Array, substitute


def rewritten(e: Expr, rule: Callable[[sp.Basic], sp.Basic]) -> Expr:
    """`e`, in canonical form, with a rule applied to every node, from the inside out; sums contract what comes to them.

    Bound indices keep their names: in canonical form none inside a sum has the name of one around it, and no rule
    makes a sum taller.
    """
    known: dict[sp.Basic, sp.Basic] = {}

    def walk(node: sp.Basic) -> sp.Basic:
        if not node.args or isinstance(node, sp.Indexed):
            return node
        if node not in known:
            if isinstance(node, IndexSum):
                known[node] = rule(total(walk(node.body), node.indices))
            else:
                known[node] = rule(node.func(*map(walk, node.args)))
        return known[node]

    return sp.sympify(walk(e))


def without_choices(e: Expr) -> Expr:
    """Choices by position as deltas, absolute values and signs of what is always positive left out."""

    def rule(node: sp.Basic) -> sp.Basic:
        match node:
            case Choice() if isinstance(node.args[0], sp.core.relational.Eq) and _by_position(node.args[0]):
                chosen = Truth(node.args[0])
                return chosen * node.args[1] + (1 - chosen) * node.args[2]
            case sp.Abs() if is_positive(node.args[0]):
                return node.args[0]
            case sp.sign() if is_positive(node.args[0]):
                return Integer(1)
            case _:
                return node

    return rewritten(e, rule)


def _by_position(condition: sp.Basic) -> bool:
    return all(is_index_expression(side) for side in condition.args)


def is_positive(e: sp.Basic) -> bool:
    """Whether an expression is visibly positive wherever it is defined."""
    match e:
        case sp.exp() | Sigmoid():
            return True
        case IndexSum():
            return is_positive(e.body)
        case sp.Mul():
            return all(map(is_positive, e.args))
        case sp.Add():
            return all(is_positive(arg) or _is_square(arg) for arg in e.args) and any(map(is_positive, e.args))
        case sp.Pow():
            return is_positive(e.base)
        case _:
            return bool(e.is_number and e.is_positive)


def _is_square(e: sp.Basic) -> bool:
    if isinstance(e, IndexSum):
        return _is_square(e.body)
    coefficient, rest = e.as_coeff_Mul()
    return coefficient >= 0 and isinstance(rest, sp.Pow) and isinstance(rest.exp, Integer) and rest.exp % 2 == 0


def with_sigmoids(e: Expr) -> Expr:
    """1 / (1 + exp(-z)), and what follows from it, in terms of the sigmoid of z."""

    def rule(node: sp.Basic) -> sp.Basic:
        match node:
            case sp.Pow(base=sp.Add(args=(sp.core.numbers.One(), sp.exp() as other)), exp=Integer() as n) if n < 0:
                return Sigmoid(-other.args[0]) ** -n
            case sp.Add() | sp.Mul():
                return _in_sigmoids(node)
            case _:
                return node

    return rewritten(e, rule)


def _in_sigmoids(node: Expr) -> Expr:
    """exp(-z) as (1 - s) / s, where the sigmoid s of z stands beside it, in lowest terms."""
    arguments = {canonical(s.args[0]): s for s in node.atoms(Sigmoid)}
    renaming: dict[Expr, Expr] = {}
    for exponential in node.atoms(sp.exp):
        for times in (-1, 1, -2, 2):
            s = arguments.get(canonical(exponential.args[0] / times))
            if s is not None:
                renaming[exponential] = (s / (1 - s)) ** times
                break
    reciprocal = any(isinstance(p.base, Sigmoid) and p.exp.is_negative for p in node.atoms(sp.Pow))
    return cancelled(node.xreplace(renaming)) if renaming or reciprocal else node


def with_like_terms(e: Expr) -> Expr:
    """Every polynomial under a sum, and the whole, in the shortest of a few equal forms; sums as they were written."""
    # of multiples of one sum, the plainest: x - 1, not 3 x - 3
    written = dict(sorted(map(_monic, e.atoms(sp.Add)), key=_plainness, reverse=True))

    def rule(node: sp.Basic) -> sp.Basic:
        if isinstance(node, IndexSum):
            bound, body = node.indices, node.body
            return min(node, total(shortest(body), bound), apart(node), key=size)
        if isinstance(node, sp.Mul):
            return _as_written(shortest(node), written)
        return shortest(node) if isinstance(node, sp.Add) else node

    return rewritten(e, rule)


def _plainness(item: tuple[Expr, Expr]) -> tuple[float, bool]:
    leading = float(item[1])
    return max(abs(leading), 1 / abs(leading)), leading < 0


def apart(node: IndexSum) -> Expr:
    """The sum of each term for itself."""
    bound, body = node.indices, node.body
    terms = sp.Add.make_args(sp.expand_mul(body))
    return sp.Add(*(canonical(total(term, bound)) for term in terms))


def _as_written(e: Expr, written: Mapping[Expr, Expr]) -> Expr:
    """A product with its sums as multiples of those that were written; the sign of new ones so that it has none."""
    if not isinstance(e, sp.Mul):
        return e
    coefficient, rest = e.as_coeff_Mul()
    factors: list[Expr] = []
    for factor in sp.Mul.make_args(rest):
        bound, body = (factor.indices, factor.body) if isinstance(factor, IndexSum) else ((), factor)
        inner = []
        for part in sp.Mul.make_args(body):
            base, power = part.as_base_exp() if isinstance(part, sp.Pow) else (part, Integer(1))
            if not isinstance(base, sp.Add) or not isinstance(power, Integer):
                inner.append(part)
                continue
            key, leading = _monic(base)
            ratio = leading / written[key] if key in written else Integer(1)
            has_sign = power % 2 and any(term.could_extract_minus_sign() for term in base.args)
            if key not in written and coefficient < 0 and has_sign:
                ratio = Integer(-1)
            coefficient *= ratio**power
            inner.append(sp.Add(*(term / ratio for term in base.args)) ** power)
        factors.append(total(sp.Mul(*inner), bound))
    return sp.Mul(coefficient, *factors)


def _monic(e: sp.Add) -> tuple[Expr, Expr]:
    """What a sum is up to a factor and the letters of its indices, and that factor."""
    nameless = {term: _nameless(term.as_coeff_Mul()[1]) for term in e.args}
    first = min(e.args, key=lambda term: (size(term.as_coeff_Mul()[1]), str(nameless[term])))
    leading = first.as_coeff_Mul()[0]
    return sp.Tuple(*sorted((term.as_coeff_Mul()[0] / leading * nameless[term] for term in e.args), key=str)), leading


def _nameless(e: sp.Basic) -> Expr:
    return sp.Symbol(str(e.xreplace({i: slot(i.size, 0) for i in e.atoms(Index)})) if e.args else str(e))


@functools.lru_cache(maxsize=256)
def slot(length: int, position: int) -> Index:
    """A standing index, for comparing expressions whose indices have different letters."""
    return Index(length, f"z{position}")


def with_binaries(e: Expr, binary: frozenset[sp.Symbol], complements: Mapping[sp.Symbol, Array]) -> Expr:
    """`e` in terms of the elements t of constants that are 0 or 1: [t = 1] is t, and f(t) is (1 - t) f(0) + t f(1).

    The second only where t stands in a denominator: it is what makes y/s - (1 - y)/(1 - s) simple.

    Args:
        e: the expression.
        binary: labels of the constants.
        complements: which of them are 1 - t of another, t.
    """
    minus = {label: lambda indices, t=t: 1 - t.at(indices) for label, t in complements.items()}

    def rule(node: sp.Basic) -> sp.Basic:
        match node:
            case Truth(args=(sp.core.relational.Equality(args=(t, one)),)) if is_of(t, binary) and one in (0, 1):
                return t if one == 1 else 1 - t
            case Choice(args=(sp.core.relational.Equality(args=(t, one)), yes, no)) if is_of(t, binary) and one in (
                0,
                1,
            ):
                return t * yes + (1 - t) * no if one == 1 else t * no + (1 - t) * yes
            case sp.Mul():
                below = [f.base for f in node.args if isinstance(f, sp.Pow) and f.exp.is_negative]
                inside = {t for base in below for t in base.atoms(sp.Indexed) if is_of(t, binary)}
                if len(inside) == 1:
                    (t,) = inside
                    return shortest(cancelled((1 - t) * cancelled(node.subs(t, 0)) + t * cancelled(node.subs(t, 1))))
        return node

    return rewritten(substitute(e, minus), rule)


def with_known_sums(e: Expr, adding_up: frozenset[sp.Symbol], used: set[sp.Symbol]) -> Expr:
    """`e` with the elements of one-hot constants added up to 1.

    Args:
        e: the expression.
        adding_up: labels of the constants whose elements along the last axis add up to 1.
        used: gets the labels for which that was used.
    """

    def rule(node: sp.Basic) -> sp.Basic:
        if isinstance(node, IndexSum):
            bound, body = node.indices, node.body
            for factor in sp.Mul.make_args(body):
                if is_of(factor, adding_up) and stands_alone(factor, body, bound):
                    used.add(factor.base.label)
                    return rewritten(total(body / factor, [i for i in bound if i != factor.indices[-1]]), rule)
        return node

    return rewritten(e, rule)


def is_of(factor: Expr, labels: Container[sp.Symbol]) -> bool:
    """Whether a factor is an element of one of some arrays."""
    return isinstance(factor, sp.Indexed) and factor.base.label in labels


def stands_alone(factor: sp.Indexed, body: Expr, bound: Sequence[Index]) -> bool:
    """Whether a summed product depends on the last index of a factor by that factor only."""
    last = factor.indices[-1]
    return last in bound and sum(last in free(other) for other in sp.Mul.make_args(body)) == 1
