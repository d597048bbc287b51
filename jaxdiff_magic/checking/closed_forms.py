"""Where the chain rule, step by step, gives no number, a formula may: sqrt(s)**2 is s, which has a slope at 0 as well.

A formula alone proves nothing there, since what cancels in it can be what the function is not defined without, as in
exp(log(x)). So its number counts once function values on both sides of the point show the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.differences import Column
from jaxdiff_magic.checking.rules import SAFETY
from jaxdiff_magic.engines.reference.directions import Found, Path
from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.engines.symbolic.proof import SYMPY_FAILURES
from jaxdiff_magic.engines.symbolic.time_limits import until

CLOSE = 1e-6
"""How well function values must show a derivative, relative to its size around. A choice: above half the digits of a
float64 (1.5e-8), far below what another formula would give."""


@dataclass(frozen=True)
class ClosedForms:
    """The formulas of a check.

    Attributes:
        derivation: None where there are none.
        deadline: the instant (`budget.now`) after which none is derived.
    """

    derivation: Derivation | None
    deadline: float

    def completed(self, path: Path, points: Sequence[np.ndarray], found: Found, value: np.ndarray) -> Found:
        """Numbers by the chain rule, with those of the formula where they are not finite.

        That is, where the function has a value, and no choice of the formula is at a tie.

        Args:
            path: which derivative.
            points: for each input leaf its values, `(points, *shape)`.
            found: by the chain rule at these points, and perhaps at more behind them.
            value: of the output, step by step; without one there is no derivative, whatever the formula says.
        """
        count = len(points[0])
        defined = np.isfinite(value[:count]).reshape(count, -1).all(axis=1)
        lost = ~np.isfinite(found.values[:count]) & defined.reshape(-1, *[1] * (found.values.ndim - 1))
        where = np.flatnonzero(lost.reshape(count, -1).any(axis=1))
        if self.derivation is None or not len(where):
            return found
        with until(self.deadline), contextlib.suppress(OutOfReach, *SYMPY_FAILURES):
            values, errors, tie = self.derivation.evaluate(path, [x[where] for x in points])
            known = np.isfinite(values) & np.isfinite(errors) & ~tie.reshape(-1, *[1] * (values.ndim - 1))
            use = lost[where] & known
            every, bounds = found.values.copy(), found.errors.copy()
            every[where], bounds[where] = np.where(use, values, every[where]), np.where(use, errors, bounds[where])
            return Found(every, bounds, found.at_tie)
        return found


def confirmed(found: Found, completed: Found, numeric: Column | None, is_smooth: bool, scale: float) -> Found:
    """Those numbers of formulas at the user's point that function values on both sides confirm, beside the others.

    Args:
        found: by the chain rule.
        completed: with the numbers of formulas.
        numeric: differences of the order below: estimates, error estimates and kinks; None where there are none.
        is_smooth: in their place, whether that order has one slope along random directions, that of `completed`.
        scale: see `Evidence.scale`.
    """
    value = completed.values[0]
    if numeric is None:
        shown = np.full(value.shape, is_smooth)
    else:
        estimate, error, kink = (part[0] for part in numeric)
        around = np.abs(completed.values[np.isfinite(completed.values)])
        size = max(float(np.max(around, initial=0.0)), scale)
        with np.errstate(invalid="ignore"):
            apart = np.abs(estimate - value)
            shown = ~kink & (error <= CLOSE * size) & (apart <= 10 * error + SAFETY * completed.errors[0])
    use = ~np.isfinite(found.values[0]) & shown
    values, errors = found.values.copy(), found.errors.copy()
    values[0], errors[0] = np.where(use, value, values[0]), np.where(use, completed.errors[0], errors[0])
    return Found(values, errors, found.at_tie)
