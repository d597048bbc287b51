"""What is said of a check along directions: a row for each input, and one sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jaxdiff_magic.base.figures import figure
from jaxdiff_magic.checking.directions.leafwise import Judged
from jaxdiff_magic.report import OUTCOMES, CheckEntry, Outcome
from jaxdiff_magic.subject.subject import Subject


def rows_of(subject: Subject, found: Sequence[Judged]) -> tuple[CheckEntry, ...]:
    """The worst entry of the first derivative by each input, and of any other derivative that does not agree."""
    kept: dict[tuple[str, str], Judged] = {}
    for one in found:
        key = one.what, one.leaf.name
        known = kept.get(key)
        is_worse = known is not None and OUTCOMES.index(one.outcome) > OUTCOMES.index(known.outcome)
        is_first = known is None and (one.what != "hessian product" or one.outcome != "agrees")
        if is_worse or is_first:
            kept[key] = one
    return tuple(_row(subject, one) for one in kept.values())


def _row(subject: Subject, one: Judged) -> CheckEntry:
    number = None if np.isnan(one.given) else one.given
    return CheckEntry(
        what=one.what,
        output=one.output or ", ".join(leaf.name for leaf in subject.outputs),
        inputs=(one.leaf.element(one.entry),),
        symbolic=None if np.isnan(one.expected) else one.expected,
        forward=number if one.mode != "reverse" else one.forward,
        reverse=number if one.mode == "reverse" else None,
        numeric=one.numeric,
        error=one.error,
        outcome=one.outcome,
        reason=one.reason.words(one.what),
        why=one.reason.why.value,
    )


def said_of(
    subject: Subject, found: Sequence[Judged], outcome: Outcome, modes: Sequence[str], points: int, least: float
) -> str:
    """What was compared and found.

    Args:
        found: of all leaves at all points.
        outcome: the worst.
        modes: of JAX, whose programs were compared.
        points: at how many random points.
        least: the relative error of an entry that would still have been seen.
    """
    worst = [one for one in found if one.outcome == outcome]
    if outcome not in ("agrees", "proved") and worst:
        first, others = worst[0], len({one.leaf.name for one in worst}) - 1
        more = f" and {others} more of the {len(subject.inputs)} inputs" if others else ""
        says = ("differ" if others else "differs") if outcome == "differs" else "cannot be decided"
        return f"{first.leaf.element(first.entry)}{more} {says}: {first.reason.words(first.what)}"
    around = "a random point" if points == 1 else f"{points} random points"
    where = f"at the point and at {around} around it" if points else "at the point"
    second = " and second" if any(one.what == "hessian product" for one in found) else ""
    by = f"{' and '.join(modes)} mode" if modes else "numbers"
    inputs = f", each of {len(subject.inputs)} inputs on its own" if len(subject.inputs) > 1 else ""
    entries = subject.output_size * subject.size
    if outcome == "proved":
        return (
            f"for all {entries} entries, the formula derived from the code and the one behind JAX's {by} are the same "
            f"expression; the numbers agree along random directions {where}"
        )
    return (
        f"all {entries} entries of JAX's {by} agree with the derivatives of the code along random directions {where}: "
        f"first{second} derivatives{inputs}; an entry that is off by more than {figure(least, 1)} of it would have "
        "shown"
    )
