"""What the reader should know beside the numbers; one file for each kind of finding."""

from __future__ import annotations

from jaxdiff_magic.findings import (
    elsewhere,
    frozen,
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
    sizes,
    unfollowed,
    zeros,
)
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.report import Finding

__all__ = ["Scene", "findings_of"]

SEVERITIES = ("error", "warning", "info")
KINDS = (
    rules,
    roots,
    elsewhere,
    nans,
    kinks,
    zeros,
    positions,
    precision,
    frozen,
    refused,
    modes,
    sizes,
    integers,
    impure,
)
"""Each has `find`, from a scene to findings."""
UNFOLLOWED_KINDS = (rules, unfollowed, refused, modes, sizes, integers, impure)
"""Those that look at no step's numbers, for functions with too many of them."""


def findings_of(scene: Scene) -> tuple[Finding, ...]:
    """All findings about a function at its point, the gravest first."""
    kinds = UNFOLLOWED_KINDS if scene.subject.is_large else KINDS
    found = [finding for kind in kinds for finding in kind.find(scene)]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))
