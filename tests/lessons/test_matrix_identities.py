"""The matrix identities of the lessons, at any size: what a matrix cookbook states, derived from the code."""

import numpy as np
import pytest

from .conftest import Lesson

SIZES = [3, 300]


def arrays(n: int) -> str:
    """A cell that defines vectors and matrices."""
    return f"""
import numpy as np
rng = np.random.default_rng(0)
a, b, x = (jnp.array(rng.normal(size={n})) for _ in range(3))
A, B, X = (jnp.array(rng.normal(size=({n}, {n}))) for _ in range(3))
"""


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize(
    ("call", "by", "identity", "latex", "large"),
    [
        ("lambda x: a @ x", "x", "a", "a", 300),
        ("lambda x: x @ x", "x", "2 x", "2 x", 300),
        ("lambda x: x @ A @ x", "x", "(A + Aᵀ) x", r"(A + A^{\top}) x", 300),
        ("lambda X: a @ X @ b", "X", "a bᵀ", r"a b^{\top}", 300),
        # checking the rule of a trace takes all entries by all entries
        ("lambda A: jnp.trace(A @ B)", "A", "Bᵀ", r"B^{\top}", 300),
    ],
    ids=["a'x", "x'x", "x'Ax", "a'Xb", "tr(AB)"],
)
def test_an_identity_of_the_matrix_cookbook(lesson: Lesson, size, call, by, identity, latex, large):
    lesson.cell(arrays(3 if size == "small" else large))
    report = lesson.derive(f"%%derive --order 1\nf = {call}\nf({by})")
    (block,) = report.blocks
    assert report.formula("gradient", "matrix").text == f"df/d{by} = {identity}"
    assert report.formula("gradient").text == f"df/d{by} = {identity}"
    assert report.formula("gradient").latex == rf"\frac{{\partial f}}{{\partial {by}}} = {latex}"
    assert block.closed_form.text == f"df/d{by} = {identity}"
    assert f"df/d{by} = {identity}" in str(report)


@pytest.mark.parametrize(
    ("call", "by", "expected"),
    [
        ("lambda x: a @ x", "x", lambda a, b, x, A, B: a),
        ("lambda x: x @ x", "x", lambda a, b, x, A, B: 2 * x),
        ("lambda x: x @ A @ x", "x", lambda a, b, x, A, B: (A + A.T) @ x),
        ("lambda X: a @ X @ b", "X", lambda a, b, x, A, B: np.outer(a, b)),
        ("lambda A: jnp.trace(A @ B)", "A", lambda a, b, x, A, B: B.T),
    ],
)
def test_an_identity_gives_the_numbers_of_autodiff(lesson: Lesson, call, by, expected):
    lesson.cell(arrays(3))
    report = lesson.derive(f"%%derive --order 1\nf = {call}\nf({by})")
    known = {name: np.asarray(lesson.shell.user_ns[name], float) for name in "abxAB"}
    lesson.assert_close(report.gradient, expected(**known))


@pytest.mark.parametrize("n", SIZES)
def test_second_derivatives_by_vectors_are_matrices(lesson: Lesson, n):
    lesson.cell(arrays(n))
    report = lesson.derive("%%derive\ndef f(x):\n    return x @ A @ x\n\nf(x)")
    assert report.formula("function").text == "f = xᵀ A x"
    assert report.formula("hessian").text == "d2f/dx dx = A + Aᵀ"


def test_a_quadratic_form_with_the_numbers_of_the_lesson(lesson: Lesson):
    report = lesson.derive("""%%derive
A = jnp.array([[2.0, 1.0], [1.0, 3.0]])

def f(x):
    return x @ A @ x

f(jnp.array([1.0, 2.0]))
""")
    assert report.value == 18
    lesson.assert_close(report.gradient, [8, 14])
    assert report.formula("gradient").text == "df/dx = (A + Aᵀ) x"


def test_all_blocks_of_a_bilinear_form_are_named(lesson: Lesson):
    lesson.cell(arrays(3))
    report = lesson.derive("%%derive\ndef f(a, X, b):\n    return a @ X @ b\n\nf(a, X, b)")
    assert report.formula("gradient").text.splitlines() == [
        "a: df/da = X b",
        "X: df/dX = a bᵀ",
        "b: df/db = Xᵀ a",
    ]
    assert report.formula("hessian").text.splitlines()[:3] == [
        "a, a: d2f/da da = 0",
        "a, X: d2f/da dvec(X) = I ⊗ bᵀ, where vec stacks the rows",
        "a, b: d2f/da db = X",
    ]


def test_the_denominator_layout_is_the_transpose(lesson: Lesson):
    lesson.cell(arrays(3))
    cell = "%%derive --order 1 {}\ndef f(x):\n    return A @ x\n\nf(x)"
    assert lesson.derive(cell.format("")).formula("jacobian").text == "df/dx = A"
    turned = lesson.derive(cell.format("--layout denominator")).formula("jacobian")
    assert turned.text == "(df/dx)ᵀ = Aᵀ"
    assert turned.latex == r"\left(\frac{\partial f}{\partial x}\right)^{\top} = A^{\top}"
