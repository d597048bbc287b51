"""A formula or derivation that is missing says why, in its place, and what gives it more time."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.base.budget import within
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.time_limits import until
from jaxdiff_magic.show.panel.state import state_of

from ..engines.symbolic.latex_formulas import shown

x = jnp.array([0.3, 0.5, 1.2])


A = jnp.array([[0.2, 0.5, -0.3], [0.7, 0.1, 0.4], [-0.6, 0.3, 0.9]])


def long(x: Any) -> Any:
    for _ in range(5):
        x = jnp.tanh(A @ x) * x + x[0]
    return jnp.sum(x)


def test_what_is_too_long_says_how_to_have_it() -> None:
    report = derive(long, cost="none", points=2, order=1, budget=120)(x)
    assert report.blocks[0].formulas is report.blocks[0].closed_form is None
    said = "No formula: it is too long to read in one piece; report.formula('gradient', 'steps') has it step by step"
    assert said in " ".join(str(report).split()) and said in report._repr_mimebundle_()["text/html"].replace(
        "&#x27;", "'"
    )
    assert "No formula" in report._repr_mimebundle_()["text/latex"]
    assert report.formula("gradient", "steps").text


def test_no_time_says_what_gives_more() -> None:
    found = shown(long, [x])
    with until(within(-1.0)):
        assert found.presentation.components((0, 0)) is None
        assert found.presentation.index_form((0, 0)) is None
    why = found.presentation.missing[0, 0]
    assert "budget=60" in why and "--budget 60" in why


def test_a_missing_function_and_derivation_are_said() -> None:
    def many(x: Any) -> Any:
        for _ in range(13):
            y = jnp.tanh(A @ x)
            x = y * x
        return x

    report = derive(many, cost="none", points=2, order=1, budget=2)(x)
    assert report.function is None and not report.steps
    assert "No formula:" in str(report)
    assert "No derivation:" in str(dataclasses.replace(report, sections=("derivation",)))


def test_a_missing_formula_is_said_in_the_panel() -> None:
    report = derive(long, cost="none", points=2, order=1)(x)
    (gradient,) = [part for part in state_of(report)["derivatives"] if part["what"] == "gradient"]
    assert any("No formula" in latex for latex in gradient["closed"])


def test_what_has_formulas_says_nothing() -> None:
    report = derive(lambda x: jnp.sum(x**3), cost="none", points=2)(x)
    assert not report.missing and not any(block.missing for block in report.blocks)
    assert "No formula" not in str(report) and "No derivation" not in str(report)


def test_a_higher_order_has_all_its_axes_in_latex() -> None:
    third = shown(lambda x: x[0] ** 2 * x[1], [x[:2]]).presentation.formula("d3", "component")
    assert third.latex.count("bmatrix") == 4 and np.shape(third.sympy) == (2, 2, 2)


def test_a_primitive_without_a_formula_is_named() -> None:
    report = derive(lambda x: jnp.sum(jnp.linalg.svd(x.reshape(1, 3))[1]), cost="none", points=2, order=1)(x)
    with pytest.raises(OutOfReach, match="svd"):
        report.formula("gradient")
    assert "svd" in str(report)
