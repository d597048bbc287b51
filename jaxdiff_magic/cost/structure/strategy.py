"""One way to compute a whole first or second derivative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
from jax.experimental.sparse import BCOO

from jaxdiff_magic.cost.structure.verified_products import What
from jaxdiff_magic.report.cost_figures import Sparsity

LATE = "there was no time left to look for it"


@dataclass(frozen=True)
class Strategy:
    """A way to compute a whole derivative.

    Attributes:
        what: "jacobian", blocks `[o][i]` of shape `out.shape + in.shape`; or "hessian", blocks `[o][i][j]`.
        name: "forward", "reverse", "coloured forward", "coloured reverse", "bottleneck", "chunked forward", "chunked
            reverse"; for a Hessian "forward over reverse" and so on, "coloured", "chunked".
        passes: products with the Jacobian or Hessian that it takes, all at once but for chunks; None where that is
            not known. Those of a bottleneck go through a part of the program each.
        infeasible: why it cannot be used; "" when it can.
        because: the structure that it uses, or its chunks, in words; "" for the plain modes.
        call: Python text to paste; "" where there is none.
        sparse: whether its blocks, and those that the call returns, are `jax.experimental.sparse.BCOO`.
        verified: what its numbers were compared with, in words; "" where they were not.
        sparsity: the pattern of a colouring, with its passes.
        build: gives the function of the leaves to the blocks, ready for `jax.jit`; raises where infeasible.
    """

    what: What
    name: str
    passes: int | None
    infeasible: str = ""
    because: str = ""
    call: str = ""
    sparse: bool = False
    verified: str = ""
    sparsity: Sparsity | None = field(default=None, compare=False, repr=False)
    build: Callable[[], Callable[..., Any]] = field(compare=False, repr=False, default=lambda: _cannot_be_built())


def _cannot_be_built() -> Callable[..., Any]:
    raise ValueError("An infeasible strategy has no program.")


def dense(blocks: Any) -> Any:
    """Blocks of a strategy with every sparse one written out in full."""
    return jax.tree_util.tree_map(
        lambda block: block.todense() if isinstance(block, BCOO) else block,
        blocks,
        is_leaf=lambda block: isinstance(block, BCOO),
    )
