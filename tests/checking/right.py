"""Functions whose derivatives are right as JAX gives them, at points where plain checks accuse them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .injected import AROUND, BASES, PLACES, Function, with_rule


@jax.custom_jvp
def stable_softplus(x: jax.Array) -> jax.Array:
    return jnp.where(x > 20.0, x, jnp.log1p(jnp.exp(jnp.minimum(x, 20.0))))


stable_softplus.defjvp(lambda p, t: (stable_softplus(*p), jax.nn.sigmoid(p[0]) * t[0]))


@jax.custom_vjp
def own_relu(x: jax.Array) -> jax.Array:
    return jnp.maximum(x, 0.0)


own_relu.defvjp(lambda x: (own_relu(x), x > 0), lambda positive, g: (jnp.where(positive, g, 0.0),))


@jax.custom_vjp
def masked(x: jax.Array, mask: jax.Array) -> jax.Array:
    return x * mask


masked.defvjp(lambda x, mask: (x * mask, mask), lambda mask, g: (g * mask, None))


@jax.custom_vjp
def bounded_norm(x: jax.Array) -> jax.Array:
    return jnp.sqrt(jnp.sum(x * x) + 1e-3)


bounded_norm.defvjp(lambda x: (bounded_norm(x), (x, bounded_norm(x))), lambda kept, g: (g * kept[0] / kept[1],))


@jax.custom_jvp
def cube_root(x: jax.Array) -> jax.Array:
    return jnp.sign(x) * jnp.abs(x) ** (1.0 / 3.0)


cube_root.defjvp(lambda p, t: (cube_root(*p), cube_root(*p) / (3.0 * p[0]) * t[0]))


@jax.custom_jvp
def newton_root(x: jax.Array) -> jax.Array:
    y = 0.5 * (1.0 + x)
    for _ in range(9):
        y = 0.5 * (y + x / y)
    return y


newton_root.defjvp(lambda p, t: (newton_root(*p), 0.5 * t[0] / newton_root(*p)))

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "decimal coefficients": lambda x: 0.1 * x**3 - 0.3 * x + 0.7,
    "a large constant": lambda x: jnp.sum(1e6 + jnp.sin(x)),
    "where": lambda x: jnp.where(x > 0, x * x, jnp.exp(jnp.minimum(x, 1.0))),
    "max": lambda x: jnp.max(x) * jnp.sum(x),
    "relu": lambda x: jnp.sum(jax.nn.relu(x) ** 2 + jax.nn.relu(x)),
    "abs": lambda x: jnp.sum(jnp.abs(x) * x),
    "clip": lambda x: jnp.clip(x, -1.0, 1.0) * x,
    "leaky relu": lambda x: jax.nn.leaky_relu(x, 0.01),
    "softplus": lambda x: jax.nn.softplus(x),
    "gelu": lambda x: jax.nn.gelu(x),
    "log-sum-exp": lambda x: jax.nn.logsumexp(x),
    "softmax": lambda x: jax.nn.softmax(x) @ jnp.arange(3.0, dtype=x.dtype),
    "norm": lambda x: jnp.linalg.norm(x),
    "sum of squares": lambda x: jnp.sum(x**2),
    "scan": lambda x: lax.scan(lambda c, t: (jnp.tanh(c * 0.7 + t), c), jnp.zeros((), x.dtype), x)[0],
    "a scan with outputs": lambda x: lax.scan(lambda c, _: (jnp.sin(c) + 0.1, c * c), x, None, length=4)[1],
    "sort": lambda x: jnp.sort(x) @ jnp.arange(3.0, dtype=x.dtype),
    "cumulative sum": lambda x: jnp.cumsum(x) ** 2,
    "variance": lambda x: jnp.var(x),
    "frozen": lambda x: jnp.sum(lax.stop_gradient(x) * x),
    "straight through": lambda x: jnp.sum(x + lax.stop_gradient(jnp.round(x) - x)),
    "huber": lambda x: jnp.sum(jnp.where(jnp.abs(x) < 1.0, 0.5 * x**2, jnp.abs(x) - 0.5)),
    "ratio": lambda x: x[0] / (x[1] ** 2 + x[2] ** 2 + 0.1),
    "fine powers": lambda x: jnp.sum(jnp.abs(x) ** 2.5),
    "a safe root": lambda x: jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0),
    "own softplus": lambda x: jnp.sum(stable_softplus(x)),
    "own relu": lambda x: jnp.sum(own_relu(x) * x),
    "a mask": lambda x: jnp.sum(masked(x, jnp.array([1.0, 0.0, 2.0], x.dtype)) ** 2),
    "own norm": lambda x: bounded_norm(x) + x[0],
    "own norm in vmap": lambda x: jax.vmap(bounded_norm)(jnp.stack([x, 0.5 * x])),
    "own cube root": lambda x: jnp.sum(cube_root(x)),
    "a converged iteration": lambda x: jnp.sum(newton_root(1.0 + x**2 / (1.0 + x**2))),
    "own relu in scan": lambda x: lax.scan(lambda c, t: (own_relu(c + t) * 0.5, None), x, x)[0],
    "own softplus in cond": lambda x: lax.cond(x[0] > 0, stable_softplus, jnp.sin, x),
}

POINTS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "around 1": lambda rng: rng.uniform(-1.5, 1.5, 3),
    "at 1e-6": lambda rng: 1e-6 * rng.uniform(-1.5, 1.5, 3),
    "at 1e6": lambda rng: 1e6 * rng.uniform(-1.5, 1.5, 3),
    "on a kink": lambda rng: rng.permutation([0.0, 1.0, 1.0]),
    "at a tie": lambda rng: rng.permutation([0.5, -0.5, 1.0]) * rng.choice([1.0, 2.0]),
    "at 30": lambda rng: 30.0 * rng.uniform(-1.5, 1.5, 3),
}


@dataclass(frozen=True)
class RightCase:
    """A right function and a point."""

    name: str
    place: str
    dtype: str
    seed: int

    @property
    def function(self) -> Function:
        if self.name in FUNCTIONS:
            return FUNCTIONS[self.name]
        base, kind, place, around = self.name.split(" / ")
        return AROUND[around](PLACES[place](with_rule(BASES[base], "none", kind)))

    @property
    def point(self) -> np.ndarray:
        return POINTS[self.place](np.random.default_rng(self.seed))


def right_cases(count: int) -> Iterator[RightCase]:
    """Three quarters named functions, in turn; a quarter right rules in random places."""
    for k in range(count):
        rng = np.random.default_rng(10_000 + k)
        name = list(FUNCTIONS)[k % len(FUNCTIONS)]
        if k % 4 == 3:
            parts = (BASES, ("custom_jvp", "custom_vjp"), PLACES, AROUND)
            name = " / ".join(str(rng.choice(list(part))) for part in parts)
        yield RightCase(name, str(rng.choice(list(POINTS))), str(rng.choice(["float32", "float64"])), k)
