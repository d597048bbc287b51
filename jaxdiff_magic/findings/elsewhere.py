"""Derivative rules that are right at the point, and wrong for other arguments."""

from __future__ import annotations

import numpy as np

from jaxdiff_magic.base.budget import within
from jaxdiff_magic.base.figures import both
from jaxdiff_magic.checking.elsewhere import Elsewhere, rules_elsewhere
from jaxdiff_magic.checking.faults import called, in_order
from jaxdiff_magic.findings.saying import listing
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.report import Finding

PATIENCE = 1.0
"""Seconds for which rules are looked at though the time for findings is over. A choice, which a rule that is wrong
elsewhere is worth."""


def find(scene: Scene) -> list[Finding]:
    """One finding for each rule that fails away from the point."""
    if scene.trace is None or next(in_order(scene.trace), None) is None:
        return []
    known = frozenset((*(fault.name for fault in scene.check.faults), *scene.trust))
    deadline = max(scene.deadline, within(PATIENCE))
    return [_finding(found) for found in rules_elsewhere(scene.trace, scene.seen, known, deadline)]


def _finding(found: Elsewhere) -> Finding:
    call, defect = found.call, found.defect
    name = called(call.name)
    assert defect.given is not None and defect.expected is not None
    given, expected = both(defect.given, defect.expected)
    rule = f"{call.rule}" if call.rule not in ("", "<lambda>", "_") else f"the rule of {name}"
    rule += f" ({call.ruled})" if call.ruled.line else ""
    at = listing([f"{operand} = {_array(value)}" for operand, value in found.at], most=6)
    message = (
        f"{rule} is the derivative of {name} here, but not everywhere: at {at}, for {defect.entry}, it gives {given} "
        f"where the code of {name} gives {expected}."
    )
    return Finding(
        kind="custom-rule",
        severity="warning",
        path=name,
        where=str(call.location),
        message=message if call.rule else message[0].upper() + message[1:],
        cure=f"Correct the rule for such arguments, or let {name} refuse them; the verdict is about the point and its "
        f"surroundings. If the rule is meant to differ, say so: trust={name!r}.",
    )


def _array(value: np.ndarray) -> str:
    return np.array2string(np.asarray(value), precision=6, threshold=6, separator=", ")
