"""The dtype that a check allows rounding for: the coarsest one that values pass through on their way, and no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic import derive
from jaxdiff_magic.checking.native import dtypes_of
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

VECTOR = np.array([0.5, 1.2, -0.7])
Function = Callable[[Any], Any]


def dtypes(f: Function) -> set[str]:
    with jax.enable_x64(True):
        return {str(dtype) for dtype in dtypes_of(subject_trace(subject_of(f, (jnp.asarray(VECTOR),), {})))}


HARMLESS: dict[str, Function] = {
    "a captured array": lambda x: x * jnp.asarray(VECTOR, "bfloat16").astype(x.dtype),
    "a captured array in a loop": lambda x: lax.scan(
        lambda c, w: (c * w.astype(x.dtype), None), x, jnp.asarray(VECTOR, "float32")
    )[0],
    "a value that nothing reads": lambda x: (jnp.sin(x.astype("float16")), jnp.sin(x))[1],
    "a comparison": lambda x: jnp.where(x.astype("float32") > 0, jnp.sin(x), x),
    "the choice of a branch": lambda x: lax.cond(jnp.sum(x.astype("float16")) > 0, jnp.sin, jnp.cos, x),
    "the end of a loop": lambda x: lax.while_loop(
        lambda s: jnp.sum(s[0].astype("float32")) < 9.0, lambda s: (2.0 * s[0],), (x,)
    )[0],
    "a whole number": lambda x: x * x.astype("float16").astype("int32"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_coarse_dtype_beside_the_way_does_not_count(name: str) -> None:
    assert dtypes(HARMLESS[name]) == {"float64"}


COARSE: dict[str, Function] = {
    "on the way": lambda x: jnp.sin(x.astype("float16")).astype(x.dtype) * x,
    "behind a stop_gradient": lambda x: x * lax.stop_gradient(x.astype("float16")).astype(x.dtype),
    "in a branch": lambda x: lax.cond(x[0] > 0, lambda x: jnp.sin(x.astype("float16")).astype(x.dtype), jnp.sin, x),
    "in a loop": lambda x: lax.scan(lambda c, _: (c.astype("float16").astype(x.dtype), None), x, None, length=2)[0],
    "in a loop of unknown length": lambda x: lax.while_loop(
        lambda s: s[1] < 2, lambda s: (s[0].astype("float16").astype(x.dtype), s[1] + 1), (x, 0)
    )[0],
}


@pytest.mark.parametrize("name", COARSE)
def test_a_coarse_dtype_on_the_way_counts(name: str) -> None:
    assert "float16" in dtypes(COARSE[name])


def off_by(part: float) -> Function:
    g = jax.custom_jvp(lambda x: jnp.sin(x))
    g.defjvp(lambda p, t: (jnp.sin(*p), (1.0 + part) * jnp.cos(p[0]) * t[0]))
    return g


@pytest.mark.parametrize(
    "place", [lambda g, x: g(x), *(lambda g, x, f=f: g(f(x)) for f in (HARMLESS["a comparison"],))]
)
def test_float64_is_checked_to_its_own_accuracy_whatever_is_coarse_beside(place: Callable[..., Any]) -> None:
    with jax.enable_x64(True):
        x = jnp.asarray(VECTOR)
        assert derive(lambda x: place(off_by(1e-8), x), cost="none", points=4)(x).verdict == "differs"
        right = derive(lambda x: place(off_by(0.0), x), cost="none", points=4)(x)
        assert right.verdict in ("proved", "agrees")
        assert max(entry.error for entry in right.check.entries) < 64  # in ulp of float64


def test_a_branch_that_is_not_taken_hides_no_wrong_digits() -> None:
    coarse = lambda x: jnp.where(x < 9.0, x, jnp.sin(x.astype("float16")).astype(x.dtype))  # noqa: E731
    with jax.enable_x64(True):
        assert (
            derive(lambda x: off_by(1e-8)(coarse(x)), cost="none", points=4)(jnp.asarray(VECTOR)).verdict == "differs"
        )
