"""Every primitive that moves or reduces data: value, Jacobian and Hessian, beside JAX's in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.ad_checkpoint import checkpoint_name

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.notation import definition_formula
from jaxdiff_magic.engines.symbolic.rules import STRUCTURE, VIEWS
from jaxdiff_magic.primitives.core import CORE

from .agreement import assert_formulas_match, assert_formulas_match_differences, formulas_of, primitives_of

Case = tuple[Callable[..., Any], *tuple[tuple[int, ...], ...]]


def dot(*dimension_numbers: Any) -> Callable[..., Any]:
    return lambda x, y: lax.dot_general(x, y, dimension_numbers)


def pad(*config: tuple[int, int, int]) -> Callable[..., Any]:
    return lambda x: lax.pad(x, jnp.asarray(0.5, x.dtype), config)


def convolve(strides: Any, padding: Any, stretched: Any, dilation: Any, **options: Any) -> Callable[..., Any]:
    return lambda x, k: lax.conv_general_dilated(x, k, strides, padding, stretched, dilation, **options)


def definite(x: jax.Array) -> jax.Array:
    return x @ jnp.swapaxes(x, -1, -2) + 2 * jnp.eye(x.shape[-1])


def square_root(x: jax.Array) -> jax.Array:
    values, vectors = jnp.linalg.eigh(x)
    return (vectors * jnp.sqrt(values)) @ vectors.T


triangular = jax.scipy.linalg.solve_triangular

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
    "copy": [(lambda x: jnp.array(x, copy=True) * x, (3,))],
    "name": [(lambda x: checkpoint_name(x**2, "kept") * x, (3,))],
    "optimization_barrier": [(lambda x: sum(lax.optimization_barrier((x, x**2))), (3,))],
    "reduce_precision": [(lambda x: lax.reduce_precision(x, 11, 52) ** 2, (3,))],
    "reduce_window_sum": [
        (lambda x: lax.reduce_window(x**2, 0.0, lax.add, (2, 3), (2, 1), "VALID"), (5, 6)),
        (lambda x: lax.reduce_window(x**2, 0.0, lax.add, (3,), (2,), ((1, 2),), None, (2,)), (9,)),
    ],
    "reduce_window_max": [(lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (2, 2), (1, 2), "VALID") ** 2, (3, 4))],
    "reduce_window_min": [(lambda x: lax.reduce_window(x, jnp.inf, lax.min, (3,), (2,), "VALID") ** 2, (7,))],
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
    "reduce_max": [
        (lambda x: jnp.max(x**2, (0, 1)), (2, 3, 2)),
        (lambda x: jnp.max(x), (1,)),
        (lambda x: jnp.max(x) ** 2, (50,)),
        (lambda x: jnp.max(x, (0, 2)) ** 2, (6, 2, 7)),
    ],
    "reduce_min": [
        (lambda x: jnp.min(x**2, 1), (2, 3)),
        (lambda x: jnp.min(x), (4,)),
        (lambda x: jnp.min(x, 0) ** 2, (40, 2)),
    ],
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
        (lambda x: lax.dynamic_slice(x, (jnp.argmax(x),), (1,)) ** 2, (4,)),
    ],
    "dynamic_update_slice": [
        (lambda x, u: lax.dynamic_update_slice(x, u**2, (1, 0)) ** 2, (4, 3), (2, 2)),
        (lambda x, u: lax.dynamic_update_slice(x, u, (9,)) ** 2, (4,), (2,)),
        (lambda x: lax.dynamic_update_slice(x, x[:1] ** 2, (jnp.argmax(x),)), (4,)),
    ],
    "device_put": [(lambda x: jax.device_put(x) ** 2, (3,))],
    "gather": [
        (lambda x: x[jnp.array([2, 0, -1])] ** 2, (5,)),
        (lambda x: x[jnp.array([2, 2, 4])] ** 2, (5,)),
        (lambda x: x[jnp.array([2, 0]), jnp.array([1, 3])] ** 2, (4, 4)),
        (lambda x: x[jnp.array([[2, 0], [1, 1]])] ** 2, (4, 2)),
        (lambda x: x[:, jnp.array([1, 0]), None] ** 2, (2, 3)),
        (lambda x: x[np.array([True, False, True, True, False])] ** 2, (5,)),
        (lambda x: x[jnp.triu_indices(3, 1)] ** 2, (3, 3)),
        (lambda x: jnp.take_along_axis(x, jnp.array([[1], [0], [3]]), 1) ** 2, (3, 4)),
        (lambda x: jnp.take_along_axis(x, jnp.argsort(x, 0), 0) ** 2, (3, 4)),
        (lambda x: x[jnp.argmax(x, 0), jnp.arange(2)] * x, (4, 2)),
        (lambda x: x.at[jnp.array([2, 9])].get(mode="fill", fill_value=1.5) ** 2, (5,)),
        (lambda x: x.at[jnp.array([2, 9])].get(mode="clip") ** 2, (5,)),
    ],
    "scatter": [
        (lambda x: x.at[1].set(3.0) ** 2, (4,)),
        (lambda x: x.at[jnp.array([3, 1])].set(x[:2] ** 2) ** 2, (5,)),
        (lambda x: x.at[1::2].set(x[:2] ** 2) ** 2, (5,)),
        (lambda x: x.at[1].set(jnp.sin(x[0])) ** 2, (3, 4)),
        (lambda x: x.at[jnp.arange(3), jnp.arange(3)].set(jnp.sin(x[0])) ** 2, (3, 3)),
        (lambda x: x.at[jnp.array([0, 2]), jnp.array([1, 0])].set(x[1, :2]) ** 2, (3, 3)),
        (lambda x: x.at[jnp.array([3, 7])].set(x[:2] ** 2, mode="drop") ** 2, (5,)),
    ],
    "scatter-add": [
        (lambda x: x.at[jnp.array([3, 1])].add(x[:2] ** 2) ** 2, (5,)),
        (lambda x: x.at[jnp.array([3, 3, 0])].add(x[:3] ** 2) ** 2, (5,)),
        (lambda x: x.at[jnp.array([3, 7, 3])].add(x[:3] ** 2, mode="drop") ** 2, (5,)),
        (lambda x: jax.ops.segment_sum(x**2, jnp.array([0, 1, 0, 2]), 3) ** 2, (4, 2)),
    ],
    "scatter-sub": [
        (lambda x: x.at[jnp.array([3, 1])].subtract(x[:2] ** 2) ** 2, (5,)),
        (lambda x: x.at[jnp.array([3, 3, 0])].subtract(x[:3] ** 2) ** 2, (5,)),
    ],
    "scatter-mul": [(lambda x: x.at[jnp.array([3, 0])].multiply(x[:2] ** 2, unique_indices=True) ** 2, (5,))],
    "scatter-min": [(lambda x: x.at[jnp.array([3, 1, 0])].min(x[:3] ** 2) ** 2, (5,))],
    "scatter-max": [(lambda x: x.at[jnp.array([3, 3, 0])].max(x[:3] ** 2) ** 2, (5,))],
    "argmax": [(lambda x: x * jnp.argmax(x), (4,)), (lambda x: x * jnp.argmax(x, 0), (3, 2))],
    "argmin": [(lambda x: x * jnp.argmin(x, 1)[:, None], (3, 2))],
    "sort": [
        (lambda x: jnp.sort(x) ** 2 * jnp.arange(5), (5,)),
        (lambda x: jnp.sort(x, axis=0) ** 2, (4, 2)),
        (lambda x: x[jnp.argsort(-x)] ** 2, (5,)),
        (lambda x: jnp.median(x) ** 2 + jnp.quantile(x, 0.3), (5,)),
    ],
    "top_k": [(lambda x: lax.top_k(x, 2)[0] ** 2, (5,)), (lambda x: x[:, :2] * lax.top_k(x, 2)[1], (2, 3))],
    "cumprod": [
        (lambda x: lax.cumprod(x, 0), (4,)),
        (lambda x: lax.cumprod(x, 1, reverse=True), (2, 3)),
    ],
    "cummax": [(lambda x: lax.cummax(x) ** 2, (6,)), (lambda x: lax.cummax(x, 0, reverse=True) ** 2, (4, 2))],
    "cummin": [(lambda x: lax.cummin(x, 1) ** 2, (2, 5))],
    "cumlogsumexp": [(lambda x: lax.cumlogsumexp(x), (4,)), (lambda x: lax.cumlogsumexp(x, 1, reverse=True), (2, 3))],
    "conv_general_dilated": [
        (jnp.convolve, (4,), (3,)),
        (convolve((2, 1), [(1, 1), (0, 2)], (1, 2), (1, 1)), (1, 1, 4, 4), (1, 1, 2, 2)),
        (convolve((1,), [(-1, 2)], (3,), (2,)), (2, 2, 5), (3, 2, 2)),
        (convolve((2,), [(1, 0)], (1,), (1,), feature_group_count=2), (1, 4, 5), (4, 2, 2)),
    ],
    "inv": [(lambda x: jnp.linalg.inv(definite(x)), (3, 3)), (lambda x: jnp.linalg.inv(definite(x)), (2, 3, 3))],
    "solve": [
        (lambda a, b: jnp.linalg.solve(definite(a), b), (3, 3), (3,)),
        (lambda a, b: jnp.linalg.solve(definite(a), b), (3, 3), (3, 2)),
    ],
    "det": [(jnp.linalg.det, (n, n)) for n in (1, 2, 3, 4)],
    "slogdet": [(lambda x: jnp.linalg.slogdet(x), (4, 4)), (lambda x: jnp.linalg.slogdet(x)[1], (2, 3, 3))],
    "cholesky": [
        (lambda x: jnp.linalg.cholesky(definite(x)), (3, 3)),
        (lambda x: jnp.linalg.cholesky(definite(x)), (2, 2, 2)),
    ],
    "triangular_solve": [
        (lambda a, b: triangular(definite(a), b, lower=True, unit_diagonal=True), (3, 3), (3,)),
        (lambda a, b: triangular(definite(a), b, trans=1), (3, 3), (3, 2)),
        (lambda a, b: lax.linalg.triangular_solve(definite(a), b, lower=True), (3, 3), (2, 3)),
        (lambda a, b: jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(definite(a)), b), (3, 3), (3,)),
    ],
    "tridiagonal_solve": [
        (lambda d, b: lax.linalg.tridiagonal_solve(jnp.sin(d), 4 + d**2, jnp.cos(d), b), (4,), (4, 1)),
        (lambda d, b: lax.linalg.tridiagonal_solve(d, 4 + d**2, -d, b), (2, 3), (2, 3, 2)),
        (lambda b: lax.linalg.tridiagonal_solve(jnp.ones(3), 3 * jnp.ones(3), jnp.ones(3), b), (3, 4)),
        (lambda d: lax.linalg.tridiagonal_solve(d, 4 + d**2, -d, d[:, None]), (1,)),
    ],
    "lu": [
        (lambda a: lax.linalg.lu(a)[0], (3, 3)),
        (lambda a: jax.scipy.linalg.lu(a)[1], (3, 3)),
        (lambda a: jax.scipy.linalg.lu(a)[2], (3, 3)),
        (lambda a: jnp.sin(jax.scipy.linalg.lu_factor(a)[0]), (2, 2, 2)),
    ],
    "lu_pivots_to_permutation": [
        (lambda a, b: jax.scipy.linalg.lu_solve(jax.scipy.linalg.lu_factor(a), b), (3, 3), (3,)),
        (lambda a, b: jax.scipy.linalg.lu_solve(jax.scipy.linalg.lu_factor(a), b, trans=1), (2, 2), (2, 2)),
    ],
    "eigh": [
        (lambda x: jnp.linalg.eigvalsh(definite(x)), (3, 3)),
        (lambda x: square_root(definite(x)), (3, 3)),
    ],
}
WITHIN = {"scan_element", "expand_dims", "copy_p", "scatter_sub"}
"""A primitive of our own, of which loops are made: see test_unrolling; and names that JAX uses no more, or not yet."""


def test_no_rule_goes_untested() -> None:
    assert {*CASES, *WITHIN} == {*STRUCTURE, *CORE}


def test_every_primitive_that_only_moves_elements_has_a_rule() -> None:
    assert STRUCTURE.keys() | CORE.keys() >= VIEWS


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


@pytest.mark.parametrize("f", [lambda x: jnp.fft.fft(x).real, lambda x: jnp.linalg.svd(jnp.outer(x, x))[1]])
def test_what_has_no_rule_is_named_with_its_line(f: Callable[..., Any]) -> None:
    with pytest.raises(OutOfReach, match=r"(fft|svd|complex).* \(test_structure.py, line \d+\)"):
        assert_formulas_match(f, np.array([1.0, 3.0, 2.0]))


def test_which_of_several_updates_wins_is_not_defined() -> None:
    with pytest.raises(OutOfReach, match="several times"):
        assert_formulas_match(lambda x: x.at[jnp.array([1, 1])].set(x[:2]), np.array([1.0, 3.0, 2.0]))


def test_an_element_may_be_multiplied_several_times() -> None:
    f = lambda x: x.at[jnp.array([3, 3, 0])].multiply(x[:3] ** 2) ** 2  # noqa: E731
    assert_formulas_match_differences(f, np.array([0.3, -1.2, 0.8, 1.4]))


def test_indices_computed_from_the_inputs_are_out_of_reach() -> None:
    with pytest.raises(OutOfReach, match="computed from the inputs"):
        assert_formulas_match(lambda x: x[jnp.floor(x[0]).astype(int)], np.array([1.5, 3.0, 2.0]))


def test_ties_of_an_order_are_noticed() -> None:
    for f in (jnp.sort, lambda x: lax.cummax(x), lambda x: x[jnp.argmax(x)], lambda x: lax.top_k(x, 2)[0]):
        assert not assert_formulas_match(f, np.array([1.0, 3.0, 3.0]))


def test_random_numbers_are_constants() -> None:
    assert assert_formulas_match(lambda x: x * jax.random.normal(jax.random.PRNGKey(0), x.shape), np.array([1.0, 2.0]))
    assert assert_formulas_match(lambda x: x * jax.random.uniform(jax.random.key(3), x.shape), np.array([1.0, 2.0]))


class TestWhatAReaderSees:
    """Indexing with constants leaves index arithmetic, or nothing."""

    @pytest.mark.parametrize(
        ("f", "text"),
        [
            (lambda x: x[2], "x[2]"),
            (lambda x: x[-1], "x[5]"),
            (lambda x: x[jnp.array([2, 2])], "x[2]"),
            (lambda x: x[jnp.arange(3)], "x[i]"),
            (lambda x: x[1::2], "x[2*i + 1]"),
            (lambda x: x[jnp.array([5, 3, 1])], "x[5 - 2*i]"),
            (lambda x: x[jnp.array([2, 0, 1])], "x[[2,0,1][i]]"),
            (lambda x: x.at[1].set(x[3]), "(1 - δ(i, 1))*x[i] + δ(i, 1)*x[3]"),
            (lambda x: x.at[1:].add(1.0), "[1 <= i <= 5] + x[i]"),
            (lambda x: jnp.diag(jnp.outer(x, x)), "x[i]**2"),
        ],
    )
    def test_is_arithmetic_of_the_indices(self, f: Callable[..., Any], text: str) -> None:
        _, derivation = formulas_of(f, np.arange(6.0))
        _, definition = derivation.formula((0,))
        assert definition_formula(definition).text.split(" = ")[1].replace("j", "i") == text


def test_complex_numbers_are_out_of_reach() -> None:
    for f in (lambda x: jnp.real(x * np.array([1j, 2.0])), lambda x: jnp.abs(x * 1j)):
        with pytest.raises(OutOfReach, match="complex"):
            assert_formulas_match(f, np.array([1.0, 3.0]))
