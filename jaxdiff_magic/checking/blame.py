"""Numbers that could not be told from rounding, once a rule that they pass through is known to be wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from jaxdiff_magic.checking.blocks import BlockCheck
from jaxdiff_magic.checking.decide import DIFFERS, Evidence
from jaxdiff_magic.checking.faults import UNNAMED
from jaxdiff_magic.checking.trusted import passed_through
from jaxdiff_magic.fault import Fault
from jaxdiff_magic.subject import Subject
from jaxdiff_magic.trace import Trace

Tolerance = Callable[[np.ndarray, np.ndarray], np.ndarray]


def blamed(
    blocks: Sequence[BlockCheck], faults: Sequence[Fault], trace: Trace, subject: Subject, tolerance: Tolerance
) -> list[BlockCheck]:
    """The blocks, those that pass through the first wrong rule decided again.

    Args:
        blocks: all of them, decided.
        faults: the rules that are wrong.
        trace, subject: of the function.
        tolerance: how far JAX's numbers may be from a value with a given rounding bound.
    """
    fault = next((fault for fault in faults if not fault.trusted and fault.kind != "primitive"), None)
    if fault is None or fault.defect == "not finite":  # which says nothing of its numbers elsewhere
        return list(blocks)
    through = passed_through(trace, ("", "<lambda>") if fault.name == UNNAMED else (fault.name,))
    reason = f"JAX's numbers differ from the formula, and the rule of {fault.name} is wrong"

    def again(block: BlockCheck) -> BlockCheck:
        output = subject.outputs.index(block.output)
        if not any((output, subject.inputs.index(leaf)) in through for leaf in block.inputs):
            return block
        return replace(block, decision=block.decision.set(accused(block.evidence, tolerance), DIFFERS, reason))

    return [again(block) for block in blocks]


def accused(evidence: Evidence, tolerance: Tolerance) -> np.ndarray:
    """Where JAX's numbers are wrong, given that a rule between the output and the inputs is known to be.

    That is, where they miss the formula well beyond both bounds, though function values are too coarse to decide.

    Args: as of `jaxdiff_magic.checking.decide.decided`.
    """
    found = np.zeros(evidence.shape, bool)
    if evidence.doubt or evidence.formula is None:
        return found
    for rule in evidence.rules:
        if rule.comparison.disputed is not None:
            found |= rule.comparison.disputed
    if not any(not rule.comparison.why for rule in evidence.rules):
        known = evidence.formula
        for value, bound, border, columns in zip(
            known.values, known.errors, known.on_border, evidence.native, strict=True
        ):
            for actual in columns:
                if actual is not None and not border:
                    with np.errstate(invalid="ignore"):
                        apart = np.abs(actual - value)
                    found |= np.isfinite(apart) & (apart > 10 * tolerance(value, bound))
    return found
