"""Losses and layers of machine learning: the formulas that every course derives by hand, from the code itself."""

import numpy as np
import pytest

from .conftest import Lesson

SIZES = [3, 300]


def regression(n: int, d: int) -> str:
    """A cell with data of n samples and d features."""
    return f"""
import numpy as np
rng = np.random.default_rng(0)
n = {n}
X = jnp.array(rng.normal(size=({n}, {d})))
y = jnp.array(rng.normal(size={n}))
w = jnp.array(rng.normal(size={d}))
labels = jnp.array((rng.normal(size={n}) > 0) * 1.0)
"""


def known(lesson: Lesson, *names: str) -> list[np.ndarray]:
    return [np.asarray(lesson.shell.user_ns[name], float) for name in names]


SIGMOID = "where s = sigmoid(X w)"


@pytest.mark.parametrize(("n", "d"), [(100, 10), (6, 3), (300, 3)])
def test_the_gradient_of_the_mean_squared_error_is_the_transposed_data_times_the_residual(lesson: Lesson, n, d):
    lesson.cell(regression(n, d))
    report = lesson.derive("""%%derive
def mse(w):
    return jnp.sum((y - X @ w)**2) / (2 * n)

mse(w)
""")
    X, y, w = known(lesson, "X", "y", "w")
    np.testing.assert_allclose(report.gradient, -X.T @ (y - X @ w) / n, rtol=1e-4, atol=1e-5)
    assert report.formula("function").text == f"mse = (1/{2 * n}) ‖y - X w‖²"
    assert report.formula("gradient").text == f"dmse/dw = -(1/{n}) Xᵀ(y - X w)"
    assert report.formula("hessian").text == f"d2mse/dw dw = (1/{n}) Xᵀ X"
    assert report.formula("gradient").latex.endswith(rf"-\frac{{1}}{{{n}}} X^{{\top}}(y - X w)")


def test_the_mean_squared_error_written_with_a_mean_has_the_same_gradient(lesson: Lesson):
    lesson.cell(regression(100, 10))
    report = lesson.derive("%%derive\ndef mse(w):\n    return jnp.mean((X @ w - y)**2) / 2\n\nmse(w)")
    assert report.formula("gradient").text == "dmse/dw = (1/100) Xᵀ(X w - y)"


@pytest.mark.parametrize("n", [6, 100])
def test_the_gradient_of_ridge_regression_leads_to_the_normal_equation(lesson: Lesson, n):
    lesson.cell(regression(n, 3))
    report = lesson.derive("""%%derive --wrt w
def ridge(w, l):
    return jnp.sum((y - X @ w)**2) / (2 * n) + l / 2 * jnp.sum(w**2)

ridge(w, 0.1)
""")
    gradient = report.formula("gradient").text
    assert gradient in (
        f"dridge/dw = -(1/{n}) Xᵀ(y - X w) + l w",
        f"dridge/dw = -(1/{n}) Xᵀ(y - X w) + 0.1 w",
    )
    X, y = known(lesson, "X", "y")
    w = np.linalg.solve(X.T @ X / n + 0.1 * np.eye(3), X.T @ y / n)  # where (X'X/n + l I) w = X'y/n
    lesson.shell.user_ns["solution"] = w
    report = lesson.derive("%derive --wrt w ridge(jnp.asarray(solution), 0.1)")
    np.testing.assert_allclose(report.gradient, 0, atol=1e-6)


@pytest.mark.parametrize("n", SIZES)
def test_the_gradient_of_cross_entropy_by_the_logits_is_softmax_minus_target(lesson: Lesson, n):
    lesson.cell(f"z, y = jnp.linspace(-1.0, 1.0, {n}), jnp.zeros({n}).at[1].set(1.0)")
    report = lesson.derive("""%%derive --order 1
def loss(z):
    s = jnp.exp(z) / jnp.sum(jnp.exp(z))
    return -jnp.sum(y * jnp.log(s))

loss(z)
""")
    z, y = known(lesson, "z", "y")
    s = np.exp(z) / np.exp(z).sum()
    np.testing.assert_allclose(report.gradient, s - y, rtol=1e-4, atol=1e-6)
    assert report.formula("gradient").text == "dloss/dz = s - y, where s = softmax(z), 𝟏ᵀ y = 1"


def test_the_same_with_the_librarys_softmax(lesson: Lesson):
    lesson.cell("z, y = jnp.array([0.5, -1.0, 2.0]), jnp.array([0.0, 1.0, 0.0])")
    for loss in ("-jnp.sum(y * jax.nn.log_softmax(z))", "-jnp.sum(y * jnp.log(jax.nn.softmax(z)))"):
        report = lesson.derive(f"%%derive\ndef loss(z):\n    return {loss}\n\nloss(z)")
        assert report.formula("gradient").text == "dloss/dz = softmax(z) - y, where 𝟏ᵀ y = 1"
        assert report.formula("hessian").text.startswith("d2loss/dz dz = diag(s) - s sᵀ, where s = softmax(z)")


@pytest.mark.parametrize("n", SIZES)
def test_the_gradient_of_logistic_regression_is_the_transposed_data_times_the_error(lesson: Lesson, n):
    lesson.cell(regression(n, 3))
    report = lesson.derive("""%%derive
def loss(w):
    s = jax.nn.sigmoid(X @ w)
    return -jnp.mean(labels * jnp.log(s) + (1 - labels) * jnp.log(1 - s))

loss(w)
""")
    assert report.formula("gradient").text == f"dloss/dw = (1/{n}) Xᵀ(s - labels), {SIGMOID}"
    assert report.formula("hessian").text == f"d2loss/dw dw = (1/{n}) Xᵀ diag(s ⊙ (1 - s)) X, {SIGMOID}"
    assert report.formula("gradient").latex.endswith(r"\quad \text{where } s = \sigma(X w)")


