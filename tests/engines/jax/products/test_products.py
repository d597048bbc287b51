"""Derivatives too large to build: products, extreme eigenvalues with bounds, trace and diagonal."""

from __future__ import annotations

import json
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.base.errors import InputError
from jaxdiff_magic.engines.jax.products import lanczos, products_of
from jaxdiff_magic.report.matrix_free import Estimate, Products
from jaxdiff_magic.show.html import render_html
from jaxdiff_magic.show.matrix_free import within
from jaxdiff_magic.show.text import render_text
from jaxdiff_magic.subject.subject import subject_of

N = 2001
"""The smallest number of inputs whose Hessian is not built."""


def products(f: Any, *args: Any, wrt: Any = None) -> Products:
    subject = subject_of(f, args, {}, wrt)
    gradient = jax.grad(lambda *leaves: subject.flat(*leaves)[0], tuple(range(len(subject.inputs))))(*subject.point)
    forms = [None] * len(gradient)
    return products_of(subject, gradient, forms, second=True, seed=0, deadline=time.monotonic() + 60)


def symmetric(n: int, seed: int = 0) -> np.ndarray:
    a = np.random.default_rng(seed).normal(size=(n, n)).astype(np.float32)
    return (a + a.T) / 2


@pytest.fixture(params=["kept", "run twice"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to the eigenvalues: with all vectors in memory, and with two at a time."""
    if request.param == "run twice":
        monkeypatch.setattr(lanczos, "MAX_BASIS_BYTES", 0)
    return request.param


def hits(found: Estimate | None, true: float) -> bool:
    return found is not None and abs(found.value - true) <= found.error


def test_extreme_eigenvalues_of_a_quadratic_are_those_of_its_matrix(way: str) -> None:
    a = symmetric(N)
    a[0, 0], a[1, 1] = 150.0, -120.0  # both ends stand apart from the rest
    true = np.linalg.eigvalsh(a.astype(np.float64))
    found = products(lambda x, a: x @ a @ x / 2, jnp.ones(N), jnp.asarray(a), wrt="x")
    assert hits(found.largest, true[-1]) and hits(found.smallest, true[0])
    assert found.largest is not None and found.smallest is not None
    assert found.largest.error < 0.05 and found.smallest.error < 0.05
    assert "indefinite" in found.note


def test_an_eigenvalue_in_a_crowd_is_met_within_its_bound(way: str) -> None:
    a = symmetric(300, seed=1)
    true = np.linalg.eigvalsh(a.astype(np.float64))
    found = products(lambda x, a: x @ a @ x / 2, jnp.ones(300), jnp.asarray(a), wrt="x")
    for end in (found.smallest, found.largest):
        assert end is not None
        assert np.abs(true - end.value).min() <= end.error
        assert true[0] - 1e-3 <= end.value <= true[-1] + 1e-3


@pytest.mark.parametrize(
    ("f", "eigenvalue"), [(lambda x: x @ x, 2.0), (lambda x: jnp.sum(x), 0.0), (lambda x: -3 * (x @ x), -6.0)]
)
def test_one_step_is_enough_for_a_multiple_of_the_identity(way: str, f: Any, eigenvalue: float) -> None:
    found = products(f, jnp.linspace(-1, 1, 500))
    assert hits(found.largest, eigenvalue) and hits(found.smallest, eigenvalue)


def test_a_search_that_had_to_stop_early_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanczos, "MAX_VECTORS", 4)
    found = products(lambda x: jnp.sum(jnp.cosh(x)), jnp.linspace(-1, 1, 3000))
    assert found.smallest is not None and found.largest is not None
    assert found.smallest.value >= 1 and found.largest.value <= np.cosh(1) + 1e-6
    assert "may lie further out" in found.note
    monkeypatch.undo()
    assert "further out" not in products(lambda x: jnp.sum(jnp.cosh(x)), jnp.linspace(-1, 1, 3000)).note


def test_two_arguments_of_different_precision_have_one_hessian() -> None:
    with jax.enable_x64(True):
        found = products(
            lambda x, y: jnp.sum(x**2) + jnp.sum(jnp.array([3.0, 5.0]) * y**2) + y[0],
            jnp.ones(40, "float32"),
            jnp.zeros(2, "float64"),
        )
    assert hits(found.smallest, 2.0) and hits(found.largest, 10.0)
    assert [(one.name, one.size) for one in found.gradient] == [("x", 40), ("y", 2)]
    assert found.gradient[0].norm == pytest.approx(2 * 40**0.5)
    assert (found.gradient[1].norm, found.gradient[1].largest) == (1.0, 1.0)


def test_a_function_that_branches_in_python_has_products_too() -> None:
    found = products(lambda x: x @ x if x[0] > 0 else jnp.sum(x), jnp.ones(30))
    assert hits(found.largest, 2.0)


@jax.custom_vjp
def cube(x: jax.Array) -> jax.Array:
    return x**3


cube.defvjp(lambda x: (x**3, x), lambda x, u: (3 * x**2 * u,))


def test_where_forward_mode_is_forbidden_the_hessian_is_reverse_over_reverse() -> None:
    found = products(lambda x: jnp.sum(cube(x)), jnp.linspace(1.0, 2.0, 50))
    assert hits(found.smallest, 6.0) and hits(found.largest, 12.0)


@jax.custom_vjp
def opaque(x: jax.Array) -> jax.Array:
    return x**2


opaque.defvjp(
    lambda x: (x**2, x),
    lambda x, u: (jax.pure_callback(lambda x, u: 2 * x * u, jax.ShapeDtypeStruct(x.shape, x.dtype), x, u),),
)


def test_it_is_said_why_there_is_no_product_with_the_hessian() -> None:
    found = products(lambda x: jnp.sum(opaque(x)), jnp.ones(20))
    assert found.largest is None and found.trace is None
    assert "cannot multiply by the Hessian" in found.note
    assert found.gradient[0].norm == pytest.approx(80**0.5)


def test_a_hessian_that_is_not_finite_has_no_eigenvalues(way: str) -> None:
    found = products(lambda x: jnp.sum(x**1.5), jnp.zeros(20))
    assert found.largest is None
    assert "not finite" in found.note


def test_trace_and_diagonal_of_a_separable_function_are_exact() -> None:
    x = np.linspace(-1, 1, 400).astype(np.float32)
    found = products(lambda x: jnp.sum(jnp.cosh(x)), jnp.asarray(x))
    assert hits(found.trace, np.cosh(x.astype(np.float64)).sum())
    assert found.trace is not None and found.trace.error < 0.01
    diagonal, error = found.diagonal(probes=3)
    np.testing.assert_allclose(diagonal, np.cosh(x), rtol=1e-6)
    assert np.max(error) < 1e-6


def test_the_diagonal_of_a_dense_hessian_is_met_within_its_standard_error() -> None:
    a = symmetric(200) + 30 * np.eye(200, dtype=np.float32)
    found = products(lambda x, a: x @ a @ x / 2, jnp.ones(200), jnp.asarray(a), wrt="x")
    diagonal, error = found.diagonal(probes=64, seed=1)
    off = np.abs(np.asarray(diagonal) - np.diagonal(a)) / np.asarray(error)
    assert 0.5 < np.sqrt(np.mean(off**2)) < 1.5  # standard errors, over 200 entries
    assert found.trace is not None
    assert abs(found.trace.value - np.trace(a)) < 5 * found.trace.error
    again, _ = found.diagonal(probes=64, seed=2)
    assert np.any(np.asarray(again) != np.asarray(diagonal))


@pytest.mark.parametrize("several", [False, True])
def test_the_calls_to_paste_run_and_give_the_products(several: bool) -> None:
    rng = np.random.default_rng(0)

    def f(w: jax.Array, b: jax.Array, n: int) -> jax.Array:
        return jnp.sum(jnp.sin(w) * w[0]) ** 2 / n + jnp.sum(b**2) * w[1]

    w, b, n = jnp.asarray(rng.normal(size=N), "float32"), jnp.ones(3), 7
    wrt = ("w", "b") if several else "w"
    report = derive(f, wrt=wrt, cost="none", symbolic=False)(w, b, n)
    assert report.products is not None
    like = (w, b) if several else w
    v = jax.tree.map(lambda x: jnp.asarray(rng.normal(size=x.shape), x.dtype), like)
    names = {"jax": jax, "f": f, "w": w, "b": b, "n": n, "v": v, "u": 2.0, "report": report}
    run = {name: eval(call, names) for name, call in report.products.calls.items()}

    argnums = (0, 1) if several else 0
    gradient = jax.grad(f, argnums)(w, b, n)
    slope = sum(jax.tree.leaves(jax.tree.map(lambda g, d: jnp.sum(g * d), gradient, v)))
    shifted = [jax.tree.map(lambda x, d, h=h: x + h * d, like, v) for h in (-1e-3, 1e-3)]
    low, high = (jax.grad(f, argnums)(*(point if several else (point, b)), n) for point in shifted)
    np.testing.assert_allclose(run["jvp"], slope, rtol=1e-4)
    for found, mine, expected in zip(
        jax.tree.leaves(run["vjp"]), jax.tree.leaves(report.products.vjp(2.0)), jax.tree.leaves(gradient), strict=True
    ):
        np.testing.assert_allclose(found, 2 * expected, rtol=1e-5)
        np.testing.assert_allclose(mine, found, rtol=1e-6)
    for found, mine, left, right in zip(
        *map(jax.tree.leaves, (run["hvp"], report.products.hvp(v), low, high)), strict=True
    ):
        scale = float(np.max(np.abs(found)))
        np.testing.assert_allclose(found, (right - left) / 2e-3, atol=0.02 * scale)
        np.testing.assert_allclose(mine, found, rtol=1e-5, atol=1e-5 * scale)


def test_for_a_part_of_an_argument_the_call_is_that_of_the_report() -> None:
    report = derive(lambda p: jnp.sum(p["w"] ** 2) * p["k"], wrt="p['w']", cost="none")({"w": jnp.ones(N), "k": 3})
    assert report.products is not None
    assert report.products.calls["hvp"] == "report.products.hvp(v)"
    np.testing.assert_array_equal(report.products.hvp(jnp.ones(N)), 6.0)


def test_a_direction_of_another_shape_is_refused() -> None:
    found = products(lambda x: x @ x, jnp.ones(5))
    with pytest.raises(InputError, match=r"x \(5,\)"):
        found.hvp(jnp.ones(4))


def test_a_report_says_what_takes_the_place_of_its_hessian() -> None:
    def loss(x: jax.Array) -> jax.Array:
        return jnp.sum(jnp.cosh(x)) + 3 * x[0] ** 2

    report = derive(loss, cost="none", budget=60.0)(jnp.linspace(0.0, 1.0, N))
    assert report.hessian is None and report.curvature is None
    assert report.products is not None
    assert hits(report.products.largest, 7.0)
    for shown in (render_text(report), render_html(report)):
        assert "Too large to build" in shown
        assert "largest eigenvalue" in shown and "smallest eigenvalue" in shown
        assert "jax.jvp(jax.grad(loss), (x,), (v,))[1]" in shown
    sent = json.loads(json.dumps(report.to_dict(), allow_nan=False))["products"]
    assert sent["largest"]["value"] == report.products.largest.value  # type: ignore[union-attr]
    assert sent["gradient"][0]["size"] == N
    assert "hvp" not in sent and "hvp" in sent["calls"]


def test_a_hessian_that_fits_has_no_products_beside_it() -> None:
    assert derive(lambda x: x @ x, cost="none")(jnp.ones(5)).products is None


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (3.41234, 0.0017, "3.412 (± 0.002)"),
        (-31752011.9, 4.2, "-31,752,012 (± 4)"),
        (2.0, 0.0, "2 (± 0)"),
        (3.0, 5.7e-6, "3.000000 (± 6e-6)"),
        (1234.5, 300.0, "1,234 (± 300)"),
    ],
)
def test_a_number_has_the_digits_that_its_error_leaves(value: float, error: float, text: str) -> None:
    assert within(Estimate(value, error)) == text
