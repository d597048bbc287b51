"""What the reader is told beside the numbers."""

from __future__ import annotations

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.findings.saying import listing
from jaxdiff_magic.report import Finding


def findings(f: Any, *args: Any, wrt: Any = None, **kwargs: Any) -> tuple[Finding, ...]:
    return derive(f, wrt=wrt, cost="none", points=1)(*args, **kwargs).findings


def only(found: tuple[Finding, ...]) -> Finding:
    (finding,) = found
    return finding


def test_nothing_is_said_about_a_smooth_scalar_function() -> None:
    assert findings(lambda x: jnp.sum(x**3), jnp.ones(3)) == ()


class TestHeldArguments:
    def test_an_integer_is_named_with_its_value(self) -> None:
        finding = only(findings(lambda x, n: x**n, 2.0, 3))
        assert (finding.kind, finding.severity, finding.path) == ("integer", "info", "n")
        assert finding.message == "n (3) is an integer: held fixed."
        assert "pass a float" in finding.cure

    def test_several_of_one_kind_share_one_sentence(self) -> None:
        finding = only(findings(lambda x, n, k: x**n * k, 2.0, 3, 4))
        assert finding.message == "n (3) and k (4) are integers: held fixed."

    def test_a_keyword_can_be_named_in_wrt(self) -> None:
        finding = only(findings(lambda x, *, k: x * k, 2.0, k=5.0))
        assert finding.message == "k (5.0) is a keyword argument: held fixed."
        assert "wrt" in finding.cure

    def test_what_the_reader_left_out_is_not_told_back(self) -> None:
        assert findings(lambda x, y: x * y, 2.0, 3.0, wrt="x") == ()


class TestPrecision:
    def test_numpy_float64_that_becomes_float32_is_a_warning(self) -> None:
        finding = only(findings(lambda x: x @ x, np.ones(3)))
        assert (finding.kind, finding.severity, finding.path) == ("precision", "warning", "x")
        assert "jax_enable_x64" in finding.cure

    def test_nothing_is_lost_with_x64(self) -> None:
        with jax.enable_x64(True):
            assert findings(lambda x: x @ x, np.ones(3)) == ()

    def test_python_floats_and_float32_lose_nothing(self) -> None:
        assert findings(lambda x, y: x * y.sum(), 2.0, np.ones(3, np.float32)) == ()


class TestModes:
    def test_a_vector_output_explains_what_grad_refuses(self) -> None:
        def f(x: jax.Array) -> jax.Array:
            return jnp.stack([x**2, 4 * x])

        finding = only(findings(f, 1.0))
        assert (finding.kind, finding.severity) == ("infeasible-mode", "info")
        with pytest.raises(TypeError, match="Gradient only defined for scalar-output functions"):
            jax.grad(f)(1.0)
        assert "Gradient only defined for scalar-output functions" in finding.message
        assert "f returns an array of shape (2,)" in finding.message
        assert "jax.jacrev(f)(x) or jax.jacfwd(f)(x)" in finding.cure

    def test_one_element_in_an_array_is_not_a_scalar(self) -> None:
        finding = only(findings(lambda x: (x @ x)[None], jnp.ones(2)))
        assert "shape (1,)" in finding.message
        assert ".squeeze()" in finding.cure

    def test_a_custom_vjp_has_no_forward_mode(self) -> None:
        @jax.custom_vjp
        def square(x: jax.Array) -> jax.Array:
            return x**2

        square.defvjp(lambda x: (x**2, x), lambda x, g: (2 * x * g,))
        finding = only(findings(square, 3.0))
        assert (finding.kind, finding.severity) == ("infeasible-mode", "warning")
        assert finding.message.startswith("Forward mode of square was not computed: ")
        assert "jax.grad(square)(x)" in finding.cure

    def test_a_while_loop_has_no_reverse_mode(self) -> None:
        found = findings(lambda x: jax.lax.while_loop(lambda c: c < 10, lambda c: 2 * c, x), 1.0)
        assert "Reverse mode of f was not computed" in found[0].message
        assert found[0].cure == "Use jax.jacfwd(f)(x)."

    def test_a_mode_left_out_for_its_cost_is_no_warning(self) -> None:
        found = findings(lambda x: x @ x, jnp.ones(1500))
        found = tuple(finding for finding in found if finding.kind != "too-large")
        assert only(found).severity == "info"
        assert "1500 passes" in only(found).message


