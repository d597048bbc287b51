"""What each primitive does to arrays of recording scalars: one table, cut by family."""

from __future__ import annotations

from jaxdiff_magic.engines.tape.recording import RULES
from jaxdiff_magic.engines.tape.rules.arrays import ARRAYS
from jaxdiff_magic.engines.tape.rules.elementwise import ELEMENTWISE
from jaxdiff_magic.engines.tape.rules.linear_algebra import LINEAR_ALGEBRA
from jaxdiff_magic.engines.tape.rules.order import ORDER

for family in (ELEMENTWISE, ARRAYS, ORDER, LINEAR_ALGEBRA):
    RULES.update(family)
