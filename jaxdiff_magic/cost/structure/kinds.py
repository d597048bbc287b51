"""What a sparsity pattern looks like, in words: diagonal, banded, block diagonal, dense."""

from __future__ import annotations

import numpy as np

DENSE = 0.9
"""A pattern with at least this share of all entries is called dense. A choice of words, which decides nothing else."""
STRUCTURED = 0.5
"""A band, or blocks, are worth their name while they leave at least this share of the matrix empty. A choice of words,
which decides nothing else."""


def kind_of(rows: np.ndarray, cols: np.ndarray, shape: tuple[int, int]) -> str:
    """The name of a pattern.

    Args:
        rows, cols: int, shape (nnz,): where there may be an entry that is not zero.
        shape: of the matrix, (m, n).

    Returns:
        "empty", "diagonal", "tridiagonal", "dense", "banded (width w)" (all entries lie on w diagonals that follow
        one another), "block diagonal (k blocks)" or "sparse". Of a band and blocks, the one that has less room.

    Example:
        >>> kind_of(np.array([0, 1, 2]), np.array([0, 1, 2]), (3, 3))
        'diagonal'
    """
    m, n = shape
    if rows.size == 0:
        return "empty"
    offsets = cols.astype(np.int64) - rows
    low, high = int(offsets.min()), int(offsets.max())
    if m == n > 1 and low == high == 0:
        return "diagonal"
    if m == n > 3 and (low, high) == (-1, 1):
        return "tridiagonal"
    if rows.size >= DENSE * m * n:
        return "dense"
    width = high - low + 1
    blocks, room = _blocks(rows, cols, shape)
    name = f"block diagonal ({blocks} blocks)"
    if blocks == 1 or width * min(m, n) < room:
        name, room = f"banded (width {width})", width * min(m, n)
    return name if room <= STRUCTURED * m * n else "sparse"


def _blocks(rows: np.ndarray, cols: np.ndarray, shape: tuple[int, int]) -> tuple[int, int]:
    """How many blocks along the diagonal hold every entry, and how many entries they have room for.

    A block ends after row i when the columns that rows 0..i use all stand before those that later rows use.
    """
    m, n = shape
    last, first = np.full(m, -1, np.int64), np.full(m, n, np.int64)
    np.maximum.at(last, rows, cols)
    np.minimum.at(first, rows, cols)
    used = np.maximum.accumulate(last)
    following = np.minimum.accumulate(first[::-1])[::-1]
    ends = np.flatnonzero((following[1:] > used[:-1]) & (following[1:] < n) & (used[:-1] >= 0))
    heights = np.diff(np.r_[0, ends + 1, m])
    widths = np.diff(np.r_[0, following[ends + 1], n])
    return len(ends) + 1, int(heights @ widths)
