"""Every primitive that moves or reduces data: value, Jacobian and Hessian, beside JAX's in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic.errors import OutOfReach
from jaxdiff_magic.symbolic.rules import STRUCTURE, VIEWS

from .agreement import assert_formulas_match, primitives_of

Case = tuple[Callable[..., Any], *tuple[tuple[int, ...], ...]]


def dot(*dimension_numbers: Any) -> Callable[..., Any]:
    return lambda x, y: lax.dot_general(x, y, dimension_numbers)


def pad(*config: tuple[int, int, int]) -> Callable[..., Any]:
    return lambda x: lax.pad(x, jnp.asarray(0.5, x.dtype), config)


CASES: dict[str, list[Case]] = {
    "broadcast_in_dim": [
        (lambda x: lax.broadcast_in_dim(x, (2, 3, 4), (1,)), (3,)),
        (lambda x: lax.broadcast_in_dim(x, (2, 3), (0, 1)), (2, 1)),
        (lambda x: lax.broadcast_in_dim(x, (0, 3), (1,)), (3,)),
        (lambda x: lax.broadcast_in_dim(x, (2, 2), ()), ()),
    ],
    "reshape": [
        (lambda x: x.reshape(2, 3), (6,)),
        (lambda x: x.reshape(3, 2).T.reshape(6), (2, 3)),
        (lambda x: x.reshape(3, 1, 4).reshape(2, 6).T.reshape(4, 3), (12,)),
        (lambda x: x.reshape(1, 2, 1, 3), (2, 3)),
        (lambda x: x.reshape(0, 3), (2, 0)),
        (lambda x: x.reshape(1, 1), ()),
    ],
    "squeeze": [(lambda x: lax.squeeze(x, (0, 2)), (1, 3, 1, 2)), (lambda x: lax.squeeze(x, (0,)), (1,))],
    "transpose": [
        (lambda x: lax.transpose(x, (2, 0, 1)), (2, 3, 4)),
        (lambda x: lax.transpose(x, (1, 0)), (1, 3)),
        (lambda x: lax.transpose(x, (1, 0)), (0, 3)),
    ],
    "tile": [
        (lambda x: jnp.tile(x, (2, 3)), (2, 2)),
        (lambda x: jnp.tile(x, 2), (0,)),
        (lambda x: jnp.tile(x, 3), (1,)),
    ],
    "slice": [
        (lambda x: lax.slice(x, (1, 0), (5, 3), (2, 1)), (6, 4)),
        (lambda x: lax.slice(x, (1,), (1,)), (3,)),
        (lambda x: x[-1] * x[::3], (7,)),
    ],
    "rev": [(lambda x: lax.rev(x, (0, 1)) * x, (2, 3)), (lambda x: lax.rev(x, (1,)), (2, 0))],
    "concatenate": [
        (lambda x, y: jnp.concatenate([x, y, x], 1), (2, 1), (2, 3)),
        (lambda x, y: jnp.concatenate([x, y], 0), (0,), (2,)),
    ],
    "stack": [(lambda x, y: jnp.stack([x, y, x], 1), (2, 3), (2, 3)), (lambda x, y: jnp.stack([x, y]), (), ())],
    "unstack": [(lambda x: [a * b for a, b in zip(jnp.unstack(x), jnp.unstack(x, axis=0), strict=True)], (3, 2))],
    "split": [(lambda x: jnp.split(x, [1, 3], axis=1), (2, 4)), (lambda x: jnp.split(x, [0, 2]), (3,))],
    "pad": [
        (pad((1, 2, 0)), (3,)),
        (pad((-1, -1, 0)), (4,)),
        (pad((2, -1, 2), (0, 1, 1)), (3, 2)),
        (pad((-2, 3, 1)), (3,)),
        (pad((1, 1, 0)), (0,)),
        (pad((0, 0, 3)), (1,)),
    ],
    "dot_general": [
        (dot(((1,), (0,)), ((), ())), (2, 3), (3, 4)),
        (dot(((0,), (0,)), ((), ())), (3,), (3,)),
        (dot(((2,), (1,)), ((0,), (0,))), (2, 3, 4), (2, 4, 3)),
        (dot(((0,), (2,)), ((2, 1), (0, 1))), (4, 3, 2), (2, 3, 4)),
        (dot(((1, 2), (2, 0)), ((), ())), (2, 3, 4), (4, 2, 3)),
        (dot(((), ()), ((), ())), (2,), (3,)),
        (dot(((1,), (0,)), ((), ())), (2, 0), (0, 3)),
        (dot(((1,), (0,)), ((), ())), (1, 1), (1, 2)),
    ],
    "reduce_sum": [
        (lambda x: jnp.sum(x**2, (0, 2)), (2, 3, 4)),
        (lambda x: jnp.sum(x**3), (2, 3)),
        (lambda x: jnp.sum(x, 1), (2, 0)),
        (lambda x: jnp.sum(x, 0), (1, 3)),
    ],
    "reduce_prod": [(lambda x: jnp.prod(x, (0, 2)), (2, 3, 2)), (lambda x: jnp.prod(x), (0,))],
    "reduce_max": [(lambda x: jnp.max(x**2, (0, 1)), (2, 3, 2)), (lambda x: jnp.max(x), (1,))],
    "reduce_min": [(lambda x: jnp.min(x**2, 1), (2, 3)), (lambda x: jnp.min(x), (4,))],
    "reduce_and": [(lambda x: jnp.where(jnp.all(x > -3, 1), x[:, 0] ** 2, x[:, 1]), (2, 3))],
    "reduce_or": [(lambda x: jnp.where(jnp.any(x > 0, 1), x[:, 0] ** 2, x[:, 1]), (4, 3))],
    "cumsum": [
        (lambda x: lax.cumsum(x, 0) ** 2, (4,)),
        (lambda x: lax.cumsum(x, 1, reverse=True) ** 2, (2, 3)),
        (lambda x: lax.cumsum(x, 0, reverse=True), (1, 2)),
        (lambda x: lax.cumsum(x, 0), (0,)),
    ],
    "iota": [(lambda x: x * lax.broadcasted_iota(x.dtype, (2, 3), 1), (2, 3))],
    "convert_element_type": [
        (lambda x: x * (x > 0).astype(x.dtype), (4,)),
        (lambda x: x * (2.5 * x).astype(int), (5,)),
        (lambda x: jnp.where((jnp.arange(3) - 1).astype(bool), x, x**2), (3,)),
    ],
    "dynamic_slice": [
        (lambda x: lax.dynamic_slice(x, (1, 0), (2, 2)) ** 2, (4, 3)),
        (lambda x: lax.dynamic_slice(x, (7,), (2,)), (3,)),
    ],
}


def test_no_rule_goes_untested() -> None:
    assert set(CASES) == set(STRUCTURE)


def test_every_primitive_that_only_moves_elements_has_a_rule() -> None:
    assert {*STRUCTURE, "copy"} >= VIEWS


@pytest.mark.parametrize(
    ("primitive", "case"),
    [(primitive, case) for primitive, cases in CASES.items() for case in cases],
    ids=[f"{primitive}-{k}" for primitive, cases in CASES.items() for k in range(len(cases))],
)
def test_formulas_are_jaxs_numbers(primitive: str, case: Case) -> None:
    f, *shapes = case
    rng = np.random.default_rng(5)
    point = [rng.uniform(-2.0, 2.0, shape) for shape in shapes]
    assert primitive in primitives_of(f, *point)
    assert assert_formulas_match(f, *point)


def test_what_selects_wins_over_infinity() -> None:
    # x / y is infinite where the padding is; the product with 0 must not become NaN
    f = lambda x: jnp.sum(lax.pad(1.0 / x, jnp.asarray(0.0, x.dtype), [(-1, 0, 0)]))  # noqa: E731
    assert assert_formulas_match(f, np.array([0.0, 1.0, 2.0]))


@pytest.mark.parametrize("f", [lambda x: jnp.sum(jnp.sort(x)), lambda x: lax.dynamic_slice(x, (jnp.argmax(x),), (1,))])
def test_what_has_no_rule_is_named_with_its_line(f: Callable[..., Any]) -> None:
    with pytest.raises(OutOfReach, match=r"(sort|argmax) has no formula yet \(test_structure.py, line \d+\)"):
        assert_formulas_match(f, np.array([1.0, 3.0, 2.0]))


def test_complex_numbers_are_out_of_reach() -> None:
    for f in (lambda x: jnp.real(x * np.array([1j, 2.0])), lambda x: jnp.abs(x * 1j)):
        with pytest.raises(OutOfReach, match="complex"):
            assert_formulas_match(f, np.array([1.0, 3.0]))
