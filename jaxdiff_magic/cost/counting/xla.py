"""XLA's own figures of a compiled program, and why they differ from the count over the jaxpr."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxdiff_magic.cost.counting.work import Count

TOLERANCE = 0.1
"""Differences up to this share of the larger number are no disagreement. A choice: XLA simplifies and fuses, and counts
some functions otherwise."""


@dataclass(frozen=True)
class XlaNumbers:
    """What XLA says of a compiled program; None where it says nothing.

    Attributes:
        flops: its count of operations, those on integers among them; a loop's body once.
        transcendentals: elements of exp, log, sin and the like.
        bytes: read and written, after operations were fused.
        temp_bytes: temporary memory.
    """

    flops: int | None
    transcendentals: int | None
    bytes: int | None
    temp_bytes: int | None


def xla_numbers(compiled: Any) -> XlaNumbers | None:
    """The figures of what `jax.jit(f).lower(…).compile()` returns; None where the backend has none."""
    analysis = _asked(compiled.cost_analysis)
    if isinstance(analysis, (list, tuple)):  # of older versions of JAX, one for each device
        analysis = analysis[0] if analysis else None
    memory = _asked(compiled.memory_analysis)
    if not isinstance(analysis, Mapping) and memory is None:
        return None
    stated = analysis if isinstance(analysis, Mapping) else {}
    return XlaNumbers(
        flops=_number(stated.get("flops")),
        transcendentals=_number(stated.get("transcendentals")),
        bytes=_number(stated.get("bytes accessed")),
        temp_bytes=_number(getattr(memory, "temp_size_in_bytes", None)),
    )


def _asked(question: Any) -> Any:
    try:
        return question()
    except (NotImplementedError, RuntimeError):  # a backend that does not say
        return None


def _number(stated: Any) -> int | None:
    """A number that was counted; XLA writes -1 where it did not."""
    return None if stated is None or not np.isfinite(stated) or stated < 0 else int(stated)


def disagreement(count: Count, xla: XlaNumbers) -> str:
    """A sentence where XLA's FLOPs and those of a count differ by more than a tenth, and why; "" where they agree.

    The reasons are those that occur in this program. Where the program chooses between branches, XLA's number is
    compared with both ends.
    """
    theirs = xla.flops or 0
    if any(_alike(ours, theirs) for ours in (count.flops, count.flops_most)):
        return ""
    if count.flops <= theirs <= count.flops_most:
        return ""
    ours = f"{count.flops:,}" if not count.is_range else f"{count.flops:,} to {count.flops_most:,}"
    stated = f"{ours} FLOPs are counted; XLA states {'none' if xla.flops is None else f'{theirs:,}'}"
    return f"{stated}. {' '.join(_reasons(count, theirs))}"


def _reasons(count: Count, theirs: int) -> list[str]:
    work = count.most
    loops = work.flops - work.lapack - work.once
    found: list[str] = []
    explained = work.once

    def share(part: int) -> bool:
        return part > TOLERANCE * max(work.flops, theirs)

    if share(loops):
        found.append(f"It counts the body of a loop once, which leaves out {loops:,}.")
    if share(work.lapack):
        found.append(f"It does not count most of what LAPACK does: {work.lapack:,} by the formulas.")
    if share(work.once_other):
        found.append(f"It also counts {work.once_other:,} operations on integers, selections and conversions.")
        explained += work.once_other
    found += [sentence for what, sentence in CONVENTIONS.items() if what in count.met]
    if not found or not (_alike(explained, theirs) or count.met & (CONVENTIONS.keys() | {"lapack"})):
        found.append("It counts the compiled program, in which operations were removed, repeated or replaced.")
    return found


CONVENTIONS = {
    "complex": "It counts an operation on complex numbers as one.",
    "fft": "It counts 8 n log2 n for a Fourier transform.",
    "sort": "It counts a sort by the number of all elements, not row by row.",
    "window": "It may compute windows and cumulative sums in another way.",
    "special": "It writes some functions out as several operations.",
    "branches": "Of the branches of a cond it counts the dearest.",
}
"""What occurs in a program, and what XLA does about it."""


def _alike(one: int, two: int) -> bool:
    return abs(one - two) <= TOLERANCE * max(one, two)
