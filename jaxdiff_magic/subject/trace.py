"""From a function to a flat list of steps: its jaxpr, nested calls opened, each step with its source line."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np

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

CALL_BODIES = ("call_jaxpr", "fun_jaxpr", "jaxpr")
"""Parameters that hold the body of a call; for custom_jvp and custom_vjp that is the primal body, not the rule."""
CALLS = frozenset(
    "jit pjit closed_call core_call remat checkpoint remat2 custom_jvp_call custom_vjp_call "
    "custom_vjp_call_jaxpr custom_lin core_closed_call eval_jaxpr".split()
)
RULES = ("custom_jvp", "custom_vjp")
"""Calls of functions that bring their own derivative rule; what follows in the name depends on JAX."""
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
    inputs: tuple[Variable | Constant, ...]
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
    inputs: tuple[Variable | Constant, ...]
    outputs: tuple[Variable | Constant, ...]
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
    outputs: tuple[Variable | Constant, ...]
    rule_calls: tuple[RuleCall, ...] = ()


def primitives_of(trace: Trace) -> frozenset[str]:
    """The names of all primitives of a trace, those of its bodies included."""
    own = {equation.primitive for equation in trace.equations}
    return frozenset(own.union(*(primitives_of(body) for equation in trace.equations for body in equation.bodies)))


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
    arguments: Sequence[Variable | Constant],
    caller: list[Location] | None,
    found: Opened,
    callee: str | None = "",
) -> list[Variable | Constant]:
    """Append the equations of a jaxpr to `found`, opening calls; return its results.

    Args:
        caller: places of the call; None for the whole function.
        callee: name of the function that is called; None for the body of a loop or a branch, traced for this call.
    """
    environment = dict(zip((*jaxpr.constvars, *jaxpr.invars), arguments, strict=True))

    def read(atom: Any) -> Variable | Constant:
        return _literal(atom) if hasattr(atom, "val") else environment[atom]

    for equation in jaxpr.eqns:
        inputs = tuple(map(read, equation.invars))
        places = places_of(equation, caller, callee)
        primitive, bodies = equation.primitive.name, _bodies(equation)
        if primitive in CALLS and bodies:
            called = str(equation.params.get("name", ""))
            counts = (len(inputs), len(equation.outvars))
            if LIBRARY_CALLS.get(called) != counts or not in_library(bodies[0]):
                constants = [_constant(value) for value in getattr(bodies[0], "consts", ())]
                begin = len(found.equations)
                name = called or definition_of(bodies[0].jaxpr)[0]
                results = _open(bodies[0].jaxpr, [*constants, *inputs], places, found, name)
                environment.update(zip(equation.outvars, results, strict=True))
                if primitive.startswith(RULES):
                    end = len(found.equations)
                    found.rule_calls.append(_rule_call(equation, bodies[0], inputs, results, (begin, end), places))
                continue
            primitive = called
        if (code := code_of(equation)) is not None:
            constants, begin = [_constant(value) for value in code.consts], len(found.equations)
            name = name_of(equation)
            results = _open(code.jaxpr, [*constants, *inputs], places, found, name)
            environment.update(zip(equation.outvars, results, strict=True))
            place, span = places[0] if places else Location(), (begin, len(found.equations))
            ends, unnamed = (inputs, tuple(results), span, place, Location()), ("",) * len(inputs)
            run = functools.partial(bound, equation.primitive, equation.params)
            of_jax = is_of_jax(equation)
            found.rule_calls.append(RuleCall("primitive", name, *ends, of_jax, "", Location(), unnamed, run))
            continue
        fixed = [atom for atom in inputs if isinstance(atom, Constant)]
        draws = primitive.startswith("random_") or any(atom.key is not None for atom in fixed)
        if draws and len(fixed) == len(inputs):
            known = [atom.value if atom.key is None else atom.key for atom in fixed]  # a fixed key: fixed numbers
            drawn = bound(equation.primitive, equation.params, *known)
            environment.update(zip(equation.outvars, map(_constant, drawn), strict=True))
            continue
        outputs = tuple(_variable(var.aval, found.counter) for var in equation.outvars)
        environment.update(zip(equation.outvars, outputs, strict=True))
        opened = tuple(_body(body, places, found.counter, None) for body in bodies)
        location = places[0] if places else Location()
        params = _parameters(equation, opened)
        operator = functools.partial(bound, equation.primitive, equation.params)
        step = Equation(primitive, params, inputs, outputs, location, "", opened, operator)
        found.equations.append((step, places))
    return [read(atom) for atom in jaxpr.outvars]


def bound(primitive: Any, params: Mapping[str, Any], *operands: Any) -> list[Any]:
    """The results of one operation, as JAX does it."""
    found = primitive.bind(*operands, **params)
    return list(found) if primitive.multiple_results else [found]


def _rule_call(
    equation: Any,
    closed: Any,
    inputs: tuple[Variable | Constant, ...],
    outputs: list[Variable | Constant],
    equations: tuple[int, int],
    places: list[Location],
) -> RuleCall:
    name, defined = definition_of(closed.jaxpr)
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
        is_library=not own_rule and in_library(closed),
        rule=rule if own_rule else "",
        ruled=ruled if own_rule else Location(),
        arguments=_argument_names(equation, closed),
        function=functools.partial(bound, equation.primitive, equation.primitive.get_bind_params(equation.params)),
    )


def _held(equation: Any, *names: str) -> Any:
    """The first of some parameters that an equation has, or None."""
    return next((equation.params[name] for name in names if name in equation.params), None)


def _argument_names(equation: Any, closed: Any) -> tuple[str, ...]:
    """The names of a call's operands, which begin with captured arrays that have none."""
    described = [getattr(held, "debug_info", None) for held in (closed.jaxpr, _held(equation, "fwd_jaxpr_thunk"))]
    names = next((tuple(info.arg_names) for info in described if info and info.arg_names), ())
    count = len(equation.invars)
    return ("",) * (count - len(names)) + names if len(names) <= count else ("",) * count


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


def _body(closed: Any, places: list[Location], counter: Iterator[int], callee: str | None = "") -> Trace:
    inputs = tuple(_variable(var.aval, counter) for var in closed.jaxpr.invars)
    found = Opened(counter)
    constants = [_constant(value) for value in closed.consts]
    outputs = _open(closed.jaxpr, [*constants, *inputs], places, found, callee)
    return Trace(inputs, tuple(_named(found.equations)), tuple(outputs), tuple(found.rule_calls))


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
