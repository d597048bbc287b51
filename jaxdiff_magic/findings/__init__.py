"""What the reader should know beside the numbers; one file for each kind of finding."""

from __future__ import annotations

from jaxdiff_magic.findings import integers, modes, nans, precision, sizes
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject import Subject
from jaxdiff_magic.values import Values

__all__ = ["findings_of"]

SEVERITIES = ("error", "warning", "info")


def findings_of(subject: Subject, values: Values) -> tuple[Finding, ...]:
    """All findings about a subject and its values, the gravest first."""
    found = [
        *nans.find(subject, values),
        *precision.find(subject),
        *modes.find(subject, values),
        *sizes.find(subject, values),
        *integers.find(subject),
    ]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))
