"""What a wrong rule gives too much is a formula, the one that mathematics gives; where there is none, none is shown."""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from jax import lax

from jaxdiff_magic import Report, WrongDerivative, check, derive
from jaxdiff_magic.base.budget import within
from jaxdiff_magic.checking import excess
from jaxdiff_magic.checking.audits import defect_of
from jaxdiff_magic.checking.excess import Disputed, residual_of
from jaxdiff_magic.engines.reference.watching import watched
from jaxdiff_magic.report.fault import Fault
from jaxdiff_magic.report.mathml import formula_html
from jaxdiff_magic.show.html import render_html
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

VECTOR = np.array([0.5, 1.2, -0.7])
MATRIX = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 10.0]])
WEIGHTS = jnp.array([[1.0, 0.4, -0.3], [0.7, -0.6, 0.5]], "float32")


def with_jvp(code: Any, rule: Any) -> Any:
    """The code with a rule for its tangent, `rule(primals, tangents)`."""
    ruled = jax.custom_jvp(code)
    ruled.defjvp(lambda primals, tangents: (code(*primals), rule(primals, tangents)))
    return ruled


def with_vjp(code: Any, forward: Any, backward: Any) -> Any:
    ruled = jax.custom_vjp(code)
    ruled.defvjp(forward, backward)
    return ruled


def inspect(f: Any, *args: Any, order: int = 1, **options: Any) -> Report:
    leaves = jax.tree.map(lambda x: jnp.asarray(x, "float32"), args)
    return derive(f, cost="none", points=2, order=order, **options)(*leaves)


def fault(f: Any, *args: Any, **options: Any) -> Fault:
    found = inspect(f, *args, **options).check.fault
    assert found is not None
    return found


# Functions with rules that are wrong


def bump(x: Any) -> Any:
    return x**2 * jnp.sin(x)


dropped = with_jvp(bump, lambda p, t: 2.0 * p[0] * jnp.sin(p[0]) * t[0])


def wave(x: Any) -> Any:
    return jnp.sin(x)


scaled = with_jvp(wave, lambda p, t: 1.001 * jnp.cos(p[0]) * t[0])
negated = with_jvp(wave, lambda p, t: -jnp.cos(p[0]) * t[0])
bent = with_jvp(wave, lambda p, t: jnp.where(p[0] > 1.0, 1.1, 1.0) * jnp.cos(p[0]) * t[0])
constant = with_jvp(wave, lambda p, t: lax.stop_gradient(jnp.cos(p[0])) * t[0])
doubled_angle = with_jvp(lambda x: jnp.sin(x) ** 2, lambda p, t: 2.0 * jnp.sin(2.0 * p[0]) * t[0])


def product(x: Any, y: Any) -> Any:
    return x * y


wrong_sign = with_jvp(product, lambda p, t: t[0] * p[1] - p[0] * t[1])


def growth(x: Any, rate: Any) -> Any:
    return jnp.exp(x) * rate


def _saved(x: Any, rate: Any) -> Any:
    return growth(x, rate), (jnp.exp(x), rate)


saved = with_vjp(growth, _saved, lambda saved, g: (g * saved[0] * saved[1], g * saved[1]))
half_saved = with_vjp(growth, _saved, lambda saved, g: (g * saved[0], g * saved[0]))


def softplus(x: Any) -> Any:
    return jnp.log1p(jnp.exp(x))


hyperbolic = with_jvp(softplus, lambda p, t: jnp.tanh(p[0]) * t[0])


def layer(x: Any) -> Any:
    return WEIGHTS @ jnp.sin(x)


linear_layer = with_jvp(layer, lambda p, t: WEIGHTS @ t[0])


def apply(matrix: Any, x: Any) -> Any:
    return matrix @ x


transposed = with_jvp(apply, lambda p, t: t[0] @ p[1] + p[0].T @ t[1])


def norm(x: Any) -> Any:
    return jnp.sqrt(jnp.sum(x**2))


undivided = with_jvp(norm, lambda p, t: jnp.sum(p[0] * t[0]))


def corner(x: Any) -> Any:
    return x[0] ** 2 * x[1] + x[2]


one_missing = with_jvp(corner, lambda p, t: 2.0 * p[0][0] * p[0][1] * t[0][0] + t[0][2])


