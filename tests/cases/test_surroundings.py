"""Surroundings: inside somebody's transformation, under settings for debugging, in several threads, with odd inputs.

`derive` and `check` say that they need values, or work as they do elsewhere.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic import InputError, check, derive


def product(x: Any) -> Any:
    return jnp.sin(x[0]) * x[1] + jnp.sum(x**2)


def slope(x: Any) -> Any:
    """What somebody may write within a function of theirs: a derivative by way of a report."""
    return derive(lambda y: y**2, order=1, cost="none")(x).gradient


def checked(x: Any) -> Any:
    check(lambda y: y**2, order=1)(x)
    return x


@pytest.mark.parametrize(
    ("within", "name"),
    [
        (lambda f: jax.jit(f)(2.0), "jax.jit"),
        (lambda f: jax.grad(f)(2.0), "jax.grad"),
        (lambda f: jax.vmap(f)(jnp.ones(3)), "jax.vmap"),
        (lambda f: lax.scan(lambda c, x: (f(c), x), 1.0, jnp.ones(3)), "jax.lax.scan"),
        (lambda f: jax.eval_shape(f, 2.0), "jax.eval_shape"),
        (lambda f: jax.jvp(f, (2.0,), (1.0,)), "jax.jvp"),
        (lambda f: jax.vjp(f, 2.0), "jax.vjp"),
        (lambda f: jax.jacfwd(f)(2.0), "jax.jacfwd or jax.jacrev"),
        (lambda f: lax.cond(True, f, f, 2.0), "jax.lax.cond"),
        (lambda f: lax.fori_loop(0, 3, lambda i, c: f(c), 2.0), "jax.lax.fori_loop"),
        (lambda f: jax.checkpoint(f)(2.0), "jax.checkpoint"),
        (lambda f: jax.jit(jax.vmap(f))(jnp.ones(3)), "jax.jit"),
    ],
)
@pytest.mark.parametrize("f", [slope, checked])
def test_inside_a_transformation_it_asks_for_values(within: Callable[..., Any], name: str, f: Any) -> None:
    line = f.__code__.co_firstlineno + (2 if f is slope else 1)
    with pytest.raises(InputError) as raised:
        within(f)
    assert "needs concrete values" in str(raised.value)
    if name != "jax.jit" or "vmap" not in str(raised.value):  # of two, either is right
        assert f"inside {name} (" in str(raised.value)
    assert f"test_surroundings.py, line {line}" in str(raised.value)


@pytest.mark.parametrize("around", [jax.jit, jax.grad, lambda f: lambda x: jax.vmap(f)(x[None])])
def test_a_function_that_holds_a_traced_value_is_inside_as_well(around: Callable[..., Any]) -> None:
    def outer(w: Any) -> Any:
        return derive(lambda x: w * x**2, order=1, cost="none")(2.0).value

    with pytest.raises(InputError, match="needs concrete values"):
        around(outer)(jnp.float32(3.0))


def test_a_branch_on_a_value_that_is_traced_around_it_is_inside_as_well() -> None:
    def outer(w: Any) -> Any:
        return derive(lambda x: w * x if x > 0 else x, order=1, cost="none")(2.0).value

    with pytest.raises(InputError, match=r"inside jax\.grad"):
        jax.grad(outer)(3.0)


SETTINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "debug_nans": lambda: jax.debug_nans(True),
    "debug_infs": lambda: jax.debug_infs(True),
    "disable_jit": lambda: jax.disable_jit(),
    "checking_leaks": lambda: jax.checking_leaks(),
    "transfer_guard": lambda: jax.transfer_guard("disallow"),
    "transfer_guard to host": lambda: jax.transfer_guard_device_to_host("disallow_explicit"),
    "strict promotion": lambda: jax.numpy_dtype_promotion("strict"),
    "rank promotion": lambda: jax.numpy_rank_promotion("raise"),
    "NumPy's errors": lambda: np.errstate(all="raise"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_those_who_debug_are_set_aside(name: str) -> None:
    point = jnp.array([0.5, 2.0])
    with SETTINGS[name]():
        report = derive(product, cost="count", points=4, budget=60)(point)
        agreed = check(product, order=1, points=4, budget=60)(point)
    expected = [2 * np.cos(0.5) + 1.0, np.sin(0.5) + 4.0]
    np.testing.assert_allclose(report.gradient, expected, rtol=1e-6)
    assert report.verdict == "proved" and agreed.outcome == "agrees"


def test_a_nan_that_is_looked_for_is_found_and_not_raised() -> None:
    with jax.debug_nans(True):
        report = derive(lambda x: jnp.sqrt(x) * jnp.where(x > 0, jnp.log(x), 0.0), order=1, cost="none")(0.0)
        assert np.isnan(report.gradient) and any(finding.kind == "nan" for finding in report.findings)
        with pytest.raises(FloatingPointError):  # the setting is as it was
            jnp.log(jnp.float32(-1.0))


def test_a_loop_under_disable_jit_is_still_a_loop() -> None:
    with jax.disable_jit():
        report = derive(lambda x: lax.while_loop(lambda c: c < 10.0, lambda c: c * c, x), order=1, cost="none")(2.0)
    assert report.gradient == pytest.approx(4 * 2.0**3)  # 2 -> 4 -> 16, x**4
    assert report.verdict in ("agrees", "proved")


def test_the_panel_moves_under_settings_of_those_who_debug() -> None:
    report = derive(product, cost="none")(jnp.array([0.5, 2.0]))
    assert report.live is not None
    with jax.transfer_guard("disallow"), jax.debug_nans(True):
        moved = report.live.at([np.array([0.0, np.nan], np.float32)])
    assert np.isnan(np.asarray(moved.value[0]))


def test_threads_have_their_own_digits() -> None:
    report = derive(lambda x: jnp.exp(jnp.sin(x)) / 3 + jnp.log(2 * x), order=1, cost="none", points=2)(0.75)
    with mpmath.workdps(400):
        truth = mpmath.exp(mpmath.sin(mpmath.mpf("0.75"))) / 3 + mpmath.log(mpmath.mpf("1.5"))
        truth = {digits: mpmath.nstr(truth, digits) for digits in (20, 60, 150, 300)}
    found: dict[int, set[str]] = {digits: set() for digits in truth}

    def ask(digits: int) -> None:
        for _ in range(5):
            found[digits].add(str(mpmath.nstr(report.precise("value", digits), digits)))

    threads = [threading.Thread(target=ask, args=(digits,)) for digits in truth]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {digits: {text} for digits, text in truth.items()}


def test_digits_leave_the_precision_of_the_readers_mpmath_alone() -> None:
    report = derive(jnp.exp, order=1, cost="none", points=2)(1.0)
    with mpmath.workdps(7):
        digits = report.precise("value", 50)
        assert mpmath.mp.dps == 7
    assert isinstance(digits, mpmath.mpf)
    assert mpmath.nstr(digits, 30) == "2.71828182845904523536028747135"


def test_reports_are_made_in_several_threads() -> None:
    failed: list[BaseException] = []
    slopes: dict[int, float] = {}

    def make(k: int) -> None:
        try:
            with jax.enable_x64(True) if k % 2 else contextlib.nullcontext():
                report = derive(lambda x: jnp.sin(k * x), order=1, cost="none", points=2, budget=60)(0.5)
                slopes[k] = float(report.gradient)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=make, args=(k,)) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert slopes == {k: pytest.approx(k * np.cos(k / 2), rel=1e-5) for k in range(1, 5)}
