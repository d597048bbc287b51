"""Failing parts: nothing that is done beside calling the function raises, and nothing runs without end."""

from __future__ import annotations

import time
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from jax import lax
from jax.experimental.ode import odeint

import jaxdiff_magic.engines.reference.rules.elementwise
import jaxdiff_magic.findings.kinks
import jaxdiff_magic.pipeline
from jaxdiff_magic import InputError, OutOfReach, Report, check, derive
from jaxdiff_magic.pipeline import formulas, looking


def report_of(f: Any, *at: Any, **options: Any) -> Report:
    return derive(f, **{"order": 1, "cost": "none", "points": 2, "budget": 60, **options})(*at)


@jax.custom_jvp
def picked(x: Any, i: Any) -> Any:
    return jnp.sum(x[i] ** 2)


picked.defjvp(lambda p, t: jax.jvp(lambda x, i: jnp.sum(x[i] ** 2), p, t))  # integers have tangents of float0


def newton(a: Any) -> Any:
    """The root of x**3 + x = a, differentiated implicitly."""

    def steps(f: Any, x: Any) -> Any:
        return lax.fori_loop(0, 30, lambda i, x: x - f(x) / jax.grad(f)(x), x)

    return lax.custom_root(lambda x: x**3 + x - a, 1.0, steps, lambda g, y: y / g(1.0))


def solved(guess: Any) -> Any:
    matrix, right = jnp.array([[4.0, 1.0], [1.0, 3.0]]), jnp.array([1.0, 2.0])
    return jnp.sum(jax.scipy.sparse.linalg.cg(matrix, right, x0=guess)[0])


def decayed(y: Any) -> Any:
    return jnp.sum(odeint(lambda y, t: -y, y, jnp.array([0.0, 0.5]))[1])


class TestDerivativesThatWereExceptions:
    @pytest.mark.parametrize(
        ("f", "at", "truth"),
        [
            (lambda x: jnp.sum(jnp.array([1.0, 2.0, 3.0]) * x ** jnp.arange(3)), 2.0, 14.0),  # 1 + 2x + 3x²
            (lambda x: jnp.sum(x ** jnp.arange(4).reshape(2, 2)), -1.5, 1 - 3.0 + 3 * 2.25),  # 1 + x + x² + x³
            (lambda x: jnp.sum(x ** jnp.array([2, 0, -1])), jnp.array([3.0, 5.0, 2.0]), [6.0, 0.0, -0.25]),
            (lambda x: jnp.sum(2.0 ** jnp.arange(3) * x ** jnp.array([3, 1, 2], jnp.uint8)), 1.0, 3 + 2 + 8.0),
        ],
    )
    def test_exponents_that_are_an_array_of_integers(self, f: Any, at: Any, truth: Any) -> None:
        report = report_of(f, at)
        np.testing.assert_allclose(report.gradient, truth, rtol=1e-6)
        assert report.verdict in ("agrees", "proved")

    def test_the_correlation_of_two_vectors(self) -> None:
        y, at = [mpmath.mpf(v) for v in (1, 2, 4)], [0.7, -1.3, 2.1]

        def correlation(*x: Any) -> Any:
            u, v = ([a - sum(z) / 3 for a in z] for z in (x, y))
            products = [sum(p * q for p, q in zip(a, b, strict=True)) for a, b in ((u, v), (u, u), (v, v))]
            return products[0] / mpmath.sqrt(products[1] * products[2])

        unit = [tuple(int(i == k) for i in range(3)) for k in range(3)]
        truth = [float(mpmath.diff(correlation, at, n)) for n in unit]
        report = report_of(lambda x: jnp.corrcoef(x, jnp.array([1.0, 2.0, 4.0]))[0, 1], jnp.array(at))
        np.testing.assert_allclose(report.gradient, truth, rtol=1e-4)
        assert report.verdict in ("agrees", "proved")

    def test_a_rule_that_differentiates_with_integer_operands(self) -> None:
        report = report_of(picked, jnp.array([1.0, -2.0, 3.0]), jnp.array([2, 0, 0]))
        np.testing.assert_array_equal(report.gradient, [4.0, 0.0, 6.0])
        assert report.verdict in ("agrees", "proved")

    def test_the_second_derivative_of_a_root(self) -> None:
        report = report_of(newton, 2.0, order=2)  # at x = 1: 1 / (3x² + 1), -6x / (3x² + 1)³
        assert float(report.gradient) == pytest.approx(0.25, rel=1e-5)
        assert float(report.hessian) == pytest.approx(-6 / 64, rel=1e-4)
        assert report.verdict != "differs"

    def test_a_hessian_of_a_root_as_the_function(self) -> None:
        report = report_of(jax.hessian(newton), 2.0)
        with mpmath.workdps(30):
            truth = mpmath.diff(lambda a: mpmath.findroot(lambda x: x**3 + x - a, 1), 2, 3)
        assert float(report.gradient) == pytest.approx(float(truth), rel=1e-3)
        assert report.verdict != "differs"

    def test_the_guess_of_a_linear_solve_has_no_influence(self) -> None:
        report = report_of(solved, jnp.array([0.1, 0.2]))
        np.testing.assert_allclose(report.gradient, [0.0, 0.0], atol=1e-6)
        assert report.verdict != "differs"

    def test_exponential_integrals_of_order_two(self) -> None:
        report = report_of(jax.scipy.special.exp1, 1.5, order=2, budget=3.0)
        truth = mpmath.diff(mpmath.e1, 1.5)
        assert float(report.gradient) == pytest.approx(float(truth), rel=1e-4)
        assert report.verdict != "differs"

    def test_exponential_integrals_of_a_vector(self) -> None:
        report = report_of(lambda x: jnp.sum(jax.scipy.special.expn(3, x)), jnp.array([1.5, 0.5]), budget=3.0)
        truth = [float(mpmath.diff(lambda x: mpmath.expint(3, x), v)) for v in (1.5, 0.5)]
        np.testing.assert_allclose(report.gradient, truth, rtol=1e-4)

    def test_a_number_that_its_dtype_does_not_hold(self) -> None:
        report = report_of(lambda x: x**2, 1e300)
        assert report.verdict == "out of reach"
        assert any("too large for float32" in finding.message for finding in report.findings)

    @pytest.mark.parametrize("name", [3, None, "", b"f", ["f"]])
    def test_a_name_that_is_no_text(self, name: Any) -> None:
        class Named:
            def __init__(self) -> None:
                self.__name__ = name

            def __call__(self, x: Any) -> Any:
                return x**3

        report = report_of(Named(), 2.0)
        assert float(report.gradient) == 12.0 and "Named" in str(report)

    def test_a_rule_that_raises(self) -> None:
        @jax.custom_jvp
        def f(x: Any) -> Any:
            return x**2

        @f.defjvp
        def rule(primals: Any, tangents: Any) -> Any:
            raise LookupError("no such table")

        report = report_of(f, 2.0)
        assert float(report.value) == 4.0 and report.gradient is None
        line = rule.__code__.co_firstlineno + 2
        said = f"LookupError: no such table (test_failing_parts.py, line {line})"
        assert any(said in finding.message for finding in report.findings)


