"""Elementwise primitives: smooth functions by their partial derivatives, choices by the case that is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.bounded import (
    Bounded,
    Number,
    add,
    base,
    call,
    each,
    exact_where_whole,
    move,
    multiply,
    number,
    weigh,
    with_value,
)
from jaxdiff_magic.engines.reference.precise import is_precise, nearest
from jaxdiff_magic.engines.reference.rules.choices import (
    absolute,
    clamp,
    comparison,
    extremum,
    finite,
    frozen,
    near,
    on_integers,
    piecewise_constant,
    select,
)
from jaxdiff_magic.engines.reference.rules.movement import collapsed
from jaxdiff_magic.engines.reference.rules.rounding import cut, reduced
from jaxdiff_magic.engines.reference.run import Node, Rule, RuleStep, Run, TotalRule
from jaxdiff_magic.engines.reference.scalars import FUNCTIONS
from jaxdiff_magic.primitives.facts import having

UNSCALED = 300.0
"""So far a Bessel function, which grows as exp(x), and its derivatives do not overflow; beyond there is no bend."""


def smooth(name: str, static: Callable[[Mapping[str, Any]], tuple[Any, ...]] = lambda _: ()) -> TotalRule:
    """A differentiable function of `FUNCTIONS`."""

    def rule(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
        shape, fixed = step.results[0].shape, static(step.params)
        args = [number(run.expanded(x, shape)) for x in xs]
        value = call(name, *args, static=fixed)

        def pull(adjoints: list[Number | None]) -> list[Number | None]:
            found: list[Number | None] = []
            for i, x in enumerate(xs):
                adjoint = None
                if x.varies and adjoints[0] is not None:
                    adjoint = multiply(adjoints[0], number(FUNCTIONS[name].partials(i)(*args, *fixed, value)))
                found.append(collapsed(run, adjoint, x))
            return found

        return run.record(xs, [value], [shape], pull)

    return rule


def power_of(exponent: float) -> TotalRule:
    """A constant power."""
    if exponent == 0:
        return lambda run, xs, step: [run.constant(np.ones(step.results[0].shape))]
    return smooth("power", lambda _: (exponent,))


def combine(on_integers: Callable[[Any, Any], Any], right: int) -> Rule:
    """Sums and differences, of integers too."""

    def rule(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
        shape = step.results[0].shape
        if not xs[0].is_number:
            value = on_integers(*(run.expanded(x, shape) for x in xs)).astype(step.results[0].dtype)
            return run.record(xs, [value], [shape], lambda _: [None, None])
        a, b = (run.expanded(x, shape) for x in xs)
        value = add(a, b if right == 1 else move(b, np.negative))

        def pull(adjoints: list[Number | None]) -> list[Number | None]:
            g = adjoints[0]
            second = None if g is None else g if right == 1 else move(g, np.negative)
            return [collapsed(run, g, xs[0]), collapsed(run, second, xs[1])]

        return run.record(xs, [value], [shape], pull)

    return rule


def product(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """a * b, of integers too."""
    shape = step.results[0].shape
    a, b = (run.expanded(x, shape) for x in xs)
    if not xs[0].is_number:
        return run.record(xs, [(a * b).astype(step.results[0].dtype)], [shape], lambda _: [None, None])
    data = [base(side).data for side in (a, b)]
    slopes = [side if x.varies else _without_infinities(side) for side, x in zip((a, b), xs, strict=True)]
    if slopes[0] is not a or slopes[1] is not b:
        with np.errstate(invalid="ignore"):
            whole = data[0] * data[1]
        a, b = slopes
        value = with_value(multiply(a, b), whole)
    else:
        value = multiply(a, b)

    def pull(adjoints: list[Number | None]) -> list[Number | None]:
        g = adjoints[0]
        if g is None:
            return [None, None]
        sides = zip(xs, (b, a), strict=True)
        return [collapsed(run, multiply(g, other), x) if x.varies else None for x, other in sides]

    return run.record(xs, [value], [shape], pull)


def _without_infinities(x: Number) -> Number:
    """A constant factor as a slope: an infinite one makes an infinite product, which does not change nearby."""
    data = base(x).data
    if is_precise(data) or not np.isinf(data).any():
        return x
    return Bounded(np.where(np.isinf(data), 0.0, data), base(x).error)


def quotient(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """a / b; of integers, rounded toward zero."""
    shape, dtype = step.results[0].shape, step.results[0].dtype
    a, b = (run.expanded(x, shape) for x in xs)
    if not xs[0].is_number:
        return run.record(xs, [_toward_zero(a, b).astype(dtype)], [shape], lambda _: [None, None])
    value = a / b

    def pull(adjoints: list[Number | None]) -> list[Number | None]:
        g = adjoints[0]
        if g is None:
            return [None, None]
        left = collapsed(run, g / b, xs[0]) if xs[0].varies else None
        right = collapsed(run, -(g * value / b), xs[1]) if xs[1].varies else None
        return [left, right]

    return run.record(xs, [value], [shape], pull)


def _toward_zero(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Integers divided toward zero, unlike Python's //; -1 by 0, as in XLA."""
    safe = np.where(b == 0, 1, b)
    sign = np.sign(a).astype(np.int64) * np.sign(safe).astype(np.int64)
    return np.where(b == 0, -1, sign * (np.abs(a) // np.abs(safe)))


def remainder(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """x - y * truncated(x / y): it has the sign of the dividend, unlike Python's %."""
    shape, dtype = step.results[0].shape, step.results[0].dtype
    a, b = (run.expanded(x, shape) for x in xs)
    if not xs[0].is_number:
        value = np.where(b == 0, a, a - np.where(b == 0, 1, b) * _toward_zero(a, b))
        return run.record(xs, [value.astype(dtype)], [shape], lambda _: [None, None])
    ratio = base(a / b)
    whole = np.trunc(ratio.data)
    exact = np.fmod(base(a).data, base(b).data)
    close = np.round(ratio.data)
    at = near(ratio.data, close, ratio.error) & (close != 0)
    taken = run.decide(at, whole, *xs, compared=ratio.data - close)
    value = add(a, move(weigh(b, taken), np.negative))
    if np.array_equal(taken, whole):
        value = with_value(value, exact)

    def pull(adjoints: list[Number | None]) -> list[Number | None]:
        g = adjoints[0]
        if g is None:
            return [None, None]
        return [collapsed(run, g, xs[0]), collapsed(run, -weigh(g, taken), xs[1])]

    return run.record(xs, [value], [shape], pull)


def convert(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """Another dtype: floating-point numbers stay float64 here, integers are constant nearby."""
    x, dtype = xs[0], step.results[0].dtype
    real, complex_ = jnp.issubdtype(dtype, jnp.floating), jnp.issubdtype(dtype, jnp.complexfloating)
    if x.is_number and (real or complex_):
        if complex_ and run.precise:
            raise OutOfReach("complex numbers are evaluated in complex128 only")
        if complex_ and not np.iscomplexobj(x.array):
            return _linear(run, x, lambda a: a.astype(complex), lambda a: a.real)
        if real and np.iscomplexobj(x.array):
            return _linear(run, x, np.real, lambda a: a.astype(complex))
        return [cut(run, x, int(jnp.finfo(dtype).nmant)) if real else x]
    if x.is_number:
        data = base(x.value).data
        if dtype == np.bool_:
            value = data != 0
        else:
            whole = np.round(data)
            at = near(data, whole, base(x.value).error) & (whole != 0)
            value = np.nan_to_num(run.decide(at, np.trunc(data), x, compared=data - whole)).astype(dtype)
        return run.record(xs, [value], [x.shape], lambda _: [None])
    if real or complex_:
        return [Node(Bounded(run.floating(x.value.astype(complex if complex_ else float))), x.shape, False)]
    return [Node(x.value.astype(dtype), x.shape, x.varies)]


def _linear(run: Run, x: Node, f: Callable[..., np.ndarray], back: Callable[..., np.ndarray]) -> list[Node]:
    def one(g: Callable[..., np.ndarray]) -> Callable[[Bounded], Bounded]:
        return lambda b: Bounded(g(b.data), b.error)

    pull = lambda g: [None if g[0] is None else each(g[0], one(back))]  # noqa: E731
    return run.record([x], [each(x.value, one(f))], [x.shape], pull)


def complex_of(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """a + i b. Adjoints of complex values are such that dF = Re(adjoint * dz)."""
    a, b = (run.expanded(x, step.results[0].shape) for x in xs)
    value = add(each(a, lambda p: Bounded(p.data.astype(complex), p.error)), multiply(b, number(np.asarray(1j))))

    def pull(g: list[Number | None]) -> list[Number | None]:
        if g[0] is None:
            return [None, None]
        parts = (lambda p: Bounded(p.data.real, p.error)), (lambda p: Bounded(-p.data.imag, p.error))
        return [collapsed(run, each(g[0], part), x) for part, x in zip(parts, xs, strict=True)]

    return run.record(xs, [value], [step.results[0].shape], pull)


def identity(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """The operand itself."""
    return [xs[0]]


def scaled_bessel(order: int) -> TotalRule:
    """exp(-|x|) times a Bessel function, which is smooth: what bends at 0 is the scale, and may cancel."""
    plain, unscaled = smooth(f"bessel_i{order}e"), smooth("bessel_i", lambda _: (order,))

    def rule(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
        if not np.all(np.abs(nearest(xs[0].array)) < UNSCALED):
            return plain(run, xs, step)
        size = run.apply("abs", xs, {}, step.results)
        scale = run.apply("exp", run.apply("neg", size, {}, step.results), {}, step.results)
        return run.apply("mul", [*scale, *unscaled(run, xs, step)], {}, step.results)

    return rule


def negative(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """-x, of integers too."""
    x = xs[0]
    if not x.is_number:
        return run.record(xs, [-x.value], [x.shape], lambda _: [None])
    pull = lambda g: [None if g[0] is None else move(g[0], np.negative)]  # noqa: E731
    return run.record(xs, [move(x.value, np.negative)], [x.shape], pull)


def two_argument_power(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """x ** y; a constant exponent that is the same everywhere makes it a power of x alone."""
    exponent = xs[1]
    if not exponent.varies:
        values = np.unique(np.asarray(exponent.array))
        if values.size == 1 and not np.iscomplexobj(values):
            alone = [Node(number(xs[0].value), xs[0].shape, xs[0].varies)]
            if xs[0].shape == step.results[0].shape:
                (found,) = power_of(values[0] if is_precise(values) else float(values[0]))(
                    run, alone if not xs[0].is_number else xs[:1], step
                )
                return [found]
        value = exponent.value if exponent.is_number else Bounded(run.floating(np.asarray(exponent.value)))  # integers
        xs = [xs[0], Node(exact_where_whole(value), exponent.shape, False)]
    return smooth("pow")(run, xs, step)


def bitcast(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """The same bits as another type: of integers, and of floating-point constants in the dtype they came in."""
    x, (shape, dtype) = xs[0], step.results[0]
    if x.is_number or x.shape != shape:
        raise OutOfReach("bitcast_convert_type of floating-point numbers has no derivative")
    value = np.ascontiguousarray(x.value).view(dtype)
    floating = jnp.issubdtype(dtype, jnp.floating)
    return [Node(Bounded(run.floating(value.astype(float))) if floating else value, shape, x.varies)]


def integer_power(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """x to the power that the parameter y is."""
    exponent = int(step.params["y"])
    if not xs[0].is_number:
        return run.record(
            xs, [(xs[0].value ** exponent).astype(step.results[0].dtype)], [xs[0].shape], lambda _: [None]
        )
    return power_of(exponent)(run, xs, step)


def square(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """x²."""
    return integer_power(run, xs, RuleStep({"y": 2}, step.results))


def next_after(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """The next number of the result's own dtype: of constants only."""
    if any(x.varies for x in xs):
        raise OutOfReach("nextafter has no derivative")
    arrays = (np.asarray(run.expanded(x, step.results[0].shape).data, step.results[0].dtype) for x in xs)
    return [Node(Bounded(np.nextafter(*arrays).astype(float)), step.results[0].shape, False)]


def one_minus_square(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """1 - x²."""
    return run.apply("sub", [run.constant(np.ones(())), *square(run, xs, step)], {}, step.results)


def polynomial(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """The first operand's, of the coefficients that the others are, the constant one first; by Horner's rule."""
    x, *coefficients, value = xs
    for coefficient in reversed(coefficients):
        product = run.apply("mul", [value, x], {}, step.results)
        (value,) = run.apply("add", [*product, coefficient], {}, step.results)
    if not coefficients:  # a constant polynomial has the shape of x as well
        (value,) = run.apply("add", [run.constant(np.zeros(step.results[0].shape)), value], {}, step.results)
    return [value]


def _unsigned(shift: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    def shifted(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        wide = a.astype(f"u{a.dtype.itemsize}")
        bits = 8 * a.dtype.itemsize
        return np.where(b < bits, shift(wide, b.astype(wide.dtype) % bits), 0).astype(a.dtype)

    return shifted


ELEMENTWISE: Mapping[str, Rule] = {
    **dict.fromkeys(having("passes"), identity),
    **{name: smooth(name) for name in FUNCTIONS if name not in ("power", "pow", "bessel_i")},
    "bessel_i0e": scaled_bessel(0),
    "bessel_i1e": scaled_bessel(1),
    "add": combine(np.add, 1),
    "add_any": combine(np.add, 1),
    "sub": combine(np.subtract, -1),
    "mul": product,
    "div": quotient,
    "rem": remainder,
    "neg": negative,
    "pow": two_argument_power,
    "integer_pow": integer_power,
    "square": square,
    "one_minus_square": one_minus_square,
    "polynomial": polynomial,
    "rsqrt": power_of(-0.5),
    "abs": absolute,
    "max": extremum(True),
    "min": extremum(False),
    "clamp": clamp,
    "select_n": select,
    "convert_element_type": convert,
    "bitcast_convert_type": bitcast,
    "complex": complex_of,
    "real": lambda run, xs, step: _linear(run, xs[0], np.real, lambda a: a.astype(complex)),
    "imag": lambda run, xs, step: _linear(run, xs[0], np.imag, lambda a: -1j * a),
    "conj": lambda run, xs, step: _linear(run, xs[0], lambda a: np.conj(a).astype(complex), np.conj),
    "stop_gradient": frozen,
    "device_put": lambda run, xs, step: xs,
    "optimization_barrier": lambda run, xs, step: xs,
    "reduce_precision": reduced,
    "sign": piecewise_constant(np.sign, np.zeros_like),
    "floor": piecewise_constant(np.floor, np.round),
    "ceil": piecewise_constant(np.ceil, np.round),
    "round": piecewise_constant(np.round, lambda x: np.floor(x) + 0.5),
    "is_finite": finite,
    "eq": comparison(np.equal),
    "ne": comparison(np.not_equal),
    "lt": comparison(np.less),
    "le": comparison(np.less_equal),
    "gt": comparison(np.greater),
    "ge": comparison(np.greater_equal),
    "eq_to": comparison(np.equal, total=True),
    "lt_to": comparison(np.less, total=True),
    "le_to": comparison(np.less_equal, total=True),
    "and": on_integers(np.bitwise_and),
    "or": on_integers(np.bitwise_or),
    "xor": on_integers(np.bitwise_xor),
    "not": on_integers(np.invert),
    "population_count": on_integers(np.bitwise_count),
    "shift_left": on_integers(_unsigned(np.left_shift)),
    "shift_right_logical": on_integers(_unsigned(np.right_shift)),
    "shift_right_arithmetic": on_integers(np.right_shift),
    "nextafter": next_after,
}
"""Primitive to its rule."""
