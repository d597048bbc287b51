"""Wrong and right rules in harsh surroundings, in a reproducible order, and what their derivatives truly are.

The truth is the derivative of the same program around the same function without a rule: by JAX in float64, and only
where central differences of the program's values in float64 (for second derivatives: of its gradients) confirm it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .surroundings import SURROUNDINGS, Function
from .wrong_rules import FORMS, SLOPES, STRUCTURAL, TWO, WHOLE, plain, ruled

WIDTHS = 2.0 ** -np.arange(4, 26, 3)
"""Of central differences: the two neighbours that agree best are taken."""
VISIBLE = {"float64": 0.999e-3, "float32": 100 * 2.0**-23}
"""A derivative that is wrong by more than this, relatively, is visibly wrong."""
LOST = 1e-9
"""Less than this, beside the largest entry, is no visible part of a derivative."""


def in_a_map(g: Function) -> Function:
    """Scanned over the elements, or the rows."""
    return lambda x: lax.map(g, x) if x.ndim else g(x)


def in_a_batch(g: Function) -> Function:
    return lambda x: jax.vmap(g)(x) if x.ndim else g(x)


USES: dict[str, Callable[[Function], Function]] = {
    "plain": lambda g: g,
    "jit": lambda g: jax.jit(lambda x: g(x)),
    "batched": in_a_batch,
    "scanned": in_a_map,
    "twice": lambda g: lambda x: g(g(x)),
}
MAGNITUDES = (1.0, 1.0, 1.0, 1.0, 3.0, 2.0**-6)
"""Of points."""
SPECIAL = 0.1
"""How often a point has a zero, a one or the same number twice."""
DEAR = ("ode", "lorenz", "transport")
"""A minute, or many seconds, each: taken less often."""
ALONE = ("one element",)
"""Faults that only an array shows."""


def first(g: Function, code: Any) -> Function:
    """The program around a sine, of the function's values."""
    return lambda x: code(jnp.sin, g(x))


def last(g: Function, code: Any) -> Function:
    """The function of the program's values, and of others."""
    return lambda x: g(0.5 * jnp.concatenate([jnp.ravel(code(jnp.sin, x)), 1.25 + jnp.sin(x)])[:4])


PLACES: dict[str, Callable[[Function, Any], Function]] = {
    "inside": lambda g, code: lambda x: code(g, x),
    "before": first,
    "after": last,
}


@dataclass(frozen=True)
class Harsh:
    """A function with a rule of its own in a harsh place; `Harsh(*fields).function` and `.point` make it again.

    Attributes:
        step: of `wrong_rules`, with its `fault` ("none": it is right; "no rule": it has none) and `form`.
        use: how it is called.
        surrounding, place: the program, and where in it the step is.
        dtype: of the point.
        seed: of the point.
    """

    step: str
    fault: str
    form: str
    use: str
    surrounding: str
    place: str
    dtype: str
    seed: int

    def _around(self, g: Function) -> Function:
        used = (lambda x: g(x, jnp.cos(x))) if self.step in TWO else g
        return PLACES[self.place](USES[self.use](used), SURROUNDINGS[self.surrounding].code)

    @property
    def function(self) -> Function:
        return self._around(plain(self.step) if self.fault == "no rule" else ruled(self.step, self.fault, self.form))

    @property
    def without_rule(self) -> Function:
        return self._around(plain(self.step))

    @property
    def point(self) -> np.ndarray:
        rng = np.random.default_rng(self.seed)
        numbers = rng.uniform(-1.25, 1.25, SURROUNDINGS[self.surrounding].size) * rng.choice(MAGNITUDES)
        if rng.random() < SPECIAL:
            numbers[-1] = rng.choice([0.0, 1.0, -1.0, numbers[0]])
        return np.asarray(np.asarray(numbers, np.float32), self.dtype)

    def input(self) -> jax.Array:
        return jnp.asarray(self.point, self.dtype)


def drawn(rng: np.random.Generator, k: int, fault: str, step: str, form: str, seed: int) -> Harsh:
    """The k-th surrounding, and the rest at random."""
    names = list(SURROUNDINGS)
    surrounding = names[k % len(names)]
    if surrounding in DEAR and rng.random() < 0.85:
        surrounding = str(rng.choice([name for name in names if name not in DEAR]))
    place = "inside"
    if step in WHOLE or rng.random() < 0.2:
        place = str(rng.choice(["before", "after"]))
    uses = ["plain", "jit"] if step in WHOLE or fault in ALONE else list(USES)
    use = str(rng.choice(uses, p=[0.6, *[0.4 / (len(uses) - 1)] * (len(uses) - 1)]))
    dtype = str(rng.choice(SURROUNDINGS[surrounding].dtypes))
    form = "custom_jvp" if surrounding == "forward only" else form  # which has no reverse mode
    if fault == "factor 1.001":
        dtype = "float64" if rng.random() < 0.5 or "float32" not in SURROUNDINGS[surrounding].dtypes else "float32"
    return Harsh(step, fault, form, use, surrounding, place, dtype, seed)


