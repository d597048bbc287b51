"""Side by side with `jax.test_util.check_grads`: it rejects right derivatives and passes wrong ones; ours does neither.

What check_grads says is printed (pytest -s), not asserted: JAX may change it. What ours says is asserted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxdiff_magic import derive

SIZE, SEEDS = 1000, 40
LEAST = int(np.argmin(np.abs(np.random.RandomState(0).randn(SIZE))))
"""check_grads tries one direction, the same at every call; this entry hardly moves in it."""


def sum_of_squares(off: float = 0.0, entry: int | None = None) -> Callable[[Any], Any]:
    """The sum of squares with a rule that is off by a part of itself, everywhere or in one entry."""
    factor = np.full(SIZE, 1.0 + off) if entry is None else 1.0 + off * (np.arange(SIZE) == entry)
    g = jax.custom_jvp(lambda x: jnp.sum(x**2))
    g.defjvp(lambda p, t: (g(*p), jnp.sum(2.0 * p[0] * jnp.asarray(factor, p[0].dtype) * t[0])))
    return g


@jax.custom_vjp
def reverse_only(x: Any) -> Any:
    return jnp.sum(jnp.sin(x))


reverse_only.defvjp(lambda x: (reverse_only(x), x), lambda x, g: (g * jnp.cos(x),))


@dataclass(frozen=True)
class Case:
    """A function with its derivative, where it is tried, and what ours has to say.

    Attributes:
        f, dtype: the function and the dtype of its argument.
        point: the argument, or None for normal random numbers, others for each seed.
        right: whether the derivative is right.
        settings: of check_grads.
    """

    f: Callable[[Any], Any]
    dtype: str
    right: bool
    point: Any = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def at(self, seed: int) -> jax.Array:
        drawn = np.random.default_rng(seed).standard_normal(SIZE)
        return jnp.asarray(drawn if self.point is None else self.point, self.dtype)

    def theirs(self, seed: int) -> str:
        try:
            check_grads(self.f, (self.at(seed),), order=1, **self.settings)
        except AssertionError:
            return "rejects"
        except (TypeError, ValueError, NotImplementedError) as error:
            return type(error).__name__
        return "passes"


WIDE_STEP = {"eps": 1e-2}
"""With the step that it takes by itself, check_grads rejects everything of this size in float32."""
CASES: dict[str, Case] = {
    "sum of squares, float32": Case(lambda x: jnp.sum(x**2), "float32", True),
    "one entry 50 % too large, float32": Case(sum_of_squares(0.5, LEAST), "float32", False, None, WIDE_STEP),
    "one entry 0.1 % wrong, float64": Case(sum_of_squares(1e-3, LEAST), "float64", False),
    "0.1 % wrong everywhere, float32": Case(sum_of_squares(1e-3), "float32", False, None, WIDE_STEP),
    "1e6 + sin x, float32": Case(lambda x: 1e6 + jnp.sin(x), "float32", True, 1.3),
    "tanh, float16": Case(lambda x: jnp.sum(jnp.tanh(x)), "float16", True, [0.5, -0.3]),
    "tanh, bfloat16": Case(lambda x: jnp.sum(jnp.tanh(x)), "bfloat16", True, [0.5, -0.3]),
    "relu at 0": Case(jax.nn.relu, "float32", True, 0.0),
    "abs at 0": Case(jnp.abs, "float32", True, 0.0),
    "custom_vjp": Case(reverse_only, "float32", True, [0.5, -0.3]),
}


@pytest.mark.parametrize("name", CASES)
def test_n1_right_derivatives_never_differ_and_wrong_ones_do(name: str) -> None:
    case = CASES[name]
    with jax.enable_x64(case.dtype == "float64"):
        theirs = [case.theirs(seed) for seed in range(SEEDS if case.point is None else 1)]
        report = derive(case.f, cost="none", order=1, points=4, budget=4)(case.at(0))
    counts = {word: theirs.count(word) for word in dict.fromkeys(theirs)}
    print(f"\n{name}: {'right' if case.right else 'wrong'}; check_grads {counts}; ours {report.verdict}")
    assert (report.verdict != "differs") if case.right else (report.verdict == "differs"), report.check.summary


@pytest.mark.parametrize("seed", range(3))
def test_n1_ours_does_not_depend_on_the_point(seed: int) -> None:
    for name, expected in {
        "sum of squares, float32": ("proved", "agrees"),
        "one entry 50 % too large, float32": ("differs",),
    }.items():
        case = CASES[name]
        assert derive(case.f, cost="none", order=1, points=2, budget=4)(case.at(seed + 1)).verdict in expected


def test_n1_the_wrong_entry_among_a_thousand_is_named() -> None:
    case = CASES["one entry 0.1 % wrong, float64"]
    with jax.enable_x64(True):
        report = derive(case.f, cost="none", order=1, points=2, budget=4)(case.at(0))
    (entry,) = [entry for entry in report.check.entries if entry.outcome == "differs"]
    assert entry.inputs == (f"x[{LEAST}]",)


def test_n3_values_on_a_large_constant_are_not_accused_with_or_without_a_formula() -> None:
    for f in (lambda x: 1e6 + jnp.sin(x), lambda x: 1e6 + jnp.sin(x) if x > 0 else x):
        assert derive(f, cost="none", order=1)(jnp.float32(1.3)).verdict in ("proved", "agrees")
