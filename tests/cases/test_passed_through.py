"""One operation without a rule must not disable the rest: primitives that others add are followed by their code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.extend as jex
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.interpreters import ad, batching, mlir

from jaxdiff_magic import WrongDerivative, check, derive


def primitive(name: str, code: Callable[..., Any], shaped: Callable[..., Any], *, written: bool = True) -> Any:
    """A primitive as libraries make them: `code` is what it does; `written` says whether JAX can run it eagerly."""
    made = jex.core.Primitive(name)
    if written:
        made.def_impl(code)
    made.def_abstract_eval(shaped)
    mlir.register_lowering(made, mlir.lower_fun(code, multiple_results=False))
    return made


def linear(made: Any, pull: Callable[[Any], Any] = lambda ct: ct) -> Any:
    ad.deflinear2(made, lambda ct, *operands, **params: [pull(ct)])
    batching.defvectorized(made)
    return made


def same(x: Any, *rest: Any, **params: Any) -> Any:
    return x


def scalar_bool(x: Any, **params: Any) -> Any:
    return jax.core.ShapedArray((), np.dtype(bool))


ANY = primitive("unvmap_any_of", jnp.any, scalar_bool)
LARGEST = primitive("unvmap_largest", lambda x: jnp.max(x), lambda x: jax.core.ShapedArray((), x.dtype))
ONLY = linear(primitive("nonbatched", same, same))
BARE = linear(primitive("without_code", same, same, written=False))
HOST = linear(primitive("on_the_host", lambda x: np.asarray(x) + 0, same))
mlir.register_lowering(HOST, lambda context, x: [x])
CHOSEN = primitive("select_unless", lambda which, x, y: x, lambda which, x, y: x)
ad.primitive_jvps[CHOSEN] = lambda primals, tangents: (CHOSEN.bind(*primals), tangents[1])
batching.defvectorized(CHOSEN)
PLACED = primitive("maybe_set", lambda x, y, i: x.at[i].set(y), lambda x, y, i: x)
ad.primitive_jvps[PLACED] = lambda p, t: (PLACED.bind(*p), PLACED.bind(t[0], t[1], p[2]))
batching.primitive_batchers[PLACED] = lambda args, axes: (
    jax.vmap(PLACED.impl, in_axes=tuple(axes))(*args) if any(a is not None for a in axes) else PLACED.bind(*args),
    0,
)
REVERSED = linear(primitive("gradient_reversal", same, same), lambda ct: -ct)

RIGHT: dict[str, tuple[Callable[..., Any], Any, Any]] = {
    "a boolean of all": (
        lambda x: jnp.sum(jnp.where(ANY.bind(x > 2), x, jnp.sin(x))),
        [1.2, -0.3],
        np.cos([1.2, -0.3]),
    ),
    "an integer of all": (
        lambda x: jnp.sum(x ** (1 + LARGEST.bind(jnp.arange(3)))),
        [1.2, -0.3],
        3 * np.array([1.2, -0.3]) ** 2,
    ),
    "the same numbers": (lambda x: ONLY.bind(jnp.sin(x)) * x, 1.2, np.cos(1.2) * 1.2 + np.sin(1.2)),
    "the same numbers, without code": (lambda x: BARE.bind(jnp.sin(x)) * x, 1.2, np.cos(1.2) * 1.2 + np.sin(1.2)),
    "the same numbers, by NumPy": (lambda x: HOST.bind(jnp.sin(x)) * x, 1.2, np.cos(1.2) * 1.2 + np.sin(1.2)),
    "one of two": (lambda x: CHOSEN.bind(x > 0, jnp.sin(x), x) ** 2, 1.2, np.sin(2.4)),
    "an element set": (
        lambda x: jnp.prod(PLACED.bind(x, x[0] ** 2, jnp.int32(1))),
        [1.2, -0.3, 2.0],
        [3 * 1.2**2 * 2, 0.0, 1.2**3],
    ),
    "in a loop": (lambda x: lax.fori_loop(0, 3, lambda i, c: BARE.bind(c * x), x), 1.2, 4 * 1.2**3),
    "in a branch": (
        lambda x: lax.cond(ANY.bind(x > 0), lambda c: ONLY.bind(c) ** 2, lambda c: c, x),
        1.2,
        2.4,
    ),
    "a barrier": (lambda x: lax.optimization_barrier(jnp.sin(x)) * x, 1.2, np.cos(1.2) * 1.2 + np.sin(1.2)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_the_rest_of_the_function_is_followed(name: str) -> None:
    f, point, truth = RIGHT[name]
    with jax.enable_x64(True):
        found = check(f, order=1, points=8, budget=60)(jnp.asarray(point))
    assert found.outcome == "agrees" and "symbolic" not in found.columns
    assert [row.symbolic for row in found.entries] == pytest.approx(np.ravel(truth).tolist(), rel=1e-12, abs=1e-12)


def test_formulas_are_written_through_them() -> None:
    report = derive(lambda x: BARE.bind(ONLY.bind(x) ** 2) * x, cost="none", order=1, points=8)(2.0)
    assert report.verdict == "proved" and report.formula("gradient").text == "3*x**2"


def test_a_rule_of_theirs_that_is_not_the_derivative_differs_and_is_named() -> None:
    with pytest.raises(WrongDerivative, match="gradient_reversal"):
        check(lambda x: REVERSED.bind(jnp.sin(x)) * x, order=1, points=8, budget=60)(1.2)


def test_what_only_looks_like_the_same_numbers_is_not_taken_for_them() -> None:
    """Cut at ±0.5, and only the lowering knows: other numbers than those of the code at the point would show it."""
    cut = linear(primitive("cut", lambda x: jnp.clip(x, -0.5, 0.5), same, written=False))
    with jax.enable_x64(True):
        try:
            found = check(lambda x: cut.bind(x) * x, order=1, points=8, budget=60)(1.2)
        except WrongDerivative:
            return  # JAX says 1.2 + 0.5, the truth is 0.5
    assert found.outcome != "agrees"


@pytest.mark.parametrize("bits", [7, 10])
def test_numbers_that_are_cut_to_fewer_bits(bits: int) -> None:
    with jax.enable_x64(True):
        found = check(lambda x: lax.reduce_precision(jnp.sin(x), 8, bits) * x, order=1, points=8, budget=60)(1.2)
    assert found.outcome == "agrees"
    assert found.entries[0].symbolic == pytest.approx(np.cos(1.2) * 1.2 + np.sin(1.2), rel=1e-12)
