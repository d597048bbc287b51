"""The seconds that optional work may take; the stages of the pipeline ask it when they must end."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SHARES = {
    "formulas": (0.5, 0.12),
    "check": (1.0, 0.15),
    "grade": (0.5, 0.2),
    "findings": (1.0, 0.06),
    "cost": (0.1, 0.05),
    "curvature": (0.3, 0.12),
}
"""Which part of the budget a stage may take: of a short function, and of a long one or one of many inputs. A choice:
what is short seldom takes its share; what is long takes all of each, and a reader who gave nothing waits 4 seconds
then, which is 0.4 of the 10 of a budget that nobody named."""
LEAST = {"formulas": 0.5, "check": 0.2, "grade": 1.0, "findings": 0.1, "cost": 0.0, "curvature": 0.1}
"""Seconds that a stage has in any case. A choice: less finishes nothing, and more would be felt by who asks for a small
budget."""

TO_END = 0.7
"""A run step by step that goes on so many seconds after the budget is given up. A choice: nearly finished runs end, and
with what cannot be stopped the whole is a second late at most."""
SLOWEST = 0.25
"""The clock runs at least at this part of the time on the wall. A choice: on a machine that is shared by many a reader
waits four times as long, and no longer, for the formulas that a quiet one shows; and so on one whose accelerator works
while our process sleeps."""


def enough(stage: str, seconds: float) -> int:
    """A budget, in tens of seconds, of which a stage of a long function has a share of so many seconds."""
    return 10 * math.ceil(seconds / SHARES[stage][1] / 10)


class _Clock:
    """Seconds on the wall, less most of those in which our process had not the machine."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wall, self._worked = time.monotonic(), time.process_time()
        self._now = self._wall

    def now(self) -> float:
        with self._lock:
            wall, worked = time.monotonic(), time.process_time()
            passed, done = wall - self._wall, worked - self._worked
            self._now += min(passed, max(done, SLOWEST * passed))
            self._wall, self._worked = wall, worked
            return self._now


_CLOCK = _Clock()


def now() -> float:
    """The instant, in seconds, on the one clock that every deadline is read on.

    It is not the one on the wall: where other processes have the machine, it runs slower.
    """
    return _CLOCK.now()


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
        is_long: whether the function is of the kind whose every stage would take its whole share: see `SHARES`.
    """

    def __init__(self, seconds: float, is_long: bool = False) -> None:
        self.seconds, self.is_long = float(seconds), is_long
        self._begun = now()

    def begin(self, instant: float | None = None) -> None:
        """Let the clock run, from an instant that may have passed."""
        self._begun = now() if instant is None else min(instant, now())

    @property
    def deadline(self) -> float:
        """When the budget ends, on the clock of `now`."""
        return self._begun + self.seconds

    @property
    def given_up(self) -> float:
        """When even a run that was begun in time is given up."""
        return self.deadline + TO_END

    def share(self, stage: str) -> float:
        """When a stage that begins now must end: one of `SHARES`."""
        part = SHARES[stage][self.is_long]
        return min(within(max(part * self.seconds, LEAST[stage])), max(self.deadline, within(LEAST[stage])))
