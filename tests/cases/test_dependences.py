"""What a function never reads is proved by a pass over the dependences of its program, or not said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.engines.reference.dependences import reaching
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace


def companion(p: jax.Array) -> jax.Array:
    m = jnp.array([[0.0, 1.0], [0.0, 0.0]]).at[1, 0].set(-p[0]).at[1, 1].set(-p[1])
    return jnp.sum(jnp.abs(jnp.linalg.eigvals(m)) ** 2)


def turned(x: jax.Array) -> jax.Array:
    return jax.lax.while_loop(lambda v: v[0] < x[2], lambda v: (v[0] + 1, v[1] * x[1]), (0.0, x[0]))[1]


def either(x: jax.Array) -> jax.Array:
    return jax.lax.cond(x[0] > 0, lambda: x[1], lambda: x[2])


@jax.custom_jvp
def product(a: jax.Array, b: jax.Array) -> jax.Array:
    return a * b


product.defjvp(lambda p, t: (product(*p), t[0] * p[1] + t[1] * p[0]))

READ: dict[str, tuple[Callable[..., Any], list[float], list[int]]] = {
    "a root at 0": (lambda x: jnp.sqrt(x[0]) * x[2], [0, 1, 2, 3], [0, 2]),
    "eigenvalues of what is written into an array": (companion, [1, 3], [0, 1]),
    "written over": (lambda x: jnp.zeros(3).at[0].set(x[0]).at[0].set(x[1])[0], [1, 2, 3], [1]),
    "written beside": (lambda x: jnp.zeros(3).at[0].set(x[0]).at[1].add(x[1]).sum(), [1, 2, 3], [0, 1]),
    "known positions": (lambda x: x[jnp.array([0, 2])].sum(), [1, 2, 3, 4], [0, 2]),
    "computed positions": (lambda x: x[x[0].astype(int)], [1, 2, 3], [0, 1, 2]),
    "a loop": (lambda x: jax.lax.fori_loop(0, 300, lambda i, v: v * x[1], x[0]), [1, 1, 3], [0, 1]),
    "the test of a loop": (turned, [1, 2, 3, 4], [0, 1, 2]),
    "branches": (either, [1, 1, 0, 1], [0, 1, 2]),
    "rows of a scan": (lambda x: jax.lax.scan(lambda c, a: (c + a, c), 0.0, x)[1][1], [1, 2, 3], [0]),
    "a rule of its own": (lambda x: product(x[0], x[2]), [1, 2, 3], [0, 2]),
    "a jitted call": (lambda x: jax.jit(lambda y: y[1] ** 2)(x), [1, 2, 3], [1]),
    "multiplied by 0": (lambda x: 0 * x[0] + x[1], [1, 2], [0, 1]),
    "strides": (lambda x: x[::2].sum() + jnp.roll(x, 1)[0], [1, 2, 3, 4, 5], [0, 2, 4]),
}


def reached(f: Callable[..., Any], x: list[float], *, slopes: bool = False) -> list[int]:
    subject = subject_of(f, (jnp.array(x, float),), {})
    found = reaching(subject_trace(subject), np.eye(subject.size, dtype=bool), slopes=slopes)
    assert found is not None
    return np.flatnonzero(found).tolist()


@pytest.mark.parametrize("name", READ)
def test_every_input_that_is_read_is_found(name: str) -> None:
    f, x, read = READ[name]
    assert reached(f, x) == read


@pytest.mark.parametrize(
    ("f", "x", "sloping"),
    [
        (lambda x: jnp.sign(x[0]) * x[1] + jnp.floor(x[2]), [1, 2, 3], [1]),
        (lambda x: jnp.where(x[0] > 0, x[1], 0.0) + jax.lax.stop_gradient(x[2]), [1, 2, 3], [1]),
        (lambda x: jnp.sum(x * jnp.arange(3.0)), [1, 2, 3], [1, 2]),
        (turned, [1, 2, 3, 4], [0, 1]),
    ],
    ids=["rounding", "conditions", "a factor of 0", "the test of a loop"],
)
def test_what_has_no_slope_anywhere_is_told_from_what_has_none_here(
    f: Callable[..., Any], x: list[float], sloping: list[int]
) -> None:
    assert reached(f, x, slopes=True) == sloping


@pytest.mark.parametrize(
    ("f", "x", "unread"),
    [
        (lambda x: jnp.sqrt(x[0]) * x[2], [0.0, 1.0, 2.0, 3.0], ["x[1]", "x[3]"]),
        (companion, [1.0, 3.0], []),
        (lambda x: x[0] * x[2] ** 2, [1.0, 1.0, 0.0], []),
    ],
    ids=["a root at 0", "written into an array", "a factor that is 0 here"],
)
def test_never_reads_is_said_of_what_is_never_read(f: Callable[..., Any], x: list[float], unread: list[str]) -> None:
    report = derive(f, order=1, cost="none", budget=60.0, points=4)(jnp.array(x))
    said = " ".join(finding.message for finding in report.findings if "never reads" in finding.message)
    assert [name for name in (f"x[{k}]" for k in range(len(x))) if f"{name} " in said] == unread
    assert ("never reads" in said) == bool(unread)


def test_eigenvalues_of_what_is_written_into_an_array_depend_on_it() -> None:
    report = derive(companion, order=1, cost="none", budget=60.0, points=4)(jnp.array([1.0, 3.0]))
    np.testing.assert_allclose([entry.symbolic for entry in report.check.entries], (-2, 6), rtol=1e-9)
    assert report.verdict == "agrees"
