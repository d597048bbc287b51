"""An index outside its array is named, with what JAX did instead of raising (trap S14)."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from jaxdiff_magic import derive
from jaxdiff_magic.findings import positions
from jaxdiff_magic.report import Finding

from .scenes import scene_of

X = jnp.array([1.0, 2.0, 3.0])
TABLE = jnp.arange(6.0).reshape(2, 3)


def outside(f: Any, *args: Any) -> list[Finding]:
    return positions.find(scene_of(f, *args))


def test_trap_s14_an_element_past_the_end_is_clamped() -> None:
    def f(x: jax.Array) -> jax.Array:
        return x[5] * 2.0

    assert list(jax.grad(f)(X)) == [0.0, 0.0, 2.0]  # silently
    (finding,) = outside(f, X)
    assert (finding.severity, finding.path) == ("warning", "x[5]")
    assert finding.where == f"test_positions.py, line {f.__code__.co_firstlineno + 1}"
    assert finding.message == (
        "The index 5 in `return x[5] * 2.0` is outside x, which has 3 elements. JAX raises no error: it reads "
        "element 2 instead, and value and derivative are those of that element."
    )


def test_trap_s14_a_negative_index_is_told_as_it_was_written() -> None:
    assert outside(lambda x: x[-1] ** 2, X) == []
    assert outside(lambda x: x[jnp.array([-1, -3])].sum(), X) == []
    assert "The index -5 " in outside(lambda x: x[-5] ** 2, X)[0].message
    assert "The index -4 " in outside(lambda x: x[jnp.array([0, -4])].sum(), X)[0].message


def test_trap_s14_an_array_of_indices_has_two_different_derivatives() -> None:
    f = lambda x: x[jnp.array([1, 7])].sum()  # noqa: E731
    assert list(jax.jacfwd(f)(X)) == [0.0, 1.0, 1.0]
    assert list(jax.grad(f)(X)) == [0.0, 1.0, 0.0]
    report = derive(f, cost="none", points=1)(X)
    assert report.verdict == "differs"
    (finding,) = outside(f, X)
    assert "it reads element 2 instead, but reverse mode drops the read: jax.grad gives it the derivative 0" in (
        finding.message
    )


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x.at[5].set(x[0]).sum(), "it drops the update: x stays as it is"),
        (lambda x: x.at[jnp.array([0, 9])].add(x[:2]).sum(), "The index 9"),
        (lambda x: jnp.take(x, jnp.array([0, 7]))[0], "it puts a filling there"),
        (lambda x: lax.dynamic_slice(x, (2,), (2,)).sum(), "it moves the slice to begin at 1"),
        (lambda x: (TABLE[4] * x).sum(), "The index 4"),
    ],
    ids=["set", "add", "take", "slice", "captured"],
)
def test_what_jax_does_is_told(f: Any, message: str) -> None:
    (finding,) = outside(f, X)
    assert message in finding.message


def test_the_axis_and_its_length_are_named() -> None:
    first, second = outside(lambda table: table[2, 7] ** 2, TABLE)
    assert "The index 2 in" in first.message
    assert "is outside axis 0 of table, which has 2 elements there." in first.message
    assert "is outside axis 1 of table, which has 3 elements there." in second.message


def test_indices_in_a_loop_are_told_once() -> None:
    (finding,) = outside(lambda x: lax.fori_loop(0, 5, lambda i, c: c + x[i], 0.0), X)
    assert "The index 3 " in finding.message
    assert "which has 3 elements, and so is 4." in finding.message


def test_nothing_is_said_of_indices_inside() -> None:
    assert outside(lambda x: x[2] + x[jnp.array([0, 2])].sum() + x.at[0].set(3.0)[1], X) == []
    assert outside(lambda x: lax.scan(lambda c, k: (c + x[k], None), 0.0, jnp.arange(3))[0], X) == []
