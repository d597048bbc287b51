"""What a derivation gives at the points, and what it should: float64, each with a bound on its error."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import tree_util

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.decide import ROUNDINGS
from jaxdiff_magic.checking.sharper import GROSS, SAFETY, size_of
from jaxdiff_magic.engines.jax.values import Derivatives
from jaxdiff_magic.engines.reference.bounded import EPS, Bounded
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.reference.directions import Path, coefficient
from jaxdiff_magic.engines.reference.run import Diverges, Node, Run
from jaxdiff_magic.subject.leaves import kind
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Trace, trace_of

MAX_EAGER = 4
"""At how many points a derivation is run that JAX cannot trace. A choice of time: it runs operation by operation."""


@dataclass(frozen=True)
class Estimated:
    """What a derivation gives.

    Attributes:
        values: shape `(points, *shape)`, float64.
        errors: bounds on their rounding, of that shape.
        trace: its steps, with this one result; None where JAX cannot trace it.
    """

    values: np.ndarray
    errors: np.ndarray
    trace: Trace | None = None

    def mapped(self, f: Callable[[np.ndarray], np.ndarray]) -> Estimated:
        """Values moved or multiplied by `f`, which acts on one point's array; bounds with them."""
        parts = (np.stack([f(point) for point in part]) for part in (self.values, self.errors))
        values, errors = parts
        return Estimated(values, np.abs(errors), self.trace)


@dataclass(frozen=True)
class Right:
    """What a derivative is.

    Attributes:
        values: shape `(points, *output, *input)`, float64.
        tolerance: how far a right derivation may be from it, its own rounding apart.
        counts: for each point, whether it counts: no choice is at a tie there, and something is finite.
        by_jax: whether the values are only JAX's own.
    """

    values: np.ndarray
    tolerance: np.ndarray
    counts: np.ndarray
    by_jax: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape[1:]

    def near(self, mine: Estimated) -> Any:
        """Where a derivation of the right shape is right; everywhere that nothing can be said."""
        return self.small(mine.values - self.values[: len(mine.values)], mine.errors)

    def small(self, difference: np.ndarray, errors: np.ndarray | float) -> Any:
        """Where a difference is within rounding."""
        n = len(difference)
        with np.errstate(invalid="ignore"):
            off = ~(np.abs(difference) <= self.tolerance[:n] + SAFETY * errors) | ~np.isfinite(difference)
        counts = self.counts[:n].reshape(-1, *[1] * len(self.shape))
        told = np.isfinite(self.values[:n]) & np.isfinite(self.tolerance[:n]) & counts
        return ~(off & told)

    def hides(self, mine: Estimated, eps: float) -> bool:
        """Whether a derivation is met only because the tolerance is wide: it is visibly another number somewhere."""
        n = len(mine.values)
        counts = self.counts[:n].reshape(-1, *[1] * len(self.shape)) & np.isfinite(self.values[:n])
        with np.errstate(invalid="ignore"):
            off = np.abs(mine.values - self.values[:n]) > max(GROSS, ROUNDINGS * eps) * size_of(self.values)[:n]
        return bool(np.any(off & counts))

    def is_met(self, mine: Estimated) -> bool:
        """Whether a derivation of the right shape is right everywhere."""
        return mine.values.shape[1:] == self.shape and bool(self.near(mine).all())


def right_values(
    subject: Subject,
    reference: Reference | None,
    derivatives: Derivatives,
    path: Path,
    points: Sequence[np.ndarray],
    eps: float,
) -> Right:
    """A derivative at a batch of points: by local rules, or by JAX where these do not reach."""
    if reference is not None:
        with contextlib.suppress(OutOfReach):
            found = reference.evaluate(path, points)
            tolerance = SAFETY * found.errors * (eps / EPS) + _floor(found.values, eps)
            counts = ~found.at_tie & _any_finite(found.values)
            return Right(found.values, tolerance, counts)
    rows = []
    for k in range(min(MAX_EAGER, len(points[0]))):
        leaves = [batch[k].astype(leaf.dtype) for batch, leaf in zip(points, subject.inputs, strict=True)]
        rows.append(by_jax(derivatives, leaves, path))
    values = np.stack(rows)
    return Right(values, 8 * _floor(values, eps), _any_finite(values), by_jax=True)


def by_jax(derivatives: Derivatives, point: Sequence[Any], path: Path) -> np.ndarray:
    """JAX's numbers for a derivative at a point, float64.

    Raises:
        OutOfReach: JAX was not asked for derivatives of that order.
    """
    found = derivatives.at(point)
    nested = found.jacobian if len(path) == 2 else found.hessian
    if nested is None:
        raise OutOfReach("second derivatives were not asked for", "Ask with order=2.")
    for position in path:
        nested = nested[position]
    return np.asarray(nested, np.float64)


