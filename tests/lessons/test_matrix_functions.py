"""Determinants and inverses in the lessons: their differentials, with the transposes that one lesson left out."""

import numpy as np
import pytest

from .conftest import Lesson

MATRIX = """
A = jnp.array([[2.0, 1.0, 0.0], [0.5, 3.0, 1.0], [0.0, -1.0, 2.5]])
x = jnp.array([1.0, 2.0, -1.0])
"""


@pytest.mark.parametrize("call", ["jnp.linalg.slogdet(A)[1]", "jnp.log(jnp.abs(jnp.linalg.det(A)))"])
def test_the_gradient_of_log_det_is_the_transposed_inverse(lesson: Lesson, call):
    lesson.cell(MATRIX)
    report = lesson.derive(f"%%derive --order 1\ndef f(A):\n    return {call}\n\nf(A)")
    A = np.asarray(lesson.shell.user_ns["A"], float)
    lesson.assert_close(report.gradient, np.linalg.inv(A).T)
    assert report.formula("gradient", "matrix").text == "df/dA = A⁻ᵀ"
    assert report.formula("gradient", "matrix").latex == r"\frac{\partial f}{\partial A} = A^{-\top}"


def test_the_function_is_written_with_the_determinant(lesson: Lesson):
    lesson.cell(MATRIX)
    report = lesson.derive("%%derive --order 1\ndef f(A):\n    return jnp.linalg.slogdet(A)[1]\n\nf(A)")
    assert report.formula("function", "matrix").text == "f = log |det A|"


def test_the_gradient_of_a_form_in_the_inverse_has_its_transposes(lesson: Lesson):
    lesson.cell(MATRIX)
    report = lesson.derive("%%derive --order 1\ndef f(A):\n    return x @ jnp.linalg.inv(A) @ x\n\nf(A)")
    A, x = (np.asarray(lesson.shell.user_ns[name], float) for name in "Ax")
    inverse = np.linalg.inv(A).T
    lesson.assert_close(report.gradient, -inverse @ np.outer(x, x) @ inverse)
    assert report.formula("function", "matrix").text == "f = xᵀ A⁻¹ x"
    assert report.formula("gradient", "matrix").text == "df/dA = -A⁻ᵀ x xᵀ A⁻ᵀ"
