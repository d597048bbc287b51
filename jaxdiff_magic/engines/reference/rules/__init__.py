"""What each primitive does to numbers and to adjoints: one table, cut by family."""

from __future__ import annotations

from jaxdiff_magic.engines.reference.rules.compound import COMPOUND
from jaxdiff_magic.engines.reference.rules.control import CONTROL
from jaxdiff_magic.engines.reference.rules.decompositions import DECOMPOSITIONS
from jaxdiff_magic.engines.reference.rules.elementwise import ELEMENTWISE
from jaxdiff_magic.engines.reference.rules.indexing import INDEXING
from jaxdiff_magic.engines.reference.rules.linear_algebra import LINEAR_ALGEBRA
from jaxdiff_magic.engines.reference.rules.movement import MOVEMENT
from jaxdiff_magic.engines.reference.rules.reductions import REDUCTIONS
from jaxdiff_magic.engines.reference.rules.windows import WINDOWS
from jaxdiff_magic.engines.reference.run import RULES

FAMILIES = (COMPOUND, ELEMENTWISE, MOVEMENT, REDUCTIONS, WINDOWS, INDEXING, LINEAR_ALGEBRA, DECOMPOSITIONS, CONTROL)
for family in FAMILIES:
    RULES.update(family)
