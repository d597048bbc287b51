"""A kink at the point is named with its line, its two slopes and JAX's convention; smooth functions are left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic import Report, derive
from jaxdiff_magic.findings.kinks import find
from jaxdiff_magic.report import Finding

from .scenes import scene_of

Function = Callable[..., Any]
TIE = "a choice is at a tie here: "


def inspect(f: Function, *args: Any) -> Report:
    return derive(f, cost="none", points=2)(*args)


def kinks(f: Function, *args: Any) -> list[Finding]:
    return find(scene_of(f, *args, order=2))


def warnings(f: Function, *args: Any) -> list[Finding]:
    return [finding for finding in kinks(f, *args) if finding.severity == "warning"]


def rectified(x: jax.Array) -> jax.Array:
    return jnp.sum(jax.nn.relu(x) * 3.0)


# what is at a tie; left and right slope along the element named; what JAX returns, and its reason
AT_KINKS: dict[str, tuple[Function, Any, str, str, str, str]] = {
    "relu": (rectified, [0.0, 1.0], "x[0]", "0 from the left and 3 from the right", "JAX returns 0", "rule of relu"),
    "abs": (lambda x: jnp.abs(x), 0.0, "x", "-1 from the left and 1 from the right", "JAX returns 1", "slope +1 at 0"),
    "maximum": (
        lambda x: jnp.maximum(x[0], x[1]) ** 2,
        [2.0, 2.0],
        "x[0]",
        "0 from the left and 4 from the right",
        "JAX returns 2",
        "half of the slope",
    ),
    "a clip": (
        lambda x: jnp.clip(x, -1.0, 1.0),
        1.0,
        "x",
        "1 from the left and 0 from the right",
        "JAX returns 0.5",
        "half of the slope",
    ),
    "where": (
        lambda x: jnp.sum(jnp.where(x > 1.0, x**2, x)),
        [1.0, 3.0],
        "x[0]",
        "1 from the left and 2 from the right",
        "JAX returns 1",
        "the branch that the condition picks",
    ),
    "cond": (
        lambda x: lax.cond(x >= 1.0, lambda x: x**2, lambda x: x, x),
        1.0,
        "x",
        "1 from the left and 2 from the right",
        "JAX returns 2",
        "the branch that the condition picks",
    ),
    "a leaky relu of a shifted value": (
        lambda x: jax.nn.leaky_relu(x - 1.0, 0.25),
        1.0,
        "x",
        "0.25 from the left and 1 from the right",
        "JAX returns 1",
        "the branch that the condition picks",
    ),
}


@pytest.mark.parametrize("name", AT_KINKS)
def test_trap_s4_both_slopes_are_told_and_why_jax_returns_what_it_does(name: str) -> None:
    f, x, element, slopes, returned, why = AT_KINKS[name]
    finding = kinks(f, jnp.array(x))[0]
    assert (finding.kind, finding.severity, finding.path) == ("kink", "warning", element)
    assert finding.where.startswith("test_kinks.py, line ")
    assert f"Along {element}, the slope of" in finding.message
    assert f"is {slopes}; {returned}, " in finding.message
    assert why in finding.message


@pytest.mark.parametrize("name", ["maximum", "where", "cond"])
def test_at_a_kink_no_derivative_agrees(name: str) -> None:
    f, x, *_ = AT_KINKS[name]
    report = inspect(f, jnp.array(x))
    first = [entry for entry in report.check.entries if entry.what == "gradient" and entry.outcome == "out of reach"]
    assert all(entry.reason.startswith(TIE) and "test_kinks.py, line " in entry.reason for entry in first)
    assert report.findings[0].kind == "kink"


def test_the_conventions_that_are_told_are_those_of_jax() -> None:
    assert jax.grad(jax.nn.relu)(0.0) == 0.0
    assert jax.grad(jnp.abs)(0.0) == 1.0
    assert list(jax.grad(lambda x: jnp.maximum(x[0], x[1]))(jnp.array([2.0, 2.0]))) == [0.5, 0.5]
    assert list(jax.grad(jnp.max)(jnp.array([1.0, 3.0, 3.0]))) == [0.0, 0.5, 0.5]
    assert list(jax.grad(lambda x: jnp.sort(x)[0])(jnp.array([1.0, 1.0]))) == [1.0, 0.0]


def test_the_line_and_its_text_are_those_of_the_reader() -> None:
    finding = kinks(rectified, jnp.array([0.0, 1.0]))[0]
    assert "relu in `return jnp.sum(jax.nn.relu(x) * 3.0)` is at its kink: x[0] is 0." in finding.message
    assert finding.where.endswith(f"line {rectified.__code__.co_firstlineno + 1}")


class TestTrapS2ARuleThatDepartsAtTheKinkOnlyIsNoError:
    def test_relu_at_zero_is_out_of_reach(self) -> None:
        report = inspect(jax.nn.relu, 0.0)
        assert report.verdict == "out of reach"
        assert report.check.entries[0].reason.startswith(TIE)

    @pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
    def test_any_slope_between_the_two_is_a_convention(self, slope: float) -> None:
        assert inspect(self.rectifier(slope), jnp.array([0.0, 1.5])).verdict != "differs"

    def test_a_wrong_rule_is_found_away_from_the_kink(self) -> None:
        assert inspect(self.rectifier(0.5, on=1.1), jnp.array([0.0, 1.5])).verdict == "differs"
        assert inspect(self.rectifier(0.5, on=1.1), jnp.array([-1.0, 1.5])).verdict == "differs"

    @staticmethod
    def rectifier(at_zero: float, on: float = 1.0) -> Function:
        rectify = jax.custom_jvp(lambda x: jnp.maximum(x, 0.0))
        slope = lambda x: jnp.where(x > 0, on, jnp.where(x == 0, at_zero, 0.0))  # noqa: E731
        rectify.defjvp(lambda p, t: (jnp.maximum(p[0], 0.0), slope(p[0]) * t[0]))
        return lambda x: jnp.sum(rectify(x) * x)


class TestTrapA8ADerivativeOfTheChosenBranch:
    """Peano's function: x y (x^2 - y^2) / (x^2 + y^2), 0 at the origin. G. Peano, "Calcolo differenziale" (1884)."""

    @staticmethod
    def peano(x: jax.Array, y: jax.Array) -> jax.Array:
        origin = (x == 0) & (y == 0)
        square = jnp.where(origin, 1.0, x**2 + y**2)
        return jnp.where(origin, 0.0, x * y * (x**2 - y**2) / square)

    def test_warns_of_mixed_partials_at_the_origin_and_gives_them_no_verdict(self) -> None:
        report = inspect(self.peano, 0.0, 0.0)
        assert float(report.hessian[0][1]) == float(report.hessian[1][0]) == 0.0  # what AD gives
        (finding,) = [finding for finding in report.findings if finding.kind == "kink"]
        assert finding.severity == "warning"
        assert "where in `return jnp.where(origin, 0.0, x * y * (x**2 - y**2) / square)`" in finding.message
        assert "JAX's Hessian is wrong here: moving x, the derivative with respect to y changes at the rate 1 " in (
            finding.message
        )
        assert "moving y, at the rate -1); JAX's entry is 0" in finding.message
        mixed = [entry for entry in report.check.entries if len(set(entry.inputs)) == 2]
        assert [entry.outcome for entry in mixed] == ["out of reach"] * 2
        assert all(entry.reason.startswith(TIE) for entry in mixed)

    def test_is_checked_away_from_it(self) -> None:
        report = inspect(self.peano, 0.5, 1.5)
        assert report.verdict in ("proved", "agrees")
        assert "kink" not in {finding.kind for finding in report.findings}


