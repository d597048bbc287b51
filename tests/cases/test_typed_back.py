"""Whatever is printed as a formula can be given back as `mine=` and is graded right, and so is what people type."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.grading import grades_of
from jaxdiff_magic.engines.jax.values import derivatives_of
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.engines.symbolic.presentation import Presentation
from jaxdiff_magic.notebook.typed_options import OPTIONS
from jaxdiff_magic.report import Check
from jaxdiff_magic.report.grade import Grade
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

RNG = np.random.default_rng(0)
X, A, B, W, Q = (jnp.array(RNG.normal(size=s), jnp.float32) for s in ((5, 3), (3, 3), (3, 3), (4, 3), (3, 3)))
S = Q @ Q.T + jnp.eye(3)
x, a, w, b, y = (jnp.array(RNG.normal(size=s), jnp.float32) for s in (3, 3, 3, 4, 5))
labels = (y > 0).astype(float)


def cubic(x):
    return x[0] ** 2 * x[1] + x[1] ** 3


def quadratic(x):
    return x @ A @ x


def mse(w):
    return jnp.sum((X @ w - y) ** 2) / 2


def ridge(w, lambda_):
    return jnp.sum((y - X @ w) ** 2) / 10 + lambda_ / 2 * jnp.sum(w**2)


def logistic(w):
    s = jax.nn.sigmoid(X @ w)
    return -jnp.mean(labels * jnp.log(s) + (1 - labels) * jnp.log(1 - s))


def softmax(z):
    return jax.nn.softmax(z)


def standardised(x):
    return (x - jnp.mean(x)) / jnp.sqrt(jnp.var(x) + 1e-2)


def bilinear(a, M, c):
    return a @ M @ c


def logdet(M):
    return jnp.linalg.slogdet(M)[1]


def solved(M):
    return x @ jnp.linalg.inv(M) @ x


def layer(x):
    return jnp.tanh(W @ x)


def rectified(W):
    return jnp.sum(jax.nn.relu(W @ x + b))


def frobenius(U):
    return jnp.sum((U @ B - A) ** 2)


def norm(x):
    return jnp.linalg.norm(x)


def wave(x):
    return jnp.sin(x) * jnp.exp(-(x**2) / 2) + jnp.sqrt(x) + jnp.maximum(x, 0.1)


def two(x, y):
    return jnp.array([x**3 + 2 * x**2 * y, 4 * x + jnp.log(y)])


def parameters(p):
    return jnp.sum((X @ p["w"] + p["b"] - y) ** 2)


def network(W, b):
    h = jnp.tanh(W @ x + b)
    return jnp.sum(h**2)


def squares(x):
    return jnp.sum(x**2)


POINTS: dict[Callable[..., Any], tuple[Any, ...]] = {
    cubic: (jnp.array([1.0, 2.0]),),
    quadratic: (x,),
    mse: (w,),
    ridge: (w, 0.3),
    logistic: (w,),
    softmax: (x,),
    standardised: (x,),
    bilinear: (b, W, x),
    logdet: (S,),
    solved: (S,),
    layer: (x,),
    rectified: (W,),
    frobenius: (A,),
    norm: (x,),
    wave: (0.7,),
    two: (1.5, 2.0),
    parameters: ({"w": w, "b": jnp.float32(0.3)},),
    network: (W, b),
    squares: (x,),
}
NOTATIONS = ("component", "index", "matrix", "steps")


class Prepared:
    """What grading a function's derivations rests on, made once."""

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.subject = subject_of(f, args, {})
        trace = subject_trace(self.subject)
        names = [leaf.name for leaf in self.subject.inputs], [leaf.name for leaf in self.subject.outputs]
        self.presentation = Presentation(self.subject, Derivation(trace, *names, self.subject.point), "numerator")
        self.rests_on = derivatives_of(self.subject, 1), Reference(trace), None, Check("agrees", (), "")

    def grades(self, mine: Any) -> tuple[Grade, ...]:
        return grades_of(*self.rests_on, mine, layout="numerator", points=2, seed=0, deadline=float("inf"))


prepared = functools.cache(lambda f: Prepared(f, POINTS[f]))


def grades(f: Callable[..., Any], mine: Any, *args: Any) -> list[str]:
    found = (Prepared(f, args) if args else prepared(f)).grades(mine)
    return [grade.outcome if grade.outcome == "right" else f"{grade.of}: {grade.message}" for grade in found]


@pytest.mark.parametrize("f", POINTS, ids=lambda f: f.__name__)
def test_what_is_printed_is_graded_right(f: Callable[..., Any]) -> None:
    first = "gradient" if prepared(f).subject.is_scalar else "jacobian"
    texts: dict[str, str] = {}
    for what in (first, "hessian"):
        for notation in NOTATIONS if what == first else ("component", "matrix"):
            try:
                text = prepared(f).presentation.formula(what, notation).text
            except OutOfReach:
                continue
            if len(text) < 1000:
                texts.setdefault(text, what)
    assert len(texts) > 1
    for text, what in texts.items():
        found = grades(f, {what: text})
        assert found, text
        assert set(found) == {"right"}, text


