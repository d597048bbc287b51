"""Models with one wrong derivative rule in one of their layers, and the same models with none; from seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

WIDTH, TOKENS, VOCABULARY, HEADS = 16, 12, 20, 2
FAULTS = ("one entry", "one head", "no bias", "transposed", "second order")
KINDS = ("mlp", "transformer", "recurrent", "pooled")
DTYPES = ("float32", "float32 with bfloat16", "float64")


@dataclass(frozen=True)
class Case:
    """A model at its parameters.

    Attributes:
        fault: of FAULTS; "" for none.
        layer: the one whose rule is wrong.
        leaves: names of those of whose derivatives the wrong ones are among: of the layer, or of all before it.
    """

    kind: str
    dtype: str
    fault: str
    layer: int
    loss: Callable[..., Any]
    parameters: Any
    leaves: tuple[str, ...]


def plain(x: Any, w: Any, b: Any) -> Any:
    return x @ w + b


def faulty(fault: str, rng: np.random.Generator) -> Callable[..., Any]:
    """x @ w + b with a wrong rule."""
    row, column, first = (int(k) for k in rng.integers(0, WIDTH, 3))
    head = slice(0, WIDTH // HEADS) if first % 2 else slice(WIDTH // HEADS, WIDTH)

    @jax.custom_vjp
    def affine(x: Any, w: Any, b: Any) -> Any:
        return plain(x, w, b)

    def forward(x: Any, w: Any, b: Any) -> Any:
        return affine(x, w, b), (x, w)

    def backward(kept: Any, g: Any) -> Any:
        x, w = kept
        flat, down = x.reshape(-1, x.shape[-1]), g.reshape(-1, g.shape[-1])
        if fault == "second order":
            flat = lax.stop_gradient(flat)
        to_x, to_w, to_b = g @ w.T, flat.T @ down, down.sum(0)
        if fault == "one entry":
            to_w = to_w.at[row, column].multiply(1.01)
        elif fault == "one head":
            to_w = to_w.at[:, head].multiply(1.05)
        elif fault == "no bias":
            to_b = jnp.zeros_like(to_b)
        elif fault == "transposed":
            to_x = g @ w
        return to_x.astype(x.dtype), to_w.astype(w.dtype), to_b.astype(w.dtype)

    affine.defvjp(forward, backward)
    return affine


def cases(count: int, seed: int, wrong: bool) -> Iterator[Case]:
    """Some cases, wrong ones or right ones; those in float64 are made where JAX has it."""
    for k in range(count):
        rng = np.random.default_rng([seed, k, wrong])
        kind = KINDS[k % len(KINDS)]
        fault = FAULTS[(k // len(KINDS)) % len(FAULTS)] if wrong else ""
        dtype = "float32" if wrong else DTYPES[(k // len(KINDS)) % len(DTYPES)]
        with jax.enable_x64(dtype == "float64"):
            case = _case(kind, dtype, fault, rng)
        yield case


def _case(kind: str, dtype: str, fault: str, rng: np.random.Generator) -> Case:
    wide = jnp.float64 if dtype == "float64" else jnp.float32
    layers = 1 if kind == "recurrent" else 3
    layer = int(rng.integers(1 if fault == "transposed" and layers > 1 else 0, layers))
    rules = [faulty(fault, rng) if fault and k == layer else plain for k in range(layers)]
    draw = lambda *shape: jnp.asarray(rng.standard_normal(shape) / np.sqrt(shape[0]), wide)  # noqa: E731
    parameters = {
        "layers": [{"w": draw(WIDTH, WIDTH), "b": 0.1 * draw(WIDTH)} for _ in range(layers)],
        "out": draw(WIDTH, VOCABULARY),
        "table": draw(VOCABULARY, WIDTH),
    }
    tokens = jnp.asarray(rng.integers(0, VOCABULARY, TOKENS + 1))
    images = draw(2, 8, 8, WIDTH)
    key = jax.random.key(int(rng.integers(1000)))
    half = jnp.bfloat16 if "bfloat16" in dtype else wide

    def step(k: int, p: Any, x: Any) -> Any:
        w, b = p["layers"][k]["w"].astype(half), p["layers"][k]["b"].astype(half)
        return rules[k](x.astype(half), w, b).astype(wide)

    def scored(p: Any, x: Any) -> Any:
        logits = x @ p["out"]
        return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(TOKENS), tokens[1:]])

    def mlp(p: Any) -> Any:
        x = p["table"][tokens[:-1]]
        for k in range(layers):
            x = jax.nn.relu(step(k, p, x)) + x
        keep = jax.random.bernoulli(key, 0.8, x.shape)
        return scored(p, jnp.where(keep, x / 0.8, 0.0))

    def transformer(p: Any) -> Any:
        x = p["table"][tokens[:-1]]
        for k in range(layers):
            q = step(k, p, (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5))
            split = q.reshape(TOKENS, HEADS, -1).transpose(1, 0, 2)
            scores = split @ split.transpose(0, 2, 1) / np.sqrt(WIDTH / HEADS)
            scores = jnp.where(jnp.tril(jnp.ones((TOKENS, TOKENS), bool)), scores, -jnp.inf)
            x = x + (jax.nn.softmax(scores) @ split).transpose(1, 0, 2).reshape(TOKENS, WIDTH)
        return scored(p, x)

    def recurrent(p: Any) -> Any:
        def cell(h: Any, x: Any) -> Any:
            h = jnp.tanh(step(0, p, h) + x)
            return h, h

        return scored(p, lax.scan(cell, jnp.zeros(WIDTH, wide), p["table"][tokens[:-1]])[1])

    def pooled(p: Any) -> Any:
        x = images
        for k in range(layers):
            x = jax.nn.gelu(step(k, p, x))
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2 if k == 0 else 1, 1, 1), "SAME")
        found = jnp.mean(x, (1, 2))
        return jnp.mean((found @ p["out"]) ** 2) + 1e-3 * jnp.sum(p["table"] ** 2)

    model = {"mlp": mlp, "transformer": transformer, "recurrent": recurrent, "pooled": pooled}[kind]
    return Case(kind, dtype, fault, layer, model, parameters, _behind(kind, fault, layer))


def _behind(kind: str, fault: str, layer: int) -> tuple[str, ...]:
    """The leaves of whose derivatives a fault makes some wrong."""
    w, b = (f"p['layers'][{layer}]['{part}']" for part in "wb")
    if fault == "no bias":
        return (b,)
    if fault == "transposed":
        before = [f"p['layers'][{k}]['{part}']" for k in range(layer) for part in "wb"]
        own = [w, b] if kind == "recurrent" else []
        return (*before, *own, *(["p['table']"] if kind != "pooled" else []))
    if fault == "second order":
        return ()  # of any leaf on which the layer's input depends
    return (w,) if kind != "recurrent" else (w, b, "p['table']")
