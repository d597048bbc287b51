"""derive(f)(x): the whole pipeline on one screen."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import jax
import numpy as np

from jaxdiff_magic.base.asked import refuse_bad_options
from jaxdiff_magic.base.errors import InputError, OutOfReach
from jaxdiff_magic.base.progress import tell
from jaxdiff_magic.checking.grading import Mine, grades_of
from jaxdiff_magic.checking.verdict import verdict_of
from jaxdiff_magic.cost import cost_of
from jaxdiff_magic.engines.jax.curvature import curvature_of, doubt_of
from jaxdiff_magic.engines.jax.products import products_of
from jaxdiff_magic.engines.jax.values import Derivatives, Values, derivatives_of
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.reference.digits import subject_with_digits
from jaxdiff_magic.engines.reference.directions import Path
from jaxdiff_magic.engines.reference.run import runs_until
from jaxdiff_magic.engines.symbolic.compiled import closed_form
from jaxdiff_magic.engines.symbolic.derivation import Derivation
from jaxdiff_magic.engines.symbolic.limits import until
from jaxdiff_magic.engines.symbolic.presentation import Presentation
from jaxdiff_magic.engines.tape import Tape, tape_of
from jaxdiff_magic.findings import Scene, findings_of
from jaxdiff_magic.findings.asymmetry import hessian_errors
from jaxdiff_magic.findings.sizes import is_too_large
from jaxdiff_magic.report import Block, Check, Curvature, Finding, Live, Step
from jaxdiff_magic.report.assertion import raise_if_wrong
from jaxdiff_magic.report.formula import Formula
from jaxdiff_magic.report.matrix_free import Products
from jaxdiff_magic.report.shortfall import Parts, in_reach
from jaxdiff_magic.show.report import Report
from jaxdiff_magic.subject.subject import Subject, subject_of
from jaxdiff_magic.subject.surroundings import settings_set_aside
from jaxdiff_magic.subject.trace import Trace, subject_trace

MAX_EQUATIONS = 400
"""A function of more steps than this has no formula that anyone would read."""
PATIENCE, TO_BEGIN = 1.5, 2.0
"""A run step by step that goes on after so many budgets, and so many seconds more, is given up."""
STEPS, FORMULAS = "the steps of the function", "the formulas"


def derive(
    f: Callable[..., Any],
    *,
    wrt: int | str | Sequence[int | str] | None = None,
    order: int = 2,
    symbolic: bool = True,
    cost: Literal["measure", "count", "none"] = "measure",
    layout: Literal["numerator", "denominator"] = "numerator",
    points: int = 64,
    budget: float = 10.0,
    seed: int = 0,
    trust: str | Sequence[str] = (),
    mine: Mine | None = None,
) -> Callable[..., Report]:
    """Inspect the derivatives of `f` at a point: `report = derive(f)(x)`.

    A transformation like `jax.grad`: options on the left, the point on the right.

    Args:
        f: any callable of pytrees that returns a pytree of numbers.
        wrt: names or positions of arguments, or a path such as "params['W']"; None for every floating leaf of the
            positional arguments.
        order: highest order of differentiation; the Hessian is 2.
        symbolic: whether to derive formulas.
        cost: "measure" forward against reverse mode, only "count" their passes, or "none".
        layout: "numerator" shows d y_i / d x_j in row i; "denominator" its transpose.
        points: how many random points around the given one the check compares.
        budget: seconds that the optional work (proofs, measuring) may take.
        seed: of the random points.
        mine: your own derivation, to be graded: text, such as "X.T @ (X @ w - y)" or "Xᵀ(X w - y)", or a function of
            the same arguments; by the first differentiated argument, or a dict of them by argument, or by "hessian".
        trust: names of functions whose own derivative rules are meant to differ from their code.

    Returns:
        A function of the point that returns the `Report`.

    Raises:
        InputError: an option, the point or the result of `f` cannot be used; the message says what to do.

    Example:
        >>> import jax.numpy as jnp
        >>> report = derive(lambda x: x[0] ** 2 * x[1])(jnp.array([1.0, 2.0]))
        >>> report.formula("gradient").text
        '[2*x[0]*x[1], x[0]**2]'
        >>> report.verdict
        'proved'
    """
    refuse_bad_options(wrt, trust, budget, order=order, points=points, seed=seed, cost=cost, layout=layout)
    trusted = (trust,) if isinstance(trust, str) else tuple(trust)

    def at(*args: Any, **kwargs: Any) -> Report:
        with settings_set_aside():
            return report_of(subject_of(f, args, kwargs, wrt), time.monotonic())

    def report_of(subject: Subject, started: float) -> Report:
        if mine is not None and subject.is_large:
            raise InputError(f"mine= is compared in float64, number by number; {subject.size:,} inputs are too many.")
        parts = Parts()
        derivatives = derivatives_of(subject, order)
        derivatives.compile_beside()
        tell("writing formulas")  # meanwhile
        trace, unreachable = _trace(subject, parts) if symbolic else (None, "formulas were not asked for")
        derivation, no_formula = None, unreachable
        if trace is not None:
            derivation, no_formula = parts.made(FORMULAS, (None, ""), _derivation, subject, trace)
        presentation, written, seconds = None, _Written(), max(0.5 * budget, 1.0)
        if derivation is not None:
            presentation = parts.made(FORMULAS, None, Presentation, subject, derivation, layout)
        if presentation is not None:
            written = parts.made(FORMULAS, written, _written, subject, derivatives, presentation, seconds)
        if cost == "measure":  # with the machine to itself
            tell("compiling the derivatives")
            derivatives.compiled()
        costing = time.monotonic()
        costs = None
        if cost != "none":
            tell("counting operations")
            share = costing + 0.4 * budget
            formula = _hessian_program(subject, derivation) if derivation else None
            known = {"how": cost, "feasible": derivatives.missing, "deadline": share, "formula": formula}
            costs = parts.made("the cost", None, cost_of, subject, **known)
        spent = time.monotonic() - costing
        tell("compiling the derivatives")
        values = derivatives.at(subject.point)
        begun = time.monotonic() - spent  # what JAX was asked for is no optional work
        tell("checking")
        with runs_until(begun + PATIENCE * budget + TO_BEGIN):
            check, reference = verdict_of(
                parts, derivatives, values, trace, derivation, unreachable, points, seed, begun + budget, trusted
            )
            grades = parts.made(
                "the grade",
                (),
                grades_of,
                derivatives,
                reference,
                derivation,
                check,
                mine,
                layout=layout,
                points=points,
                seed=seed,
                deadline=time.monotonic() + max(0.5 * budget, 1.0),
            )
            tell("looking for kinks, NaN and lost digits")
            scene = Scene(subject, derivatives, values, trace, reference, check, begun + budget, trusted)
            findings = findings_of(scene)
            check = _as_found(check, findings)
            by = max(begun + budget, time.monotonic() + max(0.3 * budget, 1.0))
            doubt = doubt_of(check, findings)
            curvature = parts.made("the curvature", None, _curvature, subject, values, reference, doubt, by)
            products = parts.made("the products", None, _products, subject, values, presentation, order, seed, by)
        scalar, jacobian, hessian = subject.is_scalar, values.jacobian, values.hessian
        return Report(
            subject=subject,
            value=values.result,
            gradient=subject.assemble(jacobian, 1) if scalar and jacobian is not None else None,
            jacobian=subject.assemble(jacobian, 1) if jacobian is not None else None,
            hessian=subject.assemble(hessian, 2) if hessian is not None else None,
            higher={k: subject.assemble(nested, k) for k, nested in values.higher.items()},
            blocks=() if subject.is_large else tuple(_blocks(subject, values, written)),
            function=written.function,
            steps=written.steps,
            check=check,
            cost=costs,
            curvature=curvature,
            products=products,
            findings=(*findings, *parts.missing),
            mine=grades,
            layout=layout,
            seconds=time.monotonic() - started,
            calls=subject.calls,
            formulas=in_reach("the formula", presentation.formula) if presentation else None,
            with_digits=_with_digits(subject, trace),
            live=_live(subject, derivatives, values, trace, unreachable),
            unreachable=no_formula or parts.why.get(FORMULAS, ""),
            missing={what: why for what, why in written.missing.items() if isinstance(what, str)},
        )

    return at


def check(
    f: Callable[..., Any],
    *,
    wrt: int | str | Sequence[int | str] | None = None,
    order: int = 2,
    points: int = 64,
    budget: float = 10.0,
    seed: int = 0,
    trust: str | Sequence[str] = (),
    strict: bool = False,
) -> Callable[..., Check]:
    """Assert that JAX's derivatives of `f` are right, in a test suite: `check(f)(x)`.

    No formulas are written and no cost is measured, so an outcome is "agrees" where `derive` may say "proved".

    Args:
        f, wrt, order, points, budget, seed, trust: as in `derive`.
        strict: whether what cannot be decided fails as well.

    Returns:
        A function of the point that returns the `Check`.

    Raises:
        WrongDerivative: an AssertionError that names the entry and both numbers, when a derivative differs.
        InputError: as in `derive`.

    Example:
        >>> import jax.numpy as jnp
        >>> check(lambda x: x[0] ** 2 * x[1])(jnp.array([1.0, 2.0])).outcome
        'agrees'
    """
    refuse_bad_options(wrt, trust, budget, order=order, points=points, seed=seed)

    def at(*args: Any, **kwargs: Any) -> Check:
        with settings_set_aside():
            subject, parts = subject_of(f, args, kwargs, wrt), Parts()
            derivatives = derivatives_of(subject, order)
            trace, unreachable = _trace(subject, parts)
            values, begun = derivatives.at(subject.point), time.monotonic()
            with runs_until(begun + PATIENCE * budget + TO_BEGIN):
                found, _ = verdict_of(
                    parts, derivatives, values, trace, None, unreachable, points, seed, begun + budget, trust
                )
        raise_if_wrong(found, subject, strict)
        return found

    return at


def _as_found(check: Check, findings: Sequence[Finding]) -> Check:
    """The check, with what the findings say of it.

    What was proved of a function says nothing of another that its code makes the next time.
    """
    if any(finding.kind == "stop-gradient" for finding in findings) and "symbolic" not in check.columns:
        check = replace(check, summary=f"{check.summary}; what stop_gradient holds is held fixed in every column")
    other = next((finding for finding in findings if finding.kind == "impure" and finding.severity == "error"), None)
    if other is None or (check.outcome == "differs" and "symbolic" not in check.columns):
        return check  # a formula is of the one that JAX traced, as its derivatives are; function values are of others
    return replace(check, outcome="out of reach", summary=other.message)


def _trace(subject: Subject, parts: Parts) -> tuple[Trace | None, str]:
    """The subject's steps, or why they cannot be told."""
    if subject.untraceable:
        return None, subject.hindrance
    trace = parts.made(STEPS, None, subject_trace, subject)
    return trace, parts.why.get(STEPS, "")