class TestTrapA9PiecewiseLinearFunctions:
    weights = np.array([[1.0, -2.0], [0.5, 1.0], [-1.0, 0.3]])

    def network(self, x: jax.Array) -> jax.Array:
        return jnp.sum(jax.nn.relu(self.weights @ x))

    def test_their_hessian_means_nothing(self) -> None:
        (finding,) = kinks(self.network, jnp.array([0.7, 0.2]))
        assert (finding.severity, finding.path) == ("info", "network")
        assert "network is made of linear pieces (max in `return jnp.sum(jax.nn.relu(self.weights @ x))`)" in (
            finding.message
        )
        assert "definiteness, condition and Newton steps mean nothing" in finding.message

    @pytest.mark.parametrize(
        "f",
        [
            lambda x: jnp.sum(jax.nn.relu(x) ** 2),
            lambda x: jnp.sum(2.0 * x),
            lambda x: jnp.sum(jnp.where(x > -1.0, (x - 0.7) ** 4, x)),
        ],
        ids=["curved", "linear", "curved, but flat at the point"],
    )
    def test_nothing_is_said_of_others(self, f: Function) -> None:
        assert kinks(f, jnp.array([0.7, 0.7])) == []


class TestTrapA11Ties:
    def test_of_a_maximum_share_the_slope(self) -> None:
        (finding,) = warnings(jnp.max, jnp.array([1.0, 3.0, 3.0, 3.0]))
        assert "x[1] and x[2] are both 3 (and 1 more like it)" in finding.message.replace("a[", "x[")
        assert "JAX returns 0.333333, since it shares the slope evenly among equal elements" in finding.message

    def test_of_argmax_go_to_the_first(self) -> None:
        (finding,) = warnings(lambda x: x[jnp.argmax(x)] ** 2, jnp.array([1.0, 2.0, 2.0]))
        assert "argmax" in finding.message
        assert "JAX returns 4, since it takes the first of equal elements" in finding.message

    def test_of_a_sort_keep_their_order(self) -> None:
        (finding,) = warnings(lambda x: jnp.sum(jnp.sort(x) * jnp.arange(3.0)), jnp.array([2.0, 1.0, 1.0]))
        assert "x[1] and x[2] are both 1" in finding.message
        assert "JAX returns 0, since it keeps equal elements in the order in which they came" in finding.message

    def test_of_a_median_go_to_one(self) -> None:
        finding, *_ = kinks(lambda x: jnp.median(x), jnp.array([1.0, 3.0, 3.0, 0.0, 7.0]))
        assert "the slope of f is 1 from the left and 0 from the right; JAX returns 1" in finding.message

    @pytest.mark.parametrize("f", [lambda x: jnp.sort(x)[1], lambda x: x[jnp.argmax(x)]], ids=["sort", "argmax"])
    def test_get_no_verdict(self, f: Function) -> None:
        assert inspect(f, jnp.array([2.0, 2.0])).verdict == "out of reach"


