"""What the Hessian says: eigenvalues, definiteness, kind of point, Newton step."""

from __future__ import annotations

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.base.budget import now
from jaxdiff_magic.engines.jax.curvature import curvature_of
from jaxdiff_magic.report import Curvature
from jaxdiff_magic.subject.subject import subject_of


def curvature(f: Any, *args: Any) -> Curvature:
    """Of a scalar function, in float64 unless the arguments are JAX arrays of another dtype."""
    with jax.enable_x64(True):
        subject = subject_of(f, tuple(a if isinstance(a, jax.Array) else np.asarray(a, np.float64) for a in args), {})
        argnums = tuple(range(len(args)))
        gradient = jax.grad(f, argnums)(*subject.point)
        return curvature_of(gradient, jax.hessian(f, argnums)(*subject.point), subject.inputs, subject.point)


@pytest.mark.parametrize(
    ("f", "point", "eigenvalues"),
    [
        (lambda x: x[0] ** 2 + x[1] ** 2 + x[0] * x[1], (1, 2), (1, 3)),
        (lambda x: x[0] ** 2 * x[1] + x[1] ** 3, (1, 2), (8 - 20**0.5, 8 + 20**0.5)),
        (lambda x: x[0] ** 2 + x[0] * x[1] + 2 * x[1] ** 2, (1, 2), (3 - 2**0.5, 3 + 2**0.5)),
    ],
    ids=["B1", "B2", "B4"],
)
def test_a_lesson_has_its_eigenvalues_and_is_positive_definite(f: Any, point: Any, eigenvalues: Any) -> None:
    found = curvature(f, point)
    np.testing.assert_allclose(found.eigenvalues, eigenvalues, rtol=1e-14)
    assert found.definiteness == "positive definite"
    assert found.point_kind == "not stationary"
    assert found.condition == pytest.approx(eigenvalues[1] / eigenvalues[0])
    assert found.symmetry_defect == 0


def test_two_scalar_arguments_make_one_hessian() -> None:
    found = curvature(lambda x, y: x**2 + y**2, 1.0, 1.0)
    np.testing.assert_array_equal(found.eigenvalues, (2, 2))
    assert found.newton_step is not None
    assert [step.tolist() for step in found.newton_step] == [-1, -1]


@pytest.mark.parametrize(
    ("f", "kind", "definiteness"),
    [
        (lambda x: x[0] ** 2 + 2 * x[1] ** 2, "minimum", "positive definite"),
        (lambda x: x[0] ** 2 - x[1] ** 2, "saddle", "indefinite"),
        (lambda x: -(x[0] ** 2) - x[1] ** 2, "maximum", "negative definite"),
        (lambda x: x[0] ** 2 + x[1] ** 4, "undecided", "positive semidefinite"),
        (lambda x: -(x[0] ** 2) + x[1] ** 3, "undecided", "negative semidefinite"),
        (lambda x: x[0] ** 3 + x[1] ** 3, "undecided", "zero"),
    ],
)
def test_the_origin_is_the_kind_of_point_that_it_is(f: Any, kind: str, definiteness: str) -> None:
    found = curvature(f, (0, 0))
    assert (found.point_kind, found.definiteness) == (kind, definiteness)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_stationary_point_is_recognised_within_rounding(dtype: str) -> None:
    with jax.enable_x64(True):
        x = jnp.asarray((5 / 3) ** 0.5, dtype)
        assert curvature(lambda x: x**3 - 5 * x + 2, x).point_kind == "minimum"
        nearby = curvature(lambda x: x**3 - 5 * x + 2, x * (1 + 1e-3))
    assert nearby.point_kind == "not stationary"


def test_newton_steps_lead_to_the_stationary_point_of_the_lesson() -> None:
    x = np.float64(0.5)
    for _ in range(8):
        step = curvature(lambda x: x**3 - 5 * x + 2, x).newton_step
        assert step is not None
        x = x + step[0]
    assert x == pytest.approx(1.2909944487358056, abs=1e-15)


