"""JAX's own derivative programs as traces: of a Jacobian-vector product, its transpose, and one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Trace, trace_of


def tangent_trace(subject: Subject) -> Trace:
    """Forward mode as JAX traces it: leaves, then one tangent per leaf, to the outputs' tangents."""
    n = len(subject.inputs)

    def tangents(*arguments: Any) -> Any:
        return jax.jvp(subject.traced, arguments[:n], arguments[n:])[1]

    return trace_of(tangents, [*subject.point, *(leaf.aval for leaf in subject.inputs)], subject)


def cotangent_trace(subject: Subject) -> Trace:
    """Reverse mode as JAX traces it: leaves, then one cotangent per output, to the leaves' cotangents."""
    return trace_of(_pullback(subject), [*subject.point, *(leaf.aval for leaf in subject.outputs)], subject)


def second_trace(subject: Subject) -> Trace:
    """Leaves, one cotangent per output, one tangent per leaf, to the tangents of the leaves' cotangents."""
    return higher_trace(subject, 2)


def second_by_reverse_trace(subject: Subject) -> Trace:
    """As `second_trace`, by reverse over reverse mode, for rules that have no forward mode: the Hessian's transpose."""
    n, m = len(subject.inputs), len(subject.outputs)

    def derivative(*arguments: Any) -> Any:
        leaves, cotangents, weights = arguments[:n], arguments[n : n + m], arguments[n + m :]
        below = _pullback(subject)
        return jax.vjp(lambda *leaves: below(*leaves, *cotangents), *leaves)[1](weights)

    cotangents, weights = ([leaf.aval for leaf in leaves] for leaves in (subject.outputs, subject.inputs))
    return trace_of(derivative, [*subject.point, *cotangents, *weights], subject)


def higher_trace(subject: Subject, order: int) -> Trace:
    """As `second_trace`, with a tangent per leaf for each order above the first: forward mode, again and again."""
    n, m = len(subject.inputs), len(subject.outputs)

    def derivative(*arguments: Any) -> Any:
        leaves, cotangents, tangents = arguments[:n], arguments[n : n + m], arguments[n + m :]
        below = _pullback(subject)
        for start in range(0, len(tangents), n):
            below = _along(below, tangents[start : start + n], n)
        return below(*leaves, *cotangents)

    cotangents, tangents = ([leaf.aval for leaf in leaves] for leaves in (subject.outputs, subject.inputs))
    return trace_of(derivative, [*subject.point, *cotangents, *tangents * (order - 1)], subject)


def _along(function: Callable[..., Any], tangents: Sequence[Any], n: int) -> Callable[..., Any]:
    """The derivative of a function along tangents of its first n arguments."""
    return lambda *xs: jax.jvp(lambda *leaves: function(*leaves, *xs[n:]), xs[:n], tuple(tangents))[1]


def _pullback(subject: Subject) -> Callable[..., Any]:
    n = len(subject.inputs)
    return lambda *arguments: jax.vjp(subject.traced, *arguments[:n])[1](arguments[n:])
