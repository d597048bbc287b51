"""How a number is written: as Python writes it in a sentence, shorter in tables; the same digits in both.

The panel writes as tables do (`js/src/numbers.ts`); `js/tests/numbers.json` holds both to one set of examples.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

DIGITS = 10
"""Most significant digits in a table: enough to recognise a float64, and all of a float32."""
WHOLE = 6
"""Numbers of so many digits before the point are written without a power of ten, also where fewer are significant. A
choice: what is read at a glance."""


def figure(value: Any, digits: int = 6) -> str:
    """A number in a sentence, in at most so many significant digits; 0 without a sign.

    Example:
        >>> figure(1 / 3), figure(1e-7), figure(-0.0)
        ('0.333333', '1e-07', '0')
    """
    return f"{float(value) + 0.0:.{digits}g}"


def apart_from(value: float, other: float) -> str:
    """A number with as many digits as show that it is not another one, six at least."""
    digits = next((d for d in range(6, 17) if f"{value:.{d}g}" != f"{other:.{d}g}"), 17)
    return f"{value:.{digits}g}"


def both(one: float, two: float) -> tuple[str, str]:
    """Two numbers, so that their texts differ where they do."""
    return apart_from(one, two), apart_from(two, one)


def number(value: Any, dtype: str = "float64") -> str:
    """The shortest decimal that is `value` in `dtype`, in at most `DIGITS` digits; "NaN", "inf", "-inf".

    Whole numbers have no point. Rounding is not hidden: 0.3 in float32 is "0.3", the next one is "0.30000004".

    Example:
        >>> number(0.070650816, "float32"), number(4.0), number(float("-inf"))
        ('0.070650816', '4', '-inf')
    """
    return significant(_shortest(float(value), np.dtype(dtype)), DIGITS)


def _shortest(value: float, dtype: np.dtype) -> float:
    """The number of fewest digits that is rounded to the same number of a dtype."""
    if dtype.kind == "f":
        return float(str(dtype.type(value)))  # as NumPy writes its own
    rounded = dtype.type(value)  # bfloat16 and the like, which NumPy does not know
    candidates = (float(f"{float(rounded):.{digits}g}") for digits in range(1, DIGITS))
    return next((short for short in candidates if dtype.type(short) == rounded), float(rounded))


def significant(value: float, digits: int) -> str:
    """`value` in at most `digits` significant digits, as a table has it.

    Example:
        >>> significant(1 / 3, 2), significant(123.4, 2), significant(1e-7, 2), significant(-0.0, 2)
        ('0.33', '120', '1e-7', '0')
    """
    if math.isnan(value):
        return "NaN"
    text = figure(value, digits)
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return mantissa
    return f"{float(text):.0f}" if 0 <= int(exponent) < WHOLE else f"{mantissa}e{int(exponent)}"


def superscript(value: int) -> str:
    """`value` as superscript digits.

    Example:
        >>> "ℝ" + superscript(12)
        'ℝ¹²'
    """
    return str(value).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
