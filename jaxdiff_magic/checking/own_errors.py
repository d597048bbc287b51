"""JAX's own error, where the reference rounds as much as JAX does: against more digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.blocks import MAX_ROWS_OF_ENTRIES, BlockCheck
from jaxdiff_magic.engines.reference.digits import with_digits
from jaxdiff_magic.engines.reference.directions import Path
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Trace

DIGITS = 25
"""So many are enough to tell an error in units of the last of 16."""
MAX_PRECISE_OPERATIONS = 20_000
"""Scalar operations of one run: about a twentieth of a second."""


def with_own_errors(
    blocks: Sequence[BlockCheck], paths: Sequence[Path], trace: Trace | None, subject: Subject, deadline: float
) -> list[BlockCheck]:
    """Blocks with what they should be to more digits, where float64 does not tell how far JAX is from it.

    Args:
        blocks: decided.
        paths: of the first of them.
        trace: of the function.
        subject: the function and its point.
        deadline: the instant (`budget.now`) after which nothing more is evaluated.
    """
    found = list(blocks)
    if trace is None or sum(block.decision.outcome.size for block in blocks) > MAX_ROWS_OF_ENTRIES:
        return found
    for order in {len(path) for path in paths}:
        asked = {path: k for k, path in enumerate(paths) if len(path) == order and _is_unknown(blocks[k])}
        if not asked or passed(deadline):
            continue
        try:
            exact = with_digits(trace, list(asked), subject.exact_point, DIGITS, MAX_PRECISE_OPERATIONS)
        except OutOfReach:
            continue
        for path, k in asked.items():
            found[k] = replace(found[k], exact=exact[path])
    return found


def _is_unknown(block: BlockCheck) -> bool:
    """Whether more digits are wanted: to tell the error, or the number that rounding has spoiled."""
    errors = block.errors()
    if block.lost() is not None:
        return True
    native = [column for column in block.evidence.native[0] if column is not None]
    return errors is not None and bool(np.isnan(errors).any()) and all(np.isfinite(x).all() for x in native)
