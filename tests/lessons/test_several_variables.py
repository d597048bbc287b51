"""Lessons on scalar functions of several variables: gradients, Hessians and their products, curvature, the graph."""

import math
import re

import numpy as np
import pytest

from .conftest import Lesson
from .formulas import assert_formula


def test_gradient_and_hessian_of_a_quadratic_form(lesson: Lesson):
    report = lesson.derive("""%%derive
def f(x):
    return x[0]**2 + x[1]**2 + x[0]*x[1]

x = jnp.array([1.0, 2.0])
f(x)
""")
    assert report.value == 7
    assert str(report.gradient.dtype) == str(report.hessian.dtype) == lesson.dtype
    lesson.assert_close(report.gradient, [4, 5])
    lesson.assert_close(report.hessian, [[2, 1], [1, 2]])
    assert_formula(report.formula("gradient"), "[2*x[0] + x[1], x[0] + 2*x[1]]")
    assert_formula(report.formula("hessian"), "[[2, 1], [1, 2]]")


def test_three_ways_to_the_hessian_are_alike(lesson: Lesson):
    lesson.cell("def f(x):\n    return x[0]**2 + x[1]**2 + x[0]*x[1]\nx = jnp.array([1.0, 2.0])")
    gradient = lesson.derive("%derive jax.grad(f)(x)")
    for mode in ("forward", "reverse"):  # jacfwd(grad(f)) and jacrev(grad(f))
        columns = {(e.output, *e.inputs): getattr(e, mode) for e in gradient.check.entries if e.what == "jacobian"}
        assert sorted(columns.values()) == [1, 1, 2, 2]
    assert_formula(gradient.formula("jacobian"), "[[2, 1], [1, 2]]")
    for way in ("jax.hessian(f)", "jax.jacrev(jax.grad(f))", "jax.jacfwd(jax.grad(f))"):
        report = lesson.derive(f"%derive --order 1 {way}(x)")
        lesson.assert_close(report.value, [[2, 1], [1, 2]])
        lesson.assert_close(gradient.jacobian, report.value)


def test_gradient_and_hessian_of_a_cubic(lesson: Lesson):
    report = lesson.derive("""%%derive
def f(x):
    return x[0]**2 * x[1] + x[1]**3

f(jnp.array([1.0, 2.0]))
""")
    assert report.value == 10
    lesson.assert_close(report.gradient, [4, 13])
    lesson.assert_close(report.hessian, [[4, 2], [2, 12]])
    assert report.formula("gradient").text == "[2*x[0]*x[1], x[0]**2 + 3*x[1]**2]"
    assert_formula(report.formula("hessian"), "[[2*x[1], 2*x[0]], [2*x[0], 6*x[1]]]")


@pytest.mark.parametrize(
    "product",
    [
        pytest.param("jax.jvp(jax.grad(f), (x,), (v,))[1]", id="forward-over-reverse"),
        pytest.param("jax.grad(lambda x: jnp.vdot(jax.grad(f)(x), v))(x)", id="reverse-over-reverse"),
    ],
)
def test_a_hessian_vector_product_is_the_hessian_times_the_vector(lesson: Lesson, product):
    report = lesson.derive(f"""%%derive --wrt v
def f(x):
    return x[0]**2 * x[1] + x[1]**3

def hvp(x, v):
    return {product}

hvp(jnp.array([1.0, 2.0]), jnp.array([1.0, 0.0]))
""")
    lesson.assert_close(report.value, [4, 2])
    lesson.assert_close(report.jacobian, [[4, 2], [2, 12]])
    assert_formula(report.formula("jacobian"), "[[2*x[1], 2*x[0]], [2*x[0], 6*x[1]]]")


def test_two_scalar_arguments_have_a_derivative_each_and_four_hessian_blocks(lesson: Lesson):
    report = lesson.derive("%%derive\ndef f(x, y):\n    return x**2 + y**2\n\nf(1., 1.)")
    lesson.assert_close(report.gradient, (2, 2))
    lesson.assert_close(report.hessian, ((2, 0), (0, 2)))
    assert_formula(report.formula("gradient"), {"x": "2*x", "y": "2*y"})
    assert_formula(report.formula("hessian"), {"x, x": "2", "x, y": "0", "y, x": "0", "y, y": "2"})


