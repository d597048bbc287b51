"""What JAX's rule gives minus the derivative of the code: in index symbols, element by element, or of one entry."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace

import sympy as sp
from sympy import Expr

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.component import component
from jaxdiff_magic.engines.symbolic.derivation import Derivation, Path, TracedRule
from jaxdiff_magic.engines.symbolic.expression import (
    SELECTORS,
    Choice,
    Delta,
    Index,
    Lookup,
    canonical,
    contains,
    free,
    rename,
)
from jaxdiff_magic.engines.symbolic.notation import lettered, short_formula, typed
from jaxdiff_magic.engines.symbolic.program import Array, Definition, Program
from jaxdiff_magic.engines.symbolic.proof import MAX_EXPANDED_OPERATIONS, SYMPY_FAILURES, same_constants
from jaxdiff_magic.engines.symbolic.shortening import shortened
from jaxdiff_magic.report.formula import Formula

POSITIONS = (*SELECTORS, Choice, Lookup)
"""Where an expression in index symbols depends on positions, one entry is easier to read."""


@dataclass(frozen=True)
class Excess:
    """A rule minus the derivative of the code.

    Attributes:
        formula: as a reader sees it.
        program, definition: the same to be evaluated: the whole derivative, or one entry, of shape `()`.
        places: the entry that it is, index symbols or numbers, output axes first; None where the formula is written
            for every element by itself: of an elementwise function, or of scalars.
    """

    formula: Formula
    program: Program
    definition: Definition
    places: tuple[str, ...] | None


def differences(
    derivation: Derivation,
    rule: TracedRule,
    path: Path,
    entry: Sequence[int],
    output_axes: int,
    names: Container[str] = (),
) -> Iterator[Excess]:
    """The difference in each form that it has, the one that reads best first.

    Literals count as they were typed: 1.001 in float32 is 1.001, not 8396997/8388608.

    Args:
        derivation, rule: of the code, and of JAX's program.
        path: which derivative.
        entry: of the block, output axes first: the one to write out where index symbols do not serve.
        output_axes: how many axes the output has.
        names: of captured arrays in the user's code.

    Raises:
        OutOfReach: one of the two has no formula, or one for a region of the inputs only.
    """
    sides = _Sides(derivation, rule, path, output_axes, names)
    try:
        whole = sides.whole()
    except (OutOfReach, *SYMPY_FAILURES):
        whole = None
    if whole is not None and (found := sides.elementwise(whole)):
        yield found
    by_position = whole is None or contains(whole.expr, POSITIONS)
    if whole is not None and not by_position and (found := sides.in_indices(whole)):
        yield found
    try:
        yield sides.of_entry(entry)
    except (OutOfReach, *SYMPY_FAILURES):
        pass
    if whole is not None and by_position and (found := sides.in_indices(whole)):
        yield found


class _Sides:
    """A rule and the code, over the same inputs and constants."""

    def __init__(
        self, derivation: Derivation, rule: TracedRule, path: Path, output_axes: int, names: Container[str]
    ) -> None:
        self.ours, self.theirs = derivation.formula(path), rule.formula(path)
        if self.ours[0].frozen or self.theirs[0].frozen:
            raise OutOfReach("it depends on branches that are taken as they are at the point")
        self.element = lambda entry: rule.element(path, entry, output_axes)
        self.inputs = derivation.steps.inputs
        self.along = [self.inputs[i].shape for i in path[1:]]
        self.output_axes = output_axes
        self.renaming = same_constants(self.ours[0], self.theirs[0])
        constants = {array.label: (array, values) for array, values in self.ours[0].constants}
        for array, values in self.theirs[0].constants:
            label = self.renaming[array.label]
            symbol = sp.IndexedBase(label, real=True) if array.shape else label
            constants.setdefault(label, (Array(array.name, array.shape, symbol), values))
        self.unnamed = {label: x for label, (array, x) in constants.items() if array.name not in names}
        self.program = Program(self.inputs, tuple(constants.values()), (), ())

    def whole(self) -> Definition | None:
        """The difference in index symbols; None where one side takes too many operations."""
        one, another = _in_one_piece(*self.ours), _in_one_piece(*self.theirs)
        if one is None or another is None:
            return None
        theirs = canonical(another.at(self.element(one.indices))).xreplace(self.renaming)
        return replace(one, expr=shortened(typed(theirs) - typed(canonical(one.expr))))

    def in_indices(self, whole: Definition) -> Excess | None:
        """As it is; None where constants are in it that have no name in the user's code."""
        if not self.unnamed.keys().isdisjoint(free(whole.expr)):
            return None
        fresh = tuple(Index(index.size, "") for index in whole.indices)  # whose names take no letter away
        e, letters = lettered(replace(whole, indices=fresh, expr=whole.at(fresh)))
        return Excess(short_formula(e), self.program, whole, tuple(letter.name for letter in letters))

    def elementwise(self, whole: Definition) -> Excess | None:
        """That of each element by itself, without indices; None where elements depend on others or on their place."""
        own, rest = whole.indices[: self.output_axes], whole.indices[self.output_axes :]
        shape = tuple(index.size for index in own)
        if any(along not in ((), shape) for along in self.along):
            return None
        pairs = [(own[k % len(own)], index) for k, index in enumerate(rest)]
        several = [(i, j) for i, j in pairs if i.size > 1]
        if any(whole.expr.xreplace(dict.fromkeys((Delta(i, j), Delta(j, i)), sp.S.Zero)) != 0 for i, j in several):
            return None
        e: Expr = rename(whole.expr, {index: same for same, index in pairs})
        scalars = {
            array.at(own if array.shape else ()): sp.Symbol(array.name, real=True)
            for array in self.inputs
            if array.shape in ((), shape)
        }
        plain = shortened(e.xreplace(scalars))
        if free(plain) - set(scalars.values()):
            return None
        again = {symbol: element for element, symbol in scalars.items()}
        definition = replace(whole, expr=sp.Mul(*(Delta(*pair) for pair in several), plain.xreplace(again)))
        return Excess(short_formula(plain), self.program, definition, None)

    def of_entry(self, entry: Sequence[int]) -> Excess:
        """That of one entry, in elements of the inputs, constants without a name as their numbers."""
        left = component(*self.ours, entry, MAX_EXPANDED_OPERATIONS)
        right = component(*self.theirs, self.element(entry), MAX_EXPANDED_OPERATIONS).xreplace(self.renaming)
        e = shortened(typed(self._numbers(right)) - typed(self._numbers(left)))
        definition = Definition(Array.named("residual", ()), (), e)
        return Excess(short_formula(e), self.program, definition, tuple(map(str, entry)))

    def _numbers(self, e: Expr) -> Expr:
        """An expression with elements of constants without a name as numbers."""
        elements = {node: self.unnamed.get(node.base.label) for node in e.atoms(sp.Indexed)}
        return e.xreplace(
            {
                node: sp.Rational(float(values[tuple(map(int, node.indices))]))
                for node, values in elements.items()
                if values is not None
            }
        )


def _in_one_piece(program: Program, definition: Definition) -> Definition | None:
    """A definition in terms of inputs, constants and functions of them; None when that takes too many operations."""
    whole = replace(program, outputs=(definition,)).inlined(lambda _: False, MAX_EXPANDED_OPERATIONS)
    return whole.outputs[0] if all(step.array.operation for step in whole.definitions) else None