def _any_finite(values: np.ndarray) -> np.ndarray:
    return np.array([bool(np.isfinite(part).any()) for part in values])


def _floor(values: np.ndarray, eps: float) -> np.ndarray:
    """Some units in the last place of the largest entry at each point."""
    finite = np.where(np.isfinite(values), np.abs(values), 0.0).reshape(len(values), -1)
    largest = finite.max(axis=1, initial=0.0).reshape(-1, *[1] * (values.ndim - 1))
    return np.broadcast_to(8 * eps * largest + np.finfo(np.float32).tiny, values.shape)


def estimates(
    subject: Subject, reading: Callable[..., Any], count: int, points: Sequence[np.ndarray], eps: float
) -> list[Estimated]:
    """What one reading of a derivation gives at a batch of points.

    Args:
        subject: whose arguments it takes.
        reading: a function of the subject's arguments.
        count: how many arrays it should return.
        points: for each input leaf its values, `(points, *shape)`, float64.
        eps: of the subject's dtype, in which literals are.

    Raises:
        Exception: whatever the derivation raises.
    """
    function = subject.beside(lambda *args, **kwargs: _arrays(reading(*args, **kwargs), count))
    try:
        trace = trace_of(function, subject.point, subject)
        return _run(trace, points, eps)
    except (OutOfReach, jax.errors.JAXTypeError, TypeError, ValueError):
        return _eager(subject, function, points)  # such as NumPy's functions, or an `if`; its own errors come again


def _arrays(result: Any, count: int) -> list[jax.Array]:
    """The arrays of a result: one, also as nested lists of numbers, or the leaves of a pytree."""
    leaves = tree_util.tree_leaves(result)
    is_one = count == 1 and not isinstance(result, dict) and (len(leaves) != 1 or isinstance(result, (list, tuple)))
    arrays = [jnp.asarray(leaf) for leaf in ([result] if is_one else leaves)]
    if len(arrays) != count:
        raise ValueError(f"it gives {len(arrays)} arrays where the derivative has {count}")
    if wrong := next((array for array in arrays if kind(array) not in ("floating", "integer", "boolean")), None):
        raise TypeError(f"it gives numbers of dtype {wrong.dtype}, and the derivative is real")
    return [array if kind(array) == "floating" else array.astype(float) for array in arrays]


def _run(trace: Trace, points: Sequence[np.ndarray], eps: float) -> list[Estimated]:
    def run(batch: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
        started = Run(1, len(batch[0]), taped=False, literal_eps=eps)
        arguments = [Node(Bounded(np.asarray(p, float)), p.shape[1:], True) for p in batch]
        with np.errstate(all="ignore"):
            results = started.trace(trace, arguments)
        return [coefficient(node.value, 0, (len(batch[0]), *node.shape)) for node in results]

    try:
        found = run(points)
    except Diverges:
        rows = [run([batch[k : k + 1] for batch in points]) for k in range(len(points[0]))]
        found = [tuple(map(np.concatenate, zip(*parts, strict=True))) for parts in zip(*rows, strict=True)]
    alone = (replace(trace, outputs=(atom,)) for atom in trace.outputs)
    return [Estimated(values, errors, one) for (values, errors), one in zip(found, alone, strict=True)]


def _eager(subject: Subject, function: Callable[..., Any], points: Sequence[np.ndarray]) -> list[Estimated]:
    """At a few points, in the subject's dtype and in float64: what they differ by is rounding."""
    chosen = list(zip(*(batch[:MAX_EAGER] for batch in points), strict=True))

    def run(dtype: str | None) -> list[np.ndarray]:
        rows = [
            function(*(jnp.asarray(x, dtype or leaf.dtype) for x, leaf in zip(point, subject.inputs, strict=True)))
            for point in chosen
        ]
        return [np.stack([np.asarray(x, np.float64) for x in column]) for column in zip(*rows, strict=True)]

    own = wide = run(None)
    with contextlib.suppress(Exception), jax.enable_x64(True):
        wide = run("float64")
    if [x.shape for x in wide] != [x.shape for x in own]:
        wide = own
    return [Estimated(a, np.broadcast_to(_apart(a, b), a.shape)) for a, b in zip(wide, own, strict=True)]


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    with np.errstate(invalid="ignore"):
        apart = np.abs(a - b)
    return float(np.max(apart[np.isfinite(apart)], initial=0.0))
