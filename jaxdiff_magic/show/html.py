"""A report as static HTML: no script, no style sheet, nothing loaded, so it survives an untrusted notebook."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from jaxdiff_magic.report import ReportData
from jaxdiff_magic.report.mathml import formula_html
from jaxdiff_magic.show.content import content
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
    Tone,
)
from jaxdiff_magic.show.limits import HTML_BYTES
from jaxdiff_magic.show.shortening import fitted

# Colours are tints of a hue over whatever the theme's background is, so one set serves light and dark.
_TINTS: dict[Tone, str] = {
    "good": "rgba(34,160,90,0.16)",
    "neutral": "rgba(70,130,220,0.14)",
    "warning": "rgba(225,150,20,0.20)",
    "bad": "rgba(225,60,60,0.20)",
}
_RULE = "rgba(128,128,128,0.35)"
_BARS = {"": "#3d7fd9", "bad": "#d5504a"}
"""As the picture's: seen on white and on black. What the red says stands in words in the same row."""
_BAR = "display:inline-block;vertical-align:middle;height:9px;border-radius:2px"
_MONO = "font-family:monospace"
_FIXED = "table-layout:fixed;width:100%;font-size:13px;font-variant-numeric:tabular-nums"
_WRAPPED = "white-space:normal;overflow-wrap:anywhere"
FRAME_BYTES = 500
"""Of the element around all, and some to spare."""


def render_html(report: ReportData) -> str:
    """`report` as one `<div class="jdm-report">` with inline styles, in HTML that notebook sanitisers keep."""
    said = content(report)
    top = _tag("div", escape(said.signature), f"{_MONO};font-size:13px;white-space:pre-wrap;margin:0 0 6px")
    top += "".join(map(_paragraph, said.banners))
    room = HTML_BYTES - len(top.encode()) - FRAME_BYTES
    sections = fitted(said.sections, lambda section: len(_section(section).encode()), room)
    return _tag(
        "div",
        top + "".join(map(_section, sections)),
        "font-size:13px;line-height:1.45;max-width:960px",
        'class="jdm-report"',
    )


def _tag(name: str, inside: str, style: str = "", attributes: str = "") -> str:
    styled = f'style="{style}"' if style else ""
    return f"<{' '.join(filter(None, [name, attributes, styled]))}>{inside}</{name}>"


def _section(section: Section) -> str:
    summary = _tag("summary", escape(section.title), "font-weight:600;cursor:pointer;padding:4px 0")
    parts = "".join(map(_part, section.parts))
    return _tag(
        "details",
        summary + _tag("div", parts, "padding:0 0 6px 16px"),
        f"border-top:1px solid {_RULE};margin:6px 0 0",
        "open" if section.is_open else "",
    )


def _part(part: Part) -> str:
    match part:
        case Paragraph():
            return _paragraph(part)
        case Code(text):
            code = _tag("code", escape(text), "background-color:transparent")
            return _tag(
                "pre", code, f"background-color:{_TINTS['neutral']};padding:6px 10px;margin:6px 0;overflow-x:auto"
            )
        case DocumentTable():
            return _table(part)
        case FoldedTable():
            return _folded(part)
        case Picture(svg, alt, caption):  # as an image: sanitisers remove drawings that stand in the page
            data = base64.b64encode(svg.encode()).decode()
            source = f'src="data:image/svg+xml;base64,{data}" alt="{escape(alt, quote=True)}"'
            above = _tag("div", escape(caption), "font-style:italic;padding:2px 0") if caption else ""
            return _tag("div", f'{above}<img {source} style="max-width:100%"/>', "margin:4px 0 8px")


def _paragraph(paragraph: Paragraph) -> str:
    if not paragraph.tone:
        return _tag("div", _runs(paragraph.runs), "margin:4px 0;overflow-x:auto")
    word, *rest = paragraph.runs
    return _tag(
        "div",
        _tag("strong", _runs((word,))) + _runs(tuple(rest)),
        f"background-color:{_TINTS[paragraph.tone]};padding:3px 8px;margin:4px 0;border-radius:3px",
    )


def _table(table: DocumentTable) -> str:
    caption = _tag(
        "caption", escape(table.caption), "text-align:left;padding:2px 0;font-style:italic;white-space:nowrap"
    )
    header = "".join(
        _tag("th", escape(name), f"{_cell_style(table.alignment(i))};font-weight:600", 'scope="col"')
        for i, name in enumerate(table.header)
    )
    head = _tag("thead", _tag("tr", header, f"border-bottom:1px solid {_RULE}")) if header else ""
    body = "".join(_tag("tr", _row(row), "background-color:transparent") for row in table.rows)
    whole = _tag(
        "table",
        caption + head + _tag("tbody", body),
        "border-collapse:collapse;margin:0;font-size:13px;font-variant-numeric:tabular-nums",
    )
    return _tag("div", whole, "overflow-x:auto;margin:2px 0 10px")


