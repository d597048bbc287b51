"""Whether two expressions are the same function: decided by algebra within a limit, or not decided."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp
from sympy import Expr

from jaxdiff_magic.errors import OutOfReach
from jaxdiff_magic.symbolic.component import component
from jaxdiff_magic.symbolic.derivation import Derivation, Path, TracedRule
from jaxdiff_magic.symbolic.expression import Choice, Index, Truth, canonical, size
from jaxdiff_magic.symbolic.functions import elementary
from jaxdiff_magic.symbolic.program import Definition, Program

SYMPY_FAILURES = (sp.PolynomialError, NotImplementedError, TypeError, ValueError, AttributeError, RecursionError)
"""What SymPy raises on expressions that it was not made for: nothing is shown by it."""
MAX_TERMS = 3000
"""What has more terms than this when it is multiplied out is not attempted either."""
MAX_AT_ONCE = 100
"""A whole derivative is only compared while both sides together have no more operations than this."""
MAX_ENTRIES = 16
"""A derivative that is not compared as a whole is compared entry by entry while it has no more of them than this."""
MAX_OPERATIONS = 250
"""Larger differences are not attempted: exact rational arithmetic on them may take minutes."""


def same(a: Expr, b: Expr) -> bool:
    """True when `a - b` is identically zero by exact algebra; False when that was not shown.

    Every transcendental subexpression is one more variable of a rational function, which `cancel` brings to
    normal form. Nothing is concluded from numbers.
    """
    difference = a - b
    if difference == 0:
        return True
    if size(difference) > MAX_OPERATIONS:
        return False
    try:
        difference = elementary(difference)
        if terms(difference) > MAX_TERMS:
            return False
        difference = sp.expand(difference, power_base=False, log=False)
    except SYMPY_FAILURES:
        return False
    if difference == 0:
        return True
    if difference.has(Choice, Truth, sp.Heaviside, sp.Max, sp.Min, sp.nan, sp.zoo, sp.oo):
        return False
    try:
        fraction = sp.together(sp.powsimp(difference))
        return terms(fraction) <= MAX_TERMS and sp.cancel(fraction) == 0
    except SYMPY_FAILURES:
        return False


def terms(e: sp.Basic) -> int:
    """At most how many terms an expression has when its products and powers are multiplied out."""
    if isinstance(e, sp.Add):
        return sum(map(terms, e.args))
    if isinstance(e, sp.Mul):
        return math.prod(map(terms, e.args))
    if isinstance(e, sp.Pow) and isinstance(e.exp, sp.Integer):
        return terms(e.base) ** min(abs(int(e.exp)), 64)
    return 1


def proved(derivation: Derivation, rule: TracedRule, path: Path, entry: Sequence[int], output_axes: int) -> bool:
    """Whether one entry of the formula and of JAX's own rule are the same expression, by algebra.

    Args:
        derivation, rule: the two sides.
        path: which derivative.
        entry: of the block, output axes first.
        output_axes: how many of those there are.
    """
    try:
        ours, theirs = derivation.formula(path), rule.formula(path)
        left = component(*ours, entry, MAX_OPERATIONS)
        right = component(*theirs, rule.element(path, entry, output_axes), MAX_OPERATIONS)
    except OutOfReach:
        return False
    return same(left, right.xreplace(same_constants(ours[0], theirs[0])))


def proved_at_once(derivation: Derivation, rule: TracedRule, path: Path, output_axes: int) -> bool:
    """Whether a whole derivative and JAX's own rule are the same expression in its index symbols, at any size.

    Args:
        derivation, rule: the two sides.
        path: which derivative.
        output_axes: how many axes the output has.
    """
    try:
        ours, theirs = derivation.formula(path), rule.formula(path)
        return _same_at_once(ours, theirs, lambda indices: rule.element(path, indices, output_axes))
    except OutOfReach:
        return False


def proved_as_written(derivation: Derivation, path: Path, written: Derivation) -> bool:
    """Whether a derivative and a function of the same inputs that somebody wrote for it are the same expression.

    Args:
        derivation: of the function.
        path: which derivative.
        written: the other function's, which has one output of the derivative's shape.
    """
    try:
        ours, theirs = derivation.formula(path), written.formula((0,))
        if _same_at_once(ours, theirs, tuple):
            return True
        shape = ours[1].array.shape
        if math.prod(shape) > MAX_ENTRIES:
            return False
        renaming = same_constants(ours[0], theirs[0])
        sides = ((component(*side, entry, MAX_OPERATIONS) for side in (ours, theirs)) for entry in np.ndindex(*shape))
        return all(same(left, right.xreplace(renaming)) for left, right in sides)
    except OutOfReach:
        return False


def _same_at_once(
    ours: tuple[Program, Definition],
    theirs: tuple[Program, Definition],
    place: Callable[[Sequence[Index]], Sequence[Any]],
) -> bool:
    """Whether two definitions are the same expression in index symbols; `place` gives the second one's indices."""
    left, right = _in_one_piece(*ours), _in_one_piece(*theirs)
    if left is None or right is None or size(left[1].expr) + size(right[1].expr) > MAX_AT_ONCE:
        return False
    (program, one), (other, another) = left, right
    return same(one.expr, canonical(another.at(place(one.indices))).xreplace(same_constants(program, other)))


def _in_one_piece(program: Program, definition: Definition) -> tuple[Program, Definition] | None:
    """A definition in terms of inputs and constants alone; None when that takes too many operations."""
    whole = replace(program, outputs=(definition,)).inlined(lambda _: False, MAX_OPERATIONS)
    return None if whole.definitions else (whole, whole.outputs[0])


def same_constants(ours: Program, theirs: Program) -> dict[sp.Symbol, sp.Symbol]:
    """The names of one program's constants in terms of another's; those it does not have become symbols apart."""
    return {
        array.label: next(
            (known.label for known, data in ours.constants if np.array_equal(data, value)),
            sp.Dummy(array.name, real=True),
        )
        for array, value in theirs.constants
    }
