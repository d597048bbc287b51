"""The formulas of a report: which form of each a reader gets, and the steps of the derivation."""

from __future__ import annotations

import functools
import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import sympy as sp
from sympy import Expr

from jaxdiff_magic.base.errors import InputError, OutOfReach
from jaxdiff_magic.engines.symbolic.calculus import differentiate, jacobian
from jaxdiff_magic.engines.symbolic.component import component, tidy
from jaxdiff_magic.engines.symbolic.contraction import TooLong
from jaxdiff_magic.engines.symbolic.derivation import INLINE, Derivation, Path
from jaxdiff_magic.engines.symbolic.evaluate import evaluation
from jaxdiff_magic.engines.symbolic.explanations import constants, explained, operands, with_where
from jaxdiff_magic.engines.symbolic.expression import IndexSum, free, size
from jaxdiff_magic.engines.symbolic.functions import Frozen
from jaxdiff_magic.engines.symbolic.interpret import number
from jaxdiff_magic.engines.symbolic.matrix import Named, complexity
from jaxdiff_magic.engines.symbolic.matrix_equation import matrix_equation
from jaxdiff_magic.engines.symbolic.matrix_form import matrix_form, matrix_value, shape_of
from jaxdiff_magic.engines.symbolic.notation import (
    array_formula,
    definition_formula,
    derivative_formula,
    grouped_formula,
    scalar_formula,
)
from jaxdiff_magic.engines.symbolic.program import Definition, Program
from jaxdiff_magic.engines.symbolic.shifts import unshifted
from jaxdiff_magic.report import Step
from jaxdiff_magic.report.formula import Formula
from jaxdiff_magic.subject.subject import Subject

MAX_COMPONENTS = 64
"""A block is written entry by entry while it has no more entries than this …"""
READABLE = 40
"""… and no entry has more operations than this. Choices: what fits onto a page, and into a line."""
READABLE_INDEX = 120
"""An index formula is shown in one piece while it has no more operations than this. A choice: some three lines of
text."""
MAX_SHOWN_STEPS = 24
"""A formula of more steps is not listed: a choice, what fits onto a page."""
MAX_LINES = 12
"""A function is shown above its derivatives while its definition has no more lines than this. A choice: the derivatives
should still be in sight."""
MATRIX_SECONDS = 1.5
"""How long the matrix form of one block is looked for, in CPU time: a busy machine shows the same formulas …"""
MATRIX_SECONDS_ALL = 4.0
"""… all of them together …"""
MATRIX_SECONDS_ASKED = 10.0
"""… and one that is asked for by name. Choices: the index form stands there in any case."""
UNFORESEEN = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
"""What SymPy and NumPy raise on expressions that they do not expect."""
LONG = "it is too long to read in one piece; report.formula({!r}, 'steps') has it step by step"
MAX_NAMES = 16
"""How many of the user's variables are considered for a place in a matrix form. A choice of time."""
NOTATIONS = ("auto", "component", "index", "matrix", "steps")