@pytest.mark.parametrize(
    ("f", "mine"),
    [
        (cubic, "[2x₀x₁, x₀² + 3x₁²]"),
        (cubic, "[2·x0·x1, x0^2 + 3 x1^2]"),
        (cubic, "∇f = [2*x[0]*x[1], x[0]**2 + 3*x[1]**2]"),
        (cubic, "(x₀² + 3x₁²) e₁ + 2x₀x₁ e₀"),
        (quadratic, "(A + Aᵀ) x"),
        (quadratic, "(A + A') x"),
        (quadratic, "Ax + A^T x"),
        (quadratic, "df/dx[k] = Σⱼ Aₖⱼ xⱼ + Σᵢ xᵢ Aᵢₖ"),
        (mse, "Xᵀ (X w - y)"),
        (mse, "X'(Xw − y)"),
        (mse, "∂mse/∂w = Xᵀ r, where r = X w - y"),
        (ridge, {"w": "-1/5 Xᵀ(y - X w) + λ w", "lambda_": "1/2 ‖w‖²"}),
        (ridge, {"w": "(1/5) X'(X w - y) + lam w", "lambda_": "½ wᵀw"}),
        (logistic, "(1/5) Xᵀ(σ(X w) - labels)"),
        (softmax, "diag(s) - s sᵀ, where s = softmax(z)"),
        (softmax, "diag(softmax(z)) - outer(softmax(z), softmax(z))"),
        (logdet, "M⁻ᵀ"),
        (logdet, "(M⁻¹)ᵀ"),
        (solved, "-M⁻ᵀ x xᵀ M⁻ᵀ"),
        (layer, "diag(1 - tanh(W x)²) W"),
        (rectified, "[W x + b > 0] xᵀ"),
        (frobenius, "2 (U B - A) Bᵀ"),
        (norm, "x/‖x‖"),
        (norm, "x / √(xᵀ x)"),
        (squares, "2 x ⊙ 𝟏"),
        (
            network,
            {"W": "2 (h ⊙ (1 - h²)) xᵀ, where h = tanh(W x + b)", "b": "2 h ⊙ (𝟏 - h²), where h = tanh(W x + b)"},
        ),
    ],
)
def test_what_people_type_is_graded_right(f: Callable[..., Any], mine: Any) -> None:
    assert set(grades(f, mine)) == {"right"}


@pytest.mark.parametrize(
    ("f", "mine"),
    [
        (cubic, "[2x₀x₁, x₀² + 3x₀²]"),
        (cubic, "[2x₁x₂, x₀² + 3x₁²]"),
        (quadratic, "2 A x"),
        (quadratic, "df/dx[k] = Σⱼ Aₖⱼ xⱼ"),
        (mse, "X (X w - y)"),
        (mse, "Xᵀ r, where r = y - X w"),
        (ridge, {"w": "-(1/5) Xᵀ(y - X w) + w/λ"}),
        (softmax, "diag(s) + s sᵀ, where s = softmax(z)"),
        (logdet, "M⁻¹ M⁻¹"),
        (norm, "x/‖x‖²"),
        (rectified, "[W x + b < 0] xᵀ"),
        (squares, "2"),
        (squares, "2 unknown"),
        (squares, "2 x ⟨⟩"),
        (squares, "((((2 x"),
        (squares, "(" * 5000 + "x" + ")" * 5000),
    ],
)
def test_what_is_wrong_in_that_notation_is_graded_wrong(f: Callable[..., Any], mine: Any) -> None:
    assert "right" not in grades(f, mine)


def test_greek_names_and_names_with_marks_are_the_reader_s_own() -> None:
    def f(x_hat, theta):
        return theta * jnp.sum(x_hat**2)

    assert grades(f, {"x_hat": "2 θ x̂", "theta": "‖x̂‖²"}, x, 0.5) == ["right", "right"]

    def g(w1, lam):
        return lam * jnp.sum(w1**3)

    assert grades(g, {"w1": "3 λ w₁²", "lam": "𝟏ᵀ w₁³"}, x, 0.5) == ["right", "right"]

    def h(x, Σ):
        return x @ Σ @ x

    assert grades(h, {"x": "(Σ + Σᵀ) x", "Σ": "x xᵀ"}, x, A) == ["right", "right"]


def test_a_second_derivative_is_known_by_its_left_side_its_name_or_its_shape() -> None:
    hessian = "[[2x₁, 2x₀], [2x₀, 6x₁]]"
    for mine in ({"hessian": hessian}, hessian, f"∇²f = {hessian}", f"d2f/dx dx = {hessian}"):
        (grade,) = derive(cubic, mine=mine, cost="none", symbolic=False, points=2)(*POINTS[cubic]).mine
        assert (grade.outcome, grade.of) == ("right", "∂²cubic/∂x∂x")
    (grade,) = derive(cubic, mine={"hessian": "[[2x₁, 2x₀], [2x₀, 3x₁]]"}, cost="none", points=2)(*POINTS[cubic]).mine
    assert grade.outcome == "wrong"
    (grade,) = derive(wave, mine={"hessian": "jnp.cos(x)"}, cost="none", points=2)(0.7).mine
    assert grade.outcome == "wrong"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("(A + Aᵀ) x", "(A + Aᵀ) x"),
        ("hessian: A + Aᵀ", {"hessian": "A + Aᵀ"}),
        ("w: Xᵀ(X w - y), b: 1", {"w": "Xᵀ(X w - y)", "b": "1"}),
        ("diag(s) - s sᵀ, where s = softmax(z)", "diag(s) - s sᵀ, where s = softmax(z)"),
        ("df/dx[j] = Sum(A[j, k]*x[k], (k, 0, 2))", "df/dx[j] = Sum(A[j, k]*x[k], (k, 0, 2))"),
    ],
)
def test_the_option_of_the_magic_leaves_the_notation_as_it_was_typed(text: str, read: Any) -> None:
    assert OPTIONS["mine"].read(text) == read