def _with_digits(subject: Subject, trace: Trace | None) -> Callable[[str, int], Any] | None:
    """What computes the subject's derivatives with any number of digits; None where its steps cannot be told."""
    if subject.untraceable:
        return None
    return in_reach(
        "the digits", lambda what, digits: subject_with_digits(subject, trace or subject_trace(subject), what, digits)
    )


def _live(subject: Subject, derivatives: Derivatives, values: Values, trace: Trace | None, unreachable: str) -> Live:
    """What moves the point: in the precision of now, whatever that is when the point moves, and in any thread."""
    wide = bool(jax.config.read("jax_enable_x64"))

    def at(leaves: Sequence[Any]) -> Values:
        with settings_set_aside(), jax.enable_x64(wide):
            return derivatives.at(leaves)

    def tape() -> Tape:
        if subject.untraceable:
            raise OutOfReach(unreachable)
        with settings_set_aside():
            return tape_of(subject, trace or subject_trace(subject))

    return Live(values, at, lambda: derivatives.compilations, in_reach("the tape", tape))


def _derivation(subject: Subject, trace: Trace) -> tuple[Derivation | None, str]:
    """The subject's formulas, or why there are none."""
    if len(trace.equations) > MAX_EQUATIONS:
        return None, f"it has {len(trace.equations):,} steps, too many to write down"
    try:
        names = [leaf.name for leaf in subject.inputs], [leaf.name for leaf in subject.outputs]
        return Derivation(trace, *names, None if subject.is_large else subject.point), ""
    except OutOfReach as error:
        return None, error.reason


