"""A rewritten function put to the test: finite at the point, and equal to the user's wherever that is finite."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.jax.values import Derivatives, Values, derivatives_of
from jaxdiff_magic.engines.reference.directions import Found
from jaxdiff_magic.findings.scene import Scene

NEARBY = 8
"""At how many points nearby a rewritten function is compared. A choice of time."""
ENOUGH = 3
"""With fewer it is not shown. A choice: one or two may be equal by accident, as where both are 0."""
DRAWS = 48
"""So many points are drawn, of which some have no finite derivative and do not count: a choice of time."""
CLOSE, CLOSER = 1e-3, 1e-5
"""How far off, relative to the point, limits are looked at; what tends to one is near at the first, or nearer at the
second. Choices: a hundred times nearer, what tends to one as its argument or as its root is nearer, too."""
FLOOR_ULP = 64
"""Differences below as many units in the last place of 1 are no evidence, for either side: a saturated function. A
choice of six bits."""
Key = tuple[Any, ...]
"""Kind of a block, then its path."""


@dataclass(frozen=True)
class Trial:
    """A rewritten function that passed.

    Attributes:
        compared: at how many points nearby it was found equal.
        values: its own at the point.
        chosen: its derivative at the point where that is not the limit of those nearby: the true one is infinite, or
            does not exist; None where there is no such entry.
    """

    compared: int
    values: Values
    chosen: float | None


def tried(scene: Scene, function: Callable[..., Any], order: int, is_smooth: bool) -> Trial | None:
    """The result of the test; None where the rewritten function fails it.

    Args:
        scene: of the user's function.
        function: rewritten.
        order: up to which derivatives are compared: 1, or 2.
        is_smooth: whether derivatives at the point must be the limits of those nearby.
    """
    subject = scene.subject.with_function(function)
    try:
        derivatives = derivatives_of(subject, order)
        here = derivatives.at(subject.point)
    except Exception:  # whatever the rewritten line raises: it is no cure
        return None
    if set(_blocks(here, order)) != set(_blocks(scene.values, order)):
        return None
    unknown = _right_here(scene, here, order)
    if unknown is None:
        return None
    off = _off_limits(scene, derivatives, here, unknown, order)
    if any(key[0] == "value" or has_limit for key, _, has_limit in off) or (off and is_smooth):
        return None
    compared = 0
    for leaves in _nearby(scene):
        if compared == NEARBY or passed(scene.deadline):
            break
        yours = _known(scene, _blocks(scene.derivatives.at(leaves), order), leaves)
        if not all(np.isfinite(block).all() for block in yours.values()):
            continue
        mine = _blocks(derivatives.at(leaves), order)
        equal = [_is_right(scene, key, mine[key], yours[key], leaves) for key in yours]
        if False in equal:
            return None
        compared += all(equal)
    return Trial(compared, here, off[0][1] if off else None) if compared >= ENOUGH else None


def _blocks(values: Values, order: int) -> dict[Key, np.ndarray]:
    """Every array of a point's derivatives, by its kind and place."""
    found: dict[Key, np.ndarray] = {("value", o): np.asarray(v) for o, v in enumerate(values.value)}
    firsts = [("forward", values.forward), ("reverse", values.reverse)]
    for name, nested in firsts:
        for o, row in enumerate(nested or ()):
            found |= {(name, o, i): np.asarray(block) for i, block in enumerate(row)}
    if order > 1:
        for o, rows in enumerate(values.hessian or ()):
            found |= {("hessian", o, i, j): np.asarray(b) for i, row in enumerate(rows) for j, b in enumerate(row)}
    return found


def _known(scene: Scene, blocks: dict[Key, np.ndarray], leaves: Sequence[Any]) -> dict[Key, np.ndarray]:
    """What the user's function gives, with the derivatives by local rules where JAX's are not finite."""
    found = dict(blocks)
    for key, block in blocks.items():
        if key[0] != "value" and not np.isfinite(block).all() and np.isfinite(blocks["value", key[1]]).all():
            truth = found_by_rules(scene, key[1:], leaves)
            if truth is not None and not truth.at_tie[0]:
                found[key] = np.where(np.isfinite(block), block, truth.values[0]).astype(block.dtype)
    return found


def _is_right(scene: Scene, key: Key, mine: np.ndarray, yours: np.ndarray, leaves: Sequence[Any]) -> bool | None:
    """Whether a block is what the user's function gives, rounding aside; None where rounding hides it."""
    if _close(mine, yours):
        return True
    truth = found_by_rules(scene, key[1:], leaves)
    if truth is not None and np.isfinite(truth.values).all():
        yours = truth.values[0]
        if _close(mine, yours):
            return True
    return None if _close(mine, yours, floor=FLOOR_ULP * float(jnp.finfo(mine.dtype).eps)) else False


