"""In what way a rule's Jacobian differs from the right one, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxdiff_magic.base.figures import figure


def likeness_of(given: np.ndarray, expected: np.ndarray, off: np.ndarray, outputs: int) -> str:
    """How a rule's block differs from the right one, in words that follow "it"; "" where it is like nothing known.

    Args:
        given, expected: the block, axes of the output first.
        off: where they differ.
        outputs: how many axes belong to the output.
    """
    scale = np.max(np.abs(expected), initial=0.0)
    close: Callable[[Any, Any], bool] = lambda a, b: bool(np.all(np.abs(a - b) <= 1e-7 * scale))  # noqa: E731
    if not (np.isfinite(given).all() and np.isfinite(expected).all()):
        return ""
    if not given.any():
        return "is zero"
    wrong, total = int(np.count_nonzero(off)), int(np.count_nonzero(expected))
    if close(given, -expected):
        return "has the wrong sign"
    factor = float(np.sum(given * expected) / np.sum(expected**2)) if expected.any() else 0.0
    if factor and close(given, factor * expected):
        return f"is {figure(factor)} times the derivative"
    matrix = given.ndim == 2 * outputs and given.shape[:outputs] == given.shape[outputs:]
    if matrix:
        side = int(np.prod(given.shape[:outputs], dtype=int))
        square, true = given.reshape(side, side), expected.reshape(side, side)
        if close(square, true.T):
            return "is its transpose"
        if np.array_equal(square, np.eye(side)):
            return "is the identity, as in a straight-through estimator"
    if wrong < total:
        return f"is wrong in {wrong} of {total} entries"
    return ""
