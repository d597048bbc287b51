"""Loops and conditionals: run as they go at the points, iteration by iteration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import jax
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.reference.rules.movement import unstacked
from jaxdiff_magic.engines.reference.rules.rooting import COMPARISONS, settled
from jaxdiff_magic.engines.reference.run import Node, Result, Rule, RuleStep, Run
from jaxdiff_magic.primitives.bodies import scan_parts, while_parts
from jaxdiff_magic.subject.trace import Equation, RuleCall, Trace


def _cond(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    which, *operands = xs
    branch = int(np.clip(int(run.shared(which)), 0, len(step.bodies) - 1))
    return run.trace(step.bodies[branch], operands)


def _platform_index(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    """Which branch of a platform-dependent computation is taken on the default backend."""
    platform = jax.default_backend()
    groups = step.params["platforms"]
    places = [k for k, names in enumerate(groups) if names is None or platform in names]
    return [run.constant(np.asarray(places[0], np.int32))]


def _scan(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    p, (body,) = step.params, step.bodies
    constants, carry, arrays = scan_parts(p, xs)
    carried = len(carry)
    columns = [unstacked(run, array) for array in arrays]
    rows = []
    if not arrays and carried == len(step.results):  # an iteration

        def iterated() -> list[Node]:
            state = carry
            for _ in range(_with_more(run, p["length"])):
                state = run.trace(body, [*constants, *state])
            return state

        return settled(run, body, constants, carry, iterated)
    for k in reversed(range(p["length"])) if p["reverse"] else range(p["length"]):
        results = run.trace(body, [*constants, *carry, *(column[k] for column in columns)])
        carry, row = results[:carried], results[carried:]
        rows.append(row)
    if p["reverse"]:
        rows.reverse()
    if not rows:
        empty = [run.constant(np.zeros(result.shape, result.dtype)) for result in step.results[carried:]]
        return [*carry, *empty]
    columns = zip(zip(*rows, strict=True), step.results[carried:], strict=True)
    return [*carry, *(run.apply("stack", column, {"axis": 0}, [result])[0] for column, result in columns)]


def _while(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    goes_on, body = step.bodies
    of_condition, of_body, carry = while_parts(step.params, xs)
    return settled(run, body, of_body, carry, lambda: _iterated(run, goes_on, body, of_condition, of_body, carry))


def _iterated(
    run: Run, goes_on: Trace, body: Trace, of_condition: list[Node], of_body: list[Node], carry: list[Node]
) -> list[Node]:
    """What a loop carries once its condition is false."""
    trips = 0
    while (going := run.shared(_tested(run, goes_on, [*of_condition, *carry]))).any():
        after = run.trace(body, [*of_body, *carry])
        carry = after if going.all() else [_kept(run, going, *pair) for pair in zip(carry, after, strict=True)]
        trips += 1
        if run.most_trips is not None and trips > run.most_trips:
            raise OutOfReach(f"a loop goes on after {trips:,} iterations")
    run.trips = max(run.trips, trips)
    for _ in range(_with_more(run, trips) - trips):
        carry = run.trace(body, [*of_body, *carry])
    return list(carry)


def _tested(run: Run, condition: Trace, operands: list[Node]) -> Node:
    """A loop's condition. Its comparisons alone decide: an absolute value on the way bends nothing that it gives."""
    before, outer = run.at_tie.copy(), run.watch
    decided = before.copy()

    def watch(step: Equation | RuleCall, operands: Sequence[Node], results: Sequence[Node]) -> None:
        if isinstance(step, Equation) and step.primitive in COMPARISONS:
            np.logical_or(decided, run.at_tie, out=decided)
        run.at_tie[...] = before
        if outer:
            outer(step, operands, results)

    run.watch = watch
    try:
        return run.trace(condition, operands)[0]
    finally:
        run.watch = outer
        run.at_tie[...] = decided


def _with_more(run: Run, trips: int) -> int:
    """How many iterations to do where the code does some: more, to see what it converges to."""
    return trips + math.ceil(run.further * trips)


def _kept(run: Run, going: np.ndarray, before: Node, after: Node) -> Node:
    """Of loops that vmap runs side by side, those that have ended stay as they are; their axes come first."""
    mask = np.broadcast_to(going.reshape(*going.shape, *(1,) * (len(after.shape) - going.ndim)), after.shape)
    dtype = after.array.dtype
    return run.apply("select_n", [run.constant(mask), before, after], {}, [Result(after.shape, dtype)])[0]


def _constant_only(run: Run, xs: list[Node], step: RuleStep) -> list[Node]:
    raise OutOfReach("a call back into Python has no rule")


CONTROL: Mapping[str, Rule] = {
    "cond": _cond,
    "platform_index": _platform_index,
    "scan": _scan,
    "while": _while,
    "pure_callback": _constant_only,
    "io_callback": _constant_only,
    "debug_callback": lambda run, xs, step: [],
    "debug_print": lambda run, xs, step: [],
}
"""Primitive to its rule."""
