"""The verdict: entry by entry or along directions; whatever fails on the way, without proofs, then without steps."""

from __future__ import annotations

from typing import Any

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking import check_of
from jaxdiff_magic.checking.along import check_along
from jaxdiff_magic.checking.directions import FOLLOWED, Directions, is_many
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
    order: int,
    points: int,
    seed: int,
    deadline: float,
    trust: tuple[str, ...],
) -> tuple[Check, Reference | None]:
    """The check, and the reference that it rests on.

    Args:
        parts: is told what failed.
        order: of the highest derivative that was asked for.
        trace: the function's steps; None where they cannot be told, and `unreachable` says why.
        derivatives, values, derivation, points, seed, deadline, trust: as for `check_of`.
    """
    subject = derivatives.subject
    known: dict[str, Any] = {"points": points, "seed": seed, "deadline": deadline, "trust": trust}
    followed = trace if subject.size <= FOLLOWED and not subject.is_spread else None
    if followed is not None and is_many(subject, followed, order):
        reference = Reference(followed)
        more = {"order": order, "derivation": derivation}
        check = parts.made(STEPS, None, _by_directions, derivatives, values, reference, **known, **more)
        if isinstance(check, Check):
            return check, reference
        unreachable, followed = check or parts.why.get(STEPS, ""), None
    if subject.is_large:
        how: dict[str, Any] = {"seed": seed, "deadline": deadline, "trust": trust}
        check = parts.made(CHECK, None, check_along, derivatives, values, derivation, unreachable, **how)
        return check or Check("out of reach", (), parts.why[CHECK]), None
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


def _by_directions(derivatives: Derivatives, values: Values, reference: Reference, **known: Any) -> Check | str:
    """The check along directions; the reason where the function cannot be followed."""
    try:
        return Directions(derivatives, values, reference, **known).check()
    except OutOfReach as error:
        return error.reason
