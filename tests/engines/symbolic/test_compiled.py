"""Closed forms as JAX programs: the same numbers as JAX's own derivative, or a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.compiled import closed_form
from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

RNG = np.random.default_rng(0)


def numbers(*shape: int) -> jax.Array:
    return jnp.asarray(RNG.normal(size=shape), jnp.float32)


MATRIX, TARGET = numbers(7, 7), numbers(4, 5)
CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "quadratic form": (lambda x: x @ MATRIX @ x, (numbers(7),)),
    "matrix factorisation": (lambda u, v: jnp.sum((u @ v.T - TARGET) ** 2), (numbers(4, 3), numbers(5, 3))),
    "sum of cubes": (lambda x: jnp.sum(x**3) / 3, (numbers(6),)),
    "least squares": (lambda w: jnp.sum((MATRIX @ w - 1) ** 2), (numbers(7),)),
}


def derivation(f: Callable[..., Any], args: tuple[Any, ...]) -> Derivation:
    subject = subject_of(f, args, {})
    names = [leaf.name for leaf in subject.inputs], [leaf.name for leaf in subject.outputs]
    return Derivation(subject_trace(subject), *names, subject.point)


@pytest.mark.parametrize("name", CASES)
def test_hessians_have_the_numbers_of_jax(name: str) -> None:
    f, args = CASES[name]
    every = tuple(range(len(args)))
    truth = jax.hessian(f, every)(*args)
    derived = derivation(f, args)
    for i in every:
        for j in every:
            found = jax.jit(closed_form(derived, (0, i, j)))(*args)
            assert found.dtype == jnp.float32
            np.testing.assert_allclose(found, truth[i][j], rtol=1e-4, atol=1e-4)


def test_what_is_no_polynomial_is_refused() -> None:
    with pytest.raises(OutOfReach, match="polynomial"):
        closed_form(derivation(lambda x: jnp.sum(jnp.exp(x) * x), (numbers(3),)), (0, 0, 0))
