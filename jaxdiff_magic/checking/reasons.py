"""Reasons that are true of this function: which step is at a tie, which rule works in fewer digits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import jax.numpy as jnp
import numpy as np

from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.checking.blocks import BlockCheck
from jaxdiff_magic.checking.rules import RuleName
from jaxdiff_magic.checking.words import Told, Why
from jaxdiff_magic.engines.reference.bounded import Bounded
from jaxdiff_magic.engines.reference.run import Node, Run
from jaxdiff_magic.primitives.facts import having
from jaxdiff_magic.subject.dependence import reached_from
from jaxdiff_magic.subject.trace import Equation, RuleCall, Trace, all_equations

NOUNS = {
    **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne", "lt_to", "le_to", "eq_to"), "a comparison"),
    "select_n": "where",
    "reduce_max": "max",
    "reduce_min": "min",
    "clamp": "clip",
}
"""What the reader calls a primitive."""
SPECTRA = {"eigh": "eigenvalues", "eig": "eigenvalues", "svd": "singular values"}
DRAWING = having("draws")
"""Gamma, beta, Dirichlet, chi-square, Student's t, loggamma … are made of them."""
IMPLICIT = "the implicit reparameterisation gradient"
LOST = (Why.WIDE_BOUND, Why.CHAIN_NOT_FINITE, Why.NEITHER_FINITE)
"""Of derivatives that the reference does not know at the point."""
OF_FULL_RANK = frozenset(("qr", "svd"))
"""Decompositions whose factors have no derivative where a matrix has too low a rank."""
RANK = 100
"""A singular value of so many roundings of the largest is 0. A choice of two digits, as rounding adds up in a
decomposition."""
MOST_NAMED = 3
"""So many steps at a tie are named. A choice: they stand within one sentence."""


def with_reasons(blocks: Sequence[BlockCheck], particular: Mapping[Why, Told]) -> list[BlockCheck]:
    """The blocks, with general reasons replaced by those of this function.

    Args:
        blocks: all of them, decided.
        particular: for a kind of reason what is to be said.
    """

    def told(block: BlockCheck) -> BlockCheck:
        reasons = tuple(reason.told(particular) for reason in block.decision.reasons)
        return replace(block, decision=replace(block.decision, reasons=reasons))

    return [told(block) for block in blocks] if particular else list(blocks)


def reasons_of(
    trace: Trace, point: Sequence[np.ndarray], rules: Mapping[RuleName, Trace], dtypes: Sequence[str]
) -> dict[Why, Told]:
    """What `with_reasons` puts in place of the general reasons.

    Args:
        trace: of the function.
        point: its inputs, float64.
        rules: JAX's programs of its derivatives.
        dtypes: of its inputs and results.
    """
    found: dict[Why, Told] = {}
    with contextlib.suppress(OutOfReach):
        if tie := said_of(ties_of(trace, point)):
            found[Why.AT_TIE] = Told(tie)
    coarse = (said for name, rule in rules.items() if (said := _coarse(trace, rule, name, dtypes)) is not None)
    if (said := next(coarse, None)) is not None:
        found[Why.OWN_ROUNDING] = said
    with contextlib.suppress(OutOfReach):
        if rank := _rank(trace, point, max(float(jnp.finfo(dtype).eps) for dtype in dtypes)):
            found |= dict.fromkeys(LOST, Told(rank))
    if step := next(iter(drawn_by(trace)), None):
        where = f" ({step.location})" if step.location.line else ""
        draws = f"gives {IMPLICIT} of {step.primitive}{where}, which is not the derivative of these draws"
        found[Why.OFF_VALUES] = Told(draws, "forward")
    return found


def drawn_by(trace: Trace) -> Iterator[Equation]:
    """The steps that draw by rejection, from parameters that depend on the inputs."""
    for step in reached_from(trace.equations, trace.inputs)[0]:
        if step.primitive in DRAWING:
            yield step
        for body in step.bodies:
            yield from drawn_by(body)


