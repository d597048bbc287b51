"""Numbers in sentences about their difference."""

from __future__ import annotations


def apart_from(value: float, other: float) -> str:
    """A number with as many digits as show that it is not another one, six at least."""
    digits = next((d for d in range(6, 17) if f"{value:.{d}g}" != f"{other:.{d}g}"), 17)
    return f"{value:.{digits}g}"


def both(one: float, two: float) -> tuple[str, str]:
    """Two numbers, so that their texts differ where they do."""
    return apart_from(one, two), apart_from(two, one)
