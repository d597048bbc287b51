"""A formula as HTML that reads right whether or not MathML survives the host's sanitiser."""

from __future__ import annotations

import html
from xml.etree import ElementTree

from latex2mathml.converter import convert_to_element

# A sanitiser that drops MathML keeps its text, in which a fraction becomes two numbers run together. So the formula
# is hidden by its surroundings and made visible by its own tag: where that tag is dropped, the text stays hidden and
# the one-line form, which a browser that knows MathML does not show, appears instead. Sizes are absolute because the
# surroundings have none.
_HIDDEN = "visibility:hidden;font-size:0px"
_MATH = "visibility:visible;font-size:15px"
_PLAIN = "visibility:visible;font-size:13px;background-color:transparent;padding:0"


def formula_html(latex: str, text: str) -> str:
    """MathML of a formula, with its text in its place where MathML is not shown or cannot be made."""
    text = f'<code style="{_PLAIN}">{html.escape(text)}</code>'
    try:
        # the converter knows an environment of aligned lines by one of its names, and takes the others' & for a sign
        math = convert_to_element(latex.replace("{aligned}", "{split}"))
    except Exception:  # the converter raises many kinds, IndexError among them, on LaTeX that it does not know
        return text
    for element in math.iter():
        element.text = html.unescape(element.text or "")  # the converter writes entities, the serialiser escapes
        if "\\" in element.text or ("&" in element.text and r"\&" not in latex):
            return text  # a command or an alignment that the converter does not know and passed on
    math.set("style", _MATH)
    math.set("displaystyle", "true")  # else fractions and sums are too small to read from a distance
    math[:] = [_with_fallback(list(math), text)]
    return f'<span style="{_HIDDEN}">{ElementTree.tostring(math, encoding="unicode")}</span>'


def _with_fallback(math: list[ElementTree.Element], text: str) -> ElementTree.Element:
    semantics = ElementTree.Element("semantics")
    semantics.extend(math)
    plain = ElementTree.SubElement(semantics, "annotation-xml", encoding="text/html", style="display:none")
    plain.append(ElementTree.fromstring(text))
    return semantics