def ties_of(trace: Trace, point: Sequence[np.ndarray]) -> list[Equation]:
    """The steps that are at a tie at a point: that choose between equal numbers, or have equal eigenvalues.

    Raises:
        OutOfReach: the trace cannot be run.
    """
    found: dict[int, Equation] = {}

    def watch(step: Equation | RuleCall, operands: Sequence[Node], results: Sequence[Node]) -> None:
        del operands, results
        if run.at_tie.any() and isinstance(step, Equation):
            found[id(step)] = step
            run.at_tie[:] = False  # the steps that this one is a part of, and those after it, have not noted it

    run = Run(1, 1, taped=False, watch=watch)
    arguments = [Node(Bounded(np.asarray(x, np.float64)[None]), np.shape(x), True) for x in point]
    with np.errstate(all="ignore"):
        run.trace(trace, arguments)
    return list(found.values())


def _rank(trace: Trace, point: Sequence[np.ndarray], eps: float) -> str:
    """Which decomposition is given a matrix of too low a rank; "" for none."""
    found = []

    def watch(step: Equation | RuleCall, operands: Sequence[Node], results: Sequence[Node]) -> None:
        del results
        if isinstance(step, Equation) and step.primitive in OF_FULL_RANK and operands[0].varies and not found:
            matrix = operands[0].array
            if np.isfinite(matrix).all() and matrix.size and not np.iscomplexobj(matrix):
                values = np.linalg.svd(matrix, compute_uv=False)
                if np.any(values <= RANK * eps * values.max(axis=-1, keepdims=True)):
                    found.append(step)

    run = Run(1, 1, taped=False, watch=watch)
    with np.errstate(all="ignore"):
        run.trace(trace, [Node(Bounded(np.asarray(x, np.float64)[None]), np.shape(x), True) for x in point])
    if not found:
        return ""
    where = f" ({found[0].location})" if found[0].location.line else ""
    name = found[0].primitive
    return f"the matrix that {name}{where} is given has too low a rank here, so that its factors have no derivative"


def said_of(steps: Sequence[Equation]) -> str:
    """Which steps are at a tie, each with its line; "" for none."""
    lines: dict[tuple[str, str], dict[str, None]] = {}
    for step in steps:
        where = f" ({step.location})" if step.location.line else ""
        lines.setdefault((where, SPECTRA.get(step.primitive, "")), {})[NOUNS.get(step.primitive, step.primitive)] = None
    said = []
    for (where, values), names in list(lines.items())[:MOST_NAMED]:
        *others, last = names
        named = f"{', '.join(others)} and {last}" if others else last
        if values:
            said.append(f"{named}{where} has two equal {values} here, and is not smooth there")
        else:
            said.append(f"a choice is at a tie here: {named}{where}")
    return "; ".join(said)


def _coarse(trace: Trace, rule: Trace, name: RuleName, dtypes: Sequence[str]) -> Told | None:
    """Where one of JAX's rules rounds to fewer digits than the function and its code have; None where none does."""
    least = max(float(jnp.finfo(dtype).eps) for dtype in (*dtypes, *_inside(trace)))
    for step in all_equations(rule):
        for result in step.outputs:
            if jnp.issubdtype(result.dtype, jnp.floating) and float(jnp.finfo(result.dtype).eps) > least:
                digits = int(-np.log10(float(jnp.finfo(result.dtype).eps))) + 1
                where = f" ({step.location})" if step.location.line else ""
                few = f"computes in {result.dtype}{where}, which keeps {digits} digits, though the function has more"
                return Told(few, name)
    return None


def _inside(trace: Trace) -> set[np.dtype]:
    found = {result.dtype for step in all_equations(trace) for result in step.outputs}
    return {dtype for dtype in found if jnp.issubdtype(dtype, jnp.floating)}
