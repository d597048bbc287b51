"""mpmath with a working precision of each thread's own: that of `mpmath.mp` belongs to the whole process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import mpmath as shared

mpf: Any = shared.mpf.__base__
"""What numbers of all contexts are."""


class _Own(threading.local):
    def __init__(self) -> None:
        self.context = shared.MPContext()


class _Arithmetic:
    """Everything that `mpmath` has, in the context of the thread that calls it."""

    def __init__(self) -> None:
        self._own = _Own()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._own.context, name)
        return self._bound_late(name) if isinstance(found, (BuiltinFunctionType, FunctionType, MethodType)) else found

    def _bound_late(self, name: str) -> Callable[..., Any]:
        return lambda *args, **kwargs: getattr(self._own.context, name)(*args, **kwargs)


mpmath: Any = _Arithmetic()


def handed_out(x: Any) -> Any:
    """A number as the reader's `mpmath` has it, with all its digits."""
    return shared.mp.make_mpf(x._mpf_) if isinstance(x, mpf) else shared.mpf(x)
