"""Limits on the time that deriving formulas may take: asked from within our own recursions, imposed on SymPy's."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

from jaxdiff_magic.base.budget import Limit
from jaxdiff_magic.base.errors import OutOfReach

T = TypeVar("T")

_FORMULAS = Limit("formulas")
until = _FORMULAS.until
"""No formula is derived after a deadline: those in progress are given up."""


def ask() -> None:
    """Raise OutOfReach when the time is over."""
    if _FORMULAS.is_over:
        raise OutOfReach(
            "its formula takes longer to derive than there is time for",
            "Give it more: budget=60 in derive, --budget 60 in a cell.",
        )


class _Stop(BaseException):
    """Raised in a thread from outside; no `except Exception` holds it up."""


def at_most(work: Callable[[], T], otherwise: T, seconds: float = 2.0) -> T:
    """What `work` returns, or `otherwise` when it takes longer: hundred times what SymPy usually takes.

    For what cannot be asked to stop: SymPy factors polynomials at random points, and once in ten thousand times gets
    lost in numbers of thousands of digits. `work` runs in a thread of its own, which ends soon after its time is over.

    Raises:
        Exception: what `work` raises.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except _Stop:
            pass
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=copy_context().run, args=(run,), daemon=True)
    thread.start()
    try:
        thread.join(seconds)
    finally:  # also when we are interrupted
        if thread.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Stop))
    if errors:
        raise errors[0]
    return results[0] if results else otherwise
