"""How a check went, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from jaxdiff_magic.base.figures import both
from jaxdiff_magic.checking.blocks import BlockCheck
from jaxdiff_magic.report import OUTCOMES, Outcome
from jaxdiff_magic.report.fault import Fault


def summary_of(blocks: Sequence[BlockCheck], points: int, missing: dict[str, str], faults: Sequence[Fault] = ()) -> str:
    """What was compared and found.

    Args:
        blocks: all of them, decided.
        points: at how many random points rules were compared.
        missing: why a column is not there.
        faults: what is wrong with which rule.
    """
    counts = {word: sum(block.count(word) for block in blocks) for word in OUTCOMES}
    total = sum(counts.values())
    if not total:
        return "no derivative has an entry that could be wrong" if blocks else "there was no derivative to check"
    around = "a random point" if points == 1 else f"{points} random points"
    where = f"at the point and at {around} around it" if points else "at the point"
    if any(block.evidence.probes for block in blocks):
        where = "along random directions, and in some entries singly"
    every = "the one entry" if total == 1 else f"all {total} entries"
    doubts: tuple[tuple[Outcome, str, str], ...] = (
        ("differs", "differs", "differ"),
        ("out of reach", "cannot be decided", "cannot be decided"),
    )
    for word, one, several in doubts:
        if counts[word]:
            first = next(reason for block in blocks if (reason := block.first_reason(word)))
            says = one if counts[word] == 1 else several
            which = f"{counts[word]} of {total} entries" if total > 1 else "the one entry"
            return f"{which} {says}: {first}{located(faults) if word == 'differs' else ''}"
    rounded = _rounded(blocks)
    columns = " and ".join(mode for mode in ("forward", "reverse") if mode not in missing)
    if counts["proved"] == total:
        same = f"the formula derived from the code and the one behind JAX's {columns} mode are the same expression"
        return f"for {every}, {same}; {rounded or f'the numbers agree {where}'}"
    proofs = f"; {counts['proved']} of them proved by algebra" if counts["proved"] else ""
    against = "function values" if "symbolic" in missing else "the formula derived from the code"
    return f"{every} of JAX's {columns} mode agree with {against} {where}{proofs}{rounded and f'; {rounded}'}"


def _rounded(blocks: Sequence[BlockCheck]) -> str:
    """That JAX's numbers have lost half their digits or more at the point, with one of them; "" where none has."""
    rows = (row for block in blocks if (entry := block.lost()) is not None for row in block.rows([entry]))
    if (row := next(rows, None)) is None:
        return ""
    right = row.symbolic or 0.0
    shown = max((x for x in (row.forward, row.reverse) if x is not None), key=lambda x: abs(x - right))
    given, expected = both(shown, right)
    what = f"the derivative of {row.output} with respect to {', '.join(row.inputs)}"
    return f"but rounding takes half the digits or more here: {what} is {given} by JAX and {expected} without it"


def located(faults: Sequence[Fault]) -> str:
    """The first wrong rule at the end of a sentence."""
    fault = next((fault for fault in faults if not fault.trusted), None)
    if fault is None:
        return ""
    called = f", called at {fault.where}" if fault.where else ""
    return f". The fault: {fault.sentence}{called}"
