"""What a report says, in reading order, before anyone decides how it looks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from jaxdiff_magic.base.figures import number, significant, superscript
from jaxdiff_magic.report import (
    OUTCOMES,
    CheckEntry,
    Curvature,
    Finding,
    ReportData,
    Slope,
    Step,
)
from jaxdiff_magic.report.grade import Grade
from jaxdiff_magic.report.leaves import MANY_LEAVES
from jaxdiff_magic.show.costs import costs
from jaxdiff_magic.show.derivative_tables import derivatives, number_cell
from jaxdiff_magic.show.document import Cell, DocumentTable, Paragraph, Part, Runs, Section, Tone
from jaxdiff_magic.show.largest import entry_name
from jaxdiff_magic.show.leaf_table import SIGNS, leaf_parts
from jaxdiff_magic.show.limits import MOST_GRADES, SENTENCE_CHARACTERS
from jaxdiff_magic.show.matrix_free import too_large
from jaxdiff_magic.show.numbers import array, dimensions
from jaxdiff_magic.show.shortening import cut, cut_text
from jaxdiff_magic.subject.leaves import Leaf
from jaxdiff_magic.subject.subject import Subject

MAX_ROWS = 40
"""How many rows of the check and of the derivation are listed. A choice: what fits onto a screen."""

GRADES: dict[str, tuple[str, Tone]] = {
    "right": ("✓", "good"),
    "undecided": ("?", "warning"),
    "wrong": ("✗", "bad"),
}
SEVERITIES: dict[str, tuple[str, Tone]] = {
    "error": ("✗", "bad"),
    "warning": ("⚠", "warning"),
    "info": ("i", "neutral"),
}


@dataclass(frozen=True)
class Content:
    """A whole report: what is always shown at the top, then the sections asked for."""

    signature: str
    grades: tuple[Paragraph, ...]
    verdict: Paragraph
    alert: Paragraph | None
    sections: tuple[Section, ...]

    @property
    def banners(self) -> tuple[Paragraph, ...]:
        """What stands below the signature."""
        return (*self.grades, self.verdict, *(() if self.alert is None else (self.alert,)))


def content(report: ReportData) -> Content:
    """Everything that text and HTML show of `report`."""
    is_model = report.leaves is not None and report.leaves.is_model
    sections = (
        Section("leaves", "Leaves", tuple(leaf_parts(report)) if _has_leaves(report) else (), is_open=True),
        Section("derivatives", "Derivatives", tuple(derivatives(report)), is_open=not is_model),
        Section("check", "Check", tuple(_check(report)), is_open=report.verdict != "proved"),
        Section("cost", "Cost", tuple(costs(report.cost)) if report.cost else (), is_open=True),
        Section("curvature", "Curvature", tuple(_hessian(report)), is_open=report.products is not None),
        Section("findings", "Findings", tuple(_findings(report)), is_open=True),
        Section("derivation", "Derivation", tuple(_derivation(report))),
    )
    if is_model:  # single numbers come last
        sections = (sections[0], *sections[2:-1], sections[1], sections[-1])
    alert = _alert(report)
    return Content(
        signature=cut_text(_signature(report), SENTENCE_CHARACTERS),
        grades=tuple(map(_brief, _grades(report))),
        verdict=_brief(_verdict(report)),
        alert=None if alert is None else _brief(alert),
        sections=tuple(s for s in sections if s.parts and (not report.sections or s.name in report.sections)),
    )


def _has_leaves(report: ReportData) -> bool:
    """Whether the table of leaves is shown: of a model first of all, of others where it is asked for."""
    return "leaves" in report.sections or (report.leaves is not None and report.leaves.is_model)


def _verdict(report: ReportData) -> Paragraph:
    """The verdict, which is about JAX: where the reader's own derivation is not right, it is no good news."""
    sign, tone = SIGNS[report.verdict]
    if report.grade is None:
        return Paragraph((f"{sign} {report.verdict}", f": {report.check.summary}"), tone)
    shown: Tone = "neutral" if tone == "good" and report.grade != "right" else tone
    return Paragraph((f"JAX's derivative: {sign} {report.verdict}", f": {report.check.summary}"), shown)


def declaration(subject: Subject) -> str:
    """`f : ℝ² → ℝ   (float32)`."""
    spaces = [_product(leaves) for leaves in (subject.inputs, subject.outputs)]
    precision = ", ".join(dict.fromkeys(leaf.dtype for leaf in (*subject.inputs, *subject.outputs)))
    return f"{subject.name} : {spaces[0]} → {spaces[1]}   ({precision})"


