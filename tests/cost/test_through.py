"""The Jacobian through a bottleneck, as a transformation: what `jax.jacrev` gives, in fewer passes, or a refusal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiff_magic
from jaxdiff_magic import InputError, jacobian_through_bottleneck
from jaxdiff_magic.cost.counting import count

from .test_structure import INNER, LARGE, OUTER, bottleneck, cube, named, strategies

X = jnp.asarray(LARGE, jnp.float32)
IN, OUT = jnp.asarray(INNER, jnp.float32) / 9, jnp.asarray(OUTER, jnp.float32)


def decode(params: dict[str, Any], scale: float, power: int = 2) -> dict[str, Any]:
    h = jnp.tanh(IN @ params["x"] * jnp.sum(params["y"]) * scale)
    return {"a": (OUT @ h) ** power, "b": [jnp.outer(h, jnp.ones(30))]}


PARAMS = {"x": X, "y": jnp.full((2, 3), 0.1)}


def same(found: Any, expected: Any) -> None:
    """Structure, shapes, dtypes and numbers."""
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


class TestTheJacobian:
    @pytest.mark.parametrize("argnums", [0, (0,), (0, 1), (1, 0), -2])
    def test_is_that_of_jacrev_for_pytrees(self, argnums: Any) -> None:
        same(jacobian_through_bottleneck(decode, argnums)(PARAMS, 1.5), jax.jacrev(decode, argnums)(PARAMS, 1.5))

    def test_takes_keywords_and_held_arguments(self) -> None:
        same(jacobian_through_bottleneck(decode)(PARAMS, 1.5, power=3), jax.jacrev(decode)(PARAMS, 1.5, power=3))

    def test_is_computed_under_jit_map_and_gradient(self) -> None:
        through = jacobian_through_bottleneck(decode)
        same(jax.jit(through)(PARAMS, 1.5), jax.jacrev(decode)(PARAMS, 1.5))
        scales = jnp.array([0.5, 1.0, 1.5])
        same(jax.vmap(through, (None, 0))(PARAMS, scales), jax.vmap(jax.jacrev(decode), (None, 0))(PARAMS, scales))
        one, other = (
            jax.grad(lambda s, make=make: jnp.sum(make(decode)(PARAMS, s)["a"]["x"] ** 2))(1.5)
            for make in (jacobian_through_bottleneck, jax.jacrev)
        )
        np.testing.assert_allclose(one, other, rtol=1e-4)

    @pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16])
    def test_is_of_the_dtype_of_the_input(self, dtype: Any) -> None:
        def f(x: jax.Array) -> jax.Array:
            return bottleneck(x.astype(jnp.float32))

        found = jacobian_through_bottleneck(f)(X.astype(dtype))
        assert found.dtype == jax.jacrev(f)(X.astype(dtype)).dtype == dtype

    def test_is_computed_of_numpy_arrays_in_double_precision(self) -> None:
        same(jacobian_through_bottleneck(bottleneck)(LARGE), jax.jacrev(bottleneck)(LARGE))
        with jax.enable_x64(True):
            found = jacobian_through_bottleneck(bottleneck)(LARGE)
            assert found.dtype == np.float64
            np.testing.assert_allclose(found, jax.jacrev(bottleneck)(LARGE), rtol=1e-10, atol=1e-13)

    def test_takes_fewer_operations(self) -> None:
        def f(x: jax.Array) -> jax.Array:
            return OUT @ jnp.tanh(IN @ jnp.sin(x))

        through, plain = (count(jax.make_jaxpr(make(f))(X)).flops for make in (jacobian_through_bottleneck, jax.jacrev))
        assert through < plain


class TestTheCallToPaste:
    @pytest.mark.parametrize(
        ("f", "args", "call"),
        [
            (bottleneck, {"x": X}, "jaxdiff_magic.jacobian_through_bottleneck(bottleneck)(x)"),
            (
                lambda x, n: bottleneck(x) * n,
                {"x": X, "n": 3},
                "jaxdiff_magic.jacobian_through_bottleneck(lambda x: f(x, n))(x)",
            ),
            (
                lambda x, y: bottleneck(x + y),
                {"x": X, "y": X},
                "jaxdiff_magic.jacobian_through_bottleneck(f, argnums=(0, 1))(x, y)",
            ),
            (
                lambda p, y: bottleneck(p["x"] * y),
                {"p": {"x": X}, "y": jnp.float32(0.1)},
                "jaxdiff_magic.jacobian_through_bottleneck(f, argnums=(0, 1))(p, y)",
            ),
        ],
    )
    def test_gives_the_jacobian(self, f: Callable[..., Any], args: dict[str, Any], call: str) -> None:
        found = named(strategies(f, *args.values()), "bottleneck")
        assert not found.infeasible and found.verified
        assert found.call == call
        names = {"jaxdiff_magic": jaxdiff_magic, "f": f, "bottleneck": bottleneck, **args}
        floating = [k for k, value in enumerate(args.values()) if not isinstance(value, int)]
        expected = jax.jacrev(f, floating[0] if len(floating) == 1 else floating)(*args.values())
        pasted = eval(found.call, names)
        for a, b in zip(jax.tree.leaves(pasted), jax.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def needs_a_number(x: jax.Array) -> jax.Array:
    return x if x[0] > 0 else -x


class TestIsRefused:
    @pytest.mark.parametrize(
        ("f", "args", "why", "instead"),
        [
            (lambda x: x**2, (X,), "f has no bottleneck", "Use jax.jacrev(f), which takes 80 passes."),
            (lambda x: jnp.sum(bottleneck(x)), (X,), "f has no bottleneck", "Use jax.jacrev(f), which takes 1 pass."),
            (
                lambda x: bottleneck(x)[:80] + x,
                (X,),
                "f has no bottleneck",
                "Use jax.jacrev(f), which takes 80 passes.",
            ),
            (
                lambda x: bottleneck(jnp.tile(x, 40)),
                (X[:2],),
                "f has no bottleneck",
                "Use jax.jacfwd(f), which takes 2 pas",
            ),
            (needs_a_number, (X,), "JAX cannot trace needs_a_number", "Use jax.jacfwd or jax.jacrev."),
            (lambda x: x, (jnp.arange(80),), "An argument of f has an integer leaf", "floating-point arguments only."),
            (lambda x: {"n": jnp.argmax(x), "y": x}, (X,), "A result of f has an integer leaf", "numbers only."),
            (lambda x: x + 1j, (X,), "A result of f has a complex leaf", "numbers only."),
            (lambda: X, (), "argnums is 0, but f was called with 0 positional arguments", "counted from 0."),
        ],
    )
    def test_with_what_to_use_instead(self, f: Any, args: Any, why: str, instead: str) -> None:
        with pytest.raises(InputError) as raised:
            jacobian_through_bottleneck(f)(*args)
        assert str(raised.value).startswith(why)
        assert instead in str(raised.value)

    def test_where_a_part_has_only_the_dear_mode(self) -> None:
        def f(x: jax.Array) -> jax.Array:  # a loop has no reverse mode, so that what comes before takes 80 passes
            h = jax.lax.while_loop(lambda h: jnp.max(h) > 0.5, lambda h: h * 0.9, IN @ x)
            return OUT @ jnp.sin(h)

        with pytest.raises(InputError, match="its two parts take 84 passes together"):
            jacobian_through_bottleneck(f)(X)

    def test_where_a_part_has_no_derivative_at_all(self) -> None:
        def f(x: jax.Array) -> jax.Array:
            h = jax.lax.while_loop(lambda h: jnp.max(h) > 0.5, lambda h: h * 0.9, IN @ cube(x))
            return OUT @ jnp.sin(h)

        with pytest.raises(InputError, match="JAX has no Jacobian of one of its two parts"):
            jacobian_through_bottleneck(f)(X)


def test_the_package_exports_it_without_importing_jax() -> None:
    code = "import sys, jaxdiff_magic as j; assert 'jax' not in sys.modules; j.jacobian_through_bottleneck; import jax"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert "jacobian_through_bottleneck" in jaxdiff_magic.__all__


def test_positions_given_twice_are_refused_and_numpy_integers_taken() -> None:
    a, b = jnp.ones((2, 20)) / 20, jnp.ones((30, 2))
    jacobian = jacobian_through_bottleneck(lambda x: b @ jnp.tanh(a @ x), np.int64(0))(jnp.ones(20))
    np.testing.assert_allclose(jacobian, jax.jacrev(lambda x: b @ jnp.tanh(a @ x))(jnp.ones(20)), rtol=1e-5)
    for twice in ((0, 0), (0, -1)):
        with pytest.raises(InputError, match="each once"):
            jacobian_through_bottleneck(lambda x: b @ jnp.tanh(a @ x), twice)(jnp.ones(20))
