"""The errors this package raises on purpose; every message ends with what to do next."""

from __future__ import annotations

from typing import Any


class DeriveError(Exception):
    """Base of all errors raised on purpose; the magics print its message without a traceback."""


class InputError(DeriveError):
    """What was asked cannot be derived as written: a bad point, option, or result type."""


class OutOfReach(DeriveError):
    """No formula can be given; the message names the primitive or the reason.

    Attributes:
        reason: the same text, without the advice, for use inside tables.
    """

    def __init__(self, reason: str, advice: str = "The numeric checks still stand.") -> None:
        super().__init__(f"{reason}. {advice}")
        self.reason = reason


class WrongDerivative(DeriveError, AssertionError):
    """Raised by `Report.raise_if_wrong` when a derivative differs from the function's own.

    Attributes:
        check: all that was found: a `report.Check`; None where there is none.
    """

    def __init__(self, message: str, check: Any = None) -> None:
        super().__init__(message)
        self.check = check
