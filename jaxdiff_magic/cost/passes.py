"""How many passes each mode needs by theory, and whether that many fit."""

from __future__ import annotations

from typing import Literal

from jaxdiff_magic.engines.jax.not_built import MAX_BUILT_ENTRIES
from jaxdiff_magic.subject.subject import Subject

Mode = Literal["forward", "reverse"]

MOST_PASSES = 4096
"""All passes run at once (`vmap`), each with its own basis vector and its own copies of the intermediate values. A
choice of memory: values of one megabyte take 4 GB."""


def passes(subject: Subject, mode: Mode) -> int:
    """Jacobian-vector products (forward: one per input) or vector-Jacobian products (reverse: one per output).

    Example:
        A loss of 1,000,000 parameters takes 1,000,000 passes forward and 1 in reverse.
    """
    return subject.size if mode == "forward" else subject.output_size


def too_large(subject: Subject, mode: Mode) -> str:
    """Why the whole first derivative cannot be built in this mode; "" when it can."""
    entries = subject.size * subject.output_size
    if entries > MAX_BUILT_ENTRIES and not (
        mode == "reverse" and subject.is_scalar
    ):  # a gradient is as large as its point
        return f"the derivative has {subject.output_size:,} x {subject.size:,} = {entries:,} entries"
    needed = passes(subject, mode)
    if needed > MOST_PASSES:
        return f"it needs {needed:,} passes at once"
    return ""
