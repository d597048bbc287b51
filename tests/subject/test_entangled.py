"""Rules that hold values made while the function is traced: common where a rule is built in the place of its use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxdiff_magic import derive


def with_jvp(weights: Any) -> Callable[..., Any]:
    scaled = jax.custom_jvp(lambda x: x * 1.0)
    scaled.defjvp(lambda primals, tangents: (scaled(*primals), weights * tangents[0]))
    return scaled


def with_vjp(weights: Any) -> Callable[..., Any]:
    scaled = jax.custom_vjp(lambda x: x * 1.0)
    scaled.defvjp(lambda x: (scaled(x), None), lambda _, g: (weights * g,))
    return scaled


@pytest.mark.parametrize("rule", [with_jvp, with_vjp])
@pytest.mark.parametrize(("last", "verdict"), [(1.0, "agrees"), (1.01, "differs")])
def test_they_are_checked_as_any_other(rule: Callable[..., Any], last: float, verdict: str) -> None:
    def f(x: Any) -> Any:
        return jnp.sum(jnp.sin(rule(jnp.array([1.0, last]))(x)))

    report = derive(f, cost="count", budget=30)(jnp.array([0.3, 0.4]))
    assert report.verdict == verdict
    assert report.gradient is not None and report.hessian is not None
    assert not [fault for fault in report.check.faults if fault.defect == "fails"]


def test_in_a_loop() -> None:
    def f(x: Any) -> Any:
        step = with_jvp(jnp.full(2, 0.5))
        return jax.lax.fori_loop(0, 3, lambda _, v: jnp.sin(step(v)), x).sum()

    assert derive(f, cost="none", order=1, budget=30)(jnp.array([0.3, 0.4])).verdict == "differs"
