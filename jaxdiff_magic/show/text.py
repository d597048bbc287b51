"""A report as plain text: tables that a terminal shows well."""

from __future__ import annotations

import io

from rich import box
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table as TextTable
from rich.text import Text

from jaxdiff_magic.report import ReportData
from jaxdiff_magic.show.content import content
from jaxdiff_magic.show.document import Cell, Code, DocumentTable, FoldedTable, Paragraph, Picture, Runs, Section
from jaxdiff_magic.show.limits import TEXT_LINES
from jaxdiff_magic.show.shortening import fitted

WIDTH = 100
"""Characters of a line: a choice, what a notebook shows without breaking it."""
BAR = 10
"""Characters of the longest bar. A choice: with it a table of leaves fits into a line."""
LONGEST_NAME = 28
"""Characters of a leaf's name in its table. A choice: what the other columns leave."""
MOST_NAME = 24
"""Names of rows are kept in one line while none is longer than this. A choice: a fourth of the width."""


def render_text(report: ReportData, width: int | None = None) -> str:
    """`report` as plain text without colour codes, at most `width` (100) columns wide and `TEXT_LINES` long.

    In a few dozen columns lines are broken so often that it may be longer.
    """
    console = Console(
        file=io.StringIO(), width=width or WIDTH, color_system=None, force_terminal=False, force_jupyter=False
    )
    said = content(report)

    def lines(*parts: Text | Group) -> list[str]:
        with console.capture() as captured:
            for part in parts:
                console.print(part)
        return [line.rstrip() for line in captured.get().splitlines()]

    top = lines(Text(said.signature), *(_line(banner.runs) for banner in said.banners))
    sections = fitted(said.sections, lambda section: len(lines(_section(section))), TEXT_LINES - len(top))
    return "\n".join([*top, *lines(*map(_section, sections))])


def _section(section: Section) -> Group:
    parts = [_part(part) for part in section.parts if not isinstance(part, Picture)]  # its table says it all
    return Group(Text(f"\n{section.title}\n{'─' * len(section.title)}"), *parts)


def _part(part: Paragraph | Code | DocumentTable | FoldedTable) -> Text | Padding | Group:
    match part:
        case FoldedTable():
            return _folded(part.shown)
        case Paragraph(runs):
            return _line(runs)
        case Code(text):
            return Padding(Text(text), (0, 0, 0, 4))
        case DocumentTable(caption, header, rows):
            if not rows:
                return Text(f"\n{caption}")
            table = TextTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, show_header=bool(header))
            for i in range(len(rows[0])):
                name = header[i] if header else ""
                is_name = i == 0 and all(len(str(_line(row[0].runs))) <= MOST_NAME for row in rows)
                table.add_column(Text(name), justify=part.alignment(i), overflow="fold", no_wrap=is_name)
            for row in rows:
                table.add_row(*map(_cell, row))
            return Group(Text(f"\n{caption}"), table)


def _folded(table: DocumentTable) -> Group:
    """A table of leaves, a line for each: of a longer name the end is shown, which tells it from its neighbours."""
    drawn = TextTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for i, name in enumerate(table.header):
        is_bar = any(row[i].kind == "bar" for row in table.rows)
        drawn.add_column(Text(name), justify=table.alignment(i), no_wrap=True, min_width=BAR if is_bar else None)
    for first, *cells in table.rows:
        drawn.add_row(_ended(_line(first.runs).plain), *map(_cell, cells))
    return Group(Text(f"\n{table.caption}"), drawn)


def _ended(name: str) -> Text:
    """`▾ …['blocks'][0]['attn']`: at most `LONGEST_NAME` characters, its mark or indent among them."""
    if len(name) <= LONGEST_NAME:
        return Text(name)
    stem = name.lstrip("▾▸ ")
    lead = name[: len(name) - len(stem)]
    return Text(f"{lead}…{stem[len(lead) + 1 - LONGEST_NAME :]}")


def _cell(cell: Cell) -> Text:
    return Text(_bar(cell.share)) if cell.kind == "bar" else _line(cell.runs)


def _bar(share: float) -> str:
    """A bar of at most `BAR` characters, in eighths of one."""
    eighths = round(8 * BAR * share)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def _line(runs: Runs) -> Text:
    return Text("".join(map(str, runs)))
