"""What the reader should know beside the numbers; one file for each kind of finding."""

from __future__ import annotations

from jaxdiff_magic.findings import (
    asymmetry,
    degenerate,
    derived,
    eager,
    elsewhere,
    frozen,
    implicit,
    impure,
    integers,
    kinks,
    modes,
    nans,
    positions,
    precision,
    refused,
    roots,
    rules,
    stopped,
    too_large,
    unfollowed,
    zeros,
)
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.report import Finding
from jaxdiff_magic.report.shortfall import Parts

__all__ = ["Scene", "findings_of"]

SEVERITIES = ("error", "warning", "info")
KINDS = (
    derived,
    rules,
    roots,
    elsewhere,
    asymmetry,
    degenerate,
    stopped,
    implicit,
    nans,
    eager,
    kinks,
    zeros,
    positions,
    precision,
    frozen,
    refused,
    modes,
    too_large,
    integers,
    impure,
)
"""Each has `find`, from a scene to findings."""
UNFOLLOWED_KINDS = (derived, rules, implicit, unfollowed, refused, modes, too_large, integers, impure)
"""Those that look at no step's numbers, for functions with too many of them."""


def findings_of(scene: Scene) -> tuple[Finding, ...]:
    """All findings about a function at its point, the gravest first."""
    kinds = UNFOLLOWED_KINDS if scene.subject.is_large else KINDS
    parts = Parts()
    found = [
        finding
        for kind in kinds
        for finding in parts.made(f"the findings of {kind.__name__.rpartition('.')[2]}", [], kind.find, scene)
    ]
    found += parts.missing
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))
