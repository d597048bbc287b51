"""count(jaxpr): the work of a program, equation by equation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from jaxdiff_magic.cost.counting.contractions import PRODUCTS
from jaxdiff_magic.cost.counting.control import CONTROL, Integers
from jaxdiff_magic.cost.counting.elementwise import ELEMENTWISE, SERIES
from jaxdiff_magic.cost.counting.liveness import Liveness, Mask
from jaxdiff_magic.cost.counting.movement import bytes_moved
from jaxdiff_magic.cost.counting.operands import is_complex, is_floating, is_literal, size
from jaxdiff_magic.cost.counting.rules import MET, RULES
from jaxdiff_magic.cost.counting.trips import SAME, known_integer
from jaxdiff_magic.cost.counting.work import Count, arithmetic, exactly
from jaxdiff_magic.primitives.bodies import constants_of, jaxpr_of


def count(closed_jaxpr: Any) -> Count:
    """FLOPs, transcendentals and bytes of a program, from its jaxpr; nothing is run or compiled.

    Args:
        closed_jaxpr: as `jax.make_jaxpr(f)(*args)` returns it.

    Returns:
        A FLOP is one addition, multiplication, division or comparison of floating-point numbers, so a multiply-add is
        two; of complex numbers an addition is 2, a multiplication 6. Arithmetic of integers and booleans, and moving
        data, is none. Loops count as often as they run; a while loop counts once where nothing says how often that
        is, and `unknown` says so. Equations whose results are not used are left out, as a compiler would.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> count(jax.make_jaxpr(lambda a, x: jnp.tanh(a @ x))(jnp.ones((3, 4)), jnp.ones(4))).flops
        24
    """
    return _Counter().program(closed_jaxpr)


@dataclass(frozen=True)
class _Counter:
    """Counts each program once for each way in which it is used: library functions occur many times in a jaxpr."""

    liveness: Liveness = field(default_factory=Liveness)
    _counts: dict[Any, Count] = field(default_factory=dict)

    def program(self, body: Any, used: Mask | None = None, inputs: Integers | None = None) -> Count:
        jaxpr = jaxpr_of(body)
        used = (True,) * len(jaxpr.outvars) if used is None else used
        inputs = (None,) * len(jaxpr.invars) if inputs is None else tuple(inputs)
        key = (id(jaxpr), used, inputs)
        if key not in self._counts:
            self._counts[key] = self._program(body, used, inputs)
        return self._counts[key]

    def _program(self, body: Any, used: Mask, inputs: Integers) -> Count:
        jaxpr = jaxpr_of(body)
        integers: dict[Any, int | None] = dict(
            zip(jaxpr.constvars, map(known_integer, constants_of(body)), strict=False)
        )
        integers |= dict(zip(jaxpr.invars, inputs, strict=True))
        found: list[Count] = []
        for equation, results in self.liveness.of(jaxpr, used).equations:
            operands = [known_integer(atom.val) if is_literal(atom) else integers.get(atom) for atom in equation.invars]
            if equation.primitive.name in SAME:
                integers[equation.outvars[0]] = operands[0]
            found.append(self._equation(equation, results, operands))
        return sum(found, Count())

    def _equation(self, equation: Any, used: Mask, operands: Integers) -> Count:
        name = equation.primitive.name
        if name in CONTROL:
            return CONTROL[name](self, equation, used, operands)
        if (body := self.liveness.body_of(equation)) is not None:
            whole = len(jaxpr_of(body).invars) == len(operands)
            return self.program(body, used, operands if whole else None)
        if name in RULES:
            work = replace(RULES[name](equation), bytes=bytes_moved(equation))
            said = (f"{name} takes an unknown number of steps: each element is counted as one transcendental.",)
            return exactly(work, *_met(equation), unknown=said if name in SERIES else ())
        return _unknown(equation)


def _met(equation: Any) -> list[str]:
    name = equation.primitive.name
    met = [MET[name]] if name in MET else []
    counts_as_one = name in ELEMENTWISE or name in PRODUCTS
    return [*met, "complex"] if counts_as_one and is_complex(equation.outvars[0]) else met


def _unknown(equation: Any) -> Count:
    """One operation for each element of the result."""
    name = equation.primitive.name
    elements = sum(size(result) for result in equation.outvars if is_floating(result))
    sentence = f"The primitive {name} is not known: it is counted as one FLOP for each element of its result."
    return exactly(replace(arithmetic(elements), bytes=bytes_moved(equation)), unknown=(sentence,))
