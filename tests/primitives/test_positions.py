"""Positions are those that JAX gives, when it moves positions in the place of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.primitives.positions import MOVES, NOWHERE, origins, targets

Case = tuple[Callable[..., Any], tuple[int, ...] | tuple[tuple[int, ...], ...]]
WINDOW = lax.GatherDimensionNumbers((1, 2), (), (0, 1))
OUTSIDE = np.array([[0, 0], [2, 3], [1, 1], [-1, 0], [9, 9]], np.int32)


def read(mode: Any) -> Callable[[Any], Any]:
    """Windows of 2 × 2, some of which reach over the end."""
    return lambda x: lax.gather(x, OUTSIDE, WINDOW, (2, 2), mode=mode)


def stacked_rows(x: Any) -> Any:
    return jax.vmap(lambda row, at: row[at])(x, np.array([[0, -2], [1, 7], [3, 0]]))


CASES: dict[str, list[tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]]] = {
    "copy": [(jnp.copy, ((3,),))],
    "convert_element_type": [(lambda x: x.astype("int16"), ((2, 2),))],
    "optimization_barrier": [(lambda x, y: lax.optimization_barrier((x, y)), ((2,), (1, 3)))],
    "reshape": [(lambda x: x.reshape(3, 4), ((2, 6),)), (lambda x: x.reshape(()), ((1, 1),))],
    "squeeze": [(lambda x: lax.squeeze(x, (0, 2)), ((1, 3, 1),))],
    "broadcast_in_dim": [
        (lambda x: lax.broadcast_in_dim(x, (2, 3, 4), (0, 2)), ((2, 4),)),
        (lambda x: lax.broadcast_in_dim(x, (2, 3), (0, 1)), ((1, 3),)),
        (lambda x: lax.broadcast_in_dim(x, (2, 0), ()), ((),)),
    ],
    "transpose": [(lambda x: x.transpose(2, 0, 1), ((2, 3, 4),))],
    "rev": [(lambda x: lax.rev(x, (0, 2)), ((2, 3, 4),))],
    "tile": [(lambda x: lax.tile(x, (2, 1, 3)), ((2, 3, 1),)), (lambda x: lax.tile(x, (0,)), ((2,),))],
    "slice": [(lambda x: x[1:7:3, ::2], ((8, 3),)), (lambda x: x[2:2], ((4,),))],
    "split": [(lambda x: lax.split(x, (1, 0, 3), axis=1), ((2, 4),))],
    "unstack": [(lambda x: lax.unstack(x, axis=1), ((2, 3),))] if hasattr(lax, "unstack") else [],
    "concatenate": [(lambda x, y: lax.concatenate([x, y, x], 1), ((2, 3), (2, 1)))],
    "stack": [(lambda x, y: lax.stack([x, y], axis=1), ((2, 3), (2, 3)))] if hasattr(lax, "stack") else [],
    "pad": [
        (lambda x, y: lax.pad(x, y, ((1, 2, 0), (-1, 0, 2))), ((2, 3), ())),
        (lambda x, y: lax.pad(x, y, ((-2, 4, 1),)), ((3,), ())),
        (lambda x, y: lax.pad(x, y, ()), ((), ())),
    ],
    "gather": [
        (lambda x: x[np.array([2, -1, 0, 2])], ((3, 2),)),
        (lambda x: x[:, np.array([[0, 1], [5, -5]])], ((2, 3),)),
        (lambda x: x.at[np.array([0, 3, -4])].get(mode="fill"), ((3, 2),)),
        (lambda x: x.at[np.array([0, 3, -4])].get(mode="clip"), ((3, 2),)),
        (lambda x: x.at[np.array([1, 2**32 - 1], np.uint32)].get(mode="clip"), ((3, 2),)),
        (stacked_rows, ((3, 4),)),
        *((read(mode), ((3, 4),)) for mode in ("fill", "clip", "promise_in_bounds")),
    ],
    "dynamic_slice": [
        (lambda x: lax.dynamic_slice(x, (np.int32(1), np.int32(9)), (2, 3)), ((3, 5),)),
        (lambda x: lax.dynamic_slice(x, (np.int32(-1),), (2,)), ((3,),)),
    ],
}
UNTRIED = {
    "copy_p": "another name of copy",
    "expand_dims": "JAX says it as a broadcast_in_dim",
    "device_put": "binding it says where to put what it passes on",
    "name": "a mark that jax.checkpoint looks for",
    "reduce_precision": "it would round the positions",
}
WRITTEN: Mapping[str, list[tuple[Callable[[Any, Any], Any], tuple[int, ...], tuple[int, ...]]]] = {
    "scatter-add": [
        (lambda x, u: x.at[np.array([0, 2, 0, -1])].add(u), (3, 2), (4, 2)),
        (lambda x, u: x.at[np.array([0, 5, -7])].add(u, mode="drop"), (3,), (3,)),
        (lambda x, u: x.at[np.array([0, 5, -7])].add(u, mode="clip"), (3,), (3,)),
        (lambda x, u: x.at[:, np.array([1, 0])].add(u), (2, 3), (2, 2)),
        (lambda x, u: x.at[1, 1:3].add(u), (2, 4), (2,)),
        (lambda x, u: jax.vmap(lambda r, at, v: r.at[at].add(v))(x, np.array([[0, 1], [2, 9]]), u), (2, 3), (2, 2)),
        *(
            (
                lambda x, u, mode=mode: lax.scatter_add(
                    x, OUTSIDE, u, lax.ScatterDimensionNumbers((1, 2), (), (0, 1)), mode=mode
                ),
                (3, 4),
                (5, 2, 2),
            )
            for mode in ("fill", "clip", "promise_in_bounds")
        ),
    ],
    "scatter": [(lambda x, u: x.at[np.array([1, 0])].set(u), (3,), (2,))],
    "dynamic_update_slice": [
        (lambda x, u: lax.dynamic_update_slice(x, u, (np.int32(7), np.int32(1))), (3, 4), (2, 2)),
        (lambda x, u: lax.dynamic_update_slice(x, u, (np.int32(-2),)), (4,), (3,)),
    ],
}


def evaluated(f: Callable[..., Any], primitive: str, *arrays: Any) -> tuple[Any, list[Any]]:
    """The equation of a primitive in a program, and the operands that it has there."""
    closed = jax.make_jaxpr(f)(*arrays)
    values = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    values |= dict(zip(closed.jaxpr.invars, arrays, strict=True))

    def search(jaxpr: Any, values: dict[Any, Any]) -> tuple[Any, list[Any]] | None:
        for equation in jaxpr.eqns:
            operands = [atom.val if hasattr(atom, "val") else values[atom] for atom in equation.invars]
            if equation.primitive.name == primitive:
                return equation, operands
            inner = equation.params.get("jaxpr")
            if inner is not None:
                bound = dict(
                    zip((*inner.jaxpr.constvars, *inner.jaxpr.invars), (*inner.consts, *operands), strict=True)
                )
                if (found := search(inner.jaxpr, bound)) is not None:
                    return found
            results = equation.primitive.bind(*operands, **equation.primitive.get_bind_params(equation.params))
            values |= zip(equation.outvars, results if equation.primitive.multiple_results else [results], strict=True)
        return None

    found = search(closed.jaxpr, values)
    assert found is not None, f"{primitive} is not in {closed}"
    return found


def numbered(shapes: Any) -> list[np.ndarray]:
    starts = np.cumsum([0, *map(math.prod, shapes)])
    return [
        np.arange(start, start + math.prod(shape), dtype=np.int32).reshape(shape)
        for start, shape in zip(starts, shapes, strict=False)
    ]


def test_every_primitive_that_moves_elements_to_known_places_is_among_them() -> None:
    assert MOVES.keys() >= having("moves", "reindexes", "reads_at")
    assert {*CASES, *UNTRIED} == set(MOVES)


@pytest.mark.parametrize(("name", "case"), [(name, k) for name, cases in CASES.items() for k in range(len(cases))])
def test_origins_are_the_positions_that_jax_moves(name: str, case: int) -> None:
    f, shapes = CASES[name][case]
    with jax.enable_x64(True):
        equation, operands = evaluated(f, name, *numbered(shapes))
        count = 1 if name in having("reads_at") else len(operands)
        moved = numbered([np.shape(x) for x in operands[:count]])
        params = dict(equation.params)
        if name == "gather":
            params["fill_value"] = NOWHERE
        primitive = equation.primitive
        expected = primitive.bind(*moved, *operands[count:], **primitive.get_bind_params(params))
    expected = expected if primitive.multiple_results else [expected]
    results = [var.aval.shape for var in equation.outvars]
    found = origins(name, params, [x.shape for x in moved], results, [np.asarray(at) for at in operands[count:]])
    assert len(found) == len(expected)
    for own, one in zip(found, expected, strict=True):
        assert own.shape == np.shape(one) and np.array_equal(own, one)


@pytest.mark.parametrize(("name", "case"), [(name, k) for name, cases in WRITTEN.items() for k in range(len(cases))])
def test_targets_are_where_jax_writes(name: str, case: int) -> None:
    f, shape, updates = WRITTEN[name][case]
    zeros = jnp.zeros(shape)
    equation, operands = evaluated(f, name, zeros, jnp.ones(updates))
    places = operands[2:] if name == "dynamic_update_slice" else operands[1:2]
    shape_of_updates = np.shape(operands[1 if name == "dynamic_update_slice" else 2])
    found = targets(name, equation.params, shape, shape_of_updates, [np.asarray(at) for at in places])
    slopes = np.asarray(jax.jacfwd(f, argnums=1)(zeros, jnp.ones(updates)))
    expected = np.zeros((math.prod(shape), math.prod(updates)))
    for update, at in enumerate(found.ravel()):
        if at != NOWHERE:
            expected[at, update] = 1
    assert found.size == math.prod(updates)
    assert np.array_equal(slopes.reshape(expected.shape), expected)


def test_what_does_more_than_move_has_no_origins() -> None:
    with pytest.raises(KeyError):
        origins("sin", {}, [(3,)], [(3,)])
