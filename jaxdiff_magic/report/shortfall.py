"""A part of a report that fails for a reason of ours: one line says which part is missing and why; the rest stands.

The reader's own mistakes (InputError) and interrupts pass. What their function raises at a point that they did not ask
for is said in the line as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from jaxdiff_magic.base.errors import DeriveError, InputError, OutOfReach
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.leaves import OpenCall
from jaxdiff_magic.subject.trace import Equation

T = TypeVar("T")
P = ParamSpec("P")

MAX_WORDS = 160
"""A longer message of an error is cut. A choice: about two lines of text."""


@dataclass
class Parts:
    """The parts of one report: each is made, or something else stands in its place.

    Attributes:
        missing: a finding for each part that could not be made.
        why: the reason for each of them.
    """

    missing: list[Finding] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)

    def made(self, part: str, otherwise: T, make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `make` returns; `otherwise` where it fails.

        Args:
            part: with its article, such as "the cost".
        """
        try:
            return make(*args, **kwargs)
        except InputError:
            raise
        except Exception as error:
            self.missing.append(incomplete(part, error))
            self.why[part] = reason_of(error)
            return otherwise


def incomplete(part: str, error: Exception) -> Finding:
    """The line in the place of a part that could not be made."""
    equation = _equation(error)
    return Finding(
        kind="incomplete",
        severity="warning",
        path="",
        where=str(equation.location) if equation else "",
        message=f"{part[0].upper()}{part[1:]} could not be made: {reason_of(error)}.",
        cure="The rest of the report stands.",
    )


def reason_of(error: Exception) -> str:
    """Why a part is missing: the operation at which it failed, the user's line, and the error."""
    if isinstance(error, OutOfReach):
        return error.reason
    text = " ".join(str(error).split())
    text = f"{text[:MAX_WORDS]}…" if len(text) > MAX_WORDS else text
    what = f"{type(error).__name__}{f': {text}' if text else ''}".rstrip(".")
    if any(isinstance(local.get("self"), OpenCall) for local in _locals(error)):
        return f"the function itself raises an error near this point ({what})"
    equation = _equation(error)
    if equation is None:
        return f"an error within jaxdiff_magic ({what})"
    place = f", {equation.location}" if equation.location.line else ""
    return f"an error within jaxdiff_magic at the operation {equation.primitive}{place} ({what})"


def in_reach(part: str, make: Callable[P, T]) -> Callable[P, T]:
    """A function of which every error, other than those on purpose, is OutOfReach and names the part."""

    def made(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return make(*args, **kwargs)
        except DeriveError:
            raise
        except Exception as error:
            raise OutOfReach(f"{part[0].upper()}{part[1:]} could not be made: {reason_of(error)}") from error

    return made


def _equation(error: Exception) -> Equation | None:
    """The innermost step that was being worked on."""
    held = (value for local in _locals(error) for value in local.values() if isinstance(value, Equation))
    return next(held, None)


def _locals(error: Exception) -> Iterator[dict[str, Any]]:
    """The variables of the functions in which an error was raised, the innermost first."""
    entries, entry = [], error.__traceback__
    while entry is not None:
        entries.append(entry)
        entry = entry.tb_next
    yield from (entry.tb_frame.f_locals for entry in reversed(entries))
