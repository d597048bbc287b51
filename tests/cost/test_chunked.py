"""Derivatives in chunks: where the plain modes take too much memory, by XLA's own figures, and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic.base.budget import within
from jaxdiff_magic.cost import cost_of, measuring
from jaxdiff_magic.cost.measuring import MOST_TEMP_BYTES, compiled
from jaxdiff_magic.cost.structure import Strategy, chunked, memory, strategies_of
from jaxdiff_magic.subject import derivative_programs
from jaxdiff_magic.subject.subject import subject_of

from .test_structure import named

SMALL_CAP = 8_000_000
"""Bytes: with it, functions of a test's size are too large."""


@pytest.fixture
def small_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (chunked, memory):
        monkeypatch.setattr(module, "MOST_TEMP_BYTES", SMALL_CAP)


def steps(x: jax.Array, copies: int, length: int) -> jax.Array:
    """All states of a loop, `length` times `copies` times as many as inputs: no compiler avoids to write them down."""

    def step(state: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        state = jnp.sin(state) + 0.1 * jnp.roll(state, 1)
        return state, state

    return lax.scan(step, jnp.tile(x, copies), None, length=length)[1]


def wide(x: jax.Array) -> jax.Array:
    """R^200 to R^200 through 1.5 million numbers."""
    return jnp.tanh(steps(x, 25, 300)).mean(axis=0).reshape(25, -1).mean(axis=0)


def wide_loss(x: jax.Array) -> jax.Array:
    """From R^64 through 2.9 million numbers."""
    return jnp.sum(jnp.tanh(steps(x, 90, 500)) ** 2) / 500


def narrower(x: jax.Array) -> jax.Array:
    """With 80 inputs 64 kilobytes for each pass."""
    return jnp.tanh(steps(x, 4, 50)).mean(axis=0).reshape(4, -1).sum(axis=0)


def halved(x: jax.Array) -> jax.Array:
    """A loop, which has no reverse mode."""
    return lax.while_loop(lambda y: jnp.max(y) > 0.5, lambda y: 0.9 * jnp.sin(y), x)


@jax.custom_vjp
def cubed(x: jax.Array) -> jax.Array:
    return x**3


cubed.defvjp(lambda x: (x**3, x), lambda x, g: (3 * x**2 * g,))


def point(count: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(0).uniform(0.5, 1.5, count), jnp.float32)


def strategies(f: Any, *args: Any, seconds: float = 300, wrt: Any = None) -> tuple[Strategy, ...]:
    return strategies_of(subject_of(f, args, {}, wrt), missing={}, deadline=within(seconds))


def chunks(found: tuple[Strategy, ...], what: str = "jacobian") -> list[str]:
    return [s.name for s in found if s.what == what and s.name.startswith("chunked") and not s.infeasible]


def run_pasted(call: str, names: dict[str, Any]) -> Any:
    """What the last line of a pasted text gives."""
    *before, last = call.split("\njax.lax.map") if "\n" in call else [call]
    scope = {"jax": jax, **names}
    if before:
        exec(before[0], scope)
        last = f"jax.lax.map{last}"
    return eval(last, scope)


@pytest.fixture
def timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "FEWEST_ROUNDS", 1)


