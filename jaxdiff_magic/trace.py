"""From a function to a flat list of steps: its jaxpr, nested calls opened, each step with its source line."""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import itertools
import linecache
import os
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxdiff_magic.subject import Subject

CALL_BODIES = ("call_jaxpr", "fun_jaxpr", "jaxpr")
"""Parameters that hold the body of a call; for custom_jvp and custom_vjp that is the primal body, not the rule."""
CALLS = frozenset(
    "jit pjit closed_call core_call remat checkpoint remat2 custom_jvp_call custom_vjp_call "
    "custom_vjp_call_jaxpr custom_lin core_closed_call".split()
)
BODIES: Mapping[str, tuple[str, ...]] = {
    "cond": ("branches",),
    "scan": ("jaxpr",),
    "while": ("cond_jaxpr", "body_jaxpr"),
    "custom_linear_solve": ("jaxprs",),
}
"""Primitives that run other programs, with the parameters that hold them."""
LIBRARY_CALLS = {"det": (1, 1), "slogdet": (1, 2), "inv": (1, 1), "solve": (2, 1)}
"""Functions of JAX's own library that stay whole, since their differential rules are simpler than their code, with how
many operands and results each has: JAX gives the same name to their derivatives."""


@dataclass(frozen=True)
class Variable:
    """A value that is computed: an input of the trace or the result of an equation."""

    id: int
    shape: tuple[int, ...]
    dtype: np.dtype


@dataclass(frozen=True)
class Constant:
    """A value that is known: a literal, or an array that the function captured.

    Attributes:
        value: the array.
        name: its name in the user's code, or "" where it has none.
        key: for a random key, the key itself; `value` is its data.
    """

    value: np.ndarray
    name: str = ""
    key: Any = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def dtype(self) -> np.dtype:
        return self.value.dtype


@dataclass(frozen=True)
class Location:
    """Where in the user's source an equation was written; `line` is 0 when unknown, `column` counts from 0."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return ""
        in_cell = self.file.startswith("<") or "ipykernel_" in self.file
        return f"{'cell' if in_cell else os.path.basename(self.file)}, line {self.line}"

    @property
    def source(self) -> str:
        """The line's text, or "" when it cannot be read."""
        return linecache.getline(self.file, self.line).strip() if self.line else ""


