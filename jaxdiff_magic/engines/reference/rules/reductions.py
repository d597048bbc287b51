"""Primitives that combine elements: sums, products, extrema, matrix products and convolutions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.bounded import (
    EPS,
    Bounded,
    Number,
    base,
    dot,
    each,
    gather_sum,
    matmul,
    move,
    weigh,
    with_value,
)
from jaxdiff_magic.engines.reference.rules.movement import cut, stacked, unstacked
from jaxdiff_magic.engines.reference.run import Node, Result, Rule, RuleStep, Run


def _sum(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    x, shape, axes = xs[0], step.results[0].shape, tuple(step.params["axes"])
    kept = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
    there = run.axes(axes)

    def back(g: np.ndarray) -> np.ndarray:
        batch = g.shape[: run.batch_axes]
        return np.broadcast_to(g.reshape(*batch, *kept), (*batch, *x.shape))

    if not x.is_number:
        value = x.value.sum(axis=there, dtype=step.results[0].dtype)
        return run.record(xs, [value], [shape], lambda _: [None])
    terms = math.prod(x.shape[a] for a in axes)
    value = gather_sum(x.value, lambda a: a.sum(axis=there), terms)
    return run.record(xs, [value], [shape], lambda g: [None if g[0] is None else move(g[0], back)])


def _extremum(larger: bool) -> Rule:
    """reduce_max, reduce_min: the derivative is that of the largest element, split evenly between equal ones."""

    def rule(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
        x, shape, axes = xs[0], step.results[0].shape, tuple(step.params["axes"])
        there = run.axes(axes)
        reduce: Callable[..., Any] = np.max if larger else np.min
        if not all(x.shape[a] for a in axes):
            return [run.constant(np.full(shape, _least(step.results[0].dtype, larger)))]
        if not x.is_number:
            return run.record(xs, [reduce(x.value, axis=there)], [shape], lambda _: [None])
        b = base(x.value)
        best = reduce(b.data, axis=there, keepdims=True)
        largest = np.asarray(b.data == best).astype(bool)
        error = np.broadcast_to(0.0 if b.error is None else b.error, b.data.shape)
        with np.errstate(invalid="ignore"):
            close = np.abs(b.data - best) <= 4 * (error + np.max(error, axis=there, keepdims=True))
        several = close & (close.sum(axis=there, keepdims=True) > 1)
        decided = run.decide(several, largest, x, compared=b.data - best)
        # of elements that are equal all around, some is the largest
        hit = run.floating(np.where(decided.any(axis=there, keepdims=True), decided, largest))
        weight = hit / np.maximum(hit.sum(axis=there, keepdims=True), 1)
        value = gather_sum(weigh(x.value, weight), lambda a: a.sum(axis=there), 1)
        value = with_value(value, best.reshape(*best.shape[: run.batch_axes], *shape))

        def back(g: np.ndarray) -> np.ndarray:
            return np.broadcast_to(np.expand_dims(g, there), (*g.shape[: run.batch_axes], *x.shape))

        def pull(adjoints: list[Number | None]) -> list[Number | None]:
            return [None if adjoints[0] is None else weigh(move(adjoints[0], back), weight)]

        found = run.record(xs, [value], [shape], pull)
        run.note_choice(found[0], xs)
        return found

    return rule


def _least(dtype: Any, larger: bool) -> np.ndarray:
    """The extremum of nothing: the least value of a dtype, or the greatest."""
    sign = -1 if larger else 1
    if jnp.issubdtype(dtype, jnp.inexact):
        return np.asarray(sign * np.inf)
    if dtype == np.bool_:
        return np.asarray(not larger)
    return np.asarray(np.iinfo(dtype).min if larger else np.iinfo(dtype).max, dtype)


def _logical(reduce: Callable[..., Any]) -> Rule:
    def rule(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
        value = reduce(xs[0].value, axis=run.axes(step.params["axes"]))
        return run.record(xs, [np.asarray(value)], [step.results[0].shape], lambda _: [None])

    return rule


def _product(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """reduce_prod, pair by pair."""
    x, shape, axes = xs[0], step.results[0].shape, tuple(step.params["axes"])
    if not x.is_number:
        return run.record(xs, [x.value.prod(axis=run.axes(axes))], [shape], lambda _: [None])
    order = [*axes, *(a for a in range(len(x.shape)) if a not in axes)]
    count = math.prod(x.shape[a] for a in axes)
    dtype = step.results[0].dtype
    moved_first = [Result(tuple(x.shape[a] for a in order), dtype)]
    (front,) = run.apply("transpose", xs, {"permutation": order}, moved_first)
    (flat,) = run.apply("reshape", [front], {}, [Result((count, *shape), dtype)])
    if not count:
        return [run.constant(np.ones(shape))]
    parts = unstacked(run, flat)
    while len(parts) > 1:
        pairs = [run.apply("mul", pair, {}, step.results)[0] for pair in zip(parts[::2], parts[1::2], strict=False)]
        parts = pairs + parts[2 * len(pairs) :]
    return parts


def _cumulative(combine: Callable[[Run, Node, Node, list[Result]], Node]) -> Rule:
    """cumprod, cummax …: one element after another along the axis."""

    def rule(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
        x, axis = xs[0], step.params["axis"]
        if not x.shape[axis]:
            return [x]
        parts = unstacked(run, x, axis)
        if step.params["reverse"]:
            parts = parts[::-1]
        result = [Result(parts[0].shape, step.results[0].dtype)]
        found = list(itertools.accumulate(parts, lambda a, b: combine(run, a, b, result)))
        return [stacked(run, found[::-1] if step.params["reverse"] else found, axis)]

    return rule


def _by(primitive: str) -> Callable[[Run, Node, Node, list[Result]], Node]:
    return lambda run, a, b, result: run.apply(primitive, [a, b], {}, result)[0]


def _log_add(run: Run, a: Node, b: Node, result: list[Result]) -> Node:
    def op(name: str, *operands: Node) -> Node:
        return run.apply(name, operands, {}, result)[0]

    top = op("stop_gradient", op("max", a, b))
    return op("add", op("log", op("add", op("exp", op("sub", a, top)), op("exp", op("sub", b, top)))), top)


def _cumulative_sum(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    x, axis, backward = xs[0], run.axes([step.params["axis"]])[0], step.params["reverse"]

    def running(a: np.ndarray, reverse: bool) -> np.ndarray:
        return np.flip(np.cumsum(np.flip(a, axis), axis), axis) if reverse else np.cumsum(a, axis)

    if not x.is_number:
        return run.record(xs, [running(x.value, backward).astype(x.value.dtype)], [x.shape], lambda _: [None])
    terms = x.shape[step.params["axis"]]

    def pull(adjoints: list[Number | None]) -> list[Number | None]:
        g = adjoints[0]
        return [None if g is None else gather_sum(g, lambda a: running(a, not backward), terms)]

    return run.record(xs, [gather_sum(x.value, lambda a: running(a, backward), terms)], [x.shape], pull)


def _dot(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """dot_general as one matrix product over axes (batch axes, batch dimensions, rows, columns)."""
    x, y = xs
    (x_sum, y_sum), (x_batch, y_batch) = step.params["dimension_numbers"]
    shape = step.results[0].shape
    x_free = [a for a in range(len(x.shape)) if a not in (*x_sum, *x_batch)]
    y_free = [a for a in range(len(y.shape)) if a not in (*y_sum, *y_batch)]
    batch = [x.shape[a] for a in x_batch]
    rows, inner, columns = (math.prod(v.shape[a] for a in axes) for v, axes in ((x, x_free), (x, x_sum), (y, y_free)))

    def laid(axes: list[int], last: tuple[int, int], shape: tuple[int, ...]) -> tuple[Any, Any]:
        order = (*range(run.batch_axes), *run.axes(axes))
        inverse = tuple(np.argsort(order))
        whole = tuple(shape[a] for a in axes)

        def there(a: np.ndarray) -> np.ndarray:
            return a.transpose(order).reshape(*a.shape[: run.batch_axes], *batch, *last)

        def back(a: np.ndarray) -> np.ndarray:
            return a.reshape(*a.shape[: run.batch_axes], *whole).transpose(inverse)

        return there, back

    x_there, x_back = laid([*x_batch, *x_free, *x_sum], (rows, inner), x.shape)
    y_there, y_back = laid([*y_batch, *y_sum, *y_free], (inner, columns), y.shape)
    if not x.is_number:
        value = (x_there(x.value) @ y_there(y.value)).astype(step.results[0].dtype)
        return run.record(xs, [value.reshape(*value.shape[: run.batch_axes], *shape)], [shape], lambda _: [None, None])
    a, b = move(x.value, x_there), move(y.value, y_there)
    swap = lambda m: np.swapaxes(m, -1, -2)  # noqa: E731

    def pull(adjoints: list[Number | None]) -> list[Number | None]:
        if adjoints[0] is None:
            return [None, None]
        g = move(adjoints[0], lambda m: m.reshape(*m.shape[: run.batch_axes], *batch, rows, columns))
        left = move(dot(g, move(b, swap), matmul, columns), x_back) if x.varies else None
        right = move(dot(move(a, swap), g, matmul, rows), y_back) if y.varies else None
        return [left, right]

    value = move(dot(a, b, matmul, inner), lambda m: m.reshape(*m.shape[: run.batch_axes], *shape))
    return run.record(xs, [value], [shape], pull)


def _convolution(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """conv_general_dilated as a matrix product of the patches with the kernel."""
    lhs, rhs = xs
    p, dtype = step.params, step.results[0].dtype
    spec = p["dimension_numbers"]
    if p["batch_group_count"] != 1:
        raise OutOfReach("a convolution with batch groups has no rule yet")
    if not math.prod(step.results[0].shape):
        return [run.constant(np.zeros(step.results[0].shape))]
    groups = p["feature_group_count"]
    (x,) = _permuted(run, lhs, spec.lhs_spec, dtype)
    (w,) = _permuted(run, rhs, spec.rhs_spec, dtype)
    config = [(0, 0, 0), (0, 0, 0), *((lo, hi, d - 1) for (lo, hi), d in zip(p["padding"], p["lhs_dilation"]))]  # noqa: B905
    sizes = [spread_size(n, *part) for n, part in zip(x.shape, config, strict=True)]
    zero = run.constant(np.zeros(()))
    (x,) = run.apply("pad", [x, zero], {"padding_config": config}, [Result(tuple(sizes), dtype)])
    n, _, *space = x.shape
    out_channels, per_group, *kernel = w.shape
    strides, dilation = p["window_strides"], p["rhs_dilation"]
    out = [(s - (k - 1) * d - 1) // t + 1 if k else 0 for s, k, d, t in zip(space, kernel, dilation, strides)]  # noqa: B905
    pieces = []
    for at in itertools.product(*map(range, kernel)):
        window = [
            slice(k * d, k * d + (o - 1) * t + 1, t) for k, d, o, t in zip(at, dilation, out, strides, strict=True)
        ]
        pieces += cut(run, x, [slice(None), slice(None), *window])
    patches = stacked(run, pieces, 2)  # (n, channels, kernel, *out)
    taps, places = math.prod(kernel), math.prod(out)
    split = Result((n, groups, per_group * taps, places), dtype)
    (patches,) = run.apply("reshape", [patches], {}, [split])
    of_group = Result((groups, out_channels // groups, per_group * taps), dtype)
    (w,) = run.apply("reshape", [w], {}, [of_group])
    dims = {"dimension_numbers": (((2,), (2,)), ((0,), (1,)))}
    product = Result((groups, out_channels // groups, n, places), dtype)
    (found,) = run.apply("dot_general", [w, patches], dims, [product])
    (found,) = run.apply("reshape", [found], {}, [Result((out_channels, n, *out), dtype)])
    order = [1, 0, *range(2, 2 + len(out))]
    (found,) = run.apply("transpose", [found], {"permutation": order}, [Result((n, out_channels, *out), dtype)])
    return run.apply("transpose", [found], {"permutation": np.argsort(spec.out_spec).tolist()}, step.results)


def spread_size(length: int, low: int, high: int, interior: int) -> int:
    """The length of an axis once it is padded and spread."""
    return max(0, low + high + (length - 1) * (interior + 1) + 1 if length else low + high)


def _permuted(run: Run, x: Node, order: Any, dtype: Any) -> list[Node]:
    shape = tuple(x.shape[a] for a in order)
    return run.apply("transpose", [x], {"permutation": list(order)}, [Result(shape, dtype)])


def _arg(larger: bool) -> Rule:
    """argmax, argmin: integers, the first of equal ones."""

    def rule(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
        x = xs[0]
        (axis,) = run.axes(step.params["axes"])
        data = x.array
        best = (np.argmax if larger else np.argmin)(data, axis)
        if x.is_number and x.shape[step.params["axes"][0]] > 1:
            b = base(x.value)
            error = np.broadcast_to(0.0 if b.error is None else b.error, data.shape)
            top = np.take_along_axis(data, np.expand_dims(best, axis), axis)
            best = run.decide((np.abs(data - top) <= 8 * error).sum(axis) > 1, best, x)
        return run.record(xs, [best.astype(step.results[0].dtype)], [step.results[0].shape], lambda _: [None])

    return rule


def _fourier(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """The discrete Fourier transforms over the last axes. Adjoints of complex values: dF = Re(adjoint * dz)."""
    x, lengths = xs[0], tuple(step.params["fft_lengths"])
    kind = str(getattr(step.params["fft_type"], "name", step.params["fft_type"])).split(".")[-1].upper()
    axes = tuple(range(-len(lengths), 0))
    transforms: dict[str, Any] = {
        "FFT": np.fft.fftn,
        "IFFT": np.fft.ifftn,
        "RFFT": np.fft.rfftn,
        "IRFFT": np.fft.irfftn,
    }
    there = lambda a: transforms[kind](a, lengths, axes)  # noqa: E731
    if kind in ("FFT", "IFFT"):
        back = there  # the matrix is symmetric
    elif kind == "RFFT":
        back = lambda g: _padded(g, lengths, axes)  # noqa: E731
    else:
        count, half = math.prod(lengths), lengths[-1] // 2 + 1
        twice = np.where((np.arange(half) == 0) | (2 * np.arange(half) == lengths[-1]), 1.0, 2.0)
        back = lambda g: twice / count * np.conj(np.fft.rfftn(g, lengths, axes))  # noqa: E731

    def spread(f: Callable[[np.ndarray], np.ndarray]) -> Callable[[Bounded], Bounded]:
        def one(b: Bounded) -> Bounded:
            data = f(b.data)
            size = np.abs(b.data) * math.prod(lengths) * EPS + (0.0 if b.error is None else b.error)
            scale = 1 / math.prod(lengths) if kind in ("IFFT", "IRFFT") else 1.0
            total = 2 * scale * size.sum(axis=axes, keepdims=True)
            return Bounded(data, np.broadcast_to(total, data.shape))

        return one

    pull = lambda g: [None if g[0] is None else each(g[0], spread(back))]  # noqa: E731
    return run.record(xs, [each(x.value, spread(there))], [step.results[0].shape], pull)


def _padded(g: np.ndarray, lengths: tuple[int, ...], axes: tuple[int, ...]) -> np.ndarray:
    """The transpose of a real Fourier transform: the other half of the spectrum counts as zero."""
    whole = np.zeros((*g.shape[:-1], lengths[-1]), complex)
    whole[..., : g.shape[-1]] = g
    return np.real(np.fft.fftn(whole, lengths, axes))


REDUCTIONS: Mapping[str, Rule] = {
    "reduce_sum": _sum,
    "reduce_max": _extremum(True),
    "reduce_min": _extremum(False),
    "reduce_prod": _product,
    "reduce_and": _logical(np.all),
    "reduce_or": _logical(np.any),
    "argmax": _arg(True),
    "argmin": _arg(False),
    "cumsum": _cumulative_sum,
    "cumprod": _cumulative(_by("mul")),
    "cummax": _cumulative(_by("max")),
    "cummin": _cumulative(_by("min")),
    "cumlogsumexp": _cumulative(_log_add),
    "dot_general": _dot,
    "conv_general_dilated": _convolution,
    "fft": _fourier,
}
"""Primitive to its rule."""
