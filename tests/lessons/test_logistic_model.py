"""The lesson on a logistic model: parameters as two arguments or as one dict, and the value with the gradient."""

import numpy as np
import pytest

from .conftest import Lesson

DATA = [[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]]
TARGETS = [True, True, False, True]
WEIGHTS, BIAS = [0.1, -0.2, 0.3], 0.5

MODEL = f"""
X = jnp.array({DATA})
targets = jnp.array({TARGETS})

def predict(W, b):
    return 0.5 * (jnp.tanh((X @ W + b) / 2) + 1)

def loss(W, b):
    p = predict(W, b)
    return -jnp.sum(jnp.log(p * targets + (1 - p) * (1 - targets)))

def loss_of_dict(params):
    return loss(params["W"], params["b"])

W, b = jnp.array({WEIGHTS}), {BIAS}
"""


def expected() -> tuple[float, np.ndarray, float]:
    """The loss and its gradients X'(p - t) and sum(p - t)."""
    X, t = np.array(DATA), np.array(TARGETS)
    p = 1 / (1 + np.exp(-(X @ WEIGHTS + BIAS)))
    return -np.log(np.where(t, p, 1 - p)).sum(), X.T @ (p - t), (p - t).sum()


def test_two_arguments_and_one_dict_give_the_same_value_and_gradients(lesson: Lesson):
    lesson.cell(MODEL)
    apart = lesson.derive("%derive --order 1 loss(W, b)")
    together = lesson.derive("%derive --order 1 loss_of_dict({'W': W, 'b': b})")
    value, by_weights, by_bias = expected()
    for report, gradient in (
        (apart, apart.gradient),
        (together, (together.gradient["W"], together.gradient["b"])),
    ):
        lesson.assert_close(report.value, value)
        lesson.assert_close(gradient[0], by_weights)
        lesson.assert_close(gradient[1], by_bias)
        reference = [entry.symbolic for entry in report.check.entries if entry.what == "gradient"]
        assert reference == pytest.approx([*by_weights, by_bias], rel=1e-5 if lesson.dtype == "float32" else 1e-12)
    alike = together.function.text.partition(" = ")[2].replace("params['W']", "W").replace("params['b']", "b")
    assert sorted(alike) == sorted(apart.function.text.partition(" = ")[2]), "the same but for the order of factors"


def test_value_and_gradient_come_together_as_jax_returns_them(lesson: Lesson):
    lesson.cell(MODEL)
    value, gradient = lesson.cell("jax.value_and_grad(loss, argnums=(0, 1))(W, b)")
    report = lesson.derive("%derive --order 1 loss(W, b)")
    assert isinstance(report.gradient, tuple)
    lesson.assert_close(report.value, value)
    for ours, theirs in zip(report.gradient, gradient, strict=True):
        lesson.assert_close(ours, theirs)
    assert {leaf.name for leaf in report.subject.inputs} == {"W", "b"}
    assert "X W" in report.function.text
    assert "log(1/2 + h ⊙ targets - (1/2) h)" in report.function.text
