"""The expressions of index calculus that SymPy lacks: sized indices, their sums, and factors that select.

SymPy's own Sum, Piecewise and KroneckerDelta simplify when they are built, which costs more than all the calculus
here; these only hold their arguments. `standard` turns a finished expression into SymPy's own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.engines.symbolic.atoms import Applied, FunctionSymbol, Index, Lookup, Opaque
from jaxdiff_magic.engines.symbolic.time_limits import ask


class IndexSum(Opaque, Expr):
    """The sum of a body over the full ranges of some indices."""

    is_commutative = True
    is_real = True

    def __new__(cls, body: Expr, *indices: Index) -> IndexSum:
        return super().__new__(cls, body, *indices)

    @property
    def body(self) -> Expr:
        return self.args[0]

    @property
    def indices(self) -> tuple[Index, ...]:
        return self.args[1:]

    @property
    def free_symbols(self) -> set[sp.Basic]:
        return self.body.free_symbols - set(self.indices)


class Delta(sp.Function):
    """Kronecker's delta of two integer expressions: 1 where they are equal, else 0."""

    is_integer = True

    @classmethod
    def eval(cls, a: Expr, b: Expr) -> Expr | None:
        low, high = bounds(a - b)
        if low == high == 0:
            return Integer(1)
        if low is not None and high is not None and (low > 0 or high < 0):
            return Integer(0)
        if a.is_number and not b.is_number:
            return cls(b, a)
        return None


class Within(sp.Function):
    """1 where low <= e <= high, else 0."""

    is_integer = True

    @classmethod
    def eval(cls, e: Expr, low: Expr, high: Expr) -> Expr | None:
        least, most = bounds(e)
        if least is not None and most is not None:
            if low <= least and most <= high:
                return Integer(1)
            if most < low or least > high:
                return Integer(0)
        return None


class Truth(Opaque, sp.Function):
    """1 where a condition holds, else 0; a delta where that is what the condition says."""

    is_integer = True

    @classmethod
    def eval(cls, condition: sp.Basic) -> Expr | None:
        if condition in (sp.true, sp.false):
            return Integer(int(condition == sp.true))
        if isinstance(condition, sp.Eq) and is_index_expression(condition.lhs) and is_index_expression(condition.rhs):
            return Delta(condition.lhs, condition.rhs)
        return None


class Choice(Opaque, sp.Function):
    """The first expression where a condition holds, else the second."""

    is_real = True

    @classmethod
    def eval(cls, condition: sp.Basic, yes: Expr, no: Expr) -> Expr | None:
        if condition in (sp.true, sp.false):
            return yes if condition == sp.true else no
        return yes if yes == no else None


SELECTORS = (Delta, Within, Truth)
"""Factors that are 0 or 1."""
PIECEWISE = (Choice, Truth, Within)
"""What SymPy calls a Piecewise."""


@functools.lru_cache(maxsize=1 << 16)
def free(e: sp.Basic) -> frozenset[sp.Basic]:
    """The free symbols of an expression (of an array, its label)."""
    if isinstance(e, sp.Symbol):
        return frozenset((e,))
    if isinstance(e, Applied):
        return e.label.operands.union(*map(free, e.indices))
    inner = frozenset().union(*map(free, e.args))
    return inner - frozenset(e.indices) if isinstance(e, IndexSum) else inner


@functools.lru_cache(maxsize=1 << 16)
def size(e: sp.Basic) -> int:
    """How many operations it takes to write an expression down."""
    if isinstance(e, (sp.Indexed, sp.Rational, Lookup, Applied)) or not e.args:
        return 0
    return len(e.args) - (not isinstance(e, sp.Function)) + sum(map(size, e.args)) or 1


@functools.lru_cache(maxsize=1 << 16)
def contains(e: sp.Basic, kinds: tuple[type, ...]) -> bool:
    """Whether a node of one of some kinds occurs in an expression."""
    return isinstance(e, kinds) or any(contains(arg, kinds) for arg in e.args)


def is_index_expression(e: sp.Basic) -> bool:
    """Whether an expression is integer arithmetic of index symbols, and of positions found in arrays, alone."""
    return (
        isinstance(e, Expr)
        and all(isinstance(s, Index) or (isinstance(s, FunctionSymbol) and s.below is not None) for s in free(e))
        and not contains(e, (IndexSum, Applied, Choice))
    )