def _hessian_program(subject: Subject, derivation: Derivation) -> Callable[[], Callable[..., Any]]:
    """What makes the formula of a scalar function's Hessian a program; raises OutOfReach where it is none."""

    def made() -> Callable[..., Any]:
        every = range(len(subject.inputs))
        forms = [[closed_form(derivation, (0, i, j)) for j in every] for i in every]
        return lambda *leaves: [[[form(*leaves) for form in row] for row in forms]]

    return made


def _curvature(
    subject: Subject, values: Values, reference: Reference | None, doubt: str, deadline: float
) -> Curvature | None:
    """What the Hessian of a scalar function says, with the bounds on its rounding that the check has found."""
    if not subject.is_scalar or not subject.size or values.jacobian is None or values.hessian is None:
        return None
    return curvature_of(
        values.jacobian[0],
        values.hessian[0],
        subject.inputs,
        subject.point,
        doubt=doubt,
        errors=hessian_errors(subject, reference),
        deadline=deadline,
    )


def _products(
    subject: Subject, values: Values, presentation: Presentation | None, order: int, seed: int, deadline: float
) -> Products | None:
    """What takes the place of a scalar function's Hessian that is too large to build."""
    if not subject.is_scalar or not is_too_large(subject, "hessian"):
        return None
    forms = [presentation and presentation.index_form((0, i)) for i in range(len(subject.inputs))]
    gradient = None if values.jacobian is None else values.jacobian[0]
    return products_of(subject, gradient, forms, second=order >= 2, seed=seed, deadline=deadline)


