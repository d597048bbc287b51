"""What sums of products cost: matrix products and convolutions, two FLOPs for each multiplication and addition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jaxdiff_magic.cost.counting.operands import is_complex, is_floating, shape, size
from jaxdiff_magic.cost.counting.work import Work, arithmetic, other


def multiply_adds(count: int, result: Any) -> Work:
    """2 FLOPs for each multiply-add of real numbers, 8 of complex ones."""
    if not is_floating(result):
        return other(2 * count)
    return arithmetic((8 if is_complex(result) else 2) * count)


def dot_general(equation: Any) -> Work:
    """2 b m n k of an (m, k) by (k, n) product, b times."""
    left = shape(equation.invars[0])
    (contracted, _), _ = equation.params["dimension_numbers"]
    (result,) = equation.outvars
    return multiply_adds(size(result) * math.prod(left[axis] for axis in contracted), result)


def ragged_dot_general(equation: Any) -> Work:
    """Of a product whose rows fall into groups, each with a matrix of its own: as if there were one matrix."""
    numbers = equation.params["ragged_dot_dimension_numbers"]
    (contracted, _), _ = numbers.dot_dimension_numbers
    left, (result,) = shape(equation.invars[0]), equation.outvars
    rows = math.prod(left[axis] for axis in contracted)
    grouped = set(numbers.lhs_ragged_dimensions) <= set(contracted)  # each group is a product of the result's size
    groups = shape(equation.invars[2])[-1] if grouped else 1
    return multiply_adds(size(result) * rows // max(groups, 1), result)


def sparse_dot_general(equation: Any) -> Work:
    """Of a sparse matrix with a dense one: every stored entry meets one row of the dense one."""
    data, right = equation.invars[0], shape(equation.invars[2])
    (_, contracted), (_, batch) = equation.params["dimension_numbers"]
    free = math.prod(length for axis, length in enumerate(right) if axis not in (*contracted, *batch))
    return multiply_adds(size(data) * free, equation.outvars[0])


def convolution(equation: Any) -> Work:
    """2 FLOPs for each value of the input that each weight of the kernel meets, for each result.

    What falls on padding, or between the values of a dilated input, is not counted. Without either it is twice the
    size of the result, times the spatial size of the kernel, times the input channels of one group.
    """
    params = equation.params
    numbers = params["dimension_numbers"]
    left, kernel = (shape(operand) for operand in equation.invars[:2])
    (result,) = equation.outvars
    out = shape(result)
    taps = math.prod(
        _meetings(
            (out[numbers.out_spec[axis]], stride),
            (kernel[numbers.rhs_spec[axis]], kernel_dilation),
            (left[numbers.lhs_spec[axis]], -dilation),
            low,
        )
        for axis, (stride, kernel_dilation, dilation, (low, _)) in enumerate(
            zip(
                params["window_strides"],
                params["rhs_dilation"],
                params["lhs_dilation"],
                params["padding"],
                strict=True,
            ),
            start=2,
        )
    )
    batch, channels = out[numbers.out_spec[0]], out[numbers.out_spec[1]]
    return multiply_adds(batch * channels * kernel[numbers.rhs_spec[1]] * taps, result)


def _meetings(*terms_and_sum: Any) -> int:
    """In how many ways a sum of products comes out as given.

    Args:
        terms_and_sum: three pairs (length, factor), then the sum: the index of each term is below its length.

    Along one axis, the result at o meets the kernel's weight k and the input j where
    stride o + kernel_dilation k - dilation j = low.
    """
    *terms, total = terms_and_sum
    (few, few_factor), (some, some_factor), (many, factor) = sorted(terms)
    indices = some_factor * np.arange(some)
    found = 0
    for index in range(few):  # the last index follows from the other two
        last, rest = np.divmod(total - few_factor * index - indices, factor)
        found += int(np.count_nonzero((rest == 0) & (last >= 0) & (last < many)))
    return found


PRODUCTS = {
    "dot_general": dot_general,
    "ragged_dot": lambda equation: multiply_adds(
        size(equation.outvars[0]) * shape(equation.invars[0])[-1], equation.outvars[0]
    ),
    "ragged_dot_general": ragged_dot_general,
    "bcoo_dot_general": sparse_dot_general,
    "conv_general_dilated": convolution,
}
