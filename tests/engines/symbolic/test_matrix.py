"""Matrix notation: the formulas people know, and never one that has other values than the index form."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy as sp
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic import matrix_form as forms
from jaxdiff_magic.engines.symbolic import simplification
from jaxdiff_magic.engines.symbolic.contraction import Contraction
from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.engines.symbolic.matrix import Identity, Kronecker, Matrix, Named, Scaled, Sum, Transpose, Vec
from jaxdiff_magic.engines.symbolic.matrix_algebra import add, diag, product, scaled, transpose
from jaxdiff_magic.engines.symbolic.matrix_form import Arrays, MatrixForm, matrix_form
from jaxdiff_magic.engines.symbolic.matrix_notation import latex, text
from jaxdiff_magic.engines.symbolic.matrix_values import value
from jaxdiff_magic.engines.symbolic.presentation import Presentation
from jaxdiff_magic.engines.symbolic.program import Array, Definition, Program
from jaxdiff_magic.engines.symbolic.shifts import unshifted
from jaxdiff_magic.engines.symbolic.softmax import Softmaxes
from jaxdiff_magic.report import Formula
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace

from .programs import RandomProgram, programs

RNG = np.random.default_rng(0)
N, D, H = 5, 3, 4
X, A, B, W, V = (RNG.normal(size=s) for s in ((N, D), (D, D), (D, D), (H, D), (2, H)))
x, a, w, b, c, t = (RNG.normal(size=s) for s in (D, D, D, H, 2, 2))
y = RNG.normal(size=N)
labels = (y > 0).astype(float)
counts, chosen = np.array([3, 1, 0, 7, 2]), np.array([True, False, True, True, False])
WHOLE_NUMBERS = {"counts": counts, "chosen": chosen}
one_hot = np.eye(D)[1]
targets = np.eye(D)[RNG.integers(0, D, N)]


def presented(f: Callable[..., Any], *args: Any, layout: str = "numerator") -> Presentation:
    """The formulas of a function of float64 arrays."""
    with jax.enable_x64(True):
        subject = subject_of(f, [jnp.asarray(arg, float) for arg in args], {}, None)
        names = [leaf.name for leaf in subject.inputs], [leaf.name for leaf in subject.outputs]
        return Presentation(subject, Derivation(subject_trace(subject), *names), layout)


def formula(f: Callable[..., Any], *args: Any, by: tuple[int, ...], layout: str = "numerator") -> Formula:
    return presented(f, *args, layout=layout).matrix((0, *by))


def right_side(f: Callable[..., Any], *args: Any, by: tuple[int, ...]) -> str:
    return formula(f, *args, by=by).text.partition(" = ")[2]


def mse(w):
    return jnp.sum((y - X @ w) ** 2) / (2 * N)


def ridge(w, l):  # noqa: E741  as the textbooks have it
    return jnp.sum((y - X @ w) ** 2) / (2 * N) + l / 2 * jnp.sum(w**2)


def logistic(w):
    s = jax.nn.sigmoid(X @ w)
    return -jnp.mean(labels * jnp.log(s) + (1 - labels) * jnp.log(1 - s))


def logistic_by_hand(w, y):
    p = 1 / (1 + jnp.exp(-(X @ w)))
    return -jnp.mean(y * jnp.log(p) + (1 - y) * jnp.log(1 - p))


def softmax(z):
    return jnp.exp(z) / jnp.sum(jnp.exp(z))


def cross_entropy(z):
    return -jnp.sum(one_hot * jnp.log(jax.nn.softmax(z)))


def cross_entropy_of_rows(Z):
    return -jnp.mean(jnp.sum(targets * jax.nn.log_softmax(Z), axis=1))


def standardised(x):
    mu = jnp.mean(x)
    var = jnp.var(x)
    return (x - mu) / jnp.sqrt(var + 1e-5)


def network(W, b, V, c):
    h = jnp.tanh(W @ x + b)
    return jnp.sum((V @ h + c - t) ** 2)


def batch_network(W, V):
    H = jnp.tanh(X @ W.T)
    return jnp.sum((H @ V.T) ** 2)


IDENTITIES = [
    (lambda x: a @ x, (x,), (0,), "a"),
    (lambda x: x @ x, (x,), (0,), "2 x"),
    (lambda x: x @ x, (x,), (0, 0), "2 I"),
    (lambda x: x @ A @ x, (x,), (), "xᵀ A x"),
    (lambda x: x @ A @ x, (x,), (0,), "(A + Aᵀ) x"),
    (lambda x: x @ A @ x, (x,), (0, 0), "A + Aᵀ"),
    (lambda x, A: x @ A @ x, (x, A), (1,), "x xᵀ"),
    (lambda a, X, b: a @ X @ b, (a, A, x), (), "aᵀ X b"),
    (lambda a, X, b: a @ X @ b, (a, A, x), (0,), "X b"),
    (lambda a, X, b: a @ X @ b, (a, A, x), (1,), "a bᵀ"),
    (lambda a, X, b: a @ X @ b, (a, A, x), (2,), "Xᵀ a"),
    (lambda A: jnp.trace(A @ B), (A,), (), "tr(A B)"),
    (lambda A: jnp.trace(A @ B), (A,), (0,), "Bᵀ"),
    (lambda A: jnp.trace(A @ B @ A), (A,), (0,), "(A B + B A)ᵀ"),
    (lambda A: jnp.sum(A**2), (A,), (), "‖A‖_F²"),
    (lambda A: jnp.linalg.norm(A), (A,), (0,), "A/‖A‖_F"),
    (lambda x: jnp.linalg.norm(x), (x,), (0,), "x/‖x‖"),
    (lambda x: jnp.linalg.norm(x), (x,), (0, 0), "I/‖x‖ - x xᵀ/‖x‖³"),
    (lambda x: jnp.sum(x**3), (x,), (), "𝟏ᵀ x³"),
    (lambda x: jnp.sum(x**3), (x,), (0,), "3 x²"),
    (lambda x: jnp.sum(x**3), (x,), (0, 0), "6 diag(x)"),
    (lambda x: jnp.log(jnp.sum(jnp.exp(x))), (x,), (0,), "softmax(x)"),
    (jax.nn.logsumexp, (x,), (0,), "softmax(a)"),
    (softmax, (x,), (0,), "diag(s) - s sᵀ, where s = softmax(z)"),
    (jax.nn.softmax, (x,), (0,), "diag(s) - s sᵀ, where s = softmax(x)"),
    (cross_entropy, (x,), (0,), "softmax(z) - one_hot, where 𝟏ᵀ one_hot = 1"),
    (cross_entropy_of_rows, (X,), (0,), "(1/5)(softmax(Z) - targets), where targets 𝟏 = 𝟏"),
    (mse, (w,), (), "(1/10) ‖y - X w‖²"),
    (mse, (w,), (0,), "-(1/5) Xᵀ(y - X w)"),
    (mse, (w,), (0, 0), "(1/5) Xᵀ X"),
    (ridge, (w, 0.3), (0,), "-(1/5) Xᵀ(y - X w) + l w"),
    (ridge, (w, 0.3), (1,), "(1/2) ‖w‖²"),
    (ridge, (w, 0.3), (0, 0), "l I + (1/5) Xᵀ X"),
    (logistic, (w,), (0,), "(1/5) Xᵀ(s - labels), where s = sigmoid(X w)"),
    (logistic, (w,), (0, 0), "(1/5) Xᵀ diag(s ⊙ (1 - s)) X, where s = sigmoid(X w)"),
    (logistic_by_hand, (w, y), (0,), "(1/5) Xᵀ(p - y), where p = sigmoid(X w)"),
    (lambda x: jnp.tanh(W @ x), (x,), (0,), "diag(1 - tanh(W x)²) W"),
    (lambda W: jnp.sum(jax.nn.relu(W @ x + b)), (W,), (0,), "[W x + b > 0] xᵀ"),
    (network, (W, b, V, c), (0,), "2 ((1 - h²) ⊙ Vᵀ(V h + c - t)) xᵀ, where h = tanh(W x + b)"),
    (network, (W, b, V, c), (2,), "2 (V h + c - t) hᵀ, where h = tanh(W x + b)"),
    (network, (W, b, V, c), (3, 3), "2 I"),
    (
        standardised,
        (x,),
        (0,),
        "-(1/3)(x - mu 𝟏)(x - mu 𝟏)ᵀ/(var + 1.0e-5)^(3/2) + (I - (1/3) 𝟏 𝟏ᵀ)/sqrt(var + 1.0e-5), "
        "where mu = (1/3) 𝟏ᵀ x, var = (1/3) ‖x - mu 𝟏‖²",
    ),
    (lambda W: W @ x, (W,), (0,), "I ⊗ xᵀ, where vec stacks the rows"),
    (lambda X: A @ X @ B, (X[:3],), (0,), "A ⊗ Bᵀ, where vec stacks the rows"),
    (lambda X: X.T, (A,), (0,), "K, where K vec(Z) = vec(Zᵀ), vec stacks the rows"),
    (lambda U: jnp.sum((U @ B - A) ** 2), (A,), (0,), "2 (U B - A) Bᵀ"),
    (lambda U: jnp.sum((U @ B - A) ** 2), (A,), (0, 0), "2 I ⊗ (B Bᵀ), where vec stacks the rows"),
    (lambda w: jnp.sum((X @ w - counts) ** 2), (w,), (0,), "2 Xᵀ(X w - counts)"),
    (lambda w: jnp.sum((X @ w) ** 2 * chosen), (w,), (0,), "2 Xᵀ(chosen ⊙ X w)"),
]


@pytest.mark.parametrize(("f", "args", "by", "expected"), IDENTITIES, ids=lambda v: v if isinstance(v, str) else "")
def test_a_derivative_reads_as_in_a_textbook(f, args, by, expected):
    assert right_side(f, *args, by=by) == expected


def test_the_hessian_by_a_matrix_states_its_order_of_entries():
    found = formula(lambda U, V: jnp.sum((U @ V) ** 2), A, B, by=(0, 1))
    assert found.text == (
        "d2f/dvec(U) dvec(V) = 2 (K (I ⊗ (U V)) + U ⊗ V), where K vec(Z) = vec(Zᵀ), vec stacks the rows"
    )
    assert r"\otimes" in found.latex and r"\partial \operatorname{vec}(U)" in found.latex


def test_the_layout_turns_a_jacobian_and_says_so():
    def f(x):
        return jnp.tanh(W @ x)

    assert formula(f, x, by=(0,), layout="denominator").text == "(df/dx)ᵀ = Wᵀ diag(1 - tanh(W x)²)"
    assert formula(mse, w, by=(0,), layout="denominator").text == "dmse/dw = -(1/5) Xᵀ(y - X w)"


def test_latex_is_what_katex_and_mathjax_share():
    found = formula(network, W, b, V, c, by=(0,))
    assert found.latex == (
        r"\frac{\partial \mathrm{network}}{\partial W} = "
        r"2 ((\mathbf{1} - h^{2}) \odot V^{\top}(V h + c - t)) x^{\top},"
        r"\quad \text{where } h = \tanh(W x + b)"
    )
    assert formula(lambda x: jnp.linalg.norm(x), x, by=(0,)).latex.endswith(r"= \frac{x}{\lVert x \rVert}")
    for f, args, by, _ in IDENTITIES:
        written = formula(f, *args, by=by).latex
        assert written.count("{") == written.count("}") and written.count(r"\left") == written.count(r"\right")
        assert not re.search(r"\}\^\{[^}]*\}\^\{", written), "a double superscript"


def test_numbers_stand_as_the_user_wrote_them():
    assert right_side(lambda w: 0.1 * jnp.sum(w**2), w, by=()) == "0.1 ‖w‖²"
    assert right_side(lambda w: 0.1 * jnp.sum(w**2), w, by=(0,)) == "0.2 w"


@pytest.mark.parametrize("n", [3, 300])
def test_the_formula_does_not_depend_on_the_size(n):
    data, seen, start = RNG.normal(size=(2 * n, n)), RNG.normal(size=2 * n), RNG.normal(size=n)

    def loss(w):
        return jnp.sum((seen - data @ w) ** 2)

    started = time.thread_time()
    assert right_side(loss, start, by=(0,)) == "-2 dataᵀ(seen - data w)"
    assert right_side(loss, start, by=(0, 0)) == "2 dataᵀ data"
    assert time.thread_time() - started < 10


def test_what_is_none_of_matrices_says_why():
    for f, by in (
        (softmax, (0, 0)),
        (lambda x: x[1:] * x[:-1], ()),
        (lambda x: jnp.cumsum(x), ()),
        (lambda x: jnp.einsum("i,j,k->ijk", x, x, x), ()),
    ):
        with pytest.raises(OutOfReach) as refused:
            formula(f, x, by=by)
        assert refused.value.reason


def test_single_elements_stay_in_component_notation():
    found = presented(lambda x: x[0] ** 2 * x[1], x).formula("gradient", "auto")
    assert found.text == "[2*x[0]*x[1], x[0]**2, 0]"


def test_whole_arrays_get_matrix_notation_by_themselves():
    assert presented(lambda x: x @ A @ x, x).formula("gradient", "auto").text == "df/dx = (A + Aᵀ) x"


def test_a_wrong_simplification_is_dropped(monkeypatch):
    monkeypatch.setattr(simplification, "with_like_terms", lambda e: e + sp.Rational(1, 10**6))
    assert right_side(mse, w, by=(0,)) == "-(1/5) Xᵀ(y - X w)"


def test_a_wrong_matrix_form_is_not_shown(monkeypatch):
    monkeypatch.setattr(forms, "with_names", lambda m, *_: scaled(1, (), add([m, m])))
    with pytest.raises(OutOfReach, match="confirmed"):
        right_side(mse, w, by=(0,))


def test_the_search_ends_in_time():
    subject = presented(network, W, b, V, c)
    program, definition = subject.derivation.formula((0, 0, 0))
    with pytest.raises(OutOfReach, match="too long"):
        matrix_form(program, definition, 2, subject.subject.point, time.thread_time() - 1)


def named(name: str, *shape: int | None) -> Named:
    return Named(name, (*shape, None, None)[:2], sp.Symbol(name))


P, Q, u, v = named("P", 3, 4), named("Q", 3, 4), named("u", 3), named("v", 3)


def test_a_product_keeps_scalars_in_front_and_identities_out():
    dot = product(transpose(u), v)
    assert text(product(u, dot)) == "(uᵀ v) u"
    assert product(Identity(3), P) == P
    assert text(product(diag(u), diag(v), P)) == "diag(u ⊙ v) P"


def test_transposes_go_inside_products_and_cancel():
    assert transpose(product(transpose(P), Q)) == product(transpose(Q), P)
    assert transpose(transpose(P)) == P


def test_a_sum_takes_out_what_is_common():
    assert text(add([scaled(sp.Rational(2, 3), (), P), scaled(sp.Rational(-2, 3), (), Q)])) == "(2/3)(P - Q)"
    assert text(add([product(transpose(P), u), product(transpose(Q), u)])) == "(P + Q)ᵀ u"


def test_a_kronecker_product_is_evaluated_as_defined():
    rng = np.random.default_rng(1)
    values = {P.label: rng.normal(size=(3, 4)), Q.label: rng.normal(size=(3, 4))}
    plain, commuted = Kronecker(P, Q), Kronecker(P, Q, commuted=True)
    assert np.allclose(value(plain, values), np.kron(values[P.label], values[Q.label]))
    Z = rng.normal(size=(4, 4))
    turned = values[P.label] @ Z @ values[Q.label].T  # (P ⊗ Q) vec(Z) = vec(P Z Q'), and K vec(Y) = vec(Y')
    assert np.allclose(value(plain, values) @ Z.ravel(), turned.ravel())
    assert np.allclose(value(commuted, values) @ Z.ravel(), turned.T.ravel())
    some = np.array([4, 0, 7])
    for m in (plain, commuted, Sum((plain, commuted)), Scaled(sp.Integer(2), (), plain), Transpose(plain)):
        rows = some[some < value(m, values).shape[0]]
        assert np.allclose(value(m, values, rows), value(m, values)[rows])
    for m in (diag(Vec(P)), product(Vec(P), transpose(Vec(Q))), Identity(12)):
        assert np.allclose(value(m, values, some), value(m, values)[some])


def test_functions_of_whole_matrices_are_written_as_such():
    @dataclass(frozen=True)
    class Opaque(Array):
        operation: tuple[str, tuple[Array, ...]] = ("", ())

    M = Array.named("M", (3, 3))
    i, j = M.indices()
    inverse = Opaque("inv 1", (3, 3), sp.IndexedBase("inv 1"), ("inv", (M,)))
    logdet = Opaque("logdet 1", (), sp.Symbol("logdet 1"), ("logdet", (M,)))
    opaque = tuple(Definition(array, array.indices(), M.at((i, i))) for array in (inverse, logdet))
    arrays = Arrays(Program((M,), (), opaque, ()), Softmaxes(), time.thread_time() + 9)
    contraction = Contraction(arrays.of, time.thread_time() + 9)
    assert text(contraction.of(inverse.at((j, i)), i, j)) == "M⁻ᵀ"
    assert latex(contraction.of(inverse.at((i, j)), i, j)) == "M^{-1}"
    assert text(contraction.of(2 * logdet.at(()), None, None)) == "2 log |det M|"
    rng = np.random.default_rng(2)
    data = rng.normal(size=(3, 3))
    found = contraction.of(inverse.at((i, j)), i, j)
    assert np.allclose(value(found, {M.label: data}), np.linalg.inv(data))


def numbers(form: MatrixForm, subject: Presentation) -> np.ndarray:
    arrays = {array.label: data for array, data in subject.derivation.steps.constants}
    arrays |= {Array.named(name, x.shape, integer=True).label: x for name, x in WHOLE_NUMBERS.items()}
    point = zip(subject.derivation.steps.inputs, subject.subject.point, strict=True)
    return value(form.value, {**arrays, **{array.label: np.asarray(data) for array, data in point}})


def all_forms(f: Callable[..., Any], *args: Any, order: int = 2):
    """Each matrix form that there is, with the derivative by JAX that it stands for."""
    subject = presented(f, *args)
    inputs = range(len(args))
    with jax.enable_x64(True):
        derivative: Callable[..., Any] = f
        for k in range(order + 1):
            arrays = derivative(*(jnp.asarray(arg, float) for arg in args))
            for path in np.ndindex(*(len(args),) * k):
                expected = arrays
                for position in path:
                    expected = expected[position]
                with contextlib.suppress(OutOfReach):
                    program, definition = subject.derivation.formula((0, *path))
                    definition = replace(definition, expr=unshifted(definition.expr))
                    sides = [len(s) for s in (np.shape(f(*args)), *(np.shape(args[i]) for i in path)) if len(s)]
                    if len(sides) <= 2:
                        far = time.thread_time() + 60
                        form = matrix_form(program, definition, sum(sides[:1]), subject.subject.point, far)
                        yield numbers(form, subject), np.asarray(expected)
            derivative = jax.jacfwd(derivative, argnums=tuple(inputs))


@pytest.mark.parametrize(("f", "args"), list({id(f): (f, args) for f, args, _, _ in IDENTITIES}.values()))
def test_matrix_forms_have_the_numbers_of_jax(f, args):
    compared = 0
    for ours, theirs in all_forms(f, *args, order=2):
        np.testing.assert_allclose(ours.ravel(), theirs.ravel(), rtol=1e-10, atol=1e-12)
        compared += 1
    assert compared >= 2


CONTRACTIONS: tuple[Callable[[jax.Array, jax.Array], jax.Array], ...] = (
    lambda p, q: p @ q,
    lambda p, q: p.T @ q,
    lambda p, q: p @ q.T,
    lambda p, q: p * q,
    lambda p, q: p + 2.0 * q,
    lambda p, q: p - q.T,
    lambda p, q: jnp.outer(p, q),
    lambda p, q: jnp.trace(p @ q) * p,
    lambda p, q: jnp.sum(p) * q,
    lambda p, q: p.sum(0),
    lambda p, q: p.sum(-1) * q,
    lambda p, q: p[:, None] * q,
    lambda p, q: p * q[None, :],
    lambda p, q: jnp.diag(p) @ q,
    lambda p, q: jnp.diag(p),
    lambda p, q: p * jnp.eye(3),
    lambda p, q: jnp.tanh(p),
    lambda p, q: p**2,
    lambda p, q: jnp.exp(0.3 * p),
    lambda p, q: jax.nn.sigmoid(p),
    lambda p, q: p / (1.0 + q**2),
    lambda p, q: p / jnp.sqrt(1.0 + jnp.sum(q**2)),
    lambda p, q: jax.nn.softmax(p),
    lambda p, q: jax.nn.relu(p),
    lambda p, q: p - jnp.mean(p),
    lambda p, q: p.T,
    lambda p, q: p + p[0],
    lambda p, q: jnp.einsum("ij,ij->i", p, q),
    lambda p, q: jnp.einsum("ij,jk,ki->", p, q, p) * q,
)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.integers(0, len(CONTRACTIONS) - 1), st.integers(0, 3), st.integers(0, 3)), max_size=5),
    st.sampled_from([((3,), (3, 3)), ((3, 3), (3, 3)), ((3,), (3,)), ((3, 3),)]),
    st.booleans(),
)
def test_matrix_forms_of_random_contractions_are_right_or_out_of_reach(instructions, shapes, summed):
    def f(*inputs: jax.Array) -> jax.Array:
        values = [*inputs]
        for operation, first, second in instructions:
            try:
                values.append(
                    CONTRACTIONS[operation](values[-1 - first % len(values)], values[-1 - second % len(values)])
                )
            except (TypeError, ValueError, IndexError):  # the shapes do not fit
                continue
        return jnp.sum(values[-1]) if summed else values[-1]

    args = [np.random.default_rng(3).uniform(-1, 1, shape) for shape in shapes]
    with contextlib.suppress(OutOfReach):
        assert_right(f, args)


@settings(
    max_examples=6, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(programs)
def test_matrix_forms_of_random_programs_are_right_or_out_of_reach(program: RandomProgram) -> None:
    with contextlib.suppress(OutOfReach):
        assert_right(program, program.point())


def assert_right(f: Callable[..., Any], args: Any) -> None:
    for ours, theirs in all_forms(f, *args, order=1):
        finite = np.isfinite(theirs.ravel()) & np.isfinite(ours.ravel())
        scale = np.max(np.abs(theirs.ravel()[finite]), initial=1e-3)
        np.testing.assert_allclose(ours.ravel()[finite], theirs.ravel()[finite], rtol=1e-8, atol=1e-8 * scale)


def test_everything_in_a_matrix_form_can_be_written():
    for f, args, by, _ in IDENTITIES:
        found = formula(f, *args, by=by)
        assert found.notation == "matrix" and found.text and found.latex and found.sympy is not None
    m: Matrix = Kronecker(P, Q)
    assert (text(m), latex(m)) == ("P ⊗ Q", r"P \otimes Q")