class Presentation:
    """The formulas of one subject, written out when asked for.

    Args:
        subject: names and shapes.
        derivation: its formulas.
        layout: "denominator" transposes Jacobians.

    Attributes:
        missing: why a block that was asked for has no closed form, the "function" no formula, and the "derivation" no
            steps.
    """

    def __init__(self, subject: Subject, derivation: Derivation, layout: str) -> None:
        self.subject, self.derivation, self.layout = subject, derivation, layout
        self._matrices: dict[Path, Formula | OutOfReach] = {}
        self.missing: dict[Path | str, str] = {}
        self._spent = 0.0

    def components(self, path: Path) -> np.ndarray | None:
        """A block entry by entry; None when that is too long to read or out of reach."""
        try:
            program, definition = self._shown(path)
            if math.prod(definition.array.shape) > MAX_COMPONENTS:
                return None
            entries = np.empty(definition.array.shape, object)
            for entry in np.ndindex(*entries.shape):
                e = tidy(self._with_numbers(program, component(program, definition, entry, limit=4 * READABLE)))
                if size(e) > READABLE:
                    return None
                entries[entry] = scalar_formula(e)
        except OutOfReach:
            return None
        return entries

    @staticmethod
    def _with_numbers(program: Program, e: Expr) -> Expr:
        """`e` with the elements of arrays that have no name as the numbers that they are."""
        data = {array.label: values for array, values in program.constants if array.anonymous}
        elements = {node for node in e.atoms(sp.Indexed) if node.base.label in data}
        return e.xreplace({node: number(data[node.base.label][tuple(map(int, node.indices))]) for node in elements})

    def closed_form(self, path: Path) -> Formula | None:
        """A block as one formula, in matrix notation where that says it; None when it needs steps or is too long."""
        return self._matrix_if_any(path) or self.index_form(path, READABLE_INDEX // 2)

    def index_form(self, path: Path, limit: int = READABLE_INDEX) -> Formula | None:
        """A block in index notation; None when it needs steps, is too long to read, out of reach, or has no entries."""
        try:
            program, definition = self._shown(path)
        except OutOfReach as error:
            self.missing[path] = str(error)
            return None
        if self._is_empty(path):
            return None
        steps = {d.array.label for d in program.definitions if not d.array.operation}
        inner, _ = operands(program, [definition.expr])
        whole = [definition.expr, *(step.expr for step in inner)]
        reached = frozenset().union(*map(free, whole)) - {step.array.label for step in inner}
        if steps & reached or sum(map(size, whole)) > limit:
            self.missing[path] = LONG.format(
                {1: "function", 2: self._first, 3: "hessian"}.get(len(path), f"d{len(path) - 1}")
            )
            return None
        output, *inputs = path
        names = [self.subject.inputs[i].name for i in inputs]
        try:
            if not inputs:
                return explained(definition_formula(definition), program, [definition.expr])
            found = derivative_formula(definition, self.subject.outputs[output].name, names)
            return explained(found, program, [definition.expr])
        except OutOfReach as error:  # the time for formulas is over
            self.missing[path] = str(error)
            return None

    def function(self) -> Formula | None:
        """The function itself: entry by entry when small, else in index notation; None when it needs many steps."""
        try:
            found = self.formula("function", "auto")
        except OutOfReach as error:
            self.missing["function"] = str(error)
            return None
        if found.text.count("\n") < MAX_LINES:
            return found
        self.missing["function"] = LONG.format("function")
        return None

    def formula(self, what: str, notation: str) -> Formula:
        """See `Report.formula`."""
        if notation not in NOTATIONS:
            raise InputError(f"There is no notation {notation!r}. Choose one of: {', '.join(NOTATIONS)}.")
        order = self._order(what)
        inputs = range(len(self.subject.inputs))
        paths = list(itertools.product(range(len(self.subject.outputs)), *[inputs] * order))
        if notation == "steps":
            return self._as_steps(paths)
        parts = {self._label(path): self._part(path, notation) for path in paths}
        return grouped_formula(parts)

    def matrix(self, path: Path, seconds: float = MATRIX_SECONDS_ASKED) -> Formula:
        """A block in matrix notation, looked for no longer than some seconds.

        Raises:
            OutOfReach: when it is none of matrices, or its matrix form cannot be found or confirmed in time.
        """
        if path not in self._matrices or (isinstance(self._matrices[path], TooLong) and seconds > MATRIX_SECONDS):
            started = time.thread_time()
            try:
                self._matrices[path] = self._matrix(path, started + seconds)
            except OutOfReach as error:
                self._matrices[path] = error
            except UNFORESEEN as error:  # a formula less is no reason to show no derivatives
                self._matrices[path] = OutOfReach(f"its matrix form failed: {type(error).__name__}: {error}")
            self._spent += time.thread_time() - started
        found = self._matrices[path]
        if isinstance(found, OutOfReach):
            raise found
        return found

    def _matrix(self, path: Path, deadline: float) -> Formula:
        if self.subject.is_large:
            raise OutOfReach("it has too many numbers to be confirmed in matrix form")
        program, definition = self._shown(path)
        output, inputs = self.subject.outputs[path[0]], [self.subject.inputs[i] for i in path[1:]]
        sides = [len(leaf.shape) for leaf in (output, *inputs) if leaf.shape]
        if len(sides) > 2:
            raise OutOfReach(f"{self._label(path)} has more axes than a matrix")
        is_transposed = self.layout == "denominator" and len(path) == len(sides) == 2
        form = matrix_form(
            program, definition, sum(sides[:1]), self.subject.point, deadline, is_transposed, self._variables
        )
        return matrix_equation(form, program, definition, output, inputs, is_transposed)

    def _matrix_if_any(self, path: Path) -> Formula | None:
        """A block in matrix notation, if the function works on arrays as a whole and that is quickly found."""
        if path not in self._matrices and self._spent > MATRIX_SECONDS_ALL:
            return None
        try:
            return self.matrix(path, MATRIX_SECONDS) if self._works_on_arrays(path[0]) else None
        except OutOfReach:
            return None

    def _works_on_arrays(self, output: int) -> bool:
        """Whether a result is computed from whole arrays, not from single elements one by one."""
        program, definition = self.derivation.formula((output,))
        return any(
            isinstance(node, IndexSum) or any(not index.is_Integer for index in node.indices)
            for step in (*program.definitions, definition)
            for node in step.expr.atoms(IndexSum, sp.Indexed)
        )

    @functools.cached_property
    def _variables(self) -> tuple[Named, ...]:
        """The user's variables with what they stand for in matrix notation, as far as that goes."""
        steps, found = self.derivation.steps, []
        deadline = time.thread_time() + MATRIX_SECONDS
        for definition in [d for d in steps.definitions if d.named][:MAX_NAMES]:
            array = definition.array
            try:
                program = replace(steps, outputs=(definition,)).inlined(lambda _: False, INLINE)
                (whole,) = program.outputs
                whole = replace(whole, expr=unshifted(whole.expr))
                value = matrix_value(program, whole, self.subject.point, deadline)
                if complexity(value) > 1:
                    found.append(Named(array.name, shape_of(array), array.label, value))
            except (OutOfReach, *UNFORESEEN):
                continue
        return tuple(found)

    def steps(self, point: Sequence[np.ndarray]) -> tuple[Step, ...]:
        """The user's intermediate variables (single operations where there are none), with values and adjoints.

        There are none where they are too many or out of reach.
        """
        try:
            return self._steps(point)
        except OutOfReach as error:
            self.missing["derivation"] = str(error)
            return ()

    def _steps(self, point: Sequence[np.ndarray]) -> tuple[Step, ...]:
        program = self._steps_program()
        if len(program.definitions) > MAX_SHOWN_STEPS:
            raise OutOfReach(
                f"it has {len(program.definitions)} steps, more than the {MAX_SHOWN_STEPS} that are listed"
            )
        if not program.definitions:
            return ()
        batch = [np.asarray(x, np.float64)[None] for x in point]
        adjoints: dict[sp.Symbol, np.ndarray] = {}
        output = program.outputs[0]
        if self.subject.is_scalar:
            backward = jacobian(program, output)
            started = evaluation(backward, batch)
            by_name = {
                array.name: values for array, values in ((d.array, started.of(d)[0][0]) for d in backward.definitions)
            }
            adjoints = {
                d.array.label: by_name.get(f"d{output.array.name}/d{d.array.name}", np.zeros(d.array.shape))
                for d in program.definitions
            } | {output.array.label: np.ones(())}
        else:
            started = evaluation(program, batch)
        told: set[sp.Basic] = set()

        def formula(definition: Definition) -> Formula:
            new = free(definition.expr) - told
            told.update(new)
            return with_where(definition_formula(definition), list(constants(program.constants, new)))

        return tuple(
            Step(
                name=definition.array.name,
                formula=formula(definition),
                partials=tuple(self._partials(program, definition)),
                value=started.of(definition)[0][0],
                adjoint=adjoints.get(definition.array.label),
                where=str(definition.location),
                source=definition.location.source,
            )
            for definition in (*program.definitions, *program.outputs)
        )

    def _steps_program(self) -> Program:
        named = any(definition.named for definition in self.derivation.steps.definitions)
        return self.derivation.steps.inlined(lambda d: d.named or not named, INLINE)

    def _partials(self, program: Program, definition: Definition) -> list[tuple[str, Formula]]:
        found = []
        for array in (*program.inputs, *(d.array for d in program.definitions)):
            if array.label in free(definition.expr) and 0 not in (*array.shape, *definition.array.shape):
                element = array.indices()
                local = Definition(
                    array, (*definition.indices, *element), differentiate(definition.expr, array, element)
                )
                found.append((array.name, derivative_formula(local, definition.array.name, [array.name])))
        return found

    def _shown(self, path: Path) -> tuple[Program, Definition]:
        program, definition = self.derivation.formula(path)
        shown = unshifted(definition.expr)
        if shown.has(Frozen):
            return program, definition
        return program, Definition(definition.array, definition.indices, shown, definition.location, definition.named)

    def _part(self, path: Path, notation: str) -> Formula:
        if notation == "matrix":
            return self.matrix(path)
        if notation == "index" and self._is_empty(path):
            raise OutOfReach(f"{self._label(path)} has no entries", "Try notation='component'.")
        if notation == "auto" and (found := self._matrix_if_any(path)) is not None:
            return found
        if notation in ("auto", "component"):
            entries = self.components(path)
            if entries is not None:
                return array_formula(entries.T if self.layout == "denominator" and len(path) == 2 else entries)
            if notation == "component":
                raise OutOfReach(
                    f"the components of {self._label(path)} are too many or too long to read", "Try notation='index'."
                )
        if (found := self.index_form(path)) is not None:
            return found
        if notation == "auto":
            return self._as_steps([path])
        raise OutOfReach(f"{self._label(path)} is too long to read in one piece", "Try notation='steps'.")

    def _is_empty(self, path: Path) -> bool:
        """Whether a derivative has no entries, so that any formula would be as right as another."""
        output, *inputs = path
        return bool(inputs) and 0 in (self.subject.outputs[output].size, *(self.subject.inputs[i].size for i in inputs))

    def _as_steps(self, paths: Sequence[Path]) -> Formula:
        paths = [path for path in paths if not self._is_empty(path)]
        if not paths:
            raise OutOfReach("it has no entries", "Try notation='component'.")
        lines: dict[str, Formula] = {}
        for path in paths:
            program, definition = self.derivation.formula(path)
            _, labels = operands(program, [step.expr for step in (*program.definitions, definition)])
            for k, constant in enumerate(constants(program.constants, labels)):
                lines.setdefault(f"constant {k}", constant)
            for step in (*program.definitions, definition):
                if step.array.operation:  # inv(A) says what it is
                    continue
                lines.setdefault(step.array.name, definition_formula(step))
        latex = r" \\ ".join("&" + line.latex for line in lines.values())
        return Formula(rf"\begin{{aligned}} {latex} \end{{aligned}}", "\n".join(line.text for line in lines.values()))

    def _order(self, what: str) -> int:
        named = {"function": 0, "value": 0, "gradient": 1, "jacobian": 1, "hessian": 2}
        if what == "gradient" and not self.subject.is_scalar:
            raise InputError(f"{self.subject.name} has no gradient: its result is not a scalar. Ask for 'jacobian'.")
        if what in named:
            return named[what]
        if what[:1] == "d" and what[1:].isdigit():
            return int(what[1:])
        raise InputError(f"There is no formula of {what!r}. Choose function, gradient, jacobian, hessian, d3, d4 ….")

    @property
    def _first(self) -> str:
        return "gradient" if self.subject.is_scalar else "jacobian"

    def _label(self, path: Path) -> str:
        output, *inputs = path
        names = [self.subject.inputs[i].name for i in inputs]
        if len(self.subject.outputs) > 1 or not names:
            names.insert(0, self.subject.outputs[output].name)
        return ", ".join(names)
