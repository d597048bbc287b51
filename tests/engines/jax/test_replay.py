"""A trace run step by step gives what the function gives, and says which step made what."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic.base.budget import within
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.jax.replay import Played, Replay, Replayed, replay
from jaxdiff_magic.subject.subject import subject_of
from jaxdiff_magic.subject.trace import subject_trace


def replayed(f: Any, *args: Any, seconds: float = 60.0) -> Replay:
    subject = subject_of(f, args, {})
    return replay(subject_trace(subject), subject.point, within(seconds))


def scanned(x: jax.Array) -> jax.Array:
    total, parts = jax.lax.scan(lambda c, xi: (c + xi, c * xi), jnp.zeros(()), x, reverse=True)
    return jnp.asarray(total) + parts @ x


def looped(x: jax.Array) -> jax.Array:
    return jax.lax.while_loop(lambda c: c[0] < 5, lambda c: (c[0] + 1, c[1] * x[0] + x[1]), (0, jnp.ones(())))[1]


def branched(x: jax.Array) -> jax.Array:
    return jax.lax.cond(x[0] > 0, lambda v: jnp.sin(v), lambda v: v**2, x).sum()


PROGRAMS = {
    "scan": scanned,
    "while": looped,
    "cond": branched,
    "linear algebra": lambda x: jnp.linalg.slogdet(jnp.outer(x, x) + jnp.eye(3))[1],
    "solve": lambda x: jnp.linalg.solve(jnp.outer(x, x) + jnp.eye(3), x).sum(),
    "integers": lambda x: (x[jnp.argmax(x)] * 2**0.5) + jnp.sort(x)[0],
    "custom rules": lambda x: jax.nn.relu(x).sum() + jax.nn.logsumexp(x),
}


@pytest.mark.parametrize("f", PROGRAMS.values(), ids=PROGRAMS)
def test_the_results_are_those_of_the_function(f: Any) -> None:
    x = jnp.array([0.5, -1.5, 2.0])
    (result,) = replayed(f, x).results
    np.testing.assert_allclose(result.data, f(x), rtol=1e-6)
    assert result.data.dtype == jnp.float32


def test_the_users_dtype_decides_what_overflows() -> None:
    f = lambda x: jnp.exp(x)  # noqa: E731
    assert np.isinf(replayed(f, jnp.float32(100.0)).results[0].data)
    with jax.enable_x64(True):
        assert np.isfinite(replayed(f, jnp.float64(100.0)).results[0].data)


def test_steps_of_a_loop_know_their_iteration() -> None:
    run = replayed(lambda x: jax.lax.scan(lambda c, xi: (c + jnp.log(xi), None), 0.0, x)[0], jnp.array([1.0, 0.0, 2.0]))
    (origin,) = run.origins(run.results[0], np.isinf)
    assert isinstance(origin, Played)
    assert (origin.equation.primitive, origin.iterations) == ("log", (1,))


def test_what_a_selection_leaves_out_is_no_origin() -> None:
    run = replayed(lambda x: jnp.where(x > 0, jnp.log(x), x - jnp.inf), jnp.array([-1.0]))
    (origin,) = run.origins(run.results[0], np.isinf)
    assert isinstance(origin, Played)
    assert origin.equation.primitive == "sub"


def test_a_bad_input_is_the_origin_itself() -> None:
    run = replayed(lambda x: 2 * x + 1, jnp.array([1.0, jnp.nan]))
    (origin,) = run.origins(run.results[0], np.isnan)
    assert isinstance(origin, Replayed)
    assert origin.source == subject_trace(subject_of(lambda x: 2 * x + 1, (jnp.ones(2),), {})).inputs[0]


def test_a_run_stops_at_its_deadline() -> None:
    with pytest.raises(OutOfReach, match="too long"):
        replayed(lambda x: jnp.sin(x), 1.0, seconds=-1.0)
