"""The four words of a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

Outcome = Literal["proved", "agrees", "out of reach", "differs"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("proved", "agrees", "out of reach", "differs")
"""The four words, from best to worst."""


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """The worst of some outcomes; "out of reach" when there is none to speak of."""
    return OUTCOMES[max(map(OUTCOMES.index, outcomes), default=OUTCOMES.index("out of reach"))]