def log_volume(matrix: Any) -> Any:
    return jnp.linalg.slogdet(matrix)[1]


twice = with_jvp(log_volume, lambda p, t: jnp.sum(2.0 * jnp.linalg.inv(p[0]).T * t[0]))
diagonal = with_jvp(lambda m: jnp.diagonal(m), lambda p, t: 2.0 * jnp.diagonal(t[0]))
total = with_jvp(lambda x, scale: scale * jnp.sum(x), lambda p, t: t[1] * jnp.sum(p[0]))


class Case(NamedTuple):
    """A call of a function with a wrong rule, what is said of it, and the residual by hand, in the rule's arguments."""

    function: Any
    arguments: tuple[Any, ...]
    text: str
    of: str
    truth: Callable[..., Any]
    order: int = 1


CASES = {
    "a factor": Case(scaled, (1.3,), "0.001*cos(x)", "wave with respect to x", lambda x: 1e-3 * np.cos(x)),
    "a sign": Case(negated, (1.3,), "-2*cos(x)", "wave with respect to x", lambda x: -2 * np.cos(x)),
    "a dropped term of a product": Case(
        dropped, (1.3,), "-x**2*cos(x)", "bump with respect to x", lambda x: -(x**2) * np.cos(x)
    ),
    "two arguments": Case(wrong_sign, (1.3, 0.4), "-2*x", "product with respect to y", lambda x, y: -2 * x),
    "residuals saved by the forward pass": Case(
        saved, (0.3, 1.7), "rate - exp(x)", "growth with respect to rate", lambda x, rate: rate - np.exp(x)
    ),
    "a saved factor forgotten": Case(
        half_saved, (0.3, 1.7), "(1 - rate)*exp(x)", "growth with respect to x", lambda x, rate: (1 - rate) * np.exp(x)
    ),
    "another function": Case(
        hyperbolic,
        (1.0,),
        "tanh(x) - sigmoid(x)",
        "softplus with respect to x",
        lambda x: np.tanh(x) - 1 / (1 + np.exp(-x)),
    ),
    "an angle doubled": Case(
        doubled_angle, (0.4,), "sin(2*x)", "the function with respect to x", lambda x: np.sin(2 * x)
    ),
    "element by element": Case(
        dropped,
        (VECTOR,),
        "-x**2*cos(x)",
        "bump with respect to x, element by element",
        lambda x: -(x**2) * np.cos(x),
    ),
    "where some elements are large": Case(
        bent,
        (VECTOR,),
        "(0.1*cos(x) if x > 1 else 0)",
        "wave with respect to x, element by element",
        lambda x: np.where(x > 1, 0.1 * np.cos(x), 0),
    ),
    "inside jit": Case(
        jax.jit(lambda x: jnp.sum(dropped(jnp.sin(x)) * 0.5)),
        (VECTOR,),
        "-x**2*cos(x)",
        "bump with respect to x, element by element",
        lambda x: -(x**2) * np.cos(x),
    ),
    "inside scan": Case(
        lambda x: lax.scan(lambda c, w: (jnp.tanh(w * wrong_sign(c, x)), None), x, jnp.arange(1.0, 4.0))[0],
        (1.1,),
        "-2*x",
        "product with respect to y",
        lambda x, y: -2 * x,
    ),
    "inside vmap": Case(
        lambda x: jnp.sum(jax.vmap(scaled)(x)),
        (VECTOR,),
        "0.001*cos(x)",
        "wave with respect to x, element by element",
        lambda x: 1e-3 * np.cos(x),
    ),
    "a matrix that the function captured": Case(
        linear_layer,
        (VECTOR,),
        "(1 - cos(x[j]))*WEIGHTS[i, j]",
        "layer[i] with respect to x[j]",
        lambda x: np.asarray(WEIGHTS, float) * (1 - np.cos(x)),
    ),
    "a transposed matrix": Case(
        transposed,
        (MATRIX, VECTOR),
        "-matrix[i, j] + matrix[j, i]",
        "apply[i] with respect to x[j]",
        lambda matrix, x: matrix.T - matrix,
    ),
    "a norm": Case(
        undivided,
        (VECTOR,),
        "x[i] - x[i]/sqrt(Sum(x[j]**2, (j, 0, 2)))",
        "norm with respect to x[i]",
        lambda x: x - x / np.sqrt(np.sum(x**2)),
    ),
    "one entry": Case(one_missing, (VECTOR,), "-x[0]**2", "corner with respect to x[1]", lambda x: -(x[0] ** 2)),
    "an inverse": Case(
        twice,
        (MATRIX,),
        "inv(matrix)[j, i]",
        "log_volume with respect to matrix[i, j]",
        lambda matrix: np.linalg.inv(matrix).T,
    ),
    "the second derivative": Case(
        constant, (1.3,), "sin(x)", "wave with respect to x and x", lambda x: np.sin(x), order=2
    ),
    "the second derivative, element by element": Case(
        constant, (VECTOR,), "sin(x)", "wave with respect to x and x, element by element", lambda x: np.sin(x), order=2
    ),
    "a number for every element": Case(
        total, (VECTOR, 0.3), "-scale", "the function with respect to x[i]", lambda x, scale: np.full(3, -scale)
    ),
}


