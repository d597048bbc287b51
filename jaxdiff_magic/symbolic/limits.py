"""A limit on the time that deriving formulas may take, asked from within the recursions that can grow."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from contextvars import ContextVar

from jaxdiff_magic.errors import OutOfReach

_DEADLINE: ContextVar[float] = ContextVar("deadline", default=math.inf)


@contextlib.contextmanager
def until(deadline: float) -> Iterator[None]:
    """No formula is derived after `deadline`, on the clock of `time.monotonic()`: those in progress are given up."""
    token = _DEADLINE.set(min(deadline, _DEADLINE.get()))
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def ask() -> None:
    """Raise OutOfReach when the time is over."""
    if time.monotonic() > _DEADLINE.get():
        raise OutOfReach("its formula takes longer to derive than there is time for", "Raise the budget.")
