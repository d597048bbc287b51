"""What a report shows as formulas: the function, its steps, its derivatives, and why others are missing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from jaxdiff_magic.base.budget import Budget, enough, left
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.engines.jax.values import Derivatives, Values
from jaxdiff_magic.engines.reference.directions import Path
from jaxdiff_magic.engines.symbolic.compiled import closed_form
from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.engines.symbolic.presentation import Presentation
from jaxdiff_magic.engines.symbolic.time_limits import until
from jaxdiff_magic.report import Block, Step
from jaxdiff_magic.report.formula import Formula
from jaxdiff_magic.report.shortfall import Parts
from jaxdiff_magic.subject.length import LONG, executed
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Trace

MAX_FORMULA_EQUATIONS = 400
"""A function of more steps than this has no formula that anyone would read. A choice, and of time: SymPy works on
each."""
STEP_SECONDS = 0.003
"""Each step of a long function takes so long to write down. Measured: filters, cells and solvers in loops of 40 to 60
rounds, 2 to 5 ms."""
FORMULAS = "the formulas"


@dataclass(frozen=True)
class Formulas:
    """What a report shows as formulas: the function, its steps, and by path its derivatives, each in two ways; and why
    it does not show others.

    Attributes:
        derivation, presentation: what makes formulas; None where there are none, and `unreachable` says why.
    """

    derivation: Derivation | None = None
    presentation: Presentation | None = None
    unreachable: str = ""
    function: Formula | None = None
    steps: tuple[Step, ...] = ()
    derivatives: Mapping[Path, tuple[np.ndarray | None, Formula | None]] = field(default_factory=dict)
    missing: Mapping[Path | str, str] = field(default_factory=dict)


def formulas_of(
    subject: Subject,
    derivatives: Derivatives,
    trace: Trace | None,
    unreachable: str,
    layout: Literal["numerator", "denominator"],
    parts: Parts,
    budget: Budget,
) -> Formulas:
    """The formulas that a report shows, as far as they can be made; those that are there are kept."""
    found, deadline = Formulas(unreachable=unreachable), budget.share("formulas")
    if trace is not None:
        derivation, why = parts.made(FORMULAS, (None, ""), _derivation, subject, trace, deadline)
        found = replace(found, derivation=derivation, unreachable=why)
        if derivation is not None:
            presentation = parts.made(FORMULAS, None, Presentation, subject, derivation, layout)
            found = replace(found, presentation=presentation)
            if presentation is not None:
                found = parts.made(FORMULAS, found, _written, subject, derivatives, found, presentation, deadline)
    return replace(found, unreachable=found.unreachable or parts.why.get(FORMULAS, ""))


def _derivation(subject: Subject, trace: Trace, deadline: float) -> tuple[Derivation | None, str]:
    """The subject's formulas, or why there are none."""
    steps = executed(trace)
    if len(trace.equations) > MAX_FORMULA_EQUATIONS:
        return None, f"it has {len(trace.equations):,} steps, too many to write down"
    if steps > LONG and STEP_SECONDS * steps > left(deadline):
        return None, (
            f"its {steps:,} steps, those of loops each time, take longer to write down than there is time for: give it "
            f"more, budget={enough('formulas', STEP_SECONDS * steps)} in derive, --budget in a cell"
        )
    try:
        names = [leaf.name for leaf in subject.inputs], [leaf.name for leaf in subject.outputs]
        with until(deadline):
            return Derivation(trace, *names, None if subject.is_large else subject.point), ""
    except OutOfReach as error:
        return None, error.reason


def _written(
    subject: Subject, derivatives: Derivatives, found: Formulas, presentation: Presentation, deadline: float
) -> Formulas:
    """Formulas are worth waiting for, but not for long."""
    with until(deadline):
        if subject.is_large:  # whose numbers have no place in a table, nor in steps
            return replace(found, function=presentation.function(), missing=presentation.missing)
        paths = [path for order in derivatives.orders for path in _paths(subject, order)]
        every = {path: (presentation.components(path), presentation.closed_form(path)) for path in paths}
        function, steps = presentation.function(), presentation.steps(subject.point)
        return replace(found, function=function, steps=steps, derivatives=every, missing=presentation.missing)


def hessian_program(subject: Subject, derivation: Derivation) -> Callable[[], Callable[..., Any]]:
    """What makes the formula of a scalar function's Hessian a program; raises OutOfReach where it is none."""

    def made() -> Callable[..., Any]:
        every = range(len(subject.inputs))
        forms = [[closed_form(derivation, (0, i, j)) for j in every] for i in every]
        return lambda *leaves: [[[form(*leaves) for form in row] for row in forms]]

    return made


def _paths(subject: Subject, order: int) -> Iterator[Path]:
    """Of every block of one order: an output, and an input for each differentiation."""
    return itertools.product(range(len(subject.outputs)), *[range(len(subject.inputs))] * order)


def blocks_of(subject: Subject, values: Values, formulas: Formulas) -> Iterator[Block]:
    """Every derivative array that JAX computed, with its formulas."""
    first = "gradient" if subject.is_scalar else "jacobian"
    orders = {1: values.jacobian, 2: values.hessian, **values.higher}
    for k, nested in orders.items():
        if nested is None:
            continue
        for path in _paths(subject, k):
            array = nested
            for position in path:
                array = array[position]
            components, closed_form = formulas.derivatives.get(path, (None, None))
            yield Block(
                what={1: first, 2: "hessian"}.get(k, f"d{k}"),
                output=subject.outputs[path[0]],
                inputs=tuple(subject.inputs[i] for i in path[1:]),
                values=np.asarray(array),
                formulas=components,
                closed_form=closed_form,
                missing=formulas.missing.get(path, "") if components is closed_form is None else "",
            )
