"""Every step of a run is seen with its operands and results, those inside loops in each iteration."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.engines.reference.watching import watched
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import Equation, subject_trace


@jax.custom_jvp
def twice(x):
    return 2.0 * x


twice.defjvp(lambda primals, tangents: (twice(primals[0]), 2.0 * tangents[0]))


def seen(f, x):
    return watched(subject_trace(subject_of(f, (jnp.asarray(x),), {})), [np.asarray(x, float)])


def test_steps_come_in_order_with_their_numbers():
    first, second, call = seen(lambda x: jnp.sin(twice(x)), 0.5)
    assert (first.step.primitive, second.step.primitive, call.step.name) == ("mul", "sin", "twice")
    assert [value.data.item() for value in second.operands] == [1.0]
    assert second.results[0].data.item() == np.sin(1.0)
    assert 0 < second.results[0].error < 1e-14
    assert (call.operands[0].data.item(), call.results[0].data.item()) == (0.5, 1.0)


def test_the_body_of_a_loop_is_seen_in_each_iteration():
    def f(x):
        return jax.lax.scan(lambda c, k: (twice(c) + k, None), x, jnp.arange(3.0))[0]

    found = [item.operands[0].data.item() for item in seen(f, 1.0) if not isinstance(item.step, Equation)]
    assert found == [1.0, 2.0, 5.0]


def test_what_no_result_depends_on_is_left_out_and_integers_stay_integers():
    def f(x):
        jnp.exp(x)
        return x[jnp.argmax(x)]

    found = seen(f, [1.0, 3.0, 2.0])
    assert "exp" not in {item.step.primitive for item in found}
    (place,) = (item.results[0] for item in found if item.step.primitive == "argmax")
    assert (place.data.item(), place.varies) == (1, True)
