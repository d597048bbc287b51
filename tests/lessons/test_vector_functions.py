"""Lessons on functions with vector results: Jacobians, blocks by argument, the chain rule, both layouts."""

import math
import re

import numpy as np
import pytest

from .conftest import Lesson
from .formulas import assert_formula

WITH_TRIGONOMETRY = """
def f(x):
    return jnp.array([x[0]**2 + x[1], x[0]*x[1], jnp.sin(x[0]) + jnp.cos(x[1])])

f(jnp.array([1.0, 2.0]))
"""


def jacobian_by(mode: str, report) -> np.ndarray:
    """The Jacobian of a function of one array as the check's column of a mode has it."""
    entries = {(e.output, *e.inputs): getattr(e, mode) for e in report.check.entries if e.what == "jacobian"}
    (x,), (f,) = report.subject.inputs, report.subject.outputs
    return np.array([[entries[f.element((i,)), x.element((j,))] for j in range(x.size)] for i in range(f.size)])


def test_forward_and_reverse_mode_give_the_same_jacobian(lesson: Lesson):
    report = lesson.derive("""%%derive
def f(x):
    return jnp.array([x[0]*x[1], x[1]**2 + x[2]])

f(jnp.array([1.0, 2.0, 3.0]))
""")
    assert report.jacobian.shape == (2, 3)
    assert str(report.jacobian.dtype) == lesson.dtype
    for jacobian in (report.jacobian, jacobian_by("forward", report), jacobian_by("reverse", report)):
        lesson.assert_close(jacobian, [[2, 1, 0], [0, 4, 1]])
    assert_formula(report.formula("jacobian"), "[[x[1], x[0], 0], [0, 2*x[1], 1]]")


def test_a_function_that_plain_grad_refuses_has_a_jacobian_and_an_explanation(lesson: Lesson):
    report = lesson.derive("%%derive\ndef f(x):\n    return jnp.array([x**2, 4*x])\n\nf(1.0)")
    lesson.assert_close(report.jacobian, [2, 4])
    assert_formula(report.formula("jacobian"), "[2*x, 4]")
    assert report.gradient is None
    with pytest.raises(TypeError) as refusal:
        lesson.cell("jax.grad(f)(1.0)")
    (finding,) = report.findings
    (said,) = re.findall('"(.*)"', finding.message)
    assert said in str(refusal.value)
    assert "f returns an array of shape (2,)" in finding.message
    assert "jax.grad" in str(report)
    for call in re.findall(r"jax\.jac\w+\(f\)\(x\)", finding.cure):
        lesson.assert_close(lesson.cell(call.replace("(x)", "(1.0)")), [2, 4])
    assert "jax.jacfwd(f)(x)" in finding.cure


def test_each_argument_has_its_jacobian_and_each_pair_its_hessian(lesson: Lesson):
    report = lesson.derive("""%%derive
def f(x, y):
    return jnp.array([x**3 + 2*x**2 + 2*y**3 + y**2, 4*x + 3*y**2])

f(1., 1.)
""")
    lesson.assert_close(report.jacobian, ((7, 4), (8, 6)))
    lesson.assert_close(report.hessian, (((10, 0), (0, 0)), ((0, 0), (14, 6))))
    assert_formula(report.formula("jacobian"), {"x": "[3*x**2 + 4*x, 4]", "y": "[6*y**2 + 2*y, 6*y]"})
    assert_formula(
        report.formula("hessian"),
        {"x, x": "[6*x + 4, 0]", "x, y": "[0, 0]", "y, x": "[0, 0]", "y, y": "[12*y + 2, 6]"},
    )


def test_polynomials_are_shown_alike_in_every_entry(lesson: Lesson):
    report = lesson.derive(
        "%%derive\ndef f(x, y):\n    return jnp.array([x**3 + 2*x**2 + 2*y**3 + y**2, 4*x + 3*y**2])\nf(1., 1.)"
    )
    assert report.formula("jacobian").text == "x: [3*x**2 + 4*x, 4]\ny: [6*y**2 + 2*y, 6*y]"