def _folded(table: FoldedTable) -> str:
    """Groups that unfold, one below the other: tables of one layout each, so that their columns stand in line."""
    header = "".join(
        _tag(
            "th" if name else "td", escape(name), _column(table, i, _is_right(table, i), "600"), name and 'scope="col"'
        )
        for i, name in enumerate(table.header)
    )
    head = _tag("thead", _tag("tr", header, f"border-bottom:1px solid {_RULE}"))
    caption = _tag("caption", escape(table.caption), "text-align:left;padding:2px 0;font-style:italic")
    loose: list[tuple[Cell, ...]] = []
    inside = _fixed(caption + head)
    for group in table.groups:
        if group.head is None:
            loose += group.rows
            continue
        inside += _rows_of(table, loose) + _group(table, group)
        loose = []
    whole = _tag("div", inside + _rows_of(table, loose), "min-width:640px;padding-left:16px")
    return _tag("div", whole, "overflow-x:auto;margin:2px 0 10px")


def _group(table: FoldedTable, group: Group) -> str:
    assert group.head is not None
    cells = "".join(
        _tag("span", _cell(cell), f"display:table-cell;{_column(table, i, cell.kind == 'number', 'normal')}")
        for i, cell in enumerate(group.head)
    )
    row = _tag("span", _tag("span", cells, "display:table-row"), f"display:inline-table;vertical-align:top;{_FIXED}")
    summary = _tag("summary", row, "cursor:pointer;list-style-position:outside")
    return _tag("details", summary + _rows_of(table, group.rows, indent=14), "", "open" if group.is_open else "")


def _rows_of(table: FoldedTable, rows: Sequence[tuple[Cell, ...]], indent: int = 0) -> str:
    if not rows:
        return ""
    caption = _tag("caption", escape(table.caption), "font-size:0;line-height:0") if indent else ""
    body = "".join(
        _tag(
            "tr",
            "".join(_folded_cell(table, i, cell, indent if i == 0 else 0) for i, cell in enumerate(row)),
            "background-color:transparent",
        )
        for row in rows
    )
    return _fixed(caption + _tag("tbody", body))


def _folded_cell(table: FoldedTable, i: int, cell: Cell, indent: int) -> str:
    style = _column(table, i, cell.kind == "number", "normal")
    inside = _tag("div", _cell(cell), f"padding-left:{indent}px") if indent else _cell(cell)
    return _tag("td" if i else "th", inside, style, "" if i else 'scope="row"')


def _fixed(inside: str) -> str:
    return _tag("table", inside, f"{_FIXED};border-collapse:collapse;margin:0")


def _column(table: FoldedTable, i: int, right: bool, weight: str) -> str:
    align, wrapped = "right" if right else "left", "white-space:nowrap" if i else _WRAPPED
    size = f"width:{table.widths[i]:.0%};padding:2px 12px 2px 0"
    return f"{size};text-align:{align};vertical-align:top;font-weight:{weight};{wrapped}"


def _is_right(table: FoldedTable, i: int) -> bool:
    return any(
        cells[i].kind == "number" for group in table.groups for cells in (group.head or (), *group.rows) if cells
    )


def _row(row: tuple[Cell, ...]) -> str:
    name, *cells = row
    style = f"{_cell_style('left')};font-weight:normal"
    return _tag("th", _cell(name), style, 'scope="row"') + "".join(
        _tag("td", _cell(cell), _cell_style("right" if cell.kind == "number" else "left")) for cell in cells
    )


def _cell_style(align: str) -> str:
    return f"text-align:{align};padding:3px 14px 3px 0;white-space:nowrap"


def _cell(cell: Cell) -> str:
    if cell.kind == "bar":
        colour = _BARS["bad" if cell.tone == "bad" else ""]
        return _tag("span", "", f"{_BAR};width:{100 * cell.share:.0f}%;background-color:{colour}")
    inside = _runs(cell.runs)
    style = ";".join(
        filter(
            None,
            [
                _MONO if cell.kind == "code" else "",
                f"background-color:{_TINTS[cell.tone]};padding:1px 6px;border-radius:3px" if cell.tone else "",
            ],
        )
    )
    return _tag("span", inside, style) if style else inside


def _runs(runs: Runs) -> str:
    return "".join(_words(run) if isinstance(run, str) else formula_html(run.latex, run.text) for run in runs)


def _words(text: str) -> str:
    """Text; what stands between backticks is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    style = f"{_MONO};background-color:transparent;white-space:pre-wrap"
    return "".join(_tag("code", escape(part), style) if i % 2 else escape(part) for i, part in enumerate(parts))