@pytest.mark.usefixtures("timed_once")
class TestUnderTheCap:
    def test_a_jacobian_through_a_million_numbers_is_computed_in_chunks(self) -> None:
        x = point(200)
        subject = subject_of(wide, (x,), {})
        cost = cost_of(subject, how="measure", feasible={}, deadline=time.monotonic() + 300)
        for plain in (cost.forward, cost.reverse):
            assert plain.infeasible.endswith("GB of temporary memory")
            assert plain.temp_bytes is not None and plain.temp_bytes > MOST_TEMP_BYTES
            assert plain.seconds is None
        best, other = cost.strategies
        assert {best.mode, other.mode} == {"chunked forward", "chunked reverse"}
        for way in (best, other):
            assert way.verified == "the same products in random directions, at the point and at one near it"
            assert way.seconds is not None
            assert way.temp_bytes is not None and way.temp_bytes < MOST_TEMP_BYTES / 4
            assert way.passes == 200
        assert cost.recommended == best.mode == min((best, other), key=lambda way: way.seconds or np.inf).mode
        assert cost.measured
        assert cost.reason.startswith(f"{best.mode.capitalize()} takes 200 passes, measured ")
        assert "of temporary memory suffice where all " in cost.reason
        assert "Neither mode can be used as it stands" in cost.reason
        pasted = run_pasted(cost.call, {"wide": wide, "x": x})
        columns = [3, 77, 199]
        expected = [jax.jvp(wide, (x,), (jnp.zeros(200).at[j].set(1.0),))[1] for j in columns]
        np.testing.assert_allclose(pasted[:, jnp.array(columns)].T, expected, rtol=1e-4, atol=1e-7)

    def test_a_hessian_through_millions_of_numbers_is_computed_in_chunks(self) -> None:
        x = point(64)
        subject = subject_of(wide_loss, (x,), {})
        cost = cost_of(subject, how="measure", feasible={}, deadline=time.monotonic() + 300)
        best = cost.hessian[0]
        refused = {way.mode: way.infeasible for way in cost.hessian[1:]}
        assert refused["forward over reverse"].endswith("GB of temporary memory")
        assert best.mode == "chunked"
        assert best.because.startswith("forward over reverse, in ")
        assert best.verified and best.seconds is not None
        assert best.temp_bytes is not None and best.temp_bytes < MOST_TEMP_BYTES / 2
        pasted = run_pasted(best.call, {"wide_loss": wide_loss, "x": x})
        expected = jax.jvp(jax.grad(wide_loss), (x,), (jnp.zeros(64).at[5].set(1.0),))[1]
        np.testing.assert_allclose(pasted[:, 5], expected, rtol=1e-4, atol=1e-6)
        assert [way.mode for way in cost.strategies] == ["reverse", "forward"]  # its gradient takes no chunks


