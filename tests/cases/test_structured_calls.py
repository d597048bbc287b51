"""What was found, blocks, a band, few values in the middle, is what is recommended, with a call that runs."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import Report, derive
from jaxdiff_magic.report import cost_figures
from tests.cost.test_structure import needs_asdex

F = jnp.asarray(np.random.default_rng(0).normal(size=(3, 3, 40)), jnp.float32)


def energy(F: Any) -> Any:
    return jnp.einsum("ij...,ij...", F, F)


def norms(x: Any) -> Any:
    return jnp.sum(x**2, axis=-1)


def softmaxes(x: Any) -> Any:
    return jax.nn.softmax(x, axis=-1)


def determinants(x: Any) -> Any:
    return jnp.linalg.det(x)


def coupled(x: Any) -> Any:
    return x * jnp.sum(x)


def residual(u: Any) -> Any:
    padded = jnp.concatenate([jnp.zeros(1), u, jnp.zeros(1)])
    return padded[2:] - 2 * padded[1:-1] + padded[:-2] + 0.1 * jnp.exp(u)


def chain(u: Any) -> Any:
    return jnp.sum((u[1:] - u[:-1]) ** 4 + u[1:] ** 2)


A, B = (np.random.default_rng(k).normal(size=s) for k, s in enumerate([(2, 100), (100, 2)]))


def bottleneck(x: Any) -> Any:
    return jnp.tanh(jnp.asarray(B, jnp.float32) @ jnp.sin(jnp.asarray(A, jnp.float32) @ x))


def reported(f: Any, x: Any, **options: Any) -> Report:
    return derive(f, symbolic=False, points=2, **{"order": 1, "cost": "count", "budget": 30.0, **options})(x)


def pasted(call: str, **names: Any) -> Any:
    """The value of a call in a namespace of what it says that it needs."""
    *before, last = call.split("\n")
    space = {"jax": jax, **names}
    exec("\n".join(before), space)
    return eval(last, space)


def costs(report: Report) -> cost_figures.Cost:
    assert report.cost is not None
    return report.cost


@pytest.mark.parametrize("budget", [30.0, 0.0])
def test_a_batch_along_the_last_axis_is_mapped(budget: float) -> None:
    cost = costs(reported(energy, F, budget=budget))
    assert cost.recommended == "by slices"
    assert cost.call == "jax.vmap(jax.grad(energy), in_axes=2, out_axes=2)(F)"
    np.testing.assert_allclose(pasted(cost.call, energy=energy, F=F), 2 * F, rtol=1e-6)  # of F : F it is 2 F


@pytest.mark.parametrize(
    ("f", "x", "call"),
    [
        (norms, jnp.linspace(0.0, 1.0, 60).reshape(20, 3), "jax.vmap(jax.grad(norms))(x)"),
        (softmaxes, jnp.linspace(0.0, 1.0, 60).reshape(20, 3), "jax.vmap(jax.jacfwd(softmaxes))(x)"),
        (determinants, jnp.asarray(F).transpose(2, 0, 1), "jax.vmap(jax.grad(determinants))(x)"),
    ],
)
def test_a_batch_along_the_first_axis_is_mapped(f: Any, x: Any, call: str) -> None:
    cost = costs(reported(f, x))
    assert cost.call == call
    blocks = np.asarray(pasted(cost.call, x=x, **{f.__name__: f}))
    whole = np.asarray(jax.jacrev(f)(x))
    for k in range(len(x)):
        np.testing.assert_allclose(blocks[k], whole[k][..., k, :] if x.ndim == 2 else whole[k][k], rtol=1e-5, atol=1e-6)


def test_what_is_not_treated_slice_by_slice_is_not_mapped() -> None:
    assert "vmap" not in costs(reported(coupled, jnp.ones(30))).call
    assert "vmap" not in costs(reported(lambda x: jnp.cumsum(x, axis=0), jnp.ones((20, 3)))).call
    assert "vmap" not in costs(reported(lambda x: x.reshape(20, 3) @ x.reshape(20, 3)[0], jnp.ones((20, 3)))).call


@needs_asdex
def test_three_colours_are_recommended_though_they_were_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    from jaxdiff_magic.cost.measuring import Measured

    add = Measured.add

    def only_plain(self: Any, what: str, programs: Any) -> None:
        if what == "The two modes were":  # the time runs out after these
            add(self, what, programs)

    monkeypatch.setattr(Measured, "add", only_plain)
    u = jnp.linspace(0.0, 1.0, 400)
    cost = costs(reported(residual, u, cost="measure", budget=60.0))
    assert cost.recommended.startswith("coloured") and "3 passes" in cost.reason
    assert cost.call.startswith("import asdex\nasdex.jacobian(residual, u, ")
    found = pasted(cost.call, residual=residual, u=u).todense()
    expected = np.diag(-2 + 0.1 * np.exp(np.asarray(u))) + np.diag(np.ones(399), 1) + np.diag(np.ones(399), -1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@needs_asdex
def test_a_banded_hessian_is_offered_with_its_import() -> None:
    u = jnp.linspace(0.5, 1.0, 100)
    cost = costs(reported(chain, u, order=2))
    best = cost.hessian[0]
    assert best.sparsity is not None and best.call.startswith("import asdex\nasdex.hessian(chain, u, ")
    np.testing.assert_allclose(
        pasted(best.call, chain=chain, u=u).todense(), jax.hessian(chain)(u), rtol=1e-4, atol=1e-4
    )


def test_a_bottleneck_is_offered_with_its_import() -> None:
    x = jnp.linspace(-1.0, 1.0, 100)
    cost = costs(reported(bottleneck, x))
    narrow = next(way for way in cost.strategies if way.mode == "bottleneck")
    assert narrow.verified and narrow.passes == 4
    assert narrow.call == "import jaxdiff_magic\njaxdiff_magic.jacobian_through_bottleneck(bottleneck)(x)"
    np.testing.assert_allclose(
        pasted(narrow.call, bottleneck=bottleneck, x=x), jax.jacfwd(bottleneck)(x), rtol=1e-4, atol=1e-5
    )
    assert cost.recommended in ("bottleneck", "reverse", "forward")
