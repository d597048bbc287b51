"""Forward mode along a direction: one number for all inputs, and a search for those behind it where it is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from jaxdiff_magic.base.figures import both
from jaxdiff_magic.checking.directions.leafwise import AROUND, CONFIRMED, Judged, Sides, tolerance_of
from jaxdiff_magic.checking.sharper import SAFETY
from jaxdiff_magic.checking.words import Reason, Why
from jaxdiff_magic.engines.reference.directions import leaf_places
from jaxdiff_magic.subject.leaves import Leaf
from jaxdiff_magic.subject.subject import Subject

MOST_SEARCHED = 64
"""Forward mode is run along no more leaves one by one. A choice of time: each is a run of its program."""


def forward_fault(
    subject: Subject,
    sides: Sequence[Sides],
    direction: np.ndarray,
    literal_eps: float,
    given: Callable[[np.ndarray], float | None],
    confirm: Callable[[np.ndarray], tuple[float, float]],
    what: str,
    k: int,
) -> Judged | None:
    """What forward mode gives along a direction where that is not what the code does; None where it is.

    Args:
        sides: the code's derivative, leaf by leaf.
        direction: flat over all inputs.
        literal_eps: relative rounding of the program's literals.
        given: from a direction to the derivative along it by JAX's program; None where it has none.
        confirm: the same by function values, with an error estimate.
        what: as of `report.CheckEntry`.
        k: which of the points it is.
    """
    value = np.concatenate([side.value.ravel() for side in sides])
    noise = np.concatenate([side.noise.ravel() for side in sides])
    tolerance = tolerance_of(literal_eps)

    def both_of(part: np.ndarray) -> tuple[float, float] | None:
        """The numbers of both sides along a part of the direction, where they are not the same."""
        theirs, products = given(part), value * part
        if theirs is None:
            return None
        ours, size = float(products.sum()), float(np.sqrt(np.sum(products**2)))
        allowed = max(tolerance * size, SAFETY * float(noise @ np.abs(part)))
        return (theirs, ours) if np.isfinite(theirs - ours) and abs(theirs - ours) > allowed else None

    if both_of(direction) is None:
        return None
    *_, (part, name) = [
        (direction, "v"),
        *_narrowed(subject.inputs, direction, lambda part: both_of(part) is not None),
    ]
    theirs, ours = both_of(part) or both_of(direction) or (np.nan, np.nan)
    estimate, error = confirm(part)
    place = Leaf(name, (), subject.inputs[0].dtype)
    found = Judged(what, place, (), ours, theirs, mode="forward", tolerance=tolerance)
    if max(abs(estimate - ours), error) <= CONFIRMED * abs(theirs - ours):
        reason = Reason(Why.RULE_WRONG, "forward", *both(theirs, ours), AROUND if k else "")
        return Judged(what, place, (), ours, theirs, "differs", reason, "forward", tolerance=tolerance)
    return found.undecided(Reason(Why.RULE_DISPUTED, "forward"))


def _narrowed(
    leaves: Sequence[Leaf], direction: np.ndarray, is_off: Callable[[np.ndarray], bool]
) -> Iterator[tuple[np.ndarray, str]]:
    """Ever smaller parts of a direction along which something is off, each with its name: of a leaf, then an entry."""

    def kept(start: int, stop: int) -> np.ndarray:
        alone = np.zeros_like(direction)
        alone[start:stop] = direction[start:stop]
        return alone

    places = leaf_places([leaf.shape for leaf in leaves])
    for leaf, place in list(zip(leaves, places, strict=True))[:MOST_SEARCHED]:
        start, stop = place.start, place.stop
        if not leaf.size or not is_off(kept(start, stop)):
            continue
        yield kept(start, stop), f"{leaf.name}·v"
        while stop - start > 1:
            middle = (start + stop) // 2
            if is_off(kept(start, middle)):
                stop = middle
            elif is_off(kept(middle, stop)):
                start = middle
            else:
                return
        entry = tuple(map(int, np.unravel_index(start - place.start, leaf.shape))) if leaf.shape else ()
        yield kept(start, stop), f"{leaf.element(entry)}·v"
        return
