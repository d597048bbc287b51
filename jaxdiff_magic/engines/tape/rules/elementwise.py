"""Elementwise primitives: an operation of the browser for each element, or a few of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.run import Node, Result, RuleStep
from jaxdiff_magic.engines.tape.recording import Recording, Rule, elementwise, is_live, lifted
from jaxdiff_magic.engines.tape.scalar import TapeScalar
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.primitives.scalar import SCALARS

Record = Callable[..., Any]
"""An operation's name and operands to its result."""


def operation(name: str) -> Rule:
    """One operation of the browser."""
    return formula(lambda record, *operands: record(name, *operands))


def formula(of: Callable[..., Any]) -> Rule:
    """A function of `Record` and the elements of all operands."""

    def rule(run: Recording, xs: list[Node], step: RuleStep) -> list[Node]:
        return [_each(run, xs, step.results[0], lambda *elements: of(run.recorder.record, *elements))]

    return rule


def _each(run: Recording, xs: list[Node], result: Result, f: Callable[..., Any]) -> Node:
    return Node(elementwise(f, *(run.expanded(lifted(x), result.shape) for x in xs)), result.shape, False)


def _is_boolean(dtype: Any) -> bool:
    return np.dtype(dtype) == np.bool_


def _is_whole(dtype: Any) -> bool:
    return jnp.issubdtype(dtype, jnp.integer)


def truncated(record: Record, x: Any) -> Any:
    """Toward zero."""
    whole = x.whole if isinstance(x, TapeScalar) else float(x).is_integer()
    return x if whole else record("mul", record("sign", x), record("floor", record("abs", x)))


def truth(record: Record, x: Any) -> Any:
    """Whether a number is not 0."""
    return x if isinstance(x, TapeScalar) and x.truth else record("ne", x, 0.0)


def _convert(run: Recording, xs: list[Node], step: RuleStep) -> list[Node] | None:
    dtype = step.results[0].dtype
    if jnp.issubdtype(dtype, jnp.complexfloating):
        raise OutOfReach("it computes with complex numbers, which the browser has none of")
    if _is_boolean(dtype):
        return formula(truth)(run, xs, step)
    return formula(truncated)(run, xs, step) if _is_whole(dtype) else [xs[0]]


def _divide(run: Recording, xs: list[Node], step: RuleStep) -> list[Node] | None:
    if _is_whole(step.results[0].dtype):
        return formula(lambda record, a, b: truncated(record, record("div", a, b)))(run, xs, step)
    return operation("div")(run, xs, step)


def _integer_power(run: Recording, xs: list[Node], step: RuleStep) -> list[Node] | None:
    exponent = float(step.params["y"])
    return formula(lambda record, x: record("pow", x, exponent))(run, xs, step)


def _select(run: Recording, xs: list[Node], step: RuleStep) -> list[Node] | None:
    """Case 0 is the one taken where a boolean `which` is false; of a whole number it is the case with that number."""

    def chosen(record: Record, which: Any, *cases: Any) -> Any:
        if len(cases) == 2:
            return record("select", which, cases[1], cases[0])
        if not isinstance(which, TapeScalar):
            return cases[int(which)]
        found = cases[-1]
        for k in range(len(cases) - 2, -1, -1):
            found = record("select", record("eq", which, k), cases[k], found)
        return found

    return formula(chosen)(run, xs, step)


def _clamp(run: Recording, xs: list[Node], step: RuleStep) -> list[Node] | None:
    return formula(lambda record, low, x, high: record("min", record("max", x, low), high))(run, xs, step)


def _round(run: Recording, xs: list[Node], step: RuleStep) -> list[Node] | None:
    if int(step.params["rounding_method"]) == 1:  # of two the even one
        return operation("round")(run, xs, step)

    def away(record: Record, x: Any) -> Any:
        return record("mul", record("sign", x), record("floor", record("add", record("abs", x), 0.5)))

    return formula(away)(run, xs, step)


def on_bits(primitive: str) -> Rule:
    """A primitive on the bits of whole numbers, which are taken as they are at the point."""

    def rule(run: Recording, xs: list[Node], step: RuleStep) -> list[Node]:
        known = [run.constant(run.shared(x).astype(step.results[0].dtype)) if is_live(x) else x for x in xs]
        return run.apply(primitive, known, step.params, step.results)

    return rule


def logic(primitive: str, name: str) -> Rule:
    """An operation of the browser on truth values; a primitive on the bits of whole numbers."""

    def rule(run: Recording, xs: list[Node], step: RuleStep) -> list[Node] | None:
        return (operation(name) if _is_boolean(step.results[0].dtype) else on_bits(primitive))(run, xs, step)

    return rule


def _polynomial(record: Record, x: Any, *coefficients: Any) -> Any:
    found = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        found = record("add", record("mul", found, x), coefficient)
    return found


def _identity(run: Recording, xs: list[Node], step: RuleStep) -> list[Node]:
    return [xs[0]]


def _all(run: Recording, xs: list[Node], step: RuleStep) -> list[Node]:
    return xs


SAME_NAME = (
    *"add sub mul rem max min neg lt le gt ge eq ne".split(),
    *(name for name, known in SCALARS.items() if known.in_browser),
)

BITS = ("shift_left", "shift_right_logical", "shift_right_arithmetic", "population_count")

ELEMENTWISE: Mapping[str, Rule] = {
    **dict.fromkeys(having("passes"), _identity),
    **{name: operation(name) for name in SAME_NAME},
    "add_any": operation("add"),
    "div": _divide,
    "integer_pow": _integer_power,
    "one_minus_square": formula(lambda record, x: record("sub", 1.0, record("square", x))),
    "polynomial": formula(_polynomial),
    "stop_gradient": operation("stop"),
    "round": _round,
    "clamp": _clamp,
    "select_n": _select,
    "is_finite": formula(lambda record, x: record("lt", record("abs", x), math.inf)),
    "lt_to": operation("lt"),
    "le_to": operation("le"),
    "eq_to": operation("eq"),
    **{name: logic(name, name) for name in ("and", "or", "not")},
    "xor": logic("xor", "ne"),
    **{name: on_bits(name) for name in BITS},
    "convert_element_type": _convert,
    "real": _identity,
    "conj": _identity,
    "reduce_precision": _identity,
    "device_put": _all,
    "optimization_barrier": _all,
}
"""Primitive to its rule."""