@dataclass(frozen=True)
class _Written:
    """What a report shows as formulas: the function, its steps, and by path its derivatives, each in two ways; and why
    it does not show others."""

    function: Formula | None = None
    steps: tuple[Step, ...] = ()
    derivatives: Mapping[Path, tuple[np.ndarray | None, Formula | None]] = field(default_factory=dict)
    missing: Mapping[Path | str, str] = field(default_factory=dict)


def _written(subject: Subject, derivatives: Derivatives, presentation: Presentation, seconds: float) -> _Written:
    """Formulas are worth waiting for, but not for long."""
    with until(time.monotonic() + seconds):
        if subject.is_large:  # whose numbers have no place in a table, nor in steps
            return _Written(presentation.function(), missing=presentation.missing)
        paths = [path for order in derivatives.orders for path in _paths(subject, order)]
        found = {path: (presentation.components(path), presentation.closed_form(path)) for path in paths}
        return _Written(presentation.function(), presentation.steps(subject.point), found, presentation.missing)


def _paths(subject: Subject, order: int) -> Iterator[Path]:
    """Of every block of one order: an output, and an input for each differentiation."""
    return itertools.product(range(len(subject.outputs)), *[range(len(subject.inputs))] * order)


def _blocks(subject: Subject, values: Values, written: _Written) -> Iterator[Block]:
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
            components, closed_form = written.derivatives.get(path, (None, None))
            yield Block(
                what={1: first, 2: "hessian"}.get(k, f"d{k}"),
                output=subject.outputs[path[0]],
                inputs=tuple(subject.inputs[i] for i in path[1:]),
                values=np.asarray(array),
                formulas=components,
                closed_form=closed_form,
                missing=written.missing.get(path, "") if components is closed_form is None else "",
            )
