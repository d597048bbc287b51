"""Solvers and factorisations: derivatives by differentials, JAX's own rules beside them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic.base.errors import OutOfReach

from .agreement import assert_as_jax, compared, reference_of

A = np.random.default_rng(0).normal(size=(3, 3))
S = A @ A.T + np.diag([2.0, 3.0, 5.0])
B = np.array([0.3, -0.8, 1.1])
BIG = np.diag([2.0, 3.0, 5.0, 7.0]) + 0.1 * np.arange(16.0).reshape(4, 4)

FUNCTIONS = {
    "inv": (jnp.linalg.inv, S),
    "inv of a stack": (jnp.linalg.inv, np.stack([S, A + 3 * np.eye(3)])[:, :2, :2]),
    "solve": (jnp.linalg.solve, S, B),
    "solve with two right sides": (lambda m: jnp.linalg.solve(m, m[:, :2] ** 2), S),
    "solve side by side": (lambda m, b: jax.vmap(lambda c: jnp.linalg.solve(m, c))(b), S[:2, :2], A[:2, :2]),
    "det": (jnp.linalg.det, S),
    "det of four rows": (jnp.linalg.det, BIG),
    "slogdet": (lambda m: jnp.linalg.slogdet(m)[1], -S),
    "slogdet of a stack": (lambda m: jnp.linalg.slogdet(m)[1], np.stack([S, S + 1])[:, :2, :2]),
    "cholesky": (jnp.linalg.cholesky, S),
    "eigenvalues": (jnp.linalg.eigvalsh, S),
    "a function of a matrix by its spectrum": (
        lambda m: (lambda w, v: (v * jnp.sin(w)) @ v.T)(*jnp.linalg.eigh(m)),
        S,
    ),
    "lu": (lambda m: jsp.linalg.lu_factor(m)[0], A),
    "qr": (lambda m: jnp.linalg.qr(m)[0] @ jnp.linalg.qr(m)[1] ** 2, A),
    "r of a tall matrix": (lambda m: jnp.linalg.qr(m)[1], A[:, :2]),
    "singular values": (lambda m: jnp.linalg.svd(m, compute_uv=False), A),
    "singular vectors": (lambda m: (lambda u, s, v: (u * jnp.sin(s)) @ v)(*jnp.linalg.svd(m)), A),
    "of a wide matrix": (lambda m: jnp.linalg.svd(m, full_matrices=False)[0] ** 2, A[:2]),
    "pinv": (jnp.linalg.pinv, A[:, :2]),
    "lstsq": (lambda m: jnp.linalg.lstsq(m, m[:, 0] ** 2)[0], A[:, :2]),
    "the spectral norm": (lambda m: jnp.linalg.norm(m, 2), A),
    "matrix powers": (lambda m: jnp.linalg.matrix_power(m, 3) - jnp.linalg.matrix_power(m, -1), S),
    "the matrix exponential": (lambda x: jsp.linalg.expm(x * A / 9), 0.5),
    "cho_solve": (lambda m: jsp.linalg.cho_solve((jnp.linalg.cholesky(m), True), B), S),
    "conjugate gradients": (lambda m: jsp.sparse.linalg.cg(m, B, tol=1e-14)[0], S),
    "an implicit map without a matrix": (
        lambda b: lax.custom_linear_solve(lambda x: 2 * x + jnp.cumsum(x), b**2, lambda f, b: b, lambda f, b: b),
        B,
    ),
}
TRIANGULAR = [(lower, trans, unit) for lower in (False, True) for trans in (0, 1) for unit in (False, True)]


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "an implicit map without a matrix"])
def test_matrix_functions(name: str) -> None:
    assert_as_jax(*FUNCTIONS[name])


@pytest.mark.parametrize(("lower", "trans", "unit"), TRIANGULAR)
def test_triangular_solves(lower: bool, trans: int, unit: bool) -> None:
    solve = lambda m, b: jsp.linalg.solve_triangular(m, b, trans=trans, lower=lower, unit_diagonal=unit)  # noqa: E731
    assert_as_jax(solve, S, B)


def test_tridiagonal_solves_of_one_and_of_a_stack() -> None:
    def solve(x: jax.Array, b: jax.Array) -> jax.Array:
        return lax.linalg.tridiagonal_solve(jnp.sin(x), 3 + x**2, jnp.cos(x), b)

    assert_as_jax(solve, S[0], S[:, :2])
    assert_as_jax(solve, S[:2], np.stack([S[:, :2], S[:, 1:]]))
    empty = reference_of(solve, S[0, :0], S[:0]).evaluate((0, 0), [np.zeros((1, 0)), np.zeros((1, 0, 3))])
    assert empty.values.shape == (1, 0, 3, 0)


def test_an_implicit_solve_is_that_of_its_map_whatever_the_solver_returns() -> None:
    """The solver here returns the right side: JAX takes its word, the reference solves the map."""
    found = reference_of(*FUNCTIONS["an implicit map without a matrix"]).evaluate((0, 0), [B[None]])
    matrix = 2 * np.eye(3) + np.tril(np.ones((3, 3)))
    np.testing.assert_allclose(found.values[0], np.linalg.inv(matrix) * 2 * B, rtol=1e-14)


def test_equal_eigenvalues_are_told_or_give_no_number() -> None:
    assert compared(jnp.linalg.eigvalsh, [np.eye(3)[None]]) in ("at a tie", "not finite")


def test_a_singular_matrix_has_no_inverse() -> None:
    assert not np.isfinite(reference_of(jnp.linalg.inv, S).evaluate((0, 0), [np.ones((1, 3, 3))]).values).any()


def test_complex_matrices_are_out_of_reach() -> None:
    with pytest.raises(OutOfReach, match="complex matrices"):
        compared(lambda m: jnp.abs(jnp.linalg.cholesky(m + 0j)), [S[None]], order=0)
