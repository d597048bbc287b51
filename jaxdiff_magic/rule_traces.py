"""JAX's own derivative programs as traces: of a Jacobian-vector product, its transpose, and one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from jaxdiff_magic.subject import Subject
from jaxdiff_magic.trace import Trace, trace_of


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
    n, m = len(subject.inputs), len(subject.outputs)
    pullback = _pullback(subject)

    def forward_over_reverse(*arguments: Any) -> Any:
        leaves, cotangents, tangents = arguments[:n], arguments[n : n + m], arguments[n + m :]
        return jax.jvp(lambda *xs: pullback(*xs, *cotangents), leaves, tangents)[1]

    leaves = [*subject.point, *(leaf.aval for leaf in subject.outputs), *(leaf.aval for leaf in subject.inputs)]
    return trace_of(forward_over_reverse, leaves, subject)


def _pullback(subject: Subject) -> Callable[..., Any]:
    n = len(subject.inputs)
    return lambda *arguments: jax.vjp(subject.traced, *arguments[:n])[1](arguments[n:])
