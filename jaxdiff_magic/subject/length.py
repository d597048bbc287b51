"""How long a function is: its steps, those of loops as often as they are done."""

from __future__ import annotations

from jaxdiff_magic.subject.trace import Equation, Trace

LONG = 60
"""So many steps are long. A choice between what is written on a board, most of which takes fewer than 30, and the
likelihood of a Gaussian process, which takes 66 and a second to derive."""
UNKNOWN_TRIPS = 10
"""A loop of no fixed length counts as so many rounds. A choice: most iterations that converge take about so many."""


def executed(trace: Trace) -> int:
    """How many steps a run of a function does, of branches those of all."""
    return sum(map(_executed, trace.equations))


def _executed(equation: Equation) -> int:
    rounds = {"scan": equation.params.get("length", 1), "while": UNKNOWN_TRIPS}.get(equation.primitive, 1)
    return 1 + rounds * sum(map(executed, equation.bodies))
