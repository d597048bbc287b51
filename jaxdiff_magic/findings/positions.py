"""Positions outside their array: JAX clamps, drops or fills, and says nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxdiff_magic.engines.reference.watching import Seen, Watched
from jaxdiff_magic.findings.naming import Names
from jaxdiff_magic.findings.saying import count, listing, quoted
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.primitives.positions import window_sizes
from jaxdiff_magic.report import Finding
from jaxdiff_magic.subject.trace import Equation

CHECK_READS = "Check the index. A read in the mode 'fill' gives nan there instead of another element."
CHECK_WRITES = "Check the index, or clip it by hand to the array's length before it is used: JAX differentiates that."
CURES = {
    "clamped": CHECK_READS,
    "half": CHECK_READS,
    "filled": "Check the index; where the filling is meant, nothing is wrong.",
    "dropped": "Check the index; where dropping is meant, mode='drop' says so to the reader.",
    "moved": "Check the start; it may be at most the length less the size of the slice.",
}


@dataclass(frozen=True)
class Outside:
    """A position outside an array.

    Attributes:
        item: the step that used it.
        axis, length: of the array that was indexed.
        index: as the user wrote it, where that can be told.
        did: "clamped", "half" (clamped, but for reverse mode), "filled", "dropped" or "moved".
        instead: the position that was used, where there is one.
        size: of the window that begins there.
    """

    item: Seen
    axis: int
    length: int
    index: int
    did: str
    instead: int | None
    size: int


def find(scene: Scene) -> list[Finding]:
    """One finding for each source line that reads or writes outside an array."""
    lines: dict[tuple[Any, ...], list[Outside]] = {}
    for item in scene.seen:
        for outside in _outside(scene.names, item):
            place = item.step.location
            lines.setdefault((place.file, place.line, outside.axis, outside.did), []).append(outside)
    return [_finding(scene.names, found) for found in lines.values()]


def _finding(names: Names, found: list[Outside]) -> Finding:
    first = found[0]
    step = first.item.step
    array = names.array(first.item, 0)
    many = len(first.item.operands[0].data.shape) > 1
    axis = f"axis {first.axis} of " if many else ""
    others = sorted({o.index for o in found} - {first.index})
    also = f", and so {'is' if len(others) == 1 else 'are'} {listing([str(k) for k in others])}" if others else ""
    what = f"The index {first.index}" if first.size == 1 else f"A slice of {first.size} that begins at {first.index}"
    where = f"is outside {axis}{array or 'an array'}, which has {count(first.length, 'element')} there{also}"
    return Finding(
        kind="out-of-range-index",
        severity="warning",
        path=f"{array}[{first.index}]" if array and not many and first.size == 1 else array,
        where=str(step.location),
        message=f"{what}{quoted(step.location)} {where if many else where.replace(' there', '')}. "
        f"JAX raises no error: {_consequence(first, array or 'the array', axis)}",
        cure=CHECK_WRITES
        if first.did == "clamped" and first.item.primitive.startswith("scatter")
        else CURES[first.did],
    )


def _consequence(outside: Outside, array: str, axis: str) -> str:
    match outside.did:
        case "clamped":
            place = f"{outside.instead} of {axis.removesuffix(' of ')}" if axis else f"{outside.instead}"
            does = "writes to" if outside.item.primitive.startswith("scatter") else "reads"
            return f"it {does} element {place} instead, and value and derivative are those of that element."
        case "half":
            return (
                f"it reads element {outside.instead} instead, but reverse mode drops the read: jax.grad gives it "
                "the derivative 0, jax.jacfwd does not."
            )
        case "moved":
            return f"it moves the slice to begin at {outside.instead}."
        case "filled":
            return "it puts a filling there (nan, or the fill_value), with derivative 0."
    return f"it drops the update: {array} stays as it is, and the derivative of what was to be written is 0."


def _outside(names: Names, item: Seen) -> Iterator[Outside]:
    rule = RULES.get(item.primitive) if isinstance(item.step, Equation) else None
    if rule and item.operands[0].data.dtype.kind in "fc":
        yield from rule(names, item)


def _sliced(names: Names, item: Seen) -> Iterator[Outside]:
    """dynamic_slice and dynamic_update_slice: one start for each axis."""
    reads = item.primitive == "dynamic_slice"
    x, starts = item.operands[0], item.operands[1 if reads else 2 :]
    sizes = item.params["slice_sizes"] if reads else item.operands[1].data.shape
    for axis, (start, length, size) in enumerate(zip(starts, x.data.shape, sizes, strict=True)):
        at = int(start.data)
        if not 0 <= at <= length - size:
            instead = min(max(at, 0), length - size)
            did = "clamped" if size == 1 and reads else "moved"
            yield Outside(item, axis, length, _written(names, start, (), at), did, instead, int(size))


def _indexed(names: Names, item: Seen) -> Iterator[Outside]:
    """gather and the scatters: the last axis of the indices is over the axes that they index."""
    x, indices, params = item.operands[0], item.operands[1], item.params
    d, mode = params["dimension_numbers"], str(params["mode"]).upper()
    reads = item.primitive == "gather"
    axes = d.start_index_map if reads else d.scatter_dims_to_operand_dims
    sizes = params["slice_sizes"] if reads else window_sizes(params, x.data.shape, item.operands[2].data.shape)
    for component, axis in enumerate(axes):
        size, length = int(sizes[axis]), x.data.shape[axis]
        starts = indices.data[..., component]
        for index in map(tuple, np.argwhere((starts < 0) | (starts > length - size)).tolist()):
            at = int(starts[index])
            kept = "CLIP" in mode or (reads and "FILL" not in mode)
            did = "clamped" if "CLIP" in mode else "dropped" if not reads else "half" if kept else "filled"
            instead = min(max(at, 0), length - size) if kept else None
            yield Outside(item, axis, length, _written(names, indices, (*index, component), at), did, instead, size)


def _written(names: Names, value: Watched, index: tuple[int, ...], found: int) -> int:
    """An index as the user wrote it: before JAX added the length to what is negative."""
    made = names.producer(value)
    while made is not None and made.primitive in ("broadcast_in_dim", "reshape", "convert_element_type"):
        value = made.operands[0]
        index = index[: value.data.ndim]
        made = names.producer(value)
    if made is None or made.primitive != "select_n":
        return found
    which, plain, wrapped = made.operands
    element = index if plain.data.shape == value.data.shape and len(index) == plain.data.ndim else None
    if (
        element is None
        or int(np.broadcast_to(np.where(which.data, wrapped.data, plain.data), value.data.shape)[element]) != found
    ):
        return found
    return int(plain.data[element])


RULES: Mapping[str, Any] = {
    "dynamic_slice": _sliced,
    "dynamic_update_slice": _sliced,
    "gather": _indexed,
    **dict.fromkeys(
        [f"scatter{dash}" for dash in ("", *(s + k for s in "-_" for k in ("add", "sub", "mul", "min", "max")))],
        _indexed,
    ),
}
"""Primitive to the positions that it uses outside its array."""
