"""What each primitive that moves or combines elements does to indices: a table per family, and all of them together."""

from __future__ import annotations

from collections.abc import Mapping

from jaxdiff_magic.engines.symbolic.rules.convolution import CONVOLUTION
from jaxdiff_magic.engines.symbolic.rules.indexing import INDEXING
from jaxdiff_magic.engines.symbolic.rules.linear_algebra import LINEAR_ALGEBRA
from jaxdiff_magic.engines.symbolic.rules.movement import MOVEMENT
from jaxdiff_magic.engines.symbolic.rules.order import ORDER
from jaxdiff_magic.engines.symbolic.rules.reductions import REDUCTIONS
from jaxdiff_magic.engines.symbolic.rules.view import StructureRule

STRUCTURE: Mapping[str, StructureRule] = {
    **MOVEMENT,
    **REDUCTIONS,
    **ORDER,
    **INDEXING,
    **CONVOLUTION,
    **LINEAR_ALGEBRA,
}
"""Primitive name to its rule."""

VIEWS = frozenset(
    "broadcast_in_dim reshape squeeze transpose tile slice rev split unstack copy device_put scan_element".split()
)
"""Primitives that only re-index: they need no definition of their own."""
