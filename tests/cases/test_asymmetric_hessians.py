"""A Hessian that is not symmetric beyond its rounding is an error, and never classified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
import pytest

from jaxdiff_magic import Report, derive

KIND = "asymmetric-hessian"


def report_of(f: Callable[..., Any], x: Any) -> Report:
    return derive(f, cost="none", budget=60.0, points=4)(jnp.array(x))


def ruled(value: Callable[..., Any], partials: Callable[..., Any]) -> Callable[..., Any]:
    """A function of an array with a derivative rule of its own."""
    f = jax.custom_jvp(value)
    f.defjvp(lambda p, t: (value(*p), jnp.vdot(partials(*p), t[0])))
    return f


def factor(x: jax.Array) -> jax.Array:
    return jnp.sum(jsp.linalg.cholesky(x, lower=False))


SYMMETRIC = [[4.0, 1.0], [1.0, 3.0]]

WRONG = {
    "one triangle of a matrix": (
        lambda x: jnp.sum(jax.lax.linalg.eigh(x, symmetrize_input=False)[0][:, 0] ** 3),
        SYMMETRIC,
    ),
    "a rule that is 1.3 times one partial derivative": (
        ruled(lambda x: x[0] ** 2 * x[1], lambda x: jnp.array([2 * x[0] * x[1], 1.3 * x[0] ** 2])),
        [1.0, 2.0],
    ),
    "a rule that leaves a partial derivative out": (
        ruled(lambda x: jnp.sin(x[0] * x[1]), lambda x: jnp.array([x[1] * jnp.cos(x[0] * x[1]), 0.0])),
        [0.5, 0.7],
    ),
    "a rule that holds a factor": (
        ruled(
            lambda x: x[0] * jnp.exp(x[1]),
            lambda x: jnp.array([jax.lax.stop_gradient(jnp.exp(x[1])), x[0] * jnp.exp(x[1])]),
        ),
        [1.5, 0.3],
    ),
    "partial derivatives that are exchanged": (
        ruled(lambda x: x[0] ** 2 * x[1] ** 3, lambda x: jnp.array([3 * x[0] ** 2 * x[1] ** 2, 2 * x[0] * x[1] ** 3])),
        [1.1, 0.6],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_is_an_error_without_a_word_about_definiteness(name: str) -> None:
    assert_told(report_of(*WRONG[name]))


def assert_told(report: Report) -> None:
    (finding,) = [finding for finding in report.findings if finding.kind == KIND]
    assert finding.severity == "error" and "not symmetric" in finding.message
    assert report.curvature is not None
    assert (report.curvature.definiteness, report.curvature.point_kind) == ("undecided", "undecided")
    assert report.curvature.note
    assert report.verdict not in ("proved", "agrees")


def test_of_a_factor_of_one_triangle_it_is_an_error_where_jax_takes_both() -> None:
    """JAX 0.10's rule of cholesky does; later ones do not, and their Hessian is symmetric."""
    hessian = np.asarray(jax.hessian(factor)(jnp.array(SYMMETRIC))).reshape(4, 4)
    report = report_of(factor, SYMMETRIC)
    if np.allclose(hessian, hessian.T, atol=1e-5):
        assert KIND not in {finding.kind for finding in report.findings}
        assert report.verdict in ("proved", "agrees")
        assert report.curvature is not None and report.curvature.definiteness != "undecided"
    else:
        assert_told(report)


RIGHT = {
    "float32": (lambda x: jnp.sum(jnp.tanh(jnp.arange(12.0).reshape(4, 3) @ x) ** 2), [0.1, -0.2, 0.3]),
    "a quotient": (lambda x: x[0] / x[1] + jnp.exp(x[0] * x[1]), [1.2, 3.4]),
    "terms that cancel": (lambda x: 1e4 * (jnp.sin(x[0] + x[1]) - jnp.sin(x[0]) * jnp.cos(x[1])), [0.4, 0.9]),
    "a determinant": (lambda x: jnp.linalg.det(x.reshape(2, 2)), [1.0, 2.0, 3.0, 4.0]),
}


@pytest.mark.parametrize("name", RIGHT)
def test_rounding_is_no_asymmetry(name: str) -> None:
    f, x = RIGHT[name]
    report = report_of(f, x)
    assert KIND not in {finding.kind for finding in report.findings}
    assert report.curvature is not None and np.isfinite(report.curvature.eigenvalues).all()
    assert report.curvature.definiteness != "undecided"
