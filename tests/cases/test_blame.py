"""Whose fault a wrong derivative is: a transpose, a rule in fewer digits, a callback's rule; and none other's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.custom_derivatives import linear_call

from jaxdiff_magic import Report, WrongDerivative, check, derive

A = jnp.array([[2.0, 1.0], [0.5, 3.0]])
POINT = jnp.array([1.2, 0.7])


def report_of(f: Callable[..., Any]) -> Report:
    return derive(f, order=1, cost="none", budget=60.0, points=4)(POINT)


def solved(transpose: Any) -> Callable[..., Any]:
    def f(b: jax.Array) -> jax.Array:
        x = jax.lax.custom_linear_solve(
            lambda v: A @ v, b, lambda _, r: jnp.linalg.solve(A, r), lambda _, r: jnp.linalg.solve(transpose, r)
        )
        return x[0] - 2 * x[1]

    return f


def host_sine(x: jax.Array) -> jax.Array:
    shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
    return jax.pure_callback(np.sin, shape, x, vmap_method="expand_dims")


def called_with_jvp(derivative: Callable[..., Any]) -> Callable[..., Any]:
    sine_of_host = jax.custom_jvp(host_sine)
    sine_of_host.defjvp(lambda p, t: (host_sine(*p), derivative(p[0]) * t[0]))
    return lambda x: jnp.sum(sine_of_host(2 * x))


def called_with_vjp(derivative: Callable[..., Any]) -> Callable[..., Any]:
    sine_of_host = jax.custom_vjp(host_sine)
    sine_of_host.defvjp(lambda x: (host_sine(x), x), lambda x, g: (derivative(x) * g,))
    return lambda x: jnp.sum(sine_of_host(2 * x))


def tripled(transposed: float) -> Callable[..., Any]:
    return lambda x: jnp.sum(linear_call(lambda _, v: 3.0 * v, lambda _, c: transposed * c, (), x))


WRONG = {
    "a transpose_solve that does not transpose": (solved(A), "custom_linear_solve"),
    "a transpose_solve of twice the matrix": (solved(2 * A.T), "custom_linear_solve"),
    "a linear call": (tripled(2.0), "transpose given to linear_call"),
    "the jvp of a callback": (called_with_jvp(lambda x: -jnp.cos(x)), "host_sine"),
    "the vjp of a callback": (called_with_vjp(lambda x: 2 * jnp.cos(x)), "host_sine"),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_fault_is_named(name: str) -> None:
    f, named = WRONG[name]
    report = report_of(f)
    assert report.verdict == "differs" and named in report.check.summary
    (finding,) = [finding for finding in report.findings if finding.kind == "custom-rule"]
    assert finding.severity == "error" and finding.cure and "test_blame.py, line" in finding.where
    assert "rounding" not in report.check.summary
    assert "custom_linear_solve" not in named or "transpose_solve" in f"{finding.message} {finding.cure}"


RIGHT = {
    "a transpose_solve": solved(A.T),
    "a linear call": tripled(3.0),
    "the jvp of a callback": called_with_jvp(jnp.cos),
    "the vjp of a callback": called_with_vjp(jnp.cos),
}


@pytest.mark.parametrize("name", RIGHT)
def test_nobody_is_accused_who_is_right(name: str) -> None:
    report = report_of(RIGHT[name])
    assert report.verdict in ("proved", "agrees") and not report.check.faults


def in_fewer_digits(dtype: Any) -> Callable[..., Any]:
    squared = jax.custom_jvp(lambda x: x**2)
    squared.defjvp(lambda p, t: (p[0] ** 2, ((2 * p[0]).astype(dtype) * t[0].astype(dtype)).astype(p[0].dtype)))
    return lambda x: jnp.sum(squared(x))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_rule_in_fewer_digits_is_named(dtype: str) -> None:
    report = derive(in_fewer_digits(dtype), order=1, cost="none", budget=60.0, points=4)(jnp.array([1.2345, 0.7]))
    assert report.verdict not in ("proved", "agrees")
    reasons = {entry.reason for entry in report.check.entries if entry.outcome != "agrees"}
    assert reasons and all(dtype in reason for reason in reasons)


def test_a_custom_rule_is_to_be_corrected_only_where_there_is_one() -> None:
    with pytest.raises(WrongDerivative, match="transpose given to linear_call") as raised:
        check(tripled(2.0), order=1)(POINT)
    assert "custom_jvp" not in str(raised.value)
    symmetric = A.T @ A
    for reads_one in (
        lambda x: jax.lax.linalg.eigh(x, symmetrize_input=False)[1][0],
        lambda x: jnp.sum(jax.lax.linalg.cholesky(x, symmetrize_input=False)),
    ):
        if jax.grad(reads_one)(symmetric)[0, 1] == 0:  # right: this version's rule of cholesky reads one as well
            assert check(reads_one, order=1)(symmetric).outcome in ("proved", "agrees")
            continue
        with pytest.raises(WrongDerivative, match="one triangle") as raised:
            check(reads_one, order=1)(symmetric)
        assert "custom_jvp" not in str(raised.value)
