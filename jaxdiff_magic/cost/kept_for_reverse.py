"""What reverse mode keeps between its two passes, by the line that computes it."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from jaxdiff_magic.engines.jax.values import NO_DERIVATIVE
from jaxdiff_magic.report.cost_figures import Kept
from jaxdiff_magic.subject.source import Location
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Variable, trace_of


def kept_of(subject: Subject) -> tuple[Kept, ...]:
    """The residuals of the function's pullback, the largest line first; () where it has none, or no reverse mode.

    What the pullback closes over is what `jax.vjp` keeps. Arguments are not counted, since they are there anyway,
    nor are captured arrays. A compiler may drop or recompute some, as when all of it is one compiled program.

    Example:
        >>> [(kept.source, kept.bytes) for kept in kept_of(subject)]                    # doctest: +SKIP
        [('y = jnp.tanh(W @ x)', 4000)]
    """

    def residuals(*leaves: Any) -> Any:
        return jax.tree.leaves(jax.vjp(subject.flat, *leaves)[1])

    if subject.untraceable:
        return ()
    try:
        trace = trace_of(residuals, subject.point, subject)
    except NO_DERIVATIVE:
        return ()
    made = {output: equation.location for equation in trace.equations for output in equation.outputs}
    kept: dict[Location, tuple[int, int]] = {}
    for value in dict.fromkeys(v for v in trace.outputs if isinstance(v, Variable) and v in made):
        arrays, size = kept.get(made[value], (0, 0))
        size += int(np.prod(value.shape, dtype=int)) * np.dtype(value.dtype).itemsize
        kept[made[value]] = arrays + 1, size
    rows = (Kept(str(place), place.source, arrays, size) for place, (arrays, size) in kept.items())
    return tuple(sorted(rows, key=lambda row: -row.bytes))
