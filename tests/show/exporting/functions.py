"""Functions to export: with rules of their own, constants, helpers, and things that cannot be written."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import nn
from jax.numpy import tanh as squashed

X = jnp.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.25]])
OFFSETS = np.array([0.5, np.inf, -1.0])
LARGE = jnp.ones(2000)
rate = 0.1
key = jax.random.key(7)


@jax.custom_vjp
def square(x):
    return x**2


def square_forward(x):
    return square(x), x


def square_backward(x, g):
    return (2 * x * g,)


square.defvjp(square_forward, square_backward)


@jax.custom_jvp
def sine(x):
    return jnp.sin(x)


@sine.defjvp
def sine_rule(primals, tangents):
    return sine(*primals), jnp.cos(primals[0]) * tangents[0]


def penalty(w: Any) -> jax.Array:
    """Uses another function, a constant, and a module."""
    return rate * jnp.sum(square(w)) * math.pi


def loss(params, x, *, scale=1.0):
    hidden = squashed(X @ params["w"] + x)
    return scale * jnp.sum(nn.softplus(hidden)) + penalty(params["w"]) + sine(x)


def clipped(w):
    return jnp.sum(jnp.minimum(X @ w, OFFSETS)) + jax.random.normal(key)


double = lambda x: 2 * x + rate  # noqa: E731

powered = functools.partial(lambda n, x: x**n, 3)


def uses_large(x):
    return jnp.sum(LARGE * x)


def local():
    scale = jnp.float32(3.0)

    def inner(x):
        return scale * square(x)

    return inner
