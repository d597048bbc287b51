"""Draws by rejection: JAX's derivative is the implicit reparameterised gradient, and is called so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from jaxdiff_magic import Report, WrongDerivative, derive
from jaxdiff_magic.checking.reasons import drawn_by
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

KEY = jax.random.key(0)
KIND = "implicit-gradient"


def implicit_gradient(a: float, x: float) -> float:
    """dx/da of a draw x of a gamma distribution at a fixed probability: -(dF/da) / p(x)."""
    by_a = mpmath.diff(lambda b: mpmath.gammainc(b, 0, x, regularized=True), a)
    return float(-by_a / (mpmath.mpf(x) ** (a - 1) * mpmath.exp(-x) / mpmath.gamma(a)))


@pytest.fixture(scope="module")
def report() -> Report:
    return derive(lambda a: jax.random.gamma(KEY, a), order=1, cost="none", budget=60.0, points=2)(1.5)


def test_it_is_named_with_both_numbers(report: Report) -> None:
    assert float(report.gradient) == pytest.approx(implicit_gradient(1.5, float(report.value)), rel=1e-4)
    (finding,) = [finding for finding in report.findings if finding.kind == KIND]
    assert "implicit reparameterisation gradient" in finding.message and "random_gamma" in finding.message
    assert f"{float(report.gradient):.6g}" in finding.message
    assert "expectation" in finding.cure


def test_the_verdict_gives_it_as_the_reason(report: Report) -> None:
    assert report.verdict == "differs"
    assert all("implicit reparameterisation" in entry.reason for entry in report.check.entries)


def test_so_does_the_assertion(report: Report) -> None:
    with pytest.raises(WrongDerivative, match="implicit reparameterisation gradient of random_gamma"):
        report.raise_if_wrong()


DRAWS: dict[str, tuple[Callable[..., Any], bool]] = {
    "beta": (lambda a: jax.random.beta(KEY, a, 2.0), True),
    "dirichlet": (lambda a: jax.random.dirichlet(KEY, jnp.stack([a, 2 * a])), True),
    "loggamma": (lambda a: jax.random.loggamma(KEY, a), True),
    "chisquare": (lambda a: jax.random.chisquare(KEY, a), True),
    "t": (lambda a: jax.random.t(KEY, a), True),
    "f": (lambda a: jax.random.f(KEY, a, 3.0), True),
    "inside a loop": (lambda a: jax.lax.fori_loop(0, 2, lambda i, v: v + jax.random.gamma(KEY, v), a), True),
    "normal": (lambda a: a * jax.random.normal(KEY), False),
    "exponential": (lambda a: jax.random.exponential(KEY) / a, False),
    "gamma of a fixed shape": (lambda a: a * jax.random.gamma(KEY, 2.0), False),
}


@pytest.mark.parametrize("name", DRAWS)
def test_it_is_told_of_what_draws_by_rejection_alone(name: str) -> None:
    f, is_drawn = DRAWS[name]
    assert bool(list(drawn_by(subject_trace(subject_of(f, (1.5,), {}))))) == is_drawn


def test_a_draw_that_is_only_scaled_has_the_draw_as_its_derivative() -> None:
    drawn = jax.random.gamma(KEY, 2.0)
    reference = Reference(subject_trace(subject_of(lambda a: a * jax.random.gamma(KEY, 2.0), (1.5,), {})))
    (found,) = reference.evaluate((0, 0), [np.array([1.5])]).values
    assert float(found) == float(drawn)
