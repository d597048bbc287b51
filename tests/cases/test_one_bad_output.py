"""One output that is outside its domain leaves the others decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.show.report import Report


def outcomes(report: Report) -> dict[str, set[str]]:
    """For each output the words of its entries."""
    found: dict[str, set[str]] = {}
    for entry in report.check.entries:
        found.setdefault(entry.output, set()).add(entry.outcome)
    return found


DECIDED = {"proved", "agrees"}


def test_two_logarithms_are_decided_beside_one_of_a_negative_number() -> None:
    report = derive(lambda x: x[:3] * jnp.log(jnp.cos(x[:3])), cost="none", budget=30)(jnp.array([6.0, 7.0, 8.0]))
    found = outcomes(report)
    assert found["f[0]"] <= DECIDED
    assert found["f[1]"] <= DECIDED
    assert found["f[2]"] == {"out of reach"}
    first = {(e.output, e.inputs): e.symbolic for e in report.check.entries if e.what == "jacobian"}
    assert first["f[0]", ("x[0]",)] == pytest.approx(1.70539, abs=1e-5)
    assert first["f[1]", ("x[1]",)] == pytest.approx(-6.38263, abs=1e-5)
    assert first["f[0]", ("x[2]",)] == 0


def test_what_jax_gives_without_compilation_is_told() -> None:
    report = derive(lambda x: x * jnp.log(jnp.cos(x)), cost="none", order=1)(jnp.array([6.0, 7.0, 8.0]))
    (finding,) = [finding for finding in report.findings if "Without jax.jit" in finding.message]
    assert "∂f[0]/∂x[2]" in finding.message
    fine = derive(lambda x: x * jnp.log(jnp.cos(x)), cost="none", order=1)(jnp.array([6.0, 7.0]))
    assert not [finding for finding in fine.findings if "Without jax.jit" in finding.message]


# beside the case that people met: a square root, a tree of outputs, a division by zero, a wrong rule beside the hole
BESIDE: dict[str, tuple[Callable[..., Any], list[float], str]] = {
    "root": (lambda x: jnp.sqrt(x - 1) + x, [5.0, 0.5, 2.0], "f[1]"),
    "tree": (lambda x: {"a": jnp.arcsin(x[0]), "b": x[1] ** 2 * x[0]}, [3.0, 2.0], "['a']"),
    "pole": (lambda x: x[::-1] / x, [0.0, 2.0, 4.0], "f[0]"),
}


@pytest.mark.parametrize("name", BESIDE)
def test_what_has_a_value_is_decided(name: str) -> None:
    function, point, hole = BESIDE[name]
    entries = derive(function, cost="none", order=1, points=8, budget=30)(jnp.array(point)).check.entries
    assert len({entry.output for entry in entries}) > 1
    for entry in entries:
        is_lost = hole in entry.output or not np.isfinite([entry.forward, entry.reverse]).all()  # 0 times NaN in JAX
        assert entry.outcome == "out of reach" if is_lost else entry.outcome in DECIDED, entry


def test_a_wrong_rule_differs_beside_an_output_without_a_value() -> None:
    cube = jax.custom_jvp(lambda x: x**3)
    cube.defjvp(lambda p, t: (p[0] ** 3, 2 * p[0] ** 2 * t[0]))
    report = derive(lambda x: jnp.stack([cube(x), jnp.log(-x)]), cost="none", order=1, budget=30)(2.0)
    assert outcomes(report) == {"f[0]": {"differs"}, "f[1]": {"out of reach"}}
    assert report.verdict == "differs"


def test_a_function_without_any_value_is_out_of_reach() -> None:
    report = derive(lambda x: jnp.log(-(x**2)) * np.ones(2), cost="none", order=1, budget=30)(2.0)
    assert report.verdict == "out of reach"