@functools.cache
def found(name: str) -> Fault:
    case = CASES[name]
    return fault(case.function, *case.arguments, order=case.order)


@pytest.mark.parametrize("name", CASES)
def test_the_residual_is_a_formula_in_the_names_of_the_functions_own_arguments(name: str) -> None:
    residual = found(name).residual
    assert residual is not None
    assert (residual.text, found(name).residual_of) == (CASES[name].text, CASES[name].of)


@pytest.mark.parametrize("name", CASES)
def test_the_formula_has_the_values_that_mathematics_gives(name: str) -> None:
    """The text is read as a reader would, at points that no check has seen."""
    text, truth, rng = found(name).difference, CASES[name].truth, np.random.default_rng(5)
    text = text.partition(" = ")[2].rpartition(", for ")[0]
    arguments = truth.__code__.co_varnames[: truth.__code__.co_argcount]
    shapes = {x: np.shape(value) for x, value in zip(arguments, CASES[name].arguments, strict=False)}
    for _ in range(3):
        values = {x: rng.uniform(0.3, 1.7, shapes.get(x, ())) for x in arguments}
        expected = np.asarray(truth(*values.values()))
        for place in np.ndindex(*expected.shape):
            element = {x: v[place] if "element by element" in CASES[name].of else v for x, v in values.items()}
            assert read(text, element, place) == pytest.approx(float(expected[place]), rel=1e-12, abs=1e-15)


def read(text: str, values: dict[str, Any], place: tuple[int, ...]) -> float:
    """A formula's text as Python, with numbers for its names and index letters."""
    letters = dict(zip("ij", place, strict=False))
    functions = {"sigmoid": lambda x: 1 / (1 + np.exp(-x)), "inv": np.linalg.inv, "WEIGHTS": np.asarray(WEIGHTS, float)}
    functions |= {name: getattr(np, name) for name in ("sin", "cos", "exp", "tanh", "sqrt")}
    text = re.sub(r"Sum\((.*?), \((\w), 0, (\d+)\)\)", r"sum(\1 for \2 in range(\3 + 1))", text)
    return float(eval(text, functions | values | letters))