def test_the_jacobian_of_a_function_with_sine_and_cosine(lesson: Lesson):
    report = lesson.derive("%%derive" + WITH_TRIGONOMETRY)
    lesson.assert_close(report.jacobian, [[2, 1], [2, 1], [math.cos(1), -math.sin(2)]])
    assert_formula(report.formula("jacobian"), "[[2*x[0], 1], [x[1], x[0]], [cos(x[0]), -sin(x[1])]]")


def test_the_jacobian_of_a_composition_is_the_product_of_jacobians(lesson: Lesson):
    inner = lesson.derive("""%%derive
def f(x):
    return jnp.array([x[0]**2, x[0] + x[1]])

x = jnp.array([1.0, 2.0])
f(x)
""")
    outer = lesson.derive("""%%derive
def g(y):
    return jnp.array([y[0]*y[1], y[0] - y[1]])

g(f(x))
""")
    both = lesson.derive("%%derive\ndef h(x):\n    return g(f(x))\n\nh(x)")
    lesson.assert_close(inner.value, [1, 3])
    lesson.assert_close(inner.jacobian, [[2, 0], [1, 1]])
    lesson.assert_close(outer.jacobian, [[3, 1], [1, -1]])
    lesson.assert_close(both.jacobian, [[7, 1], [1, -1]])
    lesson.assert_close(both.jacobian, np.asarray(outer.jacobian) @ np.asarray(inner.jacobian))
    assert_formula(inner.formula("jacobian"), "[[2*x[0], 0], [1, 1]]")
    assert_formula(outer.formula("jacobian"), "[[y[1], y[0]], [1, -1]]")
    assert_formula(both.formula("jacobian"), "[[3*x[0]**2 + 2*x[0]*x[1], x[0]**2], [2*x[0] - 1, -1]]")


@pytest.mark.parametrize("n", [3, 20])
def test_the_jacobian_of_softmax_is_a_diagonal_less_an_outer_product(lesson: Lesson, n):
    report = lesson.derive(f"%derive --order 1 jax.nn.softmax(jnp.linspace(-1.0, 1.0, {n}))")
    s = np.exp(np.linspace(-1, 1, n))
    s /= s.sum()
    lesson.assert_close(report.jacobian, np.diag(s) - np.outer(s, s))
    assert "δ(j, k)" in report.formula("jacobian", "index").text


def test_the_formula_of_the_softmax_jacobian_has_both_terms_in_every_entry(lesson: Lesson):
    report = lesson.derive("%%derive --order 1\ndef f(z):\n    return jax.nn.softmax(z)\n\nf(jnp.array([0.0, 1.0]))")
    s = ["exp(z[0])/(exp(z[0]) + exp(z[1]))", "exp(z[1])/(exp(z[0]) + exp(z[1]))"]
    entries = [f"{s[i]}*({int(i == j)} - {s[j]})" for i in range(2) for j in range(2)]
    expected = f"[[{entries[0]}, {entries[1]}], [{entries[2]}, {entries[3]}]]"
    assert_formula(report.formula("jacobian", "component"), expected)
    assert report.formula("jacobian").text == "df/dz = diag(s) - s sᵀ, where s = softmax(z)"


def rows(report, heading: str) -> list[str]:
    """The first words of the rows of a table in the text output."""
    table = str(report).split(heading, 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^([fx]\[\d\]) ", table, re.MULTILINE)


def test_the_layout_of_a_jacobian_is_the_readers_choice(lesson: Lesson):
    numerator = lesson.derive("%%derive" + WITH_TRIGONOMETRY)
    denominator = lesson.derive("%%derive --layout denominator" + WITH_TRIGONOMETRY)
    assert_formula(numerator.formula("jacobian"), "[[2*x[0], 1], [x[1], x[0]], [cos(x[0]), -sin(x[1])]]")
    assert_formula(denominator.formula("jacobian"), "[[2*x[0], x[1], cos(x[0])], [1, x[0], -sin(x[1])]]")
    assert rows(numerator, "Jacobian of f by x") == ["f[0]", "f[1]", "f[2]"]
    assert rows(denominator, "Jacobian of f by x, transposed") == ["x[0]", "x[1]"]
    assert re.search(r"x\[0\] +2\*x\[0\] = 2 +x\[1\] = 2 +cos\(x\[0\]\) = 0.5403023", str(denominator))
    lesson.assert_close(denominator.jacobian, numerator.jacobian)  # the array stays as JAX returns it
