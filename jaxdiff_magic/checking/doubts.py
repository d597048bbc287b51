"""Where the reference says nothing about a function: its value is not finite, or is not the reference's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.evidence import Tolerance
from jaxdiff_magic.checking.points import is_the_same
from jaxdiff_magic.checking.words import WORDS, Why
from jaxdiff_magic.engines.jax.values import Values
from jaxdiff_magic.engines.reference.directions import Found, Path
from jaxdiff_magic.subject.subject import Subject


@dataclass(frozen=True)
class Doubts:
    """What cannot be decided, whatever the derivatives are. Each output, and each element of it, stands for itself.

    Attributes:
        whole: why nothing of the function can be, or "".
        outputs: by position of an output why nothing of it can be.
        undefined: for each output where it has no finite value at the user's point.
    """

    whole: str = ""
    outputs: Mapping[int, str] = field(default_factory=dict)
    undefined: Sequence[np.ndarray] = ()

    @property
    def has_hole(self) -> bool:
        """Whether the function has no finite value somewhere."""
        return any(mask.any() for mask in self.undefined)

    def of(self, path: Path) -> str:
        """Why a block cannot be decided, or ""."""
        return self.whole or self.outputs.get(path[0], "")

    def without_value(self, path: Path, shape: tuple[int, ...]) -> np.ndarray | bool:
        """The entries of a block, of some shape, whose output has no value."""
        if not self.undefined or not self.undefined[path[0]].any():
            return False
        mask = self.undefined[path[0]]
        return np.broadcast_to(mask.reshape(mask.shape + (1,) * (len(shape) - mask.ndim)), shape)


def doubts_of(
    subject: Subject,
    native: Sequence[Values],
    found: Callable[[Path], Found] | None,
    tolerance: Tolerance,
) -> Doubts:
    """What is in doubt.

    Args:
        subject: the function.
        native: what it gives at the first points, the user's own first.
        found: its values there by the reference; None where there is none.
        tolerance: how far JAX's numbers may be from a value with a given rounding bound.
    """
    undefined = [~np.isfinite(np.asarray(value, np.float64)) for value in native[0].value]
    if undefined and all(mask.all() for mask in undefined):
        return Doubts(WORDS[Why.UNDEFINED], {}, undefined)
    if found is None:
        same = is_the_same(subject, native[0].value)
        return Doubts("" if same else "the function gives another value each time", {}, undefined)
    outputs = {}
    for o, leaf in enumerate(subject.outputs):
        try:
            by_steps = found((o,))
        except OutOfReach as error:
            return Doubts(error.reason, {}, undefined)
        if any(
            _is_another(np.asarray(values.value[o], np.float64), by_steps, k, tolerance, undefined[o])
            for k, values in enumerate(native)
        ):
            outputs[o] = f"the derivation does not reproduce the value of {leaf.name}"
    if outputs and not is_the_same(subject, native[0].value):
        return Doubts(next(iter(outputs.values())), {}, undefined)
    return Doubts("", outputs, undefined)


def _is_another(
    actual: np.ndarray,
    found: Found,
    k: int,
    tolerance: Tolerance,
    undefined: np.ndarray,
) -> bool:
    """Whether JAX's value at one point is clearly not the reference's."""
    value = found.values[k]
    with np.errstate(invalid="ignore"):
        off = np.abs(actual - value) > tolerance(value, found.errors[k])
    beyond = np.isnan(actual) & np.isfinite(value)  # outside the function's own domain
    return bool(np.any((off & np.isfinite(actual) | beyond) & ~undefined)) and not found.at_tie[k]
