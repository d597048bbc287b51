"""Kinks that only steer a loop, steps of an iteration and rounding are not called kinks of the function."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from jax import lax
from jax.experimental.ode import odeint

from jaxdiff_magic.base.budget import now, within
from jaxdiff_magic.checking.sides import Slopes, both_sides
from jaxdiff_magic.findings.kinks import find
from jaxdiff_magic.findings.smoothness.control_dependence import carrying
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import Trace, subject_trace

from .scenes import scene_of


def kinks(f: Callable[..., Any], *args: Any) -> list[Finding]:
    return [finding for finding in find(scene_of(f, *args, order=2)) if finding.severity == "warning"]


def one_side(f: Callable[[np.ndarray], np.ndarray], noise: float = 0.0, at: float = 0.0) -> Slopes:
    """Both slopes of a function of one variable, whose values are known up to some noise."""

    def values(batch: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        return f(batch[0]).reshape(-1, 1), np.full((len(batch[0]), 1), noise)

    (slopes,) = both_sides(values, [np.array(at)], np.ones((1, 1)))
    return slopes


# Fixed points and roots


@jax.custom_vjp
def fixed_point(a: jax.Array) -> jax.Array:
    """x = cos(a x), by iteration until two iterates are near."""
    return lax.while_loop(
        lambda s: jnp.abs(s[0] - s[1]) > 1e-6, lambda s: (jnp.cos(a * s[0]), s[0]), (0.5 + 0 * a, 0 * a)
    )[0]


def _fixed_backward(kept: tuple[jax.Array, jax.Array], g: jax.Array) -> tuple[jax.Array]:
    a, x = kept
    return (-g * jnp.sin(a * x) * x / (1 + a * jnp.sin(a * x)),)


fixed_point.defvjp(lambda a: (fixed_point(a), (a, fixed_point(a))), _fixed_backward)


def bisected(f: Callable[[jax.Array], jax.Array], start: jax.Array) -> jax.Array:
    def halve(ends: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        low, high = ends
        middle = 0.5 * (low + high)
        left = jnp.sign(f(middle)) == jnp.sign(f(low))
        return jnp.where(left, middle, low), jnp.where(left, high, middle)

    low, high = lax.while_loop(lambda ends: ends[1] - ends[0] > 1e-6, halve, (start - 1.0, start + 2.0))
    return 0.5 * (low + high)


def root(a: jax.Array) -> jax.Array:
    """The root of x^3 + a x - 1."""
    return lax.custom_root(lambda x: x**3 + a * x - 1, jnp.array(0.0), bisected, lambda g, y: y / g(1.0))


def test_the_stopping_test_of_a_loop_is_no_kink_of_the_function() -> None:
    f = lambda a: fixed_point(a) ** 2  # noqa: E731
    exact = mpmath.diff(lambda a: mpmath.findroot(lambda x: x - mpmath.cos(a * x), 0.8) ** 2, 0.7, 2)
    assert float(jax.jacrev(jax.grad(f))(0.7)) == pytest.approx(float(exact), rel=1e-5)  # JAX is right
    assert kinks(f, 0.7) == []


def test_a_root_by_bisection_has_no_kink_where_its_values_go_in_steps() -> None:
    exact = mpmath.diff(lambda a: mpmath.findroot(lambda x: x**3 + a * x - 1, 0.6), 1.3, 2)
    assert float(jax.grad(jax.grad(root))(1.3)) == pytest.approx(float(exact), rel=1e-4)  # JAX is right
    assert kinks(root, 1.3) == []


def test_the_step_sizes_of_an_ode_solver_do_not_bend_a_linear_solution() -> None:
    def end(y0: jax.Array) -> jax.Array:
        rate = lambda y, t: jnp.array([y[1], -2.0 * y[0]])  # noqa: E731
        return jnp.sum(odeint(rate, y0, jnp.array([0.0, 0.1]), rtol=1e-4, atol=1e-4)[-1])

    assert kinks(end, jnp.array([1.0, 0.0])) == []  # it is linear in y0: the Hessian 0 is right


# What steers


def steps_of(f: Callable[..., Any], *args: Any) -> Trace:
    return subject_trace(subject_of(f, tuple(map(jnp.asarray, args)), {}))


def reached(trace: Trace, conditions: bool) -> set[str]:
    """The primitives that the function's value is made of, those in loops and branches too."""
    found = carrying(trace, conditions)
    nested = [trace]
    for program in nested:
        nested += [body for equation in program.equations for body in equation.bodies]
    return {equation.primitive for program in nested for equation in program.equations if id(equation) in found}


