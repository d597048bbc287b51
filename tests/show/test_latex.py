"""The LaTeX of a report: display equations, formula = number."""

from __future__ import annotations

import dataclasses

import pytest
from latex2mathml.converter import convert

from jaxdiff_magic.show.latex import render_latex
from jaxdiff_magic.subject.latex_names import latex_name

from .samples import ALL, cubic, large, not_finite, orders, vector


@pytest.mark.parametrize("name", ALL)
def test_every_report_is_one_balanced_display(name: str) -> None:
    latex = render_latex(ALL[name]())
    assert latex.startswith("$$\n") and latex.endswith("\n$$")
    body = latex.strip("$\n")
    assert body.replace(r"\{", "").count("{") == body.replace(r"\}", "").count("}")
    assert "<merror" not in convert(body)


def test_gradient_and_hessian_stand_as_formula_equals_number() -> None:
    latex = render_latex(cubic())
    assert r"\begin{bmatrix} 2 x_{0} x_{1} \\ x_{0}^{2} + 3 x_{1}^{2} \end{bmatrix} = \begin{bmatrix} 4 \\ 13" in latex
    assert r"= \begin{bmatrix} 4 & 2 \\ 2 & 12 \end{bmatrix}" in latex


def test_denominator_layout_is_marked_as_transposed() -> None:
    latex = render_latex(dataclasses.replace(vector(), layout="denominator"))
    assert r"^{\top}" in latex and r"\begin{bmatrix} 2 & 0 \\ 1 & 4 \\ 0 & 1 \end{bmatrix}" in latex


def test_a_large_derivative_is_its_shape_and_closed_form() -> None:
    latex = render_latex(large())
    assert r"\in \mathbb{R}^{300 \times 300}" in latex and r"6 \delta_{i j} x_{i}" in latex
    assert "bmatrix" not in latex


def test_an_equation_keeps_its_own_left_hand_side() -> None:
    assert r"f &= \sum_{i=0}^{299} x_{i}^{3}" in render_latex(large())
    assert r"f &= x_{0}^{2} x_{1} + x_{1}^{3}" in render_latex(cubic())


def test_orders_of_one_variable_are_ordinary_derivatives() -> None:
    assert r"\frac{\mathrm{d}^{3} f}{\mathrm{d} x^{3}} &= 0.25265405" in render_latex(orders())


def test_infinity_and_nan_are_symbols() -> None:
    latex = render_latex(not_finite())
    assert r"\infty" in latex and r"\mathrm{NaN}" in latex


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("x", "x"),
        ("x[0, 2]", "x_{0,2}"),
        ("rate_1", r"\mathrm{rate}_{1}"),
        ("params['W'][0]", r"\mathrm{params}_{W,0}"),
        ("a['{$']", r"a_{\{\$}"),
    ],
)
def test_names_are_written_so_that_latex_takes_them_literally(name: str, latex: str) -> None:
    assert latex_name(name) == latex
