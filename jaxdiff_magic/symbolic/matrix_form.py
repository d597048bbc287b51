"""The matrix form of a function or derivative: simplified as a person would, contracted, and confirmed by numbers.

Nothing is trusted: each simplification, and the finished matrix form, is compared with the index form at random points
in float64, and what is not equal there is dropped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import sympy as sp
from sympy import Expr

from jaxdiff_magic.errors import OutOfReach
from jaxdiff_magic.symbolic.contraction import Contraction
from jaxdiff_magic.symbolic.evaluate import evaluation
from jaxdiff_magic.symbolic.expression import canonical, free, rename
from jaxdiff_magic.symbolic.matrix import Matrix, Named, Ones, Operation, Shape, Transpose, complexity, number
from jaxdiff_magic.symbolic.matrix_algebra import product, transpose
from jaxdiff_magic.symbolic.matrix_values import value
from jaxdiff_magic.symbolic.program import Array, Definition, Program
from jaxdiff_magic.symbolic.readable import Softmaxes, with_known_sums, with_like_terms, with_sigmoids, without_choices

MAX_PROBED = 4096
"""Of a derivative with more entries only a few rows are compared."""
PROBED_ROWS = 3
WHOLE_SCALAR = {"det", "logdet", "sign_det"}
"""Functions of a matrix that are scalars."""


@dataclass(frozen=True)
class MatrixForm:
    """A matrix expression, and what else was used in it.

    Attributes:
        value: the expression.
        conditions: equations that the constant arrays satisfy and that were used: `(1'y, 1)`.
        is_block: whether rows or columns count the entries of a matrix, in row-major order.
    """

    value: Matrix
    conditions: tuple[tuple[Matrix, Matrix], ...] = ()
    is_block: bool = False


def matrix_form(
    program: Program,
    definition: Definition,
    rows: int,
    point: Sequence[np.ndarray],
    deadline: float,
    is_transposed: bool = False,
) -> MatrixForm:
    """A definition as a matrix expression.

    Args:
        program: that it belongs to.
        definition: an index expression.
        rows: how many of its axes count rows; the others count columns.
        point: values of the program's inputs, near which it is confirmed.
        deadline: on the monotonic clock.
        is_transposed: whether rows and columns change places.

    Raises:
        OutOfReach: when it has no matrix form, or none that could be found and confirmed in time.
    """
    sides = definition.indices[:rows], definition.indices[rows:]
    if any(len(side) > 2 for side in sides):
        raise OutOfReach("it has more axes than a matrix of matrices")
    points = _points(program, definition, point)
    simplified = _Simplified(program, definition, len(sides[0]), points, deadline)
    reasons = []
    for attempt in (simplified.readable, simplified.given):
        try:
            program, expr, softmaxes, conditions = attempt()
            arrays = _Arrays(program, softmaxes, deadline)
            order = reversed(sides) if is_transposed else sides
            found = Contraction(arrays.of, deadline).block(expr, *order)
            straight = transpose(found) if is_transposed and not sides[1] == () else found
            _confirm(program, definition, len(sides[0]), straight, points)
        except OutOfReach as error:
            reasons.append(error)
            continue
        equations = tuple(_sums_to_one(arrays.of(label), number(sp.Integer(1))) for label in conditions)
        is_block = all(sides) and max(map(len, sides)) == 2
        return MatrixForm(found, equations, is_block)
    raise reasons[0]


def _sums_to_one(array: Matrix, one: Matrix) -> tuple[Matrix, Matrix]:
    rows, columns = array.shape if isinstance(array, Named) else (None, None)
    if columns is None:
        return product(Transpose(Ones((rows, None))), array), one
    return product(array, Ones((columns, None))), Ones((rows, None))


@dataclass
class _Simplified:
    """A definition before and after simplification."""

    program: Program
    definition: Definition
    rows: int
    points: list[np.ndarray]
    deadline: float

    def given(self) -> tuple[Program, Expr, Softmaxes, frozenset[sp.Symbol]]:
        return self.program, without_choices(self.definition.expr), Softmaxes(), frozenset()

    def readable(self) -> tuple[Program, Expr, Softmaxes, frozenset[sp.Symbol]]:
        """The definition with every rewriting that leaves its values alone."""
        softmaxes, used = Softmaxes(), frozenset[sp.Symbol]()
        known = _sums(self.program)
        expr = self.definition.expr

        def adding_up(e: Expr) -> Expr:
            nonlocal used
            found, more = with_known_sums(e, known)
            used |= more
            return found

        steps = (without_choices, with_sigmoids, softmaxes.applied, adding_up, with_like_terms)
        for rewriting in steps:
            if time.monotonic() > self.deadline:
                break
            extended = replace(self.program, definitions=self._with(softmaxes))
            candidate = canonical(rewriting(expr))
            extended = replace(self.program, definitions=self._with(softmaxes))
            if candidate != expr and self._same(extended, expr, candidate):
                expr = candidate
        return replace(self.program, definitions=self._with(softmaxes)), expr, softmaxes, used

    def _with(self, softmaxes: Softmaxes) -> tuple[Definition, ...]:
        return (*self.program.definitions, *softmaxes.definitions.values())

    def _same(self, program: Program, expr: Expr, candidate: Expr) -> bool:
        a, b = (replace(self.definition, expr=e) for e in (expr, candidate))
        for (first, _), (second, _) in zip(_probes(a, self.rows), _probes(b, self.rows), strict=True):
            started = evaluation(program, self.points)
            if not _agree(*started.of(first), *started.of(second)):
                return False
        return True


def _sums(program: Program) -> dict[sp.Symbol, int]:
    """The constant arrays whose elements (of each row, for a matrix) add up to 1 exactly: one-hot targets."""
    return {
        array.label: 1
        for array, values in program.constants
        if values.ndim in (1, 2) and values.size and np.all(np.isin(values, (0.0, 1.0))) and np.all(values.sum(-1) == 1)
    }


def _points(program: Program, definition: Definition, point: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Three points: one near the given, one of positive numbers, one of normal ones; a batch for each input."""
    rng = np.random.default_rng(7)
    batches = []
    for array, x in zip(program.inputs, point, strict=True):
        near = np.asarray(x, float) * (1 + 0.05 * rng.uniform(-1, 1, array.shape)) + 0.01 * rng.normal(size=array.shape)
        others = rng.uniform(0.3, 1.7, array.shape), rng.normal(size=array.shape)
        batches.append(np.stack([near, *others]).reshape(3, *array.shape))
    return batches


