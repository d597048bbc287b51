"""Report in, string out: text, HTML and LaTeX of one result, and the three together for a notebook."""

from __future__ import annotations

from jaxdiff_magic.report import ReportData
from jaxdiff_magic.show.html import render_html
from jaxdiff_magic.show.latex import render_latex
from jaxdiff_magic.show.text import render_text


def mimebundle(report: ReportData) -> dict[str, str]:
    """The forms of `report` that a notebook keeps beside each other; the host shows the richest that it knows."""
    return {
        "text/plain": render_text(report),
        "text/html": render_html(report),
        "text/latex": render_latex(report),
    }
