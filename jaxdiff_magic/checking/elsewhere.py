"""Rules of the reader's away from the point: right here, and perhaps wrong for other signs and sizes.

A handful of operands is made of those that a run gave the rule; the rule is compared with its code there as it is at
the point itself. The verdict is about the point: what is found here is a warning.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.budget import passed
from jaxdiff_magic.base.errors import InputError, OutOfReach
from jaxdiff_magic.checking.audits import Defect, defect_of
from jaxdiff_magic.checking.faults import called, in_order
from jaxdiff_magic.engines.reference.watching import Seen, Watched
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.subject.leaves import jax_dtype
from jaxdiff_magic.subject.trace import RuleCall, Trace, Variable, all_equations, primitives_of

MAX_RULES = 12
"""So many rules are looked at. A choice of time."""
MAX_RULE_NUMBERS = 20_000
"""A rule with operands of more numbers is not. A choice of time."""
LOOPS = having("loops")
"""Code that iterates need not converge elsewhere, and a rule may be that of what it converges to."""
POSITIONS = having("reads_at", "writes")
"""Code in which an integer may be a position, of which others need not exist."""
LARGER, SMALLER = 10.0, 0.1
"""By these factors operands are made larger and smaller: a choice, a power of ten, beyond which many functions
overflow."""

Move = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Elsewhere:
    """A rule that is right at the point and wrong at other operands.

    Attributes:
        call: of the function with the rule.
        defect: what is wrong there.
        at: the operands, by name.
    """

    call: RuleCall
    defect: Defect
    at: tuple[tuple[str, np.ndarray], ...]


def rules_elsewhere(
    trace: Trace, seen: Sequence[Seen], skipped: frozenset[str], deadline: float
) -> Iterator[Elsewhere]:
    """The reader's rules that fail away from the point.

    Args:
        trace: of the function.
        seen: its steps at the point.
        skipped: names of functions whose rules are wrong, or meant to be, at the point itself.
        deadline: the instant (`budget.now`) after which no further rule is looked at.
    """
    operands = {id(item.step): item.operands for item in reversed(seen) if isinstance(item.step, RuleCall)}
    looked: set[tuple[str, object]] = set()
    for placed in in_order(trace):
        call = placed.call
        key = (call.name, call.defined)
        if call.is_library or called(call.name) in skipped or key in looked or id(call) not in operands:
            continue
        if len(looked) >= MAX_RULES or passed(deadline):
            return
        looked.add(key)
        if not LOOPS.isdisjoint(_primitives(trace, call)):
            continue
        with contextlib.suppress(OutOfReach, InputError):
            if found := _failing(call, operands[id(call)], _primitives(trace, call)):
                yield found


def _failing(call: RuleCall, operands: Sequence[Watched], primitives: frozenset[str]) -> Elsewhere | None:
    moved = [others for others in _moved(call, operands, primitives) if _has_value(call, others)]
    if not moved:
        return None
    name = called(call.name)
    # a derivative alone: whether the rule returns the value, and is linear, shows at the point
    defect = defect_of(call, moved, call.arguments, name, 1)
    if defect is None or defect.kind != "derivative" or defect.disputed is None:
        return None
    place = tuple(defect.disputed.entry)
    at = next(k for k, values in enumerate(defect.disputed.given.values) if values[place] == defect.given)
    subject, _ = defect.disputed.entire()
    points = zip(subject.inputs, defect.disputed.points, strict=False)  # what varies comes first
    return Elsewhere(call, defect, tuple((leaf.name, batch[at]) for leaf, batch in points))


def _primitives(trace: Trace, call: RuleCall) -> frozenset[str]:
    """Of the code of a call, wherever in the trace it is."""
    for body in (trace, *(body for equation in all_equations(trace) for body in equation.bodies)):
        if any(call is own for own in body.rule_calls):
            return primitives_of(replace(body, equations=body.equations[slice(*call.equations)]))
    return frozenset()


def _moved(call: RuleCall, operands: Sequence[Watched], primitives: frozenset[str]) -> Iterator[list[Watched]]:
    """Other operands: of other signs, larger and smaller, all and one by one; and the next integers."""
    dtypes = [atom.dtype for atom in call.inputs]
    if any(jnp.issubdtype(dtype, jax.dtypes.prng_key) for dtype in dtypes):
        return
    numbers = [i for i, dtype in enumerate(dtypes) if jnp.issubdtype(dtype, jnp.floating) and operands[i].varies]
    if not numbers or sum(operands[i].data.size for i in numbers) > MAX_RULE_NUMBERS:
        return

    def with_(moves: dict[int, Move]) -> list[Watched]:
        found = list(operands)
        for i, move in moves.items():
            data = np.asarray(move(operands[i].data)).astype(operands[i].data.dtype)
            found[i] = replace(operands[i], data=data, error=0.0)
        return found

    every: tuple[Move, ...] = (
        np.negative,
        lambda x: LARGER * x,
        lambda x: -LARGER * x,
        lambda x: SMALLER * x,
        lambda x: -SMALLER * x,
        lambda x: x + 1,
        lambda x: -x - 1,
    )
    for move in every:
        yield with_(dict.fromkeys(numbers, move))
    for i in numbers if len(numbers) > 1 else ():
        yield with_({i: np.negative})
    if any(operands[i].data.size > 1 for i in numbers):
        yield with_(dict.fromkeys(numbers, _every_other))
    if POSITIONS.isdisjoint(primitives):
        whole = [i for i, dtype in enumerate(dtypes) if jnp.issubdtype(dtype, jnp.integer)]
        whole = [i for i in whole if isinstance(call.inputs[i], Variable) or call.arguments[i]]
        if whole:
            yield with_(dict.fromkeys(whole, lambda x: x + 1))


def _every_other(x: np.ndarray) -> np.ndarray:
    signs = np.where(np.arange(x.size) % 2, -1.0, 1.0)
    return x * signs.reshape(x.shape)


def _has_value(call: RuleCall, operands: Sequence[Watched]) -> bool:
    """Whether the function is finite there: elsewhere it has no derivative to be compared with."""
    try:
        given = [jnp.asarray(value.data, jax_dtype(atom)) for value, atom in zip(operands, call.inputs, strict=True)]
        results = call.function(*given)
    except Exception:  # whatever the reader's code raises for operands that it is not meant for
        return False
    return all(bool(np.all(np.isfinite(x))) for x in results if jnp.issubdtype(x.dtype, jnp.inexact))