def _close(mine: np.ndarray, other: np.ndarray, where: np.ndarray | None = None, floor: float = 0.0) -> bool:
    """Equal within what rounding may do to either form: half of the digits of the dtype."""
    limits = jnp.finfo(mine.dtype)
    chosen = np.ones(mine.shape, bool) if where is None else where
    a, b = mine.astype(np.float64)[chosen], other.astype(np.float64)[chosen]
    scale = max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0))
    return bool(np.all(np.abs(a - b) <= 4 * np.sqrt(float(limits.eps)) * scale + floor + float(limits.tiny)))


def _right_here(scene: Scene, here: Values, order: int) -> dict[Key, np.ndarray] | None:
    """Masks of the entries that nothing is known of; None where one is not finite, or not the right one."""
    yours, unknown = _blocks(scene.values, order), {}
    for key, block in _blocks(here, order).items():
        if not np.isfinite(block).all():
            return None
        truth, known = found_by_rules(scene, key[1:], scene.subject.point), yours[key]
        if key[0] != "value":  # no derivative where there is no value
            value = np.isfinite(yours["value", key[1]])
            known = np.where(value.reshape((*value.shape, *[1] * (known.ndim - value.ndim))), known, np.nan)
        if truth is not None and not truth.at_tie[0]:
            known = np.where(np.isfinite(truth.values[0]), truth.values[0], known)
        elif truth is not None and key[0] != "hessian":  # at a tie it is the derivative of the branch that is taken
            known = np.where(np.isfinite(known), known, truth.values[0])
        if not _close(block, known, np.isfinite(known)):
            return None
        unknown[key] = ~np.isfinite(known)
    return unknown


def found_by_rules(scene: Scene, path: tuple[int, ...], leaves: Sequence[Any]) -> Found | None:
    """A derivative at a point by local rules in float64; None where there are none."""
    if scene.reference is None:
        return None
    points = [np.asarray(x, np.float64)[None] for x in leaves]
    with contextlib.suppress(OutOfReach):
        return scene.reference.evaluate(path, points)
    return None


def _off_limits(
    scene: Scene, derivatives: Derivatives, here: Values, unknown: dict[Key, np.ndarray], order: int
) -> list[tuple[Key, float, bool]]:
    """The entries among some that are not the limits of those nearby: the number that they have, and whether all ways
    to the point have one limit, so that this is the derivative and the number is wrong."""
    if not any(mask.any() for mask in unknown.values()):
        return []
    found: list[tuple[Key, float, bool]] = []
    sides = [[derivatives.at(_moved(scene, side * size)) for size in (CLOSE, CLOSER)] for side in (1.0, -1.0)]
    sides = [side for side in sides if all(np.isfinite(np.asarray(v)).all() for values in side for v in values.value)]
    # where no side is left, the domain ends at the point
    for key, mask in unknown.items():
        at = np.asarray(_blocks(here, order)[key], np.float64)[mask]
        ways = [[_blocks(values, order)[key].astype(np.float64)[mask] for values in side] for side in sides]
        off = np.zeros(at.shape, bool)
        for near, nearer in ways:
            before, after = np.abs(at - near), np.abs(at - nearer)
            off |= ~((np.minimum(before, after) <= 1e-3 * np.maximum(1, np.abs(at))) | (after <= 0.2 * before))
        limit = ways[0][1] if ways else at
        agree = np.ones(at.shape, bool)
        for near, nearer in ways:  # a limit is approached, and the same from every side
            scale = np.maximum(1, np.abs(limit))
            agree &= (np.abs(nearer - limit) <= CLOSE * 10 * scale) & (np.abs(near - nearer) <= 0.1 * scale)
        found += [(key, float(value), bool(same)) for value, same in zip(at[off], agree[off], strict=True)][:8]
    return found


def _moved(scene: Scene, size: float) -> list[Any]:
    """The point, moved a little, and by different amounts in all its elements."""
    rng, moved = np.random.default_rng(1), []
    for x, leaf in zip(scene.subject.point, scene.subject.inputs, strict=True):
        data = np.asarray(x, np.float64)
        step = size * np.maximum(np.abs(data), 1) * rng.uniform(0.5, 1, data.shape)
        moved.append(jnp.asarray(data + step, leaf.dtype))
    return moved


def _nearby(scene: Scene) -> Iterator[Sequence[Any]]:
    """Points around the user's: near and far, to both sides, and towards 0 where that overflows less."""
    rng = np.random.default_rng(0)
    sides = (lambda r: r, np.abs, lambda r: -np.abs(r))
    for k, (size, side) in zip(range(DRAWS), itertools.cycle(itertools.product((0.1, 1.0, 0.01), sides)), strict=False):
        leaves = []
        for x, leaf in zip(scene.subject.point, scene.subject.inputs, strict=True):
            data = np.nan_to_num(np.asarray(x, np.float64))
            data = data * rng.uniform(0, 0.2) if k % 2 else data
            moved = data + size * np.maximum(np.abs(data), 1) * side(rng.standard_normal(data.shape))
            leaves.append(jnp.asarray(moved, leaf.dtype))
        yield leaves
