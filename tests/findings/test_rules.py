"""Rules that users wrote: what is said of wrong ones, and of those that are meant to differ."""

from __future__ import annotations

import json
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic import InputError, Report, WrongDerivative, derive
from jaxdiff_magic.notebook.typed_options import read_line

X = jnp.array([0.5, 1.2, -0.7])


def inspect(f: Any, *args: Any, **options: Any) -> Report:
    return derive(f, cost="none", points=2, **options)(*(args or (X,)))


def said(report: Report) -> Any:
    (finding,) = [finding for finding in report.findings if finding.kind == "custom-rule"]
    return finding


def with_jvp(code: Any, rule: Any, value: Any = None) -> Any:
    def squash(x: Any) -> Any:
        return code(x)

    g = jax.custom_jvp(squash)
    g.defjvp(lambda p, t: ((value or code)(*p), rule(*p, *t)))
    return g


def with_vjp(code: Any, rule: Any) -> Any:
    def squash(x: Any) -> Any:
        return code(x)

    g = jax.custom_vjp(squash)
    g.defvjp(lambda x: (code(x), x), lambda x, cotangent: (rule(x, cotangent),))
    return g


def clip_gradient(x: Any) -> Any:
    return x


clip_gradient = jax.custom_vjp(clip_gradient)  # type: ignore[assignment]
clip_gradient.defvjp(lambda x: (x, None), lambda _, g: (jnp.clip(g, -1.0, 1.0),))  # type: ignore[attr-defined]


def test_a_wrong_rule_is_an_error_at_its_call_with_both_numbers() -> None:
    wrong = with_jvp(jnp.sin, lambda x, t: 2.0 * jnp.cos(x) * t)
    report = inspect(lambda x: jnp.sum(wrong(x)))
    finding = said(report)
    assert (finding.severity, finding.path) == ("error", "squash")
    assert finding.where.startswith("test_rules.py, line")
    assert "is not the derivative of squash" in finding.message and "is 2 times the derivative" in finding.message
    assert "trust='squash'" in finding.cure
    assert "is not the derivative of squash" in report.check.summary
    with pytest.raises(WrongDerivative, match=r"is not the derivative of squash.*called at test_rules.py"):
        report.raise_if_wrong()
    (fault,) = json.loads(json.dumps(report.to_dict(), allow_nan=False))["check"]["faults"]
    assert (fault["name"], fault["defect"]) == ("squash", "derivative")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda x, t: t, "straight-through"),
        (lambda x, t: 0.0 * t, "is zero"),
        (lambda x, t: -jnp.cos(x) * t, "has the wrong sign"),
    ],
)
@pytest.mark.parametrize("make", [with_jvp, with_vjp])
def test_common_departures_are_named_in_words(make: Any, rule: Any, words: str) -> None:
    assert words in said(inspect(make(jnp.sin, rule), order=1)).message


def test_a_rule_that_returns_another_value_than_the_function() -> None:
    other = with_jvp(jnp.sin, lambda x, t: jnp.cos(x) * t, value=lambda x: jnp.sin(x) + 0.01)
    assert "returns another value than squash itself" in said(inspect(other)).message


class TestRulesThatAreNotLinear:
    """Gradient clipping: five times the cotangent is not five times the result."""

    def test_in_the_cotangent(self) -> None:
        finding = said(inspect(lambda x: jnp.sum(3.0 * clip_gradient(x))))
        assert finding.severity == "error" and "not linear in its cotangent" in finding.message

    def test_in_the_tangent(self) -> None:
        bent = with_jvp(jnp.sin, lambda x, t: jnp.cos(x) * t * t)
        finding = said(inspect(bent, order=1))
        assert finding.severity == "error" and "not linear in its tangent" in finding.message

    def test_of_many_entries(self) -> None:
        finding = said(inspect(lambda x: jnp.sum(3.0 * clip_gradient(x)), jnp.linspace(0.0, 1.0, 3000), order=1))
        assert "not linear in its cotangent" in finding.message


def test_a_wrong_second_derivative_of_a_right_rule() -> None:
    frozen = with_jvp(jnp.sin, lambda x, t: lax.stop_gradient(jnp.cos(x)) * t)
    finding = said(inspect(lambda x: jnp.sum(frozen(x))))
    assert finding.severity == "error"
    assert "gives the derivative of squash, but JAX's derivative of" in finding.message
    assert inspect(lambda x: jnp.sum(frozen(x)), order=1).findings == ()


