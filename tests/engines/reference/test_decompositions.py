"""Rules of matrix decompositions, against JAX in float64 and against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic import derive
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

TALL = np.array([[1.3, 0.4], [-0.6, 0.9], [0.2, 1.7], [0.8, -1.1]])
SQUARE = np.array([[2.1, 0.3, -0.5], [0.7, 1.6, 0.2], [-0.4, 0.9, 2.8]])
ROTATING = np.array([[0.3, -1.2, 0.4], [1.1, 0.2, -0.3], [0.5, 0.1, 1.9]])
"""Two of its eigenvalues are complex."""
DEFINITE = SQUARE @ SQUARE.T
Function = Callable[[Any], Any]


def symmetrised(a: jax.Array) -> jax.Array:
    return (a + a.T) / 2


FUNCTIONS: dict[str, tuple[Function, np.ndarray]] = {
    "lu": (lambda a: lax.linalg.lu(a)[0], SQUARE),
    "lu of a tall matrix": (lambda a: lax.linalg.lu(a)[0], TALL),
    "lu of a wide matrix": (lambda a: lax.linalg.lu(a)[0], TALL.T),
    "lu of a stack": (lambda a: lax.linalg.lu(a)[0], np.stack([SQUARE, SQUARE[::-1]])),
    "lu of a stack of tall matrices": (lambda a: lax.linalg.lu(a)[0], np.stack([TALL, -2 * TALL[::-1]])),
    "lu of a stack of wide matrices": (lambda a: lax.linalg.lu(a)[0], np.stack([TALL.T, TALL.T[::-1]])),
    "a solve by an lu of the user's": (lambda a: jsp.linalg.lu_solve(jsp.linalg.lu_factor(a), a[0]), SQUARE),
    "q of a tall matrix": (lambda a: jnp.linalg.qr(a).Q, TALL),
    "r of a tall matrix": (lambda a: jnp.linalg.qr(a).R, TALL),
    "q of a wide matrix": (lambda a: jnp.linalg.qr(a).Q, TALL.T),
    "r of a wide matrix": (lambda a: jnp.linalg.qr(a).R, TALL.T),
    "u of a wide matrix": (lambda a: jnp.linalg.svd(a, full_matrices=False).U, TALL.T),
    "v of a wide matrix": (lambda a: jnp.linalg.svd(a, full_matrices=False).Vh, TALL.T),
    "v of a tall matrix": (lambda a: jnp.linalg.svd(a, full_matrices=False).Vh, TALL),
    "a Cholesky factor": (lambda a: lax.linalg.cholesky(symmetrised(a), symmetrize_input=False), DEFINITE),
    "eigenvalues of any matrix": (lambda a: jnp.abs(jnp.linalg.eigvals(a)), ROTATING),
    "eigenvectors": (lambda a: jnp.linalg.eigh(a).eigenvectors, DEFINITE),
}

WITHOUT_SECOND = ("eigenvalues of any matrix",)
"""Of these JAX has no second derivative."""


def reference(f: Function, x: np.ndarray) -> Reference:
    return Reference(subject_trace(subject_of(f, (jnp.asarray(x),), {}, None)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_derivatives_are_those_of_jax(name: str) -> None:
    f, x = FUNCTIONS[name]
    with jax.enable_x64(True):
        ours = reference(f, x)
        second = () if name in WITHOUT_SECOND else (((0, 0, 0), jax.jacfwd(jax.jacrev(f))),)
        for path, theirs in (((0,), f), ((0, 0), jax.jacrev(f)), *second):
            expected, found = np.asarray(jax.jit(theirs)(jnp.asarray(x))), ours.evaluate(path, [x[None]])
            assert np.all(np.abs(found.values[0] - expected) <= 64 * found.errors[0] + 1e-12), path


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_are_those_of_function_values(name: str) -> None:
    f, x = FUNCTIONS[name]
    direction, h = np.random.default_rng(0).standard_normal(x.shape), 1e-5
    with jax.enable_x64(True):
        ours = reference(f, x)
        for path in ((0, 0), (0, 0, 0)):
            ahead, behind = (ours.evaluate(path[:-1], [(x + s * h * direction)[None]]).values[0] for s in (1, -1))
            found = np.tensordot(ours.evaluate(path, [x[None]]).values[0], direction, x.ndim)
            np.testing.assert_allclose(found, (ahead - behind) / (2 * h), rtol=1e-6, atol=1e-7)


class TestACholeskyFactorOfElementsThatVaryOneByOne:
    """LAPACK reads one triangle, JAX's rule both: off the symmetric matrices they are different functions."""

    def factor(self, a: jax.Array) -> jax.Array:
        return lax.linalg.cholesky(a, symmetrize_input=False)

    def test_differs_with_the_cure(self) -> None:
        report = derive(self.factor, cost="none", points=2)(jnp.asarray(DEFINITE, "float32"))
        assert report.verdict == "differs" and "one triangle" in report.check.summary
        assert any("(a + a.T) / 2" in finding.cure for finding in report.findings)

    def test_has_no_derivative_by_what_is_not_read(self) -> None:
        with jax.enable_x64(True):
            found = reference(self.factor, DEFINITE).evaluate((0, 0), [DEFINITE[None]]).values[0]
        assert not found[..., *np.triu_indices(len(DEFINITE), 1)].any()


@pytest.mark.parametrize("f", [jnp.linalg.inv, jnp.linalg.det, lambda a: jnp.linalg.solve(a, a[0])])
def test_what_jax_derives_from_a_library_function_is_not_taken_for_it(f: Function) -> None:
    large = np.eye(4) + 0.1 * np.arange(16.0).reshape(4, 4) ** 0.5
    with jax.enable_x64(True):
        assert derive(f, cost="none", points=2)(jnp.asarray(large)).verdict in ("proved", "agrees")