def test_a_carried_error_that_only_the_stopping_test_reads_steers() -> None:
    def f(x: jax.Array) -> jax.Array:
        body = lambda s: (jnp.cos(s[0]) * x, jnp.abs(jnp.cos(s[0]) * x - s[0]))  # noqa: E731
        return lax.while_loop(lambda s: s[1] > 1e-3, body, (x, x + 1.0))[0]

    assert "cos" in reached(steps_of(f, 0.5), conditions=True)
    assert "abs" not in reached(steps_of(f, 0.5), conditions=True)


def test_a_carried_value_that_comes_back_in_the_next_iteration_is_reached() -> None:
    def f(x: jax.Array) -> jax.Array:
        return lax.fori_loop(0, 3, lambda i, s: (s[0] + s[1], jnp.abs(s[1] - 1.0)), (x, x))[0]

    def g(x: jax.Array) -> jax.Array:
        return lax.while_loop(lambda s: s[0] < 9.0, lambda s: (s[0] + s[1], jnp.abs(s[1] - 1.0)), (x, x))[0]

    assert "abs" in reached(steps_of(f, 0.5), conditions=False)
    assert "abs" in reached(steps_of(g, 0.5), conditions=False)


def test_a_size_that_only_decides_does_not_bend() -> None:
    assert kinks(lambda x: jnp.where(jnp.abs(x) < 1.0, x**2, x), 0.0) == []
    assert kinks(lambda x: lax.cond(jnp.abs(x) < 1.0, lambda x: x**2, lambda x: x, x), 0.0) == []


def test_a_jump_that_turns_a_decision_round_is_told() -> None:
    (finding,) = kinks(lambda x: jnp.where(jnp.floor(x) > 0.5, x**2, 3.0 * x), 1.0)
    assert "floor" in finding.message
    assert "f jumps: 1 here, 3 on the left, 1 on the right" in finding.message


def test_a_kink_in_the_body_of_a_loop_with_a_tolerance_is_told() -> None:
    def f(x: jax.Array) -> jax.Array:  # x + |x - 1| + half of it + …
        body = lambda s: (s[0] + s[1] * jnp.abs(x - 1.0), 0.5 * s[1])  # noqa: E731
        return lax.while_loop(lambda s: s[1] > 0.1, body, (x, 1.0 + 0.0 * x))[0]

    (finding,) = kinks(f, 1.0)
    assert "abs" in finding.message
    assert "is -0.875 from the left and 2.875 from the right" in finding.message  # 1 -+ (1 + 1/2 + 1/4 + 1/8)


# Slopes


def test_rounding_is_no_slope() -> None:
    assert kinks(lambda x: jnp.sum(jax.nn.standardize(x)), jnp.ones(3)) == []  # it is 0 everywhere
    noise = np.random.default_rng(0).uniform(-1e-13, 1e-13, 1000)
    slopes = one_side(lambda x: noise[: len(x)], noise=1e-13)
    assert not (slopes.apart | np.isinf(slopes.left.slope) | np.isinf(slopes.right.slope)).any()


def test_a_slope_that_grows_like_a_logarithm_is_infinite() -> None:
    finding, *_ = kinks(lambda x: jax.scipy.special.xlogy(x, x), 0.0)
    assert "the slope of f is undefined from the left and infinite from the right" in finding.message
    with np.errstate(all="ignore"):
        slopes = one_side(lambda x: np.where(x == 0, 0.0, x * np.log(np.abs(x))))
    assert slopes.left.slope == slopes.right.slope == -np.inf


