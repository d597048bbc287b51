"""Forward against reverse mode: passes, measured times, memory, and the call to paste."""

from __future__ import annotations

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic.base.budget import within
from jaxdiff_magic.base.units import duration, size
from jaxdiff_magic.cost import cost_of
from jaxdiff_magic.cost.measuring import compile_derivative, faster, time_interleaved
from jaxdiff_magic.report.cost_figures import Cost
from jaxdiff_magic.subject.subject import subject_of

from .test_structure import needs_asdex


def cost(f: Any, *args: Any, how: Any = "measure", feasible: Any = None, seconds: float = 30, wrt: Any = None) -> Cost:
    deadline = within(seconds)
    return cost_of(subject_of(f, args, {}, wrt), how=how, feasible=feasible or {}, deadline=deadline)


def deep(w: jax.Array, x: jax.Array) -> jax.Array:
    """Enough work for the difference between the modes to stand out from the time of a call."""
    for _ in range(20):
        x = jnp.tanh(w @ x)
    return x


class TestPasses:
    def test_forward_takes_one_for_each_input_and_reverse_one_for_each_output(self) -> None:
        found = cost(lambda x: jnp.stack([x[0], x @ x]), jnp.ones(5), how="count")
        assert (found.forward.passes, found.reverse.passes) == (5, 2)

    @pytest.mark.parametrize(("n", "m", "expected"), [(3, 100, "forward"), (100, 3, "reverse"), (4, 4, "either")])
    def test_decide_when_nothing_is_measured(self, n: int, m: int, expected: str) -> None:
        found = cost(lambda x: jnp.ones((m, n)) @ x, jnp.ones(n), how="count")
        assert found.recommended == expected
        assert not found.measured
        assert found.forward.seconds is None
        assert found.forward.compile_seconds is None


class TestMeasuring:
    def test_reverse_wins_for_many_parameters_and_one_loss(self) -> None:
        w = 0.1 * jnp.ones((64, 64))
        found = cost(lambda x: deep(w, x).sum() + x @ x, jnp.ones(64))
        assert found.recommended == "reverse"
        assert found.measured
        assert found.reverse.seconds is not None and found.forward.seconds is not None
        assert found.reverse.seconds < found.forward.seconds
        assert found.reason.startswith("Reverse mode needs 1 pass, forward mode 64 passes; measured ")

    def test_forward_wins_from_3_inputs_to_100_outputs(self) -> None:
        w = 0.1 * jnp.ones((100, 100))
        found = cost(lambda x: deep(w, jnp.ones((100, 3)) @ x), jnp.ones(3))
        assert found.recommended in ("forward", "either")  # on a busy machine the difference may drown
        assert found.strategies[0].mode == "forward"

    def test_a_million_parameters_are_measured_in_reverse_only(self) -> None:
        found = cost(lambda p: jnp.sum(p**2), jnp.ones(1_000_000))
        assert found.recommended == "reverse"
        assert found.reverse.seconds is not None
        assert found.forward.seconds is None
        assert found.forward.infeasible == "it needs 1,000,000 passes at once"
        assert found.call == "jax.grad(f)(p)"

    def test_states_the_least_time_and_its_quartiles(self) -> None:
        mode = cost(lambda x: jnp.sin(x).sum(), jnp.ones(10)).reverse
        assert mode.seconds is not None and mode.spread is not None and mode.compile_seconds is not None
        assert 0 < mode.seconds <= mode.spread[0] <= mode.spread[1] < mode.compile_seconds

    def test_computes_with_captured_arrays_when_run_and_not_when_compiled(self) -> None:
        def seconds(n: int) -> float:
            matrix = jnp.ones((n, n))
            subject = subject_of(lambda x: jnp.sum(matrix @ (matrix @ matrix)) * x, (1.0,), {})
            times = time_interleaved([compile_derivative(subject, "reverse").run], time.monotonic() + 30)
            assert times is not None
            return float(times.min())

        assert seconds(800) > 3 * seconds(8)  # folded into constants, the two would take the same time

    def test_tells_a_forward_pass_that_needs_less_memory(self) -> None:
        def scan(x: jax.Array) -> jax.Array:
            return jax.lax.scan(lambda carry, _: (jnp.sin(carry) * x, None), x, None, length=1000)[0]

        found = cost(scan, 1.0)
        assert found.forward.temp_bytes is not None and found.reverse.temp_bytes is not None
        assert found.forward.temp_bytes < found.reverse.temp_bytes
        assert "orward mode needs less temporary memory" in found.reason

    def test_gives_up_at_the_deadline_and_still_counts(self) -> None:
        found = cost(lambda x: x @ x, jnp.ones(3), seconds=-1)
        assert not found.measured
        assert found.recommended == "reverse"
        assert "budget" in found.note

    def test_leaves_out_what_cannot_be_compiled(self) -> None:
        found = cost(lambda x: x**2 if x > 0 else -x, 2.0)
        assert not found.measured
        assert "JAX cannot compile f" in found.note

    def test_lets_an_interrupt_through(self) -> None:
        def interrupted(x: jax.Array) -> jax.Array:
            if armed:
                raise KeyboardInterrupt
            return x * 2

        armed = False
        subject = subject_of(interrupted, (1.0,), {})
        armed = True
        with pytest.raises(KeyboardInterrupt):
            cost_of(subject, how="measure", feasible={}, deadline=time.monotonic() + 5)