@dataclass(frozen=True)
class Equation:
    """One primitive applied to earlier values.

    Attributes:
        primitive: JAX's name of it.
        params: its parameters.
        inputs, outputs: its operands and results.
        location: its place in the user's source.
        name: the variable of the user's source that this equation's result was assigned to, or "".
        bodies: the programs it runs: branches of a cond, the body of a scan, condition and body of a while loop;
            the code of a library function that was kept whole.
        operator: computes the results from values of the operands, one operation of JAX at a time; an array, or a
            list of arrays.
    """

    primitive: str
    params: Mapping[str, Any]
    inputs: tuple[Variable | Constant, ...]
    outputs: tuple[Variable, ...]
    location: Location
    name: str = ""
    bodies: tuple[Trace, ...] = ()
    operator: Callable[..., Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Trace:
    """A function as equations over its inputs."""

    inputs: tuple[Variable, ...]
    equations: tuple[Equation, ...]
    outputs: tuple[Variable | Constant, ...]


def trace_of(function: Callable[..., Any], leaves: Sequence[Any], subject: Subject) -> Trace:
    """The trace of `function(*leaves)`.

    Args:
        function: arrays to a pytree of arrays, traceable with abstract values.
        leaves: example arguments.
        subject: whose function it comes from; captured arrays and held arguments are named as they are there.
    """
    closed = jax.make_jaxpr(function)(*leaves)
    visible = [*((held.name, held.value) for held in subject.held), *_captured(subject.function, set())]
    counter = itertools.count()
    constants = [_constant(value, captured_name(visible, value)) for value in closed.consts]
    inputs = tuple(_variable(var.aval, counter) for var in closed.jaxpr.invars)
    found: list[tuple[Equation, list[Location]]] = []
    outputs = _open(closed.jaxpr, [*constants, *inputs], None, counter, found)
    return Trace(inputs, tuple(_named(found)), tuple(outputs))


def _constant(value: Any, name: str = "") -> Constant:
    return Constant(_numbers(value), name, value if _is_key(value) else None)


def _is_key(value: Any) -> bool:
    return hasattr(value, "dtype") and jax.numpy.issubdtype(value.dtype, jax.dtypes.prng_key)


def _numbers(value: Any) -> np.ndarray:
    """The numbers of a constant; those of a random key are its data."""
    return np.array(jax.random.key_data(value) if _is_key(value) else value)


def subject_trace(subject: Subject) -> Trace:
    """The trace of the subject's own function."""
    return trace_of(subject.flat, subject.point, subject)


def _variable(aval: Any, counter: Iterator[int]) -> Variable:
    return Variable(next(counter), tuple(aval.shape), aval.dtype)


def _open(
    jaxpr: Any,
    arguments: Sequence[Variable | Constant],
    caller: list[Location] | None,
    counter: Iterator[int],
    found: list[tuple[Equation, list[Location]]],
    callee: str = "",
) -> list[Variable | Constant]:
    """Append the equations of a jaxpr to `found`, opening calls; return its results."""
    environment = dict(zip((*jaxpr.constvars, *jaxpr.invars), arguments, strict=True))

    def read(atom: Any) -> Variable | Constant:
        return _constant(atom.val) if hasattr(atom, "val") else environment[atom]

    for equation in jaxpr.eqns:
        inputs = tuple(map(read, equation.invars))
        frames = _user_frames(equation.source_info.traceback)
        # The body of a library function is traced once and cached, with the lines of its first caller.
        if caller is not None and not any(name == callee for _, name in frames):
            places = caller
        else:
            places = [place for place, _ in frames]
        primitive, bodies = equation.primitive.name, _bodies(equation)
        if primitive in CALLS and bodies:
            callee = str(equation.params.get("name", ""))
            counts = (len(inputs), len(equation.outvars))
            if LIBRARY_CALLS.get(callee) != counts or not _in_library(bodies[0]):
                constants = [_constant(value) for value in getattr(bodies[0], "consts", ())]
                results = _open(bodies[0].jaxpr, [*constants, *inputs], places, counter, found, callee)
                environment.update(zip(equation.outvars, results, strict=True))
                continue
            primitive = callee
        fixed = [atom for atom in inputs if isinstance(atom, Constant)]
        if primitive.startswith("random_") and len(fixed) == len(inputs):
            known = [atom.value if atom.key is None else atom.key for atom in fixed]  # a fixed key: fixed numbers
            drawn = equation.primitive.bind(*known, **equation.params)
            results = drawn if equation.primitive.multiple_results else [drawn]
            environment.update(zip(equation.outvars, map(_constant, results), strict=True))
            continue
        outputs = tuple(_variable(var.aval, counter) for var in equation.outvars)
        environment.update(zip(equation.outvars, outputs, strict=True))
        opened = tuple(_body(body, places, counter) for body in bodies)
        location = places[0] if places else Location()
        params = _parameters(equation, opened)
        operator = functools.partial(equation.primitive.bind, **equation.params)
        found.append((Equation(primitive, params, inputs, outputs, location, "", opened, operator), places))
    return [read(atom) for atom in jaxpr.outvars]


class Body(NamedTuple):
    """A jaxpr without captured constants, where JAX has no closed one."""

    jaxpr: Any
    consts: Sequence[Any] = ()


def _parameters(equation: Any, bodies: Sequence[Trace]) -> Mapping[str, Any]:
    """The parameters of an equation; a scan's carry, which JAX has written in several ways, counted from shapes."""
    if equation.primitive.name != "scan":
        return equation.params
    (body,) = bodies
    carried = sum(tuple(var.aval.shape) == atom.shape for var, atom in zip(equation.outvars, body.outputs, strict=True))
    sliced = sum(tuple(var.aval.shape) != own.shape for var, own in zip(equation.invars, body.inputs, strict=True))
    return {**equation.params, "num_carry": carried, "num_consts": len(body.inputs) - carried - sliced}


def _bodies(equation: Any) -> list[Any]:
    """The closed jaxprs that an equation runs."""
    names = BODIES.get(equation.primitive.name, CALL_BODIES if equation.primitive.name in CALLS else ())
    held = next((equation.params[name] for name in names if name in equation.params), ())
    if len(names) == 2 and equation.primitive.name == "while":
        held = [equation.params[name] for name in names]
    parts = held if isinstance(held, (tuple, list)) else [held]
    return [part if hasattr(part, "jaxpr") else Body(part) for part in parts if part is not None]


def _body(closed: Any, places: list[Location], counter: Iterator[int]) -> Trace:
    inputs = tuple(_variable(var.aval, counter) for var in closed.jaxpr.invars)
    found: list[tuple[Equation, list[Location]]] = []
    constants = [_constant(value) for value in closed.consts]
    outputs = _open(closed.jaxpr, [*constants, *inputs], places, counter, found)
    return Trace(inputs, tuple(_named(found)), tuple(outputs))


def _in_library(closed: Any) -> bool:
    """Whether the body of a call was written in JAX itself."""
    source = getattr(closed.jaxpr.debug_info, "func_src_info", None) or ""
    return _LIBRARIES[0] in source


_OWN, *_LIBRARIES = (
    os.path.dirname(os.path.abspath(file)) + os.sep for file in (__file__, jax.__file__, functools.__file__)
)


def _user_frames(traceback: Any) -> list[tuple[Location, str]]:
    """Places and function names of a JAX traceback, innermost first, from the primitive to where we called."""
    if traceback is None:
        return []
    found = zip(traceback.frames, *traceback.raw_frames(), strict=True)
    frames = itertools.takewhile(lambda frame: not frame[0].file_name.startswith(_OWN), found)
    return [
        (Location(frame.file_name, frame.line_num, _column(code, last)), frame.function_name.rsplit(".", 1)[-1])
        for frame, code, last in frames
        if not frame.file_name.startswith((*_LIBRARIES, "<frozen"))
    ]


@functools.lru_cache(maxsize=4096)
def _column(code: types.CodeType, instruction: int) -> int:
    """Where on its line the expression begins that an instruction belongs to."""
    position = next(itertools.islice(code.co_positions(), instruction // 2, None), (None,) * 4)
    return position[2] or 0


def _named(found: list[tuple[Equation, list[Location]]]) -> Iterator[Equation]:
    """Give each equation that ends an assignment the variable's name; count repeats: `y`, `y_2`, …"""
    counts: dict[str, int] = {}
    statements = [[_assignment(place) for place in places] for _, places in found]
    for i, (equation, _) in enumerate(found):
        following = statements[i + 1] if i + 1 < len(found) else []
        name = next((s[0] for s in statements[i] if s is not None and s not in following), "")
        if name:
            counts[name] = counts.get(name, 0) + 1
            name = name if counts[name] == 1 else f"{name}_{counts[name]}"
        yield Equation(**{**vars(equation), "name": name})


@functools.lru_cache(maxsize=4096)
def _assignment(place: Location) -> tuple[str, int, int] | None:
    """The variable assigned by the statement at a place, with the line and column at which it starts."""
    here = (place.line, place.column)
    statements = _assignments(place.file, tuple(linecache.getlines(place.file)))
    around = [(name, *start) for name, start, end in statements if start <= here < end]
    return max(around, key=lambda statement: statement[1:], default=None)


@functools.lru_cache(maxsize=16)
def _assignments(file: str, lines: tuple[str, ...]) -> list[tuple[str, tuple[int, int], tuple[int, int]]]:
    """Variable, start and end of every `name = expression` of a source file or cell."""
    del file  # part of the key only: two files may have the same text
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:
        return []
    found = []
    for node in ast.walk(tree):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if not isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) or not isinstance(target, ast.Name):
            continue
        if not any(isinstance(part, ast.Lambda) for part in ast.walk(node)):  # whose body is no part of the value
            end = (node.end_lineno or node.lineno, node.end_col_offset or 0)
            found.append((target.id, (node.lineno, node.col_offset), end))
    return found


def _captured(function: Callable[..., Any], seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Name and value of what a function, and those of its module that it calls, can see by name."""
    if isinstance(function, functools.partial):
        yield from function.keywords.items()
        yield from _captured(function.func, seen)
        return
    owner = getattr(function, "__self__", None)
    yield from ((f"self.{name}", value) for name, value in getattr(owner, "__dict__", {}).items())
    inner = inspect.unwrap(getattr(function, "__func__", function))
    if not isinstance(inner, types.FunctionType) or id(inner) in seen:
        return
    seen.add(id(inner))
    visible = list(_visible(inner))
    yield from visible
    for _, value in visible:
        if callable(value) and getattr(value, "__module__", None) == inner.__module__:
            yield from _captured(value, seen)


def _visible(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # a variable that is not assigned yet
            yield name, cell.cell_contents
    for name in function.__code__.co_names:
        if name in function.__globals__:
            yield name, function.__globals__[name]


def captured_name(visible: Sequence[tuple[str, Any]], value: Any) -> str:
    """The name under which a constant of a trace is visible in the user's code, or ""."""
    array = _numbers(value)
    for name, candidate in visible:
        if candidate is value:
            return name
    for name, candidate in visible:
        if isinstance(candidate, (np.ndarray, jax.Array)):
            numbers = _numbers(candidate)
            if numbers.shape == array.shape != () and np.array_equal(numbers.astype(array.dtype), array):
                return name
    return ""


def tangent_trace(subject: Subject) -> Trace:
    """Forward mode as JAX traces it: leaves, then one tangent per leaf, to the outputs' tangents."""
    n = len(subject.inputs)

    def tangents(*arguments: Any) -> Any:
        return jax.jvp(subject.flat, arguments[:n], arguments[n:])[1]

    return trace_of(tangents, [*subject.point, *_zeros(subject.inputs)], subject)


def cotangent_trace(subject: Subject) -> Trace:
    """Reverse mode as JAX traces it: leaves, then one cotangent per output, to the leaves' cotangents."""
    return trace_of(_pullback(subject), [*subject.point, *_zeros(subject.outputs)], subject)


def second_trace(subject: Subject) -> Trace:
    """Leaves, one cotangent per output, one tangent per leaf, to the tangents of the leaves' cotangents."""
    n, m = len(subject.inputs), len(subject.outputs)
    pullback = _pullback(subject)

    def forward_over_reverse(*arguments: Any) -> Any:
        leaves, cotangents, tangents = arguments[:n], arguments[n : n + m], arguments[n + m :]
        return jax.jvp(lambda *xs: pullback(*xs, *cotangents), leaves, tangents)[1]

    leaves = [*subject.point, *_zeros(subject.outputs), *_zeros(subject.inputs)]
    return trace_of(forward_over_reverse, leaves, subject)


def _pullback(subject: Subject) -> Callable[..., Any]:
    n = len(subject.inputs)
    return lambda *arguments: jax.vjp(subject.flat, *arguments[:n])[1](arguments[n:])


def _zeros(leaves: Sequence[Any]) -> list[Any]:
    return [jax.numpy.zeros(leaf.shape, leaf.dtype) for leaf in leaves]