class TestNoFormula:
    """Then both numbers are there all the same."""

    @pytest.mark.parametrize("order", [1, 2])
    def test_of_a_right_rule(self, order: int) -> None:
        right = with_jvp(bump, lambda p, t: (2.0 * p[0] * jnp.sin(p[0]) + p[0] ** 2 * jnp.cos(p[0])) * t[0])
        report = inspect(lambda x: jnp.sum(right(x)), VECTOR, order=order)
        assert report.verdict in ("proved", "agrees") and report.check.faults == ()
        assert not any(finding.formula for finding in report.findings)

    def test_of_a_rule_that_nobody_can_write_down(self) -> None:
        def outside(x: Any) -> Any:
            shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
            return jax.pure_callback(lambda v: 1.5 * np.cos(v), shape, x, vmap_method="sequential")

        report = inspect(with_jvp(wave, lambda p, t: outside(p[0]) * t[0]), 1.3)
        assert report.verdict == "differs"
        assert not any(fault.residual for fault in report.check.faults)

    def test_of_a_loop_that_is_too_long_to_write_out(self) -> None:
        def cosine(x: Any) -> Any:
            return lax.fori_loop(0, 100, lambda _, c: 0.5 * (c + 1.5 * jnp.cos(x)), jnp.zeros_like(x))

        wrong = fault(with_jvp(wave, lambda p, t: cosine(p[0]) * t[0]), 1.3)
        assert wrong.residual is None and wrong.difference == "" and wrong.residual_of == ""
        assert (wrong.given, wrong.expected) == pytest.approx((1.5 * np.cos(1.3), np.cos(1.3)), rel=1e-6)

    def test_that_would_hold_in_one_branch_only(self) -> None:
        branched = with_jvp(
            wave, lambda p, t: lax.cond(p[0] > 1.0, lambda x: 1.1 * jnp.cos(x), lambda x: jnp.cos(x), p[0]) * t[0]
        )
        wrong = fault(branched, 1.3)
        assert wrong.defect == "derivative" and wrong.residual is None

    def test_that_is_too_long_to_read(self) -> None:
        def chain(x: Any) -> Any:
            return jnp.exp(jnp.sin(x**3 + 2.0 * x)) * jnp.tanh(jnp.log(1.0 + x**2) * jnp.cos(x)) + jnp.arctan(x**5)

        wrong = fault(with_jvp(chain, lambda p, t: jnp.sinh(p[0] ** 4) * t[0]), 1.3)
        assert wrong.defect == "derivative" and wrong.residual is None

    def test_of_a_rule_that_refuses_in_its_own_words(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Refused(Exception):
            pass

        def refusing(*_: Any) -> Any:
            raise Refused("this operand must not vary")

        monkeypatch.setattr(excess, "rule_trace", refusing)
        assert residual_of(disputed_by(scaled, 1.3), time.monotonic() + 60.0) is None

    def test_of_a_rule_that_is_not_linear(self) -> None:
        squared = with_jvp(wave, lambda p, t: jnp.cos(p[0]) * t[0] * t[0])
        wrong = fault(squared, 1.3)
        assert wrong.defect == "not linear" and wrong.residual is None

    def test_when_there_is_no_time(self) -> None:
        disputed = disputed_by(scaled, 1.3)
        assert residual_of(disputed, time.monotonic() + 60.0) is not None
        assert residual_of(disputed, within(-1.0)) is None

    def test_where_the_numbers_do_not_confirm_it(self) -> None:
        disputed = disputed_by(scaled, 1.3)
        given = replace(disputed.given, values=disputed.given.values + 1e-5)
        assert residual_of(replace(disputed, given=given), time.monotonic() + 60.0) is None

    def test_and_an_interrupt_is_not_swallowed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(*_: Any) -> Any:
            raise KeyboardInterrupt

        monkeypatch.setattr(excess, "differences", interrupted)
        with pytest.raises(KeyboardInterrupt):
            residual_of(disputed_by(scaled, 1.3), time.monotonic() + 60.0)


def disputed_by(f: Any, x: float) -> Disputed:
    """What is known of the only rule of a function of one number, when its formula is looked for."""
    trace = subject_trace(subject_of(f, (jnp.asarray(x, "float32"),), {}))
    (call,) = trace.rule_calls
    seen = [item.operands for item in watched(trace, [np.asarray(x)]) if item.step is call]
    defect = defect_of(call, seen, call.arguments, call.name, 1)
    assert defect is not None and defect.disputed is not None
    return defect.disputed


class TestWords:
    """Where a reader meets the formula."""

    report = functools.cached_property(lambda self: inspect(dropped, 1.3))
    says = "JAX's derivative - derivative of the code = -x**2*cos(x), for bump with respect to x."

    def finding(self) -> Any:
        (finding,) = [finding for finding in self.report.findings if finding.kind == "custom-rule"]
        return finding

    def test_the_finding_says_it(self) -> None:
        assert self.finding().message.endswith(self.says)
        assert self.finding().formula is self.report.check.faults[0].residual

    def test_text_and_html_show_it_the_one_as_text_the_other_as_mathematics(self) -> None:
        assert self.says in " ".join(str(self.report).split())
        formula = self.finding().formula
        before, shown, after = render_html(self.report).partition(formula_html(formula.latex, formula.text))
        assert shown and before.endswith("derivative of the code = ") and after.startswith(", for bump with respect")
        assert "<math" in shown

    def test_plain_data_and_the_assertion_have_it(self) -> None:
        (plain,) = json.loads(json.dumps(self.report.to_dict(), allow_nan=False))["check"]["faults"]
        assert plain["residual"]["text"] == "-x**2*cos(x)" and "cos" in plain["residual"]["latex"]
        with pytest.raises(WrongDerivative, match=re.escape(self.says)):
            self.report.raise_if_wrong()
        with pytest.raises(WrongDerivative, match=re.escape(self.says)):
            check(dropped)(jnp.asarray(1.3))

    def test_sympy_can_go_on_with_it(self) -> None:
        x, formula = sp.Symbol("x", real=True), found("a dropped term of a product").residual
        assert formula is not None and sp.simplify(formula.sympy + x**2 * sp.cos(x)) == 0

    def test_a_second_derivative_is_called_one(self) -> None:
        assert found("the second derivative").difference.startswith(
            "JAX's second derivative - second derivative of the code = sin(x)"
        )

    def test_a_rule_that_is_trusted_to_differ_says_how(self) -> None:
        report = inspect(lambda x: jnp.sum(negated(x)), VECTOR, trust="wave")
        (finding,) = [finding for finding in report.findings if finding.kind == "custom-rule"]
        assert finding.severity == "info" and finding.formula.text == "-2*cos(x)"


def test_elements_on_a_diagonal_are_not_each_by_itself() -> None:
    found = fault(diagonal, MATRIX)
    assert found.residual is not None and found.residual.text == "1"
    assert found.residual_of == found.entry  # of that entry alone


def test_an_operand_that_does_not_vary_has_its_name_not_its_number() -> None:
    def decay(x: Any, rate: Any) -> Any:
        return jnp.exp(rate * x)

    found = fault(lambda x: with_jvp(decay, lambda p, t: decay(*p) * (t[0] + p[0] * t[1]))(x, 2.0), 1.3)
    assert found.residual is not None and found.residual.text == "(1 - rate)*exp(rate*x)"


def test_arrays_that_were_captured_without_a_name_are_numbers() -> None:
    def weighted(x: Any) -> Any:
        weights = jnp.asarray([[1.0, 2.0], [3.0, 4.5]], x.dtype)
        return weights @ jnp.sin(x)

    def backward(x: Any, g: Any) -> Any:
        return (jnp.asarray([[1.0, 2.0], [3.0, 4.5]], x.dtype) @ (jnp.cos(x) * g),)

    found = fault(with_vjp(weighted, lambda x: (weighted(x), x), backward), VECTOR[:2])
    assert found.residual is not None and found.entry == found.residual_of
    i, j = map(int, re.findall(r"\d", found.entry))
    given = np.array([[1.0, 2.0], [3.0, 4.5]]).T * np.cos(VECTOR[:2])[:, None]
    assert f"cos(x[{j}])" in found.residual.text or f"cos(x[{i}])" in found.residual.text
    assert found.given == pytest.approx(given[i, j], rel=1e-6)
    values = {"x": VECTOR.astype("float32").astype(float)}
    assert found.given is not None and found.expected is not None
    assert read(found.residual.text, values, ()) == pytest.approx(found.given - found.expected, rel=1e-9)


def test_in_double_precision_a_factor_is_as_short() -> None:
    with jax.enable_x64(True):
        found = derive(scaled, cost="none", points=2, order=1)(jnp.asarray(1.3)).check.fault
    assert found is not None and found.residual is not None and found.residual.text == "0.001*cos(x)"


def test_one_wrong_entry_among_thousands_is_written_with_its_number() -> None:
    factors = np.ones(1000)
    factors[636] = 1.5
    one_of_many = with_jvp(wave, lambda p, t: jnp.asarray(factors, p[0].dtype) * jnp.cos(p[0]) * t[0])
    found = fault(lambda x: jnp.sum(one_of_many(x) ** 2), np.linspace(0.3, 1.3, 1000))
    assert found.residual is not None
    assert (found.residual.text, found.residual_of) == ("cos(x[636])/2", "wave[636] with respect to x[636]")
