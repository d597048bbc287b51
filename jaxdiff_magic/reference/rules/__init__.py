"""What each primitive does to numbers and to adjoints: one table, cut by family."""

from __future__ import annotations

from collections.abc import Mapping

from jaxdiff_magic.reference.rules.control import CONTROL
from jaxdiff_magic.reference.rules.decompositions import DECOMPOSITIONS
from jaxdiff_magic.reference.rules.elementwise import ELEMENTWISE
from jaxdiff_magic.reference.rules.indexing import INDEXING
from jaxdiff_magic.reference.rules.linear_algebra import LINEAR_ALGEBRA
from jaxdiff_magic.reference.rules.movement import MOVEMENT
from jaxdiff_magic.reference.rules.reductions import REDUCTIONS
from jaxdiff_magic.reference.run import Rule

RULES: Mapping[str, Rule] = {
    **ELEMENTWISE,
    **MOVEMENT,
    **REDUCTIONS,
    **INDEXING,
    **LINEAR_ALGEBRA,
    **DECOMPOSITIONS,
    **CONTROL,
}
"""Primitive to its rule."""
