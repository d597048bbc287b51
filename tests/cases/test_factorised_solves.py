"""Solves by a tridiagonal matrix, and factors of any matrix: a formula and a verdict, as for their neighbours."""

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

A = np.array([[4.0, 1.0, 0.3], [1.0, 5.0, 0.2], [0.1, 0.2, 6.0]])
RIGHT = np.array([1.0, -2.0, 0.5])
solve = lax.linalg.tridiagonal_solve


def heat(k: Any) -> Any:
    """An implicit step, of which the diagonals and the right side are functions of the input."""
    u = solve(-k, 1 + 2 * k, -k, (k * RIGHT.astype(k.dtype))[:, None])[:, 0]
    return jnp.sum(jnp.tanh(u) ** 2)


SCALARS: dict[str, tuple[Callable[..., Any], np.ndarray]] = {
    "a solve by its diagonals": (heat, RIGHT**2),
    "a solve of several right sides": (lambda b: jnp.sum(solve(A[0], 3 + A[1], A[2], b) ** 2), A[:, :2]),
    "a stack of solves": (lambda d: jnp.prod(solve(d, 4 + d**2, -d, d[..., None] + 1)), A[:2]),
    "both factors": (lambda a: jnp.sum(jsp.linalg.lu_factor(a)[0] ** 2), A[::-1]),
    "a logarithm of a determinant": (lambda a: jnp.sum(jnp.log(jnp.abs(jnp.diag(lax.linalg.lu(a)[0])))), A),
    "the lower factor": (lambda a: jnp.sum(jsp.linalg.lu(jnp.sin(a))[1]), A),
    "the upper factors of a stack": (lambda a: jnp.sum(jnp.triu(lax.linalg.lu(a)[0])), np.stack([A, A[::-1]])),
    "a solve by factors": (lambda a: jsp.linalg.lu_solve(jsp.linalg.lu_factor(a), a[0]) @ a[1], A),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SCALARS)
def test_has_a_gradient_and_a_verdict(name: str, dtype: str) -> None:
    f, x = SCALARS[name]
    with jax.enable_x64(dtype == "float64"):
        report = derive(f, order=1, cost="none")(jnp.asarray(x, dtype))
        found = report.formula("gradient")
    assert report.verdict in ("proved", "agrees")
    assert "inv(" in found.text and found.latex


def test_the_upper_factor_is_named_as_such() -> None:
    report = derive(lambda a: jsp.linalg.lu(a)[2] @ jnp.ones(3), order=1, cost="none")(jnp.asarray(A))
    assert report.formula("function", "index").text == "f[j] = Sum(lu_upper(a)[j, k], (k, 0, 2))"


def test_factors_of_what_is_not_square_have_a_verdict_and_say_why_no_formula() -> None:
    report = derive(lambda a: jnp.sum(lax.linalg.lu(a)[0]), order=1, cost="none")(jnp.asarray(A[:, :2]))
    assert report.verdict == "agrees"
    assert "lu of a matrix that is not square has no formula yet" in " ".join(str(report).split())
