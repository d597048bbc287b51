"""The linear maps of a scalar function at its point: along a direction, and the Hessian times one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from jaxdiff_magic.engines.jax.products.vectors import Vector
from jaxdiff_magic.engines.jax.values import NO_DERIVATIVE, refusal
from jaxdiff_magic.subject.subject import Subject


@dataclass(frozen=True)
class Maps:
    """Products at a point.

    Attributes:
        value: the function, a number.
        jvp: its derivative along a direction, by forward mode; None where it has none, and `missing` says why.
        vjp: a number times its gradient.
        hvp: its Hessian times a direction; None likewise.
        missing: for "jvp" and "hvp", why JAX has none.
    """

    value: Callable[[Vector], jax.Array]
    jvp: Callable[[Vector, Vector], jax.Array] | None
    vjp: Callable[[Vector, Any], Vector]
    hvp: Callable[[Vector, Vector], Vector] | None
    missing: dict[str, str]


def maps_of(subject: Subject, point: Vector) -> Maps:
    """The maps of a scalar function, compiled where it can be traced; point and direction are their arguments."""

    def compiled(f: Callable[..., Any]) -> Any:
        return f if subject.untraceable else jax.jit(f)

    def value(x: Vector) -> jax.Array:
        return subject.flat(*x)[0]

    def gradient(x: Vector) -> Vector:
        return jax.grad(value)(x)

    def jvp(x: Vector, v: Vector) -> jax.Array:
        return jax.jvp(value, (x,), (v,))[1]

    def vjp(x: Vector, u: Any) -> Vector:
        result, pullback = jax.vjp(value, x)
        return pullback(jnp.asarray(u, result.dtype))[0]

    def forward_over_reverse(x: Vector, v: Vector) -> Vector:
        return jax.jvp(gradient, (x,), (v,))[1]

    def reverse_over_reverse(x: Vector, v: Vector) -> Vector:
        return jax.vjp(gradient, x)[1](v)[0]

    missing: dict[str, str] = {}

    def first(name: str, *candidates: Callable[..., Any]) -> Callable[..., Any] | None:
        for candidate in candidates:
            run = compiled(candidate)
            try:  # forward mode of a custom_vjp can be traced, and fails when it is lowered
                (run if subject.untraceable else run.lower)(point, point)
                return run
            except NO_DERIVATIVE as error:
                missing.setdefault(name, refusal(error))
        return None

    return Maps(
        compiled(value),
        first("jvp", jvp),
        compiled(vjp),
        first("hvp", forward_over_reverse, reverse_over_reverse),
        missing,
    )
