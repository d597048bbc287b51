"""What a panel is told when it opens: a report as the plain data that `js/src/wire.ts` describes.

All inputs are one vector of n numbers and all outputs one of m, leaf after leaf, each in row-major order. A Jacobian is
m * n numbers, row by row; a Hessian m * n * n, output by output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from jaxdiff_magic.base.copies import Missing, sentence
from jaxdiff_magic.base.errors import OutOfReach
from jaxdiff_magic.report import Block, Finding, Live, ReportData
from jaxdiff_magic.report.cost_figures import ModeCost
from jaxdiff_magic.report.formula import Formula
from jaxdiff_magic.report.grade import Grade
from jaxdiff_magic.report.plain import plain
from jaxdiff_magic.show.content import by_severity, declaration, listed
from jaxdiff_magic.show.panel.fitting import fitted
from jaxdiff_magic.show.panel.leaf_state import leaf_state
from jaxdiff_magic.subject.latex_names import words
from jaxdiff_magic.subject.leaves import Leaf, joined
from jaxdiff_magic.subject.subject import Subject

VERSION = 1
MAX_MOVED_INPUTS = 4096
"""A point of more numbers than this is not moved by hand. A choice: a point is sent and evaluated at every move."""
MAX_SENT = 4096
"""A derivative of more numbers than this is not sent. A choice: some 80 kB of text."""
MAX_NAMES = 400
"""Of more inputs or outputs the names are not sent, since a path of a pytree takes more room than its number. A choice:
as many as a list to choose from has (`MOST_CHOICES` in js/src/dom.ts)."""
MAX_SENT_ENTRIES = 200
"""How many rows of the check are sent …"""
MAX_FINDINGS = 100
"""… how many findings, the gravest first …"""
MAX_GRADES = 50
"""… how many grades of the reader's own derivations …"""
MAX_WORDS = 2000
"""… of how many characters a sentence …"""
MAX_LATEX = 20_000
"""… and a formula, which a browser would typeset for longer than anybody waits. The numbers are choices: what anybody
reads, and what keeps a saved notebook small."""
STRATEGY = (
    "mode",
    "passes",
    "flops",
    "seconds",
    "compile_seconds",
    "temp_bytes",
    "infeasible",
    "call",
    "because",
    "verified",
)


def state_of(report: ReportData) -> dict[str, Any]:
    """The state of a panel over `report`.

    Raises:
        OutOfReach: it is too large to be moved by hand.
    """
    subject = report.subject
    if max(subject.size, subject.output_size) > MAX_MOVED_INPUTS:
        raise OutOfReach(
            f"it has {max(subject.size, subject.output_size):,} numbers; a panel takes {MAX_MOVED_INPUTS:,}"
        )
    if isinstance(subject.function, Missing):
        raise OutOfReach(sentence(subject.name), "")
    if report.live is None:
        raise OutOfReach("this report was made without what moves its point")
    tape, missing = _tape(report.live)
    state = {
        "version": VERSION,
        "name": subject.name,
        "signature": declaration(report.subject),
        "grade": report.grade,
        "mine": [_grade(grade) for grade in report.mine[:MAX_GRADES]],
        "verdict": report.verdict,
        "summary": _cut(report.check.summary),
        "inputs": [leaf.to_dict() for leaf in subject.inputs],
        "outputs": [leaf.to_dict() for leaf in subject.outputs],
        "input_names": _names(subject.inputs),
        "output_names": _names(subject.outputs),
        "point": plain(joined(subject.native_point)),
        "derivatives": list(_derivatives(report, report.live)),
        "check": _check(report),
        "cost": _cost(report),
        "curvature": _curvature(report),
        "findings": [_finding(finding) for finding in by_severity(report)[:MAX_FINDINGS]],
        "findings_left_out": max(0, len(report.findings) - MAX_FINDINGS),
        "leaves": leaf_state(report),
        "tape": tape,
        "tape_missing": missing,
    }
    return fitted(state)


def _names(leaves: Sequence[Leaf]) -> list[str] | None:
    """The names of all numbers; None where they are so many that the panel makes them itself, of the leaves."""
    names = [name for leaf in leaves for name in elements(leaf)]
    return names if len(names) <= MAX_NAMES else None


def elements(leaf: Leaf) -> list[str]:
    """The names of a leaf's numbers, in row-major order."""
    return [leaf.element(index) for index in np.ndindex(*leaf.shape)]


def blocks_joined(nested: Any, *sides: Sequence[Leaf]) -> np.ndarray:
    """Blocks `[output][input]` (or `[output][input][input]`) as one vector, in row-major order of the whole."""

    def reshaped(blocks: Any, depth: int, shape: tuple[int, ...]) -> Any:
        if depth == len(sides):
            return np.asarray(blocks).reshape(shape)
        return [
            reshaped(block, depth + 1, (*shape, leaf.size)) for block, leaf in zip(blocks, sides[depth], strict=True)
        ]

    return np.block(reshaped(nested, 0, ())).ravel()


def _tape(live: Live) -> tuple[dict[str, Any] | None, str]:
    try:
        return live.tape().to_dict(), ""
    except OutOfReach as error:
        return None, error.reason


