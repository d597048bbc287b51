"""The mark that a reader's own derivation gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from jaxdiff_magic.base.copies import Data

Kind = Literal[
    "right",
    "factor",
    "transposed",
    "layout",
    "shape",
    "term",
    "elementwise",
    "this point only",
    "not finite",
    "raises",
    "different",
    "undecided",
]


@dataclass(frozen=True, eq=False)
class Grade(Data):
    """Whether a derivation is right, or how it is wrong.

    Attributes:
        of: the derivative, as a reader writes it: `∂f/∂w`.
        written: the derivation as it was given.
        outcome: "right", "wrong", or "undecided" where there is nothing to compare it with.
        kind: how it is wrong: by a constant "factor" (a sign is one), "transposed", in another "layout" (numerator
            for denominator, row for column, flattened), of another "shape", with a "term" too few or too many or with
            another factor, "elementwise" where a matrix product is meant or the other way round, right at "this point
            only", "not finite", "raises" an error, or just "different".
        message: the same in a sentence, with what to change.
        factor: for "factor", what it is to be multiplied by.
        term: for "term", the one that it is about.
        values: what it gives at the point, float64; None where it gives nothing.
        points: at how many random points it was compared, besides the point itself.
    """

    of: str
    written: str
    outcome: Literal["right", "wrong", "undecided"]
    kind: Kind
    message: str
    factor: float | None = None
    term: str = ""
    values: np.ndarray | None = None
    points: int = 0
