"""Code that asks a traced value for its number: the message names the line and what to write there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from jaxdiff_magic import derive

X = jnp.array([3.0, 4.0])

CASES: dict[str, tuple[Callable[[Any], Any], Any, str, str]] = {
    "np.sin": (lambda x: np.sin(2 * x), 1.0, "NumPy cannot take a traced value", "`jnp.sin(2 * x)`"),
    "math.sqrt": (
        lambda x: math.sqrt(x[0] ** 2 + x[1] ** 2),
        X,
        "math cannot take a traced value",
        "`jnp.sqrt(x[0] ** 2 + x[1] ** 2)`",
    ),
    "math.lgamma": (lambda x: math.lgamma(x), 2.5, "math cannot", "`jax.scipy.special.gammaln(x)`"),
    "math.fabs": (lambda x: 2 * math.fabs(x), -2.5, "math cannot", "`jnp.abs(x)`"),
    "np.linalg.norm": (lambda x: np.linalg.norm(x), X, "NumPy cannot", "`jnp.linalg.norm(x)`"),
    "np.asarray": (lambda x: jnp.sum(np.asarray(x) ** 2), X, "NumPy cannot", "`jnp.asarray(x)`"),
    "scipy": (lambda x: scipy.special.expit(x), 0.5, "SciPy cannot", "jax.scipy"),
    "mask": (lambda x: jnp.sum(x[x > 0] ** 2), X, "picks as many elements", "jnp.where(x > 0, x, 0)"),
    "float": (lambda x: x * float(x), 3.0, "`float(x)` takes the number out", "write x"),
    "int": (lambda x: x * int(x), 3.0, "`int(x)` takes the number out", "jnp.floor(x)"),
    "item": (lambda x: x * x.item(), jnp.array(3.0), "`x.item()` takes the number out", "write x"),
    "bool": (lambda x: x * 2 if bool(x > 0) else x, 3.0, "branches in Python", "jnp.where"),
    "if": (lambda x: x * 2 if x > 0 else x, 3.0, "branches in Python", "`x > 0`"),
    "and": (lambda x: (x > 0 and x) * x, 3.0, "branches in Python", "jax.lax.cond"),
    "range": (lambda x: sum(x for _ in range(int(x))), 3.0, "takes the number out", "`int(x)`"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_message_says_the_line_and_what_to_write(name: str) -> None:
    f, at, what, cure = CASES[name]
    report = derive(f, order=1, cost="none", points=2, budget=60)(at)
    line = f.__code__.co_firstlineno
    assert what in report.unreachable and cure in report.unreachable, report.unreachable
    assert f"test_numbers_of_traced_values.py, line {line}" in report.unreachable
    if what.startswith(("NumPy", "math", "SciPy")):
        assert "branches in Python" not in report.unreachable


@pytest.mark.parametrize("name", ["np.sin", "math.sqrt", "math.lgamma", "np.linalg.norm", "float"])
def test_a_derivative_that_jax_refuses_for_it_says_the_same(name: str) -> None:
    f, at, what, cure = CASES[name]
    report = derive(f, order=1, cost="none", points=2)(at)
    said = [finding.message for finding in report.findings if finding.kind == "infeasible-mode"]
    assert said and all(what in message and cure in message for message in said), said


def test_a_mask_has_its_derivative_all_the_same() -> None:
    report = derive(lambda x: jnp.sum(x[x > 0] ** 2), order=1, cost="none", points=2, budget=60)(jnp.array([2.0, -0.5]))
    np.testing.assert_array_equal(report.gradient, [4.0, 0.0])
    assert report.verdict == "agrees"


def test_what_is_refused_under_a_trace_alone_runs_with_numbers() -> None:
    def selected(x: Any) -> Any:
        return jnp.sum(x[jnp.nonzero(x > 0)[0]] ** 3)

    report = derive(selected, order=1, cost="none", points=2, budget=60)(jnp.array([2.0, -0.5, 1.0]))
    np.testing.assert_array_equal(report.gradient, [12.0, 0.0, 3.0])


def test_a_function_whose_source_is_not_known_has_a_reason_as_well() -> None:
    space: dict[str, Any] = {"np": np}
    exec("def f(x):\n    return np.sin(x)", space)
    report = derive(space["f"], order=1, cost="none", points=2)(0.5)
    assert "NumPy cannot take a traced value" in report.unreachable
