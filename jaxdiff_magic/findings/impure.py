"""Functions that do more than compute: they give something else when they are traced again, print, or change things.

JAX traces a function once and keeps what it found; whatever the function does besides happens at each trace and at no
run. The function is traced once more here, and the world before and after is compared.
"""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jaxdiff_magic.engines.jax.values import equation_count
from jaxdiff_magic.findings.saying import listing
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.primitives.bodies import equations_within
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.source import captured
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Constant, Equation, Trace, Variable, opened_trace, subject_trace

MAX_TRACED_EQUATIONS = 2000
"""Longer functions are not traced again. A choice of time."""
KEYS = ("random_seed", "random_wrap")
"""Primitives that make a random key of numbers."""


def find(scene: Scene) -> list[Finding]:
    """What is impure about the function; nothing where it cannot be traced, or is too long to trace again."""
    subject = scene.subject
    trace = None if subject.untraceable else scene.trace or subject_trace(subject)
    if trace is None or len(trace.equations) > MAX_TRACED_EQUATIONS:
        return []
    before, printed = _world(subject), io.StringIO()
    with contextlib.redirect_stdout(printed):
        # a new function: what JAX keeps of earlier traces would hide what changes
        closed = jax.make_jaxpr(lambda *leaves: subject.flat(*leaves))(*subject.point)
    after = _world(subject)
    if equation_count(closed.jaxpr) > 10 * MAX_TRACED_EQUATIONS:
        return []
    changed = [name for name, state in before.items() if after.get(name, state) != state]
    drawn = [name for name in changed if name in GENERATORS or name.endswith(DRAWN)]
    findings = []
    if _differs(trace, opened_trace(closed, subject)):
        findings.append(_another_function(subject, [name.removesuffix(DRAWN) for name in drawn]))
    elif drawn:
        names = listing([name.removesuffix(DRAWN) for name in drawn])
        findings.append(_finding(subject, "warning", f"{subject.name} draws from {names} when it is traced.", RANDOM))
    if others := [name for name in changed if name not in drawn]:
        findings.append(_changes(subject, others))
    if text := printed.getvalue().strip():
        findings.append(_prints(subject, text))
    if _fixed_key(closed.jaxpr):
        findings.append(_same_numbers(subject))
    return findings


RANDOM = "Pass a key as an argument and draw with jax.random, so that the draw is part of what is differentiated."


def _another_function(subject: Subject, drawn: list[str]) -> Finding:
    why = f": it draws from {listing(drawn)}" if drawn else _by_what(subject)
    return _finding(
        subject,
        "error",
        f"{subject.name} is another function each time that JAX traces it{why}. What is shown here is of "
        "one such function.",
        RANDOM if drawn else "Pass what changes as an argument.",
    )


def _by_what(subject: Subject) -> str:
    suspects = [name for name in ("time", "datetime", "random", "uuid", "os") if name in _mentioned(subject)]
    return f"; it uses {listing(suspects)}" if suspects else ""


def _mentioned(subject: Subject) -> set[str]:
    code = getattr(subject.function, "__code__", None)
    return set(code.co_names) if code else set()


def _changes(subject: Subject, names: list[str]) -> Finding:
    return _finding(
        subject,
        "warning",
        f"{subject.name} changes {listing(names)}, which it did not get as an argument. That happens when JAX traces "
        f"it, {subject.calls} times here, and not when the compiled function runs.",
        "Return the new value instead.",
    )


def _prints(subject: Subject, text: str) -> Finding:
    first = text.splitlines()[0]
    shown = first if len(first) <= 40 else f"{first[:37]}..."
    return _finding(
        subject,
        "info",
        f"{subject.name} prints ({shown}): once for each trace, {subject.calls} times here, with tracers for numbers.",
        "Print with jax.debug.print, which shows the numbers of each run.",
    )


def _same_numbers(subject: Subject) -> Finding:
    return _finding(
        subject,
        "info",
        f"{subject.name} makes its own random key: its randomness is the same at each call, and its derivative is that "
        "of one fixed draw.",
        "To draw anew at each call, pass the key as an argument.",
    )


def _finding(subject: Subject, severity: Any, message: str, cure: str) -> Finding:
    return Finding("impure", severity, subject.name, subject.where, message, cure)


# The world that a function sees

DRAWN = " (a random generator)"


def _numpy_state() -> Any:
    _, keys, *rest = np.random.get_state()
    return np.asarray(keys).tobytes(), *rest


GENERATORS: dict[str, Callable[[], Any]] = {
    "Python's random numbers": random.getstate,
    "NumPy's random numbers": _numpy_state,
}


def _world(subject: Subject) -> dict[str, Any]:
    """What a function can change, by name: each a value that is equal as long as it is the same."""
    found: dict[str, Any] = {name: state() for name, state in GENERATORS.items()}
    for name, value in captured(subject.function, set()):
        if isinstance(value, np.random.Generator):
            found[f"{name}{DRAWN}"] = repr(value.bit_generator.state)
        elif not callable(value):
            found[name] = _state(value)
    return found


def _state(value: Any) -> Any:
    """Which object it is, and of a container what is in it, by number and identity."""
    match value:
        case bool() | int() | float() | str():
            return value
        case list() | tuple():
            return id(value), tuple(map(id, value[:1000])), len(value)
        case dict():
            return id(value), tuple((id(k), id(v)) for k, v in list(value.items())[:1000]), len(value)
        case set():
            return id(value), len(value)
        case np.ndarray() if value.size <= 100_000 and value.dtype != object:
            return id(value), value.tobytes()
        case _:
            return id(value)


# Two traces


def _differs(one: Trace, other: Trace) -> bool:
    """Whether two traces of a function compute different things."""
    if len(one.equations) != len(other.equations) or len(one.outputs) != len(other.outputs):
        return True
    atoms = [(one.outputs, other.outputs)]
    for a, b in zip(one.equations, other.equations, strict=True):
        if a.primitive != b.primitive or len(a.bodies) != len(b.bodies) or _numbers(a) != _numbers(b):
            return True
        atoms += [(a.inputs, b.inputs), (a.outputs, b.outputs)]
        if any(_differs(x, y) for x, y in zip(a.bodies, b.bodies, strict=True)):
            return True
    return any(not _same(x, y) for left, right in atoms for x, y in zip(left, right, strict=True))


def _numbers(equation: Equation) -> list[tuple[str, Any]]:
    """The parameters that are plain numbers or tuples of them, such as an exponent or an axis."""
    return sorted((k, v) for k, v in equation.params.items() if isinstance(v, (int, float)) or _is_plain(v))


def _is_plain(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, (int, float)) for item in value)


def _same(a: Variable | Constant, b: Variable | Constant) -> bool:
    if isinstance(a, Constant) and isinstance(b, Constant):
        return a.shape == b.shape and bool(np.array_equal(a.value, b.value, equal_nan=a.value.dtype.kind in "fc"))
    return type(a) is type(b) and a.shape == b.shape and getattr(a, "id", 0) == getattr(b, "id", 0)


def _fixed_key(jaxpr: Any) -> bool:
    """Whether a program makes a random key from numbers that are written in it."""
    return any(
        equation.primitive.name in KEYS and all(hasattr(atom, "val") for atom in equation.invars)
        for equation in equations_within(jaxpr)
    )
