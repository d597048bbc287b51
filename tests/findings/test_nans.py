"""Numbers that are not finite are traced to the line that makes them, and what is written there instead is run."""

from __future__ import annotations

import linecache
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.report import Finding

from .cures import cured

Module = Callable[[str], types.ModuleType]


def told(f: Any, *args: Any, order: int = 1, points: int = 0, **options: Any) -> list[Finding]:
    report = derive(f, cost="none", points=points, order=order, budget=60.0, **options)(*args)
    kinds = ("nan", "domain")
    return [f for f in report.findings if f.kind in kinds or "the point is in the domain" in f.message]


@dataclass(frozen=True)
class Case:
    """A function with a NaN.

    Attributes:
        source: of `f`, whose first line is the module's third.
        point: where.
        line: of the module that makes it.
        says: what the message must say.
        cure: what must be written instead, statement by statement.
        gradient: right at the point, worked out by hand; a chosen number where there is none.
        near: a point where the user's function is fine.
        choice: whether the cure's gradient is a choice, since the function has none.
    """

    source: str
    point: Any
    line: int
    says: tuple[str, ...]
    cure: tuple[str, ...]
    gradient: Any
    near: Any
    choice: bool = False


CASES = {
    "A6: where/log": Case(
        """
        def f(x):
            return jnp.sum(jnp.where(x > 0, jnp.log(x), 0.0))
        """,
        [0.0, 2.0],
        4,
        (
            "The derivative of f with respect to x[0] is nan in reverse mode only.",
            "In `return jnp.sum(jnp.where(x > 0, jnp.log(x), 0.0))`, x[0] is 0, and log is -inf at 0",
            "The where does not take that branch, but reverse mode still makes 0 / 0 = nan of it.",
            "Forward mode gives 0, though f jumps here and has no derivative.",
        ),
        ("return jnp.sum(jnp.where(x > 0, jnp.log(jnp.where(x > 0, x, 1.0)), 0.0))",),
        [0.0, 0.5],
        [0.3, -2.0],
    ),
    "where/sqrt on two lines": Case(
        """
        def f(x):
            root = jnp.sqrt(x)
            return jnp.sum(jnp.where(x > 0, root, 0.0))
        """,
        [0.0, 4.0],
        4,
        ("nan in reverse mode only", "the slope of a square root at 0 is infinite", "0 * inf = nan"),
        ("root = jnp.sqrt(jnp.where(x > 0, x, 1.0))",),
        [0.0, 0.25],
        [0.3, 2.0],
    ),
    "A10: norm at 0": Case(
        """
        def f(x):
            return 1 + jnp.linalg.norm(x)
        """,
        [0.0, 0.0],
        4,
        ("x[0] and x[1] is nan.", "sqrt inside jnp.linalg.norm(x) is given 0", "0 * inf = nan"),
        ("s = jnp.sum(x**2)", "return 1 + jnp.where(s > 0, jnp.sqrt(jnp.where(s > 0, s, 1.0)), 0.0)"),
        [0.0, 0.0],
        [3.0, 4.0],
        choice=True,
    ),
    "A10: square of the norm at 0": Case(
        """
        def f(x):
            return jnp.linalg.norm(x) ** 2
        """,
        [0.0, 0.0],
        4,
        ("sqrt inside jnp.linalg.norm(x) is given 0", "The true one is 0."),
        ("return jnp.sum(x**2)",),
        [0.0, 0.0],
        [3.0, 4.0],
    ),
    "square of the norm, and more": Case(
        """
        def f(x):
            return jnp.linalg.norm(x) ** 2 + 3 * x[0] + 5 * x[1]
        """,
        [0.0, 0.0],
        4,
        ("sqrt inside jnp.linalg.norm(x) is given 0", "The true one with respect to x[0] is 3."),
        ("return jnp.sum(x**2) + 3 * x[0] + 5 * x[1]",),
        [3.0, 5.0],
        [3.0, 4.0],
    ),
    "square of the standard deviation of a constant": Case(
        """
        def f(x):
            return jnp.std(x) ** 2
        """,
        [5.0, 5.0, 5.0],
        4,
        ("sqrt inside jnp.std(x) is given 0", "The true one is 0."),
        ("return jnp.var(x)",),
        [0.0, 0.0, 0.0],
        [1.0, 2.0, 5.0],
    ),
    "A10: sqrt of a square at 0": Case(
        """
        def f(x):
            return jnp.sqrt(x[0] ** 2) + x[1]
        """,
        [0.0, 1.0],
        4,
        ("x[0] ** 2 is 0, and the slope of a square root at 0 is infinite",),
        ("return jnp.abs(x[0]) + x[1]",),
        [1.0, 1.0],
        [-3.0, 4.0],
        choice=True,
    ),
    "x**0.5 at 0": Case(
        """
        def f(x):
            return jnp.sum(x**0.5)
        """,
        [0.0, 4.0],
        4,
        ("is infinite.", "x[0] is 0, and the slope of the power 0.5 at 0 is infinite.", "The true one is infinite."),
        ("return jnp.sum(jnp.where(x > 0, jnp.where(x > 0, x, 1.0)**0.5, 0.0))",),
        [0.0, 0.25],
        [0.3, 2.0],
        choice=True,
    ),
    "softmax cross-entropy": Case(
        """
        def f(z):
            y = jnp.array([1.0, 0.0])
            p = jax.nn.softmax(z)
            return -jnp.sum(y * jnp.log(p))
        """,
        [200.0, 0.0],
        6,
        ("f is nan here.", "p[1] is 0, and log is -inf at 0"),
        ("return -jnp.sum(y * jax.nn.log_softmax(z))",),
        [0.0, 0.0],
        [1.0, 0.5],
    ),
    "A10: std of a constant": Case(
        """
        def f(x):
            return 2 * jnp.std(x)
        """,
        [5.0, 5.0, 5.0],
        4,
        ("sqrt inside jnp.std(x) is given 0",),
        ("s = jnp.var(x)", "return 2 * jnp.where(s > 0, jnp.sqrt(jnp.where(s > 0, s, 1.0)), 0.0)"),
        [0.0, 0.0, 0.0],
        [1.0, 2.0, 5.0],
        choice=True,
    ),
    "arctan2 at (0, 0)": Case(
        """
        def f(p):
            return jnp.arctan2(p[0], p[1])
        """,
        [0.0, 0.0],
        4,
        ("arctan2 has no derivative at (0, 0)", "0 / 0"),
        (
            "ok = (p[0] != 0) | (p[1] != 0)",
            "return jnp.where(ok, jnp.arctan2(jnp.where(ok, p[0], 0.0), jnp.where(ok, p[1], 1.0)), 0.0)",
        ),
        [0.0, 0.0],
        [1.0, 2.0],
        choice=True,
    ),
    "max of fine values": Case(
        """
        def f(x):
            return jnp.max(jnp.sqrt(x))
        """,
        [0.0, 4.0],
        4,
        ("It is not the largest, but reverse mode still makes 0 * inf = nan of it.", "The true one is 0."),
        ("return jnp.max(jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0))",),
        [0.0, 0.25],
        [1.0, 3.0],
    ),
    "inside a scan": Case(
        """
        def f(x):
            def step(total, xi):
                return total + jnp.where(xi > 0, jnp.sqrt(xi), 0.0), None

            return jax.lax.scan(step, 0.0, x)[0]
        """,
        [4.0, 1.0, 0.0],
        5,
        ("x[2] is nan in reverse mode only", "xi is 0 in iteration 2 (counted from 0)"),
        ("return total + jnp.where(xi > 0, jnp.sqrt(jnp.where(xi > 0, xi, 1.0)), 0.0), None",),
        [0.25, 0.5, 0.0],
        [4.0, 1.0, 9.0],
    ),
    "entropy": Case(
        """
        def f(p):
            return -jnp.sum(p * jnp.log(p))
        """,
        [0.0, 1.0],
        4,
        ("f is nan here.", "p[0] is 0"),
        ("return -jnp.sum(jnp.where(p > 0, p * jnp.log(jnp.where(p > 0, p, 1.0)), 0.0))",),
        [0.0, -1.0],
        [0.3, 0.7],
        choice=True,
    ),
    "log of a sum of exponentials": Case(
        """
        def f(x):
            return jnp.log(jnp.sum(jnp.exp(x)))
        """,
        [100.0, 0.0],
        4,
        ("f is infinite here.", "x[0] is 100, and exp of that is more than float32 holds (3.4e+38)"),
        ("return jax.nn.logsumexp(x)",),
        [1.0, 0.0],
        [1.0, 2.0],
    ),
    "softmax by hand": Case(
        """
        def f(z):
            e = jnp.exp(z)
            return (e / e.sum())[0]
        """,
        [100.0, 0.0],
        4,
        ("f is nan here.", "In `e = jnp.exp(z)`, z[0] is 100"),
        ("return jax.nn.softmax(z)[0]",),
        [0.0, 0.0],
        [1.0, 2.0],
    ),
    "sigmoid by hand": Case(
        """
        def f(x):
            return jnp.sum(1 / (1 + jnp.exp(-x)))
        """,
        [-100.0],
        4,
        ("The chain rule then makes 0 * inf = nan.",),
        ("return jnp.sum(jax.nn.sigmoid(x))",),
        [0.0],
        [1.0],
    ),
    "log of 1 - sigmoid": Case(
        """
        def f(z):
            return -jnp.log(1 - jax.nn.sigmoid(z[0]))
        """,
        [50.0],
        4,
        ("1 - jax.nn.sigmoid(z[0]) is 0, and log is -inf at 0",),
        ("return -jax.nn.log_sigmoid(-z[0])",),
        [1.0],
        [1.0],
    ),
    "sin(x) / x": Case(
        """
        def f(x):
            return jnp.sum(jnp.sin(x) / x)
        """,
        [0.0],
        4,
        ("x[0] is 0, and 0 / 0 is nan",),
        ("return jnp.sum(jnp.sinc(x / jnp.pi))",),
        [0.0],
        [1.0],
    ),
    "S12: x**0. at 0": Case(
        """
        def f(x):
            return jnp.sum(x**0.0)
        """,
        [0.0],
        4,
        ("JAX computes the slope of the power 0 as 0 * 0 ** -1", "The true one is 0."),
        ("return jnp.sum(jnp.ones_like(x))",),
        [0.0],
        [2.0],
    ),
    "division in a branch that is not taken": Case(
        """
        @jax.jit
        def f(x):
            safe = x > 0
            return jnp.sum(jnp.where(safe, 1 / x, 0.0))
        """,
        [0.0, 2.0],
        6,
        ("x[0] is 0, and a division by 0 is infinite",),
        ("return jnp.sum(jnp.where(safe, 1 / jnp.where(safe, x, 1.0), 0.0))",),
        [0.0, -0.25],
        [1.0, -2.0],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_line_is_named_and_its_cure_is_run(case: Case, written: Module) -> None:
    module = written(case.source)
    finding = told(module.f, jnp.array(case.point), points=1)[0]
    assert finding.where == f"{Path(str(module.__file__)).name}, line {case.line}"
    for text in case.says:
        assert text in finding.message
    expected = "`" + "` and `".join(case.cure) + "`"
    assert finding.cure.startswith(f"Write {expected}. Run: finite here, and equal to yours at 8 points nearby.")
    assert finding.cure.endswith(" by choice.") == case.choice


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_cured_function_is_finite_and_right(case: Case, written: Module) -> None:
    module = written(case.source)
    point, near = jnp.array(case.point), jnp.array(case.near)
    finding = Finding("nan", "warning", "", f"line {case.line}", "", "Write `" + "` and `".join(case.cure) + "`. Run: ")
    if case.source.count("e.sum()"):  # the line that overflows is not the one to rewrite
        finding = Finding("nan", "warning", "", "line 5", "", finding.cure)
    better = cured(module, finding, written).f

    def derivatives(f: Any) -> Any:
        return jax.jit(lambda x: (f(x), jax.grad(f)(x), jax.jacfwd(f)(x)))

    mine, yours = derivatives(better), derivatives(module.f)
    value, *gradients = mine(point)
    assert not np.isfinite(yours(point)[1]).all()
    assert np.isfinite(value)
    for gradient in gradients:
        np.testing.assert_allclose(gradient, case.gradient, atol=1e-6)
    for own, other in zip(mine(near), yours(near), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-4, atol=1e-6)


class TestWhereFunctionsAreWritten:
    def test_in_a_cell(self) -> None:
        text = "import jax.numpy as jnp\ndef f(x):\n    return jnp.where(x > 0, jnp.sqrt(x), 0.0)\n"
        name, lines = "<ipython-input-7-0123456789ab>", [str(line) for line in text.splitlines(keepends=True)]
        linecache.cache[name] = len(text), None, lines, name
        space: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(text, name, "exec"), space)
        before = dict(space)
        finding = told(space["f"], 0.0)[0]
        assert finding.where == "cell, line 3"
        assert "`return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0)`" in finding.cure
        assert all(space[key] is before[key] for key in before)
        assert space.keys() == before.keys()

    def test_in_another_function_that_is_called(self, written: Module) -> None:
        module = written(
            """
            def root(v):
                return jnp.where(v > 0, jnp.sqrt(v), 0.0)

            def f(x):
                return jnp.sum(root(x) ** 2 + root(x))
            """
        )
        root = module.root
        finding = told(module.f, jnp.array([0.0, 4.0]))[0]
        assert finding.where.endswith("line 4")
        assert "`return jnp.where(v > 0, jnp.sqrt(jnp.where(v > 0, v, 1.0)), 0.0)`. Run" in finding.cure
        assert module.root is root
        assert np.isnan(jax.grad(module.f)(jnp.array([0.0, 4.0]))[0])

    def test_in_a_closure(self, written: Module) -> None:
        module = written(
            """
            def make(w):
                def f(x):
                    return jnp.sum(w * jnp.where(x > 0, jnp.log(x), 0.0))
                return f
            """
        )
        finding = told(module.make(jnp.array([3.0, 5.0])), jnp.array([0.0, 4.0]))[0]
        assert "`return jnp.sum(w * jnp.where(x > 0, jnp.log(jnp.where(x > 0, x, 1.0)), 0.0))`. Run" in finding.cure

    def test_on_the_line_of_the_def(self, written: Module) -> None:
        module = written("def f(x): return x.std()")
        finding = told(module.f, jnp.ones(3))[0]
        root = "jnp.where(jnp.var(x) > 0, jnp.sqrt(jnp.where(jnp.var(x) > 0, jnp.var(x), 1.0)), 0.0)"
        assert f"`def f(x): return {root}`. Run" in finding.cure

    def test_as_a_lambda(self, written: Module) -> None:
        module = written("f = lambda x: jnp.where(x > 0, x * jnp.log(x), 0.0)")
        finding = told(module.f, 0.0)[0]
        assert "`f = lambda x: jnp.where(x > 0, x * jnp.log(jnp.where(x > 0, x, 1.0)), 0.0)`. Run" in finding.cure

    def test_a_function_without_source_is_told_in_words(self) -> None:
        space: dict[str, Any] = {}
        source = "import jax.numpy as jnp\ndef f(x):\n    return jnp.where(x > 0, jnp.sqrt(x), 0.0)"
        exec(compile(source, "<nowhere>", "exec"), space)
        finding = told(space["f"], 0.0)[0]
        assert "sqrt is given 0, and the slope of a square root at 0 is infinite" in finding.message
        assert "Run" not in finding.cure
        assert "Select the operand as well as the result" in finding.cure
        assert "jnp." not in finding.cure  # no code that was not run

    def test_a_method_is_not_rewritten(self, written: Module) -> None:
        module = written(
            """
            class Model:
                def root(self, v):
                    return jnp.where(v > 0, jnp.sqrt(v), 0.0)

            model = Model()

            def f(x):
                return model.root(x)
            """
        )
        finding = told(module.f, 0.0)[0]
        assert finding.where.endswith("line 5")
        assert "Run" not in finding.cure


class TestChoices:
    def test_a_steep_function_that_has_a_derivative_is_not_called_a_choice(self, written: Module) -> None:
        module = written("def f(x):\n    return jnp.linalg.norm(1000 * x) ** 2")
        finding = told(module.f, jnp.zeros(2))[0]
        assert "`return jnp.sum((1000 * x)**2)`. Run" in finding.cure
        assert "choice" not in finding.cure


class TestCuresThatAreNone:
    def test_a_candidate_that_is_another_function_is_not_shown(self, written: Module) -> None:
        module = written(
            """
            def f(z):
                p = jnp.exp(z) / jnp.sum(jnp.exp(z), axis=0)
                return p[0, 0] + 2 * p[1, 1]
            """
        )
        finding = told(module.f, jnp.array([[100.0, 0.0], [0.0, 1.0]]))[0]
        assert "`p = jax.nn.softmax(z, axis=0)`. Run" in finding.cure
        module = written(
            """
            def f(z):
                p = jnp.exp(z) / jnp.sum(jnp.exp(z))
                return p[0, 0] + 2 * p[1, 1]
            """
        )
        assert "Run" not in told(module.f, jnp.array([[100.0, 0.0], [0.0, 1.0]]))[0].cure

    def test_a_value_that_is_not_the_limit_is_not_offered(self, written: Module) -> None:
        # (exp(x) - 1) / x has the limit 1 and the slope 1/2 at 0: a where with 0 or 1 would be wrong
        module = written("def f(x):\n    return (jnp.exp(x) - 1) / x")
        finding = told(module.f, 0.0)[0]
        assert "0 / 0 is nan" in finding.message
        assert "Run" not in finding.cure

    def test_outside_the_domain_no_number_is_made_up(self, written: Module) -> None:
        module = written("def f(x):\n    return jnp.sqrt(x)")
        finding = told(module.f, -1.0)[0]
        assert "x is -1, and a negative number has no real square root" in finding.message
        assert "Move the point into the domain" in finding.cure

    def test_a_singular_matrix(self, written: Module) -> None:
        module = written("def f(a):\n    return jnp.linalg.cholesky(a)[1, 1]")
        finding = told(module.f, jnp.array([[1.0, 2.0], [2.0, 1.0]]))[0]
        assert "a is not positive definite" in finding.message


class TestSeveralLines:
    def test_all_are_named_and_cured_together(self, written: Module) -> None:
        module = written(
            """
            def f(x):
                a = jnp.sqrt(x)
                b = jnp.log(x)
                return jnp.where(x > 0, a, 0.0) + jnp.where(x > 0, b, 0.0)
            """
        )
        found = told(module.f, 0.0)
        assert sorted(finding.where[-1] for finding in found) == ["4", "5"]
        assert (
            "Write `a = jnp.sqrt(jnp.where(x > 0, x, 1.0))` and `b = jnp.log(jnp.where(x > 0, x, 1.0))`. Run: finite"
            in found[0].cure
        )
        assert found[1].message.startswith("This line makes it as well.")


class TestData:
    def test_a_nan_in_the_input(self) -> None:
        finding = told(lambda x: jnp.sum(2 * x), jnp.array([1.0, jnp.nan]))[0]
        assert finding.message == "f is nan here: x[1] is nan in the input."

    def test_an_infinity_in_the_input(self) -> None:
        finding = told(lambda x: jnp.sum(2 * x), jnp.array([1.0, jnp.inf]))[0]
        assert finding.message == "f is infinite here: x[1] is infinite in the input."

    def test_a_nan_in_a_captured_array(self) -> None:
        data = jnp.array([1.0, jnp.nan, jnp.nan])
        finding = told(lambda x: jnp.sum(x * data), jnp.ones(3))[0]
        assert finding.message == "f is nan here: data[1] and data[2] are nan, in the data that f uses."

    def test_a_nan_that_the_code_writes(self, written: Module) -> None:
        module = written("def f(x):\n    return jnp.where(x > 0, x, jnp.nan)")
        finding = told(module.f, -1.0)[0]
        assert finding.where.endswith("line 4")
        assert "the number put there is nan" in finding.message


class TestTraps:
    def test_a6_nan_in_one_mode_only_is_a_diagnosis(self) -> None:
        def f(x: jax.Array) -> jax.Array:
            return jnp.where(x > 0, jnp.log(x), 0.0)

        assert jax.jvp(f, (0.0,), (1.0,))[1] == 0
        assert np.isnan(jax.grad(f)(0.0))
        finding = told(f, 0.0)[0]
        assert "is nan in reverse mode only" in finding.message
        assert "Forward mode gives 0, though f jumps here and has no derivative." in finding.message

    def test_a10_vectors_at_equal_eigenvalues(self) -> None:
        finding = told(lambda a: jnp.linalg.eigh(a)[1][0, 0], jnp.eye(2))[0]
        assert (
            "a has two equal eigenvalues (or singular values), so that its vectors have no derivative"
            in finding.message
        )

    def test_s11_outside_the_domain_the_derivative_looks_fine(self) -> None:
        def f(x: jax.Array) -> jax.Array:
            y = 3 * x
            return 2 + jnp.log(y)

        assert jax.grad(f)(-1.0) == -1
        finding = told(f, -1.0)[0]
        assert finding.kind == "domain"
        assert "`return 2 + jnp.log(y)`, y is -3, and log is defined for positive numbers only." in finding.message
        assert "Derivatives mean nothing there, though JAX returns finite ones." in finding.message

    def test_s12_powers_of_0_are_finite_away_from_0(self) -> None:
        f = lambda x: 0.0**x  # noqa: E731
        assert np.isfinite(jax.grad(f)(2.0))
        assert told(f, 2.0) == []

    def test_s12_the_slope_in_the_exponent_at_a_negative_base(self) -> None:
        def f(x: jax.Array, y: jax.Array) -> jax.Array:
            return x**y

        assert np.isnan(jax.grad(f, 1)(-2.0, 2.0))
        found = {finding.path: finding for finding in told(f, -2.0, 2.0)}
        assert "x is -2, and the slope in the exponent is x**y * log(x)" in found["y"].message
        assert "nan in forward mode only" in found["x"].message
        assert "Reverse mode gives -4, which is right." in found["x"].message
        assert "Hold the exponent fixed" in found["y"].cure

    def test_s5_a_root_of_a_negative_number_is_outside_the_domain(self) -> None:
        finding = told(lambda x: x ** (1 / 3), -8.0)[0]
        assert "a negative number has no real power 0.3333" in finding.message


class TestSecondDerivatives:
    def test_a_power_between_1_and_2(self, written: Module) -> None:
        module = written("def f(x):\n    return x**1.5")
        finding = told(module.f, 0.0, order=2)[0]
        assert finding.message.startswith("The Hessian of f has entries that are infinite.")
        assert "x is 0, and derivative 2 of the power 1.5 at 0 is infinite" in finding.message
        assert "Run: finite here" in finding.cure

    def test_a_nan_where_the_first_derivative_is_finite(self, written: Module) -> None:
        module = written("def f(x):\n    return jnp.sum(jnp.linalg.norm(x) ** 3)")
        point = jnp.zeros(2) + 1e-30  # whose squares underflow
        found = told(module.f, point, order=2)
        assert found
        assert found[0].where.endswith("line 4")


class TestNothingIsSaid:
    @pytest.mark.parametrize(
        "f",
        [
            lambda x: jnp.where(x > 1, jnp.log(x), x**2),
            lambda x: jax.nn.softplus(100 * x) + jnp.linalg.norm(x * jnp.ones(3)),
            lambda x: jnp.maximum(x, -jnp.inf),
            lambda x: jnp.where(x > 0, x, jnp.nan),
            lambda x: 1 / (1 + jnp.exp(-x * 0 + jnp.exp(-(x**-2)))),
        ],
        ids=["where", "softplus", "maximum with -inf", "a nan that is not taken", "exponentials"],
    )
    def test_where_all_is_finite(self, f: Any) -> None:
        assert told(f, 0.5) == []
