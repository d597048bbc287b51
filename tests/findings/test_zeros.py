"""A zero derivative is told with its reason; structural, symbolic and numeric zeros are kept apart (trap S17)."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic.findings.zeros import find
from jaxdiff_magic.report import Finding

from .scenes import scene_of

X = jnp.array([0.3, 1.2, -0.4])
EVERYWHERE = "So it is 0 at every point."
HERE = "It is 0 at this point; elsewhere it need not be."


def zeros(f: Any, *args: Any) -> list[Finding]:
    return find(scene_of(f, *args, order=1))


def dropped(x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.sum(x.at[7].set(y) ** 2)


class TestTrapS17KindsOfZero:
    def test_a_structural_zero_is_never_used(self) -> None:
        (finding,) = zeros(lambda x, y: jnp.sum(x**2), X, X)
        assert (finding.severity, finding.path) == ("warning", "y")
        assert finding.message == "The derivative with respect to y is 0: f never uses it, so it is 0 everywhere."

    def test_a_symbolic_zero_is_zero_everywhere(self) -> None:
        (finding,) = zeros(lambda x: jnp.sum(jnp.round(x) * 2.0), X)
        assert "round makes it constant piece by piece" in finding.message
        assert finding.message.endswith(EVERYWHERE)

    def test_a_numeric_zero_is_zero_at_the_point(self) -> None:
        (finding,) = zeros(lambda x: jnp.clip(x, 0.0, 1.0) * 2.0, 3.0)
        assert "min takes the other operand, 1, instead of 3" in finding.message
        assert finding.message.endswith(HERE)

    def test_a_stationary_point_is_called_so(self) -> None:
        (finding,) = zeros(lambda x, y: jnp.cos(x) * y, 0.0, 2.0)
        assert (finding.severity, finding.path) == ("info", "x")
        assert finding.message == "f is stationary in x here: its derivative is 0."


class TestTrapS6StopGradient:
    def test_is_named_with_its_line(self) -> None:
        def f(x: jax.Array, y: jax.Array) -> jax.Array:
            held = lax.stop_gradient(y)
            return jnp.sum(x**2 * held)

        (finding,) = zeros(f, X, X)
        assert finding.path == "y"
        assert finding.where == f"test_zeros.py, line {f.__code__.co_firstlineno + 1}"
        assert "stop_gradient holds it fixed in `held = lax.stop_gradient(y)`" in finding.message
        assert finding.message.endswith(EVERYWHERE)

    def test_a_straight_through_estimator_has_no_zero(self) -> None:
        assert zeros(lambda x: jnp.sum(x + lax.stop_gradient(jnp.floor(x) - x)), X) == []


@pytest.mark.parametrize(
    ("f", "why"),
    [
        (lambda x: jnp.sum(jnp.floor(x) * 2.0), "floor makes it constant piece by piece"),
        (lambda x: jnp.sum(jnp.sign(x)), "sign makes it constant piece by piece"),
        (lambda x: jnp.argmax(x).astype(float) * 2.0, "argmax turns it into a position"),
        (lambda x: jnp.sum(x > 0.5).astype(float), "only a comparison uses it"),
        (lambda x: jnp.sum(x.astype(int)).astype(float), "it is made an integer"),
    ],
    ids=["floor", "sign", "argmax", "comparison", "integer"],
)
def test_trap_s13_what_is_constant_piece_by_piece_is_zero_everywhere(f: Any, why: str) -> None:
    (finding,) = zeros(f, X)
    assert why in finding.message
    assert finding.message.endswith(EVERYWHERE)
    assert "straight-through" in finding.cure


@pytest.mark.parametrize(
    ("f", "args", "path", "why"),
    [
        (lambda x, y: x.at[0].set(3.0)[0] * y, (X, 2.0), "x", "its elements are overwritten"),
        (dropped, (X, 2.0), "y", "it is written outside the array, and dropped"),
        (lambda x: jnp.where(x > 0, jnp.sin(x), 1.0), (-1.0,), "x", "where selects the other case"),
        (lambda x: jnp.sum(jax.nn.relu(x)), (-(X**2),), "x", "relu is flat where its input is -1.44 to -0.09"),
        (lambda x, y: lax.cond(x > 0, lambda: x, lambda: y**2), (1.0, 2.0), "y", "only a branch that is not taken"),
        (lambda x, y: lax.fori_loop(0, 3, lambda i, c: c * x + jnp.floor(y), x), (1.5, 2.3), "y", "floor makes it"),
    ],
    ids=["overwritten", "dropped", "where", "relu", "cond", "in a loop"],
)
def test_the_step_that_ends_the_path_is_told(f: Any, args: tuple[Any, ...], path: str, why: str) -> None:
    (finding,) = zeros(f, *args)
    assert finding.path == path
    assert finding.where.startswith("test_zeros.py, line ")
    assert why in finding.message


def test_a_factor_that_is_zero_is_named() -> None:
    def network(w1: jax.Array, w2: jax.Array) -> jax.Array:
        return w2 @ jnp.tanh(w1 @ jnp.array([1.0, 2.0]))

    (finding,) = zeros(network, jnp.ones((3, 2)), jnp.zeros(3))
    assert finding.path == "w1"
    assert "it is multiplied by w2, which is 0 here" in finding.message
    assert "as random weights are" in finding.cure


class TestWrites:
    """What is written into an array, with JAX's own gradient beside each claim."""

    AT = jnp.array([0, 1, 1, 3])

    def test_within_the_array_are_not_said_to_be_dropped(self) -> None:
        f = lambda x: jnp.zeros(4).at[self.AT].add(x**2).prod()  # noqa: E731  (a place that is never written stays 0)
        (finding,) = zeros(f, jnp.arange(1.0, 5.0))
        assert "outside" not in finding.message
        assert "it is multiplied by a factor that is 0 here" in finding.message
        assert finding.message.endswith(HERE)

    def test_of_which_another_one_stays(self) -> None:
        (finding,) = zeros(lambda x: jnp.zeros(4).at[jnp.array([2, 2])].set(x).sum(), jnp.array([3.0, 5.0]))
        assert "outside" not in finding.message
        assert "x[0] is 0: another element is written over it" in finding.message

    @pytest.mark.parametrize("write", ["add", "set"])
    def test_outside_the_array_are_dropped(self, write: str) -> None:
        def f(x: jax.Array, y: jax.Array) -> jax.Array:
            return jnp.sum(getattr(x.at[jnp.array([7, 9])], write)(y) ** 2)

        (finding,) = zeros(f, X, X[:2])
        assert finding.path == "y"
        assert "it is written outside the array, and dropped" in finding.message

    def test_onto_a_factor_that_is_0_do_not_count(self) -> None:
        (finding,) = zeros(lambda y: jnp.sum(jnp.zeros(3).at[:2].mul(y)), X[:2])
        assert "outside" not in finding.message
        assert "it is multiplied by a factor that is 0 here" in finding.message


