"""The table of a function's leaves: numbers of each, and where NaN, infinities and exact zeros begin that reach it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import tree_util

from jaxdiff_magic.base.budget import passed, within
from jaxdiff_magic.engines.jax.leaf_rows import bend_along, leaf_rows, spectrum_of
from jaxdiff_magic.engines.jax.replay import Played, Replayed, is_literal
from jaxdiff_magic.findings.nonfinite.origins import NO_PROGRAM, Origin, Origins, Program
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.report.leaves import Beginning, LeafRow, Leaves
from jaxdiff_magic.report.matrix_free import Estimate, Products
from jaxdiff_magic.subject.leaves import joined, matrix_of, parted
from jaxdiff_magic.subject.source import Location

MAKES_SMALL = ("mul", "div", "exp", "exp2", "pow", "integer_pow", "square")
"""What can make 0 by rounding of numbers that are not 0; sums cannot (Sterbenz: their result is exact there)."""
FOR_A_LINE = 2.0
"""Seconds that the search may take where something is not finite, also when the budget is spent: who sees a NaN needs
its line first. A choice: the 397 steps of a small transformer's gradient took 6 s on a machine with twice its work;
what the findings' own searches have compiled of them is not compiled again."""
NOT_REACHED = "nothing of it reaches the result"


def leaves_of(scene: Scene, products: Products | None, deadline: float) -> Leaves:
    """The table at the point.

    Args:
        scene: the function, what JAX gives, and the check.
        products: of its Hessian, where that was not built.
        deadline: the instant (`budget.now`) after which no product with the Hessian is begun.
    """
    subject, values = scene.subject, scene.values
    rows = leaf_rows(subject.inputs, subject.point, values.jacobian, scene.check.entries)
    found = Leaves(rows, tuple(_beginnings(scene, rows)))
    if not found.is_model or not subject.is_scalar or values.jacobian is None:
        return found
    gradient = values.jacobian[0]
    if values.hessian is not None:
        hessian = matrix_of(values.hessian[0], subject.inputs, subject.inputs)
        dtype = jnp.result_type(*gradient)
        product = parted((hessian @ joined(gradient)).astype(dtype), subject.inputs)
        along = bend_along(gradient, product)
        largest, trace = spectrum_of(hessian, float(jnp.finfo(dtype).eps))
        return replace(found, along=along, largest=largest, trace=trace)
    if products is None or products.largest is None:
        return found
    along = None if passed(deadline) else _bend(scene, gradient, products)
    return replace(found, along=along, largest=products.largest, trace=products.trace)


def _bend(scene: Scene, gradient: Sequence[Any], products: Products) -> Estimate | None:
    """The curvature along the gradient, by one product with the Hessian."""
    direction = tuple(x.astype(leaf.dtype) for x, leaf in zip(gradient, scene.subject.inputs, strict=True))
    return bend_along(gradient, tree_util.tree_leaves(products.hvp(direction)))


def _beginnings(scene: Scene, rows: Sequence[LeafRow]) -> Iterator[Beginning]:
    """Where what is wrong begins: of values that are not finite, else of gradients."""
    outputs = scene.subject.outputs
    broken = [not np.isfinite(np.asarray(value)).all() for value in scene.values.value]
    if any(broken) or any(row.nonfinite for row in rows):
        scene = replace(scene, deadline=max(scene.deadline, within(FOR_A_LINE)))
    origins = Origins(scene)
    forward: dict[Any, tuple[Origin, list[str]]] = {}
    for o, output in enumerate(outputs):
        if broken[o]:
            for origin in origins.of_value(o):
                forward.setdefault(origin.key, (origin, []))[1].append(output.name)
    yield from (_begun(origin, names) for origin, names in forward.values())
    if not forward:
        yield from _on_the_way_back(scene, origins, rows)


def _on_the_way_back(scene: Scene, origins: Origins, rows: Sequence[LeafRow]) -> Iterator[Beginning]:
    blocks = scene.values.jacobian
    if blocks is None:
        return
    program: Program = "reverse" if scene.values.reverse is not None else "forward"
    broken: dict[Any, tuple[Origin, list[str]]] = {}
    zero: dict[Any, tuple[Played | Replayed, list[str]]] = {}
    for i, row in enumerate(rows):
        if row.nonfinite:
            o, entry = next(
                (o, bad[0].tolist())
                for o, line in enumerate(blocks)
                if len(bad := np.argwhere(~np.isfinite(np.asarray(line[i]))))
            )
            rank = len(scene.subject.outputs[o].shape)
            for origin in origins.of_derivative(program, (o, entry[:rank]), (i, entry[rank:])):
                broken.setdefault((origin.key, origin.event), (origin, []))[1].append(row.name)
        elif row.zeros == 1.0 and program == "reverse":
            for key, place in _zero_from(scene, origins, i):
                zero.setdefault(key, (place, []))[1].append(row.name)
    yield from (_begun(origin, names) for origin, names in broken.values())
    yield from (_begun_zero(scene, place, names) for place, names in zero.values())


def _begun(origin: Origin, names: Sequence[str]) -> Beginning:
    way = "forward" if origin.program == "value" else "back"
    what = "nan" if origin.is_nan else "infinity"
    return Beginning(what, way, *_line(origin.location), origin.event, tuple(names))


def _line(location: Location) -> tuple[str, str]:
    return str(location), location.source


def _zero_from(scene: Scene, origins: Origins, i: int) -> list[tuple[Any, Played | Replayed]]:
    """The steps of the reverse program that make the gradient by one leaf 0 in every entry."""
    with contextlib.suppress(*NO_PROGRAM):
        run, position = origins.run_of("reverse", (0, (0,) * len(scene.subject.outputs[0].shape)), (i, ()))
        found = run.origins(run.results[position], _is_zero)
        return [(id(place) if isinstance(place, Played) else id(place.source), place) for place in found[:1]]
    return []


def _is_zero(array: np.ndarray) -> np.ndarray:
    return np.asarray(array.size > 0 and not array.any())


def _begun_zero(scene: Scene, place: Played | Replayed, names: Sequence[str]) -> Beginning:
    if isinstance(place, Replayed):
        return Beginning("zero", "back", "", "", _zero_data(scene, place), tuple(names))
    step = place.equation
    if not step.location.line:
        return Beginning("zero", "back", "", "", NOT_REACHED, tuple(names))
    operands = [np.asarray(operand.data) for operand in place.operands]
    small = step.primitive in MAKES_SMALL and bool(np.all(np.broadcast_arrays(*operands), axis=0).any())
    event = "" if step.primitive in having("moves") else step.primitive
    return Beginning("underflow" if small else "zero", "back", *_line(step.location), event, tuple(names))


def _zero_data(scene: Scene, value: Replayed) -> str:
    """Which of the reader's arrays is 0 in every entry."""
    if is_literal(value):
        return NOT_REACHED
    given = zip(scene.subject.inputs, scene.subject.point, strict=True)
    names = [leaf.name for leaf, array in given if array is value.data]
    name = names[0] if names else getattr(value.source, "name", "") or "an array that the function uses"
    return f"{name} is 0 in every entry"
