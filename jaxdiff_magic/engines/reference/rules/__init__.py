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
from jaxdiff_magic.engines.reference.run import RULES

for family in (COMPOUND, ELEMENTWISE, MOVEMENT, REDUCTIONS, INDEXING, LINEAR_ALGEBRA, DECOMPOSITIONS, CONTROL):
    RULES.update(family)
