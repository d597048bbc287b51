"""Directions laid along batch axes, and what runs give along them: the bookkeeping that derivatives share."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxdiff_magic.engines.reference.bounded import Bounded, Dual, Number, base
from jaxdiff_magic.subject.trace import Trace

MAX_RUN_NUMBERS = 4_000_000
"""No array of a run has more elements: points and directions are run in portions. A choice of memory: 32 MB in float64
for each array."""


Path = tuple[int, ...]
"""Which derivative: the output's position, then the input's position for each order of differentiation."""


@dataclass(frozen=True)
class Found:
    """Numbers with bounds, `(points, …)`, and for each point whether a choice was at a tie there."""

    values: np.ndarray
    errors: np.ndarray
    at_tie: np.ndarray


Blocks = dict[Path, tuple[np.ndarray, np.ndarray]]
"""Values and bounds of derivatives, by path."""


Raw = dict[tuple[str, int], tuple[np.ndarray, np.ndarray]]
"""Values and bounds as sweeps leave them: "direction" and an input or output, "value" and an output, "adjoint" and an
input."""


def fingerprint(points: Sequence[np.ndarray]) -> bytes:
    """What tells one batch of points from another."""
    return b"%d:" % len(points[0]) + b"".join(np.ascontiguousarray(p).tobytes() for p in points)


def starts_at(kept: bytes, point: Sequence[np.ndarray]) -> bool:
    """Whether a fingerprint is that of a batch whose first point is this one."""
    count, _, data = kept.partition(b":")
    place = 0
    for x in point:
        own = np.ascontiguousarray(x, np.float64).tobytes()
        if data[place : place + len(own)] != own:
            return False
        place += int(count) * len(own)
    return True


def largest(trace: Trace) -> int:
    """The most elements that one value of a trace has, those of its bodies included."""
    sizes = [math.prod(v.shape) for e in trace.equations for v in e.outputs]
    sizes += [math.prod(v.shape) for v in trace.inputs]
    return max([1, *sizes, *(largest(body) for e in trace.equations for body in e.bodies)])


def total_size(shapes: Sequence[tuple[int, ...]]) -> int:
    """Number of elements of several arrays."""
    return sum(map(math.prod, shapes))


def unit_rows(n: int, which: slice) -> np.ndarray:
    """Some of the unit vectors of n dimensions, as rows."""
    return np.eye(which.stop - which.start, n, which.start)


def leaf_places(shapes: Sequence[tuple[int, ...]]) -> list[slice]:
    """Where each of several arrays stands once they are flat and joined."""
    ends = list(itertools.accumulate(map(math.prod, shapes), initial=0))
    return [slice(a, b) for a, b in itertools.pairwise(ends)]


def laid_rows(rows: np.ndarray, shapes: Sequence[tuple[int, ...]], axis: int, batch_axes: int) -> list[Number]:
    """Directions, flat over all leaves, as a number for each leaf, laid along a batch axis."""
    return [
        Bounded(rows[:, place].reshape([len(rows) if a == axis else 1 for a in range(batch_axes)] + list(shape)))
        for place, shape in zip(leaf_places(shapes), shapes, strict=True)
    ]


def coefficient(x: Number | None, order: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The coefficient of the product of all infinitesimals, and its bound."""
    for k in range(order, 0, -1):
        x = x.tangent if isinstance(x, Dual) and x.level == k else None
    if x is None:
        return np.zeros(shape), np.zeros(shape)
    found = base(x)
    error = np.zeros(()) if found.error is None else found.error
    data = np.real(found.data)
    return np.broadcast_to(data, shape), np.broadcast_to(error, shape)


def in_batches(
    points: Sequence[np.ndarray], run: Callable[[Sequence[np.ndarray]], tuple[Any, np.ndarray]], batch: int
) -> tuple[Any, np.ndarray]:
    """What a run gives at points taken some at a time, put together."""
    found = [run([p[start : start + batch] for p in points]) for start in range(0, len(points[0]), batch)]
    if len(found) == 1:
        return found[0]
    joined = {key: tuple(np.concatenate([b[key][k] for b, _ in found]) for k in (0, 1)) for key in found[0][0]}
    return joined, np.concatenate([tie for _, tie in found])  # type: ignore[return-value]


def paths(inputs: Sequence[tuple[int, ...]], outputs: Sequence[tuple[int, ...]], order: int) -> Iterator[Path]:
    """Of all derivatives of one order."""
    return itertools.product(range(len(outputs)), *[range(len(inputs))] * order)


def block_shape(path: Path, inputs: Sequence[tuple[int, ...]], outputs: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape of a derivative."""
    return sum((inputs[i] for i in path[1:]), tuple(outputs[path[0]]))


def arranged(
    raw: Raw, leaves: Sequence[tuple[int, ...]], results: Sequence[tuple[int, ...]], order: int, reverse: bool
) -> Blocks:
    """Blocks `(points, *output, *inputs…)` out of what sweeps return, of leaves and results of some shapes."""
    of, to = leaf_places(results), leaf_places(leaves)
    blocks: Blocks = {(o,): raw["value", o] for o in range(len(results))}
    for o, i in itertools.product(range(len(results)), range(len(leaves))):
        if ("adjoint", i) in raw:
            shape = block_shape((o, i), leaves, results)
            blocks[o, i] = tuple(part[:, of[o]].reshape(len(part), *shape) for part in raw["adjoint", i])  # type: ignore[assignment]
    for path in paths(leaves, results, order):
        output, *inputs = path
        pair = raw["direction", inputs[0] if reverse else output]

        def part(array: np.ndarray, output: int = output, inputs: Sequence[int] = inputs, path: Path = path):
            if reverse:
                rest = inputs[1:]
                if rest:  # (points, D1, S, D2 …, *input) -> S first
                    array = np.moveaxis(array, 2, 1)
                array = array[(slice(None), of[output], *(to[i] for i in rest))]
                k = len(leaves[inputs[0]])
                order = [0, 1, *range(array.ndim - k, array.ndim), *range(2, 2 + len(rest))]
                array = array.transpose(order)
            else:
                array = array[(slice(None), *(to[i] for i in inputs))]
                array = array.transpose([0, *range(1 + len(inputs), array.ndim), *range(1, 1 + len(inputs))])
            return array.reshape(len(array), *block_shape(path, leaves, results))

        blocks[path] = part(pair[0]), part(pair[1])
    return blocks


def value_of(
    x: Number | None, kept: tuple[int, ...], shape: tuple[int, ...], batch_axes: int
) -> tuple[np.ndarray, np.ndarray]:
    """The value alone and its bound, of its batch axes only the first ones kept: along the others it is the same."""
    if x is None:
        return np.zeros((*kept, *shape)), np.zeros((*kept, *shape))
    found = base(x)
    error = np.broadcast_to(0.0 if found.error is None else found.error, found.data.shape)
    first = (slice(None),) * len(kept) + (0,) * (batch_axes - len(kept))
    values, errors = (np.broadcast_to(part[first], (*kept, *shape)) for part in (found.data, error))
    return np.real(values), errors
