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
from jaxdiff_magic.show.document import Code, DocumentTable, Paragraph, Picture, Runs, Section

WIDTH = 100
"""Characters of a line: a choice, what a notebook shows without breaking it."""
MOST_NAME = 24
"""Names of rows are kept in one line while none is longer than this. A choice: a fourth of the width."""


def render_text(report: ReportData, width: int | None = None) -> str:
    """`report` as plain text without colour codes, at most `width` (100) columns wide."""
    console = Console(
        file=io.StringIO(), width=width or WIDTH, color_system=None, force_terminal=False, force_jupyter=False
    )
    said = content(report)
    console.print(Text(said.signature))
    for banner in (*said.grades, said.verdict):
        console.print(_line(banner.runs))
    if said.alert is not None:
        console.print(_line(said.alert.runs))
    for section in said.sections:
        console.print(_section(section))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in lines)


def _section(section: Section) -> Group:
    parts = [_part(part) for part in section.parts if not isinstance(part, Picture)]  # its table says it all
    return Group(Text(f"\n{section.title}\n{'─' * len(section.title)}"), *parts)


def _part(part: Paragraph | Code | DocumentTable) -> Text | Padding | Group:
    match part:
        case Paragraph(runs):
            return _line(runs)
        case Code(text):
            return Padding(Text(text), (0, 0, 0, 4))
        case DocumentTable(caption, header, rows):
            table = TextTable(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, show_header=bool(header))
            for i in range(len(rows[0])):
                name = header[i] if header else ""
                is_name = i == 0 and all(len(str(_line(row[0].runs))) <= MOST_NAME for row in rows)
                table.add_column(Text(name), justify=part.alignment(i), overflow="fold", no_wrap=is_name)
            for row in rows:
                table.add_row(*(_line(cell.runs) for cell in row))
            return Group(Text(f"\n{caption}"), table)


def _line(runs: Runs) -> Text:
    return Text("".join(map(str, runs)))
