"""The numeric column: what function values alone say of JAX's derivatives.

Function values are the reference's where there is one, since they come with bounds on their rounding; else the
function itself is run, in float64 where that is possible.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.budget import left, now, within
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.closed_forms import ClosedForms
from jaxdiff_magic.checking.differences import Batch, Column, directional
from jaxdiff_magic.checking.native import columns_of
from jaxdiff_magic.checking.points import batched
from jaxdiff_magic.checking.probes import Probes, Probing
from jaxdiff_magic.checking.rules import RuleName
from jaxdiff_magic.checking.sides import both_sides
from jaxdiff_magic.checking.slopes import (
    BoundedValues,
    Jacobian,
    random_direction,
    remainders_along,
    slope_of,
)
from jaxdiff_magic.engines.jax.values import Derivatives, Values
from jaxdiff_magic.engines.reference.bounded import EPS
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.reference.directions import Path, fingerprint, leaf_places
from jaxdiff_magic.report import Slope
from jaxdiff_magic.subject.leaves import Leaf

MAX_SLOPES = 16
"""Taylor remainders are shown for no more outputs (and entries of the gradient) than this. A choice of time and of
lines in a report."""
MAX_LEAVES = 6
"""Besides a direction in which all inputs move there is one for each leaf, while there are no more than this. A choice
of time: each direction takes a run for each step."""
SMOOTH_DIRECTIONS = 3
"""Along so many random directions a function with a choice at a tie is looked at from both sides. A choice: a bend is
not seen only along directions within its plane, where a random one almost never lies."""
SMOOTH_SECONDS = 1.0
"""So long it is looked at in any case. A choice: without it a tie stays undecided."""
MAX_BELOW = 20_000
"""Remainders of a derivative of which there are more entries than this one order below are left out. A choice of time
and memory: the derivative itself has as many for each input."""

RuleBlock = Callable[[Path], tuple[np.ndarray, np.ndarray]]
"""A block of one of JAX's rules at the user's point, and bounds on its rounding; may raise OutOfReach."""


class Numeric:
    """What function values say, as far as there is time.

    Args:
        derivatives: how JAX differentiates the function.
        reference: its derivatives by local rules; None where there are none, or they are not to be trusted.
        points: for each input leaf its values at the sampled points, float64.
        native: JAX's numbers at the first of them.
        eps: their relative rounding error.
        closed: the function's formulas, for points at which the chain rule gives no number.
        deadline: the instant (`budget.now`) after which nothing more is evaluated.
        another: outputs whose values are not those of the reference.
    """

    def __init__(
        self,
        derivatives: Derivatives,
        reference: Reference | None,
        points: Sequence[np.ndarray],
        native: Sequence[Values],
        eps: float,
        closed: ClosedForms,
        deadline: float,
        another: Set[int] = frozenset(),
    ) -> None:
        self.closed, self.another = closed, another
        self.derivatives, self.subject, self.reference = derivatives, derivatives.subject, reference
        self.points, self.native, self.eps, self.deadline = points, native, eps, deadline
        self.point = [batch[0] for batch in points]
        self._reached: dict[Path, bool] = {}
        self._functions: dict[Path, tuple[Callable[[Batch], Batch], float]] = {}
        self._wide: dict[str, Any] | None = None

    # Function values

    def _below(self, path: Path) -> tuple[BoundedValues, float]:
        """What a derivative of one order less than `path` gives at points, and the rounding error of the points."""
        above = path[:-1]
        reference = None if path[0] in self.another else self.reference
        if reference is not None and self._reaches(reference, above):

            def bounded(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
                found = reference.evaluate(above, batch, freeze=True)
                if len(above) > 1:
                    value = reference.evaluate(above[:1], batch, freeze=True).values
                    found = self.closed.completed(above, batch, found, value)
                return found.values, found.errors

            return bounded, EPS
        if above not in self._functions:
            self._functions[above] = batched(self.subject, self._one_order_below(path))
        function, eps = self._functions[above]

        def rounded(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
            (found,) = function(batch)
            return found, 4 * eps * np.abs(found)

        return rounded, eps

    def _reaches(self, reference: Reference, above: Path) -> bool:
        """Whether the reference has a derivative."""
        if above not in self._reached:
            try:
                reference.evaluate(above, [x[None] for x in self.point])
                self._reached[above] = True
            except OutOfReach:
                self._reached[above] = False
        return self._reached[above]

    def _one_order_below(self, path: Path) -> Callable[..., list[Any]]:
        output, *inputs = path
        if len(inputs) == 1:
            return lambda *leaves: [self.subject.flat(*leaves)[output]]
        transforms, order = self.derivatives.transforms, len(inputs) - 1
        name = {1: "reverse" if "reverse" in transforms else "forward", 2: "hessian"}.get(order, f"d{order}")

        def below(*leaves: Any) -> list[Any]:
            found = transforms[name](*leaves)[output]
            for position in inputs[:-1]:
                found = found[position]
            return [found]

        return below

    # Entry by entry

    def column(self, path: Path) -> Column | None:
        """The numeric column at the first points, by differences of the order below; None when there is no time."""
        values, eps = self._below(path)
        order = len(path) - 1
        alike = self.reference is None and order > 1  # of JAX's derivative, whose entries share their sums
        leaf, found = self.subject.inputs[path[-1]], []
        started = now()
        for point in zip(*[batch[: len(self.native)] for batch in self.points], strict=True):
            if found and (self.reference is not None or now() - started > 0.1 * self._left()):
                break
            along = []
            for direction in self._unit_directions(path[-1]):
                too_long = len(along) == 1 and (now() - started) * leaf.size > self._left()
                if self._left() <= 0 or (too_long and not found):
                    return None
                try:
                    along.append(directional(lambda batch: [values(batch)[0]], point, direction, eps, alike))
                except OutOfReach:
                    return None
            columns = ([getattr(d, part)[0] for d in along] for part in ("estimate", "error", "kink"))
            found.append([np.stack(c, axis=-1).reshape((*c[0].shape, *leaf.shape)) for c in columns])
        estimates, errors, kinks = (np.stack(parts) for parts in zip(*found, strict=True))
        return estimates, errors, kinks

    def _left(self) -> float:
        return left(self.deadline)

    def _unit_directions(self, position: int) -> Iterator[list[np.ndarray]]:
        """One direction for each element of an input leaf."""
        for element in np.ndindex(*self.subject.inputs[position].shape):
            direction = [np.zeros(leaf.shape) for leaf in self.subject.inputs]
            direction[position][element] = 1.0
            yield direction

    def is_smooth(self, path: Path, derivative: np.ndarray) -> bool:
        """Whether the order below has one slope along random directions, that which a derivative says.

        A choice at a tie that bends a function bends it along a random direction, so a few of them tell for
        all inputs at once.

        Args:
            path: of the derivative.
            derivative: its values at the user's point.
        """
        leaves, rng = self.subject.inputs, np.random.default_rng(self.subject.size)
        place = leaf_places([leaf.shape for leaf in leaves])[path[-1]]
        directions = np.zeros((SMOOTH_DIRECTIONS, self.subject.size))
        directions[:, place] = rng.standard_normal((SMOOTH_DIRECTIONS, leaves[path[-1]].size))
        values, _ = self._below(path)
        flat = derivative.reshape(-1, leaves[path[-1]].size)

        def below(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
            found, errors = values(batch)
            return found.reshape(len(found), -1), errors.reshape(len(found), -1)

        try:
            found = both_sides(below, self.point, directions, max(self.deadline, within(SMOOTH_SECONDS)))
        except OutOfReach:
            return False
        if len(found) < len(directions):  # there was no time
            return False
        for along, slopes in zip(directions[:, place], found, strict=True):
            expected, size = flat @ along, np.abs(flat) @ np.abs(along)
            for side in (slopes.left, slopes.right):
                if not np.all(np.abs(side.slope - expected) <= 10 * side.error + 1e-7 * size):
                    return False
        return True

    # Taylor remainders

    def slopes(self, rules: Mapping[RuleName, RuleBlock]) -> list[tuple[Path, Slope]]:
        """How the remainders of first and second derivatives fall along random directions, by path of what is derived.

        Args:
            rules: for "forward", "reverse" and "second"; modes that are not among them are judged by JAX's numbers.
        """
        found = []
        for slope in self._slopes(rules):
            found.append(slope)
            if self._left() <= 0:  # there is always time for one
                break
        return found

    def _slopes(self, rules: Mapping[RuleName, RuleBlock]) -> Iterator[tuple[Path, Slope]]:
        rng, leaves = np.random.default_rng(self.subject.size), self.subject.inputs
        names = ", ".join(leaf.name for leaf in leaves) if len(leaves) <= MAX_LEAVES else "all inputs"
        directions = [(f"a random direction of {names}", random_direction(self.point, rng))]
        if 1 < len(leaves) <= MAX_LEAVES:
            directions += [
                (f"a random direction of {leaf.name}", random_direction(self.point, rng, i))
                for i, leaf in enumerate(leaves)
            ]
        for what, above, derived in itertools.islice(self._derivatives(), MAX_SLOPES):
            modes: tuple[RuleName, ...] = ("second",) if what == "hessian" else ("forward", "reverse")
            for mode in modes:
                try:
                    values, eps = self._below((*above, 0))
                    jacobian = self._jacobian(above, mode, rules.get(mode))
                    for words, direction in directions[: 1 if mode == "second" else None]:
                        if jacobian is not None:
                            found = remainders_along(values, jacobian, self.point, direction, eps)
                            yield above, slope_of(found, what, derived, mode, words, eps)
                except OutOfReach:
                    continue

    def _derivatives(self) -> Iterator[tuple[str, Path, list[Leaf]]]:
        """What is differentiated: outputs, then blocks of the gradient, with their paths and leaves."""
        values, outputs = self.native[0], list(enumerate(self.subject.outputs))
        if values.jacobian is None or not self.subject.size:
            return
        first = "gradient" if self.subject.is_scalar else "jacobian"
        yield from ((first, (o,), [leaf]) for o, leaf in outputs if leaf.size)
        if values.hessian is not None and self.subject.output_size * self.subject.size <= MAX_BELOW:
            for (o, output), (i, leaf) in itertools.product(outputs, enumerate(self.subject.inputs)):
                if output.size and leaf.size:
                    yield "hessian", (o, i), [output, leaf]

    def _jacobian(self, above: Path, mode: str, rule: RuleBlock | None) -> Jacobian | None:
        """JAX's derivative of one output in one mode; None where there is none, or it is not finite."""
        paths = [(*above, i) for i in range(len(self.subject.inputs))]
        if rule is not None:
            blocks = [rule(path) for path in paths]
        else:
            columns = [columns_of(self.native[0], path)[mode == "reverse"] for path in paths]
            blocks = [(column, 4 * self.eps * np.abs(column)) for column in columns if column is not None]
        if len(blocks) < len(paths) or not all(np.isfinite(block).all() for block, _ in blocks):
            return None
        return Jacobian(*zip(*blocks, strict=True))

    # Large derivatives without a formula

    def probes(self, path: Path) -> dict[str, Probes]:
        """For each mode, what Taylor remainders say of a block without a formula; none where there is no time."""
        if len(path) > 3 or self.subject.output_size * self.subject.size > MAX_BELOW:
            return {}
        found, kept = {}, {}
        (function, eps), position = self._below(path), path[len(path) - 1]

        def values(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
            if (key := fingerprint(batch)) not in kept:
                kept[key] = function(batch)
            return kept[key]

        for mode in ("forward", "reverse") if len(path) == 2 else ("second",):
            blocks = self._in_float64(path[:-1], mode) if eps <= EPS else None
            jacobian = blocks or self._jacobian(path[:-1], mode, None)
            if jacobian is not None and self._left() > 0:
                rng = np.random.default_rng(self.subject.size)  # the same directions for both modes
                with contextlib.suppress(OutOfReach):
                    tried = Probing(values, jacobian, self.point, position, eps, self.deadline).probes(rng)
                    if tried is not None:
                        found[mode] = tried
        return found

    def in_float64(self, path: Path, mode: str) -> np.ndarray | None:
        """JAX's first derivative in float64, of a function in another dtype; None where it cannot be had."""
        if len(path) != 2 or self.eps <= EPS or self._left() <= 0:
            return None
        try:
            found = self._in_float64(path[:-1], mode)
        except (TypeError, ValueError):  # captured arrays or dtypes in the code that do not mix with float64
            return None
        return None if found is None else found.blocks[path[-1]]

    def _in_float64(self, above: Path, mode: str) -> Jacobian | None:
        """JAX's derivative in float64: in the function's own dtype it would hide what values in float64 can show."""
        transforms = self.derivatives.transforms
        name = {"second": "hessian"}.get(mode, mode)
        if name not in transforms or (mode == "second" and not self.subject.untraceable):
            return None  # compiling a second derivative once more would take too long
        if self._wide is None:
            self._wide = {}
        if name not in self._wide:
            with jax.enable_x64(True):
                leaves = [jnp.asarray(x, "float64") for x in self.point]
                transform = transforms[name] if self.subject.untraceable else jax.jit(transforms[name])
                self._wide[name] = jax.tree_util.tree_map(np.asarray, transform(*leaves))
        blocks = self._wide[name]
        for position in above:
            blocks = blocks[position]
        arrays = [np.asarray(block, np.float64) for block in blocks]
        if not all(np.isfinite(block).all() for block in arrays):
            return None
        return Jacobian(arrays, [16 * EPS * np.abs(block) for block in arrays])
