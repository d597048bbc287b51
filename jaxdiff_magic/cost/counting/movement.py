"""What costs no FLOPs: moving data, and what is there for the compiler alone; and how many bytes an equation moves."""

from __future__ import annotations

from typing import Any

from jaxdiff_magic.cost.counting.operands import has_bytes, size
from jaxdiff_magic.cost.counting.work import Work, other
from jaxdiff_magic.primitives.facts import having

VIEWS = frozenset(
    "reshape squeeze expand_dims stop_gradient bitcast_convert_type optimization_barrier pvary pbroadcast "
    "platform_index sharding_constraint mesh_cast reshard layout_constraint create_token after_all nonbatchable "
    "nondifferentiable_backward unvmap select_if_vmap random_wrap random_unwrap custom_lin name dce_sink".split()
)
"""The same bytes under another shape or name: nothing is moved."""
SLICES = frozenset("slice dynamic_slice gather".split())
"""Of their first operand they read what they return."""
MOVES = frozenset(
    "broadcast_in_dim broadcast transpose rev concatenate pad iota split stack unstack tile "
    "dynamic_update_slice scatter real imag complex empty empty2 clone maybe_set "
    "get swap axis_index all_gather all_to_all ppermute ragged_all_to_all "
    "lu_pivots_to_permutation random_seed random_bits random_split random_fold_in threefry2x32 "
    "random_clone rng_bit_generator rng_uniform".split()
)
"""Random bits are among them: their arithmetic is of integers."""
CHOICES = frozenset("select_n convert_element_type".split())
"""No FLOPs, though XLA counts them as such."""


def bytes_moved(equation: Any) -> int:
    """Read and written, when nothing is fused with other equations."""
    name = equation.primitive.name
    if name in VIEWS:
        return 0
    results = sum(map(has_bytes, equation.outvars))
    if name in SLICES:
        return 2 * results + sum(map(has_bytes, equation.invars[1:]))
    return results + sum(map(has_bytes, equation.invars))


def _nothing(equation: Any) -> Work:
    return Work()


def _choices(equation: Any) -> Work:
    return other(size(equation.outvars[0]))


MOVEMENT = {
    **dict.fromkeys(having("passes"), _nothing),
    **dict.fromkeys(VIEWS | SLICES | MOVES, _nothing),
    **dict.fromkeys(CHOICES, _choices),
}
