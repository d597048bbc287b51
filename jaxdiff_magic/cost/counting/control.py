"""What equations cost that run other programs: calls, loops, branches, reductions by a function."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import jax

from jaxdiff_magic.cost.counting.linear_algebra import of_matrix, triangular_factor
from jaxdiff_magic.cost.counting.liveness import Liveness, Mask
from jaxdiff_magic.cost.counting.movement import bytes_moved
from jaxdiff_magic.cost.counting.operands import size
from jaxdiff_magic.cost.counting.reductions import reduction_steps, window_steps
from jaxdiff_magic.cost.counting.trips import trips
from jaxdiff_magic.cost.counting.work import Count, Work, exactly, one_of
from jaxdiff_magic.primitives.bodies import bodies_of

Integers = Sequence[int | None]
"""The values of operands where they are integers that the program states, None elsewhere."""


class Counter(Protocol):
    """What counts a program that an equation runs."""

    @property
    def liveness(self) -> Liveness:
        """Which equations matter."""
        ...

    def program(self, body: Any, used: Mask | None = None, inputs: Integers | None = None) -> Count:
        """The count of a jaxpr; of all its results where `used` is None."""
        ...


def scan(counter: Counter, equation: Any, used: Mask, operands: Integers) -> Count:
    """Its length times its body."""
    (body,), length = bodies_of(equation), equation.params["length"]
    return counter.program(body, counter.liveness.scan_used(equation, used)[0]).looped(length, length)


def while_loop(counter: Counter, equation: Any, used: Mask, operands: Integers) -> Count:
    """Its body once for each trip, where their number is known; and its condition once more."""
    goes_on, step = bodies_of(equation)
    body = counter.program(step, counter.liveness.while_used(equation, used)[0])
    condition = counter.program(goes_on)
    found = trips(equation, operands)
    if found.most is not None and found.exact:
        return body.looped(found.most, found.most) + condition.looped(found.most + 1, found.most + 1)
    each = (body + condition).most.flops
    least, most = 1, max(found.most or 1, 1)
    often = "an unknown number of times" if found.most is None else f"at most {most:,} times"
    once = "counted once" if found.most is None else "counted once at the least"
    sentence = f"A while loop runs {often}: its body ({each:,} FLOPs) is {once}."
    whole = body.looped(least, most) + condition.looped(least + 1, most + 1)
    return replace(whole, unknown=(*whole.unknown, sentence), met=whole.met | {"loop"})


def cond(counter: Counter, equation: Any, used: Mask, operands: Integers) -> Count:
    """One of its branches: from the cheapest to the dearest, where the program does not state which."""
    branches, chosen = bodies_of(equation), operands[0]
    if (platforms := equation.params.get("branches_platforms")) is not None:
        here = jax.default_backend()
        chosen = next((i for i, some in enumerate(platforms) if some is None or here in some), None)
    if chosen is not None:
        branches = [branches[min(max(chosen, 0), len(branches) - 1)]]
    return one_of(counter.program(branch, used, operands[1:]) for branch in branches)


def linear_solve(counter: Counter, equation: Any, used: Mask, operands: Integers) -> Count:
    """Its solver; the products that define the problem are there for derivatives alone."""
    return counter.program(equation.params["jaxprs"].solve)


def shard_map(counter: Counter, equation: Any, used: Mask, operands: Integers) -> Count:
    """The same program on each device."""
    params = equation.params
    mesh = params["mesh"].shape
    axes = params.get("newly_manual_axes", params.get("manual_axes", frozenset(mesh)))
    return counter.program(params["jaxpr"], used).times(math.prod(mesh[axis] for axis in axes))


def reduce_by(counter: Counter, equation: Any, used: Mask, operands: Integers) -> Count:
    """A function of two elements for each step."""
    windows = "window_dimensions" in equation.params
    count = window_steps(equation) if windows else reduction_steps(equation)
    return _each(counter, equation, equation.params["jaxpr"], count, *(["window"] if windows else []))


def scatter_by(counter: Counter, equation: Any, used: Mask, operands: Integers) -> Count:
    """Overwrites elements; with `.at[…].apply`, by a function of each."""
    if (body := equation.params.get("update_jaxpr")) is None:
        return exactly(Work(bytes=bytes_moved(equation)))
    return _each(counter, equation, body, size(equation.invars[2]))


def _each(counter: Counter, equation: Any, body: Any, count: int, *met: str) -> Count:
    """A program of single elements, many times, with the bytes of whole arrays."""
    found = counter.program(body).times(count)
    moved = bytes_moved(equation)
    return replace(
        found,
        least=replace(found.least, bytes=moved),
        most=replace(found.most, bytes=moved),
        met=found.met | set(met),
    )


def qr(counter: Counter, equation: Any, used: Mask, operands: Integers) -> Count:
    """JAX computes Q by a call of its own, which a compiler leaves out where Q is not used."""
    work = of_matrix(equation) if used[0] else triangular_factor(equation)
    return exactly(replace(work, bytes=bytes_moved(equation)), "lapack")


def not_counted(counter: Counter, equation: Any, used: Mask, operands: Integers) -> Count:
    """What runs outside of JAX."""
    sentence = f"{equation.primitive.name} runs code that JAX cannot see, which is not counted."
    return exactly(Work(bytes=bytes_moved(equation)), unknown=(sentence,))


CONTROL: Mapping[str, Callable[[Counter, Any, Mask, Integers], Count]] = {
    "scan": scan,
    "while": while_loop,
    "cond": cond,
    "custom_linear_solve": linear_solve,
    "shard_map": shard_map,
    "reduce": reduce_by,
    "reduce_window": reduce_by,
    "scatter": scatter_by,
    "qr": qr,
    **dict.fromkeys(
        "pure_callback io_callback debug_callback debug_print ffi_call pallas_call custom_call".split(), not_counted
    ),
}
