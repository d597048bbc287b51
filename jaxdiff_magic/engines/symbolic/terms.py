"""The terms of a formula, one by one: their text and their values."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import sympy as sp

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.component import component
from jaxdiff_magic.engines.symbolic.derivation import Derivation, Path
from jaxdiff_magic.engines.symbolic.evaluate import evaluation
from jaxdiff_magic.engines.symbolic.expression import SELECTORS, IndexSum, canonical
from jaxdiff_magic.engines.symbolic.functions import Frozen
from jaxdiff_magic.engines.symbolic.matrix_equation import matrix_equation
from jaxdiff_magic.engines.symbolic.matrix_form import matrix_form
from jaxdiff_magic.engines.symbolic.notation import definition_formula, scalar_formula
from jaxdiff_magic.engines.symbolic.program import Array, Definition, Program
from jaxdiff_magic.engines.symbolic.proof import SYMPY_FAILURES
from jaxdiff_magic.engines.symbolic.readable import apart, rewritten
from jaxdiff_magic.engines.symbolic.shifts import unshifted
from jaxdiff_magic.subject.leaves import Leaf

MAX_TERMS = 12
"""A formula with more terms is not taken apart."""
MAX_TERM_OPERATIONS = 60
"""Nor a component with more operations than this. Choices: it is for derivations as people write them."""
SECONDS = 1.0
"""How long the matrix notation of a term is looked for, in CPU time. A choice: the term has its index form in any
case."""


@dataclass(frozen=True)
class Term:
    """A term of a formula, or of one entry of it."""

    program: Program
    definition: Definition
    axes: int
    point: tuple[np.ndarray, ...]

    def values(self, points: Sequence[np.ndarray]) -> np.ndarray:
        """Its values at a batch of points, `(points, *shape)`."""
        with np.errstate(all="ignore"):
            return evaluation(self.program, points).of(self.definition)[0]

    def __str__(self) -> str:
        """In matrix notation where it has one, else in index notation."""
        if not self.definition.indices:
            return scalar_formula(self.definition.expr).text
        try:
            if len(self.definition.indices) > 2:
                raise OutOfReach("it has more axes than a matrix")
            deadline = time.thread_time() + SECONDS
            form = matrix_form(self.program, self.definition, self.axes, self.point, deadline)
            leaf = Leaf("term", self.definition.array.shape, "")
            written = matrix_equation(form, self.program, self.definition, leaf, (), False)
        except (OutOfReach, *SYMPY_FAILURES):
            written = definition_formula(self.definition)
        return written.text.split(" = ", 1)[1]


def terms_of(derivation: Derivation, path: Path, axes: int, point: Sequence[np.ndarray]) -> list[list[Term]]:
    """The terms of a formula: as it stands, and multiplied out where that gives others.

    Args:
        derivation: of the function.
        path: which derivative.
        axes: how many of its axes are the output's.
        point: values of the inputs.
    """
    program, definition = derivation.formula(path)
    whole = replace(program, outputs=(definition,)).inlined(lambda _: False, 4 * MAX_TERM_OPERATIONS)
    (definition,) = whole.outputs
    if not (shown := unshifted(definition.expr)).has(Frozen):
        definition = replace(definition, expr=shown)
    found = []
    for e in dict.fromkeys((definition.expr, canonical(rewritten(canonical(definition.expr), _sums_apart)))):
        parts = sp.Add.make_args(sp.expand_mul(e))
        if 1 < len(parts) <= MAX_TERMS and not any(map(_picks_entries, parts)):
            terms = [replace(definition, expr=part) for part in parts]
            found.append([Term(whole, term, axes or len(definition.indices), tuple(point)) for term in terms])
    return found


def terms_of_entry(derivation: Derivation, path: Path, entry: Sequence[int], point: Sequence[np.ndarray]) -> list[Term]:
    """The terms of one entry of a formula, in elements of inputs and constants."""
    program, definition = derivation.formula(path)
    e = sp.expand(component(program, definition, entry, MAX_TERM_OPERATIONS))
    scalar = Array.named("entry", ())
    parts = sp.Add.make_args(e)
    return [Term(program, Definition(scalar, (), part), 0, tuple(point)) for part in parts[:MAX_TERMS]]


def _sums_apart(node: sp.Basic) -> sp.Basic:
    return apart(node) if isinstance(node, IndexSum) else node


def _picks_entries(e: sp.Expr) -> bool:
    """Whether a term stands in certain entries only, as the gradient of x[0] does."""
    return any(any(arg.is_Integer for arg in node.args) for node in _selectors(e))


def _selectors(e: sp.Expr) -> Iterator[sp.Basic]:
    yield from (factor for factor in sp.Mul.make_args(e) if isinstance(factor, SELECTORS))
