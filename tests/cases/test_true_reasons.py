"""Reasons that are true of this function: a choice is named where there is one, and equal eigenvalues or -inf are not.

A derivative that cannot be decided, or that is NaN in JAX, has its own cause: the step that chooses, with its line;
two equal eigenvalues; an infinity that meets a zero in the chain rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import Report, derive

EXCUSE = "where, max, abs"
"""What was once said of whatever could not be decided."""


def report_of(f: Callable[..., Any], *args: Any) -> Report:
    """First derivatives, with all the time that a busy machine takes."""
    return derive(f, order=1, cost="none", budget=60.0, points=4)(*args)


def slope_of_the_first_vector(m: jax.Array) -> jax.Array:
    _, v = jnp.linalg.eigh(m)
    return v[1, -1] / v[0, -1]


@pytest.fixture(scope="module")
def report() -> Report:
    return report_of(slope_of_the_first_vector, jnp.diag(jnp.array([4.0, 1.0, 1.0])))


class TestEqualEigenvalues:
    """The vector of 4 in diag(4, 1, 1) has a derivative: 1 / (2 (4 - 1)) by either of two elements."""

    def test_the_derivative_is_known(self, report: Report) -> None:
        truth = {("m[0, 1]",): 1 / 6, ("m[1, 0]",): 1 / 6}
        for entry in report.check.entries:
            assert entry.symbolic == pytest.approx(truth.get(entry.inputs, 0.0), abs=1e-12)

    def test_nan_in_reverse_mode_is_not_called_right(self, report: Report) -> None:
        assert report.verdict == "differs" and "reverse mode is not finite" in report.check.summary

    def test_the_reason_is_the_eigenvalues(self, report: Report) -> None:
        (finding,) = [finding for finding in report.findings if finding.kind == "nan"]
        assert "two equal eigenvalues" in finding.message and "which is right" in finding.message
        assert EXCUSE not in report.check.summary and "branch" not in finding.message


class TestAnInfinityAmongTheConstants:
    """Softmax of a * c with c[1] = -inf: the derivative by a[1] is 0, and JAX makes nan of 0 * inf."""

    @pytest.mark.parametrize(
        ("c", "truth"),
        [([4.0, -np.inf, 3.0], 0.0), ([4.0, -np.inf, 4.0, 4.0, 4.0], 0.0)],
        ids=["one largest", "four largest"],
    )
    def test_is_the_cause(self, c: list[float], truth: float) -> None:
        held = jnp.array(c)
        report = report_of(lambda a: jax.nn.softmax(a * held)[2], jnp.ones(len(c)))
        (entry,) = [entry for entry in report.check.entries if entry.inputs == ("a[1]",)]
        assert entry.symbolic == pytest.approx(truth, abs=1e-12)
        assert entry.outcome not in ("proved", "agrees")
        (finding,) = [finding for finding in report.findings if finding.kind == "nan"]
        assert "0 * inf" in finding.message and "held[1] is infinite" in finding.message
        assert "a constant of the function is" not in finding.message

    def test_four_equal_ones_keep_their_derivative(self) -> None:
        report = report_of(lambda a: jax.nn.softmax(a * jnp.array([4.0, -jnp.inf, 4.0, 4.0, 4.0]))[2], jnp.ones(5))
        np.testing.assert_allclose(np.asarray(report.gradient)[[0, 2, 3, 4]], (-0.25, 0.75, -0.25, -0.25), rtol=1e-6)

    def test_an_infinite_argument_of_tanh(self) -> None:
        report = report_of(lambda a: jnp.tanh(a[0] * -jnp.inf) * a[1], jnp.ones(2))
        assert report.verdict not in ("proved", "agrees")  # JAX's nan is no derivative: it is 0
        assert [entry.symbolic for entry in report.check.entries] == [0.0, -1.0]


@pytest.mark.parametrize(
    ("f", "x", "named"),
    [
        (lambda x: jnp.max(x), [1.0, 1.0, 0.0], "max"),
        (lambda x: jnp.sum(jnp.abs(x)), [0.0, 2.0], "abs"),
        (lambda x: jnp.sum(jnp.floor(x) * x), [1.0, 2.5], "floor"),
        (lambda x: jnp.sort(x)[0], [1.0, 1.0], "sort"),
        (lambda x: jnp.sum(jnp.minimum(x, 1.0)), [1.0, 2.5], "min"),
    ],
    ids=["max", "abs", "floor", "sort", "min"],
)
def test_a_choice_at_a_tie_is_named_with_its_line(f: Callable[..., Any], x: list[float], named: str) -> None:
    report = report_of(f, jnp.array(x))
    reasons = {entry.reason for entry in report.check.entries if entry.outcome == "out of reach"}
    assert reasons and all(named in reason or "slopes" in reason for reason in reasons)
    assert any("test_true_reasons.py, line " in reason for reason in reasons)
    assert not any(EXCUSE in reason for reason in reasons)
