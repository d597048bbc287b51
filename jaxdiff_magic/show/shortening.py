"""Content that fits: where a section would take too much room, it is shortened, and says what is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from jaxdiff_magic.report.formula import Formula
from jaxdiff_magic.show.document import (
    Cell,
    Code,
    DocumentTable,
    FoldedTable,
    Group,
    Paragraph,
    Part,
    Picture,
    Runs,
    Section,
)
from jaxdiff_magic.show.limits import FORMULA_CHARACTERS

WHOLE = {
    "leaves": "`report.leaves`",
    "derivatives": "`report.gradient`, `report.jacobian`, `report.hessian`, `report.formula()`",
    "check": "`report.check`",
    "cost": "`report.cost`",
    "curvature": "`report.curvature`, `report.products`",
    "findings": "`report.findings`",
    "derivation": "`report.steps`",
}
"""Where all of a section is."""


@dataclass(frozen=True)
class Measure:
    """How much of a section is shown.

    Attributes:
        parts: tables, paragraphs, pictures and pieces of code, the first of them.
        rows: of a table.
        columns: of a table.
        characters: of a paragraph or a piece of code; a cell has a third of that.
        pictures: whether there are any; tables say what they show.
    """

    parts: int
    rows: int
    columns: int
    characters: int
    pictures: bool = True


LADDER = (
    Measure(120, 40, 14, 1200),
    Measure(60, 24, 14, 700),
    Measure(36, 16, 13, 450),
    Measure(20, 12, 13, 300),
    Measure(12, 8, 10, 220),
    Measure(8, 6, 6, 160, False),
    Measure(4, 4, 4, 120, False),
    Measure(0, 0, 0, 0, False),
)
"""From what is merely long to nothing but a sentence. A choice: each step takes about a third."""

FIRST = 4
"""So many times as long as any other is the first section when it is shortened. A choice."""


def fitted(sections: Sequence[Section], size: Callable[[Section], int], room: int) -> tuple[Section, ...]:
    """The sections in so much room: as long as they do not fit, the one that takes most is shortened by a step.

    The first section is what the report opens with, and gives way last.

    Args:
        sections: as they are.
        size: what one takes, in lines or bytes.
        room: what all may take.
    """
    shown = [shortened(section, None) for section in sections]
    sizes, steps = list(map(size, shown)), [0] * len(shown)
    while sum(sizes) > room:
        left = [k for k in range(len(shown)) if steps[k] < len(LADDER)]
        if not left:
            break
        k = max(left, key=lambda k: sizes[k] / (FIRST if k == 0 else 1))
        shown[k] = shortened(sections[k], LADDER[steps[k]])
        sizes[k], steps[k] = size(shown[k]), steps[k] + 1
    return tuple(shown)


def shortened(section: Section, measure: Measure | None) -> Section:
    """A section within a measure, with a line at its end that says what is left out; formulas are cut in any case."""
    if measure is None:
        return replace(section, parts=tuple(_cut_formulas(part) for part in section.parts))
    kept = [part for part in section.parts if measure.pictures or not isinstance(part, Picture)]
    parts = [_shortened(part, measure) for part in kept[: measure.parts]]
    rows = sum(_rows(part) for part in section.parts) - sum(_rows(part) for part in parts)
    others = sum(not isinstance(part, (DocumentTable, FoldedTable)) for part in kept[measure.parts :])
    said = [f"{rows:,} rows" if rows else "", f"{others:,} paragraphs" if others else ""]
    what = " and ".join(filter(None, said)) or "some of its text"
    if parts == list(section.parts):
        return section
    where = WHOLE.get(section.name, "`report.to_dict()`")
    return replace(section, parts=(*parts, Paragraph((f"Left out here: {what}. All of it: {where}.",))))


def _rows(part: Part) -> int:
    match part:
        case DocumentTable():
            return len(part.rows)
        case FoldedTable():
            return sum(len(group.rows) for group in part.groups)
    return 0


def _shortened(part: Part, measure: Measure) -> Part:
    match part:
        case Paragraph(runs):
            return replace(part, runs=cut(runs, measure.characters))
        case Code(text):
            return Code(cut_text(text, measure.characters))
        case DocumentTable():
            columns = measure.columns if len(part.header) > measure.columns else None
            rows = [[_cell(cell, measure) for cell in row[:columns]] for row in part.rows[: measure.rows]]
            header = tuple(cut_text(name, max(12, measure.characters // 6)) for name in part.header[:columns])
            return replace(part, header=header, rows=tuple(map(tuple, rows)), caption=_caption(part.caption))
        case FoldedTable():
            return replace(part, groups=tuple(_group(group, measure) for group in part.groups[: measure.rows]))
        case _:
            return part


def _group(group: Group, measure: Measure) -> Group:
    rows = tuple(tuple(_cell(cell, measure) for cell in row) for row in group.rows[: measure.rows // 2])
    head = None if group.head is None else tuple(_cell(cell, measure) for cell in group.head)
    return replace(group, head=head, rows=rows)


def _caption(caption: str) -> str:
    return cut_text(caption, 200)


def _cell(cell: Cell, measure: Measure) -> Cell:
    return replace(cell, runs=cut(cell.runs, max(12, measure.characters // 3)))


def _cut_formulas(part: Part) -> Part:
    """Formulas of more than `FORMULA_CHARACTERS` are text, and end there."""
    match part:
        case Paragraph(runs):
            return replace(part, runs=tuple(map(_formula, runs)))
        case DocumentTable():
            rows = ((replace(cell, runs=tuple(map(_formula, cell.runs))) for cell in row) for row in part.rows)
            return replace(part, rows=tuple(map(tuple, rows)))
        case _:
            return part


def _formula(run: str | Formula) -> str | Formula:
    if isinstance(run, str) or len(run.text) <= FORMULA_CHARACTERS:
        return run
    return f"{cut_text(run.text, FORMULA_CHARACTERS)} ({len(run.text):,} characters; `report.formula()` has all)"


def cut(runs: Runs, characters: int) -> Runs:
    """Text and formulas, as much of them as has so many characters; a formula that is cut is text."""
    kept: list[str | Formula] = []
    for run in runs:
        text = str(run)
        if len(text) <= characters:
            kept.append(run)
            characters -= len(text)
        else:
            return (*kept, cut_text(text, characters))
    return tuple(kept)


def cut_text(text: str, characters: int) -> str:
    """A text, without its end where it is longer; code that was begun is ended."""
    if len(text) <= characters:
        return text
    begun = text[: max(0, characters - 2)].rstrip()
    return f"{begun} …{'`' if begun.count('`') % 2 else ''}"
