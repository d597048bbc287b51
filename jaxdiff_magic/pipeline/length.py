"""Whether a function is long, or of many inputs: then each stage has a smaller share of the budget."""

from __future__ import annotations

from jaxdiff_magic.checking.directions import is_many
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Equation, Trace

LONG = 60
"""So many steps, those of loops as often as they are done, are long. A choice between what is written on a board, most
of which takes fewer than 30, and a likelihood of a Gaussian process, which takes 66 and a second to derive."""
UNKNOWN_TRIPS = 10
"""A loop of no fixed length counts as so many rounds. A choice: most iterations that converge take about so many."""


def is_long(subject: Subject, trace: Trace | None, order: int) -> bool:
    """Whether a function is long.

    Args:
        trace: its steps; None where they were not asked for.
        order: of the highest derivative that was asked for.
    """
    return is_many(subject, order) or (trace is not None and executed(trace) > LONG)


def executed(trace: Trace) -> int:
    """How many steps a run of a function does, of branches those of all."""
    return sum(map(_executed, trace.equations))


def _executed(equation: Equation) -> int:
    rounds = {"scan": equation.params.get("length", 1), "while": UNKNOWN_TRIPS}.get(equation.primitive, 1)
    return 1 + rounds * sum(map(executed, equation.bodies))
