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
    found.grades = _grades(derivatives, reference, formulas, found.check, options, parts, budget)
    tell("looking for kinks, NaN and lost digits")
    sources = subject, derivatives, values, known.trace, reference, found.check
    scene = Scene(*sources, budget.share("findings"), options.trusted)
    found.findings = findings_of(scene)
    found.check = _as_found(found.check, found.findings)
    found.cost = _cost(subject, derivatives, formulas, options, parts, budget)
    by, doubt = budget.share("curvature"), doubt_of(found.check, found.findings)
    found.curvature = parts.made("the curvature", None, _curvature, subject, values, reference, doubt, by)
    sources = subject, derivatives, values, formulas, options
    found.products = parts.made("the products", None, _products, *sources, by)
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


def _cost(
    subject: Subject, derivatives: Derivatives, formulas: Formulas, options: Options, parts: Parts, budget: Budget
) -> Cost | None:
    """What the derivatives cost, as far as there is time."""
    if options.cost == "none":
        return None
    tell("counting operations")
    formula = hessian_program(subject, formulas.derivation) if formulas.derivation else None
    known = {"how": options.cost, "feasible": derivatives.missing, "formula": formula}
    known |= {"compiling": derivatives.beside.seconds / 2}  # of all of them together
    return parts.made("the cost", None, cost_of, subject, deadline=budget.share("cost"), **known)


def _grades(
    derivatives: Derivatives,
    reference: Reference | None,
    formulas: Formulas,
    check: Check,
    options: Options,
    parts: Parts,
    budget: Budget,
) -> tuple[Grade, ...]:
    """The marks of the reader's own derivations."""
    known = derivatives, reference, formulas.derivation, check, options.mine
    how = {"layout": options.layout, "points": options.points, "seed": options.seed, "deadline": budget.share("grade")}
    return parts.made("the grade", (), grades_of, *known, **how)


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
    subject: Subject, derivatives: Derivatives, values: Values, formulas: Formulas, options: Options, deadline: float
) -> Products | None:
    """What takes the place of a scalar function's Hessian that is too large to build."""
    if not subject.is_scalar or not is_too_large(subject, "hessian"):
        return None
    presentation = formulas.presentation
    with until(deadline):
        forms = [presentation and presentation.index_form((0, i)) for i in range(len(subject.inputs))]
    gradient = None if values.jacobian is None else values.jacobian[0]
    how = {"second": options.order >= 2, "seed": options.seed, "compiling": derivatives.beside.seconds}
    return products_of(subject, gradient, forms, deadline=deadline, **how)
