"""A function as a short program of scalar operations, which the live panel runs and differentiates in the browser."""

from __future__ import annotations

import math

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.tape import rules
from jaxdiff_magic.engines.tape.program import Tape
from jaxdiff_magic.engines.tape.recorder import MAX_TAPE_OPERATIONS
from jaxdiff_magic.engines.tape.recording import Recording, lifted, live, settled
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Trace

__all__ = ["Tape", "rules", "tape_of"]  # the rules fill the table of `recording` as they are imported


def tape_of(subject: Subject, trace: Trace) -> Tape:
    """The tape of a subject's function, recorded at its point.

    The function is run once on numbers that note what is done to them (Griewank & Walther, "Evaluating Derivatives",
    2nd ed., chapter 6), in float64 whatever its own dtype. Captured arrays and held arguments are constants. Both
    cases of a selection, a maximum or an absolute value are recorded, so that the tape is right on either side; the
    branch of a condition, the number of rounds of a loop, an order or a computed position is taken as at the point,
    and guarded.

    Args:
        subject: whose point it is.
        trace: of the subject's own function.

    Returns:
        The tape, of inputs and outputs that are flattened leaf after leaf.

    Raises:
        OutOfReach: an operation is not among those of the browser, or there are too many.
    """
    sizes = [math.prod(variable.shape) for variable in (*trace.inputs, *trace.outputs)]
    if max(sizes, default=0) > MAX_TAPE_OPERATIONS:
        raise OutOfReach(f"it has {max(sizes):,} numbers; the browser takes up to {MAX_TAPE_OPERATIONS:,}")
    run = Recording(batch_axes=1, points=1, taped=False)
    position, arguments = 0, []
    with np.errstate(all="ignore"):
        for value in subject.exact_point:
            scalars = [run.recorder.input(position + k, float(x)) for k, x in enumerate(value.ravel())]
            position += len(scalars)
            leaf = np.empty(len(scalars), object)
            leaf[:] = scalars
            arguments.append(settled(live(leaf.reshape(value.shape)), value.dtype))  # an empty one is known
        results = run.trace(trace, arguments)
        return run.recorder.tape([x for node in results for x in lifted(node).value.ravel()])
