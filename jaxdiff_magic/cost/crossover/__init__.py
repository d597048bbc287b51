"""Which mode does less work here, and from which size on it is the other one: by a rule, and counted at other sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from jaxdiff_magic.base.budget import within
from jaxdiff_magic.base.units import duration
from jaxdiff_magic.cost.counting import Count
from jaxdiff_magic.cost.crossover.resizing import held_sides
from jaxdiff_magic.cost.crossover.sizes import MODES, MOST_EQUATIONS, Family, FixedSizeError, Size, is_whole, sizes_of
from jaxdiff_magic.engines.jax.values import equation_count
from jaxdiff_magic.report.cost_figures import Crossover, about
from jaxdiff_magic.subject.source import captured, captured_name
from jaxdiff_magic.subject.subject import Subject

MOST_SECONDS = 0.3
"""After that no further size is begun. A choice: it is a figure beside the answer, and not worth more."""
FEWEST_SIZES = 3
"""A choice: two points are always on a line."""
TIE = 1.05
"""Where the work of both modes is within this ratio at all sizes, neither does less. A choice: less than can be
measured (`SMALLEST_RATIO` in `measuring.py`)."""
WORTH_SCALING = 100e-6
"""A program that takes fewer seconds is not scaled: most of that is the call, which does not grow with the work. A
choice: a call of the smallest compiled program took 8 µs when it was tried, one with more arrays takes more."""


def rule_of_thumb(forward_pass_seconds: float, reverse_pass_seconds: float, n: int, m: int) -> str:
    """A rule of thumb in words: which mode wins here, and where the other one begins to.

    n passes forward take as long as m passes in reverse where n times the seconds of the one is m times those of the
    other. As if every pass took the same time: passes that run side by side often take less.

    Args:
        forward_pass_seconds, reverse_pass_seconds: of one Jacobian-vector and one vector-Jacobian product, > 0.
        n, m: scalar inputs and outputs, at least 1.

    Example:
        >>> rule_of_thumb(1e-6, 2e-6, 15, 1)
        'A forward pass takes 1 µs, a reverse pass 2 µs: with 15 inputs, reverse mode wins until m > 7 outputs.'
    """
    forward, reverse = n * forward_pass_seconds, m * reverse_pass_seconds
    passes = f"A forward pass takes {duration(forward_pass_seconds)}, a reverse pass {duration(reverse_pass_seconds)}"
    if math.isclose(forward, reverse, rel_tol=1e-9):
        return f"{passes}: with {_count(n, 'input')} and {_count(m, 'output')}, both modes take as long."
    if reverse < forward:
        most = _most(forward / reverse_pass_seconds)
        return f"{passes}: with {_count(n, 'input')}, reverse mode wins until m > {_count(most, 'output')}."
    most = _most(reverse / forward_pass_seconds)
    return f"{passes}: with {_count(m, 'output')}, forward mode wins until n > {_count(most, 'input')}."


def _most(limit: float) -> int:
    """The largest count that stays on this side of the limit, or on it, but for rounding."""
    nearest = round(limit)
    return nearest if math.isclose(limit, nearest, rel_tol=1e-9) else math.floor(limit)


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def crossovers(
    subject: Subject, counts: Mapping[str, Count], times: Mapping[str, np.ndarray], deadline: float
) -> tuple[tuple[Crossover, ...], str]:
    """Both modes at other sizes of the arguments: as the inputs become more, and as the outputs do.

    Sides of one length are one side, in all arguments, those that are held fixed among them. The inputs grow by the
    sides of the differentiated arguments, the outputs by those that only others have. For either, the function is
    traced at no more than four other sizes, which calls it as often; once where it does not allow another size.

    Args:
        subject: what is differentiated.
        counts: of its programs, those named "jacobian forward" and "jacobian reverse" among them.
        times: seconds of each round, measured at the point, by mode.
        deadline: an instant of `budget.now` after which no further size is begun.

    Returns:
        What was found; and which captured arrays keep the sizes from changing, in a sentence, or "".
    """
    known = [counts.get(f"jacobian {mode}") for mode in MODES]
    if subject.untraceable or subject.is_large or any(count is None or count.unknown for count in known):
        return (), ""
    forward, reverse = (count.flops_most for count in known if count is not None)
    equations = equation_count(subject.closed.jaxpr)
    if not forward or not reverse or equations > MOST_EQUATIONS or not is_whole(subject):
        return (), ""
    here = Size(1.0, subject.size, subject.output_size, forward, reverse, equations)
    deadline = min(deadline, within(MOST_SECONDS))
    own = {side for leaf in subject.inputs for side in leaf.shape if side > 1}
    others = (held_sides(subject) - own) & {side for leaf in subject.outputs for side in leaf.shape}
    found: list[Crossover] = []
    for grows, sides in (("inputs", own), ("outputs", others)):
        if not sides:
            continue
        try:
            sizes = sizes_of(Family(subject, tuple(sorted(sides)), here, grows == "inputs", deadline))
        except FixedSizeError:
            return tuple(found), _fixed(subject, sides)
        if len({_scalars(size, grows) for size in sizes}) >= FEWEST_SIZES:
            found.append(_crossover(subject, grows, sides, sizes, times))
    return tuple(found), ""


def _crossover(
    subject: Subject, grows: str, sides: set[int], sizes: Sequence[Size], times: Mapping[str, np.ndarray]
) -> Crossover:
    seconds = [float(times[mode].min()) for mode in MODES if mode in times]
    here = next(size for size in sizes if size.factor == 1.0)
    shift = None  # from the ratio of work to that of time
    if len(seconds) == len(MODES) and min(seconds) >= WORTH_SCALING:
        shift = math.log(seconds[0] / seconds[1]) - here.ratio
    at, estimated = _crossing(sizes, grows), None if shift is None else _crossing(sizes, grows, shift)
    words = [_counted(sizes, grows, at)]
    if shift is not None and estimated is not None:
        words.append(
            "By the times measured here, grown as the counted work grows (an estimate), "
            f"{_less(sizes, shift)} mode is the faster one up to about {about(estimated)} {grows}."
        )
    leaves = [(leaf.name, leaf.shape) for leaf in subject.inputs]
    leaves += [(held.name, np.shape(held.value)) for held in subject.held if hasattr(held.value, "shape")]
    return Crossover(
        grows=grows,
        arguments=tuple(name for name, shape in leaves if sides & set(shape)),
        inputs=tuple(size.inputs for size in sizes),
        outputs=tuple(size.outputs for size in sizes),
        forward=tuple(size.forward for size in sizes),
        reverse=tuple(size.reverse for size in sizes),
        here=sizes.index(here),
        at=at,
        estimated_at=estimated,
        words=" ".join(words),
    )


def _scalars(size: Size, grows: str) -> int:
    return size.inputs if grows == "inputs" else size.outputs


def _crossing(sizes: Sequence[Size], grows: str, shift: float = 0.0) -> float | None:
    """Where the two modes are equal, in scalars of what grows; between two sizes as if both were powers of it.

    Args:
        sizes: in their order.
        grows: "inputs" or "outputs".
        shift: added to the logarithm of forward to reverse.
    """
    ratios = [(math.log(_scalars(size, grows)), size.ratio + shift) for size in sizes]
    changes = [(a, b) for a, b in pairwise([pair for pair in ratios if pair[1]]) if a[1] * b[1] < 0]
    if len(changes) != 1:
        return None  # there is none, or no one place beyond which it is the other mode
    ((x, one), (y, other)) = changes[0]
    equal = next((z for z, ratio in ratios if ratio == 0.0 and x < z < y), None)
    return math.exp(x + (y - x) * one / (one - other) if equal is None else equal)


def _less(sizes: Sequence[Size], shift: float = 0.0) -> str:
    """The mode that takes less at the smallest of the sizes at which they differ."""
    return "forward" if next((size.ratio + shift for size in sizes if size.ratio + shift), 0.0) < 0 else "reverse"


def _counted(sizes: Sequence[Size], grows: str, at: float | None) -> str:
    """What the counts say."""
    less, (first, *_, last) = _less(sizes), sizes
    least, most = (f"{_scalars(size, grows):,}" for size in (first, last))
    if at is not None:
        other = "reverse" if less == "forward" else "forward"
        return f"{less.capitalize()} mode does less work up to about {about(at)} {grows}, {other} mode beyond."
    if len({size.ratio > 0 for size in sizes if size.ratio}) == 2:
        return f"Which mode does less work changes more than once from {least} to {most} {grows}."
    if all(abs(size.ratio) < math.log(TIE) for size in sizes):
        return f"Both modes do about as much work from {least} to {most} {grows}."
    if not all(size.ratio for size in sizes):
        return f"{less.capitalize()} mode does as much work or less at the sizes from {least} to {most} {grows}."
    factors = f"by a factor of {_factor(first)} at {least} and of {_factor(last)} at {most}"
    return f"{less.capitalize()} mode does less work at every size from {least} to {most} {grows}: {factors}."


def _factor(size: Size) -> str:
    factor = math.exp(abs(size.ratio))
    return f"{factor:,.0f}" if factor >= 100 else f"{factor:.3g}"


def _fixed(subject: Subject, sides: set[int]) -> str:
    """Which captured arrays have a side of the length of one that should grow; "" where there is none."""
    held, visible = [(held.name, held.value) for held in subject.held], list(captured(subject.function, set()))
    arrays = [array for array in subject.closed.consts if sides & set(np.shape(array))]
    arrays = [array for array in arrays if not captured_name(held, array)]
    if not arrays:
        return ""
    names = list(dict.fromkeys(name for array in arrays if (name := captured_name(visible, array))))
    what, they = " and ".join(names) or "an array", "arguments they" if len(names) > 1 else "an argument it"
    return (
        f"How the two modes compare at other sizes is not known: {subject.name} captures {what}, of fixed size. "
        f"As {they} could be re-sized with the others."
    )
