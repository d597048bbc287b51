"""A list of names in a sentence."""

from __future__ import annotations

from collections.abc import Sequence


def listing(names: Sequence[str], most: int = 3) -> str:
    """`x`, `x and y`, `x, y and z`, `x, y, z and 4 more`."""
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
