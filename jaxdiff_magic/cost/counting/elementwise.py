"""What operations cost that act on each element on its own."""

from __future__ import annotations

from typing import Any

from jaxdiff_magic.cost.counting.operands import is_complex, is_floating, size
from jaxdiff_magic.cost.counting.work import Work, arithmetic, other
from jaxdiff_magic.primitives.scalar import SCALARS

FLOPS: dict[str, tuple[int, int]] = {
    **dict.fromkeys("add sub add_any neg sign eq ne".split(), (1, 2)),
    **dict.fromkeys("mul square".split(), (1, 6)),
    "div": (1, 11),
    **dict.fromkeys("max min lt le gt ge eq_to lt_to le_to gt_to ge_to".split(), (1, 2)),
    **dict.fromkeys("floor ceil round rem nextafter is_finite reduce_precision".split(), (1, 2)),
    "conj": (0, 1),
    "clamp": (2, 4),
    "one_minus_square": (2, 8),
}
"""FLOPs for each element, real and complex. With real parts a and c: (a + bi)(c + di) is 4 multiplications and 2
additions; the quotient is the product with the conjugate (6), c^2 + d^2 (3) and 2 divisions."""

SERIES = frozenset(
    "igamma igammac igamma_grad_a random_gamma random_gamma_grad regularized_incomplete_beta polygamma zeta".split()
)
"""Series, continued fractions and rejections, whose length depends on the values: one for each element, and said."""

TRANSCENDENTAL = (
    frozenset(name for name, known in SCALARS.items() if not known.border)
    - SERIES
    - {
        *("square", "stop_gradient"),  # a product, and nothing
        *("power", "bessel_i"),  # of the reference alone
    }
)
"""One for each element, real or complex, and no FLOPs. As in XLA, square roots and powers are among them."""

SPECIAL = SERIES | frozenset(
    "logistic exp2 log2 sinh cosh asin acos asinh acosh atanh erfc erf_inv lgamma digamma bessel_i0e bessel_i1e".split()
)
"""Functions that compilers write out in terms of others."""

INTEGER = frozenset(
    "and or xor not shift_left shift_right_logical shift_right_arithmetic population_count clz mulhi".split()
)
"""Of integers and booleans only."""


def elementwise(equation: Any) -> Work:
    """Of one element for each element of the result; of integers, no FLOPs."""
    (result,) = equation.outvars
    count, operand = size(result), equation.invars[0]
    if not is_floating(operand):
        return other(count)
    real, complex_ = FLOPS[equation.primitive.name]
    return arithmetic(count * (complex_ if is_complex(operand) else real))


def transcendental(equation: Any) -> Work:
    """One for each element of the result."""
    (result,) = equation.outvars
    return arithmetic(0, size(result)) if is_floating(result) else other(size(result))


def absolute(equation: Any) -> Work:
    """Of a complex number, the square root of the sum of two squares."""
    (operand,), (result,) = equation.invars, equation.outvars
    if is_complex(operand):
        return arithmetic(3 * size(result), size(result))
    return arithmetic(size(result)) if is_floating(operand) else other(size(result))


def integer_power(equation: Any) -> Work:
    """x**y by repeated squaring: floor(log2 y) squarings, and a product for every further bit of y that is set.

    A negative power takes one division more.
    """
    (operand,), (result,) = equation.invars, equation.outvars
    exponent = equation.params["y"]
    products = max(abs(exponent).bit_length() - 1 + abs(exponent).bit_count() - 1, 0)
    if not is_floating(operand):
        return other(products * size(result))
    product, quotient = (FLOPS[name][is_complex(operand)] for name in ("mul", "div"))
    return arithmetic((products * product + (exponent < 0) * quotient) * size(result))


def polynomial(equation: Any) -> Work:
    """By Horner's scheme, from x and the coefficients: a multiplication and an addition for each but one of them."""
    (result,), steps = equation.outvars, len(equation.invars) - 2
    if not is_floating(result):
        return other(2 * steps * size(result))
    both = sum(FLOPS[name][is_complex(result)] for name in ("mul", "add"))
    return arithmetic(steps * both * size(result))


ELEMENTWISE = {
    **dict.fromkeys(FLOPS, elementwise),
    **dict.fromkeys(TRANSCENDENTAL | SERIES, transcendental),
    **dict.fromkeys(INTEGER, lambda equation: other(size(equation.outvars[0]))),
    "abs": absolute,
    "integer_pow": integer_power,
    "polynomial": polynomial,
}
