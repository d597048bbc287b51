"""Structure that beats both plain modes: sparsity by colouring, a bottleneck by a product of two Jacobians."""

from jaxdiff_magic.cost.structure.bottleneck import Bottleneck, bottleneck_of
from jaxdiff_magic.cost.structure.pattern import Pattern, pattern_of
from jaxdiff_magic.cost.structure.strategies import best_of, by_formula, strategies_of
from jaxdiff_magic.cost.structure.strategy import Strategy, dense
from jaxdiff_magic.cost.structure.through import jacobian_through_bottleneck

__all__ = [
    "Bottleneck",
    "Pattern",
    "Strategy",
    "best_of",
    "bottleneck_of",
    "by_formula",
    "dense",
    "jacobian_through_bottleneck",
    "pattern_of",
    "strategies_of",
]
