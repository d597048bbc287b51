"""Less time may leave something undecided; it never makes a wrong derivative right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxdiff_magic import derive


def scaled(weights: Any) -> Callable[..., Any]:
    """The identity, whose rule multiplies by weights."""
    function = jax.custom_jvp(lambda x: x * 1.0)
    function.defjvp(lambda primals, tangents: (function(primals[0]), weights * tangents[0]))
    return function


ONE_OFF = jnp.ones(1000).at[999].set(1.001)

WRONG: dict[str, tuple[Callable[..., Any], Any]] = {
    "last of a cumulative sum": (lambda x: jnp.cumsum(scaled(ONE_OFF)(x))[-3:], jnp.linspace(0.0, 1.0, 1000)),
    # beside the case that people met
    "mean of squares": (lambda x: jnp.mean(scaled(ONE_OFF)(x) ** 2), jnp.linspace(0.5, 1.0, 1000)),
    "log of a sum": (lambda x: jnp.log(jnp.sum(jnp.exp(scaled(ONE_OFF[-40:])(x)))), jnp.linspace(0.5, 1.0, 40)),
    "few inputs": (lambda x: jnp.sum(jnp.sin(scaled(jnp.array([1.0, 1.01]))(x))), jnp.array([0.3, 0.4])),
}


@pytest.mark.parametrize("budget", [0.0, 0.5])
@pytest.mark.parametrize("name", WRONG)
def test_an_entry_that_is_wrong_by_a_thousandth_is_not_agreed_with(name: str, budget: float) -> None:
    function, point = WRONG[name]
    report = derive(function, cost="none", order=1, points=4, budget=budget)(point)
    assert report.verdict in ("differs", "out of reach")


def test_without_time_or_points_a_right_derivative_is_not_accused() -> None:
    function = lambda x: jnp.cumsum(scaled(jnp.ones(1000))(x))[-3:]  # noqa: E731
    report = derive(function, cost="none", order=1, points=0, budget=0.0)(jnp.linspace(0.0, 1.0, 1000))
    assert report.verdict != "differs"


def test_without_random_points_a_wrong_rule_differs_at_the_point() -> None:
    function, point = WRONG["few inputs"]
    assert derive(function, cost="none", order=1, points=0, budget=0.0)(point).verdict == "differs"