@pytest.mark.usefixtures("small_cap")
class TestChunks:
    @pytest.mark.parametrize("name", ["chunked forward", "chunked reverse"])
    def test_give_the_same_numbers_as_the_plain_modes(self, name: str) -> None:
        x = point(79)  # a prime: the last chunk is smaller
        found = named(strategies(narrower, x), name)
        assert not found.infeasible and found.verified
        assert "chunks of up to " in found.because
        truth = jax.jacfwd(narrower)(x)
        ((own,),) = jax.jit(found.build())(x)
        np.testing.assert_allclose(own, truth, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(run_pasted(found.call, {"narrower": narrower, "x": x}), truth, rtol=1e-4, atol=1e-6)
        needed = compiled(subject_of(narrower, (x,), {}), found.build()).temp_bytes
        assert needed is not None and needed <= SMALL_CAP

    @pytest.mark.parametrize("name", ["chunked forward", "chunked reverse"])
    def test_of_pytrees_give_blocks_and_a_matrix_to_paste(self, name: str) -> None:
        def f(x: dict[str, jax.Array], y: jax.Array, power: int) -> dict[str, Any]:
            z = narrower(jnp.concatenate([x["a"], x["b"].ravel(), y])) ** power
            return {"one": z[:10], "two": [z[10:].reshape(2, 35)]}

        args = ({"a": point(40), "b": point(30).reshape(5, 6)}, point(10), 2)
        found = named(strategies(f, *args), name)
        assert found.verified
        truth = jax.tree.leaves(jax.jacrev(f, (0, 1))(*args))
        for own, expected in zip(jax.tree.leaves(found.build()(*jax.tree.leaves(args[:2]))), truth, strict=True):
            assert own.dtype == expected.dtype
            np.testing.assert_allclose(own, expected, rtol=1e-4, atol=1e-6)
        pasted = run_pasted(found.call, {"f": f, "x": args[0], "y": args[1], "power": 2})
        rows = [
            np.concatenate([b.reshape(size, -1) for b in truth[k : k + 3]], axis=1) for k, size in ((0, 10), (3, 70))
        ]
        np.testing.assert_allclose(pasted, np.concatenate(rows), rtol=1e-4, atol=1e-6)

    def test_of_a_part_of_an_argument_have_no_call(self) -> None:
        def f(p: dict[str, jax.Array]) -> jax.Array:
            return narrower(p["x"]) * p["y"]

        found = named(strategies(f, {"x": point(80), "y": jnp.ones(())}, wrt="p['x']"), "chunked forward")
        assert found.verified
        assert found.call == ""

    def test_take_the_only_mode_that_there_is(self) -> None:
        backward = strategies(lambda x: narrower(cubed(x)), point(80))
        assert chunks(backward) == ["chunked reverse"]
        assert named(backward, "chunked reverse").verified
        onward = strategies(lambda x: narrower(halved(x)), point(80))
        assert chunks(onward) == ["chunked forward"]
        assert named(onward, "chunked forward").verified

    @pytest.mark.parametrize(
        ("inner", "order", "n", "passes"),
        [
            (jnp.sin, "forward over reverse", 80, 80),
            (cubed, "forward over reverse", 80, 80),
            (halved, "forward over forward", 30, 900),
        ],
    )
    def test_of_a_hessian_take_an_order_that_jax_has(
        self, inner: Callable[..., Any], order: str, n: int, passes: int
    ) -> None:
        def f(x: jax.Array) -> jax.Array:
            return jnp.sum(narrower(inner(x)) ** 2)

        x = point(n)
        found = named(strategies(f, x), "chunked", "hessian")
        assert not found.infeasible and found.verified
        assert found.because.startswith(f"{order}, ")
        assert found.passes == passes
        truth = jax.jacfwd(jax.jacfwd(f))(x) if inner is halved else jax.hessian(f)(x)
        (((own,),),) = found.build()(x)
        np.testing.assert_allclose(own, truth, rtol=1e-3, atol=1e-4)
        pasted = run_pasted(found.call, {"f": f, "x": x})
        np.testing.assert_allclose(pasted, truth, rtol=1e-3, atol=1e-4)

    def test_of_a_hessian_in_several_arguments_are_a_matrix_to_paste(self) -> None:
        def f(x: jax.Array, y: jax.Array) -> jax.Array:
            return jnp.sum(narrower(x) * narrower(y.ravel()))

        x, y = point(40), point(40).reshape(4, 10)
        found = named(strategies(f, x, y), "chunked", "hessian")
        assert found.verified
        (row, column) = jax.hessian(f, (0, 1))(x, y)
        truth = np.block([[row[0], row[1].reshape(40, 40)], [column[0].reshape(40, 40), column[1].reshape(40, 40)]])
        pasted = run_pasted(found.call, {"f": f, "x": x, "y": y})
        np.testing.assert_allclose(pasted, truth, rtol=1e-3, atol=1e-5)

    def test_are_refused_where_one_pass_is_too_much(self) -> None:
        def f(x: jax.Array) -> jax.Array:
            return jnp.tanh(steps(x, 1000, 50)).mean(axis=0).reshape(1000, -1).sum(axis=0)

        found = named(strategies(f, point(80)), "chunked forward")
        assert found.infeasible.startswith("one of its columns needs ")

    def test_with_wrong_numbers_are_not_offered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(derivative_programs, "_unit", lambda _, arrays: tuple(jnp.ones(x.shape) for x in arrays))
        assert (
            "differ from those of products in random directions"
            in named(strategies(narrower, point(80)), "chunked forward").infeasible
        )

    def test_that_take_too_long_to_run_are_said_to_be_unverified(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(chunked, "_seconds", lambda *_: 60.0)
        found = named(strategies(narrower, point(80)), "chunked forward")
        assert not found.infeasible
        assert not found.verified
        assert found.because.endswith("; not verified, as it may take 4800 s")

    def test_are_not_made_after_the_deadline(self) -> None:
        assert not chunks(strategies(narrower, point(80), seconds=-1))


class TestOfManyPasses:
    def test_a_loss_that_has_no_reverse_mode_has_a_gradient_in_chunks(self) -> None:
        def loss(x: jax.Array) -> jax.Array:
            return jnp.sum(halved(x) ** 2)

        x = point(6000)
        found = named(strategies(loss, x), "chunked forward")
        assert found.verified
        assert found.because.startswith("in 24 chunks of 250 columns, so that ")
        truth = jax.vjp(lambda x: 1.0 * x, x)[1](run_pasted(found.call, {"loss": loss, "x": x}))[0]
        np.testing.assert_allclose(jnp.dot(truth, jnp.ones(6000)), jax.jvp(loss, (x,), (jnp.ones(6000),))[1], rtol=1e-3)

    def test_are_not_taken_where_the_other_mode_takes_few(self) -> None:
        assert not chunks(strategies(lambda x: jnp.sum(x**2), point(6000)))

    def test_small_functions_show_no_chunks(self) -> None:
        for f in (lambda x: jnp.sum(x**3), lambda x: jnp.cumsum(x) * x):
            for seconds in (60, -1):
                found = strategies(f, point(80), seconds=seconds)
                assert not [s for s in found if s.name.startswith("chunked")]
