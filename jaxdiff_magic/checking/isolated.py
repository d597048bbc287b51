"""Where a choice holds at the user's own point alone: JAX's number is then that of a point, and of no neighbourhood.

`sqrt(maximum(d2, 1e-36))` is constant within 1e-18 of d2 = 0, a quotient that is guarded by `abs(x) < 1e-20` is within
that: the derivative of the code at the point is 0 there, and another one next to it, in all that a reader can see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.blocks import BlockCheck
from jaxdiff_magic.checking.decide import shown_by_values
from jaxdiff_magic.checking.evidence import DIFFERS, UNDECIDED, Decision, Evidence
from jaxdiff_magic.checking.sharper import GROSS, Sharper, size_of
from jaxdiff_magic.checking.words import Why
from jaxdiff_magic.engines.reference.directions import Path

DISTANCES = (2.0**-26, 2.0**-22)
"""Relative distances at which it is looked at beside the point: half of the bits of a float64, where derivatives still
have the other half of theirs, and somewhat more."""
SIGNS = 2
"""In so many directions, both ways, at each distance. A choice: what is true all around a point is true in two
directions; one alone may run along a boundary."""
ALIKE = 0.01
"""The derivative beside the point is that of function values within this part of it. A choice: apart from the guarded
point the derivative changes by far less at these distances, at it by far more."""


def isolated(
    decision: Decision, evidence: Evidence, sharper: Sharper, path: Path, point: Sequence[np.ndarray]
) -> Decision:
    """The decision with the entries that differ from what holds all around the point.

    They do where function values show a derivative, without a kink; where the code has that derivative everywhere next
    to the point; and where it, and JAX, have clearly another one at the point itself.

    Args:
        decision, evidence: of a block.
        sharper, path: its derivatives by local rules.
        point: for each input leaf its value.
    """
    if evidence.numeric is None or evidence.formula is None:
        return decision
    estimate, error, kink = (part[0] for part in evidence.numeric)
    size = np.maximum(size_of(estimate[None])[0], size_of(evidence.formula.values)[0])
    with np.errstate(invalid="ignore"):
        clear = ~kink & (error <= GROSS * size) & ~shown_by_values(evidence)
        for column in evidence.native[0]:
            if column is not None:
                clear &= np.abs(column - estimate) > ALIKE * size
    if not clear.any():
        return decision
    try:
        beside = _beside(sharper, path, point)
    except OutOfReach:
        return decision
    with np.errstate(invalid="ignore"):
        alike = np.all(np.abs(beside - estimate) <= ALIKE * size, axis=0)
    found = clear & alike
    return decision.set(found, DIFFERS, Why.ALONE) if found.any() else decision


def with_isolated(
    blocks: Sequence[BlockCheck], paths: Sequence[Path], sharper: Sharper, point: Sequence[np.ndarray]
) -> list[BlockCheck]:
    """The blocks, each of them decided as `isolated` says; below such a one, nothing is said.

    Args:
        blocks: those of `paths` in their order, and others, which stay as they are.
        sharper, point: as of `isolated`.
    """
    found, alone = list(blocks), set[Path]()  # of which an entry holds at the point alone
    for k, path in enumerate(paths):
        before = blocks[k].decision
        decision = isolated(before, blocks[k].evidence, sharper, path, point)
        if decision is not before:
            alone.add(path)
        elif path[:-1] in alone:
            decision = decision.set(True, UNDECIDED, Why.BELOW_ALONE)
        found[k] = replace(blocks[k], decision=decision)
    return found


def _beside(sharper: Sharper, path: Path, point: Sequence[np.ndarray]) -> np.ndarray:
    """A derivative at points next to the user's, with more digits where it can be; at a tie there, no number."""
    rng, found = np.random.default_rng(len(path)), []
    for distance in DISTANCES:
        for signs in [[rng.choice([-1.0, 1.0], x.shape) for x in point] for _ in range(SIGNS)]:
            for way in (1.0, -1.0):
                there = []
                for x, sign in zip(point, signs, strict=True):
                    scale = np.where(x == 0, float(np.max(np.abs(x), initial=0.0)) or 1.0, np.abs(x))
                    there.append(x + way * distance * scale * sign)
                found.append(sharper.at(path, there))
    return np.stack(found)
