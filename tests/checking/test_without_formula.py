"""Where function values are all there is to compare with."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    ("function", "at"),
    [
        (jax.nn.relu, 0.0),
        (jnp.abs, 0.0),
        (jax.nn.leaky_relu, 0.0),
        (lambda x: jax.nn.relu(x) if x > -1 else x, 0.0),
        (lambda x: jnp.abs(x - 1) + x**2, 1.0),
        (lambda x: jnp.sqrt(jnp.abs(x)), 0.0),
    ],
)
def test_without_a_formula_a_kink_is_no_wrong_derivative(function: Any, at: float, order: int) -> None:
    report = derive(function, symbolic=False, order=order, cost="none")(at)
    assert report.verdict == "out of reach"
    assert "from the left and from the right differ" in report.check.summary


def test_values_of_a_function_that_changes_accuse_nobody() -> None:
    random = np.random.default_rng(0)
    report = derive(lambda x: x * float(random.random()), symbolic=False, cost="none")(1.0)
    assert report.verdict == "out of reach"
    assert "impure" in [finding.kind for finding in report.findings]


def test_nor_do_those_of_one_that_branches_in_python() -> None:
    random = np.random.default_rng(0)
    report = derive(lambda x: x * float(random.random()) if x > 0 else x, cost="none")(1.0)
    assert report.verdict == "out of reach"
    assert "another value each time" in report.check.summary
