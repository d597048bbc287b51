"""Values and derivatives in the user's dtype, beside what they should be."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.jax.rule_traces import cotangent_trace, second_trace, tangent_trace
from jaxdiff_magic.engines.reference.arithmetic import mpmath
from jaxdiff_magic.engines.reference.digits import with_digits
from jaxdiff_magic.engines.reference.directions import Found, Path
from jaxdiff_magic.findings.digits.loss import DIGITS, MAX_LOSS_OPERATIONS
from jaxdiff_magic.findings.scene import Scene
from jaxdiff_magic.subject.trace import Trace

MAX_COMPARED_ENTRIES = 4096
"""Blocks with more entries are not looked at. A choice of time."""
INHERENT = 8.0
"""An error that is no larger than so many times what one rounding of the inputs does is nobody's fault. A choice of
three bits, as in the check."""


@dataclass(frozen=True)
class Compared:
    """A value or a derivative in the user's dtype, beside the reference.

    Attributes:
        path: which one.
        native: JAX's numbers, in the user's dtype.
        found: the reference's, with bounds.
    """

    path: Path
    native: np.ndarray
    found: Found

    @property
    def wide(self) -> np.ndarray:
        return self.native.astype(np.float64)

    def is_suspect(self, eps: float) -> bool:
        """Whether half the digits may be lost: against the reference, or because it cannot tell itself."""
        value, bound = self.found.values[0], self.found.errors[0]
        if self.found.at_tie[0] or not (np.isfinite(value).all() and np.isfinite(self.wide).all()):
            return False
        allowed = np.sqrt(eps) * np.max(np.abs(value), initial=0.0)
        return bool(np.max(np.abs(self.wide - value)) > allowed or np.max(bound) > allowed)


def blocks_of(scene: Scene, order: int) -> Iterator[Compared]:
    """The values, first or second derivatives that the check has compared already."""
    values, point = scene.values, scene.subject.exact_point
    inputs = range(len(scene.subject.inputs))
    assert scene.reference is not None
    for path in itertools.product(range(len(scene.subject.outputs)), *[inputs] * order):
        if order == 0:
            native: Any = values.value[path[0]]
        elif (nested := (None, values.jacobian, values.hessian)[order]) is None:
            return
        else:
            native = nested
            for position in path:
                native = native[position]
        native = np.asarray(native)
        if 0 < native.size <= MAX_COMPARED_ENTRIES and (found := scene.reference.known(path, point)):
            yield Compared(path, native, found)


@dataclass(frozen=True)
class Expected:
    """What a block should be.

    Attributes:
        values: float64, or objects with 50 digits.
        precise: whether the latter.
    """

    values: np.ndarray
    precise: bool

    def text(self, entry: tuple[int, ...]) -> str:
        return mpmath.nstr(self.values[entry], 20) or ""


def in_float64(scene: Scene, path: Path, point: Sequence[np.ndarray]) -> np.ndarray:
    """A block by the reference."""
    assert scene.reference is not None
    return scene.reference.evaluate(path, [x[None] for x in point]).values[0]


def in_digits(scene: Scene, path: Path, point: Sequence[np.ndarray]) -> np.ndarray:
    """A block with 50 digits.

    Raises:
        OutOfReach: see `with_digits`.
    """
    assert scene.trace is not None
    return with_digits(scene.trace, [path], point, DIGITS, MAX_LOSS_OPERATIONS)[path]


def is_inherent(
    scene: Scene, path: Path, error: float, eps: float, evaluate: Callable[[Scene, Path, Any], np.ndarray]
) -> bool:
    """Whether moving every input by one rounding moves a block about as far as it is wrong."""
    rng, point = np.random.default_rng(0), scene.subject.exact_point
    try:
        here = evaluate(scene, path, point)
        for draw in range(3):
            signs = [np.ones(x.shape) if draw == 0 else rng.choice([-1.0, 1.0], x.shape) for x in point]
            there = evaluate(scene, path, [x * (1 + eps * s) for x, s in zip(point, signs, strict=True)])
            if error <= INHERENT * float(np.max(np.abs(np.asarray(there - here).astype(np.float64)))):
                return True
    except OutOfReach:
        pass
    return False


def natural_size(scene: Scene, path: Path) -> float:
    """|f| / |x|, or / |x|² …: a derivative that is wrong by eps times this moves f by less than its own rounding."""
    output, *inputs = path
    sizes = [float(np.max(np.abs(scene.subject.exact_point[i]), initial=0.0)) or 1.0 for i in inputs]
    value = np.abs(np.asarray(scene.values.value[output]).astype(np.float64))
    with np.errstate(all="ignore"):  # tiny inputs
        return float(np.max(value, initial=0.0) / np.prod(sizes))


def program_of(scene: Scene, block: Compared, entry: tuple[int, ...]) -> tuple[Trace | None, list[Any]]:
    """The program that computes an entry in the user's dtype, and its arguments."""
    subject = scene.subject
    point = subject.native_point
    order = len(block.path) - 1
    if order == 0:
        return scene.trace, point
    o, *inputs = block.path
    parts, start = [], 0
    for leaf in (subject.outputs[o], *(subject.inputs[i] for i in inputs)):
        parts.append(entry[start : start + len(leaf.shape)])
        start += len(leaf.shape)

    def unit(leaves: Sequence[Any], which: int, place: tuple[int, ...]) -> list[Any]:
        return [
            jnp.zeros(leaf.shape, leaf.dtype).at[place].set(1) if k == which else jnp.zeros(leaf.shape, leaf.dtype)
            for k, leaf in enumerate(leaves)
        ]

    cotangents, tangents = unit(subject.outputs, o, parts[0]), unit(subject.inputs, inputs[-1], parts[-1])
    try:
        if order == 2:
            return second_trace(subject), [*point, *cotangents, *tangents]
        if scene.values.reverse is not None:
            return cotangent_trace(subject), [*point, *cotangents]
        return tangent_trace(subject), [*point, *tangents]
    except (TypeError, ValueError, NotImplementedError):
        return None, []
