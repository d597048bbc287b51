"""Calculus of indices: quotients and remainders, positions in memory, and sums that contract deltas.

An array of shape (m, n) is one scalar expression in two index symbols. Summing a product with a delta renames
an index; that one rule, applied wherever it can be, turns the chain rule into matrix algebra (Ricci calculus).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.engines.symbolic import time_limits
from jaxdiff_magic.engines.symbolic.expression import (
    Delta,
    Index,
    IndexSum,
    Within,
    bounds,
    free,
    opened,
    rename,
    size,
)


def quotient(e: Expr, divisor: int) -> Expr:
    """e // divisor for an index expression, simplified where the ranges allow it."""
    inside, remainder = _split(e, divisor)
    low, high = bounds(remainder)
    if low is not None and high is not None and low // divisor == high // divisor:
        return inside + low // divisor
    return inside + sp.floor(remainder / divisor)


def remainder(e: Expr, divisor: int) -> Expr:
    """e % divisor for an index expression, simplified where the ranges allow it."""
    _, rest = _split(e, divisor)
    low, high = bounds(rest)
    if low is not None and high is not None and low // divisor == high // divisor:
        return rest - divisor * (low // divisor)
    return sp.Mod(rest, divisor)


def ravel(indices: Sequence[Expr], shape: Sequence[int]) -> Expr:
    """The position in row-major order of an element of an array of that shape."""
    total: Expr = Integer(0)
    for index, length in zip(indices, shape, strict=True):
        total = total * length + index
    total = sp.expand(total)
    # d * floor(e / d) + Mod(e, d) is e
    for mod in total.atoms(sp.Mod):
        e, divisor = mod.args
        whole = divisor * sp.floor(e / divisor)
        if total.has(whole.args[-1]) and size(shorter := sp.expand(total - whole - mod + e)) < size(total):
            total = shorter
    return total


def unravel(position: Expr, shape: Sequence[int]) -> tuple[Expr, ...]:
    """The element of an array of that shape at a position, within its range, in row-major order."""
    if 0 in shape:
        return (Integer(0),) * len(shape)  # there is no element: any expression will do
    indices: list[Expr] = []
    for length in reversed(shape[1:]):
        indices.append(remainder(position, length))
        position = quotient(position, length)
    return tuple(reversed([*indices, position][: len(shape)]))


def total(body: Expr, indices: Sequence[Index]) -> Expr:
    """The sum of `body` over the full ranges of some indices, with every delta contracted that can be."""
    if not indices:
        return body
    time_limits.ask()
    if body == 0 or any(i.size == 0 for i in indices):
        return Integer(0)
    if isinstance(body, sp.Add) and _selects(body, indices):
        return sp.Add(*(total(term, indices) for term in body.args))
    factors = [part for factor in sp.Mul.make_args(body) for part in _with_content(factor)]
    summed = set(indices)
    for position, factor in enumerate(factors):
        if isinstance(factor, sp.Add) and _selects(factor, indices):
            others = factors[:position] + factors[position + 1 :]
            return sp.Add(*(total(sp.Mul(term, *others), indices) for term in factor.args))
        if isinstance(factor, IndexSum) and _selects(factor, indices):
            inner, summand = opened(factor)
            others = factors[:position] + factors[position + 1 :]
            return total(sp.Mul(summand, *others), [*indices, *inner])
    for position, factor in enumerate(factors):
        if isinstance(factor, Delta) and (solved := _solve(factor, summed)) is not None:
            renaming, guard = solved
            others = sp.Mul(guard, *factors[:position], *factors[position + 1 :])
            return total(rename(others, renaming), [i for i in indices if i not in renaming])
    outside = [factor for factor in factors if not summed & free(factor)]
    bound = [factor for factor in factors if summed & free(factor)]
    used = [i for i in indices if any(i in free(factor) for factor in bound)]
    repeats = sp.Mul(*(i.size for i in indices if i not in used))
    return sp.Mul(repeats, *outside, *(_sum(part, over) for part, over in _components(bound, used)))


def _selects(e: Expr, indices: Sequence[Index]) -> bool:
    """Whether a delta or a range in an expression speaks of one of some indices."""
    return any(not free(selector).isdisjoint(indices) for selector in e.atoms(Delta, Within))


def _with_content(factor: Expr) -> tuple[Expr, ...]:
    """2*a - 2*b as 2 and a - b, so that the number can leave the sum; not for coefficients that were decimals."""
    if isinstance(factor, sp.Add):
        content, rest = factor.primitive()
        if content != 1 and content.q <= 64:
            return content, rest
    return (factor,)


def _sum(factors: Sequence[Expr], indices: Sequence[Index]) -> Expr:
    single = {i: Integer(0) for i in indices if i.size == 1}
    body = rename(sp.Mul(*factors), single)
    rest = [i for i in indices if i not in single]
    if not rest:
        return body
    return IndexSum(body, *rest)


def _components(factors: Sequence[Expr], indices: Sequence[Index]) -> list[tuple[list[Expr], list[Index]]]:
    """Factors that share no summed index, apart: the sum of their product is the product of their sums."""
    parts: list[tuple[list[Expr], set[sp.Basic]]] = []
    for factor in factors:
        touched = set(indices) & free(factor)
        joined = [part for part in parts if part[1] & touched]
        parts = [part for part in parts if not part[1] & touched]
        parts.append(([*itertools.chain(*(p[0] for p in joined)), factor], set(touched).union(*(p[1] for p in joined))))
    return [(group, [i for i in indices if i in touched]) for group, touched in parts]


def _solve(delta: Delta, summed: set[Index]) -> tuple[dict[Index, Expr], Expr] | None:
    """Values of summed indices that make both sides equal, and the factor that is 0 where there are none."""
    difference = sp.expand(delta.args[0] - delta.args[1])
    linear: dict[Index, int] = {}
    for term in sp.Add.make_args(difference):
        coefficient, symbol = term.as_coeff_Mul()
        if symbol in summed and isinstance(coefficient, Integer):
            linear[symbol] = int(coefficient)
    rest = difference - sp.Add(*(c * i for i, c in linear.items()))
    clean = [i for i in linear if i not in free(rest)]
    if not clean:
        return None
    if not summed & free(rest) and (digits := _mixed_radix(linear)):
        sizes = [i.size for i in digits]
        position = sp.expand(-rest if linear[digits[-1]] > 0 else rest)
        guard = Within(position, Integer(0), Integer(int(sp.prod(sizes)) - 1))
        return dict(zip(digits, unravel(position, sizes), strict=True)), guard
    single = min(clean, key=lambda i: abs(linear[i]))
    coefficient = linear[single]
    value = sp.expand(-sp.sign(coefficient) * (difference - coefficient * single))
    divides: Expr = Integer(1)
    if abs(coefficient) != 1:
        divides = Delta(remainder(value, abs(coefficient)), Integer(0))
        value = quotient(value, abs(coefficient))
    return {single: value}, divides * Within(value, Integer(0), Integer(single.size - 1))


def _mixed_radix(linear: Mapping[Index, int]) -> list[Index]:
    """The indices as digits, most significant first, if their linear form counts every number once; else []."""
    digits = sorted(linear, key=lambda i: -abs(linear[i]))
    stride = 1 if linear[digits[-1]] > 0 else -1
    for digit in reversed(digits):
        if linear[digit] != stride:
            return []
        stride *= digit.size
    return digits


def _split(e: Expr, divisor: int) -> tuple[Expr, Expr]:
    """e = divisor * whole + rest, with every term of `whole` visibly divisible."""
    whole, rest = [], []
    for term in sp.Add.make_args(sp.expand(e)):
        coefficient, symbol = term.as_coeff_Mul()
        if isinstance(coefficient, Integer) and coefficient % divisor == 0:
            whole.append(coefficient // divisor * symbol)
        else:
            rest.append(term)
    return sp.Add(*whole), sp.Add(*rest)