def _product(leaves: Sequence[Leaf]) -> str:
    """`ℝ² × ℝ³ˣ²`; the size of all together where they are many."""
    if len(leaves) > MANY_LEAVES:
        return f"ℝ{superscript(sum(leaf.size for leaf in leaves))} in {len(leaves):,} arrays"
    return " × ".join(map(_space, leaves))


def _signature(report: ReportData) -> str:
    subject = report.subject
    if report.leaves is not None and report.leaves.is_model and len(subject.inputs) > 1:
        return f"{declaration(subject)}   at {len(subject.inputs):,} arrays of {subject.size:,} numbers"
    point = ", ".join(
        f"{leaf.name} = {dimensions(leaf.shape)} entries"
        if subject.is_large
        else f"{leaf.name} = {array(np.asarray(value), leaf.dtype)}"
        for leaf, value in zip(subject.inputs, subject.point, strict=True)
    )
    return f"{declaration(subject)}   at {point}"


def _brief(banner: Paragraph) -> Paragraph:
    return replace(banner, runs=cut(banner.runs, SENTENCE_CHARACTERS))


def _grades(report: ReportData) -> Iterator[Paragraph]:
    """The grades, the worst first where they are many."""
    worst = sorted(report.mine, key=lambda grade: -list(GRADES).index(grade.outcome))
    yield from map(_grade, worst[:MOST_GRADES] if len(worst) > MOST_GRADES else report.mine)
    if (more := len(report.mine) - MOST_GRADES) > 0:
        yield Paragraph((f"{more:,} more grades, none of them worse: `report.mine`.",))


def _grade(grade: Grade) -> Paragraph:
    """A reader's own derivation: right, or how it is wrong."""
    sign, tone = GRADES[grade.outcome]
    return Paragraph((f"{sign} yours is {grade.outcome}", f": {grade.of} = {grade.written}: {grade.message}"), tone)


def _space(leaf: Leaf) -> str:
    return "ℝ" + "ˣ".join(map(superscript, leaf.shape))


def _alert(report: ReportData) -> Paragraph | None:
    """The first error or warning that the verdict does not tell, and how many more there are, for the top."""
    told = report.check.fault.sentence if report.verdict == "differs" and report.check.fault else ""
    serious = [finding for finding in by_severity(report) if finding.severity != "info"]
    serious = [finding for finding in serious if not told or told[1:] not in finding.message]
    if not serious:
        return None
    sign, tone = SEVERITIES[serious[0].severity]
    more = f" ({len(serious) - 1} more under Findings)" if len(serious) > 1 else ""
    return Paragraph((f"{sign} {serious[0].severity}", f": {serious[0].message}{more}"), tone)


def listed(entries: Sequence[CheckEntry], limit: int) -> Sequence[CheckEntry]:
    """As many entries as can be read: in order, or, where that is not all, the worst first."""
    if len(entries) <= limit:
        return entries
    return sorted(entries, key=lambda entry: -OUTCOMES.index(entry.outcome))[:limit]


def _check(report: ReportData) -> Iterator[Paragraph | DocumentTable]:
    check, dtype = report.check, report.subject.outputs[0].dtype
    entries = listed(check.entries, MAX_ROWS)
    columns = ("symbolic", "forward", "reverse", "numeric")
    if entries:
        rows = tuple(
            (
                Cell((entry_name((entry.output, *entry.inputs)),)),
                *(
                    number_cell(getattr(entry, column), dtype if column in ("forward", "reverse") else "float64")
                    for column in columns
                ),
                Cell(("—" if entry.error is None else f"{significant(entry.error, 2)} ulp",), "number"),
                Cell((f"{SIGNS[entry.outcome][0]} {entry.outcome}",), "text", SIGNS[entry.outcome][1]),
            )
            for entry in entries
        )
        which = "Every derivative" if _has_every_entry(report) else "The worst entry of each derivative"
        yield DocumentTable(f"{which}, computed four ways", ("", *columns, "error", "outcome"), rows)
    if len(entries) < len(check.entries):
        yield Paragraph((f"{len(check.entries) - len(entries)} more rows are left out.",))
    for entry in entries:
        if entry.reason:
            yield Paragraph((entry_name((entry.output, *entry.inputs)), f": {entry.reason}"), SIGNS[entry.outcome][1])
    if check.taylor:
        yield _numeric(check.taylor)
    for column, reason in check.columns.items():
        yield Paragraph((f"No {column} column: {reason}",))
    for gap in check.not_covered:
        yield Paragraph((f"Not covered: {gap}",))


