"""Functions that are found by iteration: their rules are those of what it converges to, and some never end."""

from __future__ import annotations

import time
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic import derive
from jaxdiff_magic.checking.points import sample
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace


def implicit(tolerance: float, factor: float = 1.0, sign: float = 1.0) -> Any:
    """x with x = cos(a x), by a loop that stops at a tolerance; its rule differentiates the equation."""

    @jax.custom_vjp
    def solve(a: Any) -> Any:
        start = (0.5 + 0 * a, 0 * a)
        return lax.while_loop(lambda s: jnp.abs(s[0] - s[1]) > tolerance, lambda s: (jnp.cos(a * s[0]), s[0]), start)[0]

    def forward(a: Any) -> Any:
        x = solve(a)
        return x, (a, x)

    def backward(residuals: Any, g: Any) -> Any:
        a, x = residuals
        s = jnp.sin(a * x)
        return (-factor * g * s * x / (1 + sign * a * s),)

    solve.defvjp(forward, backward)
    return solve


def true_slope(a: float) -> float:
    """By mpmath: dx/da of x = cos(a x)."""
    with mpmath.workdps(30):
        return float(mpmath.diff(lambda t: mpmath.findroot(lambda x: x - mpmath.cos(t * x), 0.7), a))


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-5, 1e-6])
def test_a_right_rule_of_a_truncated_iteration_is_not_accused(tolerance: float) -> None:
    report = derive(implicit(tolerance), cost="none")(0.7)
    assert abs(float(report.gradient) - true_slope(0.7)) < tolerance
    if tolerance > 1e-5:
        assert report.verdict == "out of reach"
        assert "converge" in report.check.summary
    else:  # the code has come as near to the solution as rounding lets anyone see
        assert report.verdict in ("agrees", "out of reach")
    assert not report.check.faults
    assert not [f for f in report.findings if f.kind in ("custom-rule", "precision")]


@pytest.mark.parametrize("wrong", [{"sign": -1.0}, {"factor": 1.01}, {"factor": -1.0}])
def test_a_wrong_rule_of_an_iteration_is(wrong: dict[str, float]) -> None:
    report = derive(implicit(1e-6, **wrong), cost="none")(0.7)
    assert report.verdict == "differs"
    assert report.check.fault is not None
    assert report.check.fault.name == "solve"


def test_a_few_newton_steps_agree_at_small_and_large_numbers_alike() -> None:
    @jax.custom_jvp
    def root(x: Any) -> Any:
        return lax.fori_loop(0, 12, lambda _, y: 0.5 * (y + x / y), jnp.ones_like(x))

    @root.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        y = root(*primals)
        return y, tangents[0] / (2 * y)

    for point in ([0.5, 2.0, 10.0], [0.01, 0.02, 5.0], [0.1, 2.0, 10.0]):
        assert derive(root, cost="none", order=1)(jnp.array(point)).verdict == "agrees"


def test_no_sampled_number_changes_its_sign() -> None:
    point = jnp.array([1e-6, 0.0, -3.0, 1e5])
    subject = subject_of(lambda x: x, (point,), {})
    (batch,) = sample(subject, 500, np.random.default_rng(0))
    for k in (0, 2, 3):
        assert (np.sign(batch[:, k]) == np.sign(point[k])).all()
        assert 0.05 < np.std(batch[1:, k]) / abs(float(point[k])) < 0.2
    assert np.std(batch[1:, 1]) > 1.0


@pytest.mark.parametrize(
    ("loop", "at"),
    [
        (lambda a: lax.while_loop(lambda s: s > 1e-3, lambda s: s * a, a), 0.95),  # for ever from 1 on
        (lambda a: lax.while_loop(lambda s: s < 5, lambda s: s**3, a), 1.01),  # for ever below 1
    ],
)
@pytest.mark.parametrize("symbolic", [True, False])
def test_a_loop_that_never_ends_nearby_is_not_waited_for(loop: Any, at: float, symbolic: bool) -> None:
    started = time.monotonic()
    report = derive(loop, budget=1.0, cost="none", symbolic=symbolic)(at)
    assert time.monotonic() - started < 60
    assert report.verdict in ("agrees", "out of reach")
    assert np.isfinite(report.gradient)


def test_where_loops_end_is_found_out_before_jax_runs_them() -> None:
    subject = subject_of(lambda a: lax.while_loop(lambda s: s > 1e-3, lambda s: s * a, a), (0.5,), {})
    points = [np.array([0.5, 0.6, 1.5, 0.9])]
    assert Reference(subject_trace(subject)).ends(points, time.monotonic() + 60).tolist() == [True, True, False, True]
    assert Reference(subject_trace(subject)).ends(points, 0.0).tolist() == [True, False, False, False]


def test_a_choice_in_the_rule_alone_does_not_hide_that_it_is_wrong_here() -> None:
    @jax.custom_jvp
    def f(x: Any) -> Any:
        return jnp.sin(x) ** 2

    f.defjvp(lambda p, t: (f(*p), jnp.sin(2 * p[0]) * t[0] * jnp.where(p[0] == 0, 2.0, 1.0)))
    report = derive(f, cost="none")(0.0)
    assert float(report.hessian) == 4.0  # 2 cos 0 is right
    assert report.verdict == "differs"
    assert not [finding for finding in report.findings if finding.kind == "precision"]


def test_what_float64_would_not_cure_is_no_loss_of_digits() -> None:
    @jax.custom_jvp
    def rounded(x: Any) -> Any:
        return jnp.exp(x)

    rounded.defjvp(lambda p, t: (rounded(*p), jnp.exp(p[0]).astype(jnp.bfloat16).astype(p[0].dtype) * t[0]))
    report = derive(rounded, cost="none")(0.7)
    assert report.verdict == "differs"  # the rule rounds, the function does not
    assert not [finding for finding in report.findings if finding.kind == "precision"]


@pytest.mark.parametrize("power", [2, 3])
def test_a_gradient_that_vanishes_at_a_tie_is_one(power: int) -> None:
    report = derive(lambda x: jax.nn.relu(x) ** power, order=1, cost="none")(0.0)
    assert float(report.gradient) == 0.0
    assert report.verdict == "agrees"


def test_a_jump_at_a_tie_is_none() -> None:
    assert derive(lambda x: jnp.where(x > 0, 1e-3, 0.0), order=1, cost="none")(0.0).verdict == "out of reach"