@pytest.mark.parametrize("n", SIZES)
def test_batch_normalisation_has_a_jacobian_of_three_terms(lesson: Lesson, n):
    lesson.cell(f"x = jnp.linspace(-1.0, 2.0, {n})")
    report = lesson.derive("""%%derive --order 1
def normalise(x):
    mu = jnp.mean(x)
    var = jnp.mean((x - mu)**2)
    return (x - mu) / jnp.sqrt(var + 1e-5)

normalise(x)
""")
    (x,) = known(lesson, "x")
    centred, variance = x - x.mean(), x.var() + 1e-5
    expected = (np.eye(n) - 1 / n) / np.sqrt(variance) - np.outer(centred, centred) / n / variance**1.5
    np.testing.assert_allclose(report.jacobian, expected, rtol=1e-3, atol=1e-5)
    assert report.formula("jacobian").text == (
        f"dnormalise/dx = -(1/{n})(x - mu 𝟏)(x - mu 𝟏)ᵀ/(var + 1.0e-5)^(3/2) + (I - (1/{n}) 𝟏 𝟏ᵀ)/sqrt(var + 1.0e-5), "
        f"where mu = (1/{n}) 𝟏ᵀ x, var = (1/{n}) ‖x - mu 𝟏‖²"
    )


@pytest.mark.parametrize("n", SIZES)
def test_a_linear_layer_passes_gradients_on_by_its_transpose(lesson: Lesson, n):
    lesson.cell(f"""
import numpy as np
rng = np.random.default_rng(0)
W, b, x, g = (jnp.array(rng.normal(size=s)) for s in ((2, {n}), 2, {n}, 2))
""")
    report = lesson.derive("""%%derive --order 1
def L(W, b, x):
    z = W @ x + b
    return g @ z

L(W, b, x)
""")
    assert report.formula("gradient").text.splitlines() == ["W: dL/dW = g xᵀ", "b: dL/db = g", "x: dL/dx = Wᵀ g"]


def test_a_layer_of_rectified_units(lesson: Lesson):
    report = lesson.derive("""%%derive --order 1
def f(x, W, b):
    return jnp.sum(jax.nn.relu(W @ x + b))

f(jnp.array([1.0, 2.0]), jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([0.5, -0.5]))
""")
    for ours, expected in zip(report.gradient, ([4, 6], [[1, 2], [1, 2]], [1, 1]), strict=True):
        lesson.assert_close(ours, expected)
    assert report.formula("function").text == "f = 𝟏ᵀ max(0, W x + b)"
    assert report.formula("gradient").text.splitlines() == [
        "x: df/dx = Wᵀ [W x + b > 0]",
        "W: df/dW = [W x + b > 0] xᵀ",
        "b: df/db = [W x + b > 0]",
    ]


@pytest.mark.parametrize("n", SIZES)
def test_a_network_of_two_layers_is_written_with_its_hidden_layer(lesson: Lesson, n):
    lesson.cell(f"""
import numpy as np
rng = np.random.default_rng(0)
W1, b1, W2, b2 = (jnp.array(rng.normal(size=s)) / {n} for s in ((4, {n}), 4, (2, 4), 2))
x, t = jnp.array(rng.normal(size={n})), jnp.ones(2)
""")
    report = lesson.derive("""%%derive --order 1
def loss(W1, b1, W2, b2):
    h = jnp.tanh(W1 @ x + b1)
    return jnp.sum((W2 @ h + b2 - t)**2)

loss(W1, b1, W2, b2)
""")
    layer = ", where h = tanh(W1 x + b1)"
    assert report.formula("gradient").text.splitlines() == [
        f"W1: dloss/dW1 = 2 ((1 - h²) ⊙ W2ᵀ(W2 h + b2 - t)) xᵀ{layer}",
        f"b1: dloss/db1 = 2 (1 - h²) ⊙ W2ᵀ(W2 h + b2 - t){layer}",
        f"W2: dloss/dW2 = 2 (W2 h + b2 - t) hᵀ{layer}",
        f"b2: dloss/db2 = 2 (W2 h + b2 - t){layer}",
    ]


RELU_WITH_A_RULE = """
@jax.custom_vjp
def relu(x):
    return jnp.maximum(x, 0)

def forward(x):
    return relu(x), x

def backward(x, g):
    return (g * ({derivative}),)

relu.defvjp(forward, backward)

def f(x):
    return jnp.sum(relu(x)**2)

f(jnp.array([1.5, -2.0, 0.5]))
"""


def test_a_right_rule_written_by_hand_is_found_right(lesson: Lesson):
    report = lesson.derive("%%derive --order 1" + RELU_WITH_A_RULE.format(derivative="x > 0"))
    lesson.assert_close(report.gradient, [3, 0, 1])


def test_a_wrong_rule_written_by_hand_is_found_wrong_and_named(lesson: Lesson):
    report = lesson.cell("%%derive --order 1" + RELU_WITH_A_RULE.format(derivative="2.0 * (x > 0)"))
    assert report.verdict == "differs"
    wrong = {entry.inputs for entry in report.check.entries if entry.outcome == "differs"}
    assert wrong == {("x[0]",), ("x[2]",)}
