"""Equations that run other jaxprs: which ones, and which of their operands and results are whose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jaxdiff_magic.cost.counting.operands import shape
from jaxdiff_magic.subject.trace import CALL_BODIES, CALLS

ONCE = CALLS | {"linear_call", "custom_vmap_call"}
"""They run one jaxpr, once, with their own operands and results."""
BODIES = (*CALL_BODIES, "callee", "call")


def jaxpr_of(body: Any) -> Any:
    """The jaxpr of a jaxpr, open or closed."""
    return getattr(body, "jaxpr", body)


def constants_of(body: Any) -> tuple[Any, ...]:
    """The arrays that a closed jaxpr comes with; none of an open one."""
    return tuple(getattr(body, "consts", ()))


def call_body(equation: Any) -> Any | None:
    """What a call runs; None where the equation is none."""
    if equation.primitive.name not in ONCE:
        return None
    return next(
        (equation.params[name] for name in BODIES if hasattr(jaxpr_of(equation.params.get(name)), "eqns")), None
    )


@dataclass(frozen=True)
class Scan:
    """A scan's body, with how many of its operands are constants and how many are carried.

    Its operands are constants, carried values, and slices; its results carried values and slices.
    """

    body: Any
    constants: int
    carried: int
    length: int


def scan_of(equation: Any) -> Scan:
    """Known from the shapes alone, since the parameters that say so are not the same in all versions of JAX."""
    body, params = jaxpr_of(equation.params["jaxpr"]), equation.params
    carried = _unsliced(equation.outvars, body.outvars)
    return Scan(params["jaxpr"], _unsliced(equation.invars, body.invars) - carried, carried, params["length"])


def _unsliced(outer: list[Any], inner: list[Any]) -> int:
    """How many leading values are the same inside and outside the loop; slices have an axis less inside."""
    return sum(len(shape(one)) == len(shape(other)) for one, other in zip(outer, inner, strict=True))


@dataclass(frozen=True)
class While:
    """A loop's condition and body, each with how many of its operands are its constants; the rest is carried."""

    condition: Any
    condition_constants: int
    body: Any
    body_constants: int

    def condition_operands(self, operands: list[Any]) -> list[Any]:
        """Of the equation's operands, those that the condition starts with."""
        return [*operands[: self.condition_constants], *operands[self.condition_constants + self.body_constants :]]

    def body_operands(self, operands: list[Any]) -> list[Any]:
        """Of the equation's operands, those that the body starts with."""
        return operands[self.condition_constants :]


def while_of(equation: Any) -> While:
    """From the parameters of a while loop."""
    params = equation.params
    return While(
        condition=params["cond_jaxpr"],
        condition_constants=params["cond_nconsts"],
        body=params["body_jaxpr"],
        body_constants=params["body_nconsts"],
    )
