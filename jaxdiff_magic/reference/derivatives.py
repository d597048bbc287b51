"""Derivatives of a trace at a batch of points, and what the programs of JAX's own rules give there, in float64.

`Reference` differentiates the function's trace with local rules; `RuleValues` only runs the program that JAX traced
for a derivative, along unit cotangents and tangents. Both return values with error bounds, axes `(points, output,
inputs…)`.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxdiff_magic.errors import OutOfReach
from jaxdiff_magic.reference.numbers import EPS, Bounded, Dual, Number, base
from jaxdiff_magic.reference.run import Diverges, Node, Run
from jaxdiff_magic.trace import Trace

MAX_NUMBERS = 4_000_000
"""No array of a run has more elements: points and directions are run in portions."""
MAX_PORTIONS = 4_000
"""A derivative that takes more portions than this is out of reach."""

Path = tuple[int, ...]
"""Which derivative: the output's position, then the input's position for each order of differentiation."""


@dataclass(frozen=True)
class Found:
    """Numbers with bounds, `(points, …)`, and for each point whether a choice stood on its border there."""

    values: np.ndarray
    errors: np.ndarray
    on_border: np.ndarray


Blocks = dict[Path, tuple[np.ndarray, np.ndarray]]
"""Values and bounds of derivatives, by path."""
Raw = dict[tuple[str, int], tuple[np.ndarray, np.ndarray]]
"""Values and bounds as sweeps leave them: "direction" and an input or output, "value" and an output, "adjoint" and an
input."""


class NotLinear(OutOfReach):
    """A rule that is not linear in its cotangent or tangent, as one that clips gradients."""


class Reference:
    """The derivatives of a function by local rules.

    Args:
        trace: of the function.

    Derivatives of order k are one reverse sweep over numbers with k - 1 infinitesimals, or, where there are more
    outputs than inputs, a forward sweep over numbers with k.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.inputs = [variable.shape for variable in trace.inputs]
        self.outputs = [atom.shape for atom in trace.outputs]
        self._largest = largest(trace)
        self._one_by_one = False
        self._kept: dict[tuple[int, bool, bytes], tuple[Blocks, np.ndarray]] = {}

    def evaluate(self, path: Path, points: Sequence[np.ndarray], hold: bool = False) -> Found:
        """A derivative at a batch of points.

        Args:
            path: which one; `(output,)` is the value.
            points: for each input leaf its values, shape `(points, *shape)`, float64.
            hold: whether what `stop_gradient` froze keeps the value that it has at the first point, so that
                differences between the points show the derivative that is meant.

        Raises:
            OutOfReach: names the primitive without a rule, and the user's line.
        """
        order, rest = len(path) - 1, (hold, _fingerprint(points))
        if (order, *rest) not in self._kept:
            while len(self._kept) > 12:
                self._kept.pop(next(iter(self._kept)))
            blocks, border = self._all(order, points, hold)
            for k in range(order + 1):  # a sweep of a higher order passes by the lower ones
                if any(len(known) == k + 1 for known in blocks):
                    self._kept.setdefault((k, *rest), (blocks, border))
        blocks, border = self._kept[(order, *rest)]
        return Found(*blocks[path], border)

    def along(self, points: Sequence[np.ndarray], *directions: np.ndarray) -> list[Found]:
        """For each output its derivative along some directions, one for each order.

        Args:
            points: as in `evaluate`.
            directions: each of shape `(inputs,)`: flat over all leaves.

        Returns:
            Arrays of shape `(points, *output)`.
        """
        rows = [direction[None] for direction in directions]
        with np.errstate(all="ignore"):
            blocks, border = self._portions(points, lambda part: self._forward(part, rows, False))
        count, along = len(points[0]), (blocks["direction", o] for o in range(len(self.outputs)))
        return [
            Found(values.reshape(count, *shape), errors.reshape(count, *shape), border)
            for (values, errors), shape in zip(along, self.outputs, strict=True)
        ]

    def product(self, path: Path, points: Sequence[np.ndarray], direction: np.ndarray) -> Found:
        """A first derivative's own derivative along a direction: the product of a Hessian and a vector.

        Args:
            path: (output, input).
            points: as in `evaluate`.
            direction: flat over all leaves, shape `(inputs,)`.

        Returns:
            Arrays of shape `(points, *output, *input)`.
        """
        output, i = path
        with np.errstate(all="ignore"):
            raw, border = self._portions(points, lambda part: self._reverse(part, None, [direction[None]], False), 1)
        of, shape = _places(self.outputs)[output], (len(points[0]), *self._block_shape(path))
        values, errors = (part[:, 0, of].reshape(shape) for part in raw["direction", i])
        return Found(values, errors, border)

    # All blocks of one order

    def _all(self, order: int, points: Sequence[np.ndarray], hold: bool) -> tuple[Blocks, np.ndarray]:
        n, m = _total(self.inputs), _total(self.outputs)
        if m == 0 or (n == 0 and order):
            empty = {path: 2 * (np.zeros((len(points[0]), *self._block_shape(path))),) for path in self._paths(order)}
            return empty, np.zeros(len(points[0]), bool)  # type: ignore[return-value]
        reverse = order > 0 and m <= n
        with np.errstate(all="ignore"):
            blocks, border = self._by_sweeps(order, points, hold, reverse)
            own = {path: pair for path, pair in blocks.items() if len(path) == order + 1}
            unknown = not all(np.isfinite(values).all() for values, _ in own.values())
            if unknown:
                blocks = own
            if reverse and unknown and n**order * self._largest <= MAX_NUMBERS:
                # a branch that is not taken spoils a reverse sweep (0 * inf), a forward sweep leaves it out
                forward, more = self._by_sweeps(order, points, hold, False)
                border = border | more
                for path, (values, errors) in blocks.items():
                    lost = ~np.isfinite(values)
                    blocks[path] = np.where(lost, forward[path][0], values), np.where(lost, forward[path][1], errors)
        return blocks, border

    def _by_sweeps(
        self, order: int, points: Sequence[np.ndarray], hold: bool, reverse: bool
    ) -> tuple[Blocks, np.ndarray]:
        """Portions of points and of directions, put together."""
        n, m = _total(self.inputs), _total(self.outputs)
        others = (m if reverse else 1) * n ** max(order - (2 if reverse else 1), 0) * self._largest
        width = max(1, min(n, MAX_NUMBERS // max(others, 1)))
        if reverse and order == 1:
            width = max(1, min(m, MAX_NUMBERS // self._largest))
        cut = m if reverse and order == 1 else n if order else 1
        if math.ceil(cut / width) * len(points[0]) > MAX_PORTIONS:
            raise OutOfReach("it would take too long to evaluate")
        portions = [slice(start, min(start + width, cut)) for start in range(0, cut, width)]
        batch = max(1, MAX_NUMBERS // max(1, others * min(width, cut)))

        def run(part: Sequence[np.ndarray]) -> tuple[Raw, np.ndarray]:
            found = [self._sweep(part, order, hold, reverse, portion) for portion in portions]
            if len(found) == 1:
                return found[0]
            whole = found[0][0]
            for key in [key for key in whole if key[0] == "direction"]:
                whole[key] = tuple(np.concatenate([raw[key][k] for raw, _ in found], axis=1) for k in (0, 1))  # type: ignore
            return whole, np.any([border for _, border in found], axis=0)

        raw, border = self._portions(points, run, 1 if hold else batch, keep_first=hold)
        return self._arranged(raw, order, reverse), border

    def _portions(
        self,
        points: Sequence[np.ndarray],
        run: Callable[[Sequence[np.ndarray]], tuple[Any, np.ndarray]],
        batch: int = 1 << 30,
        keep_first: bool = False,
    ) -> tuple[Any, np.ndarray]:
        """Points in portions; one by one where they take different branches."""
        count = len(points[0])
        if keep_first:  # frozen values are those of the first point: the batch may not be cut
            batch = count
        if not self._one_by_one:
            try:
                return self._in_batches(points, run, min(batch, count))
            except Diverges:
                self._one_by_one = True
        if keep_first:
            raise OutOfReach("points that take different branches cannot be compared with frozen values")
        return self._in_batches(points, run, 1)

    @staticmethod
    def _in_batches(
        points: Sequence[np.ndarray], run: Callable[[Sequence[np.ndarray]], tuple[Any, np.ndarray]], batch: int
    ) -> tuple[Any, np.ndarray]:
        found = [run([p[start : start + batch] for p in points]) for start in range(0, len(points[0]), batch)]
        if len(found) == 1:
            return found[0]
        joined = {key: tuple(np.concatenate([b[key][k] for b, _ in found]) for k in (0, 1)) for key in found[0][0]}
        return joined, np.concatenate([border for _, border in found])  # type: ignore[return-value]

    # One sweep

    def _sweep(
        self, points: Sequence[np.ndarray], order: int, hold: bool, reverse: bool, portion: slice
    ) -> tuple[Raw, np.ndarray]:
        """Derivatives along a portion of the unit directions (of the cotangents, in a plain gradient).

        Returns:
            Reverse: for each input `(points, cotangents, directions…, *input)` with the portioned axis moved to be the
            first after the points; forward: for each output likewise.
        """
        n = _total(self.inputs)
        every = slice(0, n)
        if not reverse:
            return self._forward(points, [_units(n, portion if k == 0 else every) for k in range(order)], hold)
        if order == 1:
            return self._reverse(points, _units(_total(self.outputs), portion), [], hold)
        return self._reverse(points, None, [_units(n, portion if k == 0 else every) for k in range(order - 1)], hold)

    def _reverse(
        self, points: Sequence[np.ndarray], seeds: np.ndarray | None, rows: Sequence[np.ndarray], hold: bool
    ) -> tuple[Raw, np.ndarray]:
        """A reverse sweep along some cotangents (None: all unit ones), over numbers with infinitesimals along rows."""
        seeds = np.eye(_total(self.outputs)) if seeds is None else seeds
        run = Run(1 + 1 + len(rows), len(points[0]), hold)
        inputs = self._seeded(points, rows, run.lead, first_axis=2)
        outputs = run.trace(self.trace, inputs)
        cotangents = zip(outputs, _rows(seeds, self.outputs, 1, run.lead), strict=True)
        adjoints = run.adjoints([(node, seed) for node, seed in cotangents if node.varies], inputs)
        found: Raw = {}
        lead = (len(points[0]), len(seeds), *(len(r) for r in rows))
        for i, shape in enumerate(self.inputs):
            values, errors = _coefficient(adjoints[i], len(rows), (*lead, *shape))
            if rows:
                values, errors = np.moveaxis(values, 2, 1), np.moveaxis(errors, 2, 1)
                if len(rows) == 1:
                    found["adjoint", i] = _value(adjoints[i], lead[:2], shape, run.lead)
            found["direction", i] = values, errors
        for o, shape in enumerate(self.outputs):
            found["value", o] = _value(outputs[o].value, (len(points[0]),), shape, run.lead)
        return found, run.on_border

    def _forward(self, points: Sequence[np.ndarray], rows: Sequence[np.ndarray], hold: bool) -> tuple[Raw, np.ndarray]:
        run = Run(1 + len(rows), len(points[0]), hold, taped=False)
        outputs = run.trace(self.trace, self._seeded(points, rows, run.lead, first_axis=1))
        lead = (len(points[0]), *(len(r) for r in rows))
        found: Raw = {}
        for o, shape in enumerate(self.outputs):
            found["direction", o] = _coefficient(outputs[o].value, len(rows), (*lead, *shape))
            found["value", o] = _value(outputs[o].value, (len(points[0]),), shape, run.lead)
        return found, run.on_border

    def _seeded(
        self, points: Sequence[np.ndarray], rows: Sequence[np.ndarray], lead: int, first_axis: int
    ) -> list[Node]:
        """The inputs, each with an infinitesimal along the rows of each set of directions."""
        along = [_rows(r, self.inputs, first_axis + k, lead) for k, r in enumerate(rows)]
        nodes = []
        for i, (point, shape) in enumerate(zip(points, self.inputs, strict=True)):
            value: Number = Bounded(np.asarray(point, float).reshape(len(point), *(1,) * (lead - 1), *shape))
            for k, directions in enumerate(along):
                value = Dual(k + 1, value, directions[i])
            nodes.append(Node(value, shape, True))
        return nodes

    # Blocks

    def _paths(self, order: int) -> Iterator[Path]:
        return itertools.product(range(len(self.outputs)), *[range(len(self.inputs))] * order)

    def _block_shape(self, path: Path) -> tuple[int, ...]:
        return sum((self.inputs[i] for i in path[1:]), tuple(self.outputs[path[0]]))

    def _arranged(self, raw: Raw, order: int, reverse: bool) -> Blocks:
        """Blocks `(points, *output, *inputs…)` out of what sweeps return, those of lower orders included."""
        of, to = _places(self.outputs), _places(self.inputs)
        blocks: Blocks = {(o,): raw["value", o] for o in range(len(self.outputs))}
        for o, i in itertools.product(range(len(self.outputs)), range(len(self.inputs))):
            if ("adjoint", i) in raw:
                shape = self._block_shape((o, i))
                blocks[o, i] = tuple(part[:, of[o]].reshape(len(part), *shape) for part in raw["adjoint", i])  # type: ignore
        for path in self._paths(order):
            output, *inputs = path
            pair = raw["direction", inputs[0] if reverse else output]

            def part(array: np.ndarray, output: int = output, inputs: Sequence[int] = inputs, path: Path = path):
                if reverse:
                    rest = inputs[1:]
                    if rest:  # (points, D1, S, D2 …, *input) -> S first
                        array = np.moveaxis(array, 2, 1)
                    array = array[(slice(None), of[output], *(to[i] for i in rest))]
                    k = len(self.inputs[inputs[0]])
                    order = [0, 1, *range(array.ndim - k, array.ndim), *range(2, 2 + len(rest))]
                    array = array.transpose(order)
                else:
                    array = array[(slice(None), *(to[i] for i in inputs))]
                    array = array.transpose([0, *range(1 + len(inputs), array.ndim), *range(1, 1 + len(inputs))])
                return array.reshape(len(array), *self._block_shape(path))

            blocks[path] = part(pair[0]), part(pair[1])
        return blocks


class RuleValues:
    """What the program that JAX traced for a derivative gives along unit cotangents and tangents.

    Args:
        trace: its arguments are the function's leaves, then `cotangents` cotangents, then `tangents` tangents.
        inputs, outputs: shapes of the function's leaves and results.
        reverse: whether it takes cotangents.
        tangents: whether it takes tangents.
        literal_eps: rounding of the literals that JAX put into the rule, in the function's own dtype.

    Being linear in its directions, it gives the Jacobian (or Hessian) that JAX would return; whether it is linear is
    tried along a random one.
    """

    def __init__(
        self,
        trace: Trace,
        inputs: Sequence[tuple[int, ...]],
        outputs: Sequence[tuple[int, ...]],
        reverse: bool,
        tangents: bool,
        literal_eps: float,
    ) -> None:
        self.trace, self.inputs, self.outputs = trace, list(inputs), list(outputs)
        self.reverse, self.tangents, self.literal_eps = reverse, tangents, literal_eps
        self._largest = largest(trace)
        self._one_by_one = False
        self._kept: tuple[bytes, Blocks, np.ndarray] | None = None

    def evaluate(self, path: Path, points: Sequence[np.ndarray]) -> Found:
        """As `Reference.evaluate`.

        Raises:
            NotLinear: the rule is not linear in its direction.
            OutOfReach: names the primitive without a rule.
        """
        key = _fingerprint(points)
        if self._kept is None or self._kept[0] != key:
            with np.errstate(all="ignore"):
                self._kept = (key, *self._all(points))
        _, blocks, border = self._kept
        return Found(*blocks[path], border)

    def _all(self, points: Sequence[np.ndarray]) -> tuple[Blocks, np.ndarray]:
        count = len(points[0])
        sizes = (_total(self.outputs) + 2 if self.reverse else 1) * (_total(self.inputs) + 2 if self.tangents else 1)
        batch = max(1, MAX_NUMBERS // max(1, sizes * self._largest))
        if sizes * self._largest > MAX_NUMBERS:
            raise OutOfReach("it would take too long to evaluate")
        if not self._one_by_one:
            try:
                return Reference._in_batches(points, self._run, min(batch, count))
            except Diverges:
                self._one_by_one = True
        return Reference._in_batches(points, self._run, 1)

    def _run(self, points: Sequence[np.ndarray]) -> tuple[Blocks, np.ndarray]:
        seeds = _with_trials(_total(self.outputs)) if self.reverse else None
        units = _with_trials(_total(self.inputs)) if self.tangents else None
        lead = 1 + (seeds is not None) + (units is not None)
        run = Run(lead, len(points[0]), taped=False, literal_eps=self.literal_eps)
        arguments = [
            Node(Bounded(np.asarray(p, float).reshape(len(p), *(1,) * (lead - 1), *shape)), shape, True)
            for p, shape in zip(points, self.inputs, strict=True)
        ]
        for rows, shapes, axis in ((seeds, self.outputs, 1), (units, self.inputs, lead - 1)):
            if rows is not None:
                directions = _rows(rows, shapes, axis, lead)
                arguments += [Node(d, shape, True) for d, shape in zip(directions, shapes, strict=True)]
        results = run.trace(self.trace, arguments)
        shapes = self.inputs if self.reverse else self.outputs
        full = (len(points[0]), *(len(r) for r in (seeds, units) if r is not None))
        raw = [_coefficient(node.value, 0, (*full, *shape)) for node, shape in zip(results, shapes, strict=True)]
        axis = 1
        for rows in (seeds, units):
            if rows is not None:
                raw = [_without_trials(pair, rows, axis) for pair in raw]
                axis += 1
        return self._arranged(raw), run.on_border

    def _arranged(self, raw: Sequence[tuple[np.ndarray, np.ndarray]]) -> Blocks:
        of, to = _places(self.outputs), _places(self.inputs)
        order = int(self.reverse) + int(self.tangents)
        blocks: Blocks = {}
        for path in itertools.product(range(len(self.outputs)), *[range(len(self.inputs))] * order):
            output, *inputs = path

            def part(array: np.ndarray, output: int = output, inputs: Sequence[int] = inputs) -> np.ndarray:
                own = self.inputs[inputs[0]] if self.reverse else self.outputs[output]
                index = [of[output]] if self.reverse else []
                index += [to[i] for i in (inputs[1:] if self.reverse else inputs)]
                array = array[(slice(None), *index)]
                n = len(index)
                inner = list(range(1 + n, 1 + n + len(own)))
                order = [0, 1, *inner, *range(2, 1 + n)] if self.reverse else [0, *inner, *range(1, 1 + n)]
                shape = sum((self.inputs[i] for i in inputs), tuple(self.outputs[output]))
                return array.transpose(order).reshape(len(array), *shape)

            source = raw[inputs[0] if self.reverse else output]
            blocks[path] = part(source[0]), part(source[1])
        return blocks


def _fingerprint(points: Sequence[np.ndarray]) -> bytes:
    return b"%d:" % len(points[0]) + b"".join(np.ascontiguousarray(p).tobytes() for p in points)


def largest(trace: Trace) -> int:
    """The most elements that one value of a trace has, those of its bodies included."""
    sizes = [math.prod(v.shape) for e in trace.equations for v in e.outputs]
    sizes += [math.prod(v.shape) for v in trace.inputs]
    return max([1, *sizes, *(largest(body) for e in trace.equations for body in e.bodies)])


def _total(shapes: Sequence[tuple[int, ...]]) -> int:
    return sum(map(math.prod, shapes))


def _units(n: int, which: slice) -> np.ndarray:
    """Some of the unit vectors of n dimensions, as rows."""
    return np.eye(which.stop - which.start, n, which.start)


def _places(shapes: Sequence[tuple[int, ...]]) -> list[slice]:
    ends = list(itertools.accumulate(map(math.prod, shapes), initial=0))
    return [slice(a, b) for a, b in itertools.pairwise(ends)]


def _rows(rows: np.ndarray, shapes: Sequence[tuple[int, ...]], axis: int, lead: int) -> list[Number]:
    """Directions, flat over all leaves, as a number for each leaf, laid along a lead axis."""
    return [
        Bounded(rows[:, place].reshape([len(rows) if a == axis else 1 for a in range(lead)] + list(shape)))
        for place, shape in zip(_places(shapes), shapes, strict=True)
    ]


def _coefficient(x: Number | None, order: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The coefficient of the product of all infinitesimals, and its bound."""
    for k in range(order, 0, -1):
        x = x.tangent if isinstance(x, Dual) and x.level == k else None
    if x is None:
        return np.zeros(shape), np.zeros(shape)
    found = base(x)
    error = np.zeros(()) if found.error is None else found.error
    data = np.real(found.data)
    return np.broadcast_to(data, shape), np.broadcast_to(error, shape)


def _value(x: Number | None, kept: tuple[int, ...], shape: tuple[int, ...], lead: int) -> tuple[np.ndarray, np.ndarray]:
    """The value alone and its bound, of its lead axes only the first ones kept: along the others it is the same."""
    if x is None:
        return np.zeros((*kept, *shape)), np.zeros((*kept, *shape))
    found = base(x)
    error = np.broadcast_to(0.0 if found.error is None else found.error, found.data.shape)
    first = (slice(None),) * len(kept) + (0,) * (lead - len(kept))
    values, errors = (np.broadcast_to(part[first], (*kept, *shape)) for part in (found.data, error))
    return np.real(values), errors


@functools.lru_cache(maxsize=64)
def _with_trials(n: int) -> np.ndarray:
    """Unit directions, then a random one and a multiple of it."""
    trial = np.random.default_rng(n).uniform(0.5, 2.0, n) * np.where(np.arange(n) % 2, 1.0, -1.0)
    return np.concatenate([np.eye(n), trial[None], -64.0 * trial[None]])


def _without_trials(pair: tuple[np.ndarray, np.ndarray], rows: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Results along unit directions, once those along the others are seen to be their linear combinations."""
    values, errors = (np.moveaxis(part, axis, 0) for part in pair)
    n = rows.shape[1]
    for trial, value, error in zip(rows[n:], values[n:], errors[n:], strict=True):
        expected = np.tensordot(trial, values[:n], 1)
        spread = np.tensordot(np.abs(trial), errors[:n] + 64 * EPS * np.abs(values[:n]), 1)
        apart = np.abs(value - expected) > 64 * (error + spread) + np.finfo(float).tiny
        if np.any(apart & np.isfinite(value) & np.isfinite(expected)):
            raise NotLinear("JAX's rule is not linear in its direction")
    return np.moveaxis(values[:n], 0, axis), np.moveaxis(errors[:n], 0, axis)
