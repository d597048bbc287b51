"""What is smooth at a seam is decided there: choices whose sides have the same value and the same derivatives.

A choice (max, abs, where, sort …) that is at a tie is no kink where all pieces that meet have the derivatives
asked for in common: JAX's number is then right or wrong. Where they have not, nothing is decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import WrongDerivative, check, derive
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.report import Check
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

relu = jax.nn.relu


@pytest.fixture(autouse=True)
def in_float64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def checked(f: Callable[..., Any], x: Any, order: int = 2) -> Check:
    return check(f, order=order, points=2, budget=60.0)(jnp.asarray(x, jnp.float64))


def huber(x: Any) -> Any:
    return jnp.where(jnp.abs(x) <= 1, 0.5 * x * x, jnp.abs(x) - 0.5)


def own_logcosh(x: Any) -> Any:
    return jnp.abs(x) + jnp.log1p(jnp.exp(-2 * jnp.abs(x))) - jnp.log(2.0)


def spline(x: Any) -> Any:
    return relu(x) ** 3 - 2 * relu(x - 1) ** 3 + relu(x - 2) ** 3


E = float(np.e)

# function, point, gradient and Hessian by hand
SMOOTH: dict[str, tuple[Callable[..., Any], Any, Any, Any]] = {
    "softplus": (jax.nn.softplus, 0.0, 0.5, 0.25),
    "logaddexp": (lambda x: jnp.logaddexp(x[0], x[1]), [1.0, 1.0], [0.5, 0.5], [[0.25, -0.25], [-0.25, 0.25]]),
    "log_sigmoid": (jax.nn.log_sigmoid, 0.0, 0.5, -0.25),
    "logsumexp": (
        lambda x: jax.nn.logsumexp(x),
        [1.0, 1.0, 0.0],
        np.array([E, E, 1]) / (2 * E + 1),
        (np.diag([E, E, 1]) * (2 * E + 1) - np.outer([E, E, 1], [E, E, 1])) / (2 * E + 1) ** 2,
    ),
    "huber": (huber, 0.0, 0.0, 1.0),
    "the square of abs": (lambda x: jnp.abs(x) ** 2, 0.0, 0.0, 2.0),
    "one formula twice": (lambda x: jnp.where(x > 0, x, x * 1.0), 0.0, 1.0, 0.0),
    "the cube of relu": (lambda x: relu(x) ** 3, 0.0, 0.0, 0.0),
    "two that touch": (lambda x: jnp.maximum(jnp.sin(x), x), 0.0, 1.0, 0.0),
    "clip at a flat tie": (lambda x: jnp.clip(x**3, 0.0, 1.0), 0.0, 0.0, 0.0),
    "a sum over equal elements": (lambda x: jnp.max(x) + jnp.min(x), [1.0, 1.0], [1.0, 1.0], np.zeros((2, 2))),
    "sorted equal elements": (lambda x: jnp.sum(jnp.sort(x) ** 2), [1.0, 1.0, 2.0], [2.0, 2.0, 4.0], 2 * np.eye(3)),
    "log cosh": (own_logcosh, 0.0, 0.0, 1.0),
    "logaddexp of opposite sides": (lambda x: jnp.logaddexp(x, -x), 0.0, 0.0, 1.0),
    "arctan2 off its cut": (lambda x: jnp.arctan2(x[0], x[1]), [0.0, 1.0], [1.0, 0.0], [[0.0, -1.0], [-1.0, 0.0]]),
    "sign of a flat root": (lambda x: jnp.sign(x) * x**3, 0.0, 0.0, 0.0),
    "the middle of a line of interp": (lambda x: jnp.interp(x, jnp.arange(3.0), jnp.arange(3.0)), 1.0, 1.0, 0.0),
    "a cubic spline at its knots": (spline, 1.0, 3.0, 6.0),
    "cos of abs": (lambda x: jnp.cos(jnp.abs(x)), 0.0, 0.0, -1.0),
    "sinc": (jnp.sinc, 0.0, 0.0, -(np.pi**2) / 3),
    "tied all around": (lambda x: jnp.maximum(2 * x, x + x) ** 2, 1.5, 12.0, 8.0),
    "the largest of equals": (lambda x: jnp.max(jnp.stack([x, x, x])) ** 2, 1.5, 3.0, 2.0),
    "some of many": (
        lambda x: jnp.sum(jnp.where(x >= 0, x, x) ** 2),
        [0.0, -1.0, 0.0, 2.0],
        [0.0, -2.0, 0.0, 4.0],
        2 * np.eye(4),
    ),
    "in a loop": (
        lambda x: jax.lax.scan(lambda c, t: (c + relu(t) ** 3, None), x[0], x)[0],
        [0.0, 0.0, 1.0],
        [1.0, 0.0, 3.0],
        np.diag([0.0, 0.0, 6.0]),
    ),
    "pieces that share first and mixed derivatives": (
        lambda x: jnp.where(x[0] > 0, x[0] * x[1], x[0] * jnp.sin(x[1])),
        [0.0, 0.0],
        [0.0, 0.0],
        [[0.0, 1.0], [1.0, 0.0]],
    ),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_a_seam_at_which_all_pieces_agree_is_decided(name: str) -> None:
    f, x, gradient, hessian = SMOOTH[name]
    found = checked(f, x)
    assert found.outcome in ("agrees", "proved"), found.summary
    shown = [np.array([e.symbolic for e in found.entries if e.what == what]) for what in ("gradient", "hessian")]
    assert shown[0] == pytest.approx(np.ravel(gradient), abs=1e-14)
    assert shown[1] == pytest.approx(np.ravel(hessian), abs=1e-13)


FIRST: dict[str, tuple[Callable[..., Any], Any, Any]] = {
    "the square of relu": (lambda x: relu(x) ** 2, 0.0, 0.0),
    "x |x|": (lambda x: x * jnp.abs(x), 0.0, 0.0),
    "huber where it turns": (huber, 1.0, 1.0),
    "squared hinges": (lambda x: jnp.sum(relu(1 - x) ** 2), [1.0, 0.5, 1.0], [0.0, -1.0, 0.0]),
    "elu": (jax.nn.elu, 0.0, 1.0),
    "soft sign": (jax.nn.soft_sign, 0.0, 1.0),
    "distance to a box, squared": (lambda x: jnp.sum((x - jnp.clip(x, -1.0, 1.0)) ** 2), [1.0, 3.0], [0.0, 4.0]),
}


@pytest.mark.parametrize("name", FIRST)
def test_a_seam_of_the_second_derivative_is_one_of_that_alone(name: str) -> None:
    f, x, gradient = FIRST[name]
    found = checked(f, x)
    first = [entry for entry in found.entries if entry.what == "gradient"]
    assert {entry.outcome for entry in first} <= {"agrees", "proved"}
    assert np.array([entry.symbolic for entry in first]) == pytest.approx(np.ravel(gradient), abs=1e-14)
    assert "out of reach" in {entry.outcome for entry in found.entries if entry.what == "hessian"}
    assert checked(f, x, order=1).outcome in ("agrees", "proved")


# function, point, JAX's number of the first entry that is wrong, the right one
WRONG: dict[str, tuple[Callable[..., Any], Any, float, float]] = {
    "x as a difference of relus": (lambda x: relu(x) - relu(-x), 0.0, 0.0, 1.0),
    "a product that a where cuts off": (lambda x: x * jnp.where(x == 0, 0.0, x), 0.0, 0.0, 2.0),
    "the square of hypot": (lambda x: jnp.hypot(x[0], x[1]) ** 2, [0.0, 0.0], 0.5, 2.0),
    "x as where and its mirror": (lambda x: jnp.where(x > 0, x, 0.0) + jnp.where(x < 0, x, 0.0), 0.0, 0.0, 1.0),
    "sin(x) / x, guarded": (
        lambda x: jnp.where(x == 0, 1.0, jnp.sin(x) / jnp.where(x == 0, 1.0, x)),
        0.0,
        0.0,
        -1 / 3,
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_where_the_derivative_exists_another_number_differs(name: str) -> None:
    f, x, given, right = WRONG[name]
    with pytest.raises(WrongDerivative):
        checked(f, x)
    report = derive(f, points=2, cost="none", budget=60.0)(jnp.asarray(x))
    wrong = next(entry for entry in report.check.entries if entry.outcome == "differs")
    if name == "the square of hypot" and np.isnan(jax.grad(f)(jnp.asarray(x))).any():  # JAX 0.12 divides 0 by 0
        given, right = np.nan, 0.0
    assert (wrong.forward, wrong.symbolic) == pytest.approx((given, right), abs=1e-12, nan_ok=True)


# functions and points at which the gradient (order 1) or the Hessian (order 2) does not exist
KINKS: dict[str, tuple[Callable[..., Any], Any, int]] = {
    "relu": (relu, 0.0, 1),
    "abs": (jnp.abs, 0.0, 1),
    "max with different slopes": (lambda x: jnp.maximum(x[0], 2 * x[1]), [2.0, 1.0], 1),
    "max with equal slopes": (lambda x: jnp.maximum(x[0], x[1]), [1.0, 1.0], 1),
    "a small kink on a slope": (lambda x: x + 1e-9 * jnp.abs(x), 0.0, 1),
    "a narrow wedge": (lambda x: jnp.where(x[0] > 50 * jnp.abs(x[1]), x[0] - 50 * jnp.abs(x[1]), 0.0), [0.0, 0.0], 1),
    "a narrow wedge, turned": (lambda x: relu(x[0] + x[1] - 50 * jnp.abs(x[0] - x[1])), [0.0, 0.0], 1),
    "a jump": (lambda x: jnp.where(x > 0, x + 1, x), 0.0, 1),
    "one point elsewhere": (lambda x: jnp.where(x == 0, 5.0, jnp.cos(x)), 0.0, 1),
    "oscillation": (lambda x: jnp.where(x == 0, 0.0, x**2 * jnp.sin(1 / jnp.where(x == 0, 1.0, x))), 0.0, 2),
    "the largest of three": (lambda x: jnp.max(x), [1.0, 1.0, 1.0], 1),
    "the median": (lambda x: jnp.median(x), [1.0, 1.0, 1.0], 1),
    "the root of abs": (lambda x: jnp.sqrt(jnp.abs(x)), 0.0, 1),
    "a branch": (lambda x: jax.lax.cond(x > 0, lambda v: v, lambda v: 2 * v, x), 0.0, 1),
    "nested relus": (lambda x: relu(x[0] - relu(x[1] - relu(x[2]))), [0.0, 0.0, 0.0], 1),
    "the remainder": (lambda x: jnp.mod(x, 1.0), 1.0, 1),
    "x |x| at second order": (lambda x: x * jnp.abs(x), 0.0, 2),
    "a small kink of the slope": (lambda x: x**2 + 1e-9 * x * jnp.abs(x), 0.0, 2),
    "mixed partials that differ": (
        lambda x: jnp.where(
            jnp.all(x == 0),
            0.0,
            x[0] * x[1] * (x[0] ** 2 - x[1] ** 2) / jnp.where(jnp.all(x == 0), 1.0, x[0] ** 2 + x[1] ** 2),
        ),
        [0.0, 0.0],
        2,
    ),
}


@pytest.mark.parametrize("name", KINKS)
def test_a_kink_is_none_of_them(name: str) -> None:
    f, x, order = KINKS[name]
    subject = subject_of(f, (jnp.asarray(x),), {})
    reference = Reference(subject_trace(subject))
    point = [np.asarray(x, np.float64)[None] for x in subject.exact_point]
    assert reference.evaluate((0, *[0] * order), point).at_tie[0]


@pytest.mark.parametrize("name", ["relu", "abs", "max with equal slopes", "a narrow wedge, turned", "the remainder"])
def test_at_a_kink_nothing_agrees(name: str) -> None:
    f, x, order = KINKS[name]
    found = checked(f, x, order)
    assert {entry.outcome for entry in found.entries} == {"out of reach"}


def test_many_seams_at_once() -> None:
    f = lambda x: jnp.sum(jax.nn.softplus(x)) + jnp.sum(relu(x) ** 3)  # noqa: E731
    found = checked(f, np.zeros(30))
    assert found.outcome in ("agrees", "proved")


def test_digits_of_a_derivative_at_a_seam() -> None:
    report = derive(lambda x: jax.nn.softplus(x) ** 2, cost="none", points=2)(jnp.asarray(0.0))
    log2 = 0.69314718055994530941723212145818  # (s²)'' = 2 s'² + 2 s s'' = 1/2 + log(2) / 2
    assert float(report.precise("hessian")) == pytest.approx(0.5 + 0.5 * log2, rel=1e-15)


def test_in_float32() -> None:
    with jax.enable_x64(False):
        for f in (jax.nn.softplus, lambda x: jnp.abs(x) ** 2, huber):
            found = check(f, points=2)(jnp.float32(0.0))
            assert found.outcome in ("agrees", "proved"), found.summary


# functions that ask whether a value is NaN or infinite, which it is at 0 alone: they jump, or have f'(0) and f''(0)
JUMPS = {
    "nan_to_num of 1 / x": lambda x: jnp.nan_to_num(1 / x),
    "an infinity put to 0": lambda x: jnp.nan_to_num(1 / x, posinf=0.0, neginf=0.0),
    "isfinite of a logarithm": lambda x: jnp.where(jnp.isfinite(jnp.log(x)), jnp.log(x), -5.0),
    "isinf": lambda x: jnp.where(jnp.isinf(1 / x), 3.0, jnp.cos(x) + 7.0),
}
FILLED = {
    "sin(x) / x": (lambda x: jnp.nan_to_num(jnp.sin(x) / x, nan=1.0), 0.0, -1 / 3),
    "expm1(x) / x": (lambda x: jnp.where(jnp.isnan(jnp.expm1(x) / x), 1.0, jnp.expm1(x) / x), 0.5, 1 / 3),
    "(1 - cos(x)) / x²": (lambda x: jnp.where(x == x / x * x, (1 - jnp.cos(x)) / x**2, 0.5), 0.0, -1 / 12),
    "log1p(x) / x": (lambda x: jnp.where(jnp.isfinite(jnp.log1p(x) / x), jnp.log1p(x) / x, 1.0), -0.5, 2 / 3),
}


@pytest.mark.parametrize("name", JUMPS)
def test_where_a_function_jumps_no_number_is_its_derivative(name) -> None:
    found = derive(JUMPS[name], cost="none")(0.0).check
    assert not [entry for entry in found.entries if entry.outcome in ("agrees", "proved")]
    assert not [entry for entry in found.entries if entry.reason.endswith("not finite, the derivative is")]


@pytest.mark.parametrize("name", FILLED)
def test_a_gap_that_is_filled_is_none(name) -> None:
    f, slope, curvature = FILLED[name]
    gradient, hessian = derive(f, cost="none")(0.0).check.entries
    assert gradient.symbolic == pytest.approx(slope, abs=1e-9)
    assert hessian.symbolic == pytest.approx(curvature, abs=1e-9)
    assert gradient.outcome == "differs"
