"""The static HTML of a report: structure, escaping, and what it must do without."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from jaxdiff_magic.report import Finding, Formula
from jaxdiff_magic.report.mathml import formula_html
from jaxdiff_magic.show import mimebundle
from jaxdiff_magic.show.html import render_html

from .samples import ALL, cubic, large, not_finite, vector

VOID = {"br", "hr", "img", "input", "meta", "link"}


class Outline(HTMLParser):
    """Elements with their attributes and text; complains about tags that do not match."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if not any(tag == "math" for tag, _ in self.open):
            self.text.append(data)

    def tags(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in names]


@pytest.mark.parametrize("name", ALL)
def test_every_report_is_one_well_formed_element_that_loads_and_runs_nothing(name: str) -> None:
    source = render_html(ALL[name]())
    outline = Outline(source)
    assert outline.elements[0] == ("div", outline.elements[0][1]) and outline.elements[0][1]["class"] == "jdm-report"
    assert not outline.tags("script", "style", "link", "iframe", "svg", "object")
    for image in outline.tags("img"):  # a drawing in the page itself, with its text alternative
        assert (image.pop("src") or "").startswith("data:image/svg+xml;base64,")
        assert len(image.pop("alt") or "") > 20
        assert image.keys() == {"style"}
    assert not re.search(r"\b(href|on\w+)=", source)
    assert source.count("src=") == len(outline.tags("img"))
    assert "http" not in source.replace("http://www.w3.org/1998/Math/MathML", "")
    assert "url(" not in source


@pytest.mark.parametrize("name", ALL)
def test_every_table_has_a_caption_and_scoped_headers(name: str) -> None:
    outline = Outline(render_html(ALL[name]()))
    assert len(outline.tags("caption")) == len(outline.tags("table"))
    assert {header.get("scope") for header in outline.tags("th")} <= {"row", "col"}
    assert len(outline.tags("th")) > 0


def test_all_numbers_and_names_of_a_small_report_are_there() -> None:
    text = Outline(render_html(cubic())).text
    for piece in ("x[0]", "x[1]", "4", "13", " = 12", "✓ proved", "≈ agrees", "0.25 ulp", "★ recommended", "42 µs"):
        assert piece in text, piece
    assert "positive definite" in text and "Step by step" in text


def test_a_jacobian_has_outputs_as_rows_and_inputs_as_columns() -> None:
    assert _headers(render_html(vector()))[:5] == ["", "x[0]", "x[1]", "x[2]", "g[0]"]


def test_denominator_layout_transposes_the_jacobian() -> None:
    html = render_html(dataclasses.replace(vector(), layout="denominator"))
    assert _headers(html)[:4] == ["", "g[0]", "g[1]", "x[0]"]


def _headers(html: str) -> list[str]:
    return re.findall(r"<th [^>]*>([^<]*)</th>", html)


def test_what_the_user_wrote_is_escaped() -> None:
    attack = "<script>alert(1)</script><b onclick='x'>&amp;"
    report = dataclasses.replace(
        cubic(),
        findings=(Finding("kink", "error", attack, attack, attack, attack),),
        function=Formula(rf"\text{{{attack}}}", attack),
    )
    outline = Outline(render_html(report))
    assert not outline.tags("script", "b")
    assert any(attack in text for text in outline.text)


def test_colour_is_never_alone() -> None:
    html = render_html(not_finite())
    tinted = re.findall(r'<(?:span|div) style="[^"]*background-color:rgba[^"]*">(.*?)</(?:span|div)>', html)
    assert tinted and all(re.search(r"\w", re.sub("<[^>]*>", "", inside)) for inside in tinted)
    assert "NaN" in tinted and "inf" in tinted


def test_a_formula_carries_its_text_for_hosts_that_drop_mathml() -> None:
    html = formula_html(r"\frac{x_{0}}{2} < y", "x[0]/2 < y")
    assert "<mfrac>" in html
    assert ">x[0]/2 &lt; y</code></annotation-xml>" in html


@pytest.mark.parametrize("latex", [r"\frac{", r"\nosuchcommand{x}", r"\begin{bmatrix} 1", ""])
def test_latex_that_cannot_be_made_mathml_is_shown_as_text(latex: str) -> None:
    assert "x/2" in formula_html(latex, "x/2")
    assert "nosuchcommand" not in formula_html(latex, "x/2")


def test_the_bundle_stays_small_for_large_derivatives() -> None:
    bundle = mimebundle(large())
    assert set(bundle) == {"text/plain", "text/html", "text/latex"}
    assert sum(map(len, bundle.values())) < 20_000


@pytest.mark.parametrize("sections", [("check",), ("derivatives", "derivation")])
def test_only_the_sections_asked_for_are_in_the_html(sections: tuple[str, ...]) -> None:
    titles = re.findall(r"<summary[^>]*>([^<]*)<", render_html(dataclasses.replace(cubic(), sections=sections)))
    assert titles == [name.capitalize() for name in sections]


def test_code_in_a_finding_is_shown_as_code_and_escaped() -> None:
    message, cure = "In `if x < 0:` it breaks.", "Write `jnp.sqrt(x)`; a ` alone."
    finding = Finding("nan", "warning", "x", "cell, line 2", message, cure)
    html = render_html(dataclasses.replace(cubic(), findings=(finding,)))
    codes = re.findall(r"<code[^>]*>([^<]*)</code>", html[html.index("Findings") :])
    assert "if x &lt; 0:" in codes
    assert "Write `jnp.sqrt(x)`; a ` alone." in html, "backticks without a partner stay as they are"
