"""Names, counts and places as a sentence says them."""

from __future__ import annotations

from collections.abc import Sequence

from jaxdiff_magic.subject.source import Location

MAX_SOURCE = 70
"""A longer source line is cut. A choice: what fits into a line beside its place."""


def count(n: int, one: str, many: str = "") -> str:
    """`1 step`, `3 steps`, `1,000 steps`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def quoted(location: Location) -> str:
    """ " in `y = jnp.abs(x)`", or nothing where the source cannot be read."""
    source = location.source
    if len(source) > MAX_SOURCE:
        source = source[: MAX_SOURCE - 1] + "…"
    return f" in `{source}`" if source else ""


def listing(names: Sequence[str], most: int = 3) -> str:
    """`x`, `x and y`, `x, y and z`, `x, y, z and 4 more`."""
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
