"""Small functions with rules of their own, right or wrong in one of many ways, in either form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.custom_derivatives import SymbolicZero, zero_from_primal

Function = Callable[..., jax.Array]


@dataclass(frozen=True)
class Step:
    """A function of arrays, and its slopes by each of them where it is elementwise."""

    code: Function
    slopes: tuple[Function, ...]


def low(x: jax.Array) -> jax.Array:
    return jnp.exp(jnp.minimum(x, 0.0))


ONE = {
    "sine": Step(jnp.sin, (jnp.cos,)),
    "tanh": Step(jnp.tanh, (lambda x: 1.0 - jnp.tanh(x) ** 2,)),
    "bump": Step(lambda x: x * jnp.exp(-x * x), (lambda x: (1.0 - 2.0 * x * x) * jnp.exp(-x * x),)),
    "swish": Step(
        lambda x: x / (1.0 + jnp.exp(-x)),
        (lambda x: jax.nn.sigmoid(x) * (1.0 + x * (1.0 - jax.nn.sigmoid(x))),),
    ),
    "root": Step(lambda x: x / jnp.sqrt(1.0 + x * x), (lambda x: (1.0 + x * x) ** -1.5,)),
    "logarithm": Step(lambda x: jnp.log1p(x * x), (lambda x: 2.0 * x / (1.0 + x * x),)),
    "cubic": Step(lambda x: 0.75 * x - 0.0625 * x**3, (lambda x: 0.75 - 0.1875 * x * x,)),
    "sides": Step(
        lambda x: jnp.where(x > 0.0, jnp.log1p(jnp.maximum(x, 0.0)), low(x) - 1.0),
        (lambda x: jnp.where(x > 0.0, 1.0 / (1.0 + jnp.maximum(x, 0.0)), low(x)),),
    ),
}
TWO = {
    "product": Step(lambda x, w: x * w, (lambda x, w: w, lambda x, w: x)),
    "gate": Step(
        lambda x, w: jnp.tanh(x) * jax.nn.sigmoid(w),
        (
            lambda x, w: (1.0 - jnp.tanh(x) ** 2) * jax.nn.sigmoid(w),
            lambda x, w: jnp.tanh(x) * jax.nn.sigmoid(w) * jax.nn.sigmoid(-w),
        ),
    ),
    "ratio": Step(
        lambda x, w: x / (1.0 + w * w),
        (lambda x, w: 1.0 / (1.0 + w * w), lambda x, w: -2.0 * x * w / (1.0 + w * w) ** 2),
    ),
}
STEPS = {**ONE, **TWO, "wave": Step(lambda x: jnp.sin(1.5 * x), (lambda x: 1.5 * jnp.cos(1.5 * x),))}
NEXT = dict(zip(ONE, [*list(ONE)[1:], "sine"], strict=True))


# Wrong slopes: of the right ones, and of the operands


def times(factor: float) -> Callable[..., Any]:
    return lambda name, slopes: tuple(lambda *xs, s=s: factor * s(*xs) for s in slopes)


def misled(slope: Function, factor: float) -> Function:
    """The slope, whose own derivative is wrong."""

    @jax.custom_jvp
    def second(*xs: jax.Array) -> jax.Array:
        return slope(*xs)

    @second.defjvp
    def second_rule(primals: Any, tangents: Any) -> Any:
        value, tangent = jax.jvp(slope, primals, tangents)
        return value, factor * tangent

    return second


def on_one_side(name: str, slopes: Any) -> Any:
    return tuple(lambda *xs, s=s: jnp.where(xs[0] > 0.0, 1.0, 1.3).astype(xs[0].dtype) * s(*xs) for s in slopes)


def of_one_element(name: str, slopes: Any) -> Any:
    def factors(x: jax.Array) -> jax.Array:
        found = np.ones(x.shape)
        found.reshape(-1)[x.size // 2] = 1.5 if x.shape else 1.0
        return jnp.asarray(found, x.dtype)

    return tuple(lambda *xs, s=s: factors(xs[0]) * s(*xs) for s in slopes)


def in_few_bits(name: str, slopes: Any) -> Any:
    return tuple(lambda *xs, s=s: s(*(x.astype(jnp.bfloat16) for x in xs)).astype(xs[0].dtype) for s in slopes)


def rounded(name: str, slopes: Any) -> Any:
    return tuple(lambda *xs, s=s: lax.reduce_precision(s(*xs), 8, 6) for s in slopes)


def of_the_value(name: str, slopes: Any) -> Any:
    return tuple(lambda *xs, s=s: s(STEPS[name].code(*xs), *xs[1:]) for s in slopes)


def at_a_fixed_point(name: str, slopes: Any) -> Any:
    return tuple(lambda *xs, s=s: s(*(0.0 * x + 0.25 for x in xs)) for s in slopes)


def beside_the_point(name: str, slopes: Any) -> Any:
    return tuple(lambda *xs, s=s: s(xs[0] + 0.125, *xs[1:]) for s in slopes)


def of_another(name: str, slopes: Any) -> Any:
    return ONE[NEXT[name]].slopes


def other_side(name: str, slopes: Any) -> Any:
    return (lambda x: jnp.where(x > 0.0, jnp.exp(-jnp.abs(x)), 1.0 / (1.0 + jnp.abs(x))),)


def sine_for_cosine(name: str, slopes: Any) -> Any:
    return (lambda x: 1.5 * jnp.sin(1.5 * x) if name == "wave" else jnp.sin(x),)


def swapped(name: str, slopes: Any) -> Any:
    return slopes[::-1]


def first_only(name: str, slopes: Any) -> Any:
    return slopes[0], lambda *xs: 0.0 * slopes[1](*xs)


def with_a_plus(name: str, slopes: Any) -> Any:
    return slopes[0], lambda *xs: -slopes[1](*xs)


def forgets_the_number(name: str, slopes: Any) -> Any:
    return (lambda x: jnp.cos(1.5 * x),)


def takes_another_number(name: str, slopes: Any) -> Any:
    return (lambda x: 2.0 * jnp.cos(2.0 * x),)


SLOPES: dict[str, tuple[Callable[[str, Any], Any], tuple[str, ...]]] = {
    "none": (lambda name, slopes: slopes, (*ONE, *TWO, "wave")),
    "factor 1.001": (times(1.001), (*ONE, *TWO)),
    "factor 1.02": (times(1.02), (*ONE, *TWO)),
    "factor 1.3": (times(1.3), (*ONE, *TWO)),
    "factor -1": (times(-1.0), (*ONE, *TWO)),
    "factor 0": (times(0.0), (*ONE, *TWO)),
    "second order": (lambda name, slopes: tuple(misled(s, 1.3) for s in slopes), (*ONE, *TWO)),
    "second order lost": (lambda name, slopes: tuple(misled(s, 0.0) for s in slopes), tuple(ONE)),
    "one sign": (on_one_side, tuple(ONE)),
    "one element": (of_one_element, (*ONE, *TWO)),
    "bfloat16": (in_few_bits, tuple(ONE)),
    "rounded": (rounded, tuple(ONE)),
    "at the value": (of_the_value, ("sine", "cubic", "logarithm", "root")),
    "at a fixed point": (at_a_fixed_point, (*ONE, *TWO)),
    "beside the point": (beside_the_point, (*ONE, *TWO)),
    "of another function": (of_another, tuple(ONE)),
    "other branch": (other_side, ("sides",)),
    "sine for cosine": (sine_for_cosine, ("sine", "wave")),
    "swapped": (swapped, ("product", "gate", "ratio")),
    "missing term": (first_only, tuple(TWO)),
    "wrong sign of a term": (with_a_plus, tuple(TWO)),
    "nondiff forgotten": (forgets_the_number, ("wave",)),
    "nondiff mistaken": (takes_another_number, ("wave",)),
}

STRUCTURAL: dict[str, tuple[str, ...]] = {
    "stale constant": ("shifted",),
    "stale matrix": ("mixing",),
    "transposed": ("mixing",),
    "no transposition": ("mixing",),
    "slice off by one": ("difference",),
    "slice without its end": ("difference",),
    "forgets the norm": ("direction",),
    "symbolic zero": tuple(TWO),
    "defjvps None": tuple(TWO),
    "zeros for one": tuple(TWO),
}
WHOLE = ("mixing", "difference", "direction")
"""Functions of a whole vector."""
FORMS = ("custom_jvp", "custom_vjp")


def with_slopes(code: Function, slopes: Any, form: str) -> Function:
    """An elementwise function with a rule made of slopes."""

    def surround(*xs: jax.Array) -> jax.Array:
        return code(*xs)

    def surround_rule(primals: Any, tangents: Any) -> Any:
        return code(*primals), sum(s(*primals) * t for s, t in zip(slopes, tangents, strict=True))

    def surround_backward(primals: Any, g: jax.Array) -> Any:
        return tuple(s(*primals) * g for s in slopes)

    return finished(surround, surround_rule, surround_backward, form)


def finished(code: Function, forward: Function, backward: Function, form: str) -> Function:
    if form == "custom_jvp":
        inner = jax.custom_jvp(code)
        inner.defjvp(forward)
        return inner
    outer = jax.custom_vjp(code)
    outer.defvjp(lambda *xs: (code(*xs), xs), backward)
    return outer


def with_a_number(slopes: Any, form: str) -> Function:
    """A wave whose number is no operand of the rule."""
    (slope,) = slopes

    def surround(k: float, x: jax.Array) -> jax.Array:
        return jnp.sin(k * x)

    if form == "custom_jvp":
        inner = jax.custom_jvp(surround, nondiff_argnums=(0,))

        def surround_rule(k: float, primals: Any, tangents: Any) -> Any:
            return jnp.sin(k * primals[0]), slope(primals[0]) * tangents[0]

        inner.defjvp(surround_rule)
        return lambda x: inner(1.5, x)
    outer = jax.custom_vjp(surround, nondiff_argnums=(0,))

    def surround_backward(k: float, x: jax.Array, g: jax.Array) -> Any:
        return (slope(x) * g,)

    outer.defvjp(lambda k, x: (jnp.sin(k * x), x), surround_backward)
    return lambda x: outer(1.5, x)


def forgetful(step: Step, fault: str, form: str) -> Function:
    """A function of two arrays whose rule takes the second for a constant."""
    first, second = step.slopes

    def surround(x: jax.Array, w: jax.Array) -> jax.Array:
        return step.code(x, w)

    if form == "custom_vjp":
        outer = jax.custom_vjp(surround)
        if fault == "symbolic zero":

            def surround_forward(x: Any, w: Any) -> Any:
                return surround(x.value, w.value), (x.value, w.value, w.perturbed and not x.perturbed)

            def surround_backward(kept: Any, g: Any) -> Any:
                x, w, moves = kept
                return first(x, w) * g, second(x, w) * g * moves

            outer.defvjp(surround_forward, surround_backward, symbolic_zeros=True)
        else:

            def surround_backward(kept: Any, g: Any) -> Any:
                return first(*kept) * g, None if fault == "defjvps None" else jnp.zeros_like(kept[1])

            outer.defvjp(lambda *xs: (surround(*xs), xs), surround_backward)
        return outer
    inner = jax.custom_jvp(surround)
    if fault == "defjvps None":
        inner.defjvps(lambda t, y, x, w: first(x, w) * t, None)
    elif fault == "zeros for one":
        inner.defjvps(lambda t, y, x, w: first(x, w) * t, lambda t, y, x, w: 0.0 * t)
    else:

        def surround_rule(primals: Any, tangents: Any) -> Any:
            parts = [s(*primals) * t for s, t in zip(step.slopes, tangents, strict=True) if not is_zero(t)]
            value = surround(*primals)
            return value, parts[0] if parts else zero_from_primal(value)

        inner.defjvp(surround_rule, symbolic_zeros=True)
    return inner


def is_zero(tangent: Any) -> bool:
    return isinstance(tangent, SymbolicZero)


# Functions of a vector, by what is pushed and what is pulled


def matrix(n: int, x: jax.Array) -> jax.Array:
    numbers = np.random.default_rng(n).uniform(-0.75, 0.75, (n, n)) + 0.5 * np.eye(n)
    return jnp.asarray(np.asarray(numbers, np.float32), x.dtype)


def mixing(x: jax.Array) -> jax.Array:
    return matrix(x.size, x) @ jnp.tanh(x)


def difference(x: jax.Array) -> jax.Array:
    return x.at[1:].add(0.5 * jnp.sin(x[:-1]))


def direction(x: jax.Array) -> jax.Array:
    return x / jnp.sqrt(1.0 + x @ x)


def shifted(x: jax.Array) -> jax.Array:
    return jnp.sin(x + 0.5)


PLAIN = {"mixing": mixing, "difference": difference, "direction": direction, "shifted": shifted}


def push(name: str, fault: str, x: jax.Array, t: jax.Array) -> jax.Array:
    if name == "mixing":
        a, s = matrix(x.size, x), 1.0 - jnp.tanh(x) ** 2
        if fault == "stale matrix":
            a = a.at[0, -1].multiply(0.5)
        return s * (a @ t) if fault == "no transposition" else (a.T if fault == "transposed" else a) @ (s * t)
    if name == "difference":
        c = 0.5 * jnp.cos(x)
        if fault == "slice off by one":
            return t.at[1:].add(c[1:] * t[1:])
        return t.at[1:-1].add(c[:-2] * t[:-2]) if fault == "slice without its end" else t.at[1:].add(c[:-1] * t[:-1])
    if name == "direction":
        size = jnp.sqrt(1.0 + x @ x)
        return t / size if fault == "forgets the norm" else t / size - x * (x @ t) / size**3
    return jnp.cos(x + (0.25 if fault == "stale constant" else 0.5)) * t


def whole(name: str, fault: str, form: str) -> Function:
    code = PLAIN[name]

    def surround(x: jax.Array) -> jax.Array:
        return code(x)

    def surround_rule(primals: Any, tangents: Any) -> Any:
        return code(primals[0]), push(name, fault, primals[0], tangents[0])

    def surround_backward(xs: Any, g: jax.Array) -> Any:
        (x,) = xs
        return jax.linear_transpose(lambda t: push(name, fault, x, t), x)(g)

    return finished(surround, surround_rule, surround_backward, form)


def plain(name: str) -> Function:
    """The function without a rule."""
    return PLAIN[name] if name in PLAIN else STEPS[name].code


def ruled(name: str, fault: str, form: str) -> Function:
    """The function with a rule that has the fault; "none" is a right rule."""
    if name in PLAIN:
        return whole(name, fault, form)
    if fault in STRUCTURAL:
        return forgetful(STEPS[name], fault, form)
    slopes = SLOPES[fault][0](name, STEPS[name].slopes)
    return with_a_number(slopes, form) if name == "wave" else with_slopes(STEPS[name].code, slopes, form)
