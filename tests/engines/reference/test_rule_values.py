"""JAX's own rules, run in the reference's arithmetic along unit directions, give JAX's Jacobians and Hessians."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic.checking.rules import RuleName, rule_trace, rule_values
from jaxdiff_magic.engines.reference import rule_values as engine
from jaxdiff_magic.engines.reference.directions import Found
from jaxdiff_magic.engines.reference.rule_values import NotLinear

from .agreement import subject_in_float64

X = np.array([0.3, -0.8, 1.1])
W = np.arange(6.0).reshape(2, 3) / 7 - 0.5


def found(rule: RuleName, path: tuple[int, ...], f: Callable[..., Any], *args: Any) -> Found:
    with jax.enable_x64(True):
        subject = subject_in_float64(f, *args)
        values = rule_values(subject, rule, rule_trace(subject, rule))
    return values.evaluate(path, [np.asarray(arg, np.float64)[None] for arg in args])


def assert_close(ours: Found, theirs: Any) -> None:
    np.testing.assert_allclose(ours.values[0], np.asarray(theirs), rtol=1e-12, atol=1e-14)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "elementwise": lambda x, w: jnp.sin(x) * jnp.sum(w),
    "a network": lambda x, w: jnp.tanh(w @ x),
    "a scalar": lambda x, w: jnp.sum(jnp.exp(w @ x)),
    "a scan": lambda x, w: lax.scan(lambda c, row: (jnp.sin(row @ x) * c, c), 1.0, w)[0],
    "a solver": lambda x, w: jnp.linalg.solve(w @ w.T + jnp.eye(2), w @ x),
    "a sort": lambda x, w: jnp.sort(x)[:2] * (w @ x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_first_derivatives_are_jax_s(name: str) -> None:
    f = FUNCTIONS[name]
    with jax.enable_x64(True):
        jacobians = jax.jit(jax.jacfwd(f, (0, 1)))(jnp.asarray(X), jnp.asarray(W))
    for position, jacobian in enumerate(jacobians):
        assert_close(found("forward", (0, position), f, X, W), jacobian)
        assert_close(found("reverse", (0, position), f, X, W), jacobian)


S = np.array([[2.0, 0.3, 0.1, 0.0], [0.1, 3.0, 0.2, 0.5], [0.4, -0.1, 5.0, 0.3], [0.0, 0.2, 0.1, 4.0]])
LIBRARY: dict[str, Callable[[Any], Any]] = {
    "inv": jnp.linalg.inv,
    "det": jnp.linalg.det,
    "slogdet": lambda m: jnp.linalg.slogdet(m)[1],
    "solve, in its matrix": lambda m: jnp.linalg.solve(m, jnp.ones(4)),
    "solve, in its right side": lambda m: jnp.linalg.solve(S, m[0]),
    "solve, in both": lambda m: jnp.linalg.solve(m, m[0]),
    "cholesky": lambda m: jnp.linalg.cholesky(m @ m.T),
    "inv of inv": lambda m: jnp.linalg.inv(jnp.linalg.inv(m) + jnp.eye(4)),
}


@pytest.mark.parametrize("name", LIBRARY)
def test_rules_of_library_functions_are_not_taken_for_the_functions(name: str) -> None:
    f = LIBRARY[name]
    with jax.enable_x64(True):
        jacobian = jax.jit(jax.jacfwd(f))(jnp.asarray(S))
    assert_close(found("forward", (0, 0), f, S), jacobian)
    assert_close(found("reverse", (0, 0), f, S), jacobian)


def test_second_derivatives_of_library_functions_are_jax_s() -> None:
    f = lambda m: jnp.linalg.slogdet(m)[1] + jnp.sum(jnp.linalg.solve(m, m[0]))  # noqa: E731
    with jax.enable_x64(True):
        hessian = jax.jit(jax.hessian(f))(jnp.asarray(S))
    assert_close(found("second", (0, 0, 0), f, S), hessian)


@pytest.mark.parametrize("name", ["a network", "a scalar"])
def test_second_derivatives_are_jax_s(name: str) -> None:
    f = FUNCTIONS[name]
    with jax.enable_x64(True):
        hessian = jax.jit(jax.hessian(f, (0, 1)))(jnp.asarray(X), jnp.asarray(W))
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert_close(found("second", (0, i, j), f, X, W), hessian[i][j])


def test_portions_of_the_points_give_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    with jax.enable_x64(True):
        subject = subject_in_float64(FUNCTIONS["a network"], X, W)
        trace = rule_trace(subject, "forward")
        points = [np.stack([X, 2 * X, X**2]), np.stack([W, W**2, -W])]
        whole = rule_values(subject, "forward", trace).evaluate((0, 1), points)
        monkeypatch.setattr(engine, "MAX_RUN_NUMBERS", 200)
        cut = rule_values(subject, "forward", trace).evaluate((0, 1), points)
    np.testing.assert_array_equal(whole.values, cut.values)


def with_jvp(rule: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    g = jax.custom_jvp(lambda x: jnp.sin(x))
    g.defjvp(lambda p, t: (jnp.sin(*p), rule(*p, *t)))
    return g


def test_a_wrong_rule_is_seen_as_it_is() -> None:
    wrong = with_jvp(lambda x, t: 1.001 * jnp.cos(x) * t)
    for mode in ("forward", "reverse"):
        assert_close(found(mode, (0, 0), wrong, X), np.diag(1.001 * np.cos(X)))


def clipped(x: jax.Array) -> jax.Array:
    g = jax.custom_vjp(lambda x: x)
    g.defvjp(lambda x: (x, None), lambda _, cotangent: (jnp.clip(cotangent, -1.0, 1.0),))
    return g(x)


NOT_LINEAR: dict[str, tuple[RuleName, Callable[[Any], Any]]] = {
    "a clipped cotangent": ("reverse", lambda x: 3.0 * clipped(x)),
    "a clipped cotangent in a sum": ("reverse", lambda x: jnp.sum(clipped(x) * x)),
    "a squared tangent": ("forward", with_jvp(lambda x, t: jnp.cos(x) * t**2)),
    "the size of a tangent": ("forward", with_jvp(lambda x, t: jnp.cos(x) * jnp.abs(t))),
    "a constant beside the tangent": ("forward", with_jvp(lambda x, t: jnp.cos(x) * t + 0.1)),
    "a normalised tangent": ("forward", with_jvp(lambda x, t: t / jnp.sqrt(jnp.sum(t**2) + 1e-30))),
}


@pytest.mark.parametrize("name", NOT_LINEAR)
def test_a_rule_that_is_not_linear_in_its_direction_is_none(name: str) -> None:
    rule, f = NOT_LINEAR[name]
    with pytest.raises(NotLinear, match="not linear"):
        found(rule, (0, 0), f, X)


def test_a_linear_rule_of_very_different_sizes_is_linear() -> None:
    f = lambda x: jnp.stack([1e12 * x[0], x[1], 1e-12 * x[2]])  # noqa: E731
    assert_close(found("forward", (0, 0), f, X), np.diag([1e12, 1.0, 1e-12]))
