"""Functions with one wrong derivative rule in a known place, and functions whose rules are all right."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Function = Callable[[jax.Array], jax.Array]
MANY = 1000

MATRIX = np.array([[1.0, 0.4, -0.3], [0.7, -0.6, 0.5], [0.2, 0.9, 0.8]])


@dataclass(frozen=True)
class Base:
    """A function of a vector, and the terms of its Jacobian: of the diagonal for elementwise ones, else matrices."""

    code: Function
    terms: Callable[[jax.Array], tuple[jax.Array, ...]]


def mixed(x: jax.Array) -> jax.Array:
    return jnp.sin(jnp.asarray(MATRIX, x.dtype) @ x) + 0.5 * x


def mixed_terms(x: jax.Array) -> tuple[jax.Array, ...]:
    a = jnp.asarray(MATRIX, x.dtype)
    return jnp.cos(a @ x)[:, None] * a, 0.5 * jnp.eye(3, dtype=x.dtype)


def normalised(x: jax.Array) -> jax.Array:
    return jnp.exp(x) / jnp.sum(jnp.exp(x)) + jnp.asarray(MATRIX, x.dtype) @ x


def normalised_terms(x: jax.Array) -> tuple[jax.Array, ...]:
    p = jnp.exp(x) / jnp.sum(jnp.exp(x))
    return jnp.diag(p) - jnp.outer(p, p), jnp.asarray(MATRIX, x.dtype)


ELEMENTWISE = {
    "sine": Base(lambda x: x * jnp.sin(x), lambda x: (jnp.sin(x), x * jnp.cos(x))),
    "swish": Base(
        lambda x: x / (1.0 + jnp.exp(-x)),
        lambda x: (1.0 / (1.0 + jnp.exp(-x)), x * jnp.exp(-x) / (1.0 + jnp.exp(-x)) ** 2),
    ),
    "cubic": Base(lambda x: x**3 + 2.0 * x, lambda x: (3.0 * x**2, jnp.full_like(x, 2.0))),
    "decay": Base(lambda x: x**2 * jnp.exp(-x), lambda x: (2.0 * x * jnp.exp(-x), -(x**2) * jnp.exp(-x))),
    "logistic": Base(
        lambda x: jnp.tanh(x) + jnp.log(1.0 + x**2), lambda x: (1.0 - jnp.tanh(x) ** 2, 2 * x / (1 + x**2))
    ),
}
MATRICES = {"mixed": Base(mixed, mixed_terms), "normalised": Base(normalised, normalised_terms)}
BASES = {**ELEMENTWISE, **MATRICES}


def one_entry(n: int) -> np.ndarray:
    factors = np.ones(n)
    factors[(7 * n) // 11] = 1.5
    return factors


FAULTS: dict[str, Callable[[tuple[jax.Array, ...]], jax.Array]] = {
    "none": lambda terms: sum(terms[1:], terms[0]),
    "sign": lambda terms: -sum(terms[1:], terms[0]),
    "factor 2": lambda terms: 2.0 * sum(terms[1:], terms[0]),
    "factor 1.001": lambda terms: 1.001 * sum(terms[1:], terms[0]),
    "dropped term": lambda terms: terms[0],
    "transposed entry": lambda terms: (
        (full := sum(terms[1:], terms[0])).at[0, 1].set(full[1, 0]).at[1, 0].set(full[0, 1])
    ),
    "one of 1000": lambda terms: sum(terms[1:], terms[0]) * jnp.asarray(one_entry(terms[0].shape[-1]), terms[0].dtype),
}


def with_rule(base: Base, fault: str, kind: str) -> Function:
    """The function with a rule of its own, which has the fault."""

    def apply(x: jax.Array, t: jax.Array, transpose: bool) -> jax.Array:
        slope = FAULTS[fault](base.terms(x))
        return slope * t if slope.ndim == 1 else (slope.T if transpose else slope) @ t

    def injected(x: jax.Array) -> jax.Array:
        return base.code(x)

    return with_jvp(injected, apply) if kind == "custom_jvp" else with_vjp(injected, apply)


def with_jvp(code: Function, apply: Callable[[jax.Array, jax.Array, bool], jax.Array]) -> Function:
    def injected_rule(primals: Any, tangents: Any) -> Any:
        return code(primals[0]), apply(primals[0], tangents[0], False)

    inner = jax.custom_jvp(code)
    inner.defjvp(injected_rule)
    return inner


def with_vjp(code: Function, apply: Callable[[jax.Array, jax.Array, bool], jax.Array]) -> Function:
    def injected_rule(x: jax.Array, g: jax.Array) -> Any:
        return (apply(x, g, True),)

    inner = jax.custom_vjp(code)
    inner.defvjp(lambda x: (code(x), x), injected_rule)
    return inner


PLACES: dict[str, Callable[[Function], Function]] = {
    "top level": lambda g: lambda x: g(x),
    "jit": lambda g: jax.jit(lambda x: g(x) * 0.5),
    "scan": lambda g: lambda x: lax.scan(lambda c, _: (jnp.tanh(g(c)), None), x, None, length=3)[0],
    "vmap": lambda g: lambda x: jnp.sum(jax.vmap(g)(jnp.stack([x, 0.5 * x])), axis=0),
    "cond": lambda g: lambda x: lax.cond(jnp.sum(x) > -1e6, g, jnp.cos, x),
}


@jax.custom_jvp
def careful(x: jax.Array) -> jax.Array:
    return jnp.log1p(x * x)


careful.defjvp(lambda p, t: (careful(*p), 2.0 * p[0] / (1.0 + p[0] ** 2) * t[0]))


@jax.custom_vjp
def gentle(x: jax.Array) -> jax.Array:
    return jnp.sqrt(1.0 + x * x)


gentle.defvjp(lambda x: (gentle(x), x), lambda x, g: (g * x / jnp.sqrt(1.0 + x * x),))

AROUND: dict[str, Callable[[Function], Function]] = {
    "alone": lambda h: h,
    "in a sum": lambda h: lambda x: jnp.sum(h(x) ** 2),
    "in a chain": lambda h: lambda x: jnp.sum(jnp.tanh(h(jnp.sin(x) + 0.2))),
    "after a right rule": lambda h: lambda x: jnp.sum(h(careful(x) + 0.3 * x)),
    "before a right rule": lambda h: lambda x: jnp.sum(careful(h(x))),
    "beside one": lambda h: lambda x: jnp.sum(jax.nn.relu(h(x)) + jax.nn.softplus(x) * h(x)),
    "before a reverse rule": lambda h: lambda x: jnp.sum(gentle(h(x))),
}


@dataclass(frozen=True)
class Case:
    """A function with a wrong rule."""

    fault: str
    kind: str
    place: str
    base: str
    around: str
    dtype: str
    seed: int

    @property
    def function(self) -> Function:
        g = with_rule(BASES[self.base], self.fault, self.kind)
        return AROUND[self.around](PLACES[self.place](g))

    @property
    def point(self) -> np.ndarray:
        size = MANY if self.fault == "one of 1000" else 3
        return np.random.default_rng(self.seed).uniform(0.3, 1.4, size) * (1 if self.seed % 2 else -1)


def cases(count: int) -> Iterator[Case]:
    """Every fault in every kind of rule at every place, in turn; the rest at random."""
    grid = list(itertools.product([fault for fault in FAULTS if fault != "none"], ("custom_jvp", "custom_vjp"), PLACES))
    for k in range(count):
        fault, kind, place = grid[7 * k % len(grid)]  # so that few cases are of every sort
        rng = np.random.default_rng(k)
        bases = MATRICES if fault == "transposed entry" else ELEMENTWISE if fault == "one of 1000" else BASES
        around = rng.choice([name for name in AROUND if fault != "one of 1000" or name != "alone" or k % 5 == 0])
        dtype = "float64" if fault == "factor 1.001" else str(rng.choice(["float32", "float64"]))
        yield Case(fault, kind, place, str(rng.choice(list(bases))), str(around), dtype, k)
