"""Functions of many inputs are checked along directions: what is wrong differs, by entry; what is right agrees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic import WrongDerivative, check, derive

RNG = np.random.default_rng(0)
X = jnp.asarray(RNG.uniform(0.5, 1.5, 400), jnp.float32)


def with_rule(backward: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """sin, with a derivative of the caller's: from x and the cotangent to that of x."""

    @jax.custom_vjp
    def own_sine(x: Any) -> Any:
        return jnp.sin(x)

    own_sine.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (backward(x, g),))
    return own_sine


def wrong(f: Callable[..., Any], *args: Any, **options: Any) -> WrongDerivative:
    with pytest.raises(WrongDerivative) as raised:
        check(f, **options)(*args)
    return raised.value


@pytest.mark.parametrize("size", [101, 3_000, 300_000])
def test_one_entry_of_many_that_is_a_hundredth_off_is_named(size: int) -> None:
    sine = with_rule(lambda x, g: (g * jnp.cos(x)).at[size // 3].multiply(1.01))
    x = jnp.asarray(RNG.uniform(0.5, 1.5, size), jnp.float32)
    error = wrong(lambda x: jnp.sum(sine(x) ** 2), x)
    assert f"x[{size // 3}]" in str(error) and "own_sine" in str(error)
    assert [entry.outcome for entry in error.check.entries] == ["differs"]


def test_a_second_derivative_that_is_wrong_differs() -> None:
    sine = with_rule(lambda x, g: g * jnp.cos(lax.stop_gradient(x)))
    error = wrong(lambda x: jnp.sum(sine(x)), X)
    assert "second derivative" in str(error)
    assert check(lambda x: jnp.sum(sine(x)), order=1)(X).outcome == "agrees"


def test_of_several_outputs_the_one_that_is_wrong_is_named() -> None:
    sine = with_rule(lambda x, g: (g * jnp.cos(x)).at[7].multiply(-1.0))
    error = wrong(lambda x: {"a": jnp.cos(x), "b": sine(x)}, X[:150])
    (entry,) = [entry for entry in error.check.entries if entry.outcome == "differs"]
    assert "['b'][7]" in entry.output and entry.inputs == ("x[7]",)
    assert entry.reverse == pytest.approx(-entry.symbolic, rel=1e-5)


def test_where_there_is_forward_mode_alone_the_entry_is_searched_for() -> None:
    @jax.custom_jvp
    def own_cube(x: Any) -> Any:
        return x**3

    own_cube.defjvp(lambda xs, ts: (xs[0] ** 3, 3 * xs[0] ** 2 * ts[0].at[123].multiply(1.1)))

    def looping(x: Any, y: Any) -> Any:
        return jnp.sum(lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * 1.5), (0, own_cube(x)))[1]) + y

    error = wrong(looping, X[:200], 1.0)
    assert "x[123]" in str(error) and "own_cube" in str(error)
    right = check(lambda x: lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * 1.5), (0, x**3))[1][0])
    assert right(X[:200]).outcome == "agrees"


def test_leaves_without_any_influence_and_of_symmetry_agree() -> None:
    def loss(p: Any) -> Any:
        logits = p["x"] @ p["w"] + jnp.sum(p["shift"])  # which softmax takes out again
        return -jnp.mean(jax.nn.log_softmax(logits)[:, 0])

    p = {"x": X.reshape(20, 20), "w": X.reshape(20, 20) - 1.0, "shift": X[:30], "unused": X[:50]}
    found = check(loss)(p)
    assert found.outcome == "agrees", found.summary
    assert {entry.inputs[0].partition("[")[0] for entry in found.entries} == {"p"}
    assert len(found.entries) == 4


def test_a_choice_at_a_tie_is_no_fault_and_is_named() -> None:
    x = X.at[5].set(0.0)
    found = check(lambda x: jnp.sum(jnp.abs(x)))(x)
    assert found.outcome == "out of reach" and "abs" in found.summary
    smooth = check(lambda x: jnp.sum(jnp.maximum(x, 0.0) ** 2))(x)
    assert smooth.outcome == "agrees", smooth.summary


def test_what_is_not_finite() -> None:
    found = check(lambda x: jnp.sum(jnp.sqrt(x)))(X.at[3].set(0.0))
    assert found.outcome == "out of reach"

    def masked(x: Any) -> Any:
        return jnp.sum(jnp.where(x > 0, jnp.sqrt(x), 0.0))  # whose gradient is NaN at 0, by 0 times infinity

    assert check(masked)(X.at[3].set(-1.0)).outcome in ("differs", "out of reach")
    hidden = jnp.where(jnp.arange(400) % 2 == 0, 0.0, -jnp.inf)
    assert check(lambda x: jax.nn.logsumexp(x + hidden))(X).outcome == "agrees"


def test_chaos_is_accused_of_nothing() -> None:
    def chaotic(x: Any) -> Any:
        return jnp.sum(lax.fori_loop(0, 200, lambda _, y: 3.9 * y * (1 - y), x))

    assert check(chaotic)(X[:150] / 2).outcome != "differs"


def test_trusted_rules_are_no_fault() -> None:
    sine = with_rule(lambda x, g: g)
    found = check(lambda p: jnp.sum(sine(p["a"])) + jnp.sum(p["b"] ** 2), trust="own_sine")({"a": X, "b": X})
    assert found.outcome == "out of reach" and "trusted" in found.summary


def test_a_report_names_the_rule_and_keeps_its_verdict_without_time() -> None:
    sine = with_rule(lambda x, g: 2 * g * jnp.cos(x))
    report = derive(lambda x: jnp.sum(sine(x)), budget=0.0, symbolic=False, cost="none")(X)
    assert report.verdict == "differs" and report.check.fault is not None
    assert report.check.fault.name == "own_sine"