class TestFeasibility:
    def test_a_mode_that_does_not_exist_is_not_tried(self) -> None:
        @jax.custom_vjp
        def square(x: jax.Array) -> jax.Array:
            return x**2

        square.defvjp(lambda x: (x**2, x), lambda x, g: (2 * x * g,))
        found = cost(square, 3.0, feasible={"forward": "custom_vjp has no forward mode"})
        assert found.recommended == "reverse"
        assert [mode.mode for mode in found.strategies] == ["reverse"]
        assert "Forward mode cannot be used: custom_vjp has no forward mode." in found.reason

    def test_a_derivative_that_would_not_fit_is_answered_with_products(self) -> None:
        found = cost(lambda x: jnp.cumsum(x), jnp.ones(3000))
        assert found.strategies == ()
        assert "3,000 x 3,000 = 9,000,000 entries" in found.reason
        assert found.call.startswith("value, pullback = jax.vjp(f, x)")

    @needs_asdex
    def test_or_without_its_zeros(self) -> None:
        found = cost(lambda x: 2 * x, jnp.ones(3000))
        assert [way.passes for way in found.strategies] == [1, 1]
        assert found.strategies[0].seconds is not None
        assert "the Jacobian is diagonal: 3,000 of 9,000,000 entries" in found.reason
        assert found.call.startswith("import asdex\nasdex.jacobian(f, x")


class TestStructure:
    @staticmethod
    def tridiagonal(x: jax.Array) -> jax.Array:
        return x[1:-1] * (x[2:] - x[:-2]) + jnp.sin(x[1:-1])

    @needs_asdex
    def test_a_banded_jacobian_is_computed_in_as_many_passes_as_its_band_is_wide(self) -> None:
        x = jnp.linspace(0.0, 1.0, 1000)
        found = cost(self.tridiagonal, x)
        assert found.recommended.startswith("coloured")
        assert found.strategies[0].passes == 3
        assert "banded (width 3)" in found.reason
        assert found.rule == ""  # it is about the two modes
        sparsity = found.strategies[0].sparsity
        assert sparsity is not None
        assert sparsity.shape == (998, 1000)
        assert sorted(set(sparsity.colours)) == [0, 1, 2]
        lines = sparsity.cols if "reverse" in found.recommended else sparsity.rows
        assert (
            len(set(zip(lines, sparsity.colours, strict=True))) == len(lines) == 3 * 998
        )  # each pass finds one a line
        names = {"tridiagonal": self.tridiagonal, "x": x}
        imported, call = found.call.split("\n")
        exec(imported, names)
        given = eval(call.replace("f(", "tridiagonal("), names | {"f": self.tridiagonal})
        np.testing.assert_allclose(given.todense(), jax.jacfwd(self.tridiagonal)(x), rtol=1e-5, atol=1e-6)

    def test_the_orders_of_a_hessian_are_ranked_by_their_operations(self) -> None:
        found = cost(lambda x: jnp.sum(jnp.tanh(x @ jnp.ones((10, 10))) ** 2), jnp.ones(10), how="count")
        assert found.hessian[0].mode in ("forward over reverse", "reverse over reverse")
        flops = [way.flops for way in found.hessian if not way.infeasible]
        assert flops == sorted(flops, key=lambda value: value or 0)
        assert found.hessian[0].call in ("jax.hessian(f)(x)", "jax.jacrev(jax.jacrev(f))(x)")

    @needs_asdex
    def test_a_sparse_hessian_beats_the_plain_orders(self) -> None:
        found = cost(lambda x: jnp.sum(self.tridiagonal(x) ** 2), jnp.linspace(0.0, 1.0, 400))
        assert found.hessian[0].mode == "coloured"
        assert found.hessian[0].passes == 5
        assert found.hessian[0].verified
        assert found.hessian[0].sparsity is not None
        assert set(found.hessian[0].sparsity.colours) == set(range(5))
        assert found.hessian[0].call.startswith("import asdex\nasdex.hessian(f, x")

    def test_a_vector_function_has_no_ways_to_a_hessian(self) -> None:
        assert cost(self.tridiagonal, jnp.ones(5), how="count").hessian == ()