def _derivatives(report: ReportData, live: Live) -> Iterator[dict[str, Any]]:
    """Value, gradient or Jacobian, and Hessian, as far as they were asked for."""
    numbers = dict(numbers_of(live.values, report.subject))
    yield _derivative("value", numbers.get("value"), closed=list(_function(report)))
    first = "gradient" if report.subject.is_scalar else "jacobian"
    for name, what in (("jacobian", first), ("hessian", "hessian")):
        blocks = [block for block in report.blocks if block.what == what]
        missing = live.values.missing.get(name, "")
        if blocks and name not in numbers:
            missing = f"it has {sum(block.values.size for block in blocks):,} entries, too many for a panel"
        if blocks or missing:
            closed = [latex for block in blocks if (latex := _short(_closed(block)))]
            closed += [words(f"No formula: {why}") for why in dict.fromkeys(block.missing for block in blocks) if why]
            yield _derivative(what, numbers.get(name), _formulas(report, blocks), closed, missing)


def _function(report: ReportData) -> Iterator[str]:
    """The function's formula, or why there is none, in LaTeX."""
    if report.function is not None:
        if latex := _short(report.function):
            yield latex
    elif why := report.missing.get("function"):
        yield words(f"No formula: {why}")


def _derivative(
    what: str,
    values: np.ndarray | None,
    formulas: list[str | None] | None = None,
    closed: Sequence[str] = (),
    missing: str = "",
) -> dict[str, Any]:
    shown = formulas if values is not None else None
    return {"what": what, "values": plain(values), "formulas": shown, "closed": list(closed), "missing": missing}


def _formulas(report: ReportData, blocks: Sequence[Block]) -> list[str | None] | None:
    """The LaTeX of every entry of a derivative; None where no entry has one."""
    if all(block.formulas is None for block in blocks):
        return None
    order = len(blocks[0].inputs)
    sides = report.subject.outputs, *[report.subject.inputs] * order
    rest = map(_latex, blocks)

    def nested(depth: int) -> Any:
        return next(rest) if depth == len(sides) else [nested(depth + 1) for _ in sides[depth]]

    return blocks_joined(nested(0), *sides).tolist()


def _closed(block: Block) -> Formula | None:
    """A block as one formula, where that says more than its entries do."""
    form = block.closed_form
    return form if form is not None and (block.formulas is None or form.notation == "matrix") else None


def _latex(block: Block) -> np.ndarray:
    """The LaTeX of a block's entries; None where there is none."""
    found = np.full(block.values.shape, None, object)
    if block.formulas is not None:
        for index in np.ndindex(*found.shape):
            found[index] = _short(block.formulas[index])
    return found


def _check(report: ReportData) -> dict[str, Any]:
    check = report.check
    entries = listed(check.entries, MAX_SENT_ENTRIES)
    return {
        "outcome": check.outcome,
        "summary": _cut(check.summary),
        "entries": [entry | {"reason": _cut(entry["reason"])} for entry in plain(entries)],
        "left_out": len(check.entries) - len(entries),
        "columns": plain(check.columns),
        "not_covered": list(check.not_covered[:MAX_FINDINGS]),
    }


def _cost(report: ReportData) -> dict[str, Any] | None:
    cost = report.cost
    if cost is None:
        return None
    named = {way.mode for way in cost.strategies}
    first = [*cost.strategies, *(way for way in (cost.forward, cost.reverse) if way.mode not in named)]
    words = {name: getattr(cost, name) for name in ("recommended", "reason", "call", "measured", "note", "rule")}
    return words | {"first": list(map(_strategy, first)), "second": list(map(_strategy, cost.hessian))}


def _strategy(way: ModeCost) -> Mapping[str, Any]:
    return {name: plain(getattr(way, name)) for name in STRATEGY}


def _curvature(report: ReportData) -> dict[str, Any] | None:
    curvature = report.curvature
    if curvature is None:
        return None
    words = {name: getattr(curvature, name) for name in ("definiteness", "point_kind", "note")}
    return words | {"eigenvalues": plain(curvature.eigenvalues)}


def _finding(finding: Finding) -> dict[str, Any]:
    words = {name: _cut(getattr(finding, name)) for name in ("kind", "severity", "path", "where", "message", "cure")}
    return words | {"formula": _short(finding.formula) or ""}


def _grade(grade: Grade) -> dict[str, str]:
    return {name: _cut(getattr(grade, name)) for name in ("of", "written", "outcome", "message")}


def _cut(text: str) -> str:
    """A sentence, without the end of one that nobody reads."""
    return text if len(text) <= MAX_WORDS else f"{text[:MAX_WORDS]} …"


def _short(formula: Any) -> str | None:
    """A formula's LaTeX; None where there is none, or none that a browser could draw."""
    return formula.latex if formula is not None and len(formula.latex) <= MAX_LATEX else None


def numbers_of(values: Any, subject: Subject) -> Iterator[tuple[str, np.ndarray]]:
    """JAX's arrays at a point, as the panel wants them: each with its name, a float64 vector."""
    rows, columns = subject.outputs, subject.inputs
    m, n = subject.output_size, subject.size
    yield "value", joined(values.value)
    if values.jacobian is not None and m * n <= MAX_SENT:
        yield "jacobian", blocks_joined(values.jacobian, rows, columns).astype(np.float64)
    if values.hessian is not None and m * n * n <= MAX_SENT:
        yield "hessian", blocks_joined(values.hessian, rows, columns, columns).astype(np.float64)