class TestSizes:
    def test_a_hessian_that_would_not_fit_is_stated_with_its_size(self) -> None:
        found = findings(lambda x: x @ x, jnp.ones(3000))
        finding = only(tuple(f for f in found if f.kind == "too-large"))
        assert "The Hessian of f was not built: it would have 1 x 3000 x 3000 entries" in finding.message
        assert "jax.jvp" in finding.cure

    def test_the_products_of_a_vector_functions_second_derivative_run_as_written(self) -> None:
        def f(x: jax.Array) -> jax.Array:
            return jnp.sin(x) * x**2

        x, v, w, u = (jnp.asarray(row, float) for row in np.random.default_rng(0).normal(size=(4, 200)))
        finding = only(tuple(f for f in findings(f, x) if f.kind == "too-large"))
        second = (2 - x**2) * jnp.sin(x) + 4 * x * jnp.cos(x)  # by hand: the rest of it is 0
        along, weighted = re.findall(r"jax\.jvp\(.*?\)\[1\](?=[;.])", finding.cure)
        names = {"jax": jax, "f": f, "x": x, "v": v, "w": w, "u": u}
        np.testing.assert_allclose(eval(along, names), second * v * w, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(eval(weighted, names), second * u * v, rtol=1e-4, atol=1e-5)

    def test_no_product_is_offered_in_a_mode_that_a_function_does_not_have(self) -> None:
        def doubled(x: jax.Array) -> jax.Array:
            return jax.lax.while_loop(lambda c: jnp.sum(c) < 10, lambda c: 2 * c, x**2)

        finding = only(tuple(f for f in findings(doubled, jnp.ones(200)) if f.kind == "too-large"))
        assert "jax.jvp(doubled, (x,), (v,))" in finding.cure
        assert "jax.grad" not in finding.cure


class TestNotFinite:
    def test_a_derivative_outside_the_domain_is_finite_and_meaningless(self) -> None:
        assert jax.grad(jnp.log)(-1.0) == -1
        finding = only(findings(lambda x: jnp.log(x), -1.0))
        assert (finding.kind, finding.severity, finding.path) == ("domain", "warning", "f")
        assert "f is nan here" in finding.message
        assert "though JAX returns finite ones" in finding.message

    def test_nan_in_reverse_mode_only_is_said_so(self) -> None:
        def f(x: jax.Array) -> jax.Array:
            return jnp.sum(jnp.where(x > 0, jnp.log(x) * x, 0.0))

        finding = findings(f, jnp.array([0.0, 1.0]))[0]
        assert (finding.kind, finding.path) == ("nan", "x[0]")
        assert "with respect to x[0] is nan in reverse mode only" in finding.message
        assert "jnp.where" in finding.cure

    def test_the_norm_at_zero_is_nan_in_every_entry(self) -> None:
        finding = findings(jnp.linalg.norm, jnp.zeros(5))[0]
        assert "x[0], x[1], x[2] and 2 more is nan" in finding.message
        assert "only" not in finding.message

    def test_a_hessian_can_be_infinite_where_the_gradient_is_not(self) -> None:
        finding, *_ = findings(lambda x: x**1.5, 0.0)
        assert "The Hessian of f has entries that are infinite" in finding.message


def test_the_gravest_comes_first() -> None:
    found = findings(lambda x, n: jnp.log(x) * n, -1.0, 2)
    assert [finding.severity for finding in found] == ["warning", "info"]


@pytest.mark.parametrize(
    ("names", "text"),
    [("x", "x"), ("xy", "x and y"), ("xyz", "x, y and z"), ("abcdefg", "a, b, c and 4 more")],
)
def test_a_long_list_of_names_is_cut(names: str, text: str) -> None:
    assert listing(list(names)) == text