def test_the_eigenvalues_of_the_hessian_show_a_positive_definite_form(lesson: Lesson):
    report = lesson.derive("""%%derive
def f(x):
    return x[0]**2 + x[0]*x[1] + 2*x[1]**2

f(jnp.array([1.0, 2.0]))
""")
    lesson.assert_close(report.gradient, [4, 9])
    lesson.assert_close(report.hessian, [[2, 1], [1, 4]])
    assert_formula(report.formula("gradient"), "[2*x[0] + x[1], x[0] + 4*x[1]]")
    assert_formula(report.formula("hessian"), "[[2, 1], [1, 4]]")
    curvature = report.curvature
    lesson.assert_close(curvature.eigenvalues, [3 - math.sqrt(2), 3 + math.sqrt(2)])
    assert curvature.definiteness == "positive definite"
    assert curvature.point_kind == "not stationary"
    lesson.assert_close(curvature.newton_step[0], [-1, -2])  # to the minimum of the form, in one step


@pytest.mark.parametrize(
    ("expression", "second", "eigenvalues", "definiteness", "point_kind"),
    [
        pytest.param("x[0]**2 + 2*x[1]**2", 4, [2, 4], "positive definite", "minimum", id="bowl"),
        pytest.param("x[0]**2 - x[1]**2", -2, [-2, 2], "indefinite", "saddle", id="saddle"),
    ],
)
def test_at_a_stationary_point_the_hessian_tells_bowl_from_saddle(
    lesson: Lesson, expression, second, eigenvalues, definiteness, point_kind
):
    report = lesson.derive(f"%%derive\ndef f(x):\n    return {expression}\n\nf(jnp.array([0.0, 0.0]))")
    lesson.assert_close(report.gradient, [0, 0])
    lesson.assert_close(report.hessian, [[2, 0], [0, second]])
    assert_formula(report.formula("gradient"), f"[2*x[0], {second}*x[1]]")
    lesson.assert_close(report.curvature.eigenvalues, eigenvalues)
    assert (report.curvature.definiteness, report.curvature.point_kind) == (definiteness, point_kind)
    assert re.search(rf"the point\s+{point_kind}", str(report))


@pytest.mark.parametrize("n", [3, 50])
def test_a_sum_of_cubes_has_a_diagonal_hessian_at_any_size(lesson: Lesson, n):
    report = lesson.derive(f"%%derive\ndef f(x):\n    return jnp.sum(x**3)\n\nf(jnp.linspace(-1.0, 1.0, {n}))")
    x = np.linspace(-1, 1, n)
    lesson.assert_close(report.gradient, 3 * x**2)
    lesson.assert_close(report.hessian, np.diag(6 * x))
    assert report.formula("gradient", "index").text == "df/dx[j] = 3*x[j]**2"
    assert report.formula("hessian", "index").text.endswith("[j, k] = 6*δ(j, k)*x[j]")


def test_adjoints_flow_back_through_the_readers_own_variables(lesson: Lesson):
    report = lesson.derive("""%%derive
def f(x, y):
    a = x + y
    b = x - y
    return a * b

f(3.0, 2.0)
""")
    lesson.assert_close(report.gradient, (6, -4))
    assert_formula(report.formula("gradient"), {"x": "2*x", "y": "-2*y"})
    assert [(s.name, s.value, s.adjoint) for s in report.steps] == [("a", 5, 1), ("b", 1, 5), ("f", 5, 1)]
    assert [s.formula.text for s in report.steps] == ["a = x + y", "b = x - y", "f = a*b"]
    a, b, f = (dict(step.partials) for step in report.steps)
    assert [a["x"].sympy, a["y"].sympy, b["x"].sympy, b["y"].sympy] == [1, 1, 1, -1]
    assert (f["a"].text, f["b"].text) == ("df/da = b", "df/db = a")
    assert report.steps[0].source == "a = x + y"
    assert "line 3" in report.steps[0].where