def _probes(definition: Definition, rows: int) -> list[tuple[Definition, int | None]]:
    """The definition whole, or a few of its rows, each with its number."""
    whole = definition.array.shape
    if math.prod(whole) <= MAX_PROBED or not rows or rows == len(whole):
        return [(definition, None)]
    rng = np.random.default_rng(11)
    probes = []
    for _ in range(PROBED_ROWS):
        at = tuple(int(rng.integers(length)) for length in whole[:rows])
        fixed = dict(zip(definition.indices[:rows], map(sp.Integer, at), strict=True))
        rest = Array.named(definition.array.name, whole[rows:])
        row = Definition(rest, definition.indices[rows:], rename(definition.expr, fixed))
        probes.append((row, int(np.ravel_multi_index(at, whole[:rows]))))
    return probes


def _confirm(program: Program, definition: Definition, rows: int, found: Matrix, points: list[np.ndarray]) -> None:
    """Raise OutOfReach unless a matrix form has the values of the index form."""
    started = evaluation(program, points)
    constants = {array.label: values for array, values in program.constants}
    with np.errstate(all="ignore"):
        for probe, row in _probes(definition, rows):
            expected, errors = started.of(probe)
            for k in range(len(expected)):
                inputs = {array.label: batch[k] for array, batch in zip(program.inputs, points, strict=True)}
                chosen = None if row is None else np.array([row])
                try:
                    numbers = value(found, {**constants, **inputs}, chosen).reshape(expected[k].shape)
                except np.linalg.LinAlgError:  # a singular matrix, or one with no Cholesky factor, at this point
                    numbers = np.full(expected[k].shape, np.nan)
                if not _agree(expected[k], errors[k], numbers, errors[k], some=k == 0):
                    raise OutOfReach("its matrix form could not be confirmed by numbers")


def _agree(a: np.ndarray, a_error: np.ndarray, b: np.ndarray, b_error: np.ndarray, some: bool = True) -> bool:
    """Whether two arrays are equal within rounding wherever both are finite (and are so anywhere, if `some`)."""
    finite = np.isfinite(a) & np.isfinite(b) & np.isfinite(a_error) & np.isfinite(b_error)
    if not finite.any():
        return not some or a.size == 0
    scale = np.max(np.abs(a[finite]), initial=0.0)
    apart = np.abs(a - b)[finite]
    return bool(np.all(apart <= 1e-9 * scale + 1e3 * (a_error + b_error)[finite] + 1e-300))


@dataclass
class _Arrays:
    """What the arrays of a program are in matrix notation."""

    program: Program
    softmaxes: Softmaxes
    deadline: float
    known: dict[sp.Symbol, Matrix] = field(default_factory=dict)

    def of(self, label: sp.Symbol) -> Matrix:
        if label not in self.known:
            self.known[label] = self._find(label)
        return self.known[label]

    def _find(self, label: sp.Symbol) -> Matrix:
        if label in self.softmaxes.arguments:
            logit = self.softmaxes.arguments[label]
            argument = self._contracted(logit)
            return Operation("softmax", (argument,), _shape(logit.array))
        for array in (*self.program.inputs, *(array for array, _ in self.program.constants)):
            if array.label == label:
                return Named(array.name, _shape(array), label)
        for definition in self.program.definitions:
            if definition.array.label == label:
                return self._defined(definition)
        raise OutOfReach(f"{label} is not defined")

    def _defined(self, definition: Definition) -> Matrix:
        if (operation := getattr(definition.array, "operation", None)) is not None:
            name, arguments = operation
            whole = (None, None) if name in WHOLE_SCALAR else _shape(definition.array)
            return Operation(name, tuple(self.of(argument.label) for argument in arguments), whole)
        found = self._contracted(definition)
        if complexity(found) <= 1:
            return found
        return Named(definition.array.name, _shape(definition.array), definition.array.label, found)

    def _contracted(self, definition: Definition) -> Matrix:
        return Contraction(self.of, self.deadline).block(definition.expr, definition.indices, ())


def _shape(array: Array) -> Shape:
    if len(array.shape) > 2:
        raise OutOfReach(f"{array.name} has {len(array.shape)} axes, more than a matrix")
    return (*array.shape, None, None)[:2]  # type: ignore[return-value]


def unresolved(program: Program, e: Expr) -> Mapping[sp.Symbol, Definition]:
    """The definitions that an expression mentions."""
    return {d.array.label: d for d in program.definitions if d.array.label in free(e)}
