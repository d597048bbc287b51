"""log(exp(x) + exp(y)) is a smooth function in whatever form it is computed; the formula shows it, at its seam too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ..engines.symbolic.latex_formulas import shown


def stable(x: Any) -> Any:
    return jnp.maximum(x, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


def in_steps(x: Any) -> Any:
    above = jnp.maximum(0.0, x)
    distance = jnp.abs(x)
    small = jnp.exp(-distance)
    return above + jnp.log1p(small)


def cross_entropy(x: Any) -> Any:
    return jnp.maximum(x, 0.0) - x * 0.25 + jnp.log1p(jnp.exp(-jnp.abs(x)))


def downward(x: Any) -> Any:
    return jnp.minimum(x, 0.0) - jnp.log1p(jnp.exp(-jnp.abs(x)))


LOG2 = float(np.log(2.0))
AT_ZERO: dict[str, tuple[Callable[..., Any], float, float, float]] = {
    # by hand: value, first and second derivative at 0
    "softplus": (jax.nn.softplus, LOG2, 0.5, 0.25),
    "log_sigmoid": (jax.nn.log_sigmoid, -LOG2, 0.5, -0.25),
    "logaddexp": (lambda x: jnp.logaddexp(x, -x), LOG2, 0.0, 1.0),
    "logaddexp of 0": (lambda x: jnp.logaddexp(0.0, x), LOG2, 0.5, 0.25),
    "logaddexp2": (lambda x: jnp.logaddexp2(x, 0.0), 1.0, 0.5, LOG2 / 4),
    "written out": (stable, LOG2, 0.5, 0.25),
    "in steps": (in_steps, LOG2, 0.5, 0.25),
    "a minimum": (downward, -LOG2, 0.5, -0.25),
    "cross-entropy of a logit": (cross_entropy, LOG2, 0.25, 0.25),
    "Optax's": (lambda x: optax.losses.sigmoid_binary_cross_entropy(x, jnp.array(1.0)), LOG2, -0.5, 0.25),
    "log cosh": (lambda x: optax.losses.log_cosh(x, jnp.array(0.0)), 0.0, 0.0, 1.0),
    "inside": (lambda x: jnp.sin(jax.nn.softplus(2 * x) - LOG2), 0.0, 1.0, 1.0),
}


@pytest.mark.parametrize("name", AT_ZERO)
def test_the_formula_is_that_of_the_smooth_function(name: str) -> None:
    f, *expected = AT_ZERO[name]
    with jax.enable_x64(True):
        found = shown(f, [jnp.array(0.0)])
        for order, number in enumerate(expected):
            values, _, tie = found.derivation.evaluate((0,) * (order + 1), [np.zeros(1)])
            assert values[0] == pytest.approx(number, abs=1e-12)
            assert not tie[0]
        for order in range(3):
            text = str(found.presentation.index_form((0,) * (order + 1)))
            assert not any(word in text for word in ("Abs", "sign", "Max", "Min", "[x > 0]")), text


def test_a_logistic_loss_at_the_start_of_every_course() -> None:
    X, y, w = jnp.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.2]]), jnp.array([1.0, -1.0, 1.0]), jnp.zeros(2)
    found = shown(lambda w: jnp.mean(jax.nn.softplus(-y * (X @ w))), [w])
    hessian, _, tie = found.derivation.evaluate((0, 0, 0), [np.zeros((1, 2))])
    np.testing.assert_allclose(
        hessian[0], np.array([[10.25, 2.1], [2.1, 5.04]]) / 12, rtol=1e-6
    )  # X'X / 4n, X in float32
    assert not tie[0]
    assert "sign" not in found.presentation.formula("hessian", "auto").text
    assert found.presentation.formula("gradient", "matrix").text == "df/dw = -(1/3) Xᵀ(y ⊙ sigmoid(-y ⊙ X w))"


@pytest.mark.parametrize(
    "f",
    [
        lambda x: jnp.maximum(x, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(2 * x))),
        lambda x: jnp.maximum(x, 0.0) - jnp.log1p(jnp.exp(-jnp.abs(x))),
        lambda x: jnp.minimum(x, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(x))),
        lambda x: jnp.maximum(x, 0.0) + 2 * jnp.log1p(jnp.exp(-jnp.abs(x))),
        lambda x: jnp.maximum(x, 0.0) + jnp.log1p(jnp.exp(jnp.abs(x))),
    ],
    ids=["another argument", "a difference", "a minimum", "twice", "another sign"],
)
def test_what_only_looks_like_it_keeps_its_kink(f: Callable[..., Any]) -> None:
    with jax.enable_x64(True):
        found = shown(f, [jnp.array(0.0)])
        assert found.derivation.evaluate((0, 0), [np.zeros(1)])[2][0]  # at a tie
        points = np.array([-1.3, 0.8])
        values, _, _ = found.derivation.evaluate((0, 0), [points])
        expected = [float(jax.grad(f)(point)) for point in points]
        np.testing.assert_allclose(values, expected, rtol=1e-12)


def test_far_from_the_seam_it_does_not_overflow() -> None:
    with jax.enable_x64(True):
        found = shown(jax.nn.softplus, [jnp.array(0.0)])
        for order, expected in enumerate(([0.0, 800.0], [0.0, 1.0], [0.0, 0.0])):
            values, _, _ = found.derivation.evaluate((0,) * (order + 1), [np.array([-800.0, 800.0])])
            np.testing.assert_allclose(values, expected, atol=1e-300)
