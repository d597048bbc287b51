"""Times and sizes in a sentence: two digits and a unit."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """`1.5 s`, `3.1 ms`, `20 µs`: two significant digits."""
    for unit, length in (("s", 1), ("ms", 1e-3)):
        if seconds >= length:
            return f"{_two_digits(seconds / length)} {unit}"
    return f"{_two_digits(seconds / 1e-6)} µs"


def size(count: int) -> str:
    """`12 kB`, `4 MB`: bytes in decimal units, two significant digits."""
    value, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{_two_digits(value)} {unit}"


def _two_digits(value: float) -> str:
    return f"{value:.2g}" if value < 100 else f"{value:.0f}"