class TestWhatGoesOnForLong:
    def test_a_loop_of_a_million_steps(self) -> None:
        def f(x: Any) -> Any:
            return lax.while_loop(lambda c: c[0] < 1_000_000, lambda c: (c[0] + 1, c[1] * 0.999999), (0, x))[1]

        started = time.monotonic()
        report = report_of(f, 2.0, budget=1.0)
        assert float(report.gradient) == pytest.approx(np.exp(-1.0), rel=0.05)  # float32 rounds 0.999999
        assert report.verdict == "out of reach"
        assert time.monotonic() - started < 120  # 42 s and more before, on an idle machine

    def test_a_loop_that_may_not_end_nearby_is_no_exception(self) -> None:
        report = report_of(lambda x: jax.scipy.special.hyp2f1(1.0, 2.0, 3.0, x), 0.3, budget=2.0)
        with mpmath.workdps(30):
            truth = mpmath.diff(lambda x: mpmath.hyp2f1(1, 2, 3, x), mpmath.mpf("0.3"))
        assert float(report.gradient) == pytest.approx(float(truth), rel=1e-4)
        assert report.verdict != "differs"

    def test_a_loop_that_never_ends_nearby_and_is_not_differentiated(self) -> None:
        def f(x: Any) -> Any:
            count = lax.while_loop(lambda c: c[1] != 2.0, lambda c: (c[0] + 1, c[1]), (0, lax.stop_gradient(x)))[0]
            return x**2 + count

        report = report_of(f, 2.0, budget=2.0)
        assert float(report.gradient) == 4.0 and report.verdict != "differs"

    def test_an_integrator_is_checked_within_its_budget(self) -> None:
        started = time.monotonic()
        found = check(decayed, order=1, budget=1.0)(jnp.array([0.5, 1.1, 2.0]))
        assert found.outcome != "differs"
        assert time.monotonic() - started < 60  # 121 s before

    def test_hundreds_of_arguments(self) -> None:
        numbers = [float(i) for i in range(150)]
        report = report_of(lambda *xs: sum(x * x for x in xs), *numbers, order=2, budget=2.0)
        np.testing.assert_allclose([float(g) for g in report.gradient], [2 * x for x in numbers])
        assert report.hessian is None
        assert any("pass them as one array" in finding.message for finding in report.findings)

    def test_constants_of_hundreds_of_digits(self) -> None:
        constants = [float(3**k) / 7 for k in range(40)]
        report = report_of(lambda x: sum(c * x**k for k, c in enumerate(constants)), 1.25, budget=2.0)
        truth = sum(k * c * 1.25 ** (k - 1) for k, c in enumerate(constants))
        assert float(report.gradient) == pytest.approx(truth, rel=1e-4)
        assert report.verdict != "differs"


