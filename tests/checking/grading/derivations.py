"""Functions of the lessons with their derivatives as people write them, right and in different ways."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.checking.grading import grades_of
from jaxdiff_magic.engines.jax.values import derivatives_of
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.report import Check
from jaxdiff_magic.report.grade import Grade
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

rng = np.random.default_rng(5)


def normal(*shape: int) -> jax.Array:
    return jnp.asarray(rng.normal(size=shape))


n, lam = 20, 0.1
X, y, labels = normal(20, 3), normal(20), jnp.asarray((rng.normal(size=20) > 0) * 1.0)
A, B, T, g, t = normal(3, 3), normal(4, 3), normal(4, 5), normal(4), jnp.array([0.0, 1.0, 0.0])
a = normal(3)


def least_squares(w):
    return jnp.sum((X @ w - y) ** 2) / 2


def mse(w):
    return jnp.mean((X @ w - y) ** 2)


def ridge(w):
    return jnp.sum((X @ w - y) ** 2) / 2 + lam / 2 * jnp.sum(w**2)


def logistic(w):
    s = jax.nn.sigmoid(X @ w)
    return -jnp.mean(labels * jnp.log(s) + (1 - labels) * jnp.log(1 - s))


def quadratic(x):
    return x @ A @ x


def softmax(x):
    return jax.nn.softmax(x)


def log_sum_exp(x):
    return jax.nn.logsumexp(x)


def norm(x):
    return jnp.sqrt(x @ x)


def layer(W):
    return g @ jnp.tanh(W @ a)


def cubic(x):
    return x[0] ** 2 * x[1] + x[1] ** 3


def wave(x):
    return jnp.sin(x**2) * x


def trace_form(M):
    return jnp.trace(M.T @ A @ M)


def log_det(M):
    return jnp.linalg.slogdet(M)[1]


def linear(x):
    return B @ x


def activations(x):
    return jnp.tanh(B @ x)


def cross_entropy(z):
    return -jnp.sum(t * jax.nn.log_softmax(z))


def factorisation(U, V):
    return jnp.sum((U @ V.T - T) ** 2)


def likelihood(mu, s):
    return jnp.sum((y - mu) ** 2) / (2 * s**2) + n * jnp.log(s)


def rectified(x):
    return jnp.sum(jax.nn.relu(B @ x))


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def weighted(x):
    return jnp.sum(a * jnp.exp(x))


def outer_square(x):
    return jnp.outer(x, x)


@dataclass(frozen=True)
class Lesson:
    """A function, a point, and its derivative by the first argument.

    Attributes:
        right: the derivative as its first line of `others` would be; Python text.
        others: the same in different writing.
        without: a text in which a term is missing, and how the term begins or ends.
        elementwise: a text with `*` for `@` or `@` for `*`.
        is_constant: whether the derivative does not depend on the argument.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    right: str
    others: tuple[Any, ...] = ()
    without: tuple[tuple[str, str], ...] = ()
    elementwise: tuple[str, ...] = ()
    is_constant: bool = False
    cache: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def __repr__(self) -> str:
        return self.function.__name__

    @property
    def name(self) -> str:
        return self.function.__code__.co_varnames[0]

    @functools.cached_property
    def derivative(self) -> np.ndarray:
        return np.asarray(jax.jacrev(self.function)(*self.args))


