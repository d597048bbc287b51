"""From a function to a flat list of steps: its jaxpr, nested calls opened, each step with its source line."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from jaxdiff_magic.primitives.bodies import (
    CALLS,
    bodies_of,
    call_body,
    constants_of,
    jaxpr_of,
    parameters_of,
)
from jaxdiff_magic.subject.foreign import code_of, is_of_jax, name_of
from jaxdiff_magic.subject.source import (
    Location,
    assignment,
    captured,
    captured_name,
    definition_of,
    in_library,
    is_key,
    is_library_file,
    numbers_of,
    places_of,
)
from jaxdiff_magic.subject.subject import Subject

RULES = ("custom_jvp", "custom_vjp")
"""Calls of functions that bring their own derivative rule; what follows in the name depends on JAX."""
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
        held_as: of a literal, the dtype that the program rounds it to: 0.1 in float32 is 13421773/134217728.
    """

    value: np.ndarray
    name: str = ""
    key: Any = None
    held_as: Any = None

    @property
    def rounded(self) -> np.ndarray:
        """The value as the program holds it."""
        return self.value if self.held_as is None else self.value.astype(self.held_as)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def dtype(self) -> np.dtype:
        return self.value.dtype


Atom = Variable | Constant
"""An operand or a result."""


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
        operator: a list of the results from values of the operands, one operation of JAX at a time.
    """

    primitive: str
    params: Mapping[str, Any]
    inputs: tuple[Atom, ...]
    outputs: tuple[Variable, ...]
    location: Location
    name: str = ""
    bodies: tuple[Trace, ...] = ()
    operator: Callable[..., list[Any]] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class RuleCall:
    """A call of a function that brings its own derivative rule (custom_jvp, custom_vjp), and whose code was opened.

    Attributes:
        kind: "custom_jvp" or "custom_vjp"; "primitive" for one that is made of code, which brings a rule likewise.
        name: of the function in the user's code.
        inputs, outputs: operands and results, in the trace that has the call.
        equations: where in that trace the equations of its code begin and end.
        location: of the call.
        defined: of the function.
        is_library: whether it was written in JAX itself, and so was its rule.
        rule: name of the function that is its rule (of a custom_vjp, the backward one), or "" when unknown.
        ruled: where that was defined.
        arguments: names of the operands in the function's signature; "" for captured arrays and where unknown.
        function: arrays to a list of arrays; JAX differentiates it by the rule.
    """

    kind: str
    name: str
    inputs: tuple[Atom, ...]
    outputs: tuple[Atom, ...]
    equations: tuple[int, int]
    location: Location
    defined: Location
    is_library: bool
    rule: str
    ruled: Location
    arguments: tuple[str, ...]
    function: Callable[..., Any] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Trace:
    """A function as equations over its inputs.

    Attributes:
        inputs, outputs: its arguments and results.
        equations: its steps.
        rule_calls: which of them are the code of functions with rules of their own; inner calls come first.
    """

    inputs: tuple[Variable, ...]
    equations: tuple[Equation, ...]
    outputs: tuple[Atom, ...]
    rule_calls: tuple[RuleCall, ...] = ()


def all_equations(trace: Trace) -> Iterator[Equation]:
    """The equations of a trace, each before those of its bodies."""
    for equation in trace.equations:
        yield equation
        for body in equation.bodies:
            yield from all_equations(body)


def primitives_of(trace: Trace) -> frozenset[str]:
    """The names of all primitives of a trace, those of its bodies included."""
    return frozenset(equation.primitive for equation in all_equations(trace))


def trace_of(function: Callable[..., Any], leaves: Sequence[Any], subject: Subject) -> Trace:
    """The trace of `function(*leaves)`.

    Args:
        function: arrays to a pytree of arrays, traceable with abstract values.
        leaves: example arguments.
        subject: whose function it comes from; captured arrays and held arguments are named as they are there.
    """
    return opened_trace(jax.make_jaxpr(function)(*leaves), subject)


def opened_trace(closed: Any, subject: Subject) -> Trace:
    """The trace of a jaxpr that was made of a function of the subject's; names as in `trace_of`."""
    visible = [*((held.name, held.value) for held in subject.held), *captured(subject.function, set())]
    counter = itertools.count()
    constants = [_constant(value, captured_name(visible, value)) for value in closed.consts]
    inputs = tuple(_variable(var.aval, counter) for var in closed.jaxpr.invars)
    found = Opened(counter)
    outputs = _open(closed.jaxpr, [*constants, *inputs], None, found)
    return Trace(inputs, tuple(_named(found.equations)), tuple(outputs), tuple(found.rule_calls))


