"""A cure is printed only where its line, written in its place, gives finite numbers, the same value, and the truth."""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.report import Finding

from ..findings.cures import cured

Module = Callable[[str], types.ModuleType]


@dataclass(frozen=True)
class Case:
    """A function at a point where JAX's derivative is not finite, or was not in some version of it.

    Attributes:
        body: what it returns, of x.
        point: x.
        value: the true one; by its limit where the function has none.
        gradient: the true one; None where there is none, or no finite one.
        is_cured: whether a line to write is known; None where either is right.
    """

    body: str
    point: Any
    value: float
    gradient: Any
    is_cured: bool | None = None


CASES = {
    # the listed ones
    "arccos over a norm": Case(
        "jnp.arccos(jnp.clip(x[0] / jnp.linalg.norm(x), -1.0, 1.0)) / jnp.linalg.norm(x)", [1.0, 0.0, 0.0, 0.0], 0, None
    ),
    "the power 0 of a step": Case("jnp.sum(jnp.power(x - jnp.floor(x), jnp.array([0.0])))", [1.0], 1.0, [0.0]),
    "a largest with a clipped index": Case(
        'jnp.sum(jnp.zeros(3).at[jnp.array([0, 1, 5])].max(x, mode="clip"))',
        [1.0, 2.0, 2.0],
        5.0,
        [1.0, 1.0, 1.0],
        True,
    ),
    # others: the derivative exists, and a template has another one
    "the cube of a cube root": Case("jnp.cbrt(x) ** 3", 0.0, 0.0, 1.0),
    "the square of a root": Case("jnp.sqrt(x) ** 2", 0.0, 0.0, 1.0),
    "the square of a norm": Case("jnp.linalg.norm(x) ** 2", [0.0, 0.0], 0.0, [0.0, 0.0], True),
    "the cube of a norm": Case("jnp.linalg.norm(x) ** 3", [0.0, 0.0], 0.0, [0.0, 0.0], True),
    "the root of a fourth power": Case("jnp.sqrt(x**4)", 0.0, 0.0, 0.0, True),
    "a root times what it is the root of": Case("jnp.sqrt(x) * jnp.sqrt(x) + 3 * x", 0.0, 0.0, 4.0),
    "a norm along with its direction": Case("jnp.linalg.norm(x) * jnp.sum(x)", [0.0, 0.0], 0.0, [0.0, 0.0], True),
    "a power of a cube root": Case("2 * jnp.cbrt(x**3)", 0.0, 0.0, 2.0),
    "sin(x) / x": Case("jnp.sin(x) / x", 0.0, 1.0, 0.0),
    "(exp(x) - 1) / x": Case("(jnp.exp(x) - 1) / x", 0.0, 1.0, 0.5),
    "the logarithm of a softmax": Case("jnp.sum(jnp.log(jax.nn.softmax(x)))", [200.0, 0.0], -200.0, [-1.0, 1.0], True),
    "an entropy in a where": Case("jnp.sum(jnp.where(x > 0, x, 0.0) * 2 + 0 * jnp.sqrt(x * x))", [1.0, 2.0], 6, [2, 2]),
    # no derivative, or an infinite one
    "arcsin at 1 and -1": Case("jnp.sum(jnp.arcsin(x))", [1.0, -1.0], 0.0, None),
    "arccosh at 1": Case("jnp.arccosh(x)", 1.0, 0.0, None),
    "a norm at 0": Case("jnp.linalg.norm(x)", [0.0, 0.0, 0.0], 0.0, None, True),
    "arctan2 at the origin": Case("jnp.arctan2(x[0], x[1])", [0.0, 0.0], 0.0, None),
    "a root at 0": Case("jnp.sum(jnp.sqrt(x))", [0.0, 4.0], 2.0, None),
    "x to the power x": Case("x**x", 0.0, 1.0, None),
    "a standard deviation of equal numbers": Case("jnp.std(x)", [1.0, 1.0, 1.0], 0.0, None, True),
    "a branch that is not taken": Case("jnp.sum(jnp.where(x > 0, 1 / x, 0.0))", [0.0, 1.0], 1.0, None, True),
    "x log x": Case("jnp.sum(x * jnp.log(x))", [0.0, 1.0], 0.0, None, True),
}


