"""Values with fewer bits: rounded where a run rounds, as in the program of a rule that drops digits."""

from __future__ import annotations

import math
from dataclasses import replace

from jaxdiff_magic.engines.reference.bounded import base, with_value
from jaxdiff_magic.engines.reference.precise import elementwise, nearest
from jaxdiff_magic.engines.reference.run import Node, RuleStep, Run


def reduced(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """A value with fewer bits: the operand itself, but for `cut`."""
    return [cut(run, xs[0], step.params["mantissa_bits"])]


def cut(run: Run, x: Node, bits: int) -> Node:
    """A value rounded to some bits of its mantissa, where the run rounds; what varies with a direction is left alone.

    Directions are exact: a rule that rounds what it multiplies them by is linear all the same.
    """
    b = base(x.value)
    if 2.0**-bits <= run.rounds or run.rounds == 0.0 or any(length > 1 for length in b.data.shape[1 : run.batch_axes]):
        return x

    def rounded(number: float) -> float:
        mantissa, exponent = math.frexp(number)
        return (
            math.ldexp(round(math.ldexp(mantissa, bits + 1)), exponent - bits - 1) if math.isfinite(number) else number
        )

    data = nearest(b.data)
    return replace(x, value=with_value(x.value, run.floating(elementwise(rounded, data).astype(float))))