def _numeric(slopes: Sequence[Slope]) -> Paragraph:
    """What the Taylor remainders show: of the one with the gravest news, of the lowest slope among those."""
    order = ("wrong", "cannot decide", "right")
    worst = min(slopes, key=lambda slope: (order.index(slope.says), 9.0 if slope.slope is None else slope.slope))
    says = {
        "right": "",
        "cannot decide": ", which decides nothing",
        "wrong": f": JAX's {worst.what} is wrong along {worst.direction}",
    }[worst.says]
    if worst.slope is None or worst.steps is None:
        falls = "is rounding at every step"
    else:
        falls = f"falls with slope {worst.slope:.2f} over h = {worst.steps[0]:.0e} … {worst.steps[1]:.0e}"
    tones: dict[str, Tone] = {"wrong": "bad", "cannot decide": "warning"}
    return Paragraph(("numeric", f": the Taylor remainder {falls} ({worst.dtype}){says}"), tones.get(worst.says, ""))


def _has_every_entry(report: ReportData) -> bool:
    """Whether the check lists first derivatives entry by entry, and not the worst of each block, or of each input."""
    listed = sum(entry.what in ("gradient", "jacobian") for entry in report.check.entries)
    return listed in (0, report.subject.output_size * report.subject.size)


def _hessian(report: ReportData) -> Iterator[Part]:
    """What the Hessian says, or what is known of one that was not built."""
    if report.curvature is not None:
        yield from _curvature(report, report.curvature)
    if report.products is not None:
        yield from too_large(report.products)


def _curvature(report: ReportData, curvature: Curvature) -> Iterator[Paragraph | DocumentTable]:
    facts = {
        "Hessian": curvature.definiteness,
        "the point": curvature.point_kind,
        "eigenvalues": array(curvature.eigenvalues, limit=12),
        "condition number": number(curvature.condition),
        "symmetry defect": number(curvature.symmetry_defect),
    }
    steps = () if curvature.newton_step is None else zip(report.subject.inputs, curvature.newton_step, strict=True)
    facts |= {f"Newton step in {leaf.name}": array(step, limit=12) for leaf, step in steps}
    if curvature.descends is not None:
        facts["along the Newton step"] = "the function falls" if curvature.descends else "the function rises"
    yield DocumentTable(
        "What the Hessian says at the point", (), tuple((Cell((name,)), Cell((fact,))) for name, fact in facts.items())
    )
    if curvature.note:
        yield Paragraph((curvature.note,))


def _findings(report: ReportData) -> Iterator[Paragraph]:
    for finding in by_severity(report):
        sign, tone = SEVERITIES[finding.severity]
        place = " at ".join(filter(None, [finding.path, finding.where]))
        message = f"{place}: {finding.message}" if place else finding.message
        yield Paragraph((f"{sign} {finding.severity}", *_with_formula(f" · {finding.kind} · {message}", finding)), tone)
        if finding.cure:
            yield Paragraph((f"→ {finding.cure}",))


def _with_formula(message: str, finding: Finding) -> Runs:
    """A message with its formula as one, not as text."""
    before, equals, after = message.rpartition(f" = {finding.formula}") if finding.formula else ("", "", message)
    if not equals or finding.formula is None:
        return (message,)
    return (f"{before} = ", finding.formula, after)


def by_severity(report: ReportData) -> list[Finding]:
    """The findings, the gravest first."""
    return sorted(report.findings, key=lambda finding: list(SEVERITIES).index(finding.severity))


def _derivation(report: ReportData) -> Iterator[Paragraph | DocumentTable]:
    listed = report.steps[:MAX_ROWS]
    if why := report.missing.get("derivation"):
        yield Paragraph(("No derivation", f": {why}"), "warning")
    if not listed:
        return
    has_adjoints = any(step.adjoint is not None for step in listed)
    header = ("step", "value", *(["adjoint"] if has_adjoints else []), "local partials", "source")
    lines = ["", *(step.source for step in listed)]
    sources = ["" if line == before else line for before, line in itertools.pairwise(lines)]
    rows = tuple(tuple(_step(*pair, has_adjoints)) for pair in zip(listed, sources, strict=True))
    yield DocumentTable("Step by step", header, rows)
    if len(report.steps) > len(listed):
        yield Paragraph((f"{len(report.steps) - len(listed):,} more steps are left out.",))


def _step(step: Step, source: str, has_adjoints: bool) -> Iterator[Cell]:
    yield Cell((step.formula,))
    yield Cell((array(step.value),), "number")
    if has_adjoints:
        yield Cell(("—" if step.adjoint is None else array(step.adjoint),), "number")
    yield Cell(tuple(itertools.chain.from_iterable((partial, ";  ") for _, partial in step.partials))[:-1])
    yield Cell((source,), "code")
