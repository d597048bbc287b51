"""What findings look at: a function at its point, how JAX differentiates it, and what every step does there."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass

from jaxdiff_magic.errors import OutOfReach
from jaxdiff_magic.reference.derivatives import Reference
from jaxdiff_magic.reference.watching import Seen, watched
from jaxdiff_magic.report import Check
from jaxdiff_magic.subject import Subject
from jaxdiff_magic.trace import Trace
from jaxdiff_magic.values import Derivatives, Values


@dataclass(frozen=True)
class Scene:
    """A function at its point.

    Attributes:
        subject: the function.
        derivatives, values: how JAX differentiates it, and what it gives at the point.
        trace: its steps; None where they cannot be told.
        reference: its derivatives by local rules; None where they cannot be told.
        check: the verdict.
        deadline: `time.monotonic()` after which nothing long is begun.
    """

    subject: Subject
    derivatives: Derivatives
    values: Values
    trace: Trace | None
    reference: Reference | None
    check: Check
    deadline: float

    @functools.cached_property
    def seen(self) -> tuple[Seen, ...]:
        """The steps at the point, in float64; none where some step has no rule."""
        if self.trace is not None:
            with contextlib.suppress(OutOfReach):
                return watched(self.trace, self.subject.exact_point)
        return ()