LESSONS = (
    Lesson(
        least_squares,
        (normal(3),),
        "X.T @ (X @ w - y)",
        (
            "X.T @ X @ w - X.T @ y",
            "(X @ w - y) @ X",
            "-X.T @ (y - X @ w)",
            "jnp.einsum('ij,i->j', X, X @ w - y)",
            "jnp.sum(X * (X @ w - y)[:, None], axis=0)",
            lambda w: X.T @ (X @ w - y),
            lambda w: np.asarray(X).T @ np.asarray(X @ w - y),
        ),
        (("X.T @ X @ w", "-Xᵀ y"), ("-X.T @ y", "Xᵀ X w")),
        ("X.T * (X @ w - y)", "X.T @ (X * w - y)"),
    ),
    Lesson(
        mse, (normal(3),), "2 * X.T @ (X @ w - y) / n", ("X.T @ (X @ w - y) / 10", "2 / n * (X.T @ X @ w - X.T @ y)")
    ),
    Lesson(
        ridge,
        (normal(3),),
        "X.T @ (X @ w - y) + lam * w",
        ("X.T @ X @ w + lam * w - X.T @ y", "(X.T @ X + lam * jnp.eye(3)) @ w - X.T @ y"),
        (("X.T @ (X @ w - y)", "0.1 w"), ("lam * w", "Xᵀ(X w - y)"), ("X.T @ X @ w + lam * w", "-Xᵀ y")),
    ),
    Lesson(
        logistic,
        (normal(3),),
        "X.T @ (jax.nn.sigmoid(X @ w) - labels) / n",
        (
            "-X.T @ (labels - 1 / (1 + jnp.exp(-X @ w))) / n",
            "jnp.mean((jax.nn.sigmoid(X @ w) - labels)[:, None] * X, 0)",
        ),
    ),
    Lesson(
        quadratic,
        (normal(3),),
        "(A + A.T) @ x",
        ("A @ x + x @ A", "A @ x + A.T @ x"),
        (("A @ x", "Aᵀ x"), ("x @ A", "A x")),
        ("(A + A.T) * x",),
    ),
    Lesson(
        softmax,
        (normal(3),),
        "jnp.diag(jax.nn.softmax(x)) - jnp.outer(jax.nn.softmax(x), jax.nn.softmax(x))",
        ("jax.nn.softmax(x)[:, None] * (jnp.eye(3) - jax.nn.softmax(x))",),
        (("jnp.diag(jax.nn.softmax(x))", "-s sᵀ"),),
    ),
    Lesson(log_sum_exp, (normal(3),), "jax.nn.softmax(x)", ("jnp.exp(x) / jnp.exp(x).sum()",)),
    Lesson(norm, (normal(3),), "x / jnp.linalg.norm(x)", ("x / jnp.sqrt(jnp.sum(x**2))", "x * (x @ x) ** -0.5")),
    Lesson(
        layer,
        (normal(4, 3),),
        "jnp.outer(g * (1 - jnp.tanh(W @ a) ** 2), a)",
        ("(g * (1 - jnp.tanh(W @ a) ** 2))[:, None] * a", "jnp.outer(g / jnp.cosh(W @ a) ** 2, a)"),
    ),
    Lesson(
        cubic,
        (normal(2),),
        "jnp.array([2 * x[0] * x[1], x[0] ** 2 + 3 * x[1] ** 2])",
        ("[2*x0*x1, x0**2 + 3*x1**2]", "Matrix([2*x[0]*x[1], x[0]^2 + 3*x[1]^2])", "[2*x_1*x_2, x_1^2 + 3*x_2^2]"),
        (("[2 * x[0] * x[1], x[0] ** 2]", "3*x[1]**2"), ("[2*x0*x1, 3*x1**2]", "x[0]**2")),
    ),
    Lesson(
        wave,
        (0.7,),
        "jnp.sin(x**2) + 2 * x**2 * jnp.cos(x**2)",
        ("sin(x^2) + 2*x^2*cos(x^2)", "diff(sin(x**2)*x, x)"),
        (("jnp.sin(x**2)", "2*x**2*cos(x**2)"), ("2*x**2*cos(x**2)", "sin(x**2)")),
    ),
    Lesson(
        trace_form,
        (normal(3, 2),),
        "(A + A.T) @ M",
        ("A @ M + A.T @ M",),
        (("A @ M", "Aᵀ M"),),
    ),
    Lesson(log_det, (normal(3, 3),), "jnp.linalg.inv(M).T", ("jnp.linalg.inv(M.T)",)),
    Lesson(linear, (normal(3),), "B", ("B * 1.0", "jnp.asarray(B)"), is_constant=True),
    Lesson(
        activations,
        (normal(3),),
        "jnp.diag(1 - jnp.tanh(B @ x) ** 2) @ B",
        ("(1 - jnp.tanh(B @ x) ** 2)[:, None] * B", "B / jnp.cosh(B @ x)[:, None] ** 2"),
        (("B", "diag"),),
    ),
    Lesson(cross_entropy, (normal(3),), "jax.nn.softmax(z) - t", ("jnp.exp(z) / jnp.exp(z).sum() - t",), (("-t", ""),)),
    Lesson(
        factorisation,
        (normal(4, 2), normal(5, 2)),
        "2 * (U @ V.T - T) @ V",
        ("2 * U @ V.T @ V - 2 * T @ V",),
        (("2 * U @ V.T @ V", "T V"),),
    ),
    Lesson(likelihood, (0.3, 1.5), "jnp.sum(mu - y) / s**2", ("-(y - mu).sum() / s**2", "(n * mu - y.sum()) / s**2")),
    Lesson(rectified, (normal(3),), "B.T @ (B @ x > 0)", ("jnp.where(B @ x > 0, 1.0, 0.0) @ B", "(B @ x > 0) @ B")),
    Lesson(
        rosenbrock,
        (normal(2),),
        "jnp.stack([-2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)])",
        ("[2*x0 - 2 - 400*x0*x1 + 400*x0^3, 200*x1 - 200*x0^2]",),
        (
            ("[2*x0 - 2 + 400*x0^3, 200*x1 - 200*x0^2]", "-400*x[0]*x[1]"),
            ("[2*x0 - 2 - 400*x0*x1 + 400*x0^3, 200*x1]", "-200*x[0]**2"),
        ),
    ),
    Lesson(weighted, (normal(3),), "a * jnp.exp(x)", ("jnp.diag(jnp.exp(x)) @ a",), (), ("a @ jnp.exp(x)",)),
    Lesson(
        outer_square,
        (normal(3),),
        "jnp.eye(3)[:, None, :] * x[:, None] + x[:, None, None] * jnp.eye(3)",
        ("jnp.einsum('ik,j->ijk', jnp.eye(3), x) + jnp.einsum('i,jk->ijk', x, jnp.eye(3))",),
    ),
)


def graded(lesson: Lesson, mine: Any, layout: str = "numerator", points: int = 8) -> Grade:
    """The grade alone: what it rests on is prepared once for each function and precision."""
    key = str(jax.config.read("jax_enable_x64"))
    if key not in lesson.cache:
        subject = subject_of(lesson.function, lesson.args, {}, lesson.name)
        trace = subject_trace(subject)
        names = [leaf.name for leaf in subject.inputs], [leaf.name for leaf in subject.outputs]
        lesson.cache[key] = derivatives_of(subject, 1), Reference(trace), Derivation(trace, *names, subject.point)
    (grade,) = grades_of(
        *lesson.cache[key],
        Check("agrees", (), ""),
        mine,
        layout=layout,  # type: ignore[arg-type]
        points=points,
        seed=0,
        deadline=float("inf"),
    )
    return grade