def test_a_wrong_rule_of_no_consequence_is_a_warning() -> None:
    wrong = with_jvp(jnp.sin, lambda x, t: 2.0 * jnp.cos(x) * t)
    report = inspect(lambda x: jnp.sum(x**2 + lax.stop_gradient(wrong(x))))
    assert report.verdict in ("proved", "agrees")
    assert said(report).severity == "warning" and "makes no difference" in said(report).message


def test_an_operand_that_does_not_vary_needs_no_cotangent() -> None:
    @jax.custom_vjp
    def weigh(x: Any, weight: Any) -> Any:
        return x * weight

    weigh.defvjp(lambda x, weight: (x * weight, weight), lambda weight, g: (g * weight, None))
    assert [f for f in inspect(lambda x: jnp.sum(weigh(x, 2.0 * X) ** 2)).findings if f.kind == "custom-rule"] == []
    assert "is zero" in said(inspect(lambda x: jnp.sum(weigh(x, 2.0 * x)))).message


@pytest.mark.parametrize("f", [jax.nn.relu, jnp.abs, jnp.max, lambda x: jnp.linalg.norm(x), jax.nn.softplus])
def test_conventions_at_kinks_are_never_called_wrong(f: Any) -> None:
    report = inspect(f, jnp.zeros(3), order=1)
    assert not any(finding.kind == "custom-rule" for finding in report.findings)


class TestTrust:
    """Rules that are meant to differ, by name."""

    @staticmethod
    def loss(x: Any, w: Any) -> Any:
        return jnp.sum(w * x), jnp.sum(clip_gradient(x))

    def test_a_trusted_rule_is_information_and_its_entries_are_out_of_reach(self) -> None:
        report = inspect(lambda x: jnp.sum(3.0 * clip_gradient(x) ** 2), trust="clip_gradient")
        assert report.verdict == "out of reach"
        assert all("clip_gradient" in e.reason and "is trusted to differ" in e.reason for e in report.check.entries)
        assert said(report).severity == "info" and "trusted to differ from its code" in said(report).message
        assert report.check.fault is None

    def test_only_derivatives_that_pass_through_it_are_left_open(self) -> None:
        straight = with_jvp(jnp.round, lambda x, t: t)
        f = lambda x, w: (jnp.sum(w * x), jnp.sum(straight(w)))  # noqa: E731
        report = inspect(f, X, X, trust=("squash",), order=1)
        open_ = {
            (entry.output, entry.inputs[0][0]) for entry in report.check.entries if entry.outcome == "out of reach"
        }
        assert open_ == {("f[1]", "w")}

    def test_inside_a_loop(self) -> None:
        straight = with_jvp(jnp.round, lambda x, t: t)
        f = lambda x: lax.scan(lambda c, _: (straight(c) + x, None), x, None, length=3)[0]  # noqa: E731
        assert inspect(f, trust="squash", order=1).verdict == "out of reach"

    def test_another_wrong_rule_is_still_wrong(self) -> None:
        straight, wrong_sine = with_jvp(jnp.round, lambda x, t: t), jax.custom_jvp(lambda x: jnp.sin(x))
        wrong_sine.defjvp(lambda p, t: (jnp.sin(*p), jnp.sin(*p) * t[0]))
        report = inspect(lambda x, w: (straight(x), wrong_sine(w)), X, X, trust="squash", order=1)
        assert report.verdict == "differs" and report.check.fault.name != "squash"  # type: ignore[union-attr]

    def test_a_name_that_is_not_called_is_refused_with_those_that_are(self) -> None:
        with pytest.raises(InputError, match=r"Did you mean 'clip_gradient'\? It calls clip_gradient"):
            inspect(lambda x: jnp.sum(clip_gradient(x)), trust="clip_gradients")
        with pytest.raises(InputError, match="calls no such function at all"):
            inspect(jnp.sin, trust="clip_gradient")

    def test_the_magic_takes_names(self) -> None:
        assert read_line("--trust clip_gradient,ste f(x)") == ({"trust": ("clip_gradient", "ste")}, "f(x)")


@pytest.mark.parametrize("make", [with_jvp, with_vjp])
def test_a_rule_that_gives_nan_is_said_to_and_where(make: Any) -> None:
    report = inspect(lambda x: jnp.sum(make(jnp.sin, lambda x, t: jnp.nan * t)(x) * x))
    finding = said(report)
    assert finding.severity == "error"
    assert "gives nan for squash[" in finding.message
    assert f"where the code of squash has the derivative {np.cos(0.5):.6g}" in finding.message  # the largest of them
    assert "gives the derivative of squash" not in finding.message
    assert finding.cure == "Correct the rule: it must give numbers wherever the derivative of squash is one."
    (born,) = [finding for finding in report.findings if finding.kind == "nan"]
    assert born.cure == "Correct the rule of squash."
    assert report.verdict == "differs" and "gives nan for squash[" in report.check.summary


