"""Rules are tried away from the point too: right here and wrong there is a finding, with the point where it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from jaxdiff_magic import derive
from jaxdiff_magic.report import Finding


def ruled(value: Callable[..., Any], derivative: Callable[..., Any], reverse: bool = False) -> Callable[..., Any]:
    """A function with a rule of its own, elementwise."""

    def g(x: Any) -> Any:
        return value(x)

    if reverse:
        made = jax.custom_vjp(g)
        made.defvjp(lambda x: (value(x), x), lambda x, ct: (derivative(x) * ct,))
    else:
        made = jax.custom_jvp(g)
        made.defjvp(lambda p, t: (value(*p), derivative(*p) * t[0]))
    return made


def warnings_of(f: Callable[..., Any], *args: Any, **options: Any) -> tuple[str, list[Finding]]:
    with jax.enable_x64(True):
        report = derive(f, order=1, points=8, cost="none", budget=20, **options)(*args)
    return report.verdict, [finding for finding in report.findings if finding.kind == "custom-rule"]


def loss(x: jax.Array, k: jax.Array) -> jax.Array:
    """|x|**k, whose rule forgets the sign for odd powers; k is an integer."""
    return jnp.sum(power(x, k))


@jax.custom_jvp
def power(x: jax.Array, k: jax.Array) -> jax.Array:
    return x**k


@power.defjvp
def _power(primals: Any, tangents: Any) -> Any:
    x, k = primals
    slope = k * jnp.where(k % 2 == 0, x, jnp.abs(x)) ** (k - 1)
    return power(x, k), jnp.where(k % 2 == 0, slope, 2 * slope) * tangents[0]


WRONG: dict[str, tuple[Callable[..., Any], tuple[Any, ...], str]] = {
    "the root of a square": (ruled(lambda x: x**2, lambda x: 2 * jnp.sqrt(x**2)), (1.5,), "it gives 3 where the code"),
    "an absolute value, in reverse": (
        lambda x: jnp.sum(ruled(lambda x: x**2, lambda x: 2 * jnp.abs(x), True)(x)),
        (jnp.array([1.5, 2.0]),),
        "gives -3",
    ),
    "a rule that saturates": (ruled(jnp.sinh, lambda x: jnp.minimum(jnp.cosh(x), 5.0)), (1.5,), "at x = 15"),
    "a rule for small numbers": (
        ruled(lambda x: jnp.log1p(x**2), lambda x: jnp.where(jnp.abs(x) < 1, 2 * x / (1 + x**2), 2 * x)),
        (0.5,),
        "at x = 5",
    ),
    "a rule for large numbers": (
        ruled(jnp.tanh, lambda x: jnp.where(jnp.abs(x) > 1, 1 - jnp.tanh(x) ** 2, 1.0)),
        (3.0,),
        "at x = 0.3",
    ),
    "every other interval": (
        ruled(lambda x: jnp.sin(jnp.pi * x), lambda x: jnp.pi * jnp.abs(jnp.cos(jnp.pi * x))),
        (0.25,),
        "at x = 1.25",
    ),
    "odd powers": (loss, (jnp.array([1.5, 2.0]), jnp.array(2)), "not everywhere"),
    "a choice in the rule": (
        ruled(lambda x: x**3, lambda x: lax.cond(x > 0, lambda y: 3 * y**2, lambda y: 3 * y, x)),
        (0.7,),
        "at x = -0.7",
    ),
    "called in a loop": (
        lambda x: lax.fori_loop(0, 2, lambda i, c: ruled(lambda y: y**2, lambda y: 2 * jnp.abs(y))(c), x),
        (1.1,),
        "not everywhere",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_rule_that_is_right_here_and_wrong_there_is_a_warning(name: str) -> None:
    f, point, says = WRONG[name]
    verdict, found = warnings_of(f, *point)
    assert verdict in ("agrees", "proved")  # which is about the point
    assert [finding.severity for finding in found] == ["warning"]
    assert says in found[0].message and "trust=" in found[0].cure


RIGHT: dict[str, tuple[Callable[..., Any], float]] = {
    "a logarithm": (ruled(jnp.log, lambda x: 1 / x), 1.5),
    "a root": (ruled(jnp.sqrt, lambda x: 0.5 / jnp.sqrt(x)), 1.5),
    "the exponential function, which overflows": (ruled(jnp.exp, jnp.exp), 300.0),
    "softplus": (ruled(lambda x: jnp.log1p(jnp.exp(x)), jax.nn.sigmoid), 50.0),
    "log cosh": (ruled(lambda x: jnp.log(jnp.cosh(x)), jnp.tanh, True), 50.0),
    "an absolute value": (ruled(jnp.abs, jnp.sign), 1.5),
    "a rectifier": (ruled(lambda x: jnp.maximum(x, 0), lambda x: jnp.where(x > 0, 1.0, 0.0), True), 1.5),
    "an arc cosine": (ruled(jnp.arccos, lambda x: -1 / jnp.sqrt(1 - x * x)), 0.5),
    "a series near 0": (
        ruled(
            lambda x: jnp.where(jnp.abs(x) < 1e-8, 1 + x / 2, jnp.expm1(x) / x),
            lambda x: jnp.where(jnp.abs(x) < 1e-8, 0.5, (jnp.exp(x) * x - jnp.expm1(x)) / x**2),
        ),
        0.01,
    ),
    "cancellation far away": (ruled(lambda x: 1 - jnp.cos(x), jnp.sin), 1e-4),
}


@pytest.mark.parametrize("name", RIGHT)
def test_no_right_rule_is_accused_elsewhere(name: str) -> None:
    f, point = RIGHT[name]
    verdict, found = warnings_of(f, point)
    assert verdict != "differs" and not found


def test_a_rule_that_is_trusted_is_not_tried_elsewhere() -> None:
    straight = ruled(lambda x: jnp.clip(x, -1.0, 1.0), jnp.ones_like)
    assert len(warnings_of(straight, 0.5)[1]) == 1
    assert warnings_of(straight, 0.5, trust="g")[1] == []


def test_an_iteration_is_not_accused_of_not_converging_elsewhere() -> None:
    """A root by Newton's method: at a hundredth of the point eight steps are not enough."""

    def root(x: Any) -> Any:
        return lax.fori_loop(0, 8, lambda i, s: 0.5 * (s + x / s), 4.0 + 0 * x)

    verdict, found = warnings_of(ruled(root, lambda x: 0.5 / jnp.sqrt(x)), 16.5)
    assert verdict == "agrees" and not found
