"""Report in, string out: text, HTML and LaTeX of one result, and the three together for a notebook."""

from __future__ import annotations

from jaxdiff_magic.render.html import render_html
from jaxdiff_magic.render.latex import render_latex
from jaxdiff_magic.render.text import render_text
from jaxdiff_magic.report import Report


def mimebundle(report: Report) -> dict[str, str]:
    """The forms of `report` that a notebook keeps beside each other; the host shows the richest that it knows."""
    return {
        "text/plain": render_text(report),
        "text/html": render_html(report),
        "text/latex": render_latex(report),
    }