@functools.lru_cache(maxsize=8192)
def bounds(e: Expr) -> tuple[int | None, int | None]:
    """Least and greatest value of an index expression; None where unknown."""
    if isinstance(e, Integer):
        return int(e), int(e)
    if isinstance(e, Index):
        return (0, e.size - 1) if e.size else (None, None)
    if isinstance(e, Lookup):
        return int(e.table.values.min()), int(e.table.values.max())
    label = e.base.label if isinstance(e, sp.Indexed) else e
    if isinstance(label, FunctionSymbol) and label.below is not None:
        return 0, label.below - 1
    if isinstance(e, sp.Add):
        parts = [bounds(arg) for arg in e.args]
        if any(None in part for part in parts):
            return None, None
        return sum(part[0] for part in parts), sum(part[1] for part in parts)  # type: ignore[misc]
    if isinstance(e, sp.Mul):
        coefficient, rest = e.as_coeff_Mul()
        low, high = bounds(rest) if isinstance(coefficient, Integer) and rest != e else (None, None)
        if low is None or high is None:
            return None, None
        ends = int(coefficient) * low, int(coefficient) * high
        return min(ends), max(ends)
    if isinstance(e, sp.floor):
        numerator, divisor = e.args[0].as_numer_denom()
        low, high = bounds(numerator)
        return (None, None) if low is None or high is None else (low // int(divisor), high // int(divisor))
    if isinstance(e, sp.Mod) and isinstance(e.args[1], Integer):
        low, high = bounds(e.args[0])
        divisor = int(e.args[1])
        if low is not None and high is not None and low // divisor == high // divisor:
            return low % divisor, high % divisor
        return 0, divisor - 1
    return None, None


def decided(condition: sp.Basic) -> sp.Basic:
    """A comparison of index expressions as true or false, where their ranges decide it."""
    if not isinstance(condition, sp.core.relational.Relational):
        return condition
    a, b = condition.args
    if not (is_index_expression(a) and is_index_expression(b)):
        return condition
    low, high = bounds(sp.expand(a - b))
    if low is None or high is None:
        return condition
    compared = [condition.func(Integer(end), Integer(0)) for end in (low, high)]
    if isinstance(condition, (sp.Eq, sp.Ne)):
        outside = low > 0 or high < 0
        if outside or low == high:
            return sp.sympify(bool(compared[0]))
        return condition
    return compared[0] if compared[0] == compared[1] else condition


def rename(e: sp.Basic, renaming: Mapping[sp.Basic, sp.Basic]) -> sp.Basic:
    """`e` with free symbols replaced; parts without them are left untouched, and unvisited.

    Bound indices are unique symbols, so nothing can be captured.
    """
    known: dict[sp.Basic, sp.Basic] = dict(renaming)
    again = _relettered if _is_of_letters(e, renaming) else _evaluated

    def walk(node: sp.Basic) -> sp.Basic:
        if node not in known:
            touched = not renaming.keys().isdisjoint(free(node))
            known[node] = again(node, list(map(walk, node.args))) if touched else node
        return known[node]

    return walk(e) if renaming else e


def opened(e: IndexSum) -> tuple[tuple[Index, ...], Expr]:
    """The bound indices of a sum, replaced by fresh ones, and its body: safe to merge into another sum."""
    fresh = {i: Index(i.size, i.name) for i in e.indices}
    return tuple(fresh.values()), rename(e.body, fresh)


def refreshed(e: Expr, renaming: Mapping[sp.Basic, sp.Basic] | None = None) -> Expr:
    """`e` with fresh bound indices throughout, so that a copy of it may stand inside any other sum; and renamed."""
    fresh = {i: Index(i.size, i.name) for node in e.atoms(IndexSum) for i in node.indices}
    return _rebuilt(e, {**fresh, **(renaming or {})})


def _rebuilt(e: Expr, renaming: Mapping[sp.Basic, sp.Basic]) -> Expr:
    """`e` with symbols replaced, bound indices too: as by SymPy's `xreplace`, but what stands twice is built once."""
    known: dict[sp.Basic, sp.Basic] = dict(renaming)
    again = _relettered if _is_of_letters(e, renaming) else _evaluated

    def walk(node: sp.Basic) -> sp.Basic:
        if node not in known:
            args = [walk(arg) for arg in node.args]
            same = all(new is old for new, old in zip(args, node.args, strict=True))
            known[node] = node if same else again(node, args)
        return known[node]

    return walk(e) if renaming else e


def _is_of_letters(e: sp.Basic, renaming: Mapping[sp.Basic, sp.Basic]) -> bool:
    """Whether a renaming only gives indices other letters: new ones, each its own, that run as far."""
    new = set(renaming.values())
    return (
        len(new) == len(renaming)
        and all(
            isinstance(letter, Index) and isinstance(i, Index) and letter.size == i.size
            for i, letter in renaming.items()
        )
        and new.isdisjoint(free(e))
    )


def _evaluated(node: sp.Basic, args: Sequence[sp.Basic]) -> sp.Basic:
    return node.func(*args)


def _relettered(node: sp.Basic, args: Sequence[sp.Basic]) -> sp.Basic:
    """A node with other letters for its indices, which change nothing that SymPy would find out about it once more."""
    return node.func(*args, evaluate=False) if isinstance(node, (sp.Function, sp.Pow)) else node.func(*args)


def canonical(e: Expr) -> Expr:
    """`e` with bound indices named by how deep they stand, so that equal sums are equal expressions."""
    known: dict[sp.Basic, sp.Basic] = {}

    def walk(node: sp.Basic) -> sp.Basic:
        if not contains(node, (IndexSum,)):
            return node
        if node not in known:
            if isinstance(node, IndexSum):
                named = _named(node)
                known[node] = IndexSum(rename(walk(node.body), named), *named.values())
            else:
                known[node] = node.func(*map(walk, node.args))
        return known[node]

    sums = e.atoms(IndexSum)
    if all(i is name for node in sums for i, name in _named(node).items()):
        return e
    # Fresh first: a new name must not meet an old one that still stands around it.
    met = {i: Index(i.size, i.name) for node in sums for i in node.indices if i.is_canonical}
    return walk(_rebuilt(e, met))


def _named(e: IndexSum) -> dict[Index, Index]:
    """What the bound indices of a sum are called in canonical form."""
    return {i: _bound(i.size, _height(e), k) for k, i in enumerate(e.indices)}


@functools.lru_cache(maxsize=1 << 16)
def _height(e: sp.Basic) -> int:
    """How many sums stand in one another."""
    return max(map(_height, e.args), default=0) + isinstance(e, IndexSum)


@functools.cache
def _bound(size: int, height: int, position: int) -> Index:
    index = Index(size, f"s{height}{position}")
    index.is_canonical = True
    return index


def standard(e: sp.Basic) -> sp.Basic:
    """`e` in SymPy's own terms: Sum, Piecewise and KroneckerDelta.

    Functions of sums and of choices are left as they are: about each one built SymPy asks all that stands in it. And
    choices stay ours where SymPy would be wrong: a Piecewise in a sum is moved out of it, and out of the sums and the
    conditions around, though it depends on what they sum over (SymPy 1.14).

    Raises:
        OutOfReach: the time for formulas is over.
    """
    known: dict[sp.Basic, sp.Basic] = {}
    keeps = _sums_within_sums(e)

    def walk(node: sp.Basic) -> sp.Basic:
        if not contains(node, (IndexSum, Choice, Lookup, Applied, *SELECTORS)):
            return node
        if node not in known:
            ask()
            is_kept = keeps and isinstance(node, PIECEWISE)
            known[node] = node.func(*map(walk, node.args)) if is_kept else _standard_node(node, walk)
        return known[node]

    return walk(e)


def _sums_within_sums(e: sp.Basic) -> bool:
    """Whether a sum of choices stands in another sum or choice."""

    @functools.cache
    def holds_sum(node: sp.Basic) -> bool:
        return contains(node, PIECEWISE) and (isinstance(node, IndexSum) or any(map(holds_sum, node.args)))

    @functools.cache
    def found(node: sp.Basic) -> bool:
        return holds_sum(node) and (
            (isinstance(node, (IndexSum, *PIECEWISE)) and any(map(holds_sum, node.args))) or any(map(found, node.args))
        )

    return found(e)


def _standard_node(e: sp.Basic, standard: Callable[[sp.Basic], sp.Basic]) -> sp.Basic:
    if isinstance(e, (Lookup, Applied)):
        name = str(e.table) if isinstance(e, Lookup) else e.label.name
        indices = [standard(i) for i in e.indices]
        return sp.IndexedBase(name)[tuple(indices)] if indices else sp.Symbol(name, real=True)
    args = [standard(arg) for arg in e.args]
    match e:
        case IndexSum():
            return sp.Sum(args[0], *((i, 0, i.size - 1) for i in e.indices))
        case Delta():
            return sp.KroneckerDelta(*args)
        case Within():
            return sp.Piecewise((1, sp.And(args[0] >= args[1], args[0] <= args[2])), (0, True))
        case Truth():
            return _piecewise((Integer(1), args[0]), (Integer(0), sp.true))
        case Choice():
            return _piecewise((args[1], args[0]), (args[2], sp.true))
        case sp.Function() | sp.Max() | sp.Min():
            return e.func(*args, evaluate=_is_quick(args))
        case _:
            return e.func(*args)


def _piecewise(*pairs: tuple[sp.Basic, sp.Basic]) -> sp.Basic:
    return sp.Piecewise(*pairs, evaluate=_is_quick([part for pair in pairs for part in pair]))


def _is_quick(args: Sequence[sp.Basic]) -> bool:
    """Whether SymPy soon knows what there is to know about some arguments."""
    return not any(contains(arg, (sp.Sum, sp.Piecewise)) for arg in args)
