"""Every primitive that is counted by itself, from the tables of its family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jaxdiff_magic.cost.counting.contractions import PRODUCTS
from jaxdiff_magic.cost.counting.elementwise import ELEMENTWISE, SPECIAL
from jaxdiff_magic.cost.counting.linear_algebra import LINEAR_ALGEBRA
from jaxdiff_magic.cost.counting.movement import MOVEMENT
from jaxdiff_magic.cost.counting.reductions import REDUCTIONS
from jaxdiff_magic.cost.counting.work import Work

RULES: Mapping[str, Callable[[Any], Work]] = {
    **MOVEMENT,
    **ELEMENTWISE,
    **PRODUCTS,
    **REDUCTIONS,
    **LINEAR_ALGEBRA,
}
"""Primitive to the work of one equation, its bytes apart."""

MET: Mapping[str, str] = {
    **dict.fromkeys(LINEAR_ALGEBRA, "lapack"),
    **dict.fromkeys(SPECIAL, "special"),
    "fft": "fft",
    "sort": "sort",
    "conv_general_dilated": "window",
    **dict.fromkeys((name for name in REDUCTIONS if name.startswith(("reduce_window", "cum", "select_and"))), "window"),
}
"""What others count differently."""
