"""From a trace to a program: every equation becomes a definition by its primitive's rule."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import jax.numpy as jnp
import numpy as np
import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic import library, unrolling
from jaxdiff_magic.engines.symbolic.application import applied, has_rule, number
from jaxdiff_magic.engines.symbolic.calculus import differentiate
from jaxdiff_magic.engines.symbolic.concrete import Atom, Concrete, integers
from jaxdiff_magic.engines.symbolic.expression import Choice, FunctionSymbol, Index, IndexSum, Truth, contains, free
from jaxdiff_magic.engines.symbolic.program import Array, Definition, Program, functions_in, substitute
from jaxdiff_magic.engines.symbolic.rules import VIEWS
from jaxdiff_magic.engines.symbolic.rules.linear_algebra import inverse, product
from jaxdiff_magic.engines.symbolic.rules.view import ResultView, View
from jaxdiff_magic.engines.symbolic.smooth import smooth
from jaxdiff_magic.engines.symbolic.tables import lookup
from jaxdiff_magic.engines.symbolic.time_limits import ask
from jaxdiff_magic.primitives.bodies import while_parts
from jaxdiff_magic.subject.trace import Constant, Equation, Location, Trace, Variable

MOST_ITERATIONS = 64
"""Loops are written out while they take no more steps than this, all together …"""
MOST_DEFINITIONS = 400
"""… and make no more definitions than this. Choices of time, and of what anybody would read."""
LARGEST_TABLE = 1 << 16
"""Integers are kept as a table where their formula does not read well, while there are no more of them than this: a
choice of memory, half a megabyte."""
CLUTTER = (Choice, sp.Abs, sp.sign, sp.Max, sp.Min, IndexSum)
"""What makes a known integer or condition worth computing."""
T = TypeVar("T")


def program_of(
    trace: Trace, inputs: Sequence[str], outputs: Sequence[str], point: Sequence[Any] | None = None
) -> Program:
    """The trace as definitions over arrays with the given names.

    Args:
        trace: the function.
        inputs, outputs: names of its leaves.
        point: values of the inputs, at which branches are taken and loops are counted where they depend on them.

    Raises:
        OutOfReach: names the first primitive without a formula, and the user's line.
    """
    reading = _Reading(trace, inputs, outputs, point)
    reading.read(trace.equations)
    return reading.program(trace, outputs)


class _Reading:
    """The state of one interpretation: what has been defined so far."""

    def __init__(self, trace: Trace, inputs: Sequence[str], outputs: Sequence[str], point: Sequence[Any] | None):
        self.taken = {*inputs, *outputs}
        self.arrays = [Array.named(name, var.shape) for name, var in zip(inputs, trace.inputs, strict=True)]
        self.named = {array.label: array for array in self.arrays}
        self.concrete = Concrete(trace.inputs, point and dict(zip(trace.inputs, point, strict=True)))
        self.constants: dict[int | Variable, tuple[Array, np.ndarray]] = {}
        self.definitions: list[Definition] = []
        self.results: dict[Variable, Atom] = {}  # of what was opened in place
        self.data: set[Variable] = set()  # numbers that came from numbers in ways that have no formula
        self.conditions: list[sp.Basic] = []
        self.frozen: list[str] = []
        self.iterations = 0
        self.location = Location()
        self.views = {
            var: View(array.shape, array.at, named=self.name)
            for var, array in zip(trace.inputs, self.arrays, strict=True)
        }

    def read(self, equations: Sequence[Equation]) -> None:
        pending = deque(equations)
        while pending:
            equation = pending.popleft()
            equation = replace(equation, inputs=tuple(map(self.resolved, equation.inputs)))
            self.location = equation.location
            opened = self.reached(equation, lambda: self.opened(equation))  # noqa: B023  called at once
            if opened is None:
                self.concrete.add(equation)
                self.define(equation)
                continue
            equations, results = opened
            self.results.update(zip(equation.outputs, results, strict=False))
            pending.extendleft(reversed(equations))
            if self.iterations and len(self.definitions) > MOST_DEFINITIONS:
                raise OutOfReach(f"a loop of more than {MOST_DEFINITIONS} operations has no formula")

    def program(self, trace: Trace, outputs: Sequence[str]) -> Program:
        def output(name: str, atom: Atom) -> Definition:
            array = Array.named(name, atom.shape)
            indices = array.indices()
            return Definition(array, indices, sp.sympify(self.view(atom).at(indices)))

        finished = tuple(output(name, atom) for name, atom in zip(outputs, trace.outputs, strict=True))
        tests = tuple(Definition(Array.named(f"region {k}", ()), (), Truth(c)) for k, c in enumerate(self.conditions))
        self.declare([definition.expr for definition in (*finished, *tests)])
        inputs, constants = tuple(self.arrays), tuple(self.constants.values())
        definitions = tuple(self.definitions)
        region = Program(inputs, constants, definitions, tests).inlined(lambda _: True, 0) if tests else None
        return Program(inputs, constants, definitions, finished, region, tuple(self.frozen))

    # What equations are opened into

    def opened(self, equation: Equation) -> tuple[Sequence[Equation], Sequence[Atom]] | None:
        """The equations and results that stand for one that runs other programs; None for a plain one."""
        match equation.primitive:
            case "cond":
                return self.branch(equation)
            case "scan":
                self.count(int(equation.params["length"]))
                return unrolling.scan_steps(equation)
            case "while":
                equations, decision = unrolling.while_condition(equation)
                decided = replace(equation, primitive="while decided", inputs=(decision, *equation.inputs))
                return [*equations, decided], ()
            case "while decided":
                return self.loop(replace(equation, primitive="while", inputs=equation.inputs[1:]), equation.inputs[0])
            case "platform_index":
                return (), [Constant(np.asarray(unrolling.platform(equation.params["platforms"]), np.int32))]
            case "custom_linear_solve":
                return (), [self.linear_solve(equation)]
            case name if name in library.FUNCTIONS and equation.bodies:
                if not library.is_itself(equation):
                    return unrolling.instance(equation.bodies[0], equation.inputs)
            case name if len(equation.bodies) == 1 and not has_rule(name):
                return unrolling.instance(equation.bodies[0], equation.inputs)
        return None

    def branch(self, equation: Equation) -> tuple[Sequence[Equation], Sequence[Atom]]:
        which, *operands = equation.inputs
        last = len(equation.bodies) - 1
        taken = min(max(int(self.concrete.value(which)), 0), last)
        if not self.concrete.is_fixed(which):
            chosen = self.view(which).at(())
            if isinstance(chosen, Truth):
                condition = chosen.args[0]
                self.freeze(condition if taken else sp.Not(condition))
            else:  # compared halfway between integers, where no rounding is
                above = chosen > taken - sp.S.Half if taken > 0 else sp.true
                self.freeze(sp.And(above, chosen < taken + sp.S.Half if taken < last else sp.true))
            self.frozen.append(f"branch {taken} of a conditional is taken{_at(equation.location)}")
        return unrolling.instance(equation.bodies[taken], operands)

    def loop(self, equation: Equation, decision: Atom) -> tuple[Sequence[Equation], Sequence[Atom]]:
        again, count = bool(self.concrete.value(decision)), equation.params.get("count", 0)
        if not self.concrete.is_fixed(decision):
            condition = self.view(decision).at(())
            self.freeze(condition if again else sp.Not(condition))
            if not again:
                self.frozen.append(f"a loop takes {count} steps{_at(equation.location)}")
        if not again:
            return (), while_parts(equation.params, equation.inputs)[2]
        self.count(1)
        equations, rest = unrolling.while_step(equation)
        return [*equations, replace(rest, params={**rest.params, "count": count + 1})], ()

    def count(self, iterations: int) -> None:
        self.iterations += iterations
        if self.iterations > MOST_ITERATIONS:
            raise OutOfReach(f"a loop of more than {MOST_ITERATIONS} steps has no formula")

    def freeze(self, condition: sp.Basic) -> None:
        if condition not in (sp.true, sp.false):
            self.conditions.append(condition)

    def linear_solve(self, equation: Equation) -> Variable:
        """The x that a linear function takes to b: the inverse of its matrix, times b."""
        lengths = equation.params["const_lengths"]
        consts, b = equation.inputs[: lengths.matvec], equation.inputs[sum(lengths) :]
        if len(b) != 1 or len(b[0].shape) != 1:
            raise OutOfReach("a linear solve of anything but one vector has no formula yet")
        vector, known = unrolling.fresh(equation.outputs[0]), len(self.definitions)
        array = Array.named(self.unique("", "v"), vector.shape)
        self.views[vector] = View(array.shape, array.at, named=self.name)
        equations, (image,) = unrolling.instance(equation.bodies[0], [*consts, vector])
        self.read(equations)
        inner = {d.array.label: d.at for d in self.definitions[known:]}
        row, column = Index(vector.shape[0], "i"), Index(vector.shape[0], "j")
        e = self.view(image).at((row,))
        while free(e) & inner.keys():
            e = substitute(e, inner)
        del self.definitions[known:]
        slope = differentiate(e, array, (column,))
        if array.label in free(slope):
            raise OutOfReach("a linear solve whose function is not linear has no formula")
        matrix = View((row.size, row.size), lambda i: slope.xreplace({row: i[0], column: i[1]}), named=self.name)
        right = self.view(b[0])
        solved = product(inverse(matrix), View((*right.shape, 1), lambda i: right.at(i[:-1])))
        result = unrolling.fresh(equation.outputs[0])
        self.add(result, View(right.shape, lambda i: solved.at((*i, Integer(0)))), equation)
        return result

    # What equations define

    def define(self, equation: Equation) -> None:
        ask()
        fixed = all(map(self.concrete.is_fixed, equation.inputs))
        derived = fixed and any(atom in self.data for atom in equation.inputs if isinstance(atom, Variable))
        results: Sequence[View | None] = [None] * len(equation.outputs)
        if not derived:
            try:
                results = self.reached(equation, lambda: self.apply(equation))
            except OutOfReach:
                if not fixed:
                    raise
        for variable, result in zip(equation.outputs, results, strict=True):
            if fixed:
                self.add_known(variable, result, equation)
            else:
                assert result is not None
                self.add(variable, result, equation)

    def apply(self, equation: Equation) -> list[View]:
        inputs = [self.view(atom) for atom in equation.inputs]
        results = [ResultView(var.shape, var.dtype) for var in equation.outputs]
        return applied(equation.primitive, inputs, equation.params, results)

    def add(self, variable: Variable, result: View, equation: Equation) -> None:
        """Give a result a name, unless it only re-indexes or chooses."""
        if equation.primitive in VIEWS or not _is_real(variable):
            self.views[variable] = replace(result, named=self.name)
            return
        indices = Array.named("", variable.shape).indices()
        expr = sp.sympify(self.reached(equation, lambda: result.at(indices)))
        if equation.primitive in ("add", "sub"):
            expr = smooth(expr, self.definitions)
        if expr.has(sp.zoo):
            raise OutOfReach(f"{equation.primitive} divides by zero{_at(equation.location)}")
        if expr.is_number:  # it needs no name
            self.views[variable] = View(result.shape, result.at, named=self.name)
            return
        shown = _shown(expr, indices)
        self.declare([expr], equation.location, bool(equation.name) and shown is not None)
        # A function of whole arrays keeps the name that says what it is.
        if isinstance(shown, FunctionSymbol) or (shown in self.named and not equation.name):
            self.views[variable] = View(result.shape, result.at, named=self.name)
            return
        array = Array.named(self.unique(equation.name, "t"), variable.shape, bool(expr.is_integer))
        self.named[array.label] = array
        self.definitions.append(Definition(array, indices, expr, equation.location, bool(equation.name)))
        self.views[variable] = View(array.shape, array.at, named=self.name)

    def add_known(self, variable: Variable, result: View | None, equation: Equation) -> None:
        """A result that depends on no input: as its rule says where that reads well, else its numbers."""

        def value() -> np.ndarray:
            return self.reached(equation, lambda: np.asarray(self.concrete.value(variable)))

        if result is not None and self.reads_well(variable, result):
            if _is_real(variable):
                self.add(variable, result, equation)
                self.views[variable] = replace(self.views[variable], value=value)
            else:
                self.views[variable] = View(result.shape, result.at, value, self.name)
        elif _is_real(variable):
            numbers = value()
            self.data.add(variable)
            if variable.shape == ():
                self.views[variable] = View((), lambda _: number(numbers), value, self.name)
                return
            array = self.constant(variable, equation.name, numbers)
            self.views[variable] = View(array.shape, array.at, value, self.name)
        else:
            if result is None:
                self.data.add(variable)
            self.views[variable] = View(variable.shape, _at_table(value, variable.dtype == bool), value, self.name)

    def reads_well(self, variable: Variable, result: View) -> bool:
        try:
            e = sp.sympify(result.at(Array.named("", result.shape).indices()))
        except OutOfReach:
            return False
        if _is_real(variable):
            return True
        small = int(np.prod(variable.shape)) <= LARGEST_TABLE
        return not small or not contains(e, CLUTTER)

    def declare(self, expressions: Sequence[Expr], location: Location | None = None, named: bool = False) -> None:
        """Define the functions of whole arrays that some expressions mention."""
        for definition in functions_in(expressions, self.named):
            self.named[definition.array.label] = definition.array
            self.definitions.append(replace(definition, location=location or Location(), named=named))

    def name(self, view: View) -> Array:
        """The array that a view shows, or a new one defined by it."""
        indices = Array.named("", view.shape).indices()
        e = sp.sympify(view.at(indices))
        label = _shown(e, indices)
        if label in self.named or isinstance(label, FunctionSymbol):
            return self.named.get(label) or Array.labelled(label)
        if not isinstance(e, Expr):
            raise OutOfReach("an order of booleans has no formula")
        self.declare([e], self.location)
        array = Array.named(self.unique("", "t"), view.shape)
        self.named[array.label] = array
        self.definitions.append(Definition(array, indices, e, self.location))
        return array

    def unique(self, name: str, stem: str) -> str:
        tries = itertools.chain(
            [name] if name else [], (f"{name or stem}_{k}" for k in itertools.count(2 if name else 1))
        )
        found = next(candidate for candidate in tries if candidate not in self.taken)
        self.taken.add(found)
        return found

    def constant(self, key: int | Variable, name: str, value: np.ndarray) -> Array:
        if key not in self.constants:
            array = replace(Array.named(self.unique(name, "c"), value.shape), anonymous=not name)
            self.constants[key] = array, np.asarray(value, float)
            self.named[array.label] = array
        return self.constants[key][0]

    def resolved(self, atom: Atom) -> Atom:
        while isinstance(atom, Variable) and atom in self.results:
            atom = self.results[atom]
        return atom

    def view(self, atom: Atom) -> View:
        atom = self.resolved(atom)
        if isinstance(atom, Variable):
            return self.views[atom]
        if np.iscomplexobj(atom.value):
            raise OutOfReach("complex numbers have no formula yet")
        if atom.shape == () and not atom.name:
            return View((), lambda _: number(atom.value), lambda: atom.value, self.name)
        if atom.dtype.kind in "iub":
            at = _at_table(lambda: atom.value, atom.dtype == bool, atom.name)
            return View(atom.shape, at, lambda: atom.value, self.name)
        return View(atom.shape, self.constant(id(atom), atom.name, atom.value).at, lambda: atom.value, self.name)

    def reached(self, equation: Equation, action: Callable[[], T]) -> T:
        """What an action gives; where it is out of reach, the user's line is added to the reason."""
        try:
            return action()
        except OutOfReach as error:
            where = _at(equation.location)
            raise OutOfReach(error.reason if where in error.reason else error.reason + where) from None


def _at_table(value: Callable[[], Any], is_condition: bool, name: str = "") -> Callable[[Any], sp.Basic]:
    """Elements of known integers, or of known conditions."""

    def at(indices: Sequence[Expr]) -> sp.Basic:
        found = lookup(integers(value()), indices, name)
        if not is_condition:
            return found
        return sp.sympify(found == 1) if isinstance(found, Integer) else sp.Eq(found, 1)

    return at


def _shown(e: sp.Basic, indices: Sequence[Expr]) -> sp.Symbol | None:
    """The label of the array that an expression shows, element by element; None when it does anything else."""
    if isinstance(e, sp.Indexed):
        return e.base.label if e.indices == tuple(indices) else None
    return e if isinstance(e, sp.Symbol) and not indices and not isinstance(e, Index) else None


def _is_real(variable: Variable) -> bool:
    return variable.dtype != bool and jnp.issubdtype(variable.dtype, jnp.floating)


def _at(location: Location) -> str:
    return f" ({location})" if location.line else ""
