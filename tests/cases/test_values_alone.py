"""Where only function values are left to compare with, chaos accuses nobody, and wrong rules are still found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive

MAPS: dict[str, Callable[[Any], Any]] = {
    "logistic": lambda x: 3.9 * x * (1 - x),
    "Hénon": lambda x: 1 - 1.4 * x * x + 0.3 * x,
    "sine": lambda x: jnp.sin(4 * x),
    "cosine": lambda x: jnp.cos(3 * x + 1),
}


@jax.custom_jvp
def slightly_off(x):
    return x


slightly_off.defjvp(lambda primals, tangents: (primals[0], 1.01 * tangents[0]))


def iterated(name: str, times: int, wrong: bool = False) -> Callable[[Any], Any]:
    def f(x):
        x = slightly_off(x) if wrong else x
        return jax.lax.scan(lambda carry, _: (MAPS[name](carry), None), x, None, length=times)[0]

    return f


def outcome(f: Callable[[Any], Any], x: Any) -> str:
    return derive(f, cost="none", symbolic=False)(x).check.outcome


@pytest.mark.parametrize("times", [12, 24, 40])
@pytest.mark.parametrize("name", MAPS)
def test_chaos_accuses_no_right_derivative(name, times) -> None:
    with jax.enable_x64(True):
        assert outcome(iterated(name, times), np.float64(0.3)) != "differs"
    assert outcome(iterated(name, times), np.float32(0.3)) != "differs"


@pytest.mark.parametrize("name", MAPS)
def test_short_of_chaos_a_wrong_rule_differs(name) -> None:
    with jax.enable_x64(True):
        assert outcome(iterated(name, 6, wrong=True), np.float64(0.3)) == "differs"


def test_the_numeric_column_shows_no_digits_that_it_has_not_got() -> None:
    (row, *_) = derive(iterated("logistic", 30), cost="none", symbolic=False)(0.3).check.entries
    assert row.numeric is None and row.outcome == "out of reach"


def test_both_columns_are_of_the_literals_that_the_program_has() -> None:
    for row in derive(iterated("logistic", 30), cost="none")(0.3).check.entries:
        assert row.numeric == pytest.approx(row.symbolic, rel=1e-6)


def test_a_hessian_that_is_all_rounding_is_not_zero() -> None:
    found = derive(iterated("logistic", 30), cost="none")(0.3).curvature
    assert found is not None and found.definiteness == "undecided" and "digits" in found.note


def test_a_kink_that_is_nearer_than_float32_resolves_accuses_nobody() -> None:
    x = jnp.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.25]])

    def f(w):
        return jnp.sum(jnp.minimum(x @ w, jnp.array([0.5, jnp.inf, -1.0])))

    assert (
        derive(f, cost="none")(jnp.array([0.1, 0.2])).check.outcome == "out of reach"
    )  # 0.1 + 2 * 0.2 is 0.5000000075
