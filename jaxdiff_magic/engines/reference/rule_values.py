"""What the programs of JAX's own derivative rules give in float64, run along unit cotangents and tangents."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.bounded import EPS, Bounded
from jaxdiff_magic.engines.reference.directions import (
    MAX_RUN_NUMBERS,
    Blocks,
    Found,
    Path,
    coefficient,
    fingerprint,
    in_batches,
    laid_rows,
    largest,
    leaf_places,
    total_size,
)
from jaxdiff_magic.engines.reference.run import Diverges, Node, Run
from jaxdiff_magic.subject.trace import Trace


class NotLinear(OutOfReach):
    """A rule that is not linear in its cotangent or tangent, as one that clips gradients."""


class RuleValues:
    """What the program that JAX traced for a derivative gives along unit cotangents and tangents.

    Args:
        trace: its arguments are the function's leaves, then `cotangents` cotangents, then `tangents` tangents.
        inputs, outputs: shapes of the function's leaves and results.
        reverse: whether it takes cotangents.
        tangents: whether it takes tangents.
        literal_eps: rounding of the literals that JAX put into the rule, in the function's own dtype.
        rounds: as of `Run`.
        precise: whether to compute with as many digits as `precision` says, with the literals as they are rounded;
            linearity is then not tried.

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
        rounds: float = 0.0,
        precise: bool = False,
    ) -> None:
        self.trace, self.inputs, self.outputs, self.precise = trace, list(inputs), list(outputs), precise
        self.rounds = rounds
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
        key = fingerprint(points)
        if self._kept is None or self._kept[0] != key:
            with np.errstate(all="ignore"):
                self._kept = (key, *self._all(points))
        _, blocks, tie = self._kept
        return Found(*blocks[path], tie)

    @property
    def numbers(self) -> int:
        """The most numbers that one array has when every entry is asked for at one point."""
        seeds = total_size(self.outputs) + 2 if self.reverse else 1
        return seeds * (total_size(self.inputs) + 2 if self.tangents else 1) * self._largest

    def along(
        self, points: Sequence[np.ndarray], seeds: np.ndarray | None, units: np.ndarray | None
    ) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
        """What the rule gives along some cotangents and tangents, as it is: nothing is tried.

        Args:
            points: as in `evaluate`.
            seeds: cotangents, one a row, flat over all results; None where the rule takes none.
            units: likewise tangents, flat over all leaves.

        Returns:
            For each result of the rule values and bounds `(points, seeds, units, *shape)`, of the rows those that
            there are; and for each point whether a choice was at a tie there.
        """
        with np.errstate(all="ignore"):
            return self._swept(points, seeds, units)

    def _all(self, points: Sequence[np.ndarray]) -> tuple[Blocks, np.ndarray]:
        count = len(points[0])
        batch = max(1, MAX_RUN_NUMBERS // max(1, self.numbers))
        if self.numbers > MAX_RUN_NUMBERS:
            raise OutOfReach("it would take too long to evaluate")
        if not self._one_by_one:
            try:
                return in_batches(points, self._run, min(batch, count))
            except Diverges:
                self._one_by_one = True
        return in_batches(points, self._run, 1)

    def _run(self, points: Sequence[np.ndarray]) -> tuple[Blocks, np.ndarray]:
        rows = np.eye if self.precise else _with_trials
        seeds = rows(total_size(self.outputs)) if self.reverse else None
        units = rows(total_size(self.inputs)) if self.tangents else None
        raw, tie = self._swept(points, seeds, units)
        axis = 1
        for rows in (seeds, units):
            if rows is not None:
                raw = raw if self.precise else [_without_trials(pair, rows, axis) for pair in raw]
                axis += 1
        return self._arranged(raw), tie

    def _swept(
        self, points: Sequence[np.ndarray], seeds: np.ndarray | None, units: np.ndarray | None
    ) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
        batch_axes = 1 + (seeds is not None) + (units is not None)
        literal_eps = 0.0 if self.precise else self.literal_eps
        how = {"literal_eps": literal_eps, "rounds": self.rounds, "precise": self.precise, "as_written": True}
        run = Run(batch_axes, len(points[0]), taped=False, **how)
        laid = [
            np.asarray(p, float).reshape(len(p), *(1,) * (batch_axes - 1), *s)
            for p, s in zip(points, self.inputs, strict=True)
        ]
        arguments = [Node(Bounded(run.floating(x)), shape, True) for x, shape in zip(laid, self.inputs, strict=True)]
        for rows, shapes, axis in ((seeds, self.outputs, 1), (units, self.inputs, batch_axes - 1)):
            if rows is not None:
                directions = laid_rows(rows, shapes, axis, batch_axes)
                arguments += [Node(d, shape, True) for d, shape in zip(directions, shapes, strict=True)]
        results = run.trace(self.trace, arguments)
        shapes = self.inputs if self.reverse else self.outputs
        full = (len(points[0]), *(len(r) for r in (seeds, units) if r is not None))
        found = [coefficient(node.value, 0, (*full, *shape)) for node, shape in zip(results, shapes, strict=True)]
        return found, run.at_tie

    def _arranged(self, raw: Sequence[tuple[np.ndarray, np.ndarray]]) -> Blocks:
        of, to = leaf_places(self.outputs), leaf_places(self.inputs)
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
