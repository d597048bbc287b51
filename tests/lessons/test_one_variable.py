"""Lessons on functions of one variable: higher orders, a wrong number in a lesson, Newton's method."""

import math
import re

import numpy as np
import pytest

from .conftest import Lesson
from .formulas import assert_formula

ROOT_HALF = math.sqrt(0.5)
T = math.tanh(2.0)
CUBIC = "x**3 + 2*x**2 - 3*x + 1"


@pytest.mark.parametrize(
    ("expression", "point", "value", "numbers", "formulas"),
    [
        pytest.param(
            *("x**4", "2.0", 16, [32, 48, 48]),
            ["4*x**3", "12*x**2", "24*x"],
            id="fourth-power",
        ),
        pytest.param(
            *("jnp.sin(x)", "jnp.pi / 4", ROOT_HALF, [ROOT_HALF, -ROOT_HALF, -ROOT_HALF, ROOT_HALF]),
            ["cos(x)", "-sin(x)", "-cos(x)", "sin(x)"],
            id="sine",
        ),
        pytest.param(
            *("jnp.tanh(x)", "2.0", T, [1 - T**2, -2 * T * (1 - T**2), (6 * T**2 - 2) * (1 - T**2)]),
            ["1 - tanh(x)**2", "-2*tanh(x)*(1 - tanh(x)**2)", "(6*tanh(x)**2 - 2)*(1 - tanh(x)**2)"],
            id="hyperbolic-tangent",
        ),
        pytest.param(
            *(CUBIC, "1.0", 1, [4, 10, 6, 0]),
            ["3*x**2 + 4*x - 3", "6*x + 4", "6", "0"],
            id="cubic-at-1",
        ),
        pytest.param(
            *(CUBIC, "2.0", 11, [17, 16, 6]),
            ["3*x**2 + 4*x - 3", "6*x + 4", "6"],
            id="cubic-at-2",
        ),
        pytest.param(
            *("x**2 + x + 4", "1.0", 6, [3, 2, 0]),
            ["2*x + 1", "2", "0"],
            id="quadratic",
        ),
    ],
)
def test_each_order_has_its_number_and_its_formula(lesson: Lesson, expression, point, value, numbers, formulas):
    report = lesson.derive(f"""%%derive --order {len(numbers)}
def f(x):
    return {expression}

f({point})
""")
    lesson.assert_close(report.value, value)
    shown = [report.gradient, report.hessian, *report.higher.values()]
    assert {str(number.dtype) for number in shown} == {lesson.dtype}
    lesson.assert_close(shown, numbers)
    for what, formula in zip(["gradient", "hessian", "d3", "d4"], formulas, strict=False):
        assert_formula(report.formula(what), formula)


@pytest.mark.parametrize("lesson", ["float32"], indirect=True)
def test_tanh_in_single_precision_has_the_published_digits(lesson: Lesson):
    report = lesson.derive("%derive --order 3 jnp.tanh(2.0)")
    shown = [report.gradient, report.hessian, report.higher[3]]
    np.testing.assert_allclose(shown, [0.070650816, -0.13621868, 0.25265405], rtol=1e-6)


def test_a_polynomial_is_shown_term_by_term(lesson: Lesson):
    report = lesson.derive(f"%%derive\ndef f(x):\n    return {CUBIC}\nf(1.0)")
    assert report.formula("gradient").text == "3*x**2 + 4*x - 3"
    assert report.formula("hessian").text == "6*x + 4"


def test_the_verdict_covers_every_order_shown_or_says_which_not(lesson: Lesson):
    report = lesson.derive("%derive --order 4 jnp.sin(jnp.pi / 4)")
    shown, checked = ({part.what for part in parts} for parts in (report.blocks, report.check.entries))
    assert shown == {"gradient", "hessian", "d3", "d4"}
    assert shown == checked or report.check.not_covered


def test_the_reader_sees_3_where_the_lesson_says_6(lesson: Lesson, capsys: pytest.CaptureFixture):
    report = lesson.derive("""%%derive
def f(x):
    return x**2 + x + 4

f(1.0)  # derivative: 6.0
""")
    shown = capsys.readouterr().out
    assert re.search(r"df/dx\s+2\*x \+ 1\s+3\n", shown)
    slope = next(entry for entry in report.check.entries if entry.inputs == ("x",))
    assert [slope.symbolic, slope.forward, slope.reverse] == [3, 3, 3]
    assert slope.numeric == pytest.approx(3)


def test_newtons_method_on_the_derivative_finds_the_minimum(lesson: Lesson):
    lesson.cell("""
def f(x):
    return x**3 - 5*x + 2

x = 0.5
for _ in range(6):
    report = %derive --no-symbolic f(x)
    (step,) = report.curvature.newton_step
    x = x + float(step)
""")
    lesson.assert_close(lesson.cell("x"), math.sqrt(5 / 3))
    report = lesson.derive("%derive f(x)")
    assert_formula(report.formula("gradient"), "3*x**2 - 5")
    assert report.curvature.definiteness == "positive definite"
    assert report.curvature.point_kind == "minimum"
    assert re.search(r"the point\s+minimum", str(report))
