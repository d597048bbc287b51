"""stop_gradient: JAX's number is what it asks for; where that is not the derivative of the values, both are told."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from jaxdiff_magic import Report, derive
from jaxdiff_magic.report import Finding

KIND = "stop-gradient"


def report_of(f: Callable[..., Any], *args: Any) -> Report:
    return derive(f, order=1, cost="none", budget=60.0, points=4)(*args)


def found(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind == KIND]


def straight_through(x: jax.Array) -> jax.Array:
    return jnp.sum((x + lax.stop_gradient(jnp.round(x) - x)) ** 2)


def clipped(x: jax.Array) -> jax.Array:
    return jnp.sum(x * lax.stop_gradient(jnp.clip(x, -1.0, 1.0) / x))


def in_a_loop(x: jax.Array) -> jax.Array:
    return lax.fori_loop(0, 3, lambda i, v: v * lax.stop_gradient(v), x)


def in_a_branch_of_python(x: jax.Array) -> jax.Array:
    return x * lax.stop_gradient(x) if x > 0 else x


STOPPED: dict[str, tuple[Callable[..., Any], Any, float, float]] = {
    "a factor": (lambda x: jnp.sum(lax.stop_gradient(x) * x), [1.1], 1.1, 2.2),
    "straight-through rounding": (straight_through, [1.25], 2.0, 0.0),
    "clipping": (clipped, [1.25], 0.8, 0.0),
    "a score-function surrogate": (lambda x: 3 * jnp.exp(x - lax.stop_gradient(x))[0], [0.5], 3.0, 0.0),
    "a target network": (lambda w: (w[0] * 2.0 - (1.0 + 0.5 * lax.stop_gradient(w[0]))) ** 2, [2.0], 8.0, 6.0),
    "a loop": (in_a_loop, 1.0, 1.0, 8.0),
    "a branch of Python": (in_a_branch_of_python, 1.5, 1.5, 3.0),
}
"""The function, its point, JAX's derivative and that of the values, by hand."""


@pytest.mark.parametrize("name", STOPPED)
def test_both_numbers_are_told(name: str) -> None:
    f, x, asked, true = STOPPED[name]
    report = report_of(f, jnp.array(x))
    (finding,) = found(report)
    assert float(jnp.ravel(report.gradient)[0]) == pytest.approx(asked, rel=1e-6)
    said = re.sub("`[^`]*`", "", finding.message)
    numbers = [float(number.rstrip(".")) for number in re.findall(r"(?:is|values) (-?[0-9.e-]+)", said)]
    assert numbers == pytest.approx([asked, true], rel=1e-4, abs=1e-6)
    assert finding.where and report.verdict != "differs"


def test_the_meaning_of_the_numeric_column_is_said() -> None:
    report = report_of(STOPPED["a factor"][0], jnp.array([1.1]))
    assert "what stop_gradient holds is held fixed in every column" in report.check.summary
    assert "numeric column" in found(report)[0].message


@pytest.mark.parametrize(
    "f",
    [
        jax.nn.logsumexp,
        lambda x: jax.nn.softmax(x)[0],
        lambda x: jax.nn.log_softmax(x)[1],
        lambda x: jnp.sum(jax.nn.relu(x) + jax.nn.gelu(x) + jax.nn.standardize(x)),
        lambda x: jnp.log(jnp.sum(jnp.exp(x - lax.stop_gradient(jnp.max(x))))) + lax.stop_gradient(jnp.max(x)),
        lambda x: jnp.sum(x + 0.0 * lax.stop_gradient(x)),
    ],
    ids=["logsumexp", "softmax", "log_softmax", "activations", "a shift by hand", "times 0"],
)
def test_nothing_is_said_where_both_are_the_same(f: Callable[..., Any]) -> None:
    report = report_of(f, jnp.array([1.2, 0.7]))
    assert not found(report) and "stop_gradient" not in report.check.summary
    assert report.verdict in ("proved", "agrees")