def test_the_norm_at_zero_has_two_slopes() -> None:
    (finding,) = warnings(lambda x: jnp.linalg.norm(x), jnp.zeros(3))
    assert "Along x[0], the slope of f is -1 from the left and 1 from the right; JAX returns nan" in finding.message


def test_a_gradient_that_bends_is_told_by_its_second_derivatives() -> None:
    (finding,) = warnings(lambda x: jax.nn.relu(x) ** 2, 0.0)
    assert (
        "there is no Hessian here: moving x, the derivative with respect to x changes at the rate 0 from the left "
        in (finding.message)
    )
    assert "and 2 from the right; JAX's entry is 0" in finding.message


def test_a_jump_is_told_by_its_values() -> None:
    (finding,) = warnings(lambda x: x + jnp.sign(x), 0.0)
    assert "sign" in finding.message
    assert "f jumps: 0 here, -1 on the left, 1 on the right; JAX returns 1" in finding.message
    assert inspect(lambda x: x + jnp.sign(x), 0.0).check.entries[0].reason.startswith(f"{TIE}sign (test_kinks.py")


def test_a_kink_in_a_loop_is_told_once_with_how_often() -> None:
    def total(x: jax.Array) -> jax.Array:
        return lax.fori_loop(0, 50, lambda i, c: c + jnp.abs(x[0] - 1.0) * i, 0.0)

    (finding,) = warnings(total, jnp.array([1.0, 2.0]))
    assert "its operand is 0, 50 times in a loop." in finding.message
    assert "is -1225 from the left and 1225 from the right" in finding.message


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (jax.nn.softplus, 0.0),
        (jax.nn.logsumexp, np.ones(3)),
        (jax.nn.softmax, np.ones(3)),
        (lambda x: jnp.where(x > 1.0, x, x), 1.0),
        (lambda x: x + lax.stop_gradient(jnp.floor(x) - x), 2.0),
        (lambda x: jnp.sum(jax.nn.relu(x)), np.array([0.5, -0.5])),
        (lambda x: jnp.sum(jnp.sort(x) ** 2), np.ones(2)),
        (lambda x: jnp.sinc(x), 1.0),
    ],
    ids=["softplus", "logsumexp", "softmax", "equal cases", "straight through", "off the kink", "symmetric", "sinc"],
)
def test_what_is_smooth_at_the_point_has_no_kink(f: Function, x: Any) -> None:
    assert warnings(f, jnp.asarray(x)) == []


def test_operands_that_are_repeated_along_an_axis_are_found_at_their_own_element() -> None:
    report = derive(lambda x: jnp.sum(jnp.where(x[:, None] > x[None, :], x[:, None] * x[None, :], 0.0)), cost="none")(
        jnp.array([1.0, 2.0, 3.0])
    )
    assert report.verdict == "proved"  # no element is larger than itself, here or nearby
    assert report.gradient.tolist() == [5.0, 4.0, 3.0]
