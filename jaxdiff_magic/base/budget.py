"""The seconds that optional work may take; the stages of the pipeline ask it when they must end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LEAST = 1.0
"""A stage that has a share of the budget has so many seconds in any case. A choice: less finishes nothing, and more
would be felt by who asks for a small budget."""
PATIENCE, TO_BEGIN = 1.5, 2.0
"""A run step by step that goes on after so many budgets, and so many seconds more, is given up. A choice: half as much
again lets nearly finished runs end, and two seconds let one begin where the budget is tiny."""


def now() -> float:
    """The instant, in seconds, on the one clock that every deadline is read on."""
    return time.monotonic()


def passed(deadline: float) -> bool:
    """Whether a deadline, an instant of `now`, is over."""
    return now() > deadline


def left(deadline: float) -> float:
    """The seconds until a deadline; below 0 once it is over."""
    return deadline - now()


def within(seconds: float) -> float:
    """The deadline of what begins now and may take so many seconds."""
    return now() + seconds


class Limit:
    """A deadline of all work of one kind within a `with`, which is asked from however deep within it.

    Args:
        name: of the kind of work.
    """

    def __init__(self, name: str) -> None:
        self._deadline: ContextVar[float] = ContextVar(name, default=math.inf)

    @contextmanager
    def until(self, deadline: float) -> Iterator[None]:
        """No work of the kind goes on after the deadline, nor after that of a `with` around this one."""
        token = self._deadline.set(min(deadline, self._deadline.get()))
        try:
            yield
        finally:
            self._deadline.reset(token)

    @property
    def is_over(self) -> bool:
        return passed(self._deadline.get())


class Budget:
    """A reader's budget. What JAX was asked for is no optional work: the clock begins when its numbers are there.

    Args:
        seconds: that the reader gave.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds, self._spent, self._begun = float(seconds), 0.0, now()

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Optional work before the clock begins; it counts."""
        started = now()
        try:
            yield
        finally:
            self._spent += now() - started

    def begin(self) -> None:
        """Let the clock run, less what has been spent."""
        self._begun = now() - self._spent

    @property
    def deadline(self) -> float:
        """When the budget ends, on the clock of `now`."""
        return self._begun + self.seconds

    @property
    def given_up(self) -> float:
        """When even a run that was begun in time is given up."""
        return self._begun + PATIENCE * self.seconds + TO_BEGIN

    def share(self, part: float, least: float = LEAST) -> float:
        """When a stage that begins now and may take a part of the budget must end."""
        return within(max(part * self.seconds, least))
