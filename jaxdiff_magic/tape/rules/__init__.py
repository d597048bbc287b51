"""What each primitive does to arrays of recording scalars: one table, cut by family."""

from __future__ import annotations

from collections.abc import Mapping

from jaxdiff_magic.tape.recording import Rule
from jaxdiff_magic.tape.rules.arrays import ARRAYS
from jaxdiff_magic.tape.rules.elementwise import ELEMENTWISE
from jaxdiff_magic.tape.rules.linear_algebra import LINEAR_ALGEBRA
from jaxdiff_magic.tape.rules.order import ORDER

RULES: Mapping[str, Rule] = {**ELEMENTWISE, **ARRAYS, **ORDER, **LINEAR_ALGEBRA}
"""Primitive to its rule."""
