"""Reports whose panel states are the fixture that Python's and TypeScript's tests share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from jaxdiff_magic import Report, derive

FIXTURE = Path(__file__).parents[3] / "js" / "tests" / "sent.ts"
HEAD = """/** States of panels as a kernel sends them; tests/show/panel wrote them, and compares what it sends today. */

import type { PanelState } from "../src/wire";

"""


def cubic(x):
    return x[0] ** 2 * x[1] + x[1] ** 3


def layer(W, b):
    return {"h": jnp.maximum(W @ jnp.array([1.0, 2.0]) + b, 0.0)}


@jax.custom_jvp
def wrong(x):
    return jnp.sin(x)


@wrong.defjvp
def _(primals, tangents):
    return jnp.sin(primals[0]), 2.0 * jnp.cos(primals[0]) * tangents[0]


def outside(x):
    return jnp.log(x[0]) + jnp.log(x[1])


def special(x):
    return jax.scipy.special.betainc(2.0, 3.0, x)


def model(params):
    kept = params["out"]["scale"] * sum(jnp.tanh(w).sum() for layer in params["layers"] for w in layer.values())
    return kept + jnp.sqrt(params["out"]["bias"])


def parameters() -> dict[str, Any]:
    layers = [{"weight": jnp.array([0.5, -1.0]), "bias": jnp.float32(0.25)} for _ in range(6)]
    return {"layers": layers, "out": {"scale": jnp.float32(2.0), "bias": jnp.float32(0.0)}}


SCENES: dict[str, Callable[[], Report]] = {
    "cubic": lambda: derive(cubic, cost="count")(jnp.array([1.0, 2.0])),
    "layer": lambda: derive(layer, cost="count")(jnp.array([[1.0, 0.5], [-2.0, 0.25]]), jnp.array([0.5, 0.25])),
    "wrong": lambda: derive(wrong, cost="none")(0.5),
    "outside": lambda: derive(outside, cost="none")(jnp.array([2.0, -1.0])),
    "model": lambda: derive(model, cost="none", order=1, symbolic=False, points=1)(parameters()),
    "special": lambda: derive(special, cost="none")(0.5),
}


def written(states: dict[str, Any]) -> str:
    """The fixture's text."""
    lines = [f"export const {name}: PanelState = {json.dumps(state, indent=2)};\n" for name, state in states.items()]
    return HEAD + "\n".join(lines)


def read() -> dict[str, Any]:
    """The fixture's states."""
    parts = FIXTURE.read_text(encoding="utf-8").split("export const ")[1:]
    named = (part.partition(": PanelState = ")[::2] for part in parts)
    return {name: json.loads(text.strip().removesuffix(";")) for name, text in named}
