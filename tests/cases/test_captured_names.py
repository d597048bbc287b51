"""A captured array's name is the array's identity, never its numbers; what was read off its numbers is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.subject.source import captured_name

from ..engines.symbolic.latex_formulas import Shown, shown

x = jnp.array([0.3, 0.5, 1.2])
w2, b1 = jnp.ones(3), jnp.zeros(3)
first, second = jnp.ones(3), jnp.ones(3)
left, right = jnp.array([0.0, 0.0, 1.0]), jnp.array([1.0, 1.0, 0.0])
eye, other_eye = jnp.eye(3), jnp.eye(3)
y = jnp.array([1.0, 0.0, 1.0])
narrow = np.ones(3, np.float32)
wide, as_wide = np.full(3, 0.1), np.full(3, 0.1)


class Layer:
    def __init__(self) -> None:
        self.W, self.b, self.c = jnp.eye(3), jnp.zeros(3), jnp.zeros(3)

    def __call__(self, x: Any) -> Any:
        return jnp.sum(jnp.tanh(self.W @ x + self.b) * self.c + x)


NAMES: dict[str, tuple[Callable[..., Any], str]] = {
    "ones and zeros": (lambda x: w2 @ jnp.tanh(x + b1), "w2ᵀ tanh(b1 + x)"),
    "two equal vectors": (lambda x: first @ jnp.sin(x) + second @ jnp.cos(x), "firstᵀ sin(x) + secondᵀ cos(x)"),
    "complements": (lambda x: left @ jnp.sin(x) + right @ jnp.cos(x), "leftᵀ sin(x) + rightᵀ cos(x)"),
    "ones below a bar": (lambda x: jnp.sum(w2 / (2 + x * w2)), "w2ᵀ(𝟏/(2 + w2 ⊙ x))"),
    "ones of the function's own": (lambda x: w2 @ jnp.tanh(x * np.ones(3)), "w2ᵀ tanh(c_1 ⊙ x)"),
    "an array of NumPy's": (lambda x: narrow @ jnp.tanh(x), "narrowᵀ tanh(x)"),
}


def function_of(found: Shown) -> str:
    return found.presentation.formula("function", "matrix").text


def names_in(found: Shown) -> set[str]:
    return {array.name for array, _ in found.derivation.steps.constants}


@pytest.mark.parametrize("name", NAMES)
def test_a_formula_has_the_names_of_the_code(name: str) -> None:
    f, expected = NAMES[name]
    text = function_of(shown(f, [x]))
    assert text.removeprefix("f = ").partition(", where")[0] == expected


def test_two_identities_are_two() -> None:
    assert names_in(shown(lambda x: jnp.sum((eye @ x) * jnp.sin(other_eye @ x)), [x])) == {"eye", "other_eye"}


def test_an_object_that_is_called_has_attributes() -> None:
    found = shown(Layer(), [x])
    assert names_in(found) == {"self.W", "self.b", "self.c"}
    assert r"\mathrm{self}_{W}" in found.presentation.formula("gradient", "auto").latex


def test_of_arrays_that_jax_converted_only_one_of_a_kind_is_named() -> None:
    """In float32, JAX makes other arrays of them, of which nothing but the numbers is left."""
    with jax.enable_x64(False):
        held = np.array([0.25, 0.5, 4.0])
        assert names_in(shown(lambda x: held @ jnp.sin(x), [x])) == {"held"}
        assert names_in(shown(lambda x: wide @ jnp.sin(x) + as_wide @ jnp.cos(x), [x])) == {"c_1", "c_2"}


def test_equal_numbers_of_the_same_kind_name_nothing() -> None:
    assert captured_name([("w2", w2), ("b1", b1)], jnp.ones(3)) == ""
    assert captured_name([("narrow", narrow)], np.ones(3, np.float32)) == ""
    assert captured_name([("w2", w2), ("b1", b1)], b1) == "b1"


def test_what_has_no_name_is_said() -> None:
    def f(p: Any) -> Any:
        data = jnp.array([[0.5, 1.25], [0.75, -1.0]])
        return jnp.sum(jnp.tanh(data @ p) ** 2)

    index = shown(f, [x[:2]]).presentation.formula("gradient", "index")
    assert index.text.endswith(", where c_1 = [[1/2, 5/4], [3/4, -1]]")
    matrix = r"\begin{bmatrix} \frac{1}{2} & \frac{5}{4} \\ \frac{3}{4} & -1 \end{bmatrix}"
    assert index.latex.endswith(rf",\quad \text{{where }} c_{{1}} = {matrix}")
    assert "c_1" not in shown(f, [x[:2]]).presentation.formula("gradient", "component").text


def test_what_was_read_off_the_numbers_is_said() -> None:
    def loss(x: Any) -> Any:
        s = jax.nn.sigmoid(x)
        return -jnp.sum(jnp.log(y * s + (1 - y) * (1 - s)))

    found = shown(loss, [x]).presentation
    for what in ("gradient", "hessian"):
        try:
            text = found.formula(what, "matrix").text
        except OutOfReach:
            continue
        assert "y has only 0 and 1" in text
    assert "y has" not in found.formula("function", "matrix").text


def test_what_holds_for_any_numbers_has_no_condition() -> None:
    def loss(x: Any) -> Any:
        s = jax.nn.sigmoid(x)
        return -jnp.sum(y * jnp.log(s) + (1 - y) * jnp.log(1 - s))

    assert shown(loss, [x]).presentation.formula("gradient", "matrix").text == "dloss/dx = s - y, where s = sigmoid(x)"