class TestAPartThatFails:
    """Faults of ours, put in on purpose: the rest of the report stands, and one line says what is missing."""

    @pytest.mark.parametrize(
        ("part", "words"),
        [
            ("cost_of", "The cost could not be made"),
            ("curvature_of", "The curvature could not be made"),
            ("_written", "The formulas could not be made"),
            ("grades_of", "The grade could not be made"),
            ("subject_trace", "The steps of the function could not be made"),
            ("Derivation", "The formulas could not be made"),
        ],
    )
    def test_it_is_one_line(self, part: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
        def failing(*_: Any, **__: Any) -> Any:
            raise KeyError("t_6")

        home = next(module for module in (jaxdiff_magic.pipeline, formulas, looking) if hasattr(module, part))
        monkeypatch.setattr(home, part, failing)
        report = report_of(lambda x: jnp.sum(jnp.sin(x)), jnp.array([0.5, 1.0]), order=2, cost="count")
        np.testing.assert_allclose(report.gradient, np.cos([0.5, 1.0]), rtol=1e-6)
        said = [finding for finding in report.findings if finding.kind == "incomplete"]
        assert [finding.message.startswith(words) for finding in said] == [True], said
        assert "t_6" in said[0].message and said[0].message in " ".join(str(report).split())
        assert report.verdict in ("proved", "agrees")

    def test_a_finding_leaves_the_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(jaxdiff_magic.findings.kinks, "find", lambda scene: 1 / 0)
        report = report_of(lambda x: jnp.sqrt(x) * 0.0, 0.0)
        kinds = [finding.kind for finding in report.findings]
        assert "incomplete" in kinds and "nan" in kinds

    def test_the_check_is_out_of_reach_and_says_why(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def failing(*_: Any, **__: Any) -> Any:
            raise IndexError("list index out of range")

        monkeypatch.setattr("jaxdiff_magic.checking.verdict.check_of", failing)
        report = report_of(lambda x: jnp.sin(x), 0.5)
        assert report.verdict == "out of reach" and "list index out of range" in report.check.summary
        assert float(report.gradient) == pytest.approx(np.cos(0.5), rel=1e-6)
        found = check(lambda x: jnp.sin(x), order=1)(0.5)
        assert found.outcome == "out of reach"

    def test_a_rule_that_fails_leaves_function_values(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def failing(run: Any, xs: Any, step: Any) -> Any:
            raise AssertionError

        rules = jaxdiff_magic.engines.reference.rules.RULES
        monkeypatch.setitem(rules, "sinh", failing)
        report = report_of(lambda x: jnp.sum(jnp.sinh(x)), jnp.array([0.5, 1.0]))
        assert report.verdict in ("agrees", "out of reach")
        assert "sinh" in report.check.columns["symbolic"]
        assert "test_failing_parts.py, line" in report.check.columns["symbolic"]

    def test_the_line_of_the_step_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def failing(self: Any, equation: Any, operands: Any) -> Any:
            raise RuntimeError("put in on purpose")

        monkeypatch.setattr("jaxdiff_magic.engines.reference.run.Run.equation", failing)
        report = report_of(lambda x: jnp.sum(jnp.sinh(x)), jnp.array([0.5, 1.0]))
        said = [finding.message for finding in report.findings if finding.kind == "incomplete"]
        assert any("at the operation sinh" in message and "test_failing_parts.py" in message for message in said), said

    def test_a_formula_that_fails_later_is_out_of_reach(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            "jaxdiff_magic.engines.symbolic.presentation.Presentation.formula", lambda *asked: {}["t_6"]
        )
        report = report_of(lambda x: jnp.sin(x), 0.5)
        with pytest.raises(OutOfReach, match=r"The formula could not be made.*t_6"):
            report.formula("gradient")

    def test_what_the_function_raises_elsewhere_is_its_own(self) -> None:
        def f(x: Any) -> Any:
            if float(np.asarray(jax.lax.stop_gradient(x))) != 0.5:
                raise ValueError("only at 0.5")
            return x**2

        report = report_of(f, 0.5)
        assert float(report.value) == 0.25 and report.verdict == "out of reach"

    def test_mistakes_of_the_reader_pass(self) -> None:
        with pytest.raises(InputError, match="nobody"):
            report_of(lambda x: x**2, 0.5, trust="nobody")
        with pytest.raises(ZeroDivisionError):
            report_of(lambda x: x / (1 // 0), 0.5)
