"""The verdict, whatever fails on the way to it: without proofs, then without steps; in the end the reason alone."""

from __future__ import annotations

from typing import Any

from jaxdiff_magic.checking import check_of
from jaxdiff_magic.engines.jax.values import Derivatives, Values
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.report import Check
from jaxdiff_magic.report.shortfall import Parts
from jaxdiff_magic.subject.trace import Trace

PROOFS, STEPS, CHECK = "the proofs of the check", "the check step by step", "the check"


def verdict_of(
    parts: Parts,
    derivatives: Derivatives,
    values: Values,
    trace: Trace | None,
    derivation: Derivation | None,
    unreachable: str,
    points: int,
    seed: int,
    deadline: float,
    trust: tuple[str, ...],
) -> tuple[Check, Reference | None]:
    """The check, and the reference that it rests on.

    Args:
        parts: is told what failed.
        trace: the function's steps; None where they cannot be told, and `unreachable` says why.
        derivatives, values, derivation, points, seed, deadline, trust: as for `check_of`.
    """
    known: dict[str, Any] = {"points": points, "seed": seed, "deadline": deadline, "trust": trust}
    followed = None if derivatives.subject.is_large else trace
    ways = [
        *([(PROOFS, followed, derivation)] if derivation is not None else []),
        *([(STEPS, followed, None)] if followed is not None else []),
        (CHECK, None, None),
    ]
    for part, steps, proved_by in ways:
        reference = None if steps is None else Reference(steps)
        why = unreachable or ("" if steps is not None else parts.why.get(STEPS, ""))
        check = parts.made(part, None, check_of, derivatives, values, reference, proved_by, why, **known)
        if check is not None:
            return check, reference
    return Check("out of reach", (), parts.why[CHECK]), None
