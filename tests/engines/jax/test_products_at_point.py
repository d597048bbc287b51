"""Products with derivatives, for every function: as JAX's own Jacobians and Hessians have them."""

from __future__ import annotations

import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from jaxdiff_magic import derive
from jaxdiff_magic.base.errors import InputError, OutOfReach

RNG = np.random.default_rng(0)
QUICK: dict[str, Any] = {"order": 1, "cost": "none", "symbolic": False}
A = jnp.asarray(RNG.standard_normal((3, 4)), jnp.float32)
X, V, U = (jnp.asarray(RNG.standard_normal(n), jnp.float32) for n in (4, 4, 3))


def layer(x: Any) -> Any:
    return jnp.tanh(A @ x)


def loss(params: Any) -> Any:
    return jnp.sum(jnp.tanh(A @ params["w"]) ** 2) * params["scale"]


PARAMS = {"w": X, "scale": 2.0}
ALONG = {"w": V, "scale": 0.5}


def test_products_with_a_jacobian() -> None:
    report = derive(layer, **QUICK)(X)
    jacobian = jax.jacobian(layer)(X)
    np.testing.assert_allclose(report.jvp(V), jacobian @ V, rtol=1e-5)
    np.testing.assert_allclose(report.vjp(U), U @ jacobian, rtol=1e-5)
    for name in ("hvp", "vhv"):
        with pytest.raises(OutOfReach, match="weighted sum"):
            getattr(report, name)(V)


def test_products_with_a_hessian_have_the_structure_of_the_arguments() -> None:
    report = derive(loss, **QUICK)(PARAMS)
    flat, unravel = ravel_pytree(PARAMS)
    hessian, along = jax.hessian(lambda p: loss(unravel(p)))(flat), ravel_pytree(ALONG)[0]
    image = report.hvp(ALONG)
    assert set(image) == {"w", "scale"}
    np.testing.assert_allclose(ravel_pytree(image)[0], hessian @ along, rtol=1e-4)
    assert report.vhv(ALONG) == pytest.approx(float(along @ hessian @ along), rel=1e-4)
    values, errors = report.diagonal()
    np.testing.assert_allclose(ravel_pytree(values)[0], np.diag(hessian), rtol=1e-4, atol=1e-5)
    assert not np.any(ravel_pytree(errors)[0])
    assert float(report.jvp(ALONG)) == pytest.approx(
        float(jax.grad(lambda p: loss(unravel(p)))(flat) @ along), rel=1e-4
    )


def test_a_large_diagonal_is_estimated_with_its_error() -> None:
    weights = jnp.asarray(RNG.uniform(0.5, 2.0, 2000), jnp.float32)
    report = derive(lambda x: jnp.sum(weights * x**2) + 1e-3 * jnp.sum(x) ** 2, **QUICK)(jnp.ones(2000))
    values, errors = report.diagonal(probes=32)
    assert np.all(np.abs(values - (2 * weights + 2e-3)) <= 6 * errors + 1e-4)
    assert 0 < float(jnp.max(errors)) < 0.2


def test_a_direction_of_another_structure_is_refused_with_the_one_that_is_meant() -> None:
    with pytest.raises(InputError, match=r"params\['w'\] \(4,\)"):
        derive(loss, **QUICK)(PARAMS).hvp({"w": V[:2], "scale": 0.5})


def test_a_result_of_several_parts() -> None:
    def parts(x: Any) -> Any:
        return {"a": jnp.sin(x), "n": 3, "b": jnp.sum(x)}

    found = derive(parts, **QUICK)(X).jvp(V)
    np.testing.assert_allclose(found["a"], jnp.cos(X) * V, rtol=1e-5)
    assert float(found["b"]) == pytest.approx(float(jnp.sum(V)), rel=1e-5)


def test_without_forward_mode_there_is_no_jvp() -> None:
    @jax.custom_vjp
    def own(x: Any) -> Any:
        return x**2

    own.defvjp(lambda x: (own(x), x), lambda x, g: (2 * x * g,))
    report = derive(own, **QUICK)(1.5)
    assert float(report.vjp(1.0)) == pytest.approx(3.0)
    with pytest.raises(OutOfReach, match="no such product"):
        report.jvp(1.0)


def test_a_function_that_jax_cannot_trace() -> None:
    def choosing(x: Any) -> Any:
        return x**3 if x > 0 else x

    report = derive(choosing, **QUICK)(2.0)
    assert float(report.jvp(1.0)) == pytest.approx(12.0)
    assert float(report.hvp(1.0)) == pytest.approx(12.0)


def test_a_saved_report_says_that_its_function_is_gone() -> None:
    report = pickle.loads(pickle.dumps(derive(layer, **QUICK)(X)))
    with pytest.raises(OutOfReach, match="derive it again"):
        report.jvp(V)


def test_a_large_hessian_is_built_when_it_is_asked_for() -> None:
    x = jnp.linspace(0.1, 1.0, 400)
    report = derive(lambda x: jnp.sum(x**3) + x[0] * x[399], symbolic=False, cost="none")(x)
    assert report.built_hessian is None
    assert any("report.hessian builds it" in finding.message for finding in report.findings)
    assert report.hessian.shape == (400, 400)
    np.testing.assert_allclose(np.diag(report.hessian), 6 * x, rtol=1e-5)
    assert report.hessian is report.hessian
    assert report.to_dict()["hessian"] is None
