"""A function that treats the slices of its input one by one: its Jacobian is block diagonal, one small block a slice.

`jax.vmap` of the derivative of one slice gives the blocks in the passes of one of them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.sparse import BCOO

from jaxdiff_magic.cost.mode_calls import function_text, remarked
from jaxdiff_magic.cost.running import STAND_IN
from jaxdiff_magic.cost.structure.strategy import Strategy
from jaxdiff_magic.cost.structure.verified_products import directions, point_of
from jaxdiff_magic.cost.structure.verifying import confirmed
from jaxdiff_magic.engines.jax.not_built import MAX_BUILT_ENTRIES
from jaxdiff_magic.subject.subject import Subject, arguments_of

FEWEST_PASSES = 8
"""Where the better plain mode takes fewer passes, slices are not looked for. A choice: there is little to save."""
ULPS = 32
"""Two orders of the same additions in a slice may differ by so many units in the last place of the largest number. A
choice of five bits."""


def slices_of(subject: Subject, fewest: int, strategies: Sequence[Strategy], deadline: float) -> Iterator[Strategy]:
    """The strategy that maps the derivative of one slice, compared with a plain mode as the others are.

    Args:
        subject: what is differentiated.
        fewest: passes of the better plain mode.
        strategies: of the subject.
        deadline: an instant of `budget.now` after which it is compared by products.
    """
    plain = next((s for s in strategies if s.what == "jacobian" and not s.infeasible and not s.because), None)
    for strategy in _by_slices(subject, fewest):
        yield confirmed(subject, strategy, plain, deadline, late=True)


def _by_slices(subject: Subject, fewest: int) -> Iterator[Strategy]:
    """Nothing where the function has no slices, takes no single one, or each is one number that makes one."""
    if subject.untraceable or fewest < FEWEST_PASSES or subject.argnums not in (0, (0,)) or len(subject.inputs) != 1:
        return
    if subject.output_template != 0 or len(subject.args) > 1 or subject.kwargs or subject.held:
        return
    (source,), (result,) = subject.inputs, subject.outputs
    axes = itertools.product(range(len(result.shape)), range(len(source.shape)))
    for out, into in axes:
        if result.shape[out] != source.shape[into] or result.shape[out] < 2 or not _maps(subject, out, into):
            continue
        count = result.shape[out]
        number = min(result.size, source.size) // count
        if max(result.size, source.size) == count:
            return
        if number * 4 > fewest or result.size * (source.size // count) > MAX_BUILT_ENTRIES:
            return
        yield Strategy(
            what="jacobian",
            name="by slices",
            passes=number,
            because=f"{subject.name} treats the {count:,} slices of {source.name} along axis {into} one by one, so "
            f"that the Jacobian has a block for each and is 0 elsewhere; the call gives the blocks",
            call=_call(subject, out, into, function_text(subject)),
            sparse=True,
            build=lambda out=out, into=into: _program(subject, out, into),
        )
        return


def _slice_shape(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


def _maps(subject: Subject, out: int, into: int) -> bool:
    """Whether the function, mapped over slices, is the function: at the point and at two others."""
    (source,), (result,) = subject.inputs, subject.outputs
    one = jax.ShapeDtypeStruct(_slice_shape(source.shape, into), source.dtype)
    try:
        found = jax.eval_shape(subject.flat, one)
        if [tuple(leaf.shape) for leaf in found] != [_slice_shape(result.shape, out)]:
            return False
        mapped = jax.jit(jax.vmap(lambda x: subject.flat(x)[0], in_axes=into, out_axes=out))
        (point,) = point_of(subject)
        for k in range(3):
            (moved,) = directions(subject.inputs, k)
            x = point if k == 0 else point + 0.1 * jnp.maximum(jnp.abs(point), 1) * moved
            a, b = (np.asarray(y, float) for y in (mapped(x), subject.traced(x)[0]))
            scale = float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b)))
            same = (a == b) | (np.isnan(a) & np.isnan(b))
            if not np.all(same | (np.abs(a - b) <= ULPS * float(jnp.finfo(result.dtype).eps) * scale)):
                return False
    except Exception:  # the reader's code may want all slices at once
        return False
    return True


def _call(subject: Subject, out: int, into: int, function: str) -> str:
    """`jax.vmap(jax.grad(f), in_axes=2, out_axes=2)(x)`."""
    (name,), _ = arguments_of(subject)
    block = _slice_shape(subject.outputs[0].shape, out)
    small = math.prod(block) < math.prod(_slice_shape(subject.inputs[0].shape, into))
    transform = "jax.grad" if block == () else "jax.jacrev" if small else "jax.jacfwd"
    axes = "" if into == 0 else f", in_axes={into}" + (f", out_axes={into}" if block == () else "")
    text = f"jax.vmap({transform}({function}){axes})({name})"
    return text if function == STAND_IN else remarked(subject, text)


def _program(subject: Subject, out: int, into: int) -> Callable[..., Any]:
    """The leaves to the blocks `[o][i]`, sparse."""
    (source,), (result,) = subject.inputs, subject.outputs
    block, one = _slice_shape(result.shape, out), _slice_shape(source.shape, into)
    transform = jax.jacrev if math.prod(block) <= math.prod(one) else jax.jacfwd
    places = np.indices((result.shape[out], *block, *one)).reshape(1 + len(block) + len(one), -1)
    slice_of, rows, columns = places[0], places[1 : 1 + len(block)], places[1 + len(block) :]
    order = [*rows[:out], slice_of, *rows[out:], *columns[:into], slice_of, *columns[into:]]
    indices = jnp.asarray(np.stack(order, axis=1))

    def blocks(x: Any) -> tuple[tuple[Any]]:
        data = jax.vmap(transform(lambda x: subject.flat(x)[0]), in_axes=into)(x)
        return ((BCOO((data.ravel(), indices), shape=(*result.shape, *source.shape)),),)

    return blocks
