"""Functions of whole matrices: what a textbook says of them, at any size."""

from __future__ import annotations

import contextlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic import array_values
from jaxdiff_magic.engines.symbolic.component import component
from jaxdiff_magic.engines.symbolic.expression import size
from jaxdiff_magic.engines.symbolic.notation import definition_formula

from .agreement import assert_formulas_match, formulas_of

RNG = np.random.default_rng(2)


def gradient_text(f, *args, of: int = 0) -> str:
    _, derivation = formulas_of(f, *args)
    _, definition = derivation.formula((0, of))
    return definition_formula(definition).text.split(" = ")[1]


@pytest.mark.parametrize("n", [2, 5, 40])
class TestTextbookGradients:
    def test_of_the_logarithm_of_a_determinant_is_the_transposed_inverse(self, n: int) -> None:
        X = np.eye(n) + 0.1
        assert gradient_text(lambda X: jnp.linalg.slogdet(X)[1], X) == "inv(X)[l, k]"

    def test_of_a_quadratic_form_of_an_inverse(self, n: int) -> None:
        A, x = np.eye(n) + 0.1, np.ones(n)
        found = gradient_text(lambda A, x: x @ jnp.linalg.inv(A) @ x, A, x)
        left, right = (f"Sum({s}, (m, 0, {n - 1}))" for s in ("inv(A)[l, m]*x[m]", "inv(A)[m, k]*x[m]"))
        assert found in (f"-{left}*{right}", f"-{right}*{left}")

    def test_of_a_determinant(self, n: int) -> None:
        found = gradient_text(lambda X: jnp.linalg.det(X), np.eye(n) + 0.1)
        assert found == "det(X)*inv(X)[l, k]"


def test_a_determinant_of_a_small_matrix_is_its_polynomial() -> None:
    _, derivation = formulas_of(lambda A: jnp.linalg.det(A), np.eye(2))
    program, definition = derivation.formula((0,))
    assert str(component(program, definition, (), 100)) == "A[0, 0]*A[1, 1] - A[0, 1]*A[1, 0]"


def test_components_are_elements_of_the_inverse_of_an_input() -> None:
    _, derivation = formulas_of(lambda A: jnp.linalg.inv(A), np.eye(4))
    program, definition = derivation.formula((0, 0))
    assert str(component(program, definition, (0, 1, 1, 0), 100)) == "-inv(A)[0, 1]**2"


def test_components_of_functions_of_intermediate_arrays_are_out_of_reach() -> None:
    _, derivation = formulas_of(lambda A: jnp.linalg.inv(A @ A + jnp.eye(4)), np.eye(4))
    program, definition = derivation.formula((0, 0))
    with pytest.raises(OutOfReach, match="intermediate"):
        component(program, definition, (0, 1, 1, 0), 100)


def test_formulas_do_not_grow_with_the_matrix() -> None:
    def log_density(y: jax.Array, A: jax.Array) -> jax.Array:
        covariance = A @ A.T + 2 * jnp.eye(len(y))
        return jax.scipy.stats.multivariate_normal.logpdf(y, jnp.zeros_like(y), covariance)

    def sizes(n: int) -> list[int]:
        _, derivation = formulas_of(log_density, np.ones(n), np.eye(n))
        program, definition = derivation.formula((0, 1))
        return [size(d.expr) for d in (*program.definitions, definition)]

    assert sizes(3) == sizes(30)


def test_a_function_of_an_array_says_of_which() -> None:
    _, derivation = formulas_of(lambda A: jnp.linalg.inv(A), np.eye(3))
    (definition,) = derivation.formula((0,))[0].definitions
    name, (operand,) = definition.array.operation
    assert (name, operand.name, definition.array.name) == ("inv", "A", "inv(A)")


class TestADerivativeProgramWithTheNameOfItsFunction:
    """JAX calls the derivative of `inv` by the same name."""

    @pytest.mark.parametrize("function", [jnp.linalg.inv, jnp.linalg.det, lambda a: jnp.linalg.solve(a, a[0])])
    def test_is_not_taken_for_the_function(self, function) -> None:
        a = np.eye(4) + 0.1 * np.arange(16.0).reshape(4, 4)

        def tangent(a: jax.Array) -> jax.Array:
            return jax.jvp(function, (a,), (a * a,))[1]

        def cotangent(a: jax.Array) -> jax.Array:
            return jax.grad(lambda a: jnp.sum(jnp.sin(function(a))))(a)

        for derivative in (tangent, cotangent):
            with contextlib.suppress(OutOfReach):
                assert_formulas_match(derivative, a, order=1)

    def test_is_told_by_its_values(self) -> None:
        def of_transpose(a: jax.Array, b: jax.Array) -> jax.Array:
            return jax.linear_transpose(lambda b: jnp.linalg.solve(a, b), b)(b)[0]

        a, b = np.eye(4) + 0.1 * np.arange(16.0).reshape(4, 4), np.arange(4.0)
        with contextlib.suppress(OutOfReach):
            assert_formulas_match(of_transpose, a, b, order=1)


