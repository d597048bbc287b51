"""Derivative rules of what only JAX can run: callbacks, linear calls, solvers that bring their own transpose.

Their code is no program that could be differentiated, so the rule is tried against differences of its values: in one
random direction, and from one random cotangent. Only a gross difference is called a fault.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.budget import passed, within
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.base.figures import both
from jaxdiff_magic.engines.jax.replay import replay
from jaxdiff_magic.report.fault import Fault
from jaxdiff_magic.subject.native import as_given
from jaxdiff_magic.subject.trace import Constant, Equation, RuleCall, Trace, Variable

SAYS = {
    "linear_call": "the transpose given to linear_call is not that of its function",
    "custom_linear_solve": "the transpose_solve given to custom_linear_solve does not solve the transposed system",
}
"""What is wrong where reverse mode is."""
GROSS = 1e-2
"""Beside values in float32, whose differences keep half the digits, only a larger relative difference counts. A choice:
about 30 times half the digits of a float32 (3e-4)."""
SECONDS = 3.0
"""So long a run may take whatever is left of the time. A choice: a fault in such a rule is found in no other way."""

Function = Callable[..., Any]


def opaque_faults(trace: Trace, point: Sequence[Any], deadline: float) -> Iterator[Fault]:
    """The faults of calls with rules of their own, and of steps that bring a transpose, in their order.

    Args:
        trace: of the function; its loops and branches are not entered.
        point: its inputs, of their own dtypes.
        deadline: the instant (`budget.now`) after which nothing more is run, but for `SECONDS`.
    """
    deadline = max(deadline, within(SECONDS))
    try:
        steps = replay(trace, point, deadline).steps
    except (OutOfReach, TypeError, ValueError, NotImplementedError):
        return
    known: dict[Variable, Any] = dict(zip(trace.inputs, map(jnp.asarray, point), strict=True))
    for played in steps:
        if not played.iterations:
            known.update(zip(played.equation.outputs, (value.data for value in played.results), strict=True))

    def read(atom: Variable | Constant) -> Any:
        if isinstance(atom, Variable):
            return known[atom]
        return as_given(atom)

    candidates: list[Equation | RuleCall] = list(filter(is_opaque, trace.equations))
    candidates += [call for call in trace.rule_calls if not call.is_library]
    for step in candidates:
        if passed(deadline):
            return
        with contextlib.suppress(KeyError):  # a call in a branch that was not taken
            operands = [read(atom) for atom in step.inputs]
            if (found := _fault(step, operands)) is not None:
                yield found


def is_opaque(equation: Equation) -> bool:
    """Whether a step brings its own transpose, which its code says nothing of."""
    return equation.primitive in SAYS


def _fault(step: Equation | RuleCall, operands: Sequence[Any]) -> Fault | None:
    """What is wrong with a step's derivative; None where nothing is, or nothing can be said."""
    places = [
        i
        for i, (atom, x) in enumerate(zip(step.inputs, operands, strict=True))
        if isinstance(atom, Variable) and jnp.issubdtype(x.dtype, jnp.floating)
    ]
    function = _moved(step, operands, places)
    if function is None or not places or (found := _missed(function, [operands[i] for i in places])) is None:
        return None
    mode, given, expected = found
    told = _of_rule(step) if isinstance(step, RuleCall) else _of_transpose(step, mode)
    one, other = both(given, expected)
    numbers = (
        f"along a random direction and from a random cotangent {mode} mode gives {one} where its values give {other}"
    )
    return replace(told, given=given, expected=expected, sentence=f"{told.sentence}: {numbers}")


def _moved(step: Equation | RuleCall, operands: Sequence[Any], places: Sequence[int]) -> Function | None:
    """A step as a function of the operands at some places, to its floating-point results; None where it has none."""
    run = step.function if isinstance(step, RuleCall) else step.operator
    if run is None:
        return None

    def function(*moved: Any) -> list[Any]:
        every = list(operands)
        for i, x in zip(places, moved, strict=True):
            every[i] = x
        return [y for y in run(*every) if jnp.issubdtype(y.dtype, jnp.floating)]

    return function


def _of_rule(call: RuleCall) -> Fault:
    """The fault of a call whose rule is not its derivative, without the numbers that show it."""
    name = call.name or "the function"
    rule = call.rule if call.rule not in ("<lambda>", "_") else ""
    place = f" ({call.ruled})" if call.rule else ""
    return replace(
        _unshown(call, name, call.kind, f"{rule or f'the rule of {name}'}{place} is not the derivative of {name}"),
        defined=str(call.defined),
        rule=rule,
        rule_where=str(call.ruled),
    )


def _of_transpose(step: Equation, mode: str) -> Fault:
    """The fault of a step whose derivative in one mode is not its own, without the numbers that show it."""
    name = step.primitive
    says = SAYS[name] if mode == "reverse" else f"JAX's forward mode of {name} is not its derivative"
    return _unshown(step, name, "transpose", says)


def _unshown(step: Equation | RuleCall, name: str, kind: str, says: str) -> Fault:
    return Fault(
        name=name,
        kind=kind,
        defect="derivative",
        where=str(step.location),
        source=step.location.source,
        defined="",
        rule="",
        rule_where="",
        entry="",
        given=None,
        expected=None,
        trusted=False,
        likeness="",
        sentence=says,
    )


def _missed(function: Function, operands: Sequence[Any]) -> tuple[str, float, float] | None:
    """The mode that is grossly not what differences of values show, its number and theirs; None where none is."""
    rng = np.random.default_rng(sum(x.size for x in operands))
    directions = [jnp.asarray(rng.uniform(0.5, 1.5, x.shape) * rng.choice([-1, 1], x.shape), x.dtype) for x in operands]
    eps = max(float(jnp.finfo(x.dtype).eps) for x in operands)
    try:
        values = function(*operands)
        cotangents = [
            jnp.asarray(rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1, 1], y.shape), y.dtype) for y in values
        ]

        def along(h: float) -> float:
            ends = [function(*(x + s * h * d for x, d in zip(operands, directions, strict=True))) for s in (1, -1)]
            return sum(float(jnp.vdot(w, a - b)) for w, a, b in zip(cotangents, *ends, strict=True)) / (2 * h)

        scale = max(float(max((jnp.max(jnp.abs(x)) for x in operands if x.size), default=1.0)), 1e-3)
        expected, coarser = (along(scale * step * eps ** (1 / 3)) for step in (1.0, 2.0))
        size = sum(float(jnp.vdot(jnp.abs(w), jnp.abs(y))) for w, y in zip(cotangents, values, strict=True)) / scale
    except Exception:  # whatever the user's code raises away from the point: then values say nothing
        return None
    if not np.isfinite(expected) or abs(expected - coarser) > 0.1 * GROSS * max(abs(expected), abs(coarser)):
        return None
    numbers = {}
    with contextlib.suppress(Exception):  # there may be no such mode
        tangents = jax.jvp(function, tuple(operands), tuple(directions))[1]
        numbers["forward"] = sum(float(jnp.vdot(w, t)) for w, t in zip(cotangents, tangents, strict=True))
    with contextlib.suppress(Exception):
        pulled = jax.vjp(function, *operands)[1](cotangents)
        numbers["reverse"] = sum(float(jnp.vdot(g, d)) for g, d in zip(pulled, directions, strict=True))
    for mode, given in numbers.items():
        if abs(given - expected) > GROSS * max(abs(expected), abs(given)) + 100 * eps * size:
            return mode, given, expected
    return None
