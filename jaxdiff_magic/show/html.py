"""A report as static HTML: no script, no style sheet, nothing loaded, so it survives an untrusted notebook."""

from __future__ import annotations

import base64
from html import escape

from jaxdiff_magic.report import ReportData
from jaxdiff_magic.report.mathml import formula_html
from jaxdiff_magic.show.content import content
from jaxdiff_magic.show.document import Cell, Code, DocumentTable, Paragraph, Part, Picture, Runs, Section, Tone

# Colours are tints of a hue over whatever the theme's background is, so one set serves light and dark.
_TINTS: dict[Tone, str] = {
    "good": "rgba(34,160,90,0.16)",
    "neutral": "rgba(70,130,220,0.14)",
    "warning": "rgba(225,150,20,0.20)",
    "bad": "rgba(225,60,60,0.20)",
}
_RULE = "rgba(128,128,128,0.35)"
_MONO = "font-family:monospace"


def render_html(report: ReportData) -> str:
    """`report` as one `<div class="jdm-report">` with inline styles, in HTML that notebook sanitisers keep."""
    said = content(report)
    banners = [*said.grades, said.verdict, *([] if said.alert is None else [said.alert])]
    return _tag(
        "div",
        _tag("div", escape(said.signature), f"{_MONO};font-size:13px;white-space:pre-wrap;margin:0 0 6px")
        + "".join(map(_paragraph, banners))
        + "".join(map(_section, said.sections)),
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


def _row(row: tuple[Cell, ...]) -> str:
    name, *cells = row
    style = f"{_cell_style('left')};font-weight:normal"
    return _tag("th", _cell(name), style, 'scope="row"') + "".join(
        _tag("td", _cell(cell), _cell_style("right" if cell.kind == "number" else "left")) for cell in cells
    )


def _cell_style(align: str) -> str:
    return f"text-align:{align};padding:3px 14px 3px 0;white-space:nowrap"


def _cell(cell: Cell) -> str:
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
