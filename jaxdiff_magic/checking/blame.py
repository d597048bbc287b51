"""Numbers that could not be told from rounding, once a rule that they pass through is known to be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from jaxdiff_magic.checking.blocks import BlockCheck
from jaxdiff_magic.checking.decide import ROUNDINGS, shown_by_values
from jaxdiff_magic.checking.evidence import DIFFERS, UNDECIDED, Evidence, Tolerance
from jaxdiff_magic.checking.faults import SECOND, UNNAMED
from jaxdiff_magic.checking.sharper import GROSS, size_of
from jaxdiff_magic.checking.trusted import Through, passed_through
from jaxdiff_magic.checking.words import Reason, Why
from jaxdiff_magic.report.fault import Fault
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Trace


def blamed(
    blocks: Sequence[BlockCheck], faults: Sequence[Fault], trace: Trace, subject: Subject, tolerance: Tolerance
) -> list[BlockCheck]:
    """The blocks, those that pass through a wrong rule decided again.

    Args:
        blocks: all of them, decided.
        faults: the rules that are wrong.
        trace, subject: of the function.
        tolerance: how far JAX's numbers may be from a value with a given rounding bound.
    """
    wrong = [fault for fault in faults if not fault.trusted and fault.kind != "primitive"]
    decided = list(blocks)
    for fault in wrong:
        names = ("", "<lambda>") if fault.name == UNNAMED else (fault.name,)
        decided = [_again(block, fault, passed_through(trace, names), subject, tolerance) for block in decided]
    return decided


def _again(block: BlockCheck, fault: Fault, through: Through, subject: Subject, tolerance: Tolerance) -> BlockCheck:
    """A block decided with what is known of a rule: nothing that passes through a wrong one is called right."""
    output, inputs = subject.outputs.index(block.output), [subject.inputs.index(leaf) for leaf in block.inputs]
    if not any((output, i) in through for i in inputs) or (fault.defect == SECOND and len(inputs) < 2):
        return block
    decision = block.decision
    if fault.defect != "not finite":  # which says nothing of its numbers elsewhere
        reason = Reason(Why.BLAMED, said=fault.name)
        decision = decision.set(accused(block.evidence, tolerance), DIFFERS, reason)
    hidden = Reason(Why.HIDDEN, said=fault.sentence)
    return replace(block, decision=decision.set(True, UNDECIDED, hidden))


def accused(evidence: Evidence, tolerance: Tolerance) -> np.ndarray:
    """Where JAX's numbers are wrong, given that a rule between the output and the inputs is known to be.

    That is, where they miss the formula well beyond both bounds, or visibly where the formula is certain, though
    function values are too coarse to decide.

    Args: as of `jaxdiff_magic.checking.decide.decided`.
    """
    found = np.zeros(evidence.shape, bool)
    if evidence.doubt or evidence.formula is None:
        return found
    for rule in evidence.rules:
        if rule.comparison.disputed is not None:
            found |= rule.comparison.disputed
    known = evidence.formula
    for k, columns in enumerate(evidence.native):
        value, bound = known.values[k], known.errors[k]
        for actual in columns:
            if actual is None or known.at_tie[k]:
                continue
            with np.errstate(invalid="ignore"):
                apart = np.abs(actual - value)
                if not any(rule.comparison.why is None for rule in evidence.rules):
                    found |= np.isfinite(apart) & (apart > 10 * tolerance(value, bound))
                if k == 0:
                    visible = max(ROUNDINGS * evidence.eps, GROSS) * size_of(known.values)[0]
                    found |= (apart > visible) & shown_by_values(evidence)
    return found
