"""What reverse mode keeps, by line: sizes known by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxdiff_magic.cost import cost_of
from jaxdiff_magic.cost.kept_for_reverse import kept_of
from jaxdiff_magic.subject.subject import subject_of

N, STEPS = 100, 1000
MATRIX = jnp.eye(N)


def loop(x: jax.Array) -> jax.Array:
    y = jnp.tanh(MATRIX @ x)
    z = jax.lax.scan(lambda c, _: (jnp.sin(c), None), y, None, length=STEPS)[0]
    return jnp.sum(z)


def kept(f: Callable[..., Any], *args: Any) -> dict[str, tuple[int, int]]:
    return {row.source: (row.arrays, row.bytes) for row in kept_of(subject_of(f, args, {}))}


def test_a_loop_keeps_something_of_every_iteration() -> None:
    found = list(kept_of(subject_of(loop, (jnp.ones(N),), {})))
    assert found[0].source.startswith("z = jax.lax.scan")
    assert found[0].where.startswith("test_kept_for_reverse.py, line ")
    assert (found[0].arrays, found[0].bytes) == (1, 4 * N * STEPS)  # the cosine of each state
    assert found[0].bytes > 100 * sum(row.bytes for row in found[1:])


def test_under_checkpoint_nothing_is_kept() -> None:
    assert kept_of(subject_of(jax.checkpoint(loop), (jnp.ones(N),), {})) == ()


def test_what_is_linear_keeps_nothing() -> None:
    assert kept(lambda x: MATRIX @ (2 * x), jnp.ones(N)) == {}


def test_arguments_are_not_counted() -> None:
    assert kept(lambda x, y: x * y, jnp.ones(N), jnp.ones(N)) == {}


def test_a_function_without_reverse_mode_keeps_nothing() -> None:
    halved = lambda x: jax.lax.while_loop(lambda y: jnp.max(y) > 1.0, lambda y: y / 2.0, x)  # noqa: E731
    assert kept(halved, jnp.ones(N)) == {}


@pytest.mark.parametrize(("f", "is_told"), [(loop, True), (lambda x: jnp.sum(jnp.sin(x) ** 2), False)])
def test_it_is_told_where_it_is_worth_a_word(f: Callable[..., Any], is_told: bool) -> None:
    subject = subject_of(f, (jnp.ones(N),), {})
    found = cost_of(subject, how="count", feasible={}, deadline=time.monotonic() + 60)
    assert bool(found.kept) is is_told
