"""What depends on what, on small traces whose answers are seen at a glance."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxdiff_magic.subject.dependence import leading_to, reached_from
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import Equation, Trace, subject_trace


def trace_of(f: Any, *args: Any) -> Trace:
    return subject_trace(subject_of(f, [np.asarray(arg, np.float32) for arg in args], {}, None))


def names(steps: list[Equation]) -> list[str]:
    return [step.primitive for step in steps]


def two_ways(x: Any, y: Any) -> tuple[Any, Any]:
    return jnp.sin(jnp.exp(x)), jnp.cos(x) * jnp.tanh(y)


class TestLeadingTo:
    def test_has_the_steps_of_a_result_in_their_order_and_no_others(self) -> None:
        trace = trace_of(two_ways, 1.0, 2.0)
        steps, needed = leading_to(trace.equations, trace.outputs[:1])
        assert names(steps) == ["exp", "sin"]
        assert needed == {trace.inputs[0], steps[0].outputs[0], trace.outputs[0]}

    def test_goes_back_by_the_operands_that_are_said_to_be_read(self) -> None:
        trace = trace_of(two_ways, 1.0, 2.0)
        steps, needed = leading_to(trace.equations, trace.outputs[1:], lambda step, _: step.inputs[-1:])
        assert names(steps) == ["tanh", "mul"]
        assert trace.inputs[0] not in needed

    def test_says_which_results_of_a_step_are_needed(self) -> None:
        trace = trace_of(lambda x: jnp.sum(lax.top_k(x, 2)[0]), [1.0, 3.0, 2.0])
        asked = []
        leading_to(trace.equations, trace.outputs, lambda step, results: asked.append(results) or step.inputs)
        assert (True, False) in asked

    def test_of_a_constant_is_nothing(self) -> None:
        trace = trace_of(lambda x: (x * 2, 3.0), 1.0)
        assert leading_to(trace.equations, trace.outputs[1:]) == ([], set())


class TestReachedFrom:
    def test_has_the_steps_of_an_input_in_their_order_and_no_others(self) -> None:
        trace = trace_of(two_ways, 1.0, 2.0)
        steps, found = reached_from(trace.equations, trace.inputs[1:])
        assert names(steps) == ["tanh", "mul"]
        assert trace.outputs[1] in found and trace.outputs[0] not in found

    def test_ends_at_what_carries_nothing_on(self) -> None:
        trace = trace_of(lambda x: jnp.where(x > 0, 1.0, 2.0) * 3, 1.0)
        steps, found = reached_from(trace.equations, trace.inputs, lambda v: v.dtype.kind == "f")
        assert names(steps) == ["gt"]
        assert found == set(trace.inputs)
