"""Arrays, shapes, times and sizes as text, HTML and LaTeX have them."""

from __future__ import annotations

import numpy as np

from jaxdiff_magic.base import units
from jaxdiff_magic.base.figures import number


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
    """A time in three digits and the unit that suits it: `85 µs`, `1.2 ms`, `3.4 s`."""
    return units.duration(seconds, 3)


def memory(size: int) -> str:
    """A number of bytes in three digits and the unit that suits it: `400 B`, `4 kB`, `1.2 GB`."""
    return units.size(size, 3, "B")
