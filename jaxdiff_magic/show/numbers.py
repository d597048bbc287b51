"""How numbers are written: the same digits in text, HTML and LaTeX."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

DIGITS = 10
"""Most significant digits shown: enough to recognise a float64, and all of a float32."""


def number(value: Any, dtype: str = "float64") -> str:
    """The shortest decimal that is `value` in `dtype`, in at most `DIGITS` digits; "NaN", "inf", "-inf".

    Whole numbers have no point. Rounding is not hidden: 0.3 in float32 is "0.3", the next one is "0.30000004".

    Example:
        >>> number(0.070650816, "float32"), number(4.0), number(float("-inf"))
        ('0.070650816', '4', '-inf')
    """
    return significant(float(str(np.dtype(dtype).type(float(value)))), DIGITS)


def significant(value: float, digits: int) -> str:
    """`value` in at most `digits` significant digits."""
    if math.isnan(value):
        return "NaN"
    text = f"{value + 0.0:.{digits}g}"  # + 0.0 turns -0.0, which says nothing here, into 0.0
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def array(values: np.ndarray, dtype: str = "float64", limit: int = 6) -> str:
    """A number, a short vector or matrix in brackets, or, above `limit` entries, its shape and range.

    Example:
        >>> array(np.array([1.0, 2.5]))
        '[1, 2.5]'
    """
    values = np.asarray(values)
    if values.ndim == 0:
        return number(values.item(), dtype)
    if values.size > limit:
        return f"{dimensions(values.shape)} entries, {extent(values, dtype)}"
    return f"[{', '.join(array(item, dtype, limit) for item in values)}]"


def extent(values: np.ndarray, dtype: str = "float64") -> str:
    """Smallest and largest entry, and how many are NaN."""
    known = values[~np.isnan(values)]
    missing = values.size - known.size
    low, high = (number(bound(known), dtype) for bound in (np.min, np.max)) if known.size else ("", "")
    between = f"all {low}" if low == high else f"from {low} to {high}"
    parts = [between if known.size else "", f"{missing:,} NaN" if missing else ""]
    return ", ".join(filter(None, parts)) or "no entries"


def dimensions(shape: tuple[int, ...]) -> str:
    """`3 × 2` for the shape (3, 2); `scalar` for ()."""
    return " × ".join(map(str, shape)) or "scalar"


def duration(seconds: float) -> str:
    """A time in the unit that suits it: `85 µs`, `1.2 ms`, `3.4 s`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{_three_digits(seconds / size)} {unit}"
    return f"{_three_digits(seconds / 1e-9)} ns"


def memory(size: int) -> str:
    """A number of bytes in the unit that suits it: `400 B`, `4.0 kB`, `1.2 GB`."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{_three_digits(size / scale)} {unit}"
    return f"{size} B"


def operations(count: int) -> str:
    """A number of operations: `1,234`, or in three digits with a power of ten from a million on: `6.98·10⁹`."""
    if count < 1_000_000:
        return f"{count:,}"
    mantissa, exponent = f"{count:.2e}".split("e")
    return f"{float(mantissa):g}·10{superscript(int(exponent))}"


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.3g}"


def superscript(value: int) -> str:
    """`value` as superscript digits.

    Example:
        >>> "ℝ" + superscript(12)
        'ℝ¹²'
    """
    return str(value).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
