"""From two modes and their figures to a recommendation in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jaxdiff_magic.base.units import duration, size
from jaxdiff_magic.cost.mode_calls import product_call
from jaxdiff_magic.cost.passes import Mode
from jaxdiff_magic.report.cost_figures import Cost, ModeCost
from jaxdiff_magic.subject.subject import Subject

MEMORY_RATIO = 1.5
"""Choices: less is no reason to prefer one mode, and no machine is short of a kilobyte."""
SMALL_BYTES = 1000
"""Temporary memory is a reason where it differs by this ratio, and is not small anyway."""
MARGIN = 1.05
"""Of two modes of as many passes, reverse mode is named first when its best time was better by this ratio. A choice: it
decides an order of names, no recommendation."""


def recommend(
    subject: Subject,
    forward: ModeCost,
    reverse: ModeCost,
    faster: Mode | None,
    others: Sequence[ModeCost] = (),
    best: ModeCost | None = None,
    note: str = "",
) -> Cost:
    """The `Cost` of a subject, as far as its first derivative is concerned.

    Args:
        subject: what is differentiated.
        forward, reverse: the two modes, timed or not.
        faster: the mode with the smaller time, or with fewer passes where there are no times; None for neither.
        others: ways that use the derivative's structure.
        best: the one of them that beats both modes.
        note: what was cut short.
    """
    cost = _of_modes(subject, forward, reverse, faster, note, best is not None)
    rest = [way for way in others if not way.infeasible and way is not best]
    if best is None:
        return replace(cost, strategies=(*cost.strategies, *rest))
    took = "" if best.seconds is None else f", measured {duration(best.seconds)}"
    passes = f"{best.passes:,} {'pass' if best.passes == 1 else 'passes'}"
    reason = f"{best.mode.capitalize()} takes {passes}{took}: {best.because}. {cost.reason}"
    ranked = (best, *cost.strategies, *rest)
    measured = cost.measured or best.seconds is not None
    call = best.call or cost.call
    return replace(cost, strategies=ranked, recommended=best.mode, reason=reason, call=call, measured=measured)


def _of_modes(
    subject: Subject, forward: ModeCost, reverse: ModeCost, faster: Mode | None, note: str, has_better: bool
) -> Cost:
    """Forward against reverse mode; `has_better` when there is a way beside them that beats both."""
    usable = [mode for mode in (forward, reverse) if not mode.infeasible]
    measured = any(mode.seconds is not None for mode in usable)
    if not usable:
        why = " and ".join(dict.fromkeys(mode.infeasible for mode in (forward, reverse)))
        beginning = "Neither mode can be used as it stands" if has_better else "The whole derivative cannot be built"
        reason = f"{beginning}: {why}. A product with it takes one pass."
        return Cost(forward, reverse, (), "either", reason, product_call(subject), measured, note)
    if len(usable) == 1:
        (only,) = usable
        other = reverse if only is forward else forward
        time = "" if only.seconds is None else f", measured {duration(only.seconds)}"
        why = f"{other.mode.capitalize()} mode cannot be used: {other.infeasible}."
        reason = f"{_figures(only, first=True)}{time}. {why}"
        return Cost(forward, reverse, (only,), only.mode, reason, only.call, measured, note)
    forward_first = faster == "forward" if faster else _preferred(subject, forward, reverse) is forward
    best, other = (forward, reverse) if forward_first else (reverse, forward)
    reason = " ".join([_comparison(best, other, faster), *_memory(best, other)])
    return Cost(forward, reverse, (best, other), faster or "either", reason, best.call, measured, note)


def _preferred(subject: Subject, forward: ModeCost, reverse: ModeCost) -> ModeCost:
    """Which mode to name first without a measurable difference in time: less memory, fewer passes, the better time."""
    if (frugal := _frugal(forward, reverse)) is not None:
        return frugal
    if forward.passes == reverse.passes and forward.seconds and reverse.seconds:
        return reverse if reverse.seconds * MARGIN < forward.seconds else forward
    return reverse if subject.is_scalar or subject.output_size < subject.size else forward


def _frugal(one: ModeCost, two: ModeCost) -> ModeCost | None:
    """The mode that needs less temporary memory, where the difference is worth a sentence."""
    less, more = sorted((one, two), key=lambda mode: mode.temp_bytes or 0)
    if less.temp_bytes is None or more.temp_bytes is None:
        return None
    return less if more.temp_bytes > MEMORY_RATIO * max(less.temp_bytes, SMALL_BYTES) else None


def _comparison(best: ModeCost, other: ModeCost, faster: Mode | None) -> str:
    counted = f"{_figures(best, first=True)}, {_figures(other)}"
    if best.seconds is None or other.seconds is None:
        return f"{counted}."
    times = f"{duration(best.seconds)} against {duration(other.seconds)}"
    if faster is None:
        return f"{counted}; no measurable difference in time ({times})."
    return f"{counted}; measured {times}."


def _figures(mode: ModeCost, *, first: bool = False) -> str:
    name, verb = (f"{mode.mode.capitalize()} mode", " needs") if first else (f"{mode.mode} mode", "")
    return f"{name}{verb} {mode.passes:,} {'pass' if mode.passes == 1 else 'passes'}"


def _memory(best: ModeCost, other: ModeCost) -> list[str]:
    frugal = _frugal(best, other)
    if frugal is None:
        return []
    name = f"But {other.mode}" if frugal is other else best.mode.capitalize()
    less, more = sorted((best.temp_bytes or 0, other.temp_bytes or 0))
    return [f"{name} mode needs less temporary memory: {size(less)} against {size(more)}."]