@pytest.mark.parametrize(
    ("f", "name"),
    [(jnp.cbrt, "cbrt"), (lambda x: 1000.0 + 1e-4 * jnp.sign(x) + x, "sign")],
    ids=["a root", "a small jump"],
)
def test_slopes_that_are_infinite_on_both_sides_are_told(f: Callable[..., Any], name: str) -> None:
    (finding,) = kinks(f, 0.0)
    assert finding.message.startswith(name)
    assert "infinite from the left and infinite from the right" in finding.message


def test_a_gradient_of_infinite_slope_leaves_no_hessian() -> None:
    (finding,) = kinks(lambda x: jnp.abs(x) ** 1.5, 0.0)
    assert "there is no Hessian here" in finding.message


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (np.sin, 1.0),
        (lambda x: np.abs(x) ** 1.5 + 2 * x, 2.0),
        (lambda x: np.where(x == 0, 0.0, x * x * np.log(np.abs(x) + (x == 0))) + x, 1.0),
        (lambda x: 3 * x + np.maximum(x - 0.004, 0) - np.maximum(-x - 0.004, 0), 3.0),
    ],
    ids=["sin", "a power of 3/2", "x^2 log x", "bends nearby"],
)
def test_slopes_that_quotients_approach_at_any_rate_are_found(f: Callable[..., Any], slope: float) -> None:
    slopes = one_side(f)
    assert not slopes.apart.any()
    for side in (slopes.left, slopes.right):
        assert abs(float(side.slope[0]) - slope) <= float(side.off[0]) + 1e-12


@pytest.mark.parametrize("width", [1e-2, 1e-3, 1e-4, 1e-5, 1e-6])
def test_a_function_in_steps_has_no_two_slopes(width: float) -> None:
    rng = np.random.default_rng(1)
    for shift in rng.uniform(0.1, 0.9, 40):
        slopes = one_side(lambda x, shift=shift: width * np.floor(np.sin(x) / width + shift))
        assert not slopes.apart.any()


def test_a_bend_of_any_size_is_seen() -> None:
    for ratio in (1e-4, 1e-2, 1.0, 1e3):
        slopes = one_side(lambda x, ratio=ratio: np.exp(x) + ratio * np.abs(x), noise=1e-16)
        assert slopes.apart.all()
        assert float(slopes.right.slope[0] - slopes.left.slope[0]) == pytest.approx(2 * ratio, rel=1e-4)


# The deadline


def test_no_more_points_are_looked_at_after_the_deadline() -> None:
    asked: list[int] = []

    def slow(batch: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        asked.append(len(batch[0]))
        until = time.thread_time() + 0.05 * len(batch[0])
        while time.thread_time() < until:  # sleeping would be no work of ours
            pass
        return np.abs(batch[0])[:, :1], np.zeros((len(batch[0]), 1))

    begun = now()
    found = both_sides(slow, [np.zeros(20)], np.eye(20), deadline=begun + 2.5)
    assert now() - begun < 5.0  # of 28 seconds
    assert sum(asked) < 100
    assert 1 <= len(found) < 20
    assert found[0].apart.all()  # what was looked at is as good as ever


def test_what_is_evaluated_in_portions_is_the_same() -> None:
    def slow(batch: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        time.sleep(0.02 * len(batch[0]))
        return np.abs(batch[0][:, :1]) + batch[0] * batch[0][:1], np.full(batch[0].shape, 1e-16)

    point, directions = [np.array([0.0, 2.0])], np.eye(2)
    at_once, in_portions = (both_sides(slow, point, directions, by) for by in (np.inf, time.monotonic() + 60.0))
    assert [one.left.slope.tolist() for one in at_once] == [one.left.slope.tolist() for one in in_portions]
    assert [one.right.slope.tolist() for one in at_once] == [one.right.slope.tolist() for one in in_portions]


def test_a_fast_function_is_looked_at_though_the_time_is_spent() -> None:
    scene = replace(scene_of(jnp.abs, 0.0, order=2), deadline=within(-1.0))
    (finding,) = [finding for finding in find(scene) if finding.severity == "warning"]
    assert "-1 from the left and 1 from the right" in finding.message
