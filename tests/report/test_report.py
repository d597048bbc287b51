"""The Report: its contract with notebooks, tests and other people's code."""

from __future__ import annotations

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import InputError, OutOfReach, WrongDerivative, derive


@jax.custom_jvp
def wrong_sine(x):
    return jnp.sin(x)


wrong_sine.defjvp(lambda primals, tangents: (wrong_sine(*primals), -jnp.cos(primals[0]) * tangents[0]))


def cubic(x):
    return x[0] ** 2 * x[1] + x[1] ** 3


X = jnp.array([1.0, 2.0])


def quick(function, **options):
    return derive(function, cost="none", points=4, **options)


def test_the_package_offers_derive_however_it_was_imported_before():
    import jaxdiff_magic.pipeline

    assert jaxdiff_magic.derive is jaxdiff_magic.pipeline.derive


def test_values_are_what_jax_returns():
    report = quick(cubic)(X)
    np.testing.assert_array_equal(report.gradient, jax.grad(cubic)(X))
    np.testing.assert_array_equal(report.hessian, jax.hessian(cubic)(X))
    assert report.value == cubic(X)
    assert report.jacobian is report.gradient or np.array_equal(report.jacobian, report.gradient)


def test_a_vector_function_has_no_gradient_and_a_finding_says_why():
    report = quick(lambda x: jnp.stack([x**2, 4 * x]))(1.0)
    assert report.gradient is None
    assert "infeasible-mode" in {finding.kind for finding in report.findings}


def test_formulas_come_as_text_latex_and_sympy():
    gradient = quick(cubic)(X).formula("gradient")
    assert str(gradient) == gradient.text == "[2*x[0]*x[1], x[0]**2 + 3*x[1]**2]"
    assert gradient.latex == r"\begin{bmatrix} 2 x_{0} x_{1} \\ x_{0}^{2} + 3 x_{1}^{2} \end{bmatrix}"
    assert gradient.sympy.shape == (2, 1)


@pytest.mark.parametrize("notation", ["component", "index", "steps"])
@pytest.mark.parametrize("what", ["function", "gradient", "hessian", "d3"])
def test_every_formula_can_be_had_in_every_notation(what, notation):
    assert quick(cubic)(X).formula(what, notation).text


def test_the_layout_transposes_what_is_shown():
    def f(x):
        return jnp.array([x[0] ** 2, x[0] * x[1], x[1]])

    assert quick(f)(X).formula("jacobian").text == "[[2*x[0], 0], [x[1], x[0]], [0, 1]]"
    assert quick(f, layout="denominator")(X).formula("jacobian").text == "[[2*x[0], x[1], 0], [0, x[0], 1]]"


def test_what_cannot_be_asked_for_is_named():
    report = quick(cubic)(X)
    with pytest.raises(InputError, match="no notation 'matrx'"):
        report.formula("gradient", "matrx")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Choose function, gradient"):
        report.formula("slope")
    with pytest.raises(OutOfReach, match=r"svd has no formula yet \(test_report.py, line \d+\)"):
        quick(lambda x: jnp.linalg.svd(jnp.outer(x, x) + jnp.eye(2), compute_uv=False).sum())(X).formula("gradient")
    with pytest.raises(OutOfReach, match="not asked for"):
        quick(cubic, symbolic=False)(X).formula("gradient")


def test_a_wrong_rule_raises_in_a_test_suite():
    quick(jnp.sin)(1.0).raise_if_wrong()
    with pytest.raises(WrongDerivative, match="wrong_sine with respect to x differs"):
        quick(wrong_sine)(1.0).raise_if_wrong()


@pytest.mark.parametrize("point", [jnp.array([1.0, 2.0]), jnp.array([jnp.nan, jnp.inf])])
def test_the_report_is_plain_data_for_strict_json(point):
    data = json.loads(json.dumps(quick(cubic)(point).to_dict(), allow_nan=False))
    assert data["version"] == 1
    assert data["subject"]["inputs"] == [{"name": "x", "shape": [2], "dtype": "float32"}]
    assert data["gradient"] == ([4.0, 13.0] if jnp.isfinite(point).all() else ["nan", "nan"])
    assert len(data["check"]["entries"]) == 6


def test_a_notebook_gets_html_latex_and_text():
    bundle = quick(cubic)(X)._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "text/latex"}
    assert set(quick(cubic)(X).formula("hessian")._repr_mimebundle_()) == set(bundle)


def test_the_users_function_is_not_called_with_other_settings():
    """Prints and random draws in it happen under the user's own configuration, and are counted."""
    seen = []

    def f(x):
        seen.append(jax.config.jax_enable_x64)
        return x**2

    report = quick(f)(1.0)
    assert set(seen) == {False}
    assert report.calls == len(seen)


@pytest.mark.parametrize("options", [{"order": 0}, {"points": -1}, {"budget": -1.0}])
def test_bad_options_are_refused(options):
    with pytest.raises(InputError, match="at least"):
        derive(cubic, **options)


def test_it_works_without_random_points_and_without_time():
    report = derive(cubic, points=0, budget=0.0)(X)
    assert report.verdict == "agrees"
    assert report.check.points == 0