def told(f: Any, point: Any, order: int = 1) -> list[Finding]:
    report = derive(f, cost="none", points=0, order=order, budget=60.0)(jnp.asarray(point))
    kinds = ("nan", "domain")
    return [f for f in report.findings if f.kind in kinds or "the point is in the domain" in f.message]


@pytest.mark.parametrize("name", CASES)
def test_a_line_that_is_printed_gives_the_truth(name: str, written: Module) -> None:
    case = CASES[name]
    module = written(f"def f(x):\n    return {case.body}")
    findings = told(module.f, case.point)
    cures = [finding for finding in findings if finding.cure.startswith("Write ")]
    for finding in findings:  # what was not run is told in words
        assert finding in cures or ("`" not in finding.cure and "jnp." not in finding.cure)
    at_once = np.asarray(jax.grad(module.f)(jnp.asarray(case.point)))
    if case.gradient is not None and np.isfinite(at_once).all():  # then there is nothing to cure
        np.testing.assert_allclose(at_once, case.gradient, rtol=1e-5, atol=1e-6)
        assert not findings
    else:
        assert case.is_cured in (None, bool(cures))
    for finding in cures:
        again = cured(module, finding, written)
        x = jnp.asarray(case.point)
        value, slope = again.f(x), jax.grad(again.f)(x)
        assert np.isfinite(value) and np.isfinite(slope).all()
        np.testing.assert_allclose(value, case.value, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(jax.jacfwd(again.f)(x), slope, rtol=1e-5, atol=1e-6)
        if case.gradient is not None:
            np.testing.assert_allclose(slope, case.gradient, rtol=1e-5, atol=1e-6)
            assert "by choice" not in finding.cure
        elif name != "a branch that is not taken":  # there it is the derivative of the branch that is
            assert "by choice" in finding.cure


def test_the_second_derivative_of_a_cure_is_the_truth_too(written: Module) -> None:
    module = written("def f(x):\n    return jnp.linalg.norm(x) ** 4")
    for finding in told(module.f, [0.0, 0.0], order=2):
        if finding.cure.startswith("Write "):
            again = cured(module, finding, written)
            np.testing.assert_allclose(jax.hessian(again.f)(jnp.zeros(2)), np.zeros((2, 2)), atol=1e-6)


@pytest.mark.parametrize(
    ("body", "point", "true"),
    [
        ("(1 - jnp.cos(x)) / x**2", 1e-4, lambda x: (1 - mpmath.cos(x)) / x**2),
        ("jnp.log(1 + x) / x", 1e-6, lambda x: mpmath.log(1 + x) / x),
        ("jnp.sqrt(x**2 + 1) - x", 1e4, lambda x: mpmath.sqrt(x**2 + 1) - x),
        ("jnp.exp(x) - 1", 1e-6, lambda x: mpmath.exp(x) - 1),
    ],
)
def test_a_form_that_keeps_digits_runs_as_it_is_printed(written: Module, body: str, point: float, true: Any) -> None:
    module = written(f"def f(x):\n    return {body}")
    report = derive(module.f, cost="none", points=0, order=1, budget=60.0)(point)
    cures = [re.match(r"Write (.+) for (.+)\. It", f.cure) for f in report.findings if f.kind == "precision"]
    found = [match for match in cures if match]
    assert found
    x = jnp.float32(point)
    with mpmath.workdps(40):
        expected = float(true(mpmath.mpf(float(x))))
    names = {"jnp": jnp, "jax": jax, "x": x}
    for match in found:
        new, old = match[1], match[2]
        assert np.isfinite(eval(new, names))
        if old != "it" and old.replace(" ", "") in body.replace(" ", ""):
            whole = body.replace(" ", "").replace(old.replace(" ", ""), f"({new})")
            np.testing.assert_allclose(eval(whole, names), expected, rtol=1e-5)
