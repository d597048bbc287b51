"""Function values do not show what `stop_gradient` froze: where nothing else is known, they accuse nobody."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.lax import stop_gradient as held

from jaxdiff_magic import derive


def frozen_factor(x: Any) -> Any:
    return x * held(x) if x > 0 else -x


def plain(x: Any) -> Any:
    return x * x if x > 0 else -x


@jax.jit
def compiled(x: Any) -> Any:
    return x * held(x)


class Layer:
    def __init__(self, inner: Callable[[Any], Any]) -> None:
        self.inner = inner

    def __call__(self, x: Any) -> Any:
        return self.inner(x)


def scaled(x: Any, by: Callable[[Any], Any]) -> Any:
    return 2.0 * by(x)


@jax.custom_jvp
def opaque(x: Any) -> Any:
    return jax.pure_callback(np.sin, jax.ShapeDtypeStruct(x.shape, x.dtype), x)


opaque.defjvp(lambda primals, tangents: (opaque(primals[0]), jnp.cos(primals[0]) * tangents[0]))


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Frozen:
    """A layer as libraries have it: its code is its class's, and the function only gets it."""

    w: Any
    inner: Any = None

    def __call__(self, x: Any) -> Any:
        return jnp.sum(x * held(self.w) * self.w)


HOW_IT_IS_REACHED: dict[str, Callable[[Any], Any]] = {
    "by another name": frozen_factor,
    "by its own name": lambda x: x * jax.lax.stop_gradient(x) if x > 0 else x,
    "through another function": lambda x: frozen_factor(x) + 1.0,
    "through an object": Layer(frozen_factor),
    "through a partial": partial(scaled, by=frozen_factor),
    "compiled": lambda x: compiled(x) if x > 0 else x,
    "beside what has no formula": lambda x: opaque(x) * held(x),
}


@pytest.mark.parametrize("how", HOW_IT_IS_REACHED)
def test_a_frozen_factor_is_not_called_wrong(how: str) -> None:
    report = derive(HOW_IT_IS_REACHED[how], cost="none")(jnp.float32(0.7))
    assert report.verdict == "out of reach"
    assert "stop_gradient" in report.check.summary
    assert not [slope for slope in report.check.taylor if slope.says == "wrong"]


def test_nor_is_it_without_formulas() -> None:
    report = derive(lambda x: x * held(x), symbolic=False, cost="none")(2.0)
    assert report.gradient == 2.0
    assert report.verdict == "out of reach"


def test_a_function_given_as_an_argument_is_looked_into() -> None:
    assert derive(lambda g, x: g(x), wrt=1, cost="none")(frozen_factor, 2.0).verdict == "out of reach"
    assert derive(lambda g, x: g(x), wrt=1, cost="none")(plain, 2.0).verdict == "agrees"


@pytest.mark.parametrize("how", ["plain", "object", "partial"])
def test_functions_that_freeze_nothing_are_still_confirmed(how: str) -> None:
    f = {"plain": plain, "object": Layer(plain), "partial": partial(scaled, by=plain)}[how]
    assert derive(f, cost="none")(2.0).verdict == "agrees"


def test_a_frozen_constant_that_does_not_matter_is_still_confirmed() -> None:
    def shifted(x: Any) -> Any:
        return jnp.log(jnp.sum(jnp.exp(x - held(jnp.max(x))))) + held(jnp.max(x)) if x[0] > 0 else x[1]

    # what is frozen cancels
    assert derive(shifted, order=1, cost="none")(jnp.array([0.3, 0.9])).verdict == "agrees"


def test_a_wrong_rule_behind_a_python_branch_is_still_called_wrong() -> None:
    @jax.custom_jvp
    def square(x: Any) -> Any:
        return x**2

    square.defjvp(lambda primals, tangents: (square(primals[0]), 3.0 * primals[0] * tangents[0]))
    assert derive(lambda x: square(x) if x > 0 else x, cost="none")(2.0).verdict == "differs"


@pytest.mark.parametrize(
    "model",
    [Frozen(jnp.ones(2)), [Frozen(jnp.ones(2))], {"layer": Frozen(jnp.ones(2), Frozen(jnp.ones(2)))}],
    ids=["a layer", "a list of layers", "layers within one another"],
)
def test_code_of_a_model_that_is_an_argument_is_searched_too(model: Any) -> None:
    def loss(model: Any, x: Any) -> Any:
        return sum(layer(x) for layer in jax.tree.leaves(model, is_leaf=callable))

    check = derive(loss, symbolic=False, order=1, cost="none", points=4, wrt="model")(
        model, jnp.array([1.0, 2.0])
    ).check
    assert check.outcome == "out of reach"
    assert "may call stop_gradient" in check.summary
