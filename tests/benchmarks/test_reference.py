"""The symbolic check is quick: beside JAX's own compiler, beside SymPy's own derivatives, and for long loops."""

from __future__ import annotations

import functools
import json
import os
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
import sympy as sp
from jax import lax

from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.reference.run import Node, Run
from jaxdiff_magic.subject.subject import Subject, subject_of
from jaxdiff_magic.subject.trace import subject_trace

PACKAGE = Path(__file__).resolve().parents[2]
RNG = np.random.default_rng(0)
DATA, LABELS = RNG.normal(size=(50, 100)), (RNG.uniform(size=50) > 0.5) * 1.0
FIRST, SECOND = RNG.normal(size=(50, 50)) / 7, RNG.normal(size=(50, 50)) / 7
ROUNDS = 5


def logistic(w: jax.Array) -> jax.Array:
    z = DATA @ w
    return -jnp.mean(LABELS * jax.nn.log_sigmoid(z) + (1 - LABELS) * jax.nn.log_sigmoid(-z))


def network(x: jax.Array) -> jax.Array:
    return jnp.sum(jnp.tanh(SECOND @ jnp.tanh(FIRST @ x)) ** 2)


FUNCTIONS = {"logistic": (logistic, 100), "network": (network, 50)}


def checked(subject: Subject, numbers: tuple[Any, ...]) -> None:
    """The symbolic check: trace, derive value, gradient and Hessian at full size, compare with JAX's numbers."""
    points = [np.asarray(x)[None] for x in subject.point]
    reference = Reference(subject_trace(subject))
    for path in ((0, 0, 0), (0, 0), (0,)):
        found = reference.evaluate(path, points).values[0]
        assert np.abs(found - np.asarray(numbers[len(path) - 1])).max() <= 1e-12 * np.abs(found).max()


def derivatives(f: Callable[..., Any]) -> Callable[..., Any]:
    return jax.jit(lambda x: (f(x), jax.grad(f)(x), jax.hessian(f)(x)))


def first_jit(f: Callable[..., Any], x: np.ndarray) -> tuple[float, tuple[Any, ...]]:
    """Seconds of JAX's first compiled value, gradient and Hessian, and those numbers."""
    jax.clear_caches()
    start = time.perf_counter()
    found = jax.block_until_ready(derivatives(f)(x))
    return time.perf_counter() - start, found


