"""A bottleneck: a place in the program where everything that reaches the outputs passes through a few values.

With w values there, the Jacobian of n inputs and m outputs is a product, (m x w) times (w x n), by the chain rule:
about 2 w passes, each through a part of the program, where the plain modes need n or m (A. Griewank, A. Walther,
"Evaluating Derivatives", 2nd ed., chapter 9: Jacobians by elimination; this is one cut through the graph).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import jax.numpy as jnp

from jaxdiff_magic.cost.structure.opened import Known, OperationList, name_of, opened
from jaxdiff_magic.engines.jax.values import NO_DERIVATIVE, refusal
from jaxdiff_magic.subject.dependence import reached_from
from jaxdiff_magic.subject.leaves import Leaf
from jaxdiff_magic.subject.subject import Subject

Mode = Literal["forward", "reverse"]

WORTH = 0.5
"""A bottleneck is worth its two parts while they take at most this share of the passes of the better plain mode. A
choice: it takes two programs in the place of one."""


@dataclass(frozen=True)
class Bottleneck:
    """Where the values are few.

    Attributes:
        width: how many scalars pass: the rank of the Jacobian is no larger, for any input.
        shapes: of the arrays that pass.
        operation, operations: after how many operations of how many, with calls of compiled functions opened.
        name: the variable of the user's source that passes, where it is one and has a name; else "".
        where: "cell, line 3" of the operation before, or "".
        modes: of the Jacobian of the part before the bottleneck, then of the part after it.
        passes: of those modes, together.
        infeasible: why the two Jacobians cannot be computed; "" when they can.
        build: gives the function of the leaves to the Jacobian's blocks `[o][i]`, as `jax.jacfwd` would; it can be
            compiled.
    """

    width: int
    shapes: tuple[tuple[int, ...], ...]
    operation: int
    operations: int
    name: str
    where: str
    modes: tuple[Mode, Mode]
    passes: int
    infeasible: str = ""
    build: Callable[[], Callable[..., Any]] = field(compare=False, repr=False, default=lambda: _no_program)


def bottleneck_of(subject: Subject) -> Bottleneck | None:
    """The narrowest bottleneck of a subject's function, where a product of two Jacobians takes half the passes at most.

    The cuts that are looked at are those between two operations in the order in which the function does them.
    Values that do not depend on the inputs pass freely; so do integers and booleans, which carry no derivative.

    Returns:
        None when there is no such bottleneck, or when JAX cannot trace the function.
    """
    if subject.untraceable:
        return None
    return narrowest(subject.flat, subject.point, subject.inputs, subject.outputs)


def narrowest(
    function: Callable[..., Any], point: Sequence[Any], inputs: Sequence[Leaf], outputs: Sequence[Leaf]
) -> Bottleneck | None:
    """As `bottleneck_of`, of what JAX can trace: `len(inputs)` arrays to a tuple of `len(outputs)` arrays."""
    n, m = (sum(leaf.size for leaf in leaves) for leaves in (inputs, outputs))
    if min(n, m) < 2:
        return None
    program = opened(function, point)
    if not all(isinstance(output, int) for output in program.outputs):
        return None  # an output that is a constant: its rows are zero, and no part computes it
    widths = [sum(program.size(v) for v in crossing) for crossing in _crossings(program)]
    cuts = [k for k, width in enumerate(widths) if width > 0 and 2 * width <= WORTH * min(n, m)]
    if not cuts:
        return None
    width = min(widths[k] for k in cuts)
    cut = max(k for k in cuts if widths[k] == width)
    crossing = _crossings(program)[cut]
    last = program.operations[cut]
    before, after = _parts(program, cut, crossing)
    point = [jnp.asarray(value) for value in point]
    modes: list[Mode] = []
    obstacle = ""
    for part, into, out in ((before, n, width), (after, width, m)):
        order: tuple[Mode, Mode] = ("forward", "reverse") if into < out else ("reverse", "forward")
        reasons = [_obstacle(part, mode, before, point) for mode in order]
        modes.append(order[0] if not reasons[0] or reasons[1] else order[1])
        obstacle = obstacle or (reasons[0] if all(reasons) else "")
    first, second = modes
    return Bottleneck(
        width=width,
        shapes=tuple(tuple(program.avals[v].shape) for v in crossing),
        operation=cut + 1,
        operations=len(program.operations),
        name=name_of(last) if len(crossing) == 1 and crossing[0] in last.outputs else "",
        where=str(last.place),
        modes=(first, second),
        passes=(n if first == "forward" else width) + (width if second == "forward" else m),
        infeasible=obstacle,
        build=lambda: _product(before, after, (first, second), inputs, outputs),
    )


def _dependent(program: OperationList) -> set[int]:
    """Values that can carry a derivative with respect to the inputs: floating, with a floating path to them."""
    return reached_from(program.operations, program.inputs, program.is_floating)[1]


def _crossings(program: OperationList) -> list[tuple[int, ...]]:
    """For each operation, the values that carry a derivative across the cut after it."""
    dependent = _dependent(program)
    last_use: dict[int, int] = {}
    for k, operation in enumerate(program.operations):
        last_use.update((atom, k) for atom in operation.inputs if isinstance(atom, int))
    last_use.update((atom, len(program.operations)) for atom in program.outputs if isinstance(atom, int))
    made = itertools.chain(
        ((v, -1) for v in program.inputs), ((v, k) for k, op in enumerate(program.operations) for v in op.outputs)
    )
    crossings: list[list[int]] = [[] for _ in program.operations]
    for v, born in made:
        if v in dependent:
            for k in range(max(born, 0), min(last_use.get(v, born), len(crossings))):
                crossings[k].append(v)
    return [tuple(crossing) for crossing in crossings]


Part = Callable[..., tuple[tuple[Any, ...], Any]]
"""Arrays to (differentiated arrays, the rest)."""


def _parts(program: OperationList, cut: int, crossing: Sequence[int]) -> tuple[Part, Part]:
    """The program before and after a cut: leaves to (crossing values, all others), and those to (outputs, nothing)."""

    def before(*leaves: Any) -> tuple[tuple[Any, ...], dict[int, Any]]:
        values = dict(zip(program.inputs, leaves, strict=True))
        for operation in program.operations[: cut + 1]:
            operation.run(values)
        return tuple(values[v] for v in crossing), {v: x for v, x in values.items() if v not in crossing}

    def after(others: dict[int, Any], *passing: Any) -> tuple[tuple[Any, ...], None]:
        # what carries a derivative passes in `passing`; JAX need not know that the others depend on the inputs
        values = {**others, **dict(zip(crossing, passing, strict=True))}
        for operation in program.operations[cut + 1 :]:
            operation.run(values)
        return tuple(o.value if isinstance(o, Known) else values[o] for o in program.outputs), None

    return before, after


def _jacobian(part: Part, mode: Mode, count: int) -> Callable[..., tuple[Any, Any]]:
    """Of a part, the Jacobian's blocks, and what it returned."""

    def with_value(*arguments: Any) -> Any:
        results, rest = part(*arguments)
        return results, (results, rest)

    transform = jax.jacfwd if mode == "forward" else jax.jacrev
    return transform(with_value, tuple(range(count)), has_aux=True)


