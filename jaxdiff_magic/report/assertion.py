"""A verdict as an assertion: the error that names the function, the entry and both numbers."""

from __future__ import annotations

from math import isfinite

from jaxdiff_magic.base.errors import WrongDerivative
from jaxdiff_magic.report import Check
from jaxdiff_magic.subject.subject import Subject

CURES = {
    "differs": "The findings of a report say more: jaxdiff_magic.derive.",
    "out of reach": "Move the point, or check without strict.",
}
SAYS = {"differs": "differs", "out of reach": "cannot be decided"}


def raise_if_wrong(check: Check, subject: Subject, strict: bool = False) -> None:
    """Raise `WrongDerivative` when a check's outcome is "differs" (or "out of reach", if strict)."""
    outcome = check.outcome
    if outcome != "differs" and not (strict and outcome == "out of reach"):
        return
    where = f" ({subject.where})" if subject.where else ""
    listed = [entry for entry in check.entries if entry.outcome == outcome]
    if not listed:
        raise WrongDerivative(f"The derivative of {subject.name}{where} {SAYS[outcome]}: {check.summary}.", check)
    entry, *others = listed
    more = f" ({len(others)} more entries listed in the check)" if others else ""
    cure = CURES[outcome]
    if outcome == "differs" and not all(isfinite(x) for x in (entry.forward, entry.reverse) if x is not None):
        cure = "The findings of a report name the line and what to write there: jaxdiff_magic.derive."
    if outcome == "differs" and (fault := check.fault):
        cure = f"{fault.sentence}{f', called at {fault.where}' if fault.where else ''}."
        cure += f" {fault.difference}." if fault.difference else ""
    raise WrongDerivative(
        f"{subject.name}{where}: the derivative of {entry.output} with respect to {', '.join(entry.inputs)} "
        f"{SAYS[outcome]}: {entry.reason}{more}. {cure}",
        check,
    )
