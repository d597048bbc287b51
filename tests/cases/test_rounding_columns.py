"""Columns that are rounding themselves are computed with more digits, and a number without digits is told as such.

Truths: sinc by its series, the others by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxdiff_magic import derive

NEAR_HALF = 0.49999999999999994

# each: a function of one number, where, its first and second derivative
LOST: dict[str, tuple[Callable[..., Any], float, float, float]] = {
    "sinc": (lambda t: jnp.sinc(2 * t - 1), NEAR_HALF, 7.30497e-16, -13.1594725),
    "cosine by its quotient": (lambda t: (1 - jnp.cos(t)) / t**2, 1e-9, -8.3333333e-11, -0.08333333),
    "sine by its quotient": (lambda t: jnp.sin(t) / t, 3e-12, -1e-12, -1 / 3),
    "exponential by its quotient": (lambda t: (jnp.exp(t) - 1 - t) / t**2, 2e-10, 1 / 6, 1 / 12),
}


@pytest.mark.parametrize("name", LOST)
def test_the_column_of_the_code_is_right_where_float64_is_not(name: str) -> None:
    function, point, first, second = LOST[name]
    with jax.enable_x64(True):
        report = derive(function, cost="none", budget=30)(point)
    one, two = report.check.entries
    assert one.symbolic == pytest.approx(first, rel=1e-4)
    assert two.symbolic == pytest.approx(second, rel=1e-4)


@pytest.mark.parametrize("name", LOST)
def test_a_number_that_is_all_rounding_is_not_said_to_be_right(name: str) -> None:
    function, point, first, second = LOST[name]
    with jax.enable_x64(True):
        report = derive(function, cost="none", budget=30)(point)
    offs = []
    for entry, truth in zip(report.check.entries, (first, second), strict=True):
        off = max(abs(value - truth) for value in (entry.forward, entry.reverse) if value is not None)
        offs.append(off)
        if not off <= 0.5 * abs(second):  # nor a tenth of what is typical around
            assert entry.outcome not in ("proved", "agrees"), entry
    if max(offs) > 1e-6:  # newer versions of JAX lose none of sinc's
        assert report.verdict not in ("proved", "agrees")
