"""Functions that print, draw, count or change things (A18): what they do is named, and how often it was done."""

from __future__ import annotations

import random
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiff_magic import Report, derive
from jaxdiff_magic.engines.jax.values import equation_count
from jaxdiff_magic.report import Finding

log: list[int] = []
table: dict[str, Any] = {}
count = 0
buffer = np.zeros(3)
generator = np.random.default_rng(0)
key = jax.random.key(3)


def report(f: Any) -> Report:
    return derive(f, cost="none", order=1, points=1)(2.0)


def impure(f: Any) -> list[Finding]:
    return [finding for finding in report(f).findings if finding.kind == "impure"]


def appends(x):
    log.append(1)
    return x**2


def stores(x):
    table["last"] = x
    return x**2


def counts(x):
    global count
    count += 1
    return count * x**2


def writes(x):
    buffer[0] += 1
    return x**2


@pytest.mark.parametrize(("f", "name"), [(appends, "log"), (stores, "table"), (writes, "buffer")])
def test_a18_what_a_function_changes_is_named(f: Any, name: str) -> None:
    (finding,) = impure(f)
    assert finding.severity == "warning"
    assert f"{f.__name__} changes {name}, which it did not get as an argument" in finding.message
    assert "Return the new value" in finding.cure


def test_a18_a_counter_makes_another_function_each_time() -> None:
    first, second = impure(counts)
    assert "another function each time that JAX traces it" in first.message
    assert "counts changes count" in second.message


def test_a18_captured_variables_of_an_enclosing_function_are_watched() -> None:
    seen: list[Any] = []

    def f(x):
        seen.append(x)
        return x**2

    (finding,) = impure(f)
    assert "f changes seen" in finding.message


@pytest.mark.parametrize(
    ("f", "source"),
    [
        (lambda x: x * np.random.normal(), "it draws from NumPy's random numbers"),
        (lambda x: x * random.random(), "it draws from Python's random numbers"),
        (lambda x: x * generator.normal(), "it draws from generator"),
        (lambda x: x * time.perf_counter(), "it uses time"),
    ],
)
def test_a18_randomness_outside_jax_is_named(f: Any, source: str) -> None:
    (finding,) = impure(f)
    assert "another function each time" in finding.message
    assert source in finding.message


def test_a18_a_draw_that_changes_nothing_is_still_told() -> None:
    (finding,) = impure(lambda x: (np.random.normal(), x**2)[1])
    assert "draws from NumPy's random numbers when it is traced" in finding.message


@pytest.mark.parametrize("make", [jax.random.key, jax.random.PRNGKey])
def test_a18_a_key_made_inside_draws_the_same_numbers_at_each_call(make: Any) -> None:
    (finding,) = impure(lambda x: x * jax.random.normal(make(0)))
    assert (finding.severity, "the same at each call" in finding.message) == ("info", True)
    assert "pass the key" in finding.cure


def test_a_key_from_outside_or_as_an_argument_is_no_finding() -> None:
    assert impure(lambda x: x * jax.random.normal(key)) == []
    found = derive(lambda x, k: x * jax.random.normal(k), cost="none", order=1, points=1)(2.0, key).findings
    assert [finding.kind for finding in found] == ["integer"]


def test_a18_prints_are_counted_and_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    def prints(x):
        print("x is", x)
        return x**2

    made = report(prints)
    (finding,) = [finding for finding in made.findings if finding.kind == "impure"]
    shown = capsys.readouterr().out.count("x is")
    assert shown == made.calls - 1  # the call that looks for this is not shown
    assert f"{made.calls} times here" in finding.message
    assert "jax.debug.print" in finding.cure


def test_a18_how_often_the_function_was_called_is_known() -> None:
    seen = []

    def f(x):
        seen.append(0)
        return jnp.sin(x)

    assert report(f).calls == len(seen)


def test_looking_costs_one_trace_and_none_for_long_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    from jaxdiff_magic.findings import impure as kind

    def f(x):
        return jnp.sin(x) * x

    with_it = report(f).calls
    monkeypatch.setattr(kind, "MAX_TRACED_EQUATIONS", 1)
    assert report(f).calls == with_it - 1


@pytest.mark.parametrize(
    "f",
    [
        lambda x: jnp.sin(x) ** 3,
        lambda x: jax.lax.scan(lambda c, _: (jnp.sin(c), c), x, None, length=3)[0],
        lambda x: jax.lax.cond(x > 0, jnp.sin, jnp.cos, x),
        jax.nn.gelu,
        jax.jit(lambda x: jnp.linalg.solve(jnp.eye(2) * x, jnp.ones(2)).sum()),
    ],
)
def test_a_pure_function_is_never_accused(f: Any) -> None:
    assert impure(f) == []
    assert equation_count(jax.make_jaxpr(f)(2.0).jaxpr) > 0


def test_what_is_another_function_each_time_is_not_called_right() -> None:
    calls = []

    def counting(x):
        calls.append(x)
        return jnp.sum(x**2) * len(calls)

    report = derive(counting, cost="none")(jnp.array([1.0, 2.0, 3.0]))
    assert report.verdict == "out of reach"
    assert "another function each time" in report.check.summary
    assert report.value == pytest.approx(14.0 * report.gradient[0] / 2)  # both of one and the same function
