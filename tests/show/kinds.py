"""Functions of many kinds, whose reports would be large if nothing kept them small."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.pipeline import derive
from jaxdiff_magic.report import CheckEntry, Finding
from jaxdiff_magic.show.report import Report

QUICK: dict[str, Any] = {"order": 1, "cost": "none", "points": 2, "budget": 4.0}
"""Of a report that is looked at for its size alone."""


def report(f: Callable[..., Any], *args: Any, **options: Any) -> Report:
    return derive(f, **(QUICK | options))(*args)


def normal(*shape: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(sum(shape)).normal(size=shape), jnp.float32)


def jacobian() -> Report:
    """A Jacobian of 30 x 30 entries."""
    A = normal(30, 30)
    return report(lambda x: jnp.tanh(A @ x), normal(30), cost="count")


def hessian() -> Report:
    """A Hessian of 200 inputs."""
    return report(lambda x: jnp.sum(jnp.sin(x[1:] * x[:-1])), normal(200), order=2)


def findings() -> Report:
    """400 findings, each with a cure in code."""
    found = report(lambda x: x[0] ** 2 * x[1], jnp.array([1.0, 2.0]))
    many = tuple(
        Finding(
            ("info", "warning", "error")[k % 3],
            ("info", "warning", "error")[k % 3],  # type: ignore[arg-type]
            f"x[{k}]",
            f"cell, line {k}",
            f"In line {k} something happens that takes {k} words to be told: " + "and so on " * 20,
            f"Write `jnp.where(x[{k}] > 0, x[{k}], 0.0)` instead.",
        )
        for k in range(400)
    )
    return dataclasses.replace(found, findings=many)


def leaves() -> Report:
    """300 leaves, in 50 modules."""

    def loss(params):
        return jnp.sum(jnp.tanh(jnp.concatenate([leaf for module in params.values() for leaf in module.values()])))

    params = {f"block{k:02d}": {name: 0.01 * normal(4) for name in "abcdef"} for k in range(50)}
    return report(loss, params, symbolic=False)


def network_of(*sizes: int) -> list[dict[str, jax.Array]]:
    shapes = list(itertools.pairwise(sizes))
    return [{"weight": normal(m, n) / m**0.5, "bias": 0.1 * normal(n)} for m, n in shapes]


def network(params: list[dict[str, jax.Array]], x: jax.Array, y: jax.Array) -> jax.Array:
    h = x
    for layer in params[:-1]:
        h = jnp.tanh(h @ layer["weight"] + layer["bias"])
    out = h @ params[-1]["weight"] + params[-1]["bias"]
    return jnp.mean((out[:, 0] - y) ** 2)


def perceptron() -> Report:
    """1,569 parameters in three layers."""
    given = normal(8, 14), normal(8)
    return report(network, network_of(14, 32, 32, 1), *given, wrt=0, order=2, cost="count", symbolic=False, budget=1.0)


def long_formulas() -> Report:
    """Formulas of many thousand characters, of the function and of each entry."""

    def f(x):
        out = 0.0
        for k in range(12):
            out = out + jnp.sin(x[k % 6] * x[(k + 1) % 6] + k) * jnp.exp(-(x[(k + 2) % 6] ** 2)) / (1.5 + x[k % 5] ** 2)
        return out

    return report(f, normal(6), order=2)


def long_matrices() -> Report:
    """Matrices of 400 rows."""
    return report(lambda W, b: jnp.tanh(W @ jnp.ones(3) + b), normal(400, 3), normal(400))


def many_outputs() -> Report:
    """A table for each pair of 12 outputs and 12 inputs."""

    def f(params):
        return {name: leaf**2 for name, leaf in params.items()}

    return report(f, {f"part{k}": normal(5) for k in range(12)})


def long_lines() -> Report:
    """Source lines of a thousand characters."""

    def f(x):
        y = jnp.sin(x[0]) * x[1] + jnp.sin(x[1]) * x[2] + jnp.sin(x[2]) * x[0] + jnp.cos(x[0]) * x[1] + jnp.cos(x[1]) * x[2] + jnp.cos(x[2]) * x[0] + jnp.tanh(x[0]) * x[1] + jnp.tanh(x[1]) * x[2] + jnp.tanh(x[2]) * x[0] + jnp.exp(x[0]) * x[1] + jnp.exp(x[1]) * x[2] + jnp.exp(x[2]) * x[0] + jnp.sin(2 * x[0]) * x[1] + jnp.sin(2 * x[1]) * x[2] + jnp.sin(2 * x[2]) * x[0] + jnp.cos(2 * x[0]) * x[1] + jnp.cos(2 * x[1]) * x[2] + jnp.cos(2 * x[2]) * x[0] + jnp.tanh(2 * x[0]) * x[1] + jnp.tanh(2 * x[1]) * x[2]  # noqa: E501  # fmt: skip
        return y * x[0]

    return report(f, normal(3))


def third_order() -> Report:
    """Third derivatives of several outputs."""
    return report(lambda x: jnp.stack([jnp.prod(x), jnp.sum(x**4), jnp.sin(x[0] * x[1])]), normal(5), order=3)


def reasons() -> Report:
    """200 entries of the check, each with a long reason, and much that is not covered."""
    found = report(lambda x: x[0] ** 2 * x[1], jnp.array([1.0, 2.0]))
    why = "the step in line 3 is at a tie, where the derivative is a matter of convention; " * 4
    entries = tuple(
        CheckEntry("gradient", f"f[{k}]", (f"x[{k}]",), 1.0, 1.0, 1.0, 1.0, None, "out of reach", f"{k}: {why}")
        for k in range(200)
    )
    check = dataclasses.replace(found.check, outcome="out of reach", entries=entries, not_covered=(why,) * 60)
    return dataclasses.replace(found, check=check)


def long_names() -> Report:
    """Keys of 300 characters."""
    return report(
        lambda p: sum(jnp.sum(leaf**2) for leaf in p.values()), {"k" * 300 + str(k): normal(3) for k in range(9)}
    )


def held() -> Report:
    """500 leaves that are held fixed."""

    def f(p):
        return p["x"] ** 2 * sum(p["settings"])

    return report(f, {"x": 2.0, "settings": list(range(500))})


def many_inputs() -> Report:
    """As many inputs as a panel moves."""
    return report(
        lambda params: sum(jnp.sum(p**2) for p in params.values()), {"a_longer_name": normal(32, 64), "b": normal(2048)}
    )


KINDS: dict[str, Callable[[], Report]] = {
    kind.__name__: kind
    for kind in (
        jacobian,
        hessian,
        findings,
        leaves,
        perceptron,
        long_formulas,
        long_matrices,
        many_outputs,
        long_lines,
        third_order,
        reasons,
        long_names,
        held,
        many_inputs,
    )
}
