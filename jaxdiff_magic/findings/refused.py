"""Functions of which JAX has no derivative at all: which step refuses, what the derivative is, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp

from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.findings.saying import listing, quoted
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.report import CheckEntry, Finding
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Equation, RuleCall, Trace

MAX_TRIED = 6
"""While there are no more inputs than this, each is tried by itself. A choice of time: each is traced once."""


def find(scene: Scene) -> list[Finding]:
    """One finding where JAX has a first derivative in neither mode."""
    subject, missing = scene.subject, scene.values.missing
    if scene.values.jacobian is not None or "forward" not in missing or "reverse" not in missing:
        return []
    where, what = subject.where, ""
    for step in _refusing(scene.trace) if scene.trace is not None else ():
        name = step.name if isinstance(step, RuleCall) else step.primitive
        where = str(step.location) or where
        what = f" The step that it refuses is {name}{quoted(step.location)}."
        break
    known = [entry for entry in scene.check.entries if entry.outcome == "out of reach" and _number(entry) is not None]
    given = f" {_given(known)}." if known else ""
    return [
        Finding(
            kind="infeasible-mode",
            severity="warning",
            path=subject.name,
            where=where,
            message=f"JAX has no derivative of {subject.name}, in forward or in reverse mode: "
            f"{missing['reverse'].rstrip('.')}.{what}{given}",
            cure=_cure(subject, bool(known)),
        )
    ]


def _number(entry: CheckEntry) -> float | None:
    return entry.symbolic if entry.symbolic is not None else entry.numeric


def _given(known: list[CheckEntry]) -> str:
    how = "By local rules from the code" if known[0].symbolic is not None else "By differences of its values"
    by = (f"{figure(_number(entry))} by {' and '.join(entry.inputs)}" for entry in known)
    shown = list(by)
    return f"{how} it is {listing(shown)}"


def _cure(subject: Subject, known: bool) -> str:
    """What to do: differentiate by the inputs by which JAX does, or give the step a rule."""
    rule = "Put the step into a function of its own and give that a rule: jax.custom_jvp"
    rule += ", with a derivative that meets the numbers in the check." if known else "."
    able = [leaf.name for i, leaf in enumerate(subject.inputs) if _is_able(subject, i)] if _is_small(subject) else []
    if able and len(able) < len(subject.inputs):
        asked = repr(able[0]) if len(able) == 1 else repr(able)
        return (
            f"JAX has the derivative by {listing(able)} alone: wrt={asked}. For the others: {rule[0].lower()}{rule[1:]}"
        )
    return rule


def _is_small(subject: Subject) -> bool:
    return 1 < len(subject.inputs) <= MAX_TRIED and not subject.untraceable


def _is_able(subject: Subject, position: int) -> bool:
    """Whether JAX differentiates the function by one input, the others held."""
    leaves = [jnp.asarray(value) for value in subject.point]

    def alone(x: Any) -> Any:
        return subject.traced(*leaves[:position], x, *leaves[position + 1 :])

    return _has_tangent(alone, [leaves[position]])


def _refusing(trace: Trace) -> Iterator[RuleCall | Equation]:
    """Steps that have no derivative in forward mode, inner ones first."""
    for call in trace.rule_calls:
        if call.kind == "primitive" and not _follows(call, call.function):
            yield call
    for equation in trace.equations:
        for body in equation.bodies:
            yield from _refusing(body)
        if not equation.bodies and equation.operator is not None and not _follows(equation, equation.operator):
            yield equation


def _follows(step: RuleCall | Equation, run: Any) -> bool:
    """Whether JAX has the derivative of a step by its floating-point operands."""
    operands = [jax.ShapeDtypeStruct(atom.shape, atom.dtype) for atom in step.inputs]
    floating = [i for i, x in enumerate(operands) if jnp.issubdtype(x.dtype, jnp.floating)]
    if not floating or not any(jnp.issubdtype(v.dtype, jnp.floating) for v in step.outputs):
        return True
    if any(jnp.issubdtype(x.dtype, jax.dtypes.prng_key) for x in operands):
        return True

    def along(*xs: Any) -> Any:
        rest = list(xs)

        def some(*ys: Any) -> Any:
            for i, y in zip(floating, ys, strict=True):
                rest[i] = y
            return run(*rest)

        return jax.jvp(some, tuple(xs[i] for i in floating), tuple(jnp.ones_like(xs[i]) for i in floating))[1]

    try:
        jax.eval_shape(along, *operands)
    except (NotImplementedError, ValueError) as error:
        return not any(word in str(error).lower() for word in ("not implemented", "not support", "only implemented"))
    except Exception:  # an operation that cannot be run by itself says nothing about its derivative
        return True
    return True


def _has_tangent(function: Any, leaves: list[Any]) -> bool:
    try:
        jax.eval_shape(lambda *xs: jax.jvp(function, xs, tuple(map(jnp.ones_like, xs)))[1], *leaves)
    except Exception:  # whatever JAX raises that has none
        return False
    return True
