"""Numbers from index expressions, in float64 NumPy, each with a bound on its own rounding error.

This evaluation owes nothing to JAX. The bound is a running error analysis (N. J. Higham, "Accuracy and Stability of
Numerical Algorithms", 2nd ed., section 3.3): every operation adds half an ulp of its result and passes on the errors
of its operands to first order. It is what makes "equal within rounding" mean something for each entry.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import sympy as sp
from sympy import Expr

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic import array_values, time_limits
from jaxdiff_magic.engines.symbolic.expression import (
    SELECTORS,
    Applied,
    Choice,
    Delta,
    FunctionSymbol,
    Index,
    IndexSum,
    Lookup,
    Truth,
    Within,
    is_index_expression,
)
from jaxdiff_magic.engines.symbolic.functions import Frozen
from jaxdiff_magic.engines.symbolic.program import Definition, Program
from jaxdiff_magic.engines.symbolic.scalar_values import COMPARISONS, FUNCTIONS, JUMPS, ROUGH

EPS = float(np.finfo(np.float64).eps)
MOST_NUMBERS = 1 << 26
"""A product over indices has no more elements than this, half a gigabyte, before it is added up."""
POINT = Index(0, "point")
"""The axis of several points evaluated at once."""


class Labelled(NamedTuple):
    """An array whose axes are index symbols, with a bound on the error of each element."""

    axes: tuple[Index, ...]
    data: np.ndarray
    error: np.ndarray


@dataclass
class Evaluation:
    """One evaluation of a program at a batch of points.

    Attributes:
        values: array label to its values, shape `(points, *array.shape)` or `array.shape` for constants.
        literal_eps: relative error ascribed to literals that are not short binary fractions.
        at_tie: for each point, whether a choice (a comparison, a maximum, an absolute value) fell within
            rounding of a tie, so that the derivative there is a matter of convention.
        freeze: whether what `stop_gradient` froze keeps the value that it has at the first point.
    """

    values: dict[sp.Symbol, Labelled]
    literal_eps: float
    at_tie: np.ndarray
    freeze: bool = False
    known: dict[sp.Basic, Labelled] = field(default_factory=dict)

    def of(self, definition: Definition) -> tuple[np.ndarray, np.ndarray]:
        """Values and error bounds of a definition, both of shape `(points, *shape)`."""
        with np.errstate(all="ignore"):
            found = self._eval(definition.expr)
        axes = (POINT, *definition.indices)
        shape = (len(self.at_tie), *definition.array.shape)
        return tuple(np.broadcast_to(_aligned(found.axes, part, axes), shape) for part in found[1:])

    def define(self, definition: Definition) -> None:
        """Evaluate a definition, so that later ones can refer to it."""
        data, error = self.of(definition)
        self.values[definition.array.label] = Labelled((), data, error)

    def leave(self, region: Program) -> None:
        """Note the points outside a region, a program over the same inputs, as at a tie."""
        inside = Evaluation(dict(self.values), self.literal_eps, np.zeros_like(self.at_tie), self.freeze)
        for definition in region.definitions:
            inside.define(definition)
        for output in region.outputs:
            self.at_tie |= inside.of(output)[0] != 1
        self.at_tie |= inside.at_tie

    def _eval(self, e: sp.Basic) -> Labelled:
        if e not in self.known:
            self.known[e] = self._rule(e)
        return self.known[e]

    def _rule(self, e: sp.Basic) -> Labelled:
        time_limits.ask()
        match e:
            case sp.Integer():
                return _exact(float(e))
            case sp.Rational():
                value = float(e)
                eps = EPS if e.q < 2**11 else self.literal_eps
                return Labelled((), np.asarray(value), np.asarray(0.0 if _is_dyadic(e) else eps * abs(value)))
            case sp.Number() | sp.NumberSymbol():
                value = float(e)
                return Labelled((), np.asarray(value), np.asarray(EPS * abs(value) if math.isfinite(value) else 0.0))
            case Index():
                return Labelled((e,), np.arange(e.size, dtype=float), np.zeros(e.size))
            case sp.Symbol():
                return self._reference(e, ())
            case Lookup():
                return self._lookup(e)
            case Applied():
                return self._reference(e.label, e.indices)
            case sp.Indexed():
                return self._reference(e.base.label, e.indices)
            case sp.Add():
                return self._add(e.args)
            case sp.Mul():
                return self._multiply(e.args)
            case IndexSum():
                return self._sum(e)
            case sp.Pow():
                return self._power(*e.args)
            case Choice():
                return self._choice(*e.args)
            case Truth():
                return self._condition(e.args[0])
            case Delta():
                a, b = self._align(*map(self._eval, e.args))
                return Labelled(a.axes, (a.data == b.data).astype(float), np.zeros(()))
            case Within():
                axes, data, _ = self._eval(e.args[0])
                return Labelled(axes, ((data >= int(e.args[1])) & (data <= int(e.args[2]))).astype(float), np.zeros(()))
            case sp.floor() if is_index_expression(e):
                numerator, divisor = e.args[0].as_numer_denom()
                axes, data, error = self._eval(numerator)
                return Labelled(axes, data // int(divisor), error)
            case sp.Max() | sp.Min():
                return self._extremum(e)
            case _ if e.func in FUNCTIONS:
                return self._function(e)
            case _:
                raise OutOfReach(f"{e.func.__name__} has no numeric evaluation")

    def _reference(self, label: sp.Symbol, indices: Sequence[Expr]) -> Labelled:
        if label not in self.values and isinstance(label, FunctionSymbol):
            self.values[label] = self._function_of_arrays(label)
        if label not in self.values:
            raise OutOfReach(f"{label} has no value")
        _, data, error = self.values[label]
        if data.size == 0:
            return _exact(0.0)  # there is no element: whatever mentions one is empty, or selects another
        batched = data.ndim > len(indices)
        batch = (POINT,) if batched else ()
        plain = all(isinstance(i, Index) for i in indices) and len(set(indices)) == len(indices)
        if plain and tuple(i.size for i in indices) == data.shape[len(batch) :]:
            return Labelled((*batch, *indices), data, error)  # type: ignore[arg-type]
        positions = self._align(*map(self._eval, indices)) if indices else []
        shape = data.shape[len(batch) :]
        clipped = [np.clip(p.data, 0, size - 1).astype(int) for p, size in zip(positions, shape, strict=True)]
        axes = positions[0].axes if positions else ()
        if batched and POINT in axes:  # each point has places of its own
            own = np.arange(len(self.at_tie)).reshape(-1, *[1] * (len(axes) - 1))
            return Labelled(axes, data[(own, *clipped)], error[(own, *clipped)])
        where = (slice(None), *clipped) if batched else tuple(clipped)
        return Labelled((*batch, *axes), data[where], error[where])

    def _lookup(self, e: Lookup) -> Labelled:
        positions = self._align(*map(self._eval, e.indices))
        sizes = e.table.values.shape
        clipped = [np.clip(p.data, 0, size - 1).astype(int) for p, size in zip(positions, sizes, strict=True)]
        return Labelled(positions[0].axes, e.table.values[tuple(clipped)].astype(float), np.zeros(()))

    def _function_of_arrays(self, label: FunctionSymbol) -> Labelled:
        name, (operand,) = label.operation
        if operand.label not in self.values and isinstance(operand.label, FunctionSymbol):
            self.values[operand.label] = self._function_of_arrays(operand.label)
        _, data, error = self.values[operand.label]
        error = np.broadcast_to(error, data.shape)
        if 0 in label.shape:
            return Labelled((), np.zeros(label.shape), np.zeros(label.shape))
        if 0 in data.shape or not operand.shape:
            raise OutOfReach(f"{name} of an empty array has no numeric evaluation")
        found = array_values.NUMERIC[name](data, error)
        if data.ndim > len(operand.shape):
            self.at_tie |= found.tie.reshape(len(self.at_tie), -1).any(axis=1)
        return Labelled((), found.data, found.error)

    def _align(self, *parts: Labelled) -> list[Labelled]:
        axes = tuple(dict.fromkeys(axis for part in parts for axis in part.axes))
        if POINT in axes:
            axes = (POINT, *(axis for axis in axes if axis is not POINT))
        return [Labelled(axes, _aligned(p.axes, p.data, axes), _aligned(p.axes, p.error, axes)) for p in parts]

    def _add(self, args: Sequence[Expr]) -> Labelled:
        parts = self._align(*map(self._eval, args))
        data, error = parts[0].data, parts[0].error
        for part in parts[1:]:
            data = data + part.data
            error = error + part.error + EPS * np.abs(data)
        return Labelled(parts[0].axes, data, error)

    def _multiply(self, args: Sequence[Expr]) -> Labelled:
        selectors = [self._eval(arg) for arg in args if _is_selector(arg)]
        parts = self._align(*selectors, *(self._eval(arg) for arg in args if not _is_selector(arg)))
        if math.prod(np.broadcast_shapes(*(part.data.shape for part in parts))) > MOST_NUMBERS:
            raise OutOfReach("it takes too many numbers at once to evaluate")
        data, error = np.ones(()), np.zeros(())
        for part in parts[len(selectors) :]:
            error = np.abs(data) * part.error + error * np.abs(part.data)
            data = data * part.data
            error = error + EPS * np.abs(data)
        for part in parts[: len(selectors)]:  # a factor 0 that selects wins over infinity and NaN
            data, error = np.where(part.data == 0, 0.0, data), np.where(part.data == 0, 0.0, error)
        return Labelled(parts[0].axes, data, error)

    def _sum(self, e: IndexSum) -> Labelled:
        bound = set(e.indices)
        count = math.prod(i.size for i in bound)
        factors = sp.Mul.make_args(e.body)
        parts = [self._eval(factor) for factor in factors]
        if any(map(_is_selector, factors)) and not all(np.isfinite(n).all() for part in parts for n in part[1:]):
            parts = [self._multiply(factors)]  # in which nothing is left of what is not selected
        missing = [i for i in bound if not any(i in part.axes for part in parts)]
        repeats = math.prod(i.size for i in missing)
        axes = tuple(dict.fromkeys(axis for part in parts for axis in part.axes if axis not in bound))
        magnitude = _contract([(p.axes, np.abs(p.data)) for p in parts], axes)
        data = _contract([(p.axes, p.data) for p in parts], axes)
        # (|a| + da)(|b| + db) - |a||b|, summed, plus the rounding of the sum itself
        widened = _contract([(p.axes, np.abs(p.data) + p.error) for p in parts], axes)
        error = widened - magnitude + EPS * (len(parts) + count) * magnitude
        return Labelled(axes, repeats * data, repeats * np.abs(error))

    def _power(self, base: Expr, exponent: Expr) -> Labelled:
        if exponent == -1:
            axes, b, b_error = self._eval(base)
            data = 1 / b
            return Labelled(axes, data, data * data * b_error + EPS * np.abs(data))
        if base == sp.E:
            return self._function(sp.exp(exponent, evaluate=False))
        left, right = self._align(self._eval(base), self._eval(exponent))
        data = np.sqrt(left.data) if exponent == sp.S.Half else np.power(left.data, right.data)
        slope = np.abs(right.data * np.power(left.data, right.data - 1)) * left.error
        error = np.where(left.error == 0, 0.0, slope) + EPS * np.abs(data) * 2
        if np.any(right.error):
            error = error + np.abs(data * np.log(np.abs(left.data))) * right.error
        return Labelled(left.axes, data, error)

    def _function(self, e: sp.Basic) -> Labelled:
        values, slopes = FUNCTIONS[e.func]
        parts = self._align(*(self._eval(arg) for arg in e.args))
        arguments = [part.data for part in parts]
        if e.func in JUMPS:
            distance = np.abs(arguments[0] - JUMPS[e.func](arguments[0]))
            self._note_tie(parts[0].axes, distance <= 4 * parts[0].error)
        data = values(*arguments)
        if isinstance(e, Frozen) and self.freeze and POINT in parts[0].axes:
            data = np.broadcast_to(data[:1], data.shape)
        error = 2 * EPS * (np.abs(data) + (e.func in ROUGH))
        for part, slope in zip(parts, slopes, strict=True):
            error = error + np.where(part.error == 0, 0.0, np.abs(slope(*arguments, data)) * part.error)
        return Labelled(parts[0].axes, data, error)

    def _extremum(self, e: sp.Basic) -> Labelled:
        parts = self._align(*map(self._eval, e.args))
        choose = np.maximum if isinstance(e, sp.Max) else np.minimum
        data, error = parts[0].data, parts[0].error
        exact = all(arg.is_integer for arg in e.args)
        for part in parts[1:]:
            if not exact:
                self._note_tie(part.axes, np.abs(data - part.data) <= 4 * (error + part.error))
            error = np.where(choose(data, part.data) == data, error, part.error)
            data = choose(data, part.data)
        return Labelled(parts[0].axes, data, error)

    def _choice(self, condition: sp.Basic, yes: Expr, no: Expr) -> Labelled:
        which, left, right = self._align(self._condition(condition), self._eval(yes), self._eval(no))
        data = np.where(which.data != 0, left.data, right.data)
        return Labelled(which.axes, data, np.where(which.data != 0, left.error, right.error))

    def _condition(self, c: sp.Basic) -> Labelled:
        if c in (sp.true, sp.false):
            return _exact(float(c == sp.true))
        if isinstance(c, (sp.And, sp.Or, sp.Xor)):
            parts = self._align(*map(self._condition, c.args))
            combine = {sp.And: np.minimum, sp.Or: np.maximum, sp.Xor: np.not_equal}[c.func]
            data = parts[0].data
            for part in parts[1:]:
                data = combine(data, part.data)
            return Labelled(parts[0].axes, data, np.zeros(()))
        if isinstance(c, sp.Not):
            inner = self._condition(c.args[0])
            return Labelled(inner.axes, 1 - inner.data, np.zeros(()))
        if isinstance(c, sp.core.relational.Relational):
            a, b = self._align(*map(self._eval, c.args))
            if not (c.lhs.is_integer and c.rhs.is_integer):  # which are exact
                self._note_tie(a.axes, np.abs(a.data - b.data) <= 4 * (a.error + b.error))
            return Labelled(a.axes, COMPARISONS[c.func](a.data, b.data).astype(float), np.zeros(()))
        raise OutOfReach(f"{c.func.__name__} has no numeric evaluation")

    def _note_tie(self, axes: tuple[Index, ...], near: np.ndarray) -> None:
        if POINT in axes:  # else it does not depend on the inputs
            near = np.broadcast_to(near, (len(self.at_tie), *near.shape[1:]))
            self.at_tie |= near.reshape(len(self.at_tie), -1).any(axis=1)


def evaluation(
    program: Program,
    points: Sequence[np.ndarray],
    literal_eps: float = EPS,
    definitions: bool = True,
    freeze: bool = False,
) -> Evaluation:
    """Start an evaluation of a program.

    Args:
        program: whose definitions are evaluated, in order.
        points: for each input, its values, shape `(points, *input.shape)`, float64.
        literal_eps, freeze: see `Evaluation`.
        definitions: whether to evaluate the program's definitions now.
    """
    values = {
        array.label: Labelled((), np.asarray(data, float), np.zeros(np.shape(data)))
        for array, data in (*zip(program.inputs, points, strict=True), *program.constants)
    }
    started = Evaluation(values, literal_eps, np.zeros(len(points[0]), bool), freeze)
    if definitions:
        for definition in program.definitions:
            started.define(definition)
        if program.region is not None:
            started.leave(program.region)
    return started


def _is_selector(e: Expr) -> bool:
    """Whether a factor is 0 or 1, and so wins over infinity and NaN: a selector, or 1 minus a product of them."""
    if isinstance(e, sp.Add) and len(e.args) == 2 and e.args[0] == 1:
        negative, rest = e.args[1].as_coeff_Mul()
        return negative == -1 and all(isinstance(factor, SELECTORS) for factor in sp.Mul.make_args(rest))
    return isinstance(e, SELECTORS)


def _exact(value: float) -> Labelled:
    return Labelled((), np.asarray(value), np.zeros(()))


def _is_dyadic(e: sp.Rational) -> bool:
    return e.q & (e.q - 1) == 0 and e.q < 2**11


def _aligned(axes: tuple[Index, ...], data: np.ndarray, target: tuple[Index, ...]) -> np.ndarray:
    """`data` with an axis for each target symbol, of size 1 where it has none."""
    if data.ndim == 0 or axes == target:
        return data
    order = [axis for axis in target if axis in axes]
    moved = np.transpose(data, [axes.index(axis) for axis in order])
    sizes = iter(moved.shape)
    return moved.reshape([next(sizes) if axis in axes else 1 for axis in target])


def _contract(parts: Sequence[tuple[tuple[Index, ...], np.ndarray]], axes: tuple[Index, ...]) -> np.ndarray:
    numbers: dict[Index, int] = {}
    operands: list[object] = []
    for part_axes, data in parts:
        if data.ndim == 0 and part_axes:
            data = data.reshape((1,) * len(part_axes))
        operands += [data, [numbers.setdefault(axis, len(numbers)) for axis in part_axes]]
    return np.einsum(*operands, [numbers[axis] for axis in axes], optimize=len(parts) > 2)  # type: ignore[arg-type]
