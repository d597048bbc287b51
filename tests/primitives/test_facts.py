"""Facts about primitives hold of what JAX computes: each that can be tried is tried on random arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic.engines.reference.run import RULES
from jaxdiff_magic.primitives.facts import FACTS, having

X = np.random.default_rng(0).standard_normal((3, 4))
PASSES: dict[str, Callable[[Any], Any]] = {
    "copy": jnp.copy,
    "convert_element_type": lambda x: lax.convert_element_type(x, "float16"),
    "reduce_precision": lambda x: lax.reduce_precision(x, 8, 7),
    "stop_gradient": lax.stop_gradient,
    "reshape": lambda x: jnp.reshape(x, (4, 3)),
    "squeeze": lambda x: lax.squeeze(x[:1], (0,)),
    "expand_dims": lambda x: lax.expand_dims(x, (1,)),
    "broadcast_in_dim": lambda x: lax.broadcast_in_dim(x, (2, 3, 4), (1, 2)),
    "transpose": jnp.transpose,
    "rev": lambda x: lax.rev(x, (1,)),
    "slice": lambda x: lax.slice(x, (1, 0), (3, 2)),
    "concatenate": lambda x: jnp.concatenate([x, x]),
    "split": lambda x: lax.split(x, (1, 3), axis=1)[1],
    "gather": lambda x: x[jnp.array([2, 0])],
    "dynamic_slice": lambda x: lax.dynamic_slice(x, (jnp.array(1), jnp.array(0)), (2, 2)),
}
ONE: dict[str, Callable[[Any], Any]] = {
    **{name: getattr(lax, name) for name in "neg exp exp2 expm1 sin cos sinh cosh tanh asinh atan logistic".split()},
    **{name: getattr(lax, name) for name in "erf erfc square sign floor ceil round abs log1p".split()},
    "reduce_sum": jnp.sum,
    "cumsum": lambda x: lax.cumsum(x, 1),
    "pad": lambda x: jnp.pad(x, 1),
    "sort": lambda x: lax.sort(x, dimension=1),
    "cumprod": lambda x: lax.cumprod(x, 1),
    "cumlogsumexp": lambda x: lax.cumlogsumexp(x, 1),
}


def primitives(f: Callable[[Any], Any]) -> set[str]:
    return {equation.primitive.name for equation in jax.make_jaxpr(f)(X).eqns}


@pytest.mark.parametrize("name", PASSES)
def test_what_moves_or_parts_returns_elements_of_its_operand(name) -> None:
    assert having("passes", "moves", "reindexes", "parts", "level") >= {name}
    if name not in ("copy", "stop_gradient", "reshape", "expand_dims"):  # which JAX may leave out, or name otherwise
        assert name in primitives(PASSES[name])
    found = np.asarray(PASSES[name](X), np.float64)
    rounded = X.astype(np.float16) if name == "convert_element_type" else X
    near = 2.0**-7 if name == "reduce_precision" else 1e-7
    assert all(np.min(np.abs(rounded - value) / np.abs(value)) <= near for value in found.ravel())


@pytest.mark.parametrize("name", sorted(having("jumps", "level") & ONE.keys()))
def test_what_jumps_has_no_slope(name) -> None:
    assert np.all(np.asarray(jax.jvp(ONE[name], (X,), (X,))[1]) == 0)


@pytest.mark.parametrize("name", sorted(having("linear") & ONE.keys() - having("jumps")))
def test_what_is_linear_adds_up(name) -> None:
    f, other = ONE[name], X[::-1] ** 2
    np.testing.assert_allclose(f(2 * X + other), 2 * f(X) + f(other), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", sorted(having("smooth") & ONE.keys()))
def test_what_is_smooth_is_finite_with_its_derivatives_everywhere(name) -> None:
    points = jnp.array([-30.0, -1.0, -1e-20, 0.0, 1e-20, 1.0, 30.0])
    for at in points:
        x = jnp.full((3, 4), at)
        second = jax.jvp(lambda y: jax.jvp(ONE[name], (y,), (jnp.ones_like(y),))[1], (x,), (jnp.ones_like(x),))[1]
        assert np.isfinite(second).all()


@pytest.mark.parametrize("name", sorted(having("saturates") & ONE.keys()))
def test_what_saturates_is_flat_far_from_zero(name) -> None:
    slope = jax.grad(ONE[name])
    assert min(abs(slope(-50.0)) if name != "log1p" else 1.0, abs(slope(1e30) if name != "exp" else 1.0)) < 1e-6


@pytest.mark.parametrize("name", sorted(having("across") & ONE.keys()))
def test_what_goes_across_keeps_the_shape_and_is_not_made_element_by_element(name) -> None:
    jacobian = jax.jacobian(ONE[name])(X).reshape(12, 12)
    assert ONE[name](X).shape == X.shape
    assert name == "sort" or np.count_nonzero(jacobian - np.diag(np.diag(jacobian)))


def test_what_has_facts_has_a_rule_too() -> None:
    without = {"random_gamma", "scatter_add", "scatter_mul", "scatter_min", "scatter_max"}
    assert FACTS.keys() <= RULES.keys() | without
