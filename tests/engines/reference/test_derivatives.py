"""Derivatives of any order, in any portions, forward and in reverse, at many points at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend.core import Primitive

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.differences import directional
from jaxdiff_magic.engines.reference import derivatives, run
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.reference.directions import Found

from .agreement import assert_as_jax, reference_of

X = np.array([0.3, -0.8, 1.1])
BATCH = np.array([[0.3, -0.8, 1.1], [0.7, 0.2, -0.4], [-1.2, 0.5, 0.9]])


def network(x: jax.Array, w: jax.Array) -> jax.Array:
    return jnp.sum(jnp.tanh(w @ jnp.tanh(w @ x)) ** 2)


def two_results(x: jax.Array, w: jax.Array) -> tuple[jax.Array, jax.Array]:
    return jnp.sin(w @ x), jnp.prod(x) * w[0, 0]


W = np.arange(9.0).reshape(3, 3) / 7 - 0.5
W_BATCH = np.stack([W, W.T, W**2])


def all_found(reference: Reference, order: int, *points: np.ndarray) -> list[Found]:
    outputs, inputs = range(len(reference.outputs)), range(len(reference.inputs))
    return [
        reference.evaluate(path, points) for k in range(order + 1) for path in itertools.product(outputs, *[inputs] * k)
    ]


@pytest.mark.parametrize("f", [network, two_results])
def test_orders_0_to_3_are_jax_s(f: Callable[..., Any]) -> None:
    assert_as_jax(f, X, W, order=3)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_orders_are_those_of_a_polynomial(order: int) -> None:
    found = reference_of(lambda x: x**5, 2.0).evaluate((0,) * (1 + order), [np.array([2.0, 0.0, -1.0])])
    factor = np.prod(5.0 - np.arange(order))
    np.testing.assert_allclose(found.values, factor * np.array([2.0, 0.0, -1.0]) ** (5 - order), rtol=1e-15)


@pytest.mark.parametrize("order", [3, 4])
def test_derivatives_beyond_a_power_s_degree_are_zero_also_at_zero(order: int) -> None:
    found = reference_of(jnp.square, 0.0).evaluate((0,) * (1 + order), [np.array([0.0, 1.0])])
    assert found.values.tolist() == [0.0, 0.0]
    assert found.errors.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_forward_and_reverse_sweeps_agree(order: int) -> None:
    reference = reference_of(network, X, W)
    with np.errstate(all="ignore"):
        forward, reverse = (
            reference._by_sweeps(order, [BATCH, W_BATCH], freeze=False, reverse=way)[0] for way in (False, True)
        )
    for path in itertools.product([0], *[[0, 1]] * order):
        (a, error_a), (b, error_b) = forward[path], reverse[path]
        assert np.all(np.abs(a - b) <= error_a + error_b)
        assert np.max(error_a + error_b) < 1e-11


@pytest.mark.parametrize("largest", [1, 40, 300])
@pytest.mark.parametrize("f", [network, two_results])
def test_portions_give_the_same_numbers(monkeypatch: pytest.MonkeyPatch, f: Callable[..., Any], largest: int) -> None:
    whole = all_found(reference_of(f, X, W), 2, BATCH, W_BATCH)
    monkeypatch.setattr(derivatives, "MAX_RUN_NUMBERS", largest)
    for one, cut in zip(whole, all_found(reference_of(f, X, W), 2, BATCH, W_BATCH), strict=True):
        assert one.values.shape == cut.values.shape
        assert np.all(np.abs(one.values - cut.values) <= one.errors + cut.errors)
        assert np.all(one.at_tie == cut.at_tie)


def test_points_one_by_one_give_the_same_numbers() -> None:
    reference = reference_of(network, X, W)
    together = all_found(reference, 2, BATCH, W_BATCH)
    for k in range(len(BATCH)):
        for one, alone in zip(together, all_found(reference, 2, BATCH[k : k + 1], W_BATCH[k : k + 1]), strict=True):
            assert np.all(np.abs(one.values[k] - alone.values[0]) <= one.errors[k] + alone.errors[0])


def test_points_that_take_different_branches_are_told_apart_by_tie_and_value() -> None:
    f = lambda x: lax.cond(x[0] > 0.3, lambda v: v**2, jnp.sin, x)  # noqa: E731
    found = reference_of(f, X).evaluate((0, 0), [BATCH])
    assert found.at_tie.tolist() == [True, False, False]
    np.testing.assert_allclose(found.values[1], np.diag(2 * BATCH[1]), rtol=1e-15)
    np.testing.assert_allclose(found.values[2], np.diag(np.cos(BATCH[2])), rtol=1e-15)


def test_second_derivatives_over_different_orders_are_those_of_each_point() -> None:
    f = lambda x: jnp.sum(jnp.sort(x) ** 2 * jnp.arange(3.0))  # noqa: E731
    found = reference_of(f, X).evaluate((0, 0, 0), [BATCH])
    for k in range(3):
        rank = np.argsort(np.argsort(BATCH[k]))
        np.testing.assert_allclose(found.values[k], np.diag(2.0 * rank), atol=1e-15)


class TestAHeldValue:
    """What stop_gradient froze keeps its value at the first point, so that differences show the derivative meant."""

    @staticmethod
    def f(x: jax.Array) -> jax.Array:
        return jnp.sum(lax.stop_gradient(x**2) * x)

    def test_is_that_of_the_first_point(self) -> None:
        found = reference_of(self.f, X).evaluate((0,), [BATCH], freeze=True)
        np.testing.assert_allclose(found.values, BATCH @ BATCH[0] ** 2, rtol=1e-14)

    def test_moves_with_the_points_otherwise(self) -> None:
        found = reference_of(self.f, X).evaluate((0,), [BATCH])
        np.testing.assert_allclose(found.values, np.sum(BATCH**3, 1), rtol=1e-14)

    @pytest.mark.parametrize("order", [1, 2])
    def test_makes_differences_those_of_the_derivative(self, order: int) -> None:
        f = lambda x: jnp.sum(lax.stop_gradient(x**2) * x**3)  # noqa: E731
        reference, path = reference_of(f, X), (0,) * (1 + order)
        direction = np.array([1.0, 0.0, 0.0])
        below = lambda batch: [reference.evaluate(path[:-1], batch, freeze=True).values]  # noqa: E731
        difference = directional(below, [X], [direction])
        exact = reference.evaluate(path, [X[None]]).values[0][..., 0]
        np.testing.assert_allclose(difference.estimate[0], exact, rtol=1e-9, atol=1e-9)

    def test_does_not_allow_points_on_different_branches(self) -> None:
        f = lambda x: lax.stop_gradient(x) * lax.cond(x > 0, jnp.sin, jnp.cos, x)  # noqa: E731
        with pytest.raises(OutOfReach, match="different branches"):
            reference_of(f, 1.0).evaluate((0,), [np.array([1.0, -1.0])], freeze=True)


class TestAlongDirections:
    def test_is_the_jacobian_times_a_direction(self) -> None:
        reference = reference_of(two_results, X, W)
        direction = np.arange(1.0, 13.0)
        for output, found in enumerate(reference.along([BATCH, W_BATCH], direction)):
            blocks = [reference.evaluate((output, i), [BATCH, W_BATCH]).values for i in (0, 1)]
            flat = np.concatenate([b.reshape(*found.values.shape, -1) for b in blocks], axis=-1)
            np.testing.assert_allclose(found.values, flat @ direction, rtol=1e-12, atol=1e-12)

    def test_twice_is_the_hessian_times_both(self) -> None:
        reference = reference_of(network, X, W)
        u, v = np.linspace(-1.0, 1.0, 12), np.linspace(0.5, 2.0, 12) ** 2
        (found,) = reference.along([BATCH, W_BATCH], u, v)
        hessian = np.zeros((3, 12, 12))
        places = [slice(0, 3), slice(3, 12)]
        for i, j in itertools.product((0, 1), repeat=2):
            block = reference.evaluate((0, i, j), [BATCH, W_BATCH]).values
            hessian[:, places[i], places[j]] = block.reshape(3, [3, 9][i], [3, 9][j])
        np.testing.assert_allclose(found.values, hessian @ v @ u, rtol=1e-11)


class TestNothing:
    def test_of_inputs_leaves_the_value(self) -> None:
        found = reference_of(lambda x: 2.0 + jnp.sum(x), np.zeros(0)).evaluate((0,), [np.zeros((2, 0))])
        assert found.values.tolist() == [2.0, 2.0]

    def test_of_inputs_has_an_empty_jacobian(self) -> None:
        found = reference_of(lambda x: jnp.ones(2) * jnp.sum(x), np.zeros(0)).evaluate((0, 0), [np.zeros((3, 0))])
        assert found.values.shape == (3, 2, 0)

    def test_of_outputs_has_an_empty_hessian(self) -> None:
        found = reference_of(lambda x: x[:0], X).evaluate((0, 0, 0), [BATCH])
        assert found.values.shape == (3, 0, 3, 3)

    def test_depends_on_an_input_that_is_not_used(self) -> None:
        found = reference_of(lambda x, y: x**2, X, 2.0).evaluate((0, 1), [BATCH, np.ones(3)])
        assert found.values.shape == (3, 3)
        assert not found.values.any()

    def test_changes_a_constant_output(self) -> None:
        assert_as_jax(lambda x: (jnp.ones(2), x[0]), X)


def test_an_input_that_is_returned_has_the_identity_as_its_jacobian() -> None:
    assert_as_jax(lambda x: (x, x), X)


def test_a_primitive_without_a_rule_is_named() -> None:
    unheard_of = Primitive("unheard_of")
    unheard_of.def_abstract_eval(lambda x: x)
    with pytest.raises(OutOfReach, match="unheard_of has no rule yet"):
        reference_of(unheard_of.bind, X).evaluate((0,), [BATCH])


def test_a_loop_that_would_take_minutes_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "MAX_TAPE_ENTRIES", 50)
    f = lambda x: lax.fori_loop(0, 100, lambda i, c: jnp.sin(c), x)  # noqa: E731
    with pytest.raises(OutOfReach, match="more than 50 steps"):
        reference_of(f, X).evaluate((0,), [BATCH])


def test_what_was_evaluated_at_a_batch_is_known_at_its_first_point() -> None:
    reference = reference_of(network, X, W)
    assert reference.known((0, 1), [X, W]) is None
    found = reference.evaluate((0, 1), [BATCH, W_BATCH])
    known = reference.known((0, 1), [BATCH[0], W_BATCH[0]])
    assert known is not None
    np.testing.assert_array_equal(known.values, found.values[:1])
    np.testing.assert_array_equal(known.errors, found.errors[:1])
    assert reference.known((0, 1), [BATCH[0], W_BATCH[1]]) is None
    assert reference.known((0, 1, 1), [BATCH[0], W_BATCH[0]]) is None
