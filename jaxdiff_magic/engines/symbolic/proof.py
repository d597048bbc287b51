"""Whether two expressions are the same function: decided by algebra within a limit, or not decided."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp
from sympy import Expr

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic import time_limits
from jaxdiff_magic.engines.symbolic.component import component
from jaxdiff_magic.engines.symbolic.derivation import Derivation, Path, TracedRule
from jaxdiff_magic.engines.symbolic.expression import Choice, Index, Truth, canonical, size
from jaxdiff_magic.engines.symbolic.functions import elementary
from jaxdiff_magic.engines.symbolic.program import Definition, Program

SYMPY_FAILURES = (sp.PolynomialError, NotImplementedError, TypeError, ValueError, AttributeError, RecursionError)
"""What SymPy raises on expressions that it was not made for: nothing is shown by it."""
MAX_EXPANDED_TERMS = 3000
"""What has more terms than this when it is multiplied out is not attempted either. A choice of time."""
MAX_AT_ONCE = 100
"""A whole derivative is only compared while both sides together have no more operations than this. A choice of time."""
MAX_PROVED_ENTRIES = 16
"""A derivative that is not compared as a whole is compared entry by entry while it has no more of them than this. A
choice of time: each may take a second."""
MAX_EXPANDED_OPERATIONS = 250
"""Larger differences are not attempted: exact rational arithmetic on them may take minutes."""


def same(a: Expr, b: Expr) -> bool:
    """True when `a - b` is identically zero by exact algebra; False when that was not shown.

    Every transcendental subexpression is one more variable of a rational function, which `cancel` brings to
    normal form. Nothing is concluded from numbers.
    """
    difference = a - b
    if difference == 0:
        return True
    if size(difference) > MAX_EXPANDED_OPERATIONS:
        return False
    try:
        difference = elementary(difference)
        if terms(difference) > MAX_EXPANDED_TERMS:
            return False
        difference = sp.expand(difference, power_base=False, log=False)
    except SYMPY_FAILURES:
        return False
    if difference == 0:
        return True
    if difference.has(Choice, Truth, sp.Heaviside, sp.Max, sp.Min, sp.nan, sp.zoo, sp.oo):
        return False
    try:
        return time_limits.at_most(lambda: _vanishes(difference), False)
    except SYMPY_FAILURES:
        return False


def _vanishes(difference: Expr) -> bool:
    fraction = sp.together(sp.powsimp(difference))
    return terms(fraction) <= MAX_EXPANDED_TERMS and sp.cancel(fraction) == 0


def terms(e: sp.Basic) -> int:
    """At most how many terms an expression has when its products and powers are multiplied out."""
    if isinstance(e, sp.Add):
        return sum(map(terms, e.args))
    if isinstance(e, sp.Mul):
        return math.prod(map(terms, e.args))
    if isinstance(e, sp.Pow) and isinstance(e.exp, sp.Integer):
        return terms(e.base) ** min(abs(int(e.exp)), 64)
    return 1


def entry_to_prove(derivation: Derivation, path: Path, entry: Sequence[int]) -> tuple[Program, Expr]:
    """One entry of a derivative, written out, and the program whose constants it mentions.

    Args:
        derivation: of the function.
        path: which derivative.
        entry: of the block, output axes first.

    Raises:
        OutOfReach: it is too long to be compared, as are the other entries then.
    """
    program, definition = derivation.formula(path)
    return program, component(program, definition, entry, MAX_EXPANDED_OPERATIONS)


def proved(ours: tuple[Program, Expr], rule: TracedRule, path: Path, entry: Sequence[int], output_axes: int) -> bool:
    """Whether one entry of the formula and of JAX's own rule are the same expression, by algebra.

    Args:
        ours: see `entry_to_prove`.
        rule: the other side.
        path: which derivative.
        entry: of the block, output axes first.
        output_axes: how many of those there are.
    """
    program, left = ours
    try:
        theirs = rule.formula(path)
        right = component(*theirs, rule.element(path, entry, output_axes), MAX_EXPANDED_OPERATIONS)
    except OutOfReach:
        return False
    return same(left.xreplace(equal_constants(program)), right.xreplace(same_constants(program, theirs[0])))


def block_to_prove(derivation: Derivation, path: Path) -> tuple[Program, Definition] | None:
    """A whole derivative as one expression in its index symbols; None where it is too long to be compared."""
    try:
        return _in_one_piece(*derivation.formula(path))
    except OutOfReach:
        return None


def proved_at_once(ours: tuple[Program, Definition], rule: TracedRule, path: Path, output_axes: int) -> bool:
    """Whether a whole derivative and JAX's own rule are the same expression in its index symbols, at any size.

    Args:
        ours: see `block_to_prove`.
        rule: the other side.
        path: which derivative.
        output_axes: how many axes the output has.
    """
    try:
        return _same_at_once(ours, rule.formula(path), lambda indices: rule.element(path, indices, output_axes))
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
        if (piece := _in_one_piece(*ours)) is not None and _same_at_once(piece, theirs, tuple):
            return True
        shape = ours[1].array.shape
        if math.prod(shape) > MAX_PROVED_ENTRIES:
            return False
        renaming, merging = same_constants(ours[0], theirs[0]), equal_constants(ours[0])
        sides = (
            (component(*side, entry, MAX_EXPANDED_OPERATIONS) for side in (ours, theirs))
            for entry in np.ndindex(*shape)
        )
        return all(same(left.xreplace(merging), right.xreplace(renaming)) for left, right in sides)
    except OutOfReach:
        return False


def _same_at_once(
    ours: tuple[Program, Definition],
    theirs: tuple[Program, Definition],
    place: Callable[[Sequence[Index]], Sequence[Any]],
) -> bool:
    """Whether two definitions are the same expression in index symbols; `place` gives the second one's indices.

    The first is in one piece.
    """
    program, one = ours
    piece = _in_one_piece(*theirs)
    if piece is None or size(one.expr) + size(piece[1].expr) > MAX_AT_ONCE:
        return False
    other, another = piece
    right = canonical(another.at(place(one.indices))).xreplace(same_constants(program, other))
    return same(one.expr.xreplace(equal_constants(program)), right)


def _in_one_piece(program: Program, definition: Definition) -> tuple[Program, Definition] | None:
    """A definition in terms of inputs and constants alone; None when that takes too many operations."""
    whole = replace(program, outputs=(definition,)).inlined(lambda _: False, MAX_EXPANDED_OPERATIONS)
    if whole.definitions or size(whole.outputs[0].expr) > MAX_AT_ONCE:
        return None
    return whole, whole.outputs[0]


def same_constants(ours: Program, theirs: Program) -> dict[sp.Symbol, sp.Symbol]:
    """The names of one program's constants in terms of another's; those it does not have become symbols apart."""
    return {
        array.label: next(
            (known.label for known, data in ours.constants if np.array_equal(data, value)),
            sp.Dummy(array.name, real=True),
        )
        for array, value in theirs.constants
    }


def equal_constants(program: Program) -> dict[sp.Symbol, sp.Symbol]:
    """For each of a program's constants the first that has the same numbers, as `same_constants` has it."""
    return {
        array.label: next(first.label for first, data in program.constants if np.array_equal(data, value))
        for array, value in program.constants
        if not np.isnan(value).any()
    }