class TestCounts:
    def test_the_programs_of_a_product_are_counted_by_hand(self) -> None:
        m, n = 30, 20
        found = cost(lambda x: jnp.ones((m, n)) @ x, jnp.ones(n), how="count")
        flops = {program.name: program.flops for program in found.programs}
        assert flops["function"] == (2 * m * n, 2 * m * n)
        assert flops["vjp"] == (4 * m * n, 4 * m * n)  # the value, and a product with the transpose
        assert found.forward.flops == 2 * m * n * n

    def test_a_loop_that_xla_counts_once_is_told(self) -> None:
        a = jnp.eye(64) * 0.9
        found = cost(lambda x: jax.lax.fori_loop(0, 100, lambda _, y: jnp.sin(a @ y), x).sum(), jnp.ones(64))
        assert "counts the body of a loop once" in found.xla

    def test_a_mode_that_does_not_exist_is_said_for_its_program(self) -> None:
        def halved(x: jax.Array) -> jax.Array:
            return jax.lax.while_loop(lambda y: y > 1.0, lambda y: y / 2.0, x)

        found = cost(halved, 9.0, how="count", feasible={"reverse": "no reverse mode"})
        missing = {program.name: program.missing for program in found.programs}
        assert missing["vjp"] == "a while loop in it has no reverse mode"
        assert missing["jvp"] == ""


class TestNoise:
    def test_two_copies_of_one_series_show_no_difference(self) -> None:
        times = np.random.default_rng(0).lognormal(0, 0.3, (2, 50))
        assert faster(times[0], times[1]) is None

    def test_twice_the_time_shows_through_noise(self) -> None:
        times = np.random.default_rng(0).lognormal(0, 0.1, (2, 50))
        assert faster(2 * times[0], times[1]) == "reverse"
        assert faster(times[0], 2 * times[1]) == "forward"

    def test_one_lucky_sample_decides_nothing(self) -> None:
        times = np.ones(20)
        lucky = np.r_[0.1, np.ones(19)]
        assert faster(times, lucky) is None

    def test_programs_run_alternately(self) -> None:
        order: list[str] = []

        def run(name: str) -> None:
            order.append(name)
            time.sleep(0.001)

        samples = time_interleaved([lambda: run("a"), lambda: run("b")], time.monotonic() + 5)
        assert samples is not None and samples.shape[1] == 2
        measured = order[-2 * len(samples) :]
        assert measured == ["a", "b"] * len(samples)


class TestCallToPaste:
    x, y = jnp.array([1.0, 2.0]), 3.0

    @staticmethod
    def scalar(x: jax.Array, y: float, *, k: float = 1.0) -> jax.Array:
        return k * y * (x @ x)

    @staticmethod
    def vector(x: jax.Array, y: float) -> jax.Array:
        return x * y

    @pytest.mark.parametrize(
        ("name", "wrt", "kwargs", "reverse", "forward"),
        [
            ("scalar", "x", {}, "jax.grad(scalar)(x, y)", "jax.jacfwd(scalar)(x, y)"),
            ("scalar", "y", {}, "jax.grad(scalar, argnums=1)(x, y)", "jax.jacfwd(scalar, argnums=1)(x, y)"),
            ("scalar", ["x"], {"k": 2.0}, "jax.grad(scalar, argnums=(0,))(x, y, k=k)", None),
            ("scalar", "k", {"k": 2.0}, "jax.grad(lambda k: scalar(x, y, k=k))(k)", None),
            ("vector", None, {}, "jax.jacrev(vector, argnums=(0, 1))(x, y)", None),
        ],
    )
    def test_runs_and_gives_the_derivative(
        self, name: str, wrt: Any, kwargs: dict[str, float], reverse: str, forward: str | None
    ) -> None:
        function = getattr(self, name)
        subject = subject_of(function, (self.x, self.y), kwargs, wrt)
        found = cost_of(subject, how="count", feasible={}, deadline=0)
        assert found.reverse.call == reverse
        assert forward is None or found.forward.call == forward
        names = {"jax": jax, name: function, "x": self.x, "y": self.y, **kwargs}
        jax.tree.map(np.testing.assert_allclose, eval(reverse, names), eval(found.forward.call, names))

    def test_says_which_part_of_an_argument_to_take(self) -> None:
        def loss(params: dict[str, jax.Array]) -> jax.Array:
            return params["W"] @ params["W"] + params["b"]

        found = cost(loss, {"W": self.x, "b": jnp.array(1.0)}, how="count", wrt="params['W']")
        assert found.call == "jax.grad(loss)(params)  # of which the part for params['W']"


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.5, "1.5 s"), (0.0031, "3.1 ms"), (0.25, "250 ms"), (2e-5, "20 µs"), (0.000123, "123 µs")]
)
def test_durations_are_two_digits_and_a_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(68, "68 bytes"), (12_000, "12 kB"), (4_000_000, "4 MB"), (0, "0 bytes")])
def test_sizes_are_two_digits_and_a_unit(count: int, text: str) -> None:
    assert size(count) == text
