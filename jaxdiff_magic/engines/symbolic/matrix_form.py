"""The matrix form of a function or derivative: simplified as a person would, contracted, and confirmed by numbers.

Nothing is trusted: each simplification, and the finished matrix form, is compared with the index form at random points
in float64, and what is not equal there is dropped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import sympy as sp

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.atoms import Applied, Lookup, Table
from jaxdiff_magic.engines.symbolic.confirmation import confirm, points_near
from jaxdiff_magic.engines.symbolic.contraction import Contraction
from jaxdiff_magic.engines.symbolic.expression import Delta, Within, contains
from jaxdiff_magic.engines.symbolic.matrix import (
    Matrix,
    Named,
    Ones,
    Shape,
    Transpose,
    WholeArrayFunction,
    complexity,
    number,
)
from jaxdiff_magic.engines.symbolic.matrix_algebra import product, transpose
from jaxdiff_magic.engines.symbolic.matrix_names import named_in, with_names
from jaxdiff_magic.engines.symbolic.program import Array, Definition, Program
from jaxdiff_magic.engines.symbolic.simplification import Simplified, simplifications
from jaxdiff_magic.engines.symbolic.softmax import Softmaxes

MAX_CONFIRMED_NUMBERS = 10_000_000
"""A program whose arrays have more elements than this is not evaluated to confirm anything. A choice of memory: 80 MB
in float64."""
SCALAR_OPERATIONS = {"det", "logdet", "sign_det"}
"""Functions of a matrix that are scalars."""


@dataclass(frozen=True)
class MatrixForm:
    """A matrix expression, and what it needs to be understood.

    Attributes:
        value: the expression.
        names: those in it that have a definition, in the order in which to define them.
        conditions: equations that the constant arrays satisfy and that were used: `(1'y, 1)`.
        binary: the constant arrays of which it was used that their elements are 0 or 1.
        is_block: whether rows or columns count the entries of a matrix, in row-major order.
    """

    value: Matrix
    names: tuple[Named, ...] = ()
    conditions: tuple[tuple[Matrix, Matrix], ...] = ()
    binary: tuple[Matrix, ...] = ()
    is_block: bool = False


def matrix_form(
    program: Program,
    definition: Definition,
    rows: int,
    point: Sequence[np.ndarray],
    deadline: float,
    is_transposed: bool = False,
    named: Sequence[Named] = (),
) -> MatrixForm:
    """A definition as a matrix expression.

    Args:
        program: that it belongs to.
        definition: an index expression.
        rows: how many of its axes count rows; the others count columns.
        point: values of the program's inputs, near which it is confirmed.
        deadline: in CPU time of this thread.
        is_transposed: whether rows and columns change places.
        named: variables of the user's source, that may be used in it.

    Raises:
        OutOfReach: when it has no matrix form, or none that could be found and confirmed in time.
    """
    _refuse_unconfirmable(program, definition, rows)
    program, definition = _with_integer_arrays(program, definition)
    wanted = _Wanted(program, definition, rows, is_transposed, named, points_near(program, point), deadline)
    forms: list[MatrixForm] = []
    reasons: list[OutOfReach] = []
    for simplified in simplifications(program, definition, rows, wanted.points, deadline):
        if forms and (simplified.is_plain or not named):  # only the user's names can make a later one shorter
            break
        try:
            forms.append(_confirmed(wanted, simplified))
        except OutOfReach as error:
            reasons.append(error)
    if not forms:
        raise reasons[0]
    return min(forms, key=_length)


def _refuse_unconfirmable(program: Program, definition: Definition, rows: int) -> None:
    """Raise OutOfReach where no matrix form could be found, or compared with the index form."""
    if 0 in definition.array.shape:
        raise OutOfReach("it has no entries, which could confirm a matrix form")
    if max(len(definition.indices[:rows]), len(definition.indices[rows:])) > 2:
        raise OutOfReach("it has more axes than a matrix of matrices")
    if sum(math.prod(d.array.shape) for d in program.definitions) > MAX_CONFIRMED_NUMBERS:
        raise OutOfReach("it has too many numbers to be confirmed in matrix form")


@dataclass(frozen=True)
class _Wanted:
    """A definition whose matrix form is looked for: as of `matrix_form`, with the points at which it is confirmed."""

    program: Program
    definition: Definition
    rows: int
    is_transposed: bool
    named: Sequence[Named]
    points: Sequence[np.ndarray]
    deadline: float


def _confirmed(wanted: _Wanted, simplified: Simplified) -> MatrixForm:
    """The matrix form of one simplification.

    Raises:
        OutOfReach: it has none, or other numbers.
    """
    program, definition, rows = wanted.program, wanted.definition, wanted.rows
    sides = definition.indices[:rows], definition.indices[rows:]
    arrays = Arrays(simplified.program, simplified.softmaxes, wanted.deadline)
    contraction = Contraction(arrays.of, wanted.deadline)
    found = contraction.block(simplified.expr, *(reversed(sides) if wanted.is_transposed else sides))
    found = with_names(found, wanted.named, _names(program, definition))
    upright = transpose(found) if wanted.is_transposed else found
    confirm(program, definition, rows, upright, wanted.points)
    holds = _holds_for_any(program, definition, rows, upright, wanted.points, simplified)
    needed = () if holds else simplified.binary - simplified.complements.keys()
    return MatrixForm(
        value=found,
        names=named_in(found),
        conditions=tuple(_adds_up(arrays.of(label)) for label in sorted(simplified.adding_up, key=str)),
        binary=tuple(arrays.of(label) for label in sorted(needed, key=str)),
        is_block=all(sides) and max(map(len, sides)) == 2,
    )


def _holds_for_any(
    program: Program,
    definition: Definition,
    rows: int,
    found: Matrix,
    points: Sequence[np.ndarray],
    simplified: Simplified,
) -> bool:
    """Whether a matrix form holds for other numbers than 0 and 1, too, in the constant arrays that have only these."""
    if not simplified.binary or simplified.is_plain:
        return True
    rng, drawn = np.random.default_rng(5), {}
    for array, values in program.constants:
        if array.label in simplified.binary:
            other = rng.uniform(0.2, 0.8, values.shape)
            drawn[array.label] = other / other.sum(-1, keepdims=True) if array.label in simplified.adding_up else other
    for label, of in simplified.complements.items():
        drawn[label] = 1 - drawn[of.label]
    constants = tuple((array, drawn.get(array.label, values)) for array, values in program.constants)
    try:
        confirm(replace(program, constants=constants), definition, rows, found, points)
    except OutOfReach:
        return False
    return True


def _length(form: MatrixForm) -> int:
    """How much there is to read; half as much for what has the user's name."""
    return 2 * complexity(form.value) + sum(complexity(name.definition) for name in form.names if name.definition)


