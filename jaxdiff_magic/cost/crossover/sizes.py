"""The work of both modes for one function at several sizes: where to look, so that few sizes show where they cross."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jax import tree_util

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.cost.crossover.reach import reaches_all
from jaxdiff_magic.cost.crossover.resizing import Resized, resized
from jaxdiff_magic.cost.passes import Mode
from jaxdiff_magic.engines.jax.not_built import MAX_BUILT_ENTRIES
from jaxdiff_magic.engines.jax.values import equation_count
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import opened_trace

MODES: tuple[Mode, Mode] = ("forward", "reverse")
MOST_EQUATIONS = 300
"""Programs with more are not traced at other sizes: a loop that is written out grows with them. A choice of time."""
MOST_SIDE = 4096
"""No side of an array is made longer: a choice, beside `MAX_BUILT_ENTRIES`, of what is met in use."""
FACTOR = 4.0
"""How far, at least, the sizes reach to either side of those at the point. A choice: two doublings, over which a
crossing is of use to somebody."""


@dataclass(frozen=True)
class Size:
    """The work at one size.

    Attributes:
        factor: of the re-sized sides to those at the point, before rounding.
        inputs, outputs: numbers of scalars.
        forward, reverse: FLOPs.
        equations: of the function's program.
    """

    factor: float
    inputs: int
    outputs: int
    forward: int
    reverse: int
    equations: int

    @property
    def ratio(self) -> float:
        """Logarithm of forward to reverse: negative where forward mode does less."""
        return math.log(self.forward / self.reverse)


@dataclass(frozen=True)
class Family:
    """One function with some sides of its arguments re-sized, all by the same factor.

    Attributes:
        subject: the function, and its call.
        sides: the lengths that change.
        here: the work at the point.
        rises: whether forward mode, rather than reverse mode, falls behind as the sides grow.
        deadline: an instant of `budget.now` after which no further size is begun.
    """

    subject: Subject
    sides: tuple[int, ...]
    here: Size
    rises: bool
    deadline: float


class FixedSizeError(Exception):
    """A function cannot be traced at another size."""


def is_whole(subject: Subject, there: Resized | None = None) -> bool:
    """Whether all inputs matter, at the point or at another size, so that more of them are more of the same."""
    closed = subject.closed if there is None else there.closed
    return reaches_all(opened_trace(closed, subject), len(subject.inputs))


def sizes_of(family: Family) -> tuple[Size, ...]:
    """The work at no more than five sizes, in their order; () where not all inputs matter at larger ones.

    Raises:
        FixedSizeError: the function allows no larger ones.
    """
    found = [family.here]
    for factor in _factors(family, found):
        if passed(family.deadline):
            break
        try:
            size = _at(family, factor)
        except FixedSizeError:
            if factor > 1.0:
                raise
            continue
        if size is None and factor > 1.0:
            return ()
        if size is not None and all((size.inputs, size.outputs) != (one.inputs, one.outputs) for one in found):
            found.append(size)
            found.sort(key=lambda size: size.factor)
    return tuple(found)


def _factors(family: Family, found: Sequence[Size]) -> Iterator[float]:
    """Where to look next, after what was found so far.

    First twice as large; then as large and as small as it takes for the modes to cross if every pass costs the same,
    but by `FACTOR` at least; last where they seem to cross.
    """
    margin = math.exp(family.here.ratio if family.rises else -family.here.ratio)
    largest = _largest(family, max(FACTOR, 2 / margin))
    if largest >= 2.0:
        yield 2.0
        growth = found[-1].equations / family.here.equations
        if growth > 1.0:  # loops are written out
            largest = min(largest, 2 * MOST_EQUATIONS / found[-1].equations)
        if largest > 2.0:
            yield largest
    yield min(1 / FACTOR, 0.5 / margin)
    if len(found) > 1:
        yield _between(found)


def _largest(family: Family, wanted: float) -> float:
    """How far the sides may grow: no argument and no Jacobian gets more entries than one that would be built."""
    shapes = [np.shape(leaf) for leaf in tree_util.tree_leaves(family.subject.call.arguments)]
    while wanted >= 2.0:
        sides = _sides(family, wanted)
        entries = [math.prod(sides.get(side, side) for side in shape) for shape in shapes]
        grown = family.here.inputs * family.here.outputs * wanted
        if max(sides.values()) <= MOST_SIDE and max(*entries, grown) <= MAX_BUILT_ENTRIES:
            break
        wanted /= 2
    return wanted


def _between(found: Sequence[Size]) -> float:
    """The factor at which the modes seem to cross; in the middle of the widest gap where they do not."""
    gaps = list(pairwise(found))
    for one, other in gaps:
        if one.ratio * other.ratio < 0:
            return one.factor * (other.factor / one.factor) ** (one.ratio / (one.ratio - other.ratio))
    one, other = max(gaps, key=lambda gap: gap[1].factor / gap[0].factor)
    return math.sqrt(one.factor * other.factor)


def _at(family: Family, factor: float) -> Size | None:
    """Trace the function at a size and count its derivatives; None where not all inputs matter there, or no output."""
    try:
        there = resized(family.subject, _sides(family, factor))
        if not there.outputs or not is_whole(family.subject, there):
            return None
        forward, reverse = (there.jacobian(mode, family.subject.is_scalar).flops_most for mode in MODES)
    except Exception as error:  # the user's code may raise anything at a size that it was not made for
        raise FixedSizeError from error
    if not forward or not reverse:
        return None
    return Size(factor, there.inputs, there.outputs, forward, reverse, equation_count(there.closed.jaxpr))


def _sides(family: Family, factor: float) -> Mapping[int, int]:
    return {side: max(2, round(side * factor)) for side in family.sides}
