"""Choices that depend on the data are told with their outcome, where it holds, and how near its boundary is."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from jaxdiff_magic.findings import frozen
from jaxdiff_magic.report import Finding

from .scenes import scene_of


def found(f: Any, *args: Any) -> list[Finding]:
    return frozen.find(scene_of(f, *args))


def branching(x: jax.Array) -> jax.Array:
    return lax.cond(x[0] > 1.0, lambda x: x[0] ** 2, lambda x: x[1], x)


def test_a_conditional_is_told_with_its_inequality() -> None:
    (finding,) = found(branching, jnp.array([1.5, 2.0]))
    assert finding.severity == "info"
    assert finding.where == f"test_frozen.py, line {branching.__code__.co_firstlineno + 1}"
    assert finding.message == (
        "cond in `return lax.cond(x[0] > 1.0, lambda x: x[0] ** 2, lambda x: x[1], x)` depends on the inputs: "
        "the branch for true is taken. The derivative is that of this choice; it holds while x[0] > 1 (x[0] = 1.5), "
        "a relative distance of 0.33 from the boundary."
    )


def test_the_other_branch_has_the_opposite_inequality() -> None:
    (finding,) = found(branching, jnp.array([0.5, 2.0]))
    assert "the branch for false is taken" in finding.message
    assert "while x[0] <= 1 (x[0] = 0.5)" in finding.message


@pytest.mark.parametrize(("x", "severity"), [(1.0005, "warning"), (1.005, "info")])
def test_a_tie_within_a_thousandth_is_a_warning(x: float, severity: str) -> None:
    (finding,) = found(branching, jnp.array([x, 2.0]))
    assert finding.severity == severity


def test_a_while_loop_is_told_with_its_steps() -> None:
    def root(x: jax.Array) -> jax.Array:
        return lax.while_loop(lambda s: jnp.abs(s * s - x) > 1e-2, lambda s: 0.5 * (s + x / s), x)

    (finding,) = found(root, 2.0)
    assert "loop in" in finding.message
    assert "it takes 2 steps" in finding.message
    assert "it holds while 3 comparisons stay as they are" in finding.message


def test_a_switch_by_a_number_is_told_with_its_branch() -> None:
    (finding,) = found(lambda x: lax.switch(jnp.int32(x), [jnp.sin, jnp.cos, jnp.exp], x), 1.5)
    assert "branch 1 of 3 is taken" in finding.message


def test_where_is_told_with_its_nearest_element() -> None:
    (finding,) = found(lambda x: jnp.sum(jnp.where(x > 0, x**2, x)), jnp.array([1.0, 2.0, -0.25]))
    assert "the condition is true for 2 of 3 elements" in finding.message
    assert "The nearest is x[2] <= 0 (x[2] = -0.25), a relative distance of 0.12 from the boundary." in finding.message


def test_the_order_of_a_sort_is_told_with_its_nearest_pair() -> None:
    (finding,) = found(lambda x: jnp.sum(jnp.sort(x) * jnp.arange(3.0)), jnp.array([2.0, 1.0, 1.0001]))
    assert finding.severity == "warning"
    assert "The nearest is x[1] < x[2] (1, 1.0001), a relative distance of 5e-05" in finding.message


def test_an_argmax_is_told_with_its_winner() -> None:
    (finding,) = found(lambda x: x[jnp.argmax(x)] ** 2, jnp.array([1.0, 4.0, 2.0]))
    assert "it picks x[1]" in finding.message
    assert "while x[1] > x[2] (4, 2), a relative distance of 0.5" in finding.message


def test_the_choices_of_a_loop_are_one_finding() -> None:
    def walk(x: jax.Array) -> jax.Array:
        return lax.scan(lambda c, k: (jnp.where(c > 0.5 * k, 0.9 * c, c + x[1]), None), x[0], jnp.arange(4.0))[0]

    (finding,) = found(walk, jnp.array([1.7, 0.3]))
    assert "first the condition is true, and in the end the condition is false" in finding.message
    assert "4 comparisons" in finding.message


def test_a_number_that_is_compared_with_a_whole_array_is_told_for_its_nearest_element() -> None:
    a = jnp.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
    finding = next(f for f in found(lambda a: jnp.sum(jnp.linalg.pinv(a) ** 2), a) if f.message.startswith("where"))
    least, most = jnp.linalg.svd(a, compute_uv=False)[::-1]
    assert "the condition is true for 2 of 2 elements" in finding.message
    assert f"The nearest is {least:.3f}" in finding.message
    assert float(least / most) == pytest.approx(0.036, abs=6e-4)
    assert "a relative distance of 0.036 from the boundary" in finding.message


@pytest.mark.parametrize(
    "f",
    [
        jax.nn.logsumexp,
        lambda x: jnp.sum(jax.nn.softplus(x) + jnp.abs(x) + jnp.maximum(x, 0.3)),
        lambda x: lax.fori_loop(0, 4, lambda i, c: c * x[i], 1.0),
        lambda x: jnp.sum(jnp.where(jnp.arange(3) > 0, x, x**2)),
        lambda x: jnp.std(x),
    ],
    ids=["logsumexp", "kinks", "a counted loop", "a fixed mask", "std"],
)
def test_nothing_is_said_of_choices_that_the_inputs_do_not_make(f: Any) -> None:
    assert found(f, jnp.array([1.0, 4.0, 2.0])) == []
