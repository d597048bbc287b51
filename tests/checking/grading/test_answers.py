"""What a derivation may be, what it may mention, and where its grade is shown."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jaxdiff_magic import InputError, Report, derive
from jaxdiff_magic.checking.grading.swaps import swaps
from jaxdiff_magic.engines.symbolic.written import value_of_text
from jaxdiff_magic.report.grade import Grade

X = jnp.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
y = jnp.array([1.0, -1.0, 0.5])
P = jnp.array([0.3, -0.7])


def quick(f: Any, mine: Any, *args: Any, **options: Any) -> tuple[Grade, ...]:
    return derive(f, mine=mine, cost="none", order=1, points=4, **options)(*args).mine


def model(w, b):
    return jnp.sum((X @ w + b - y) ** 2) / 2


class TestWhatItIsOf:
    def test_one_derivation_is_by_the_first_differentiated_argument(self) -> None:
        (grade,) = quick(model, "X.T @ (X @ w + b - y)", P, 0.5)
        assert (grade.of, grade.outcome) == ("∂model/∂w", "right")
        (grade,) = quick(model, "jnp.sum(X @ w + b - y)", P, 0.5, wrt="b")
        assert (grade.of, grade.outcome) == ("∂model/∂b", "right")

    def test_a_dict_has_one_for_each_argument(self) -> None:
        first, second = quick(model, {"b": "sum(X @ w - y)", "w": lambda w, b: X.T @ (X @ w + b - y)}, P, 0.5)
        assert (first.of, first.outcome, first.kind) == ("∂model/∂b", "wrong", "term")
        assert first.message == "the term 3*b is missing."
        assert (second.of, second.outcome) == ("∂model/∂w", "right")

    def test_a_part_of_an_argument_is_named_by_its_path(self) -> None:
        def loss(params):
            return jnp.sum((X @ params["w"] + params["b"] - y) ** 2)

        point = {"w": P, "b": 0.5}
        mine = {"params['w']": "2 * X.T @ (X @ params['w'] + params['b'] - y)", 'params["b"]': "1.0"}
        assert [grade.outcome for grade in quick(loss, mine, point)] == ["right", "wrong"]

    def test_a_derivation_by_a_tree_of_arrays_returns_such_a_tree(self) -> None:
        def loss(params):
            return jnp.sum((X @ params["w"] + params["b"] - y) ** 2)

        def mine(params):
            r = X @ params["w"] + params["b"] - y
            return {"w": 2 * X.T @ r, "b": jnp.sum(r)}

        b, w = quick(loss, mine, {"w": P, "b": 0.5})
        assert (b.of, b.kind, b.factor) == ("∂loss/∂params['b']", "factor", 2.0)
        assert (w.of, w.outcome) == ("∂loss/∂params['w']", "right")

    def test_what_is_not_differentiated_is_refused_by_name(self) -> None:
        with pytest.raises(InputError, match=r"derivative by 'v', .* Choose among: w, b"):
            quick(model, {"v": "1"}, P, 0.5)
        with pytest.raises(InputError, match="as text, such as"):
            quick(model, 3.0, P, 0.5)

    def test_the_layout_that_is_asked_for_is_the_one_that_is_right(self) -> None:
        def f(x):
            return X @ x

        assert quick(f, "X", P)[0].outcome == "right"
        assert quick(f, "X.T", P, layout="denominator")[0].outcome == "right"
        wrong = quick(f, "X.T", P)[0]
        assert (wrong.kind, "denominator layout" in wrong.message) == ("layout", True)
        wrong = quick(f, "X", P, layout="denominator")[0]
        assert (wrong.kind, "numerator layout" in wrong.message) == ("layout", True)
        np.testing.assert_array_equal(wrong.values, X)


class TestWhatItMayMention:
    def test_variables_of_the_function_come_before_those_of_its_module(self) -> None:
        def maker():
            y = jnp.zeros(3)
            return lambda w: jnp.sum((X @ w - y) ** 2) / 2

        assert quick(maker(), "X.T @ (X @ w - y)", P)[0].outcome == "right"

    def test_nothing_of_the_readers_is_changed(self) -> None:
        before = dict(globals())
        quick(model, "(X := X.T) @ (X.T @ w + b - y)", P, 0.5)
        assert globals() == before

    def test_methods_and_keywords(self) -> None:
        @dataclasses.dataclass
        class Model:
            scale: float

            def loss(self, x, *, power=2):
                return self.scale * jnp.sum(x**power)

        assert quick(Model(3.0).loss, "self.scale * power * x ** (power - 1)", P)[0].outcome == "right"

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("2*x*u1", [2 * 0.3 * 5, -2 * 0.7 * 5]),
            ("x_0^2 + 1", 1.09),
            ("[x1, x2]", [0.3, -0.7]),
            ("Matrix([[x0, 1], [2, 3]])", [[0.3, 1], [2, 3]]),
            ("x[1]/2 + E", -0.35 + np.e),
        ],
    )
    def test_formulas_name_elements_with_or_without_brackets(self, text: str, value: Any) -> None:
        found = value_of_text(text, {"x": P, "u1": 5.0})
        np.testing.assert_allclose(np.asarray(found, float), value, rtol=1e-6)

    def test_a_formula_with_unknown_names_says_which(self) -> None:
        with pytest.raises(InputError, match="mentions q"):
            value_of_text("2*q", {"x": P})
        with pytest.raises(InputError, match="cannot be read as a formula"):
            value_of_text("2*(x", {"x": P})

    def test_texts_with_one_product_exchanged(self) -> None:
        assert list(swaps("A @ x")) == [("*", "A * x"), (".T", "A.T @ x"), (".T", "A @ x.T")]
        assert list(swaps("2^")) == []


class TestWhatCannotBeTold:
    def test_a_derivation_that_raises_shows_its_line(self) -> None:
        def mine(w, b):
            rest = X @ w
            return rest @ X @ rest  # wrong on purpose

        (grade,) = quick(model, mine, P, 0.5)
        assert (grade.kind, grade.values) == ("raises", None)
        assert "rest @ X @ rest  # wrong on purpose" in grade.message
        assert "TypeError: " in grade.message

    def test_at_a_kink_the_points_around_decide(self) -> None:
        (grade,) = quick(jnp.abs, "jnp.sign(x)", 0.0)
        assert grade.outcome == "right"
        assert "convention" in grade.message
        assert quick(jnp.abs, "x", 0.0)[0].outcome == "wrong"

    def test_without_a_formula_it_is_compared_with_jax(self) -> None:
        def f(x):
            return jnp.sum(x**3) if x[0] > 0 else jnp.sum(x)  # JAX cannot trace it

        (grade,) = quick(f, "3 * x**2", jnp.array([1.0, 2.0]))
        assert (grade.outcome, "JAX's numbers" in grade.message) == ("right", True)
        assert quick(f, "2 * x**2", jnp.array([1.0, 2.0]))[0].kind == "factor"
        assert quick(f, "3.0003 * x**2", jnp.array([1.0, 2.0]))[0].outcome != "right"

    def test_a_wrong_rule_of_the_function_does_not_make_a_right_derivation_wrong(self) -> None:
        @jax.custom_jvp
        def sine(x):
            return jnp.sin(x)

        sine.defjvp(lambda primals, tangents: (sine(*primals), -jnp.cos(primals[0]) * tangents[0]))
        report = derive(sine, mine="jnp.cos(x)", cost="none", points=4)(0.4)
        assert (report.verdict, report.mine[0].outcome) == ("differs", "right")
        assert derive(sine, mine="-jnp.cos(x)", cost="none", points=4)(0.4).mine[0].kind == "factor"


@pytest.fixture(scope="module")
def report() -> Report:
    mine = {"w": "X.T @ (X @ w + b - y)", "b": "2 * jnp.sum(X @ w + b - y)"}
    return derive(model, mine=mine, cost="none", order=1, points=4)(P, 0.5)


def test_the_grade_stands_under_the_verdict(report: Report) -> None:
    lines = str(report).replace("\n", " ").split("✓ yours is right: ∂model/∂w = X.T @ (X @ w + b - y): ")
    assert lines[0].count("\n") == 0
    assert "Derivatives" not in lines[0]
    assert "✗ yours is wrong: ∂model/∂b = 2 * jnp.sum(X @ w + b - y): it is 2 times the right one" in lines[1]


def test_html_latex_and_plain_data_have_it(report: Report) -> None:
    bundle = report._repr_mimebundle_()
    assert "yours is wrong</strong>: ∂model/∂b" in bundle["text/html"]
    assert r"\text{yours is right: ∂model/∂w = X.T @ (X @ w + b - y)" in bundle["text/latex"]
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))["mine"]
    assert [(grade["of"], grade["outcome"], grade["factor"]) for grade in data] == [
        ("∂model/∂w", "right", None),
        ("∂model/∂b", "wrong", 0.5),
    ]


@pytest.fixture(scope="module")
def shell() -> Iterator[InteractiveShell]:
    config = Config()
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "nocolor"
    shell = InteractiveShell(config=config)
    shell.run_line_magic("load_ext", "jaxdiff_magic")
    shell.run_line_magic("config", "DeriveMagics.cost = 'none'")
    shell.run_cell(
        "import jax.numpy as jnp\nX = jnp.array([[1.0, 2.0], [3.0, 5.0]])\ny = jnp.ones(2)\nw0 = jnp.ones(2)"
    )
    yield shell
    shell.restore_sys_module_state()


CELL = "\ndef f(w, b):\n    return jnp.sum((X @ w + b - y)**2) / 2\nf(w0, 0.5)"


@pytest.mark.parametrize(
    ("options", "outcomes"),
    [
        ('--mine "X.T @ (X @ w + b - y)"', ["right"]),
        ('--mine="X @ (X @ w + b - y)"', ["wrong"]),
        ('--mine "w: X.T @ (X @ w + b - y), b: jnp.sum(X @ w + b)"', ["right", "wrong"]),
        ("--mine 'w: X.T @ (X @ w + b - y)' --mine 'b: jnp.sum(X @ w + b - y)'", ["right", "right"]),
        ("--mine helper(w,b)", ["right"]),
    ],
)
def test_a_cell_grades_what_its_first_line_says(shell: InteractiveShell, options: str, outcomes: list[str]) -> None:
    shell.run_cell("def helper(w, b):\n    return X.T @ (X @ w + b - y)")
    result = shell.run_cell(f"%%derive --order 1 {options}{CELL}")
    result.raise_error()
    assert [grade.outcome for grade in result.result.mine] == outcomes


def test_a_derivation_may_use_variables_around_a_function_of_a_library(shell: InteractiveShell) -> None:
    shell.run_cell("two = 2.0")
    result = shell.run_cell('%derive --mine "two * x / two / x" jnp.log1p(0.0)')
    assert result.result.mine[0].kind == "not finite"
    result = shell.run_cell('%derive --mine "two / (two + two * x)" jnp.log1p(0.5)')
    assert result.result.mine[0].outcome == "right"