def _constant(value: Any, name: str = "") -> Constant:
    return Constant(numbers_of(value), name, value if is_key(value) else None)


def _literal(atom: Any) -> Constant:
    return Constant(numbers_of(atom.val), held_as=None if is_key(atom.val) else atom.aval.dtype)


def subject_trace(subject: Subject) -> Trace:
    """The trace of the subject's own function."""
    if subject.closed is None:
        return trace_of(subject.flat, subject.point, subject)
    return opened_trace(subject.closed, subject)


def _variable(aval: Any, counter: Iterator[int]) -> Variable:
    return Variable(next(counter), tuple(aval.shape), aval.dtype)


@dataclass
class Opened:
    """What opening a jaxpr has found so far.

    Attributes:
        counter: numbers the variables.
        equations: each with its place and those of the calls around it.
        rule_calls: see `Trace`.
    """

    counter: Iterator[int]
    equations: list[tuple[Equation, list[Location]]] = field(default_factory=list)
    rule_calls: list[RuleCall] = field(default_factory=list)


def _open(
    jaxpr: Any,
    arguments: Sequence[Atom],
    caller: list[Location] | None,
    found: Opened,
    callee: str | None = "",
) -> list[Atom]:
    """Append the equations of a jaxpr to `found`, opening calls; return its results.

    Args:
        caller: places of the call; None for the whole function.
        callee: name of the function that is called; None for the body of a loop or a branch, traced for this call.
    """
    environment = dict(zip((*jaxpr.constvars, *jaxpr.invars), arguments, strict=True))

    def read(atom: Any) -> Atom:
        return _literal(atom) if hasattr(atom, "val") else environment[atom]

    for equation in jaxpr.eqns:
        inputs = tuple(map(read, equation.invars))
        places = places_of(equation, caller, callee)
        ways = (way(equation, inputs, places, found) for way in (_call, _code, _draw, _step))
        results = next(results for results in ways if results is not None)
        environment.update(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _call(equation: Any, inputs: tuple[Atom, ...], places: list[Location], found: Opened) -> list[Atom] | None:
    """The results of a call that is opened; None where an equation is none, or is a library function left whole."""
    body, called = _body_of(equation), str(equation.params.get("name", ""))
    if body is None or _is_whole(equation, body):
        return None
    begin = len(found.equations)
    results = _inlined(body, inputs, places, found, called or definition_of(jaxpr_of(body))[0])
    if equation.primitive.name.startswith(RULES):
        span = (begin, len(found.equations))
        found.rule_calls.append(_rule_call(equation, jaxpr_of(body), inputs, results, span, places))
    return results


def _code(equation: Any, inputs: tuple[Atom, ...], places: list[Location], found: Opened) -> list[Atom] | None:
    """The results of a primitive that is made of code, which is opened; None where it is made of none."""
    if (code := code_of(equation)) is None:
        return None
    begin, name = len(found.equations), name_of(equation)
    results = _inlined(code, inputs, places, found, name)
    place, span = places[0] if places else Location(), (begin, len(found.equations))
    ends, unnamed = (inputs, tuple(results), span, place, Location()), ("",) * len(inputs)
    run = functools.partial(bound, equation.primitive, equation.params)
    found.rule_calls.append(RuleCall("primitive", name, *ends, is_of_jax(equation), "", Location(), unnamed, run))
    return results


def _draw(equation: Any, inputs: tuple[Atom, ...], places: list[Location], found: Opened) -> list[Atom] | None:
    """Random numbers from a fixed key, which are fixed; None for anything else."""
    fixed = [atom for atom in inputs if isinstance(atom, Constant)]
    draws = equation.primitive.name.startswith("random_") or any(atom.key is not None for atom in fixed)
    if not draws or len(fixed) < len(inputs):
        return None
    known = [atom.value if atom.key is None else atom.key for atom in fixed]
    return list(map(_constant, bound(equation.primitive, equation.params, *known)))


def _step(equation: Any, inputs: tuple[Atom, ...], places: list[Location], found: Opened) -> list[Atom]:
    """The results of an equation that stays one."""
    body = _body_of(equation)
    primitive = equation.primitive.name if body is None else str(equation.params["name"])
    bodies = bodies_of(equation) if body is None else [body]
    outputs = tuple(_variable(var.aval, found.counter) for var in equation.outvars)
    opened = tuple(_trace_within(body, places, found.counter) for body in bodies)
    location, params = places[0] if places else Location(), parameters_of(equation)
    operator = functools.partial(bound, equation.primitive, equation.params)
    step = Equation(primitive, params, inputs, outputs, location, "", opened, operator)
    found.equations.append((step, places))
    return list(outputs)


def _body_of(equation: Any) -> Any | None:
    return call_body(equation) if equation.primitive.name in CALLS else None


def _is_whole(equation: Any, body: Any) -> bool:
    counts = (len(equation.invars), len(equation.outvars))
    return LIBRARY_CALLS.get(str(equation.params.get("name", ""))) == counts and in_library(jaxpr_of(body))


def _inlined(
    body: Any, inputs: tuple[Atom, ...], places: list[Location], found: Opened, callee: str | None
) -> list[Atom]:
    """The results of a program, open or closed, whose equations are appended to `found`."""
    return _open(jaxpr_of(body), [*map(_constant, constants_of(body)), *inputs], places, found, callee)


def _trace_within(body: Any, places: list[Location], counter: Iterator[int]) -> Trace:
    """The trace of a program that an equation runs."""
    inputs = tuple(_variable(var.aval, counter) for var in jaxpr_of(body).invars)
    found = Opened(counter)
    outputs = _inlined(body, inputs, places, found, None)
    return Trace(inputs, tuple(_named(found.equations)), tuple(outputs), tuple(found.rule_calls))


def bound(primitive: Any, params: Mapping[str, Any], *operands: Any) -> list[Any]:
    """The results of one operation, as JAX does it."""
    found = primitive.bind(*operands, **params)
    return list(found) if primitive.multiple_results else [found]


def _rule_call(
    equation: Any,
    jaxpr: Any,
    inputs: tuple[Atom, ...],
    outputs: list[Atom],
    equations: tuple[int, int],
    places: list[Location],
) -> RuleCall:
    name, defined = definition_of(jaxpr)
    rule, ruled = definition_of(_held(equation, "jvp_jaxpr_fun", "bwd"))
    own_rule = bool(rule) and not is_library_file(ruled.file)
    return RuleCall(
        kind=next(kind for kind in RULES if equation.primitive.name.startswith(kind)),
        name=name,
        inputs=inputs,
        outputs=tuple(outputs),
        equations=equations,
        location=places[0] if places else Location(),
        defined=defined,
        is_library=not own_rule and in_library(jaxpr),
        rule=rule if own_rule else "",
        ruled=ruled if own_rule else Location(),
        arguments=_argument_names(equation, jaxpr),
        function=functools.partial(bound, equation.primitive, equation.primitive.get_bind_params(equation.params)),
    )


def _held(equation: Any, *names: str) -> Any:
    """The first of some parameters that an equation has, or None."""
    return next((equation.params[name] for name in names if name in equation.params), None)


def _argument_names(equation: Any, jaxpr: Any) -> tuple[str, ...]:
    """The names of a call's operands, which begin with captured arrays that have none."""
    described = [getattr(held, "debug_info", None) for held in (jaxpr, _held(equation, "fwd_jaxpr_thunk"))]
    names = next((tuple(info.arg_names) for info in described if info and info.arg_names), ())
    count = len(equation.invars)
    return ("",) * (count - len(names)) + names if len(names) <= count else ("",) * count


def _named(found: list[tuple[Equation, list[Location]]]) -> Iterator[Equation]:
    """Give each equation that ends an assignment the variable's name; count repeats: `y`, `y_2`, …"""
    counts: dict[str, int] = {}
    statements = [[assignment(place) for place in places] for _, places in found]
    for i, (equation, _) in enumerate(found):
        following = statements[i + 1] if i + 1 < len(found) else []
        name = next((s[0] for s in statements[i] if s is not None and s not in following), "")
        if name:
            counts[name] = counts.get(name, 0) + 1
            name = name if counts[name] == 1 else f"{name}_{counts[name]}"
        yield Equation(**{**vars(equation), "name": name})
