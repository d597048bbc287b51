"""Digits are told honestly: the ulp column is JAX's own error, and a number that is rounding says so.

Truths are by hand: an identity gives 0, a tail its asymptotic expansion.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.stats
import numpy as np
import pytest
from jax.scipy.special import erfc, ndtr

from jaxdiff_magic import derive
from jaxdiff_magic.report import CheckEntry, Finding
from jaxdiff_magic.show.report import Report

EPS32, EPS64 = 2.0**-23, 2.0**-52


def report_of(f: Callable[..., Any], x: Any, order: int = 1) -> Report:
    return derive(f, order=order, cost="none", points=2, budget=60.0)(jnp.asarray(x))


def precision(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind == "precision"]


def own_error(entry: CheckEntry, truth: float, eps: float) -> float:
    """In units in the last place of the larger of the two."""
    given = [x for x in (entry.forward, entry.reverse) if x is not None]
    return max(abs(x - truth) for x in given) / (eps * max(abs(truth), *map(abs, given)))


IDENTITIES: dict[str, tuple[Callable[..., Any], Any]] = {
    "two forms of sin² summed": (lambda x: jnp.sum(1e6 * (jnp.sin(x) ** 2 - (1 - jnp.cos(x) ** 2))), [0.3, 0.7, 1.1]),
    "sin² + cos² - 1": (lambda x: 1e6 * (jnp.sin(x) ** 2 + jnp.cos(x) ** 2 - 1), 0.7),
    "cosh² - sinh² - 1": (lambda x: 1e4 * (jnp.cosh(x) ** 2 - jnp.sinh(x) ** 2 - 1), 1.3),
    "exp(x) exp(-x) - 1": (lambda x: 1e5 * (jnp.exp(x) * jnp.exp(-x) - 1), 2.3),
    "sin² + cos² - 1, small": (lambda x: jnp.sin(x) ** 2 + jnp.cos(x) ** 2 - 1, 0.7),
    "log x² - 2 log x": (lambda x: 1e6 * (jnp.log(x**2) - 2 * jnp.log(x)), 2.3),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_a_derivative_of_0_that_is_shown_as_rounding_says_so(name: str) -> None:
    f, x = IDENTITIES[name]
    report = report_of(f, x)
    spoiled = [entry for entry in report.check.entries if (entry.forward, entry.reverse) != (0, 0)]
    assert spoiled  # float32 shows something
    for entry in spoiled:
        assert entry.symbolic == 0.0
        assert entry.error == pytest.approx(1 / EPS32)  # all of it, whichever mode shows more
    assert report.verdict != "differs"
    assert "the numbers agree" not in report.check.summary and "by JAX and 0 without it" in report.check.summary
    (finding,) = precision(report)
    assert finding.severity == "warning" and "∂f/∂x" in finding.message
    assert "has 0 of its 7 digits right here" in finding.message and "underflows" not in finding.message


def test_second_derivatives_that_are_rounding_say_so() -> None:
    """(1 - cos x) / x² = 1/2 - x²/24 + …: first and second derivative -x/12 and -1/12."""
    report = report_of(lambda x: (1 - jnp.cos(x)) / x**2, 1e-3, order=2)
    first, second = report.check.entries
    assert (first.symbolic, second.symbolic) == pytest.approx((-1e-3 / 12, -1 / 12), rel=1e-6)
    assert first.error is not None and second.error is not None
    assert first.error > 0.1 / EPS32 and second.error > 0.1 / EPS32
    (finding,) = precision(report)
    assert "∂f/∂x has 0 of its 7 digits" in finding.message and "∂²f/∂x∂x has 0 of its 7 digits" in finding.message
    assert "the numbers agree" not in report.check.summary


def test_digits_that_are_there_are_not_doubted() -> None:
    for f, x in ((lambda x: jnp.sum(jnp.sin(x) ** 2), [0.3, 0.7]), (lambda x: jnp.exp(-x) * x, 1.3)):
        report = report_of(f, x)
        assert not precision(report) and "rounding" not in report.check.summary
        assert all(entry.error is not None and entry.error < 8 for entry in report.check.entries)


OWN: dict[str, tuple[Callable[..., Any], float, Callable[[float], float]]] = {
    "a small difference of large terms": (lambda x: 1e4 * (x - jnp.sin(x)), 1e-3, lambda x: 2e4 * math.sin(x / 2) ** 2),
    "a steep sine": (lambda x: jnp.sin(1e4 * x), 1.3, lambda x: 1e4 * math.cos(1e4 * x)),
    "a product": (lambda x: x**3 * jnp.exp(x), 0.7, lambda x: (3 * x**2 + x**3) * math.exp(x)),
    "a decimal coefficient": (lambda x: 0.1 * x**2, 0.7, lambda x: 2 * float(np.float32(0.1)) * x),
}


@pytest.mark.parametrize("name", OWN)
def test_the_error_in_float32_is_that_of_jax(name: str) -> None:
    f, x, derivative = OWN[name]
    (entry,) = report_of(f, jnp.float32(x)).check.entries
    truth = derivative(float(np.float32(x)))
    assert entry.error is not None
    assert entry.error == pytest.approx(own_error(entry, truth, EPS32), rel=0.05, abs=0.05)


def test_the_error_in_float64_is_not_that_of_another_rounded_number() -> None:
    """The derivative of exp(x) - 1 - x at 1e-6 is x + x²/2 + …; float64 keeps ten digits of it, summed in any way."""
    x = 1e-6
    with jax.enable_x64(True):
        (entry,) = report_of(lambda x: jnp.exp(x) - 1 - x, x).check.entries
    truth = math.expm1(x)
    assert entry.symbolic == pytest.approx(truth, rel=1e-15)
    assert entry.error is not None and entry.error > 1e4
    assert entry.error == pytest.approx(own_error(entry, truth, EPS64), rel=1e-3)


def test_at_a_kink_there_is_no_error_since_there_is_no_derivative() -> None:
    (entry,) = report_of(jnp.abs, 0.0).check.entries
    assert (entry.outcome, entry.error) == ("out of reach", None)


def log_tail(z: float) -> float:
    """log(1 - Phi(z)) for z large, by its asymptotic series."""
    return -z * z / 2 - math.log(z * math.sqrt(2 * math.pi)) + math.log1p(-(z**-2) + 3 * z**-4 - 15 * z**-6)


TAILS: dict[str, tuple[Callable[..., Any], Any, float]] = {
    "truncated normal": (lambda m: -0.5 * (21.0 - m) ** 2 - jnp.log(1 - ndtr(20.0 - m)), 0.0, -220.5 - log_tail(20.0)),
    "log of erfc": (lambda x: jnp.log(erfc(x)), 12.0, log_tail(12 * math.sqrt(2)) + math.log(2)),
    "log of a softmax": (lambda x: jnp.log(jax.nn.softmax(x)[0]), [0.0, 200.0], -200.0),
    "log of a product of densities": (
        lambda x: jnp.log(jnp.prod(jax.scipy.stats.norm.pdf(x))),
        [10.0, 11.0],
        -110.5 - math.log(2 * math.pi),
    ),
}


@pytest.mark.parametrize("name", TAILS)
def test_an_underflow_in_a_tail_is_no_error_of_the_domain(name: str) -> None:
    f, x, truth = TAILS[name]
    report = report_of(f, x)
    assert not np.isfinite(np.asarray(report.value)) and report.verdict == "out of reach"
    assert not [finding for finding in report.findings if finding.kind == "domain"]
    finding = precision(report)[0]
    assert "in the domain" in finding.message and f"{truth:.4g}" in finding.message
    assert "Move the point" not in finding.cure
    assert "logarithm" in finding.cure or "Run: finite here" in finding.cure


def test_outside_the_domain_is_still_outside() -> None:
    for f, x in ((jnp.log, 0.0), (jnp.log, -1.0), (lambda x: jnp.log(x - x), 2.0)):
        report = report_of(f, x)
        assert [finding.kind for finding in report.findings if finding.kind in ("domain", "precision")] == ["domain"]


@pytest.mark.parametrize(("x", "x64"), [(1e-300, True), (1e-30, False), (1e-200, True)])
def test_a_tiny_second_derivative_that_rounding_takes_is_not_proved(x: float, x64: bool) -> None:
    """tanh'' = -2 tanh (1 - tanh²), about -2 x; JAX 0.10's rule subtracts from 1, and has 0; later ones have it."""
    with jax.enable_x64(x64):
        report = report_of(jnp.tanh, x, order=2)
        exact = float(np.asarray(jnp.asarray(x)))
    entry = report.check.entries[1]
    assert entry.symbolic == pytest.approx(-2 * exact, rel=1e-6, abs=0)
    if entry.forward != 0:
        assert entry.forward == pytest.approx(-2 * exact, rel=1e-6, abs=0)
        assert entry.outcome in ("proved", "agrees")
        return
    assert entry.outcome == "out of reach" and "rounding" in entry.reason
    assert entry.error == pytest.approx(2.0 ** (52 if x64 else 23), rel=1e-6)  # all of it