def first_surrounding(seed: int) -> int:
    return int(np.random.default_rng(seed).integers(len(SURROUNDINGS))) if seed else 0


def wrong_cases(count: int, seed: int = 0) -> Iterator[Harsh]:
    """Every fault in turn, in every surrounding in turn; the rest at random."""
    faults = {name: steps for name, (_, steps) in SLOPES.items() if name != "none"} | STRUCTURAL
    names = list(faults)
    start = first_surrounding(seed)
    for k in range(count):
        rng = np.random.default_rng((seed, 1, k))
        fault = names[k % len(names)]
        step = str(rng.choice(faults[fault]))
        form = str(rng.choice(FORMS))
        yield drawn(rng, start + k + k // len(SURROUNDINGS), fault, step, form, 100_000 * seed + k)


def right_cases(count: int, seed: int = 0) -> Iterator[Harsh]:
    """Right rules in every surrounding in turn; some functions without a rule."""
    steps = [*SLOPES["none"][1], *WHOLE, "shifted"]
    for k in range(count):
        rng = np.random.default_rng((seed, 2, k))
        step = str(rng.choice(steps))
        fault = "none" if rng.random() < 0.75 else "no rule"
        yield drawn(rng, first_surrounding(seed) + k, fault, step, str(rng.choice(FORMS)), 100_000 * seed + 50_000 + k)


# What is true


def jacobian(f: Function, x: jax.Array) -> np.ndarray:
    """As JAX gives it: in reverse mode where there is one."""
    try:
        return np.asarray(jax.jit(jax.jacrev(f))(x), np.float64)
    except (TypeError, ValueError):
        return np.asarray(jax.jit(jax.jacfwd(f))(x), np.float64)


def hessian(f: Function, x: jax.Array) -> np.ndarray | None:
    for outer, inner in ((jax.jacfwd, jax.jacrev), (jax.jacrev, jax.jacrev), (jax.jacfwd, jax.jacfwd)):
        try:
            return np.asarray(jax.jit(outer(inner(f)))(x), np.float64)
        except (TypeError, ValueError):
            continue
    return None


def differences(f: Function, x: jax.Array) -> tuple[np.ndarray, np.ndarray]:
    """Central differences of fourth order, the best of many widths, and how far two of them are apart."""
    unit = np.eye(x.size)
    moves = np.stack([h * s * unit for h in WIDTHS for s in (-2.0, -1.0, 1.0, 2.0)]).reshape(-1, x.size)
    values = np.asarray(jax.jit(lambda ms: lax.map(lambda m: f(x + m), ms))(jnp.asarray(moves)), np.float64)
    values = values.reshape(len(WIDTHS), 4, x.size, *values.shape[1:])
    widths = WIDTHS.reshape(-1, *[1] * (values.ndim - 2))
    with np.errstate(invalid="ignore", over="ignore"):
        slopes = (8.0 * (values[:, 2] - values[:, 1]) - (values[:, 3] - values[:, 0])) / (12.0 * widths)
    apart = np.abs(np.diff(slopes, axis=0))
    apart = np.where(np.isfinite(apart), apart, np.inf)
    best = np.argmin(apart, axis=0)[None]
    estimate, error = np.take_along_axis(slopes, best, 0)[0], np.take_along_axis(apart, best, 0)[0]
    return np.moveaxis(estimate, 0, -1), np.moveaxis(error, 0, -1)


@functools.lru_cache(maxsize=4)
def truth(case: Harsh, order: int = 2) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """First and second derivatives, and how far they are known."""
    with jax.enable_x64(True):
        x, f = jnp.asarray(case.point, "float64"), case.without_rule
        one = jacobian(f, x)
        found = {1: (one, np.abs(differences(f, x)[0] - one))}
        if order > 1 and (two := hessian(f, x)) is not None:
            below = jax.jacrev(f) if "forward only" not in case.surrounding else jax.jacfwd(f)
            found[2] = two, np.abs(differences(below, x)[0] - two)
    return found


def visibly_wrong(case: Harsh, order: int = 2) -> dict[int, float]:
    """For each order whose derivatives JAX gives visibly wrong: the largest relative error."""
    found: dict[int, float] = {}
    for k, (true, error) in truth(case, order).items():
        derivative = (jacobian, hessian)[k - 1]
        with jax.enable_x64(case.dtype == "float64"):
            given = wide = derivative(case.function, case.input())
        if case.dtype == "float32":
            with jax.enable_x64(True):
                wide = derivative(case.function, jnp.asarray(case.point, "float64"))
        if given is None or wide is None or not np.isfinite(true).all():
            continue
        scale = np.maximum(np.abs(true), LOST * np.max(np.abs(true), initial=0.0))
        off = np.minimum(np.abs(given - true), np.abs(wide - true))
        seen = (off > VISIBLE[case.dtype] * scale) & (off > 10.0 * error) & (error < 0.1 * off)
        if seen.any():
            with np.errstate(divide="ignore"):
                found[k] = float(np.max(np.where(seen, off / scale, 0.0)))
    return found