def test_a_newton_step_solves_for_all_leaves_in_their_shapes() -> None:
    def f(w: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.sum((w - 3) ** 2) + b**2 + b * w[0, 0]

    found = curvature(f, np.ones((2, 2)), 1.0)
    assert found.newton_step is not None
    w, b = np.ones((2, 2)) + found.newton_step[0], 1.0 + found.newton_step[1]
    assert w.shape == (2, 2) and b.shape == ()
    np.testing.assert_allclose(jax.grad(f, 0)(w, b), 0, atol=1e-5)
    np.testing.assert_allclose(jax.grad(f, 1)(w, b), 0, atol=1e-5)


def test_a_step_towards_a_maximum_is_pointed_out() -> None:
    found = curvature(lambda x: -(x**2), 1.0)
    assert found.descends is False
    assert "does not go downhill" in found.note


@pytest.mark.parametrize(
    ("f", "point", "descends"),
    [
        (lambda x: x[0] ** 2 + x[0] * x[1] + 2 * x[1] ** 2, (1, 2), True),
        (lambda x: x[0] ** 2 - x[1] ** 2, (2, 1), True),
        (lambda x: x[0] ** 2 - x[1] ** 2, (1, 2), False),
        (lambda x: x[0] ** 2 - x[1] ** 2, (1, 1), None),  # the step is neither up nor down
        (lambda x: x[0] ** 2 + 2 * x[1] ** 2, (0, 0), None),  # there is nowhere to go
        (lambda x: (x[0] + x[1]) ** 2, (1, 2), None),  # there is no step
    ],
)
def test_it_is_said_whether_the_function_falls_along_the_newton_step(f: Any, point: Any, descends: bool | None) -> None:
    found = curvature(f, point)
    assert found.descends is descends
    if descends is not None and found.newton_step is not None:
        x = np.asarray(point, np.float64)
        assert (f(x + 1e-4 * found.newton_step[0]) < f(x)) is np.bool_(descends)


def test_a_singular_hessian_has_no_newton_step() -> None:
    found = curvature(lambda x: (x[0] + x[1]) ** 2, (1, 2))
    assert found.newton_step is None
    assert found.condition == np.inf
    assert found.definiteness == "positive semidefinite"
    assert "singular" in found.note


def test_rounding_of_float32_does_not_make_a_singular_hessian_definite() -> None:
    with jax.enable_x64(True):
        a = jnp.asarray(np.random.default_rng(0).normal(size=(3, 8)), "float32")
        found = curvature(lambda x: jnp.sum((a @ x) ** 2), jnp.ones(8, "float32"))
    assert found.definiteness == "positive semidefinite"
    assert "1e-07" in found.note


def test_an_asymmetric_hessian_is_symmetrised_and_its_defect_stated() -> None:
    subject = subject_of(lambda x: x @ x, (np.zeros(2),), {})
    found = curvature_of([np.zeros(2)], [[np.array([[2.0, 1.0], [0.0, 2.0]])]], subject.inputs, subject.point)
    assert found.symmetry_defect == 1
    np.testing.assert_allclose(found.eigenvalues, (1.5, 2.5))


def test_entries_that_are_not_finite_decide_nothing() -> None:
    found = curvature(lambda x: jnp.sqrt(x), 0.0)
    assert (found.definiteness, found.point_kind, found.newton_step) == ("undecided", "undecided", None)
    assert "not finite" in found.note


@jax.custom_jvp
def wrong_sine(x: jax.Array) -> jax.Array:
    return jnp.sin(x)


@wrong_sine.defjvp
def _(primals: Any, tangents: Any) -> Any:
    return wrong_sine(*primals), 2 * jnp.cos(primals[0]) * tangents[0]


@pytest.mark.parametrize(
    ("f", "point", "why"),
    [
        (
            lambda x: jnp.sum(jax.nn.relu(jnp.ones((3, 2)) @ jax.nn.relu(x[:2] - x[2]))),
            (1.0, -2.0, 0.5),
            "linear pieces",
        ),
        (lambda x: jnp.sum(jax.nn.relu(x)), (0.0, -2.0, 0.5), "bends at this point"),
        (lambda x: jnp.abs(x[0]) + x[0] ** 2 + x[1] ** 2, (0.0, 1.0), "bends at this point"),
        (lambda x: wrong_sine(x[0]) * x[1] + x[1] ** 2, (1.0, 2.0), "is not that of the function"),
    ],
    ids=["relu", "relu at its kink", "abs at its kink", "a wrong rule"],
)
def test_a_hessian_that_means_nothing_decides_nothing(f: Any, point: Any, why: str) -> None:
    found = derive(f, cost="none")(jnp.array(point)).curvature
    assert found is not None
    assert (found.definiteness, found.point_kind) == ("undecided", "undecided")
    assert (found.newton_step, found.descends) == (None, None)
    assert why in found.note


def test_a_smooth_function_beside_its_kink_is_decided() -> None:
    found = derive(lambda x: jnp.sum(jax.nn.relu(x) ** 2) + x @ x, cost="none")(jnp.array([1.0, -2.0])).curvature
    assert found is not None
    assert (found.definiteness, found.descends) == ("positive definite", True)


def test_an_eigenvalue_within_the_rounding_of_the_entries_is_zero() -> None:
    subject = subject_of(lambda x: x @ x, (np.ones(2),), {})
    given = [np.ones(2)], [[np.diag([1.0, 1e-9])]], subject.inputs, subject.point
    assert curvature_of(*given).definiteness == "positive definite"
    assert curvature_of(*given, errors=np.full((2, 2), 1e-9)).definiteness == "positive semidefinite"


def test_cancellation_inside_a_hessian_widens_what_counts_as_zero() -> None:
    # the true second derivative by x[1] is 0; in float32 a rounding error of 1e6 is left of it
    def f(x: jax.Array) -> jax.Array:
        return 0.5 * x[0] ** 2 + 1e6 * (jnp.exp(x[1]) - jnp.sinh(x[1]) - jnp.cosh(x[1]))

    found = derive(f, cost="none")(jnp.array([1.0, 0.7], "float32")).curvature
    assert found is not None
    assert not found.definiteness.endswith(" definite") and found.definiteness != "indefinite"


def test_eigenvalues_of_a_thousand_inputs_do_not_keep_anyone_waiting() -> None:
    a = np.random.default_rng(0).normal(size=(1000, 1000))
    subject = subject_of(lambda x: x @ x, (np.ones(1000),), {})
    given = [np.ones(1000)], [[a @ a.T + np.eye(1000)]], subject.inputs, subject.point
    found = curvature_of(*given)
    np.testing.assert_allclose(found.eigenvalues[[0, -1]], np.linalg.eigvalsh(a @ a.T)[[0, -1]] + 1, rtol=1e-8)
    started = time.monotonic()
    refused = curvature_of(*given, deadline=now())
    assert refused.definiteness == "undecided"
    assert "1,000 inputs" in refused.note and "budget" in refused.note
    assert time.monotonic() - started < 2  # seconds; the eigenvalues with their vectors took five