def seconds(action: Callable[[], Any]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_warm_check_takes_a_fiftieth_of_the_first_jit(name: str) -> None:
    f, size = FUNCTIONS[name]
    with jax.enable_x64(True):
        x = np.random.default_rng(1).normal(size=size)
        subject = subject_of(f, (x,), {})
        _, numbers = first_jit(f, x)
        checked(subject, numbers)
        rounds = []
        for _ in range(ROUNDS):
            compiling, numbers = first_jit(f, x)
            action = functools.partial(checked, subject, numbers)
            rounds.append((compiling, min(seconds(action) for _ in range(4))))
    jit, check = (min(column) for column in zip(*rounds, strict=True))
    assert check <= 0.02 * jit, f"{1e3 * check:.1f} ms, first jit {1e3 * jit:.0f} ms"


COLD = """
import json, sys
import jax
jax.config.update("jax_enable_x64", True)
import numpy as np
from jaxdiff_magic.subject.subject import subject_of
from tests.benchmarks import test_reference as here  # SciPy comes with it; the rules are not loaded yet
f, size = here.FUNCTIONS[sys.argv[1]]
x = np.random.default_rng(1).normal(size=size)
subject = subject_of(f, (x,), {})
jit, numbers = here.first_jit(f, x)
print(json.dumps([here.seconds(lambda: here.checked(subject, numbers)), jit]))
"""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_cold_check_takes_a_fifth_of_the_first_jit(name: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    rounds = []
    for _ in range(4):  # the first one writes the bytecode
        done = subprocess.run(
            [sys.executable, "-c", COLD, name], cwd=PACKAGE, env=environment, capture_output=True, text=True, check=True
        )
        rounds.append(json.loads(done.stdout.splitlines()[-1]))
    check, jit = (min(column) for column in zip(*rounds, strict=True))
    assert check <= 0.2 * jit, f"{1e3 * check:.1f} ms, first jit {1e3 * jit:.0f} ms"


def by_sympy(x: list[sp.Symbol], f: sp.Expr, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and Hessian of a component form by SymPy's diff and lambdify, common subexpressions shared."""
    gradient = [f.diff(a) for a in x]
    hessian = [[g.diff(b) for b in x] for g in gradient]
    compiled = sp.lambdify(x, [gradient, hessian], cse=True)
    found = compiled(*at)
    return np.asarray(found[0], float), np.asarray(found[1], float)


def small_network(x: Any, tanh: Callable[[Any], Any]) -> Any:
    hidden = [tanh(sum(float(FIRST[i, j]) * x[j] for j in range(4))) for i in range(4)]
    out = [tanh(sum(float(SECOND[i, j]) * hidden[j] for j in range(4))) for i in range(4)]
    return sum(o**2 for o in out)


def softmax_entry(x: Any, exp: Callable[[Any], Any]) -> Any:
    return exp(x[0]) / sum(exp(a) for a in x)


COMPONENT_FORMS: dict[str, tuple[Callable[..., Any], Callable[..., Any], int, float]] = {
    "a 4-4-4 network": (
        lambda x: jnp.sum(jnp.tanh(SECOND[:4, :4] @ jnp.tanh(FIRST[:4, :4] @ x)) ** 2),
        lambda x: small_network(x, sp.tanh),
        4,
        100,
    ),
    "softmax of 20": (lambda x: jax.nn.softmax(x)[0], lambda x: softmax_entry(x, sp.exp), 20, 30),
}


@pytest.mark.parametrize("name", COMPONENT_FORMS)
def test_sympys_own_derivatives_of_components_take_many_times_as_long(name: str) -> None:
    f, component_form, size, factor = COMPONENT_FORMS[name]
    x = np.random.default_rng(2).normal(size=size)
    symbols = list(sp.symbols(f"x:{size}", real=True))
    rounds = []
    with jax.enable_x64(True):
        trace = subject_trace(subject_of(f, (x,), {}))  # JAX's own tracing apart
        Reference(trace).evaluate((0, 0, 0), [x[None]])
        for _ in range(2):
            sp.core.cache.clear_cache()
            start = time.perf_counter()
            gradient, hessian = by_sympy(symbols, component_form(symbols), x)
            theirs = time.perf_counter() - start
            start = time.perf_counter()
            reference = Reference(trace)  # with nothing kept from before
            ours = [reference.evaluate(path, [x[None]]).values[0] for path in ((0, 0, 0), (0, 0))]
            rounds.append((theirs, time.perf_counter() - start))
            np.testing.assert_allclose(ours[0], hessian, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(ours[1], gradient, rtol=1e-9, atol=1e-12)
    sympys, own = (min(column) for column in zip(*rounds, strict=True))
    assert sympys >= factor * own, f"{1e3 * own:.1f} ms, SymPy {1e3 * sympys:.0f} ms"


def steps_of(f: Callable[..., Any], x: np.ndarray) -> int:
    """Operations of a sweep for gradient and Hessian: those of the run and those on its tape."""
    with jax.enable_x64(True):
        trace = subject_trace(subject_of(f, (x,), {}))
        run = Run(3, 1)
        reference = Reference(trace)
        inputs: list[Node] = reference._seeded([x[None]], [np.eye(x.size)], run, first_axis=2)
        run.trace(trace, inputs)
        return run.steps + len(run.entries)


@pytest.mark.parametrize("kind", ["python", "fori_loop", "scan"])
def test_steps_grow_linearly_with_the_length_of_a_loop(kind: str) -> None:
    def iterated(times: int) -> Callable[..., Any]:
        def step(x: jax.Array) -> jax.Array:
            return jnp.sin(x) * 1.1 + 0.1 * x[::-1]

        def f(x: jax.Array) -> jax.Array:
            if kind == "python":
                for _ in range(times):
                    x = step(x)
            elif kind == "fori_loop":
                x = lax.fori_loop(0, times, lambda _, c: step(c), x)
            else:
                x, _ = lax.scan(lambda c, _: (step(c), None), x, None, length=times)
            return jnp.sum(x)

        return f

    lengths = np.array([10, 100, 1000])
    counts = [steps_of(iterated(int(times)), np.array([0.3, -0.8, 1.1])) for times in lengths]
    slope = np.polyfit(np.log(lengths), np.log(counts), 1)[0]
    assert slope <= 1.1, counts
