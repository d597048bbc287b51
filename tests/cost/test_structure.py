"""Sparsity patterns, colourings, bottlenecks: what is read off, that numbers stay the same, when it is refused."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic.base.budget import within
from jaxdiff_magic.cost.crossover import rule_of_thumb
from jaxdiff_magic.cost.structure import (
    Pattern,
    Strategy,
    best_of,
    bottleneck_of,
    dense,
    pattern_of,
    strategies_of,
)
from jaxdiff_magic.cost.structure.kinds import kind_of
from jaxdiff_magic.cost.structure.strategies import ORDERS
from jaxdiff_magic.subject.subject import Subject, subject_of

try:
    import asdex
except ImportError:  # it reaches into JAX, and not every asdex goes with every JAX
    asdex: Any = None
needs_asdex = pytest.mark.skipif(asdex is None, reason="asdex cannot be imported beside this JAX")

RNG = np.random.default_rng(0)
BAND = np.eye(12) * 2 - np.eye(12, k=1) - np.eye(12, k=-1)
BLOCKS = RNG.normal(size=(4, 3, 3))
MATRIX = RNG.normal(size=(5, 12))


@jax.custom_jvp
def straight_through(x: jax.Array) -> jax.Array:
    return jnp.round(x)


straight_through.defjvp(lambda primals, tangents: (straight_through(*primals), *tangents))


@jax.custom_vjp
def cube(x: jax.Array) -> jax.Array:
    return x**3


cube.defvjp(lambda x: (x**3, x), lambda x, g: (3 * x**2 * g,))


def tridiagonal(x: jax.Array) -> jax.Array:
    return jnp.sin(x) * x + jnp.pad(x[1:] ** 2, (0, 1)) - jnp.pad(x[:-1] ** 3, (1, 0))


def rosenbrock(x: jax.Array) -> jax.Array:
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def blocks(x: jax.Array) -> jax.Array:
    return jnp.tanh(jnp.einsum("bij,bj->bi", BLOCKS, x.reshape(4, 3))).ravel()


def arrow(x: jax.Array) -> jax.Array:
    return jnp.sum(x[1:] ** 2 * x[0])


def many(count: int) -> Any:
    return RNG.uniform(0.5, 1.5, count)


FOUR_BLOCKS, FIVE_BLOCKS = "block diagonal (4 blocks)", "block diagonal (5 blocks)"
JACOBIANS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], str]] = {
    "elementwise": (lambda x: jnp.exp(x) * jnp.sin(x), (many(12),), "diagonal"),
    "three neighbours": (tridiagonal, (many(12),), "tridiagonal"),
    "differences": (lambda x: (x[1:] - x[:-1]) ** 2, (many(20),), "banded (width 2)"),
    "a band matrix": (lambda x: jnp.tanh(BAND.astype(x.dtype) @ x), (many(12),), "tridiagonal"),
    "blocks": (blocks, (many(12),), FOUR_BLOCKS),
    "log-sum-exp of rows": (
        lambda x: jax.nn.logsumexp(x, axis=1),
        (many(20).reshape(5, 4),),
        "block diagonal (5 blocks)",
    ),
    "a full matrix": (lambda x: jnp.tanh(MATRIX.astype(x.dtype) @ x), (many(12),), "dense"),
    "softmax": (jax.nn.softmax, (many(6),), "dense"),
    "rounding": (jnp.floor, (many(8),), "empty"),
    "a permutation": (lambda x: x[::-1] * 2, (many(12),), "sparse"),
    "two arguments": (lambda x, y: x * y, (many(12), many(12)), "sparse"),
    "two results": (lambda x: {"sum": x.sum(), "square": x**2}, (many(12),), "sparse"),
    "a running sum": (jnp.cumsum, (many(8),), "sparse"),
    "a convolution": (lambda x: jnp.convolve(x, jnp.ones(3, x.dtype), mode="same"), (many(12),), "tridiagonal"),
    "a branch": (lambda x: lax.cond(x[0] > 0, lambda x: x**2, lambda x: -x, x), (many(8),), "diagonal"),
    "a scan": (
        lambda x: lax.scan(lambda c, _: (jnp.sin(c) + 0.1 * c**2, None), x, None, length=5)[0],
        (many(8),),
        "diagonal",
    ),
    "a while loop": (lambda x: lax.while_loop(lambda c: c[0] < 4, lambda c: c * 1.5 + 0.1, x), (many(8),), "diagonal"),
    "relu": (lambda x: jax.nn.relu(x - 1) + jax.nn.softplus(x), (many(8),), "diagonal"),
    "its own reverse rule": (lambda x: cube(x)[:-1] * 2, (many(8),), "banded (width 1)"),
}
HESSIANS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], str, int]] = {
    "a sum of squares": (lambda x: jnp.sum(x**2), (many(8),), "diagonal", 1),
    "Rosenbrock": (rosenbrock, (many(12),), "tridiagonal", 3),
    "an arrow": (arrow, (many(12),), "sparse", 2),
    "linear": (lambda x: jnp.sum(3 * x), (many(8),), "empty", 0),
    "a quadratic form": (lambda x: x @ (MATRIX.T @ MATRIX).astype(x.dtype) @ x, (many(12),), "dense", 12),
    "two arguments": (lambda x, y: jnp.sum(x**2 * y), (many(8), many(8)), "sparse", 2),
    "its own reverse rule": (lambda x: jnp.sum(cube(x)), (many(8),), "diagonal", 1),
    "blocks": (
        lambda x: jnp.sum(jnp.tanh(x).reshape(4, 3).sum(axis=1) ** 2),
        (many(12),),
        "block diagonal (4 blocks)",
        3,
    ),
}


def found_pattern(subject: Subject, what: Any = "jacobian") -> Pattern:
    pattern, reason = pattern_of(subject, what)
    assert pattern is not None, reason
    return pattern


def matrix(subject: Subject, leaves: list[Any], *, second: bool = False) -> np.ndarray:
    """The whole Jacobian, or Hessian, by JAX."""
    argnums = tuple(range(len(leaves)))
    try:
        nested = jax.jacrev(subject.flat, argnums)(*leaves) if not second else None
        if second:
            nested = jax.jacrev(jax.jacrev(lambda *xs: subject.flat(*xs)[0], argnums), argnums)(*leaves)
    except ValueError:  # a while loop has no reverse mode
        nested = jax.jacfwd(subject.flat, argnums)(*leaves)
    return flat(subject, nested, second=second)


def flat(subject: Subject, nested: Any, *, second: bool = False) -> np.ndarray:
    """Blocks as one matrix."""
    rows = subject.inputs if second else subject.outputs
    return np.block(
        [
            [np.asarray(block).reshape(row.size, leaf.size) for block, leaf in zip(line, subject.inputs, strict=True)]
            for line, row in zip(nested, rows, strict=True)
        ]
    )


def strategies(f: Any, *args: Any, missing: Any = None, wrt: Any = None, seconds: float = 60) -> tuple[Strategy, ...]:
    deadline = within(seconds)
    return strategies_of(subject_of(f, args, {}, wrt), missing=missing or {}, deadline=deadline)


def named(found: tuple[Strategy, ...], name: str, what: str = "jacobian") -> Strategy:
    return next(strategy for strategy in found if (strategy.name, strategy.what) == (name, what))


@needs_asdex
class TestPatterns:
    @pytest.mark.parametrize("name", JACOBIANS)
    def test_hold_every_entry_of_the_jacobian_at_random_points(self, name: str) -> None:
        f, args, kind = JACOBIANS[name]
        subject = subject_of(f, args, {})
        pattern = found_pattern(subject)
        possible = pattern.dense()
        seen = np.zeros_like(possible)
        for seed in range(3):
            rng = np.random.default_rng(seed)
            leaves = [jnp.asarray(rng.normal(size=leaf.shape), leaf.dtype) for leaf in subject.inputs]
            entries = matrix(subject, leaves) != 0
            assert not (entries & ~possible).any()
            seen |= entries
        assert pattern.kind == kind
        assert pattern.shape == (subject.output_size, subject.size)
        assert pattern.nnz == possible.sum() == len(pattern.cols)
        if name not in ("relu", "a branch", "a while loop"):  # where some entry may be zero on one side
            assert (seen == possible).all()  # nor is the pattern larger than it must be

    @pytest.mark.parametrize("name", HESSIANS)
    def test_hold_every_entry_of_the_hessian_at_random_points(self, name: str) -> None:
        f, args, kind, colours = HESSIANS[name]
        subject = subject_of(f, args, {})
        pattern = found_pattern(subject, "hessian")
        seen = np.zeros_like(pattern.dense())
        for seed in range(3):
            rng = np.random.default_rng(seed)
            leaves = [jnp.asarray(rng.normal(size=leaf.shape), leaf.dtype) for leaf in subject.inputs]
            seen |= matrix(subject, leaves, second=True) != 0
        assert not (seen & ~pattern.dense()).any()
        assert pattern.kind == kind
        assert min(pattern.colours.values()) == colours
        assert pattern.density == pytest.approx(pattern.dense().mean())

    def test_are_those_of_every_input_not_of_one_point(self) -> None:
        pattern = found_pattern(subject_of(lambda x: x**2, (jnp.zeros(5),), {}))
        assert pattern.kind == "diagonal"  # although every entry is zero at the point

    def test_count_colours_of_columns_and_of_rows(self) -> None:
        pattern = found_pattern(subject_of(lambda x: jax.nn.logsumexp(x.reshape(6, 4), axis=1), (many(24),), {}))
        assert pattern.colours == {"columns": 4, "rows": 1}

    def test_of_an_arrow_use_the_symmetry(self) -> None:
        pattern = found_pattern(subject_of(arrow, (many(20),), {}), "hessian")
        assert pattern.colours == {"columns": 20, "symmetric": 2}

    @pytest.mark.parametrize(
        ("rows", "cols", "shape", "expected"),
        [
            ([], [], (3, 3), "empty"),
            ([0, 0, 2, 2, 3, 5], [2, 0, 0, 2, 5, 3], (6, 6), "block diagonal (2 blocks)"),
            ([0, 1, 2, 3], [3, 2, 1, 0], (4, 4), "sparse"),
            ([0, 1, 2], [1, 2, 3], (3, 9), "banded (width 1)"),
            ([0], [0], (1, 1), "dense"),
        ],
    )
    def test_are_named(self, rows: list[int], cols: list[int], shape: tuple[int, int], expected: str) -> None:
        assert kind_of(np.array(rows, int), np.array(cols, int), shape) == expected


@needs_asdex
class TestRefusals:
    def test_name_the_primitive_that_asdex_does_not_know(self) -> None:
        pattern, reason = pattern_of(subject_of(lambda x: jnp.linalg.solve(jnp.diag(x), x), (many(3),), {}))
        assert pattern is None
        assert reason == "No handler for primitive 'custom_linear_solve'"

    def test_come_from_whatever_asdex_raises(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*args: Any, **kwargs: Any) -> None:
            raise RuntimeError("the index sets got lost")

        monkeypatch.setattr(asdex, "jacobian_sparsity", broken)
        assert pattern_of(subject_of(tridiagonal, (many(5),), {})) == (None, "the index sets got lost")

    def test_let_an_interrupt_through(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupted(*args: Any, **kwargs: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(asdex, "jacobian_sparsity", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pattern_of(subject_of(tridiagonal, (many(5),), {}))

    def test_of_a_rule_with_entries_that_its_code_does_not_have(self) -> None:
        subject = subject_of(lambda x: straight_through(x) * 2, (many(5),), {})
        assert asdex.jacobian_sparsity(subject.flat, *subject.point).nnz == 0  # the code alone: too small a pattern
        pattern, reason = pattern_of(subject)
        assert pattern is None
        assert reason == "a derivative rule in it has entries that its code does not have"

    def test_of_the_second_derivative_of_such_a_rule(self) -> None:
        pattern, reason = pattern_of(subject_of(lambda x: jnp.sum(straight_through(x) ** 2), (many(5),), {}), "hessian")
        assert pattern is None
        assert "derivative rule" in reason

    def test_of_loops_that_would_take_minutes_to_follow(self) -> None:
        def heat(x: jax.Array) -> jax.Array:
            return lax.scan(lambda c, _: (c + 0.1 * jnp.roll(c, 1), None), x, None, length=10_000)[0]

        started = time.monotonic()
        pattern, reason = pattern_of(subject_of(heat, (many(1000),), {}))
        assert pattern is None
        assert "too many numbers" in reason
        assert time.monotonic() - started < 20

    def test_of_functions_that_branch_in_python(self) -> None:
        pattern, reason = pattern_of(subject_of(lambda x: x if x[0] > 0 else -x, (many(3),), {}))
        assert pattern is None
        assert "cannot trace" in reason

    def test_of_the_hessian_of_a_vector(self) -> None:
        assert pattern_of(subject_of(lambda x: x**2, (many(3),), {}), "hessian") == (None, "f is not scalar")


LARGE = RNG.uniform(0.5, 1.5, 80)
INNER, OUTER = RNG.normal(size=(4, 80)), RNG.normal(size=(90, 4))


def bottleneck(x: jax.Array) -> jax.Array:
    h = jnp.tanh(INNER.astype(x.dtype) @ x)
    return jnp.sin(OUTER.astype(x.dtype) @ h) * h[0]


def own_rule_in_a_bottleneck(x: jax.Array) -> jax.Array:
    h = cube(0.1 * INNER.astype(x.dtype) @ x)
    return jnp.sin(OUTER.astype(x.dtype) @ h)


FIRST: dict[str, tuple[Callable[..., Any], tuple[Any, ...], str, int]] = {
    "tridiagonal": (tridiagonal, (LARGE,), "coloured forward", 3),
    "diagonal": (lambda x: jnp.exp(x) * x, (LARGE,), "coloured forward", 1),
    "blocks to sums": (lambda x: jnp.sum(jnp.sin(x) ** 2, axis=1), (many(400).reshape(80, 5),), "coloured reverse", 1),
    "two arguments": (lambda x, y: x[:, None] * y, (LARGE, many(160).reshape(80, 2)), "coloured forward", 2),
    "a bottleneck": (bottleneck, (LARGE,), "bottleneck", 8),
    "a bottleneck with a rule": (own_rule_in_a_bottleneck, (LARGE,), "bottleneck", 8),
}


@needs_asdex
class TestFirstDerivatives:
    @pytest.mark.parametrize("name", FIRST)
    def test_are_the_same_by_every_feasible_strategy(self, name: str) -> None:
        f, args, expected, passes = FIRST[name]
        subject = subject_of(f, args, {})
        found = strategies(f, *args)
        best = best_of(found)
        assert best is not None
        assert (best.name, best.passes) == (expected, passes)
        assert best.verified.startswith("the same numbers as ")
        usable = [strategy for strategy in found if not strategy.infeasible]
        assert len(usable) > 1
        truth = matrix(subject, [jnp.asarray(x) for x in subject.native_point])
        for strategy in usable:
            nested = dense(jax.jit(strategy.build())(*subject.native_point))
            assert len(nested) == len(subject.outputs)
            for row, output in zip(nested, subject.outputs, strict=True):
                shapes = [block.shape for block in row]
                assert shapes == [output.shape + leaf.shape for leaf in subject.inputs]
            whole = np.block(
                [[np.asarray(b).reshape(o.size, -1) for b in r] for r, o in zip(nested, subject.outputs, strict=True)]
            )
            np.testing.assert_allclose(whole, truth, rtol=2e-5, atol=2e-5 * np.abs(truth).max(), err_msg=strategy.name)

    @pytest.mark.parametrize("name", [name for name in FIRST if "bottleneck" not in name])
    def test_can_be_pasted(self, name: str) -> None:
        f, args, *_ = FIRST[name]
        x, *rest = (jnp.asarray(a, jnp.float32) for a in args)
        for strategy in strategies(f, x, *rest):
            if not strategy.infeasible:
                values = dict(zip("xy", (x, *rest), strict=False))
                pasted = eval(strategy.call, {"asdex": asdex, "jax": jax, "f": f, f.__name__: f, **values})
                own = dense(strategy.build()(x, *rest))
                for a, b in zip(jax.tree.leaves(dense(pasted)), jax.tree.leaves(own), strict=True):
                    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)

    def test_of_a_custom_vjp_use_rows_not_columns(self) -> None:
        found = strategies(lambda x: cube(x) * x, LARGE, missing={"forward": "custom_vjp has no forward mode"})
        names = [strategy.name for strategy in found if not strategy.infeasible]
        assert names == ["coloured reverse", "reverse"]
        assert found[0].passes == 1
        assert found[0].call == "asdex.jacobian(f, x, mode='rev')(x)"
        assert named(found, "forward").infeasible == "custom_vjp has no forward mode"

    def test_that_would_not_fit_are_verified_by_products(self) -> None:
        found = strategies(lambda x: x**2 * 3, many(3000))
        best = best_of(found)
        assert best is not None
        assert (best.name, best.passes, best.sparse) == ("coloured forward", 1, True)
        assert best.verified == "the same products in random directions, at the point and at one near it"
        assert "9,000,000 entries" in named(found, "forward").infeasible

    def test_of_held_arguments_call_a_lambda(self) -> None:
        def f(x: jax.Array, power: int) -> jax.Array:
            return x**power

        x = jnp.asarray(LARGE, jnp.float32)
        found = strategies(f, x, 3)
        assert found[0].call == "asdex.jacobian(lambda x: f(x, power), x, mode='fwd')(x)"
        pasted = eval(found[0].call, {"asdex": asdex, "f": f, "x": x, "power": 3})
        np.testing.assert_allclose(np.diag(pasted.todense()), 3 * x**2, rtol=1e-5)

    def test_of_a_part_of_an_argument_are_left_to_the_plain_modes(self) -> None:
        found = strategies(lambda p: p["x"] * p["y"], {"x": jnp.asarray(LARGE), "y": jnp.asarray(LARGE)}, wrt="p['x']")
        assert not named(found, "forward").infeasible
        assert "parts" in named(found, "coloured forward").infeasible

    def test_of_full_jacobians_are_told_without_a_pattern(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(asdex, "jacobian_sparsity", lambda *args, **kwargs: pytest.fail("a pattern was looked for"))
        found = strategies(lambda x: jnp.cumsum(x**2)[::-1] @ RNG.normal(size=(80, 80)), jnp.asarray(LARGE))
        assert (
            named(found, "coloured").infeasible
            == "it is too full: a colouring takes at least 80 passes, the plain mode 80"
        )

    def test_are_not_looked_for_after_the_deadline(self) -> None:
        assert "no time" in named(strategies(tridiagonal, LARGE, seconds=-1), "coloured").infeasible

    def test_with_wrong_numbers_are_not_offered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = asdex.jacobian_sparsity

        def too_small(f: Any, *args: Any, **kwargs: Any) -> Any:
            found = whole(f, *args, **kwargs)
            keep = np.asarray(found.rows) == np.asarray(found.cols)
            return asdex.SparsityPattern.from_coo(
                found.rows[keep], found.cols[keep], found.shape, input_avals=found.input_avals, argnums=found.argnums
            )

        monkeypatch.setattr(asdex, "jacobian_sparsity", too_small)
        wrong = named(strategies(tridiagonal, LARGE), "coloured forward")
        assert "differ from those of forward mode" in wrong.infeasible
        large = named(strategies(tridiagonal, many(2500)), "coloured forward")
        assert "differ from those of products in random directions" in large.infeasible

    def test_of_functions_that_branch_in_python_are_plain(self) -> None:
        found = strategies(lambda x: x if x[0] > 0 else -x, LARGE)
        assert [strategy.name for strategy in found] == ["forward", "reverse"]


@needs_asdex
class TestSecondDerivatives:
    @pytest.mark.parametrize(
        "f", [rosenbrock, arrow, lambda x: jnp.sum(jnp.tanh(x) ** 2) ** 2], ids=["band", "arrow", "full"]
    )
    def test_are_the_same_by_every_feasible_strategy(self, f: Any) -> None:
        x = jnp.asarray(LARGE, jnp.float32)
        found = [s for s in strategies(f, x) if s.what == "hessian"]
        usable = [strategy for strategy in found if not strategy.infeasible]
        truth = jax.hessian(f)(x)
        assert {"forward over reverse", "reverse over reverse"} <= {s.name for s in usable}
        assert "6,400 passes at once" in named(tuple(found), "reverse over forward", "hessian").infeasible
        for strategy in usable:
            (((values,),),) = dense(jax.jit(strategy.build())(x))
            np.testing.assert_allclose(values, truth, rtol=1e-4, atol=1e-4 * np.abs(truth).max(), err_msg=strategy.name)
            pasted = eval(strategy.call, {"asdex": asdex, "jax": jax, "f": f, f.__name__: f, "x": x})
            np.testing.assert_allclose(dense(pasted), truth, rtol=1e-4, atol=1e-4 * np.abs(truth).max())

    def test_of_small_functions_come_in_four_orders(self) -> None:
        found = [s for s in strategies(rosenbrock, many(6)) if s.what == "hessian"]
        assert {strategy.name for strategy in found} == set(ORDERS)
        assert not any(strategy.infeasible for strategy in found)
        assert named(tuple(found), "forward over forward", "hessian").passes == 36

    def test_of_an_arrow_take_two_passes(self) -> None:
        best = best_of(strategies(arrow, LARGE), "hessian")
        assert best is not None
        assert (best.name, best.passes) == ("coloured", 2)
        assert best.because == "the Hessian has 237 of 6,400 entries, 2 groups by symmetry"

    def test_of_a_custom_vjp_take_an_order_that_jax_has(self) -> None:
        found = strategies(lambda x: jnp.sum(cube(x)), LARGE, missing={"forward": "custom_vjp has no forward mode"})
        best = best_of(found, "hessian")
        assert best is not None
        assert best.name == "coloured"
        assert best.passes == 1
        assert best.verified
        assert named(found, "forward over forward", "hessian").infeasible


class TestBottlenecks:
    def test_are_told_with_their_name_and_line(self) -> None:
        narrow = bottleneck_of(subject_of(bottleneck, (LARGE,), {}))
        assert narrow is not None
        assert (narrow.width, narrow.shapes, narrow.name) == (4, ((4,),), "h")
        assert narrow.modes == ("reverse", "forward")
        line = bottleneck.__code__.co_firstlineno + 1
        assert narrow.where == f"test_structure.py, line {line}"

    def test_are_not_seen_where_something_passes_by(self) -> None:
        assert bottleneck_of(subject_of(lambda x: bottleneck(x)[:80] + x, (LARGE,), {})) is None

    def test_are_not_seen_where_the_outputs_are_as_few(self) -> None:
        assert bottleneck_of(subject_of(lambda x: jnp.tanh(INNER.astype(x.dtype) @ x), (LARGE,), {})) is None
        assert bottleneck_of(subject_of(lambda x: jnp.sum(bottleneck(x)), (LARGE,), {})) is None

    def test_are_seen_inside_compiled_functions(self) -> None:
        narrow = bottleneck_of(subject_of(jax.jit(lambda x: 2 * jax.jit(bottleneck)(x)), (LARGE,), {}))
        assert narrow is not None
        assert narrow.width == 4

    def test_carry_integers_and_constants_beside_them(self) -> None:
        def f(x: jax.Array) -> jax.Array:
            order = jnp.argsort(x)  # an integer for each input, but no derivative
            h = jnp.tanh(INNER.astype(x.dtype) @ x)
            return (jnp.sin(OUTER.astype(x.dtype) @ h)[:80] * jnp.arange(80))[order]

        subject = subject_of(f, (LARGE,), {})
        narrow = bottleneck_of(subject)
        assert narrow is not None
        assert narrow.width == 4
        ((found,),) = jax.jit(narrow.build())(*subject.native_point)
        np.testing.assert_allclose(found, jax.jacrev(f)(*subject.native_point), rtol=1e-5, atol=1e-5)

    def test_of_several_arguments_and_results_give_blocks(self) -> None:
        def f(x: jax.Array, y: jax.Array) -> dict[str, jax.Array]:
            h, k = jnp.tanh(INNER.astype(x.dtype) @ x), jnp.sum(y)
            return {"a": OUTER.astype(x.dtype) @ h * k, "b": jnp.outer(h, jnp.ones(30)) * k}

        subject = subject_of(f, (LARGE, many(6).reshape(2, 3)), {})
        narrow = bottleneck_of(subject)
        assert narrow is not None
        assert narrow.width == 5
        found = narrow.build()(*subject.native_point)
        truth = jax.jacrev(f, (0, 1))(*subject.native_point)
        for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(truth), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)

    def test_keep_the_rules_of_functions_that_have_their_own(self) -> None:
        def f(x: jax.Array) -> jax.Array:
            return OUTER.astype(x.dtype) @ straight_through(3 * INNER.astype(x.dtype) @ x)

        subject = subject_of(f, (LARGE,), {})
        narrow = bottleneck_of(subject)
        assert narrow is not None
        ((found,),) = narrow.build()(*subject.native_point)
        np.testing.assert_allclose(found, 3 * OUTER @ INNER, rtol=1e-4, atol=1e-4)


class TestCrossover:
    def test_says_until_when_reverse_mode_wins(self) -> None:
        said = rule_of_thumb(1e-6, 2e-6, 15, 1)
        assert (
            said
            == "A forward pass takes 1 µs, a reverse pass 2 µs: with 15 inputs, reverse mode wins until m > 7 outputs."
        )

    def test_says_until_when_forward_mode_wins(self) -> None:
        assert rule_of_thumb(1e-6, 2e-6, 3, 100).endswith("with 100 outputs, forward mode wins until n > 200 inputs.")

    def test_says_when_both_take_as_long(self) -> None:
        assert rule_of_thumb(1e-6, 2e-6, 4, 2).endswith("with 4 inputs and 2 outputs, both modes take as long.")


def test_an_asdex_that_cannot_be_imported_leaves_the_plain_modes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asdex", None)
    found = strategies(tridiagonal, LARGE)
    assert not named(found, "forward").infeasible
    assert not named(found, "reverse").infeasible
    assert "asdex cannot be imported" in named(found, "coloured").infeasible


@needs_asdex
def test_small_functions_do_not_load_asdex() -> None:
    code = """
import sys, time
import jax.numpy as jnp
from jaxdiff_magic.cost.structure import best_of, strategies_of
from jaxdiff_magic.subject.subject import subject_of
found = strategies_of(subject_of(lambda x: x**2, (jnp.ones(20),), {}), missing={}, deadline=time.monotonic() + 60)
assert best_of(found).passes == 20
assert not {"asdex", "numba"} & set(sys.modules)
found = strategies_of(subject_of(lambda x: x**2, (jnp.ones(100),), {}), missing={}, deadline=time.monotonic() + 60)
assert best_of(found).passes == 1
assert "asdex" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[2])
