"""What the Hessian says: eigenvalues, definiteness, kind of point, Newton step."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic.curvature import curvature_of
from jaxdiff_magic.report import Curvature
from jaxdiff_magic.subject import subject_of


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
    assert "does not go downhill" in found.note


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
