"""Where JAX has no derivative the number is given all the same, marked as whose it is; complex results have theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.extend as jex
import jax.numpy as jnp
import numpy as np
import pytest
from jax.interpreters import mlir

from jaxdiff_magic import Report, check, derive
from jaxdiff_magic.report import Check


def checked(f: Callable[..., Any], *args: Any, order: int = 1) -> Check:
    with jax.enable_x64(True):
        return check(f, order=order, points=8, budget=60)(*(jnp.asarray(x, float) for x in args))


def reported(f: Callable[..., Any], *args: Any, order: int = 1) -> Report:
    with jax.enable_x64(True):
        return derive(f, order=order, points=8, cost="none", budget=20)(*(jnp.asarray(x, float) for x in args))


def given(found: Check) -> list[float]:
    """What a reader takes for the derivative, row by row."""
    return [row.symbolic if row.symbolic is not None else row.numeric for row in found.entries]  # type: ignore[arg-type]


def segments(x: jax.Array) -> jax.Array:
    return jnp.sum(jnp.log1p(jax.ops.segment_prod(x, jnp.array([0, 0, 0, 1, 1, 2]), 3)))


def on_the_host(x: jax.Array) -> jax.Array:
    return jax.pure_callback(lambda y: np.asarray(np.exp(y) * y), jax.ShapeDtypeStruct(x.shape, x.dtype), x)


UNRULED = jex.core.Primitive("unruled")
UNRULED.def_impl(lambda x, scale: x * scale)
UNRULED.def_abstract_eval(lambda x, scale: x)
mlir.register_lowering(UNRULED, mlir.lower_fun(lambda x, scale: x * scale, multiple_results=False))

CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...], list[float], float]] = {
    "incomplete beta function": (
        jax.scipy.special.betainc,
        (1.0, 2.0, 0.5),
        [0.5 * (1.5 * np.log(0.5) + 0.5), -0.25 * np.log(0.5), 1.0],
        1e-7,
    ),
    "products of segments, one with a zero": (
        segments,
        ([0.5, 2.0, 3.0, 0.0, 4.0, 0.7],),
        [1.5, 0.375, 0.25, 4.0, 0.0, 1 / 1.7],
        1e-12,
    ),
    "products of segments, two zeros in one": (
        segments,
        ([0.0, 0.0, 3.0, 2.0, 4.0, 0.7],),
        [0.0, 0.0, 0.0, 4 / 9, 2 / 9, 1 / 1.7],
        1e-12,
    ),
    "updates that multiply one element": (
        lambda x: jnp.ones(2).at[jnp.array([1, 1, 1])].multiply(x)[1] ** 2,
        ([1.0, 2.0, 3.0],),
        [72.0, 36.0, 24.0],
        1e-12,
    ),
    "a callback": (on_the_host, (0.5,), [1.5 * np.exp(0.5)], 1e-7),
    "a primitive without a rule": (lambda x: jnp.sin(UNRULED.bind(x, scale=3.0)), (0.4,), [3 * np.cos(1.2)], 1e-12),
}


@pytest.mark.parametrize("name", CASES)
def test_the_derivative_that_jax_refuses_is_in_the_check(name: str) -> None:
    f, point, truth, within = CASES[name]
    found = checked(f, *point)
    assert found.outcome == "out of reach" and all(row.outcome == "out of reach" for row in found.entries)
    assert all(row.forward is None and row.reverse is None for row in found.entries)
    assert given(found) == pytest.approx(truth, rel=within, abs=within)
    assert all("JAX has no such derivative" in row.reason and "digits)" in row.reason for row in found.entries)


def test_the_numbers_say_whose_they_are() -> None:
    by_rules, by_values = checked(segments, [0.5, 2.0, 3.0, 0.0, 4.0, 0.7]), checked(on_the_host, 0.5)
    assert "by local rules from its code" in by_rules.summary and by_rules.entries[0].symbolic is not None
    assert "differences of its values" in by_values.summary and by_values.entries[0].symbolic is None


def test_the_finding_names_the_step_gives_the_number_and_says_what_to_do() -> None:
    report = reported(lambda a, x: jax.scipy.special.betainc(a, 2.0, x), 1.0, 0.5)
    assert report.gradient is None and report.jacobian is None
    (finding,) = [finding for finding in report.findings if finding.kind == "infeasible-mode"]
    assert "regularized_incomplete_beta" in finding.message and "-0.26986 by a" in finding.message
    assert "wrt='x'" in finding.cure and "jax.custom_jvp" in finding.cure
    with jax.enable_x64(True):  # which is true
        other = derive(lambda a, x: jax.scipy.special.betainc(a, 2.0, x), wrt="x", cost="none", order=1)(1.0, 0.5)
    assert float(other.gradient) == pytest.approx(1.0)


def test_a_second_derivative_alone_that_jax_refuses() -> None:
    """x ↦ x·u(x²) has the first derivative, by a rule that calls what has none."""

    @jax.custom_jvp
    def cube(x: jax.Array) -> jax.Array:
        return x**3

    cube.defjvp(lambda p, t: (cube(*p), 3 * UNRULED.bind(p[0] ** 2, scale=1.0) * t[0]))
    found = checked(cube, 2.0, order=2)
    rows = {row.what: row for row in found.entries}
    assert rows["gradient"].outcome == "agrees" and rows["gradient"].forward == pytest.approx(12.0)
    assert rows["hessian"].forward is None and rows["hessian"].symbolic == pytest.approx(12.0)
    assert found.outcome == "out of reach"


COMPLEX: dict[str, tuple[Callable[..., Any], Any, Any]] = {
    "a sum of both parts": (lambda x: x**2 + 1j * jnp.sin(x), 1.0, 2 + 1j * np.cos(1.0)),
    "a wave": (lambda x: x * jnp.exp(2j * x), 0.3, (1 + 0.6j) * np.exp(0.6j)),
    "a Fourier transform": (
        lambda x: jnp.fft.fft(x**2)[1],
        [1.0, 2.0, 3.0],
        2 * np.array([1.0, 2.0, 3.0]) * np.exp(-2j * np.pi * np.arange(3) / 3),
    ),
    "eigenvalues": (
        lambda x: jnp.sort(jnp.linalg.eigvals(jnp.array([[0.0, 1.0], [-1.0, 0.0]]) * x)),
        1.5,
        np.array([-1j, 1j]),
    ),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_results_of_real_inputs_have_values_and_are_checked(name: str) -> None:
    f, point, truth = COMPLEX[name]
    report = reported(f, point)
    assert report.gradient is None and np.iscomplexobj(report.value)
    np.testing.assert_allclose(report.jacobian, truth, rtol=1e-9, atol=1e-12)
    assert report.verdict in ("agrees", "proved")
    assert {row.output.partition("[")[0] for row in report.check.entries} == {"f.real", "f.imag"}


def test_a_wrong_rule_behind_a_complex_result_differs() -> None:
    @jax.custom_jvp
    def wave(x: jax.Array) -> jax.Array:
        return jnp.exp(1j * x)

    wave.defjvp(lambda p, t: (wave(p[0]), -1j * wave(p[0]) * t[0]))
    assert reported(lambda x: {"wave": wave(x), "square": x**2}, 1.0).verdict == "differs"


def test_complex_and_real_results_keep_their_places() -> None:
    report = reported(lambda x: {"b": jnp.exp(1j * x), "a": x**2, "n": 3}, 1.0, order=2)
    assert report.jacobian["n"] is None and report.verdict in ("agrees", "proved")
    assert complex(report.jacobian["b"]) == pytest.approx(1j * np.exp(1j))
    assert complex(report.hessian["b"]) == pytest.approx(-np.exp(1j)) and float(report.hessian["a"]) == 2
