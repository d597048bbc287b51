"""A rounding bound that is wider than the derivative hides nothing: ill-conditioned, chaotic and long programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.experimental.ode import odeint

from jaxdiff_magic import derive


def ruled(value: Callable[..., Any], derivative: Callable[..., Any]) -> Callable[..., Any]:
    """A function with a derivative rule of its own."""
    function = jax.custom_jvp(value)
    function.defjvp(lambda primals, tangents: (value(*primals), derivative(primals[0]) * tangents[0]))
    return function


def sine(factor: float) -> Callable[..., Any]:
    return ruled(jnp.sin, lambda x: factor * jnp.cos(x))


def hilbert(factor: float) -> Callable[..., Any]:
    n = jnp.arange(7)
    matrix = 1 / (n[:, None] + n[None] + 1.0)
    return lambda x: jnp.sum(jnp.linalg.solve(matrix, sine(factor)(x) * jnp.ones(7)))


def logistic_map(factor: float) -> Callable[..., Any]:
    return lambda x: jax.lax.fori_loop(0, 20, lambda i, v: 3.9 * v * (1 - v), sine(factor)(x) * 0.3 + 0.2)


def gaussian_process(factor: float) -> Callable[..., Any]:
    def likelihood(length: Any) -> Any:
        x = jnp.linspace(0.0, 1.0, 8)
        y = jnp.sin(3 * x)
        kernel = ruled(lambda s: jnp.exp(-s), lambda s: -factor * jnp.exp(-s))
        covariance = kernel((x[:, None] - x[None]) ** 2 / (2 * length**2)) + 1e-6 * jnp.eye(8)
        lower = jnp.linalg.cholesky(covariance)
        return -0.5 * y @ jax.scipy.linalg.cho_solve((lower, True), y) - jnp.sum(jnp.log(jnp.diag(lower)))

    return likelihood


def descent(factor: float) -> Callable[..., Any]:
    cosine = ruled(jnp.cos, lambda x: -factor * jnp.sin(x))

    def loss_after_steps(w: Any) -> Any:
        for _ in range(20):
            w = w - 0.3 * jax.grad(lambda v: jnp.sum(jnp.cos(v) ** 2))(w)
        return jnp.sum(cosine(w))

    return loss_after_steps


def recurrent(factor: float) -> Callable[..., Any]:
    tanh = ruled(jnp.tanh, lambda x: factor * (1 - jnp.tanh(x) ** 2))

    def last_state(w: Any) -> Any:
        inputs = jnp.linspace(-1, 1, 50).astype(w.dtype)
        return jax.lax.scan(lambda h, x: (tanh(w[0] * h + w[1] * x), None), w[0] * 0 + 0.1, inputs)[0]

    return last_state


# beside the cases that people met: an inverse of a Vandermonde matrix, a tent map, a long product, sums that cancel


def vandermonde(factor: float) -> Callable[..., Any]:
    matrix = jnp.stack([jnp.linspace(0.1, 1.0, 8) ** k for k in range(8)], axis=1)
    return lambda x: jnp.linalg.inv(matrix)[7] @ sine(factor)(x * jnp.linspace(1.0, 4.0, 8))


def tent_map(factor: float) -> Callable[..., Any]:
    return lambda x: jax.lax.fori_loop(0, 30, lambda i, v: 1.9 * jnp.minimum(v, 1 - v), 0.5 * sine(factor)(x) + 0.1)


def recurrence(factor: float) -> Callable[..., Any]:
    def last_term(x: Any) -> Any:
        before, here = jnp.ones_like(x), sine(factor)(x)  # Legendre's three-term recurrence
        for k in range(1, 40):
            before, here = here, ((2 * k + 1) * x * here - k * before) / (k + 1)
        return here

    return last_term


def cancelling(factor: float) -> Callable[..., Any]:
    def sum_of_terms(x: Any) -> Any:
        big = 1e9 * jnp.cos(x)
        return jnp.sum((big + sine(factor)(x)) - big + 1e-3 * x)

    return sum_of_terms


FUNCTIONS: dict[str, tuple[Callable[[float], Callable[..., Any]], Any, float]] = {
    "hilbert": (hilbert, 0.7, -1.0),
    "logistic map": (logistic_map, 0.7, 1.3),
    "descent": (descent, [0.5, 1.0], 1.3),
    "vandermonde": (vandermonde, 0.7, 1.01),
    "tent map": (tent_map, 0.7, 1.05),
    "recurrence": (recurrence, 0.3, 1.02),
    "cancelling": (cancelling, 0.7, 1.01),
}
IN_FLOAT32: dict[str, tuple[Callable[[float], Callable[..., Any]], Any, float]] = {
    "gaussian process": (gaussian_process, 0.3, 1.02),
    "recurrent network": (recurrent, [0.9, 0.5], 1.3),
    "descent": (descent, [0.5, 1.0], 1.3),
    "logistic map": (logistic_map, 0.7, 1.3),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_wrong_rule_differs_and_is_named_in_float64(name: str) -> None:
    function, point, factor = FUNCTIONS[name]
    with jax.enable_x64(True):
        report = derive(function(factor), cost="none", order=1, points=8, budget=30)(jnp.asarray(point))
    assert report.verdict == "differs"
    assert report.check.faults


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_right_rule_is_not_accused_in_float64(name: str) -> None:
    function, point, _ = FUNCTIONS[name]
    with jax.enable_x64(True):
        report = derive(function(1.0), cost="none", order=1, points=8, budget=30)(jnp.asarray(point))
    assert report.verdict in ("proved", "agrees")


@pytest.mark.parametrize("name", IN_FLOAT32)
def test_a_wrong_rule_differs_and_is_named_in_float32(name: str) -> None:
    function, point, factor = IN_FLOAT32[name]
    report = derive(function(factor), cost="none", order=1, points=8, budget=30)(jnp.asarray(point))
    assert report.verdict == "differs"
    assert report.check.faults


@pytest.mark.parametrize("name", IN_FLOAT32)
def test_the_right_rule_is_not_accused_in_float32(name: str) -> None:
    function, point, _ = IN_FLOAT32[name]
    report = derive(function(1.0), cost="none", order=1, points=8, budget=30)(jnp.asarray(point))
    assert report.verdict != "differs"


def test_numbers_of_the_code_are_right_where_float64_has_no_useful_bound() -> None:
    with jax.enable_x64(True):
        (wrong,) = derive(hilbert(-1.0), cost="none", order=1, budget=30)(0.7).check.entries
        (chaotic,) = derive(logistic_map(1.3), cost="none", order=1, budget=30)(0.7).check.entries
    assert wrong.symbolic == pytest.approx(37.4772671769, rel=1e-9)
    assert wrong.numeric == pytest.approx(37.4772671769, rel=1e-5)
    assert chaotic.symbolic == pytest.approx(22701.07545444731, rel=1e-10)


def test_an_adjoint_of_a_differential_equation_that_is_wrong_differs() -> None:
    def end(factor: float) -> Callable[..., Any]:
        return lambda x: jnp.sum(odeint(lambda y, t: -sine(factor)(y), x, jnp.array([0.0, 0.5]))[1])

    point = jnp.array([0.5, 1.1, 2.0])
    report = derive(end(1.3), cost="none", order=1, points=4, budget=60)(point)
    assert report.verdict == "differs"
    assert report.check.entries[0].symbolic == pytest.approx(0.630943, abs=1e-5)
    assert derive(end(1.0), cost="none", order=1, points=4, budget=60)(point).verdict != "differs"


def test_an_answer_that_a_wide_bound_would_allow_is_not_called_right() -> None:
    report = derive(logistic_map(1.0), cost="none", order=1, mine="cos(x)", budget=30)(0.7)
    assert {grade.outcome for grade in report.mine} & {"right"} == set()
