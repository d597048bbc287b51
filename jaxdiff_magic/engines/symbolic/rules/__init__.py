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
from jaxdiff_magic.engines.symbolic.rules.windows import WINDOWS
from jaxdiff_magic.primitives.facts import having

STRUCTURE: Mapping[str, StructureRule] = {
    **MOVEMENT,
    **REDUCTIONS,
    **ORDER,
    **INDEXING,
    **CONVOLUTION,
    **WINDOWS,
    **LINEAR_ALGEBRA,
}
"""Primitive name to its rule."""

VIEWS = having("reindexes") | {"scan_element"}
"""Primitives that only re-index: they need no definition of their own."""