class TestLost:
    def test_to_rounding(self) -> None:
        (finding,) = zeros(lambda x: jax.nn.sigmoid(x), 30.0)
        assert "is 0 in float32, but not exactly: in float64 it is 9.34" in finding.message
        assert "lost to rounding in float32" in finding.message
        assert "is saturated at 30, where its slope is 9.3e-14" in finding.message

    def test_below_the_smallest_number(self) -> None:
        (finding,) = zeros(lambda x: jnp.exp(-x * x), 20.0)
        assert jax.grad(lambda x: jnp.exp(-x * x))(20.0) == 0
        assert f"in float64 it is {-40 * np.exp(-400.0):.6g}, below the smallest normal number of float32" in (
            finding.message
        )

    def test_over_many_steps(self) -> None:
        (finding,) = zeros(lambda x: lax.fori_loop(0, 200, lambda i, c: jax.nn.sigmoid(c), x), 0.5)
        assert "many small factors are multiplied on the way" in finding.message

    def test_in_float64_too(self) -> None:
        with jax.enable_x64(True):
            (finding,) = zeros(lambda x: jnp.exp(-x * x), 40.0)
        assert "exp is saturated at -1600" in finding.message


class TestSingleElements:
    def test_are_one_finding_for_each_reason(self) -> None:
        def f(w: jax.Array) -> jax.Array:
            return jnp.sum(jax.nn.relu(w @ jnp.array([1.0, -2.0])) ** 2)

        (finding,) = zeros(f, jnp.array([[1.0, 1.0], [1.0, -1.0], [0.5, 0.3]]))
        assert finding.severity == "info"
        assert "with respect to w[0, 0], w[0, 1], w[2, 0] and 1 more is 0: relu is flat where its input is" in (
            finding.message
        )

    def test_that_are_never_read_are_told(self) -> None:
        (finding,) = zeros(lambda x: x[0] * x[1], X)
        assert (
            finding.message == "The derivative with respect to x[2] is 0: f never reads it, so it is 0 at every point."
        )

    @pytest.mark.parametrize(
        "f",
        [
            lambda x: jnp.max(x) ** 2,
            lambda x: jnp.sort(x)[0] ** 2,
            lambda x: jnp.sum(x[jnp.array([0, 2])] ** 2),
            lambda x: jnp.sum((x - 1.2) ** 2),
            lambda x: x**2,
        ],
        ids=["max", "the least", "rows of a table", "stationary", "a diagonal Jacobian"],
    )
    def test_that_are_no_surprise_are_not(self, f: Any) -> None:
        assert zeros(f, X) == []


def test_nothing_is_said_at_a_kink_or_of_a_nonzero_derivative() -> None:
    assert zeros(lambda x: jnp.sum(jax.nn.relu(x)), jnp.array([0.0, 0.0])) == []
    assert zeros(lambda x: jnp.sum(x**3), X) == []
