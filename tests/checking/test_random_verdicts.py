"""Random programs with one rule of the user's at a random place: wrong ones never pass, right ones are never blamed.

PROGRAMS=500 SEED=1 python -m pytest -s tests/checking/test_random_verdicts.py tries as many, other ones for each seed,
and prints what became of them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st

from jaxdiff_magic import derive

from ..engines.reference.programs import Program, every_program
from ..examples_of import on_examples

COUNT, SEED = int(os.environ.get("PROGRAMS", "12")), os.environ.get("SEED")
SEEN = 1e-7
"""A relative change of a derivative that must not pass."""

Rule = Callable[[Any, Any], Any]


def curve(x: jax.Array) -> jax.Array:
    return jnp.sin(x) + 0.5 * x


def slope(x: jax.Array) -> jax.Array:
    return jnp.cos(x) + 0.5


def one_entry(x: jax.Array) -> jax.Array:
    return jnp.where(jnp.arange(x.size).reshape(x.shape) == x.size // 2, 1.5, 1.0)


RULES: dict[str, Rule] = {
    "right": lambda x, t: slope(x) * t,
    "a factor two": lambda x, t: 2.0 * slope(x) * t,
    "the sign": lambda x, t: -slope(x) * t,
    "one part in a thousand": lambda x, t: 1.001 * slope(x) * t,
    "a dropped term": lambda x, t: jnp.cos(x) * t,
    "one entry": lambda x, t: slope(x) * one_entry(x).astype(t.dtype) * t,
}


def with_jvp(rule: Rule) -> Callable[[Any], Any]:
    g = jax.custom_jvp(curve)
    g.defjvp(lambda primals, tangents: (curve(*primals), rule(*primals, *tangents)))
    return g


def with_vjp(rule: Rule) -> Callable[[Any], Any]:
    """The rule of an elementwise function is its own transpose."""
    g = jax.custom_vjp(curve)
    g.defvjp(lambda x: (curve(x), x), lambda x, cotangent: (rule(x, cotangent),))
    return g


@dataclass(frozen=True)
class Case:
    """A program, where in it the function with a rule is, which rule, and in which dtype it is checked."""

    program: Program
    place: int
    rule: str
    reverse: bool
    dtype: str

    def function(self, make: Callable[[Rule], Callable[[Any], Any]], rule: str) -> Callable[..., jax.Array]:
        with jax.enable_x64(True):
            count = len(jax.eval_shape(self.program.values, *self.point()))
        return lambda *inputs: self.program.values(*inputs, at=self.place % count, g=make(RULES[rule]))[-1]

    def point(self) -> list[np.ndarray]:
        return [batch[0] for batch in self.program.points(1)]

    def is_wrong(self) -> bool:
        """Whether the wrong rule changes the derivative along some direction, as JAX computes it in float64."""
        point = self.point()
        direction = [np.random.default_rng(k).uniform(0.5, 1.0, x.shape) for k, x in enumerate(point)]
        along = [
            jax.jit(lambda *leaves, f=f: jax.jvp(f, leaves, tuple(direction))[1])
            for f in (self.function(with_jvp, rule) for rule in ("right", self.rule))
        ]
        with jax.enable_x64(True):
            right, given_ = (np.asarray(f(*point)) for f in along)
        with np.errstate(invalid="ignore"):
            return bool(np.any(np.abs(right - given_) > SEEN * np.max(np.abs(right), initial=0.0)))

    def verdict(self) -> str:
        with jax.enable_x64(self.dtype == "float64"):
            point = [jnp.asarray(x, self.dtype) for x in self.point()]
            f = self.function(with_vjp if self.reverse else with_jvp, self.rule)
            return derive(f, cost="none", points=8)(*point).verdict


cases = st.builds(
    Case,
    program=every_program.map(lambda program: replace(program, instructions=program.instructions[:5])),
    place=st.integers(0, 12),
    rule=st.sampled_from(list(RULES)),
    reverse=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
)


def test_wrong_rules_are_never_passed_and_right_ones_never_blamed() -> None:
    outcomes: Counter[str] = Counter()

    def try_one(case: Case) -> None:
        if case.rule == "right":
            verdict = case.verdict()
            outcomes[f"right: {verdict}"] += 1
            assert verdict != "differs"
        elif case.is_wrong():
            verdict = case.verdict()
            outcomes[f"wrong: {verdict}"] += 1
            assert verdict in ("differs", "out of reach")
        else:
            outcomes["wrong but of no consequence"] += 1

    on_examples(cases, COUNT, SEED, try_one)
    print(f"\n{dict(outcomes)}")
    assert outcomes["wrong: differs"] > 0
