"""What is looked into once JAX has its numbers: stage after stage, and what an interrupt leaves of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jaxdiff_magic.base.budget import Budget
from jaxdiff_magic.base.options import Options
from jaxdiff_magic.base.progress import tell
from jaxdiff_magic.checking.grading import grades_of
from jaxdiff_magic.checking.verdict import verdict_of
from jaxdiff_magic.cost import cost_of
from jaxdiff_magic.engines.jax.curvature import curvature_of, doubt_of
from jaxdiff_magic.engines.jax.products import products_of
from jaxdiff_magic.engines.jax.values import Derivatives, Values
from jaxdiff_magic.engines.reference.derivatives import Reference
from jaxdiff_magic.engines.symbolic.time_limits import until
from jaxdiff_magic.findings import Scene, findings_of
from jaxdiff_magic.findings.asymmetry import hessian_errors
from jaxdiff_magic.findings.leaf_table import leaves_of
from jaxdiff_magic.findings.too_large import is_too_large
from jaxdiff_magic.pipeline.formulas import Formulas, hessian_program
from jaxdiff_magic.report import Check, Curvature, Finding
from jaxdiff_magic.report.cost_figures import Cost
from jaxdiff_magic.report.grade import Grade
from jaxdiff_magic.report.leaves import Leaves
from jaxdiff_magic.report.matrix_free import Products
from jaxdiff_magic.report.shortfall import Parts
from jaxdiff_magic.subject.subject import Subject
from jaxdiff_magic.subject.trace import Trace


@dataclass(frozen=True)
class Known:
    """What the stages begin with.

    Attributes:
        unreachable: why there is no trace, or no formula.
    """

    subject: Subject
    options: Options
    parts: Parts
    budget: Budget
    derivatives: Derivatives
    values: Values
    trace: Trace | None
    unreachable: str
    formulas: Formulas


@dataclass
class Found:
    """What the stages have found so far; see the fields of `report.ReportData`."""

    check: Check
    grades: tuple[Grade, ...] = ()
    findings: tuple[Finding, ...] = ()
    cost: Cost | None = None
    curvature: Curvature | None = None
    products: Products | None = None
    leaves: Leaves | None = None


def looked_into(known: Known) -> Found:
    """What all stages find; what they had found where the reader interrupts them, and a finding that says so."""
    found = Found(Check("out of reach", (), "interrupted before the derivatives were checked"))
    try:
        _look(known, found)
    except KeyboardInterrupt:
        found.findings = (*found.findings, INTERRUPTED)
    return found


INTERRUPTED = Finding(
    kind="interrupted",
    severity="warning",
    path="",
    where="",
    message="You interrupted this: what was not done by then is missing.",
    cure="Run it again for the rest; budget= bounds how long that takes.",
)


def _look(known: Known, found: Found) -> None:
    """Every stage by its name, in the order of the work."""
    subject, options, parts, budget = known.subject, known.options, known.parts, known.budget
    derivatives, values, formulas = known.derivatives, known.values, known.formulas
    tell("checking")
    sources = parts, derivatives, values, known.trace, formulas.derivation, known.unreachable
    how = options.order, options.points, options.seed, budget.share("check"), options.trusted
    found.check, reference = verdict_of(*sources, *how)
    found.grades = _grades(known, reference, found.check)
    tell("looking for kinks, NaN and lost digits")
    sources = subject, derivatives, values, known.trace, reference, found.check
    scene = Scene(*sources, budget.share("findings"), options.trusted)
    found.findings = findings_of(scene)
    found.check = _as_found(found.check, found.findings)
    found.cost = _cost(known)
    by, doubt = budget.share("curvature"), doubt_of(found.check, found.findings)
    found.curvature = parts.made("the curvature", None, _curvature, subject, values, reference, doubt, by)
    found.products = parts.made("the products", None, _products, known, by)
    found.leaves = parts.made("the table of leaves", None, leaves_of, scene, found.products, budget.share("curvature"))


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


def _cost(known: Known) -> Cost | None:
    """What the derivatives cost, as far as there is time."""
    if known.options.cost == "none":
        return None
    tell("counting operations")
    derivation = known.formulas.derivation
    return known.parts.made(
        "the cost",
        None,
        cost_of,
        known.subject,
        how=known.options.cost,
        feasible=known.derivatives.missing,
        deadline=known.budget.share("cost"),
        compiling=known.derivatives.beside.seconds / 2,  # of all of them together
        formula=hessian_program(known.subject, derivation) if derivation else None,
    )


def _grades(known: Known, reference: Reference | None, check: Check) -> tuple[Grade, ...]:
    """The marks of the reader's own derivations."""
    options = known.options
    sources = known.derivatives, reference, known.formulas.derivation, check, options.mine
    how = {"layout": options.layout, "points": options.points, "seed": options.seed}
    return known.parts.made("the grade", (), grades_of, *sources, deadline=known.budget.share("grade"), **how)


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


def _products(known: Known, deadline: float) -> Products | None:
    """What takes the place of a scalar function's Hessian that is too large to build."""
    subject, values, presentation = known.subject, known.values, known.formulas.presentation
    if not subject.is_scalar or not is_too_large(subject, "hessian"):
        return None
    with until(deadline):
        forms = [presentation and presentation.index_form((0, i)) for i in range(len(subject.inputs))]
    return products_of(
        subject,
        None if values.jacobian is None else values.jacobian[0],
        forms,
        second=known.options.order >= 2,
        seed=known.options.seed,
        deadline=deadline,
        compiling=known.derivatives.beside.seconds,
    )
