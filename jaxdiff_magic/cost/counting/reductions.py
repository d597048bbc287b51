"""What operations along an axis cost: reductions, cumulative sums, windows, sorting, Fourier transforms, scattering."""

from __future__ import annotations

import math
from typing import Any

from jaxdiff_magic.cost.counting.elementwise import FLOPS
from jaxdiff_magic.cost.counting.operands import is_complex, is_floating, shape, size
from jaxdiff_magic.cost.counting.work import Work, arithmetic, other

OPERATION = {
    "reduce_sum": "add",
    "reduce_max": "max",
    "reduce_min": "min",
    "reduce_prod": "mul",
    "argmax": "max",
    "argmin": "min",
    "cumsum": "add",
    "cumprod": "mul",
    "cummax": "max",
    "cummin": "min",
    "reduce_window_sum": "add",
    "reduce_window_max": "max",
    "reduce_window_min": "min",
    "scatter-add": "add",
    "scatter_add": "add",
    "scatter-sub": "sub",
    "scatter-mul": "mul",
    "scatter_mul": "mul",
    "scatter-max": "max",
    "scatter_max": "max",
    "scatter-min": "min",
    "scatter_min": "min",
}
"""The operation that each applies to two elements at a time."""


def steps(equation: Any, count: int) -> Work:
    """`count` operations on two elements."""
    operand = equation.invars[0]
    if not is_floating(operand):
        return other(count)
    return arithmetic(count * FLOPS[OPERATION[equation.primitive.name]][is_complex(operand)])


def reduction(equation: Any) -> Work:
    """n elements to m take n - m steps."""
    return steps(equation, reduction_steps(equation))


def reduction_steps(equation: Any) -> int:
    """How many operations on two elements a reduction takes."""
    return max(size(equation.invars[0]) - size(equation.outvars[0]), 0)


def booleans(equation: Any) -> Work:
    """Reductions that have no FLOPs."""
    return other(reduction_steps(equation))


def cumulative(equation: Any) -> Work:
    """n - 1 steps for each row of n, one element after the other."""
    return steps(equation, _cumulative_steps(equation))


def cumulative_logsumexp(equation: Any) -> Work:
    """log(exp a + exp b) is max + log1p(exp(-|a - b|)): 5 FLOPs and 2 transcendentals for each step."""
    count = _cumulative_steps(equation)
    return arithmetic(5 * count, 2 * count)


def _cumulative_steps(equation: Any) -> int:
    lengths = shape(equation.invars[0])
    length = lengths[equation.params["axis"]]
    return size(equation.invars[0]) // length * (length - 1) if length else 0


def across_devices(equation: Any) -> Work:
    """One step for each element that a device holds."""
    held = sum(size(operand) for operand in equation.invars if is_floating(operand))
    return arithmetic(held)


def window(equation: Any) -> Work:
    """One step less than the window has elements, for each result; padding counts as elements."""
    return steps(equation, window_steps(equation))


def window_steps(equation: Any) -> int:
    """How many operations on two elements reductions over windows take."""
    return size(equation.outvars[0]) * (math.prod(equation.params["window_dimensions"]) - 1)


def select_and_scatter_add(equation: Any) -> Work:
    """The gradient of a maximum over windows: find it again in each window, add one cotangent there."""
    cotangents = size(equation.invars[0])
    count = cotangents * math.prod(equation.params["window_dimensions"])
    return arithmetic(count) if is_floating(equation.invars[0]) else other(count)


def select_and_gather_add(equation: Any) -> Work:
    """The tangent of a maximum over windows: find it again in each."""
    count = window_steps(equation)
    return arithmetic(count) if is_floating(equation.invars[0]) else other(count)


def sort(equation: Any) -> Work:
    """n log2 n comparisons for each row of n, of the first operand: others are carried along."""
    key = equation.invars[0]
    length = shape(key)[equation.params["dimension"]]
    return _comparisons(key, _times_log2(size(key), length))


def top_k(equation: Any) -> Work:
    """n log2 k comparisons: each element against the k best so far, which are kept in order; n for the best one."""
    key, k = equation.invars[0], equation.params["k"]
    return _comparisons(key, _times_log2(size(key), max(k, 2)))


def _comparisons(key: Any, count: int) -> Work:
    return arithmetic(count) if is_floating(key) else other(count)


def fft(equation: Any) -> Work:
    """5 n log2 n for a complex transform of n numbers in all, half of that from or to real ones.

    The convention of FFTW's benchmarks, whatever the algorithm: https://www.fftw.org/speed/method.html
    """
    lengths = equation.params["fft_lengths"]
    points = math.prod(lengths)
    operand, (result,) = equation.invars[0], equation.outvars
    of_real = not (is_complex(operand) and is_complex(result))
    batch = math.prod(shape(operand)[: len(shape(operand)) - len(lengths)])
    whole = 5 * batch * _times_log2(points, points)
    return arithmetic(round(whole / 2) if of_real else whole)


def _times_log2(count: int, length: int) -> int:
    return round(count * math.log2(length)) if length > 1 else 0


def scatter(equation: Any) -> Work:
    """One step for each element that is scattered."""
    return steps(equation, size(equation.invars[2]))


REDUCTIONS = {
    **dict.fromkeys("reduce_sum reduce_prod reduce_max reduce_min argmax argmin".split(), reduction),
    **dict.fromkeys("reduce_and reduce_or reduce_xor unvmap_any unvmap_all unvmap_max".split(), booleans),
    **dict.fromkeys("cumsum cumprod cummax cummin".split(), cumulative),
    **dict.fromkeys("psum psum_invariant pmax pmin reduce_scatter".split(), across_devices),
    "cumlogsumexp": cumulative_logsumexp,
    **dict.fromkeys("reduce_window_sum reduce_window_max reduce_window_min".split(), window),
    "select_and_scatter_add": select_and_scatter_add,
    "select_and_gather_add": select_and_gather_add,
    "sort": sort,
    **dict.fromkeys("top_k approx_top_k".split(), top_k),
    "fft": fft,
    **dict.fromkeys((name for name in OPERATION if name.startswith("scatter")), scatter),
}
