"""Convolutions: sums over the kernel, of elements that may lie in the padding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp
from sympy import Expr, Integer

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic.expression import Delta, Index
from jaxdiff_magic.engines.symbolic.indices import quotient, remainder, total
from jaxdiff_magic.engines.symbolic.rules.view import Indices, ResultView, StructureRule, View, between


def _convolution(inputs: Sequence[View], params: Mapping[str, Any], results: Sequence[ResultView]) -> list[View]:
    """out[n, o, s] = sum over c, k of x[n, c, s * stride + k * dilation - padding] * kernel[o, c, k].

    Source: XLA operation semantics, ConvWithGeneralPadding; the kernel is not flipped.
    """
    x, kernel = inputs
    numbers, groups = params["dimension_numbers"], params["feature_group_count"]
    if params["batch_group_count"] != 1:
        raise OutOfReach("a convolution with groups of batches has no formula yet")
    (x_batch, x_feature, *x_space) = numbers.lhs_spec
    (k_out, k_in, *k_space) = numbers.rhs_spec
    (out_batch, out_feature, *out_space) = numbers.out_spec

    def at(i: Indices) -> sp.Basic:
        channel = Index(kernel.shape[k_in], "c")
        window = [Index(kernel.shape[axis], "k") for axis in k_space]
        group = quotient(i[out_feature], kernel.shape[k_out] // groups)
        of_x: dict[int, Expr] = {x_batch: i[out_batch], x_feature: group * kernel.shape[k_in] + channel}
        of_kernel: dict[int, Expr] = {k_out: i[out_feature], k_in: channel, **dict(zip(k_space, window, strict=True))}
        inside: Expr = Integer(1)
        for d, (axis, along) in enumerate(zip(x_space, window, strict=True)):
            low, _ = params["padding"][d]
            stretched = int(params["lhs_dilation"][d])
            place = (
                i[out_space[d]] * int(params["window_strides"][d]) + along * int(params["rhs_dilation"][d]) - int(low)
            )
            if stretched > 1:
                inside *= Delta(remainder(place, stretched), Integer(0))
                place = quotient(place, stretched)
            inside *= between(place, 0, x.shape[axis])
            of_x[axis] = place
        product = x.at(tuple(of_x[a] for a in range(len(x.shape)))) * kernel.at(
            tuple(of_kernel[a] for a in range(len(kernel.shape)))
        )
        return total(inside * product, [channel, *window])

    return [View(results[0].shape, at)]


CONVOLUTION: Mapping[str, StructureRule] = {"conv_general_dilated": _convolution}
"""Primitive name to its rule."""
