"""Where the report itself knows that JAX's number is not the derivative, it differs, and `check` raises.

What one version of JAX has wrong a later one may have right: it is JAX's own numbers that tell what is to be said.
Truths: by hand; of the Beta function by its identity B(a, b) / B(a + 1, b) = (a + b) / a.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxdiff_magic import check, derive
from jaxdiff_magic.base.errors import WrongDerivative


def beta_ratio(x: Any) -> Any:
    a, b = jnp.exp(x[0]), jnp.exp(x[1])
    return jax.scipy.special.betaln(a, b) - jax.scipy.special.betaln(a + 1, b)


def matern(x: Any) -> Any:
    squared = jnp.sum((x - jnp.array([1.0, 2.0])) ** 2)
    r = jnp.sqrt(jnp.maximum(squared, 1e-36))
    return (1 + jnp.sqrt(5.0) * r + 5 * r**2 / 3) * jnp.exp(-jnp.sqrt(5.0) * r)


def guarded_sinc(x: Any) -> Any:
    safe = jnp.where(x == 0, 1.0, x)
    return jnp.where(x == 0, 1.0, jnp.sin(safe) / safe)


def guarded_exprel(x: Any) -> Any:
    safe = jnp.where(jnp.abs(x) < 1e-20, 1.0, x)
    return jnp.where(jnp.abs(x) < 1e-20, 1.0, jnp.expm1(safe) / safe)


WRONG: dict[str, tuple[Callable[..., Any], Any, dict[tuple[str, ...], float]]] = {
    "beta function": (beta_ratio, [0.0, 0.0], {("x[0]", "x[0]"): 0.25, ("x[0]", "x[1]"): -0.25}),
    "bessel function": (lambda t: jnp.i0(2 * t - 1), 0.5, {("t", "t"): 2.0}),
    "scaled bessel function": (lambda t: jax.scipy.special.i0(2 * t - 1), 0.5, {("t",): 0.0, ("t", "t"): 2.0}),
    "matern kernel": (matern, [1.0, 2.0], {("x[0]", "x[0]"): -5 / 3}),
    # beside the cases that people met: quotients that are guarded at the point alone
    "guarded sinc": (guarded_sinc, 0.0, {("x", "x"): -1 / 3}),
    "guarded exprel": (guarded_exprel, 0.0, {("x",): 0.5, ("x", "x"): 1 / 3}),
    "even power of a distance": (
        lambda x: jnp.where(x == 0, 0.0, jnp.sqrt(jnp.where(x == 0, 1.0, x**2)) ** 4 / 4 + x),
        0.0,
        {("x",): 1.0},
    ),
}


MENDED = ("beta function", "bessel function", "scaled bessel function")
"""Wrong in JAX 0.10, and right later."""


def is_right(function: Callable[..., Any], point: Any, truths: dict[tuple[str, ...], float]) -> bool:
    """Whether all of JAX's derivatives for which there are truths are near them."""
    x = jnp.asarray(point)
    found = {1: jax.grad(function)(x), 2: jax.hessian(function)(x)}

    def given(inputs: tuple[str, ...]) -> float:
        places = [int(digit) for name in inputs for digit in name.partition("[")[2].rstrip("]")]
        return float(found[len(inputs)][tuple(places)])

    return all(abs(given(inputs) - truth) < 1e-6 for inputs, truth in truths.items())


@pytest.mark.parametrize("name", WRONG)
def test_it_differs_and_the_derivative_stands_beside(name: str) -> None:
    function, point, truths = WRONG[name]
    with jax.enable_x64(True):
        report = derive(function, cost="none", budget=30)(jnp.asarray(point))
        if name in MENDED and is_right(function, point, truths):
            assert report.verdict in ("proved", "agrees")
            assert check(function, budget=30)(jnp.asarray(point)).outcome == report.verdict
        else:
            with pytest.raises(WrongDerivative):
                check(function, budget=30)(jnp.asarray(point))
            assert report.verdict == "differs"
    for entry in report.check.entries:
        if entry.inputs in truths:
            truth = truths[entry.inputs]
            known = [value for value in (entry.symbolic, entry.numeric) if value is not None]
            assert min(abs(value - truth) for value in known) < 1e-4 * max(abs(truth), 1), entry
            off = abs(entry.forward - truth) > 1e-3
            assert not off or entry.outcome in ("differs", "out of reach"), entry


@pytest.mark.parametrize(
    ("function", "point"),
    [
        (lambda x: jnp.abs(x), 0.0),
        (lambda x: jnp.maximum(x, 0) * 3, 0.0),
        (lambda x: jnp.where(x == 0, 5.0, x), 0.0),  # jumps
        (lambda x: jnp.round(x * 1e6) / 1e6, 0.3),  # steps that no difference sees
        (lambda x: jnp.floor(x) + x, 2.0),
    ],
)
def test_what_has_no_derivative_there_does_not_differ(function: Callable[..., Any], point: float) -> None:
    with jax.enable_x64(True):
        assert derive(function, cost="none", order=1, budget=30)(point).verdict != "differs"
