"""Times, sizes and counts with the unit that suits them: two digits in a sentence, three in a table."""

from __future__ import annotations

from jaxdiff_magic.base.figures import superscript


def duration(seconds: float, digits: int = 2) -> str:
    """`1.5 s`, `3.1 ms`, `20 µs`."""
    for unit, length in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= length:
            return f"{_rounded(seconds / length, digits)} {unit}"
    return f"{_rounded(seconds / 1e-9, digits)} ns"


def size(count: int, digits: int = 2, unit: str = "bytes") -> str:
    """`68 bytes`, `12 kB`, `4 MB`: in decimal units."""
    if count < 1000:
        return f"{count} {unit}"
    larger, length = next((u, n) for u, n in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)) if count >= n)
    return f"{_rounded(count / length, digits)} {larger}"


def operations(count: int) -> str:
    """A number of operations: `1,234`, or in three digits with a power of ten from a million on: `6.98·10⁹`."""
    if count < 1_000_000:
        return f"{count:,}"
    mantissa, exponent = f"{count:.2e}".split("e")
    return f"{float(mantissa):g}·10{superscript(int(exponent))}"


def _rounded(value: float, digits: int) -> str:
    """In so many digits, of which those before the point are always written."""
    return f"{value:.0f}" if value >= 100 - 0.5 * 10.0 ** (2 - digits) else f"{value:.{digits}g}"
