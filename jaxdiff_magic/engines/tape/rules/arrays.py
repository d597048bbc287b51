"""Primitives that move or combine elements, and loops: by the rules of the reference, on arrays of scalars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.engines.reference.run import RULES as REFERENCE
from jaxdiff_magic.engines.reference.run import Node, RuleStep
from jaxdiff_magic.engines.tape.recording import Recording, Rule, elementwise, is_live, lifted
from jaxdiff_magic.primitives.core import CORE

OBJECT = np.dtype(object)


def as_reference(name: str, data: Sequence[int] | None = None, added: bool = False) -> Rule:
    """The reference's rule.

    Args:
        name: of the primitive.
        data: which operands are data, the others being positions; None for all.
        added: whether the rule asks NumPy to add elements up in the result's dtype.
    """

    def rule(run: Recording, xs: list[Node], step: RuleStep) -> list[Node] | None:
        operands = [lifted(x) if data is None or k in data else x for k, x in enumerate(xs)]
        results = [result._replace(dtype=OBJECT) for result in step.results] if added else step.results
        return REFERENCE[name](run, operands, RuleStep(step.params, results, step.bodies))

    return rule


def as_it_is(name: str) -> Rule:
    """The reference's rule on operands of either kind: it asks the run for every step."""
    return lambda run, xs, step: REFERENCE[name](run, xs, step)


def _gather(run: Recording, xs: list[Node], step: RuleStep) -> list[Node] | None:
    params = dict(step.params)
    if params.get("fill_value") is None and jnp.issubdtype(step.results[0].dtype, jnp.floating):
        params["fill_value"] = math.nan
    if not is_live(xs[0]):
        xs = [xs[0], run.constant(run.shared(xs[1]))]
        return run.apply("gather", xs, params, step.results)
    return as_reference("gather", (0,))(run, xs, RuleStep(params, step.results))


def _reduce(name: str) -> Rule:
    """One operation between all elements along some axes."""

    def rule(run: Recording, xs: list[Node], step: RuleStep) -> list[Node] | None:
        shape, axes = step.results[0].shape, tuple(int(a) + run.batch_axes for a in step.params["axes"])
        last = np.moveaxis(lifted(xs[0]).value, axes, range(-len(axes), 0)).reshape(1, *shape, -1)
        columns = np.moveaxis(last, -1, 0)
        found = columns[0]
        for column in columns[1:]:
            found = elementwise(lambda a, b: run.recorder.record(name, a, b), found, column)
        return [Node(found, shape, False)]

    return rule


ADDED = ("reduce_sum", "dot_general")
WITH_POSITIONS: Mapping[str, tuple[int, ...]] = {
    **{f"scatter{separator}{name}": (0, 2) for separator in "-_" for name in ("add", "sub", "mul", "min", "max")},
    "scatter": (0, 2),
    "dynamic_slice": (0,),
    "dynamic_update_slice": (0, 1),
}
"""Primitives that read or write at positions, with the operands that are data."""
ALL_DATA = (
    "reshape squeeze expand_dims broadcast_in_dim transpose rev slice split unstack stack concatenate pad tile "
    "reduce_prod cumsum cumprod cummax cummin cumlogsumexp conv_general_dilated "
    "reduce_window_sum reduce_window_max reduce_window_min"
).split()
CONTROL = ("cond", "scan", "while", "pure_callback", "io_callback", "debug_callback", "debug_print")
REDUCED: Mapping[str, str] = {"reduce_max": "max", "reduce_min": "min", "reduce_and": "and", "reduce_or": "or"}

ARRAYS: Mapping[str, Rule] = {
    **{name: as_it_is(name) for name in CORE},  # in core primitives, but for those that have an entry below
    **{name: as_reference(name) for name in ALL_DATA},
    **{name: as_reference(name, added=True) for name in ADDED},
    **{name: as_reference(name, data) for name, data in WITH_POSITIONS.items()},
    **{name: as_it_is(name) for name in CONTROL},
    **{name: _reduce(operation) for name, operation in REDUCED.items()},
    "gather": _gather,
}
"""Primitive to its rule."""
