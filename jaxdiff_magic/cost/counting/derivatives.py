"""What a function and its derivatives cost: one product, the Jacobian both ways, the Hessian in four orders."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import jax

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.cost.counting.counter import count
from jaxdiff_magic.cost.counting.work import Count
from jaxdiff_magic.engines.jax.values import NO_DERIVATIVE, refusal
from jaxdiff_magic.subject.subject import Subject

NAMES = (
    "function",
    "jvp",
    "vjp",
    "jacobian forward",
    "jacobian reverse",
    "hessian-vector product",
    "hessian forward over reverse",
    "hessian reverse over forward",
    "hessian forward over forward",
    "hessian reverse over reverse",
)
LATE = "not counted: the time budget was used up"
OBSTACLES = {
    "can't apply forward-mode autodiff (jvp) to a custom_vjp": "a function in it has a custom_vjp rule, which "
    "has no forward mode",
    "Reverse-mode differentiation does not work for lax.while_loop": "a while loop in it has no reverse mode",
}
"""Beginnings of JAX's messages, in a few words; any other is quoted."""


@dataclass(frozen=True)
class Programs:
    """The counts of a function and its derivatives; each that was asked for is in one of the two.

    "function" is the function; "jvp" one Jacobian-vector product and "vjp" one vector-Jacobian product, each with the
    function's value; "jacobian …" the whole first derivative and "hessian …" the whole second one, all inputs at once;
    "hessian-vector product" that of the outputs, weighted by a cotangent, with one tangent: forward over reverse.

    Attributes:
        counts: what could be counted.
        missing: why the rest could not: JAX has no such derivative, or the time was up.
    """

    counts: Mapping[str, Count]
    missing: Mapping[str, str]


def programs(subject: Subject, deadline: float, only: Collection[str] = NAMES) -> Programs:
    """Count a subject's function and derivatives; nothing is computed, and no array of their size is made.

    The user's function is traced once; its derivatives are derivatives of that trace.

    Args:
        subject: what is differentiated.
        deadline: an instant of `budget.now` after which no further program is traced.
        only: which of `NAMES` to count.
    """
    if subject.untraceable:
        why = f"JAX cannot trace {subject.name} without numbers ({subject.untraceable})"
        return Programs({}, dict.fromkeys(only, why))
    if passed(deadline):
        return Programs({}, dict.fromkeys(only, LATE))
    point = [leaf.aval for leaf in subject.inputs]
    values = [leaf.aval for leaf in subject.outputs]
    counts = {"function": count(subject.closed)} if "function" in only else {}
    products = _products(subject.traced, point, values)
    missing: dict[str, str] = {}
    for name in NAMES[1:]:
        if name not in only:
            continue
        if passed(deadline):
            missing[name] = LATE
            continue
        try:
            if name in products:
                function, arguments = products[name]
                closed = jax.make_jaxpr(function)(*arguments)
            else:
                closed = subject.programs[name].closed
            counts[name] = count(closed)
        except NO_DERIVATIVE as error:
            missing[name] = _obstacle(error)
    return Programs(counts, missing)


def _products(
    flat: Callable[..., Any], point: list[Any], values: list[Any]
) -> dict[str, tuple[Callable[..., Any], list[Any]]]:
    """The programs of one product with a derivative, each with what it is given.

    Args:
        flat: arrays to a tuple of arrays.
        point, values: shapes and dtypes of its arguments and results.
    """
    n = len(point)

    def jvp(*arguments: Any) -> Any:
        return jax.jvp(flat, arguments[:n], arguments[n:])

    def vjp(*arguments: Any) -> Any:
        value, pullback = jax.vjp(flat, *arguments[:n])
        return value, pullback(arguments[n:])

    def product(*arguments: Any) -> Any:
        leaves, tangents, cotangents = arguments[:n], arguments[n : 2 * n], arguments[2 * n :]
        return jax.jvp(lambda *xs: jax.vjp(flat, *xs)[1](cotangents), leaves, tangents)[1]

    return {
        "jvp": (jvp, [*point, *point]),
        "vjp": (vjp, [*point, *values]),
        "hessian-vector product": (product, [*point, *point, *values]),
    }


def _obstacle(error: Exception) -> str:
    message = str(error).strip()
    for beginning, words in OBSTACLES.items():
        if message.startswith(beginning):
            return words
    if isinstance(error, AssertionError) or not message:
        return refusal(AssertionError())
    first, *_ = message.splitlines()[0].split(". ")
    return f"JAX says: {first.rstrip('.')}"
