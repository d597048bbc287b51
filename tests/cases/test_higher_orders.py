"""A derivative of the third or a higher order is proved by the same means as a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive

PROVED: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "a power": (lambda x: x**4, (2.0,)),
    "sine": (jnp.sin, (0.7,)),
    "a product": (lambda x: jnp.exp(x) * x, (1.3,)),
    "tanh": (jnp.tanh, (0.4,)),
    "a logarithm": (lambda x: jnp.log(1 + x**2), (1.3,)),
    "sigmoid": (jax.nn.sigmoid, (0.2,)),
    "two arguments": (lambda x, y: x**3 * y**2, (1.3, 0.7)),
    "a vector": (lambda x: jnp.sum(x**3) * x[0], (jnp.array([1.0, 2.0]),)),
}


@pytest.mark.parametrize("name", PROVED)
def test_the_third_order_is_proved(name: str) -> None:
    f, args = PROVED[name]
    report = derive(f, order=3, cost="none", points=2, budget=60)(*args)
    entries = [entry for entry in report.check.entries if entry.what == "d3"]
    assert entries and {entry.outcome for entry in entries} == {"proved"}
    assert report.verdict == "proved"


def test_the_fourth_order_is_proved() -> None:
    report = derive(jnp.sin, order=4, cost="none", points=2, budget=60)(0.7)
    assert report.verdict == "proved"
    assert [float(report.higher[k]) for k in (3, 4)] == pytest.approx([-np.cos(0.7), np.sin(0.7)], rel=1e-5)


def test_a_third_derivative_by_a_wrong_rule_is_none_of_it() -> None:
    """Rules of rules: value, first and second derivative are right."""

    def ruled(value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Callable[[Any], Any]:
        g = jax.custom_jvp(value)
        g.defjvp(lambda p, t: (g(p[0]), slope(p[0]) * t[0]))
        return g

    minus_sine = ruled(lambda x: -jnp.sin(x), lambda x: -1.01 * jnp.cos(x))
    wrong = ruled(jnp.sin, ruled(jnp.cos, minus_sine))
    report = derive(wrong, order=3, cost="none", points=2, budget=60)(1.3)
    assert {entry.what: entry.outcome for entry in report.check.entries} == {
        "gradient": "proved",
        "hessian": "proved",
        "d3": "differs",
    }