class TestCustomLinearSolve:
    def test_is_the_inverse_of_its_matrix(self) -> None:
        def f(a: jax.Array, b: jax.Array) -> jax.Array:
            return jax.scipy.sparse.linalg.cg(lambda x: a @ (a.T @ x) + 2 * x, b, tol=1e-14)[0]

        assert assert_formulas_match(f, RNG.normal(size=(3, 3)), RNG.normal(size=3))


class TestErrorBounds:
    """The bound of each function holds for a change of its operand as large as the operand's own bound."""

    @pytest.mark.parametrize("name", ["inv", "det", "logdet", "cholesky", "eigvalsh", "eigenvectors"])
    def test_hold(self, name: str) -> None:
        a = RNG.normal(size=(20, 4, 4))
        a = a @ np.swapaxes(a, -1, -2) + 2 * np.eye(4)
        change = 1e-9 * RNG.uniform(-1, 1, a.shape)
        change = change + np.swapaxes(change, -1, -2)
        function = array_values.NUMERIC[name]
        value, moved = function(a, np.abs(change)), function(a + change, np.zeros_like(a))
        apart = np.abs(value.data - moved.data)
        if name == "eigenvectors":  # each is known up to its sign
            apart = np.minimum(apart, np.abs(value.data + moved.data))
        assert np.all(apart <= value.error)
        assert np.all(value.error <= 1e-4)

    @pytest.mark.parametrize("name", ["lu", "lu_lower", "lu_upper"])
    def test_hold_of_factors_of_any_matrix(self, name: str) -> None:
        a = RNG.normal(size=(20, 4, 4))
        change = 1e-9 * RNG.uniform(-1, 1, a.shape)
        function = array_values.NUMERIC[name]
        value, moved = function(a, np.abs(change)), function(a + change, np.zeros_like(a))
        assert np.all(np.abs(value.data - moved.data) <= value.error)
        assert np.all(value.error <= 1e-4)

    def test_factors_in_their_order_of_rows_are_the_matrix(self) -> None:
        a = RNG.normal(size=(5, 4, 4))
        low, up, order, swaps = (
            array_values.NUMERIC[name](a, np.zeros_like(a)).data
            for name in ("lu_lower", "lu_upper", "lu_permutation", "lu_pivots")
        )
        np.testing.assert_allclose(low @ up, np.take_along_axis(a, order.astype(int)[..., None], -2), atol=1e-14)
        assert np.array_equal(swaps, jax.lax.linalg.lu(jnp.asarray(a))[1])

    def test_rows_that_could_change_places_are_noticed(self) -> None:
        a = np.array([[[1.0, 2.0], [-1.0, 3.0]], [[1.0, 2.0], [0.5, 3.0]]])
        assert array_values.NUMERIC["lu"](a, np.zeros_like(a)).tie.any((1, 2)).tolist() == [True, False]

    def test_of_a_singular_matrix_there_is_no_number(self) -> None:
        a = np.stack([np.eye(2), np.ones((2, 2))])
        found = array_values.inv(a, np.zeros_like(a))
        assert np.isfinite(found.data).all((1, 2)).tolist() == [True, False]

    def test_equal_eigenvalues_are_noticed(self) -> None:
        a = np.stack([np.eye(2), np.diag([1.0, 2.0])])
        assert array_values.eigvalsh(a, np.zeros_like(a)).tie.any(1).tolist() == [True, False]


def test_components_of_the_inverse_of_a_small_matrix_are_cofactors() -> None:
    _, derivation = formulas_of(lambda A: jnp.linalg.inv(A), np.eye(2))
    program, definition = derivation.formula((0,))
    assert str(component(program, definition, (0, 1), 100)) == "-A[0, 1]/(A[0, 0]*A[1, 1] - A[0, 1]*A[1, 0])"
