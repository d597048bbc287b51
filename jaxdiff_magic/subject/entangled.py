"""Rules that hold values of the trace which called them: they work only while the reader's code is entered anew.

    def f(x):
        weights = jnp.arange(3.0)           # made while f is traced
        scaled.defjvp(lambda p, t: (scaled(*p), weights * t[0]))
        return scaled(x)

A derivative rule is called when a program is differentiated. If that program was traced before, `weights` is a value of
a trace that is over. Elsewhere programs are traced once and differentiated as often as is needed; here the code is
entered each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.core
import jax.extend.core
import jax.numpy as jnp

from jaxdiff_magic.primitives.bodies import equations_within
from jaxdiff_magic.subject.source import definition_of, is_library_file


def is_entangled(closed: Any, function: Callable[..., Sequence[Any]], point: Sequence[Any]) -> bool:
    """Whether only the function itself can be differentiated, and its program cannot.

    Args:
        closed: the jaxpr of the function.
        function: arrays to a sequence of arrays; called once where a rule of the reader's fails in the program.
        point: its arguments.
    """
    if not _has_own_rule(closed.jaxpr):
        return False
    return not _has_pullback(jax.extend.core.jaxpr_as_fun(closed), point) and _has_pullback(function, point)


def _has_pullback(function: Callable[..., Sequence[Any]], point: Sequence[Any]) -> bool:
    def pulled(*leaves: Any) -> Any:
        results, pullback = jax.vjp(lambda *xs: tuple(function(*xs)), *leaves)
        return pullback(tuple(map(jnp.ones_like, results)))

    try:
        return not holds_tracers(jax.make_jaxpr(pulled)(*point))
    except Exception:  # a rule of the reader's may raise any
        return False


def _has_own_rule(jaxpr: Any) -> bool:
    """Whether a rule that is not JAX's own is called somewhere."""
    held = (equation.params for equation in equations_within(jaxpr))
    rules = (params.get("jvp_jaxpr_fun", params.get("bwd")) for params in held)
    return any(rule is not None and not is_library_file(definition_of(rule)[1].file) for rule in rules)


def holds_tracers(closed: Any) -> bool:
    """Whether a program holds a value of a trace that is over, which some of JAX's own derivatives leave in it."""
    held = [*getattr(closed, "consts", ()), *(atom.val for atom in _literals(closed.jaxpr))]
    return any(isinstance(value, jax.core.Tracer) for value in held) or any(map(holds_tracers, _closed(closed.jaxpr)))


def _literals(jaxpr: Any) -> list[Any]:
    atoms = (*(atom for equation in jaxpr.eqns for atom in equation.invars), *jaxpr.outvars)
    return [atom for atom in atoms if hasattr(atom, "val")]


def _closed(jaxpr: Any) -> Iterator[Any]:
    """The programs, with their constants, that the equations of a jaxpr run."""
    for equation in jaxpr.eqns:
        for held in equation.params.values():
            yield from (
                part for part in (held if isinstance(held, (tuple, list)) else [held]) if hasattr(part, "jaxpr")
            )
