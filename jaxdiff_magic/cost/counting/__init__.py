"""FLOPs, transcendentals and bytes of programs, counted over their jaxprs, beside XLA's own figures."""

from jaxdiff_magic.cost.counting.counter import count
from jaxdiff_magic.cost.counting.derivatives import NAMES, Programs, programs
from jaxdiff_magic.cost.counting.work import Count, Work
from jaxdiff_magic.cost.counting.xla import XlaNumbers, disagreement, xla_numbers

__all__ = ["NAMES", "Count", "Programs", "Work", "XlaNumbers", "count", "disagreement", "programs", "xla_numbers"]