def _product(
    before: Part, after: Part, modes: tuple[Mode, Mode], inputs: Sequence[Leaf], outputs: Sequence[Leaf]
) -> Callable[..., Any]:
    """Leaves to the blocks `[o][i]` of the product of the two Jacobians, each of its input's dtype."""

    def whole(*leaves: Any) -> tuple[tuple[Any, ...], ...]:
        inner, (passing, others) = _jacobian(before, modes[0], len(leaves))(*leaves)
        outer, _ = _jacobian(lambda *xs: after(others, *xs), modes[1], len(passing))(*passing)
        right = [
            jnp.concatenate([block.reshape(x.size, i.size) for block, x in zip(column, passing, strict=True)])
            for column, i in zip(zip(*inner, strict=True), inputs, strict=True)
        ]
        left = [
            jnp.concatenate([block.reshape(o.size, x.size) for block, x in zip(row, passing, strict=True)], axis=1)
            for row, o in zip(outer, outputs, strict=True)
        ]

        def product(a: Any, b: Any, o: Leaf, i: Leaf) -> Any:
            block = jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)
            return block.reshape(*o.shape, *i.shape).astype(i.dtype)

        return tuple(
            tuple(product(a, b, o, i) for b, i in zip(right, inputs, strict=True))
            for a, o in zip(left, outputs, strict=True)
        )

    return whole


def _obstacle(part: Part, mode: Mode, before: Part, point: Sequence[Any]) -> str:
    """Why JAX cannot differentiate a part in a mode; "" when it can."""
    try:
        if part is before:
            jax.eval_shape(_jacobian(part, mode, len(point)), *point)
        else:
            passing, others = jax.eval_shape(before, *point)

            def outer(others: Any, *passing: Any) -> Any:
                return _jacobian(lambda *xs: part(others, *xs), mode, len(passing))(*passing)

            jax.eval_shape(outer, others, *passing)
    except NO_DERIVATIVE as error:
        return refusal(error)
    return ""


def _no_program(*leaves: Any) -> Any:
    raise NotImplementedError("a bottleneck is made by bottleneck_of")