def test_a_rule_that_gives_nan_in_one_place_is_told_for_that_place() -> None:
    partly = with_jvp(lambda x: x**2, lambda x, t: jnp.where(x > 1, jnp.nan, 2 * x) * t)
    message = said(inspect(lambda x: jnp.sum(partly(x)))).message
    assert "gives nan for squash[1] with respect to x[1], where the code of squash has the derivative 2.4" in message


def test_a_rule_that_is_nan_where_the_derivative_is_none_is_not_accused() -> None:
    root = with_jvp(jnp.sqrt, lambda x, t: t / (2 * jnp.sqrt(x)))
    report = inspect(lambda x: jnp.sum(root(x)), jnp.array([0.0, 1.0]))
    assert not [finding for finding in report.findings if finding.kind == "custom-rule"]


def test_two_numbers_that_differ_late_are_written_with_the_digits_that_tell_them_apart() -> None:
    wrong = with_jvp(jnp.sin, lambda x, t: 11 * jnp.cos(x) * t)
    report = inspect(lambda x: 1e-6 * wrong(x) + x**2, jnp.float32(1.3), order=1)
    given, expected = re.findall(
        r"gives (\d+\.\d+) where the function's own derivative is (\d+\.\d+)", report.check.summary
    )[0]
    assert float(given) - float(expected) == pytest.approx(1e-5 * np.cos(1.3), rel=0.2)


class TestRulesWithinRules:
    """A rule that is right, and calls a function whose own rule is not: only higher derivatives are wrong."""

    @staticmethod
    def layers(make: Any, name: str) -> Any:
        """sin by rules all the way down, of which that of one function gives three times too much."""

        def factor(own: str) -> float:
            return 3.0 if own == name else 1.0

        def negative(x: Any) -> Any:
            return -jnp.sin(x)

        def slope(x: Any) -> Any:
            return jnp.cos(x)

        def wave(x: Any) -> Any:
            return jnp.sin(x)

        below = TestRulesWithinRules.ruled(make, negative, lambda x: -factor("negative") * jnp.cos(x))
        middle = TestRulesWithinRules.ruled(make, slope, lambda x: factor("slope") * below(x))
        return TestRulesWithinRules.ruled(make, wave, middle)

    @staticmethod
    def ruled(make: Any, code: Any, slope: Any) -> Any:
        g = make(code)
        if make is jax.custom_jvp:
            g.defjvp(lambda p, t: (g(*p), slope(*p) * t[0]))
        else:
            g.defvjp(lambda x: (g(x), x), lambda x, cotangent: (cotangent * slope(x),))
        return g

    @pytest.mark.parametrize("make", [jax.custom_jvp, jax.custom_vjp])
    def test_the_one_that_is_wrong_is_named_with_the_second_derivative(self, make: Any) -> None:
        wave = self.layers(make, "slope")
        report = inspect(lambda x: jnp.sum(wave(x)), jnp.array([0.5, 2.0]))
        assert report.verdict == "differs"
        assert "JAX's second derivative" in report.check.summary and "mode" not in report.check.summary
        finding = said(report)
        assert finding.path == "slope"
        assert "is not the derivative of slope" in finding.message and "is 3 times the derivative" in finding.message
        assert "trust" not in finding.cure  # which can name what f calls itself
        outcomes = {(entry.what, entry.outcome) for entry in report.check.entries if entry.symbolic}
        assert ("hessian", "differs") in outcomes and ("gradient", "differs") not in outcomes

    def test_where_only_the_third_derivative_is_wrong_that_is_said(self) -> None:
        wave = self.layers(jax.custom_jvp, "negative")
        report = inspect(lambda x: wave(x), jnp.float32(0.7), order=3)
        assert "JAX's third derivative differs from the formula" in report.check.summary
        assert said(report).path == "negative"
        assert {entry.what for entry in report.check.entries if entry.outcome == "differs"} == {"d3"}

    @pytest.mark.parametrize("make", [jax.custom_jvp, jax.custom_vjp])
    def test_right_ones_are_left_alone(self, make: Any) -> None:
        report = inspect(lambda x: self.layers(make, "")(x), jnp.float32(0.7))
        assert report.verdict in ("proved", "agrees")
        assert not [finding for finding in report.findings if finding.kind == "custom-rule"]
