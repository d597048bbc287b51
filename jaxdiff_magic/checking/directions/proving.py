"""Whether what agrees along directions is, as expressions, the same in every entry."""

from __future__ import annotations

import itertools

from jaxdiff_magic.base.budget import within
from jaxdiff_magic.checking.directions.programs import Programs
from jaxdiff_magic.checking.proofs import Proofs
from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import subject_trace

MOST_PROVED, PROOF_SECONDS = 40, 1.0
"""A function of more steps is not tried to be proved, and one of fewer has so many seconds in any case. Choices of
time."""


def is_proved(subject: Subject, derivation: Derivation | None, programs: Programs, order: int, deadline: float) -> bool:
    """Whether all derivatives that were compared are, as expressions, those of the code.

    Args:
        derivation: the function's formulas; None where there are none.
        programs: JAX's, of which the modes that were run are to be proved.
        order: of the highest derivative to prove.
        deadline: the instant (`budget.now`) after which no proof is looked for, but for `PROOF_SECONDS`.
    """
    if derivation is None or len(subject_trace(subject).equations) > MOST_PROVED:
        return False
    proofs = Proofs(subject, derivation, programs.traces, max(deadline, within(PROOF_SECONDS)))
    outputs, inputs = range(len(subject.outputs)), range(len(subject.inputs))
    modes = [name for name in programs.traces if name != "second"]
    if not modes or not all(proofs.of_block(path, modes) for path in itertools.product(outputs, inputs)):
        return False
    if order < 2:
        return True
    seconds = itertools.product(outputs, inputs, inputs)
    return "second" in programs.traces and all(proofs.of_block(path, ["second"]) for path in seconds)
