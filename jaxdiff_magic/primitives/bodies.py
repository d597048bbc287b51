"""Equations that run other programs: which ones, and which of their operands and results are whose.

| primitive | its programs | how often each runs | their operands, of the equation's | their results |
|---|---|---|---|---|
| a call | one | once | all | all |
| cond | its branches | one of them, once | all but the first, which chooses | all |
| scan | its body | `length` times | `scan_parts`: of arrays, a slice | what is carried, and a row of each array |
| while | condition, body | unknown, the condition once more | `while_parts` | a truth; what is carried |
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from jax.extend.core import subjaxprs  # pyright: ignore[reportPrivateImportUsage]

T = TypeVar("T")
Mask = tuple[bool, ...]
"""For each operand, or each result, whether it is one of those that are meant."""
CALLS = frozenset(
    "jit pjit closed_call core_call remat checkpoint remat2 custom_jvp_call custom_vjp_call "
    "custom_vjp_call_jaxpr custom_lin core_closed_call eval_jaxpr".split()
)
"""They run one program, once, with their own operands and results; a trace opens them."""
ONCE = CALLS | {"linear_call", "custom_vmap_call"}
"""So do these, which a trace leaves whole: how they are transposed, or mapped, is not told by their code."""
CALL_BODIES = ("call_jaxpr", "fun_jaxpr", "jaxpr", "callee", "call")
"""Parameters that hold the program of a call; for custom_jvp and custom_vjp that is the primal code, not the rule."""
BODIES: Mapping[str, tuple[str, ...]] = {
    "cond": ("branches",),
    "scan": ("jaxpr",),
    "while": ("cond_jaxpr", "body_jaxpr"),
    "custom_linear_solve": ("jaxprs",),
}
"""Other primitives that run programs, with the parameters that hold them."""


def jaxpr_of(body: Any) -> Any:
    """The jaxpr of a program, which JAX holds open or closed."""
    return getattr(body, "jaxpr", body)


def constants_of(body: Any) -> tuple[Any, ...]:
    """The arrays that a closed jaxpr comes with; none of an open one."""
    return tuple(getattr(body, "consts", ()))


def equations_within(jaxpr: Any) -> Iterator[Any]:
    """All equations of a jaxpr, with those of every jaxpr that their parameters hold."""
    yield from jaxpr.eqns
    for inner in subjaxprs(jaxpr):
        yield from equations_within(inner)


def call_body(equation: Any) -> Any | None:
    """What a call runs, as JAX holds it; None where an equation of a jaxpr is none."""
    if equation.primitive.name not in ONCE:
        return None
    held = (equation.params.get(name) for name in CALL_BODIES)
    return next((body for body in held if hasattr(jaxpr_of(body), "eqns")), None)


def bodies_of(equation: Any) -> list[Any]:
    """The programs that an equation of a jaxpr runs other than by a call, as JAX holds them."""
    held = (equation.params[name] for name in BODIES.get(equation.primitive.name, ()) if name in equation.params)
    parts = (part for one in held for part in (one if isinstance(one, (tuple, list)) else [one]))
    return [part for part in parts if part is not None]


def parameters_of(equation: Any) -> Mapping[str, Any]:
    """The parameters of an equation of a jaxpr; those of a scan with `num_consts` and `num_carry` in any case.

    They are counted from shapes, since JAX has written them in several ways: a slice has an axis less in the body.
    """
    if equation.primitive.name != "scan":
        return equation.params
    body = jaxpr_of(equation.params["jaxpr"])
    carried = _unsliced(equation.outvars, body.outvars)
    return {**equation.params, "num_carry": carried, "num_consts": _unsliced(equation.invars, body.invars) - carried}


def _unsliced(outer: Sequence[Any], inner: Sequence[Any]) -> int:
    return sum(_axes(one) == _axes(other) for one, other in zip(outer, inner, strict=True))


def _axes(atom: Any) -> int:
    return len(getattr(atom.aval, "shape", ()))


def scan_parts(params: Mapping[str, Any], operands: Sequence[T]) -> tuple[list[T], list[T], list[T]]:
    """Of a scan's operands, or of its body's: constants, what is carried, and arrays that are run along (or slices)."""
    return _three(operands, params["num_consts"], params["num_carry"])


def scan_carried(params: Mapping[str, Any]) -> slice:
    """Which operands of a scan, or of its body, are carried."""
    return slice(params["num_consts"], params["num_consts"] + params["num_carry"])


def while_parts(params: Mapping[str, Any], operands: Sequence[T]) -> tuple[list[T], list[T], list[T]]:
    """Of a while loop's operands: what only the condition sees, what only the body sees, and what is carried.

    Condition and body start with their own, and then have all that is carried.
    """
    return _three(operands, params["cond_nconsts"], params["body_nconsts"])


def _three(operands: Sequence[T], first: int, second: int) -> tuple[list[T], list[T], list[T]]:
    own = list(operands)
    return own[:first], own[first : first + second], own[first + second :]


def until_still(wanted: Mask, inside: Callable[[Mask], Mask], carried: slice) -> tuple[Mask, Mask]:
    """Which results of a loop's body matter, once no further round adds any; and which operands of it they need.

    Args:
        wanted: those that matter after the last round; what is carried comes first.
        inside: from results of the body to the operands that they are made of.
        carried: which operands of the body are what is carried.
    """
    while True:
        needed = inside(wanted)
        wider = tuple(a or b for a, b in itertools.zip_longest(wanted, needed[carried], fillvalue=False))
        if wider == wanted:
            return wanted, needed
        wanted = wider
