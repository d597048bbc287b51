"""What an iteration comes to, where a rule is the derivative of that: the code with its loops going on."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.sharper import SAFETY, apart
from jaxdiff_magic.engines.reference.bounded import EPS
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.reference.directions import Found, Path

NEARER = 0.25
"""A rule is that of what an iteration converges to where going on brings the code so much nearer to it. A choice: one
that converges comes nearer by far more when it goes on for as many iterations again."""
STOPPED = 1e-3
"""A rule is that of what an iteration comes to where the code is relatively so near to it, and goes on to it. A choice
of three digits: from farther away, a rule is not taken for that of a limit."""
UNSETTLED, MOST_UNSETTLED = 100.0, 1e-5
"""Where a result still moves by a part of itself when its loops go on, a rule, which takes the result as it is, may be
off by so many times that part, and by no more than this. A choice of two digits, for what solving the equation
magnifies; the second is ten times that of numbers that are the same (`NEAR` in `sharper.py`)."""


@dataclass(frozen=True)
class Solution:
    """What an iteration comes to.

    Attributes:
        reference: its derivatives: the code with its loops going on.
        slack: how near to it relatively the code's result is known to lead.
    """

    reference: Reference
    slack: float

    def evaluate(self, path: Path, points: Sequence[np.ndarray], eps: float) -> Found:
        """Its derivative, where numbers are of a dtype of relative rounding `eps`."""
        found = self.reference.evaluate(path, points)
        more = self.slack * np.abs(found.values) * EPS / (SAFETY * eps)
        return Found(found.values, found.errors + more, found.at_tie)


def converging(
    reference: Reference, path: Path, point: Sequence[np.ndarray], theirs: np.ndarray, ours: np.ndarray
) -> np.ndarray:
    """Where the code comes much nearer to a rule's numbers if its loops only go on.

    A rule may be that of what an iteration converges to (implicit differentiation); the code stops before.

    Args:
        reference: of the code.
        path: which block.
        point: a batch of one.
        theirs, ours: the block there, by the rule and by the code.
    """
    found = np.zeros(ours.shape, bool)
    for longer in reference.longer:
        with contextlib.suppress(OutOfReach), np.errstate(invalid="ignore"):
            further = longer.evaluate(path, point).values[0]
            found |= np.abs(further - theirs) <= NEARER * np.abs(ours - theirs)
    return found


def converged(
    reference: Reference, path: Path, points: Sequence[np.ndarray], theirs: Found, ours: Found, eps: float
) -> Solution | None:
    """What the code's loops come to, where a rule is the derivative of that and the code's own is a little off.

    An iteration stops once its result is right to some digits. Its derivative has fewer then, and more with every
    further step, while that of the equation that the result meets has all: a rule is the second where the code's
    derivative goes on to it.

    Args: as of `apart` and `converging`, of the block at all points.
    """
    with np.errstate(invalid="ignore"), contextlib.suppress(OutOfReach):
        missed, distance = apart(theirs, ours, eps), np.abs(theirs.values - ours.values)
        if not reference.longer or not np.all(~missed | (distance <= STOPPED * np.abs(ours.values))):
            return None
        most, some = (longer.evaluate(path, points) for longer in reference.longer)
        before, after = (code.evaluate(path[:1], points).values for code in (reference, reference.longer[0]))
        moved = np.max(np.abs(after - before), initial=0.0) / max(float(np.max(np.abs(after), initial=0.0)), EPS)
        slack = min(UNSETTLED * float(moved), MOST_UNSETTLED)
        allowed = slack * np.abs(most.values)
        goes_on = np.abs(some.values - theirs.values) <= np.maximum(NEARER * distance, allowed)
        is_there = ~apart(theirs, most, eps) | (np.abs(theirs.values - most.values) <= allowed)
        if np.all(is_there & (~missed | goes_on)):
            return Solution(reference.longer[0], slack)
    return None
