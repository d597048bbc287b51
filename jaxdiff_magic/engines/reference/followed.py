"""A function that is followed step by step, as those see it who look at the pieces that it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from jaxdiff_magic.engines.reference.directions import Blocks, Found
from jaxdiff_magic.subject.trace import Trace

Sides = Mapping[int, np.ndarray]
"""What each choice that is at a tie decides, by its position among the choices of a run."""


class Followed(Protocol):
    """What `derivatives.Reference` offers; see there."""

    @property
    def trace(self) -> Trace: ...

    @property
    def inputs(self) -> Sequence[tuple[int, ...]]: ...

    @property
    def precise(self) -> bool: ...

    @property
    def further(self) -> float: ...

    @property
    def is_piece(self) -> bool: ...

    def on_sides(self, sides: Sides) -> Followed: ...

    def with_digits(self) -> Followed: ...

    def blocks(self, order: int, points: Sequence[np.ndarray]) -> Blocks: ...

    def common(self, point: Sequence[np.ndarray], order: int) -> list[Blocks]: ...

    def along(self, points: Sequence[np.ndarray], *directions: np.ndarray) -> list[Found]: ...
