"""Up to which size the faster mode stays the faster one, from what one pass of each takes."""

from __future__ import annotations

import math

from jaxdiff_magic.cost.units import duration


def crossover(forward_pass_seconds: float, reverse_pass_seconds: float, n: int, m: int) -> str:
    """A rule of thumb in words: which mode wins here, and where the other one begins to.

    n passes forward take as long as m passes in reverse where n times the seconds of the one is m times those of the
    other. As if every pass took the same time: passes that run side by side often take less.

    Args:
        forward_pass_seconds, reverse_pass_seconds: of one Jacobian-vector and one vector-Jacobian product, > 0.
        n, m: scalar inputs and outputs, at least 1.

    Example:
        >>> crossover(1e-6, 2e-6, 15, 1)
        'A forward pass takes 1 µs, a reverse pass 2 µs: with 15 inputs, reverse mode wins until m > 7 outputs.'
    """
    forward, reverse = n * forward_pass_seconds, m * reverse_pass_seconds
    passes = f"A forward pass takes {duration(forward_pass_seconds)}, a reverse pass {duration(reverse_pass_seconds)}"
    if math.isclose(forward, reverse, rel_tol=1e-9):
        return f"{passes}: with {_count(n, 'input')} and {_count(m, 'output')}, both modes take as long."
    if reverse < forward:
        most = _most(forward / reverse_pass_seconds)
        return f"{passes}: with {_count(n, 'input')}, reverse mode wins until m > {_count(most, 'output')}."
    most = _most(reverse / forward_pass_seconds)
    return f"{passes}: with {_count(m, 'output')}, forward mode wins until n > {_count(most, 'input')}."


def _most(limit: float) -> int:
    """The largest count that stays on this side of the limit, or on it, but for rounding."""
    nearest = round(limit)
    return nearest if math.isclose(limit, nearest, rel_tol=1e-9) else math.floor(limit)


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
