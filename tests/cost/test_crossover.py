"""Both modes at other sizes: what can be re-sized is, what cannot is told or passed over, and the crossing is right."""

from __future__ import annotations

import json
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.base.budget import within
from jaxdiff_magic.cost import crossover
from jaxdiff_magic.cost.counting import programs
from jaxdiff_magic.cost.crossover import crossovers
from jaxdiff_magic.report.cost_figures import Crossover, about
from jaxdiff_magic.subject.subject import Subject, subject_of

W = jnp.ones((7, 5))
ONES = np.ones


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine as well as on an idle one."""
    monkeypatch.setattr(crossover, "MOST_SECONDS", 60.0)


def look(f: Any, *args: Any, wrt: Any = None, times: Any = None) -> tuple[tuple[Crossover, ...], str, Subject]:
    subject = subject_of(f, args, {}, wrt)
    counted = programs(subject, time.monotonic() + 60, ["jacobian forward", "jacobian reverse"])
    return *crossovers(subject, counted.counts, times or {}, time.monotonic() + 60), subject


def layer(A: Any, x: Any) -> Any:
    return jnp.tanh(A @ x)


class TestWhatCanBeResized:
    def test_a_matrix_product_crosses_where_inputs_and_outputs_are_as_many(self) -> None:
        """With A of m by n, forward mode takes n passes of 2mn FLOPs, reverse mode m of them."""
        (inputs, outputs), fixed, _ = look(lambda A, x: A @ x, ONES((30, 20)), ONES(20), wrt="x")
        assert fixed == ""
        assert inputs.grows == "inputs" and inputs.arguments == ("x", "A")
        assert set(inputs.outputs) == {30}
        assert inputs.forward == tuple(2 * 30 * n * n for n in inputs.inputs)
        assert inputs.reverse == tuple(2 * 30 * n * 30 for n in inputs.inputs)
        assert inputs.at == pytest.approx(30)
        assert inputs.words == "Forward mode does less work up to about 30 inputs, reverse mode beyond."
        assert outputs.grows == "outputs" and outputs.arguments == ("A",)
        assert outputs.forward == tuple(2 * m * 20 * 20 for m in outputs.outputs)
        assert outputs.reverse == tuple(2 * m * 20 * m for m in outputs.outputs)
        assert outputs.at == pytest.approx(20)
        assert outputs.words == "Reverse mode does less work up to about 20 outputs, forward mode beyond."

    def test_the_sizes_at_the_point_are_among_them_with_their_own_counts(self) -> None:
        (found, _), _, subject = look(layer, ONES((30, 20), "f"), ONES(20, "f"), wrt="x")
        counted = programs(subject, time.monotonic() + 60)
        assert found.sizes[found.here] == 20
        assert found.forward[found.here] == counted.counts["jacobian forward"].flops
        assert found.reverse[found.here] == counted.counts["jacobian reverse"].flops
        assert list(found.sizes) == sorted(set(found.sizes))
        assert found.sizes[0] <= 5 and found.sizes[-1] >= 80

    def test_a_resized_program_costs_what_the_function_costs_at_that_size(self) -> None:
        """Of the point as of every other size: the held matrix is an argument there and a constant here."""
        (found, _), _, _ = look(layer, ONES((30, 20), "f"), ONES(20, "f"), wrt="x")
        for n, forward, reverse in zip(found.inputs, found.forward, found.reverse, strict=True):
            subject = subject_of(layer, (ONES((30, n), "f"), ONES(n, "f")), {}, "x")
            counts = programs(subject, time.monotonic() + 60).counts
            assert (counts["jacobian forward"].flops, counts["jacobian reverse"].flops) == (forward, reverse)

    @pytest.mark.parametrize("sizes", [(6, 25), (90, 12), (16, 15)])
    def test_the_crossing_is_where_the_counts_change_sides(self, sizes: tuple[int, int]) -> None:
        m, n = sizes
        (found, *_), _, _ = look(layer, ONES((m, n), "f"), ONES(n, "f"), wrt="x")
        assert found.at is not None
        below, above = (
            programs(
                subject_of(layer, (ONES((m, k), "f"), ONES(k, "f")), {}, "x"),
                time.monotonic() + 60,
                ["jacobian forward", "jacobian reverse"],
            ).counts
            for k in (int(0.9 * found.at), int(1.1 * found.at) + 1)
        )
        assert below["jacobian forward"].flops < below["jacobian reverse"].flops
        assert above["jacobian forward"].flops > above["jacobian reverse"].flops

    def test_it_is_looked_for_as_far_away_as_it_is(self) -> None:
        (inputs, outputs), _, _ = look(layer, ONES((1000, 3), "f"), ONES(3, "f"), wrt="x")
        assert inputs.at == pytest.approx(1000, rel=0.05)
        assert outputs.at == pytest.approx(3, rel=0.05)

    def test_one_output_leaves_nothing_to_cross(self) -> None:
        def loss(w: Any, X: Any, y: Any) -> Any:
            return jnp.mean((X @ w - y) ** 2)

        (found,), _, _ = look(loss, ONES(100, "f"), ONES((500, 100), "f"), ONES(500, "f"), wrt="w")
        assert found.at is None
        assert set(found.outputs) == {1}
        assert found.words.startswith("Reverse mode does less work at every size from 2 to 400 inputs: by a factor of ")
        assert found.words.endswith(" at 2 and of 201 at 400.")

    def test_inputs_and_outputs_that_grow_together_cost_both_modes_the_same(self) -> None:
        (found,), _, _ = look(lambda x: jnp.sin(x) * x, ONES(20, "f"))
        assert found.inputs == found.outputs == (5, 10, 20, 40, 80)
        assert found.forward == found.reverse
        assert found.words == "Both modes do about as much work from 5 to 80 inputs."

    def test_sides_of_one_length_are_one_side(self) -> None:
        (found,), _, _ = look(layer, ONES((20, 20), "f"), ONES(20, "f"), wrt="x")
        assert found.inputs == found.outputs
        assert found.arguments == ("x", "A")

    def test_a_pytree_of_parameters_is_resized_as_well(self) -> None:
        def model(p: Any, x: Any) -> Any:
            return jnp.tanh(p["W"] @ x + p["b"])

        (found,), _, _ = look(model, {"W": ONES((4, 6), "f"), "b": ONES(4, "f")}, ONES(6, "f"), wrt="p")
        assert found.arguments == ("p['W']", "p['b']", "x")
        assert found.inputs[found.here] == 28

    def test_a_stencil_is_but_not_below_its_width(self) -> None:
        (found,), _, _ = look(lambda x: x[1:-1] * (x[2:] - x[:-2]), ONES(10, "f"))
        assert all(m == n - 2 > 0 for n, m in zip(found.inputs, found.outputs, strict=True))

    def test_a_loop_that_is_written_out_is_not_made_long(self) -> None:
        entered: list[int] = []

        def f(x: Any) -> Any:
            entered.append(x.shape[0])
            return jnp.stack([x[i] * x[i - 1] ** 2 for i in range(x.shape[0])])

        look(f, ONES(50, "f"))
        assert max(entered) <= 100


class TestWhatCannot:
    def test_a_captured_array_is_named(self) -> None:
        found, fixed, subject = look(lambda x: W @ x, ONES(5, "f"))
        assert found == ()
        assert fixed == (
            "How the two modes compare at other sizes is not known: f captures W, of fixed size. "
            "As an argument it could be re-sized with the others."
        )
        assert subject.calls == 2

    @pytest.mark.parametrize(
        "f",
        [
            pytest.param(lambda x: (lambda a, b, c: a * b + c)(*x), id="unpacked"),
            pytest.param(lambda x: x.reshape(3, 1) ** 2, id="literal shape"),
            pytest.param(lambda x: jnp.eye(3) @ x, id="literal size"),
            pytest.param(lambda x: jax.lax.switch(x.shape[0] - 3, [jnp.sin], x) if len(x) == 3 else 1 / 0, id="raises"),
        ],
    )
    def test_numbers_in_the_code_are_passed_over(self, f: Any) -> None:
        found, fixed, subject = look(f, ONES(3, "f"))
        assert (found, fixed, subject.calls) == ((), "", 2)

    @pytest.mark.parametrize(
        "f",
        [
            pytest.param(lambda x: x[0] ** 2 * x[1] + x[2], id="each by its index"),
            pytest.param(lambda x: x[0] * x[1] * x[jnp.array(2)], id="by an array"),
            pytest.param(lambda x: jnp.sum(x[jnp.array([0, 1, 2])] ** 2), id="by several"),
            pytest.param(lambda x: jnp.prod(x[:3]), id="the first ones"),
            pytest.param(lambda x: jnp.stack([x[-1], x[-2], x[-3]]), id="from the end"),
            pytest.param(lambda x: jax.jit(lambda y: jnp.sin(y[0]) * y[1] * y[2])(x), id="in a call"),
            pytest.param(lambda x: jnp.sin(x)[0] * jnp.flip(x)[0] * x[1], id="after other operations"),
            pytest.param(lambda x: jnp.concatenate([x, x])[2] * x[0] * x[1], id="of a longer one"),
        ],
    )
    def test_more_inputs_that_would_be_unused_are_no_comparison(self, f: Any) -> None:
        found, fixed, _ = look(f, ONES(3, "f"))
        assert (found, fixed) == ((), "")

    @pytest.mark.parametrize(
        "f",
        [
            pytest.param(lambda x: x[0] * jnp.sum(x), id="an index and all"),
            pytest.param(lambda x: x[::-1] * x, id="reversed"),
            pytest.param(lambda x: x[1:] * x[:-1], id="neighbours"),
            pytest.param(lambda x: x[jnp.arange(x.shape[0])] ** 2, id="gathered"),
            pytest.param(lambda x: jnp.cumsum(x)[-1] * x, id="summed"),
            pytest.param(lambda x: x.at[0].set(x[1]), id="scattered"),
            pytest.param(lambda x: jnp.concatenate([x[:2], x[2:]]) ** 2, id="cut and joined"),
        ],
    )
    def test_all_inputs_that_are_used_are_one(self, f: Any) -> None:
        found, _, _ = look(lambda x: jnp.sin(f(jnp.sin(x))), ONES(8, "f"))
        assert len(found) == 1

    def test_scalars_have_no_size(self) -> None:
        found, fixed, subject = look(lambda x, y: x**2 * y, 3.0, 2.0)
        assert (found, fixed, subject.calls) == ((), "", 1)

    def test_a_branch_in_python_cannot_be_traced_at_all(self) -> None:
        found, fixed, _ = look(lambda x: x**2 if x[0] > 0 else x, jnp.ones(3))
        assert (found, fixed) == ((), "")

    def test_work_of_unknown_length_is_not_compared(self) -> None:
        def halved(x: Any) -> Any:
            return jax.lax.while_loop(lambda y: jnp.max(y) > 1, lambda y: y / 2, x)

        assert look(halved, ONES(5, "f"))[0] == ()

    def test_a_mode_that_does_not_exist_is_not_compared(self) -> None:
        @jax.custom_vjp
        def square(x: Any) -> Any:
            return x**2

        square.defvjp(lambda x: (x**2, x), lambda x, g: (2 * x * g,))
        assert look(square, ONES(5, "f"))[:2] == ((), "")

    def test_a_long_program_is_not_traced_again(self) -> None:
        def long(x: Any) -> Any:
            for _ in range(200):
                x = jnp.sin(x) + 1
            return x

        assert look(long, ONES(5, "f"))[2].calls == 1

    def test_an_interrupt_goes_through(self) -> None:
        def f(x: Any) -> Any:
            if x.shape[0] != 5:
                raise KeyboardInterrupt
            return x**2

        with pytest.raises(KeyboardInterrupt):
            look(f, ONES(5, "f"))

    def test_nothing_is_begun_after_the_deadline(self) -> None:
        subject = subject_of(jnp.sin, (ONES(5, "f"),), {})
        counted = programs(subject, time.monotonic() + 60)
        assert crossovers(subject, counted.counts, {}, within(-1.0)) == ((), "")
        assert subject.calls == 1


class TestCalls:
    def test_are_four_more_for_each_that_grows_and_all_are_counted(self) -> None:
        shapes: list[Any] = []

        def f(A: Any, x: Any) -> Any:
            shapes.append(A.shape)
            return layer(A, x)

        (inputs, outputs), _, subject = look(f, ONES((30, 20), "f"), ONES(20, "f"), wrt="x")
        assert subject.calls == len(shapes) == 9
        assert set(inputs.inputs) <= {n for _, n in shapes} and set(outputs.outputs) <= {m for m, _ in shapes}

    def test_are_not_heard(self, capsys: pytest.CaptureFixture[str]) -> None:
        def f(x: Any) -> Any:
            print("x is", x)
            return x**2

        look(f, ONES(5, "f"))
        assert capsys.readouterr().out.count("x is") == 1

    def test_are_made_only_where_times_are_measured(self) -> None:
        def calls(how: Any) -> int:
            return derive(lambda x: jnp.sin(x) * x, cost=how, order=1, points=1, symbolic=False)(jnp.ones(5)).calls

        assert calls("count") == calls("none")


class TestEstimates:
    def test_scale_the_times_measured_here(self) -> None:
        """Work is equal at n = 30; where a FLOP takes forward mode half as long, it is the faster one up to 60."""
        f, arguments = lambda A, x: A @ x, (ONES((30, 20)), ONES(20))
        (plain, _), _, _ = look(f, *arguments, wrt="x")
        forward, reverse = plain.forward[plain.here], plain.reverse[plain.here]
        times = {"forward": np.array([forward * 1e-8, 1.0]), "reverse": np.array([reverse * 2e-8, 1.0])}
        (found, _), _, _ = look(f, *arguments, wrt="x", times=times)
        assert found.at == pytest.approx(30)
        assert found.estimated_at == pytest.approx(60)
        assert found.words.endswith(
            "By the times measured here, grown as the counted work grows (an estimate), "
            "forward mode is the faster one up to about 60 inputs."
        )

    def test_are_not_made_of_times_that_are_mostly_the_call(self) -> None:
        times = {"forward": np.array([20e-6]), "reverse": np.array([10e-6])}
        (found, _), _, _ = look(layer, ONES((30, 20), "f"), ONES(20, "f"), wrt="x", times=times)
        assert found.estimated_at is None
        assert "estimate" not in found.words


class TestReport:
    def test_has_them_as_plain_data_and_in_words(self) -> None:
        report = derive(layer, wrt="x", order=1, points=1)(jnp.ones((30, 20)), jnp.ones(20))
        assert report.cost is not None and report.cost.fixed == ""
        inputs, outputs = report.cost.crossovers
        assert (inputs.at, outputs.at) == (pytest.approx(30), pytest.approx(20, rel=0.02))
        sent = json.loads(json.dumps(report.to_dict(), allow_nan=False))["cost"]["crossovers"]
        assert sent[0]["inputs"] == list(inputs.inputs) and sent[1]["words"] == outputs.words
        assert inputs.words in str(report)
        assert "Lines of counted FLOPs by the number of inputs, here 20." in report._repr_mimebundle_()["text/html"]

    def test_says_what_fixes_the_size(self) -> None:
        report = derive(lambda x: W @ x, order=1, points=1)(jnp.ones(5))
        assert report.cost is not None and report.cost.crossovers == ()
        assert "captures W, of fixed size." in str(report)


@pytest.mark.parametrize(
    ("scalars", "text"), [(2.4, "2"), (29.7, "30"), (99.2, "99"), (103.0, "100"), (1234.5, "1,200")]
)
def test_what_lies_between_sizes_is_said_in_two_digits(scalars: float, text: str) -> None:
    assert about(scalars) == text
