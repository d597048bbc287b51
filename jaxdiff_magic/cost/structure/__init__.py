"""Structure that beats both plain modes: sparsity by colouring, a waist by a product of two Jacobians."""

from jaxdiff_magic.cost.structure.pattern import Pattern, pattern_of
from jaxdiff_magic.cost.structure.strategies import best_of, by_formula, strategies_of
from jaxdiff_magic.cost.structure.strategy import Strategy, dense
from jaxdiff_magic.cost.structure.through import jacobian_through_waist
from jaxdiff_magic.cost.structure.waist import Waist, waist_of

__all__ = [
    "Pattern",
    "Strategy",
    "Waist",
    "best_of",
    "by_formula",
    "dense",
    "jacobian_through_waist",
    "pattern_of",
    "strategies_of",
    "waist_of",
]
