"""Linear algebra at degenerate points: equal eigenvalues, too low a rank, triangles that the code never reads.

Each is named; it is said which derivative exists, and what to write.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
import pytest

from jaxdiff_magic import Report, derive

SYMMETRIC = [[4.0, 1.0], [1.0, 3.0]]


def report_of(f: Callable[..., Any], x: Any) -> Report:
    return derive(f, order=1, cost="none", budget=60.0, points=4)(jnp.array(x))


def messages(report: Report, kind: str) -> list[str]:
    return [f"{finding.message} {finding.cure}" for finding in report.findings if finding.kind == kind]


def smallest(x: jax.Array) -> jax.Array:
    return jax.lax.linalg.eigh(x, symmetrize_input=False)[1][0]


def takes_one_triangle() -> bool:
    """Whether JAX's derivative of a Cholesky factor has nothing by the triangle that is not read, as is right."""
    slopes = jax.grad(lambda x: jnp.sum(jax.lax.linalg.cholesky(x, symmetrize_input=False)))(jnp.array(SYMMETRIC))
    return float(slopes[0, 1]) == 0


@pytest.fixture(scope="module")
def report() -> Report:
    return report_of(lambda x: jnp.sum(jsp.linalg.cholesky(x, lower=False)), SYMMETRIC)


class TestATriangleThatIsNotRead:
    """The values depend on one triangle alone; JAX's rules let both vary together, or did: cholesky's to JAX 0.10."""

    def test_the_derivative_is_that_of_the_values(self, report: Report) -> None:
        # R = [[2, 1/2], [0, sqrt(11)/2]]: by hand
        r = np.sqrt(11) / 2
        truth = [1 / 4 - 1 / 16 + 1 / (32 * r), 1 / 2 - 1 / (4 * r), 0.0, 1 / (2 * r)]
        np.testing.assert_allclose([entry.symbolic for entry in report.check.entries], truth, atol=1e-12)
        np.testing.assert_allclose(truth, (0.206344, 0.349244, 0, 0.301511), atol=1e-6)

    def test_is_named_with_what_exists_and_the_safe_form(self, report: Report) -> None:
        if takes_one_triangle():
            assert report.verdict in ("proved", "agrees") and not messages(report, "custom-rule")
            report = report_of(smallest, SYMMETRIC)
        assert report.verdict == "differs"
        (said,) = messages(report, "custom-rule")
        assert "one triangle" in said and "symmetrically" in said and "(a + a.T) / 2" in said

    def test_the_safe_form_is_right(self) -> None:
        report = report_of(lambda x: jnp.sum(jsp.linalg.cholesky((x + x.T) / 2, lower=False)), SYMMETRIC)
        assert report.verdict in ("proved", "agrees") and not messages(report, "custom-rule")

    def test_solving_by_the_factor(self) -> None:
        report = report_of(lambda x: jnp.sum(jsp.linalg.cho_solve(jsp.linalg.cho_factor(x), jnp.ones(2))), SYMMETRIC)
        # sum of inv(S) 1 with S made of the upper triangle: -(u u') by elements, u = inv(S) 1 = (2, 3) / 11
        np.testing.assert_allclose(
            [entry.symbolic for entry in report.check.entries], np.array([-4, -12, 0, -9]) / 121, atol=1e-12
        )
        if takes_one_triangle():
            assert report.verdict in ("proved", "agrees")
        else:
            assert report.verdict == "differs" and "one triangle" in report.check.summary

    def test_eigenvalues_of_one_triangle(self) -> None:
        report = report_of(smallest, SYMMETRIC)
        by_elements = [entry.symbolic for entry in report.check.entries]
        assert by_elements[1] == 0 and by_elements[2] == pytest.approx(-2 / np.sqrt(5))
        assert report.verdict == "differs"

    @pytest.mark.parametrize("lower", [True, False])
    def test_of_a_triangular_solve_is_zero_on_both_sides(self, lower: bool) -> None:
        report = report_of(lambda x: jnp.sum(jsp.linalg.solve_triangular(x, jnp.ones(2), lower=lower)), SYMMETRIC)
        assert report.verdict in ("proved", "agrees")
        assert np.asarray(report.gradient)[(0, 1) if lower else (1, 0)] == 0


class TestTooLowARank:
    def test_of_qr_is_named(self) -> None:
        a = np.array([[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0]])
        report = report_of(lambda A: jnp.sum(jnp.linalg.qr(A)[1] ** 2), a)
        np.testing.assert_allclose(np.asarray(report.gradient), 2 * a, rtol=1e-5)
        assert report.verdict != "differs"
        (said,) = messages(report, "degenerate-matrix")
        assert "rank 1 here, not 2" in said and "R'R = A'A" in said and "A.T @ A" in said
        assert all("rank" in entry.reason for entry in report.check.entries if entry.outcome == "out of reach")

    def test_of_a_nuclear_norm_is_named(self) -> None:
        report = report_of(lambda x: jnp.linalg.norm(x, "nuc"), [[1.0, 0.0], [0.0, 0.0]])
        assert report.verdict not in ("proved", "agrees")
        assert "singular value of x is 0" in messages(report, "degenerate-matrix")[0]

    def test_of_a_determinant_does_no_harm(self) -> None:
        report = report_of(jnp.linalg.det, [[1.0, 2.0], [2.0, 4.0]])
        np.testing.assert_allclose(np.asarray(report.gradient), [[4, -2], [-2, 1]], rtol=1e-5)
        assert report.verdict in ("proved", "agrees") and not messages(report, "degenerate-matrix")


class TestEqualEigenvalues:
    def test_one_of_them_has_no_derivative(self) -> None:
        report = report_of(lambda x: jnp.linalg.eigvalsh(x)[0], np.eye(2))
        assert report.verdict == "out of reach" and "two equal eigenvalues" in report.check.summary
        assert "two eigenvalues of" in messages(report, "degenerate-matrix")[0]

    def test_a_sum_of_them_has(self) -> None:
        report = report_of(lambda x: jnp.sum(jnp.linalg.eigvalsh(x) ** 3), np.eye(2))
        np.testing.assert_allclose(np.asarray(report.gradient), 3 * np.eye(2), atol=1e-5)
        assert report.verdict == "agrees"
        (finding,) = [finding for finding in report.findings if finding.kind == "degenerate-matrix"]
        assert finding.severity == "info"


def test_a_solver_that_reads_one_triangle_differs_though_the_reference_solves_exactly() -> None:
    def f(a: Any) -> Any:
        return jnp.dot(jnp.array([1.0, 2.0]), jax.scipy.linalg.solve(a, jnp.ones(2), assume_a="pos"))

    found = derive(f, cost="none", order=1)(jnp.array([[2.0, 0.5], [0.5, 1.0]])).check
    assert found.outcome == "differs" and "custom_linear_solve" in found.summary
    rows = {entry.inputs[0]: entry for entry in found.entries}
    both = [rows["a[0, 1]"].numeric, rows["a[1, 0]"].numeric]  # of one triangle, the other is 0
    assert min(map(abs, both)) < 1e-6 and sum(both) == pytest.approx(-0.5714286, rel=1e-5)
    assert "differs" in (rows["a[0, 1]"].outcome, rows["a[1, 0]"].outcome)
