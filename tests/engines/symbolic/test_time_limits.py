"""SymPy's algorithms are given up when they take too long, and leave nothing running."""

from __future__ import annotations

import threading
import time

import jax.numpy as jnp
import pytest

from jaxdiff_magic import derive
from jaxdiff_magic.base.budget import within
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.symbolic import time_limits


def endless() -> str:
    while True:
        pass


def running() -> set[threading.Thread]:
    return set(threading.enumerate())


def test_what_is_done_in_time_is_returned() -> None:
    assert time_limits.at_most(lambda: "done", "given up") == "done"


def test_what_takes_too_long_is_given_up_and_ends() -> None:
    before, start = running(), time.monotonic()
    assert time_limits.at_most(endless, "given up", 0.2) == "given up"
    assert time.monotonic() - start < 10
    for thread in running() - before:
        thread.join(10)
    assert running() <= before


def test_what_it_raises_is_raised_here() -> None:
    def fails() -> str:
        raise ZeroDivisionError("no")

    with pytest.raises(ZeroDivisionError, match="no"):
        time_limits.at_most(fails, "given up")


def test_an_interrupt_ends_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    before = running()

    def interrupted(self: threading.Thread, timeout: float | None = None) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            time_limits.at_most(endless, "given up")
    for thread in running() - before:
        thread.join(10)
    assert running() <= before


def test_the_deadline_around_it_holds_inside() -> None:
    def asks() -> str:
        time_limits.ask()
        return "done"

    with time_limits.until(within(-1.0)), pytest.raises(OutOfReach, match="Give it more: budget=60"):
        time_limits.at_most(asks, "given up")


def test_no_table_is_made_of_a_derivative_with_more_entries_than_memory_holds() -> None:
    report = derive(lambda x: jnp.sum(x**2), cost="none", order=1)(jnp.ones(300_000))
    assert report.formula("hessian").text == "d2f/dx dx[j, k] = 2*δ(j, k)"
    with pytest.raises(OutOfReach, match="too many or too long"):
        report.formula("hessian", "component")