def _names(program: Program, definition: Definition) -> frozenset[str]:
    """The names that a reader would take for something else."""
    arrays = (*program.inputs, *(array for array, _ in program.constants), definition.array)
    return frozenset(array.name for array in arrays)


def matrix_value(program: Program, definition: Definition, point: Sequence[np.ndarray], deadline: float) -> Matrix:
    """A definition of up to two axes, simplified like a derivative but not confirmed: to be looked for in others.

    Raises:
        OutOfReach: when it has no matrix form.
    """
    program, definition = _with_integer_arrays(program, definition)
    points = points_near(program, point)
    simplified = next(simplifications(program, definition, len(definition.indices), points, deadline))
    arrays = Arrays(simplified.program, simplified.softmaxes, deadline)
    return Contraction(arrays.of, deadline).block(simplified.expr, definition.indices, ())


def _with_integer_arrays(program: Program, definition: Definition) -> tuple[Program, Definition]:
    """Both with tables of integers as constant arrays, where an element is a number and not a position."""
    arrays: dict[Table, Array] = {}
    taken = {array.name for array in (*program.inputs, *(array for array, _ in program.constants))}

    def walk(e: sp.Basic) -> sp.Basic:
        if isinstance(e, Lookup) and (e.table in arrays or (e.table.name and e.table.name not in taken)):
            if e.table not in arrays:
                taken.add(e.table.name)
                arrays[e.table] = Array.named(e.table.name, e.table.values.shape, integer=True)
            return arrays[e.table].at(e.indices)
        if isinstance(e, (Delta, Within, sp.Indexed, Applied, Lookup)) or not contains(e, (Lookup,)):
            return e
        return e.func(*map(walk, e.args))

    definitions = tuple(replace(d, expr=walk(d.expr)) for d in program.definitions)
    definition = replace(definition, expr=walk(definition.expr))
    constants = (*program.constants, *((array, table.values.astype(float)) for table, array in arrays.items()))
    return replace(program, definitions=definitions, constants=constants), definition


def _adds_up(array: Matrix) -> tuple[Matrix, Matrix]:
    """The equation that says so: 1'y = 1, or Y 1 = 1."""
    assert isinstance(array, Named)
    rows, columns = array.shape
    if columns is None:
        return product(Transpose(Ones((rows, None))), array), number(sp.Integer(1))
    return product(array, Ones((columns, None))), Ones((rows, None))


@dataclass
class Arrays:
    """What the arrays of a program are in matrix notation.

    Attributes:
        program: its inputs and constants stand for themselves, its definitions for what they define.
        softmaxes: its softmax arrays.
        deadline: in CPU time of this thread.
    """

    program: Program
    softmaxes: Softmaxes
    deadline: float
    known: dict[sp.Symbol, Matrix] = field(default_factory=dict)

    def of(self, label: sp.Symbol) -> Matrix:
        """The value that a label stands for.

        Raises:
            OutOfReach: when it is none of matrix notation.
        """
        if label not in self.known:
            self.known[label] = self._find(label)
        return self.known[label]

    def _find(self, label: sp.Symbol) -> Matrix:
        if label in self.softmaxes.arguments:
            logit = self.softmaxes.arguments[label]
            return WholeArrayFunction("softmax", (self._contracted(logit),), shape_of(logit.array))
        for array in (*self.program.inputs, *(array for array, _ in self.program.constants)):
            if array.label == label:
                return Named(array.name, shape_of(array), label)
        for definition in self.program.definitions:
            if definition.array.label == label:
                return self._defined(definition)
        raise OutOfReach(f"{label} is not defined")

    def _defined(self, definition: Definition) -> Matrix:
        if (operation := getattr(definition.array, "operation", None)) is not None:
            name, arguments = operation
            whole = (None, None) if name in SCALAR_OPERATIONS else shape_of(definition.array)
            return WholeArrayFunction(name, tuple(self.of(argument.label) for argument in arguments), whole)
        found = self._contracted(definition)
        if complexity(found) <= 1:
            return found
        return Named(definition.array.name, shape_of(definition.array), definition.array.label, found)

    def _contracted(self, definition: Definition) -> Matrix:
        return Contraction(self.of, self.deadline).block(definition.expr, definition.indices, ())


def shape_of(array: Array) -> Shape:
    """Rows and columns of an array.

    Raises:
        OutOfReach: when it has more axes.
    """
    if len(array.shape) > 2:
        raise OutOfReach(f"{array.name} has {len(array.shape)} axes, more than a matrix")
    return (*array.shape, None, None)[:2]  # type: ignore[return-value]
