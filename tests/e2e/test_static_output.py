"""The static HTML in a real JupyterLab and browser: run, reopened without trust, exported; light and dark."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from playwright.sync_api import Locator, Page

from jaxdiff_magic.show import render_html

from ..show.samples import cubic

if TYPE_CHECKING:
    from .conftest import Lab

CELL = """%%derive
def f(x):
    return x[0]**2 * x[1] + x[1]**3

f(jnp.array([1.0, 2.0]))
"""
# How far text stands out from what is behind it: the contrast ratio of WCAG 2, over all translucent backgrounds.
CONTRAST = """element => {
    const parse = colour => colour.match(/[\\d.]+/g).map(Number);
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(parse(getComputedStyle(at).backgroundColor));
    const over = (below, [r, g, b, a = 1]) => [r, g, b].map((c, i) => a * c + (1 - a) * below[i]);
    const luminance = colour => colour.map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const back = luminance(layers.reduce(over, [255, 255, 255]));
    const front = luminance(parse(getComputedStyle(element).color).slice(0, 3));
    return (Math.max(back, front) + 0.05) / (Math.min(back, front) + 0.05);
}"""


def first_derivative(page: Page) -> Locator:
    """The table row of the derivative by x[0]: its name, 2*x[0]*x[1], and 4."""
    return page.locator(".jdm-report table", has_text="Gradient of f").first.locator("tbody tr").first


def visible_text(where: Locator) -> str:
    """What a reader sees, without spaces and line breaks, and with italic letters as plain ones."""
    return "".join(where.inner_text().split()).replace("𝑥", "x")


def test_a_notebook_that_was_run_shows_typeset_formulas_beside_numbers_in_both_themes(lab: Lab, page: Page) -> None:
    lab.write("run.ipynb", "%load_ext jaxdiff_magic\nimport jax.numpy as jnp", CELL)
    lab.open(page, "run.ipynb")
    lab.run_all(page)
    row = first_derivative(page)
    assert row.locator("math").is_visible()
    assert not row.locator("code").is_visible()
    assert visible_text(row) == "x[0]2x0x14"
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        lab.theme(page, theme)
        for part in ("strong", "td", "pre code", "math"):
            assert page.locator(f".jdm-report {part}").first.evaluate(CONTRAST) > 4.5, (theme, part)


def test_a_notebook_that_is_not_trusted_shows_formulas_as_text(lab: Lab, page: Page) -> None:
    lab.write("untrusted.ipynb", "report", html=render_html(cubic()))
    lab.open(page, "untrusted.ipynb")
    row = first_derivative(page)
    assert row.locator("math").count() == 0
    assert visible_text(row) == "x[0]2*x[0]*x[1]4"
    assert row.locator("th").get_attribute("scope") == "row"
    assert page.locator(".jdm-report details[open] > summary").first.is_visible()
    assert page.locator(".jdm-report strong", has_text="proved").evaluate(CONTRAST) > 4.5


def test_an_exported_page_reads_the_same_without_scripts_and_network(lab: Lab, new_page: Callable[..., Page]) -> None:
    notebook = lab.write("exported.ipynb", "report", html=render_html(cubic()))
    subprocess.run([sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", str(notebook)], check=True)
    page = new_page(javascript=False)
    page.goto(notebook.with_suffix(".html").as_uri())
    row = first_derivative(page)
    assert row.locator("math").is_visible()
    assert visible_text(row) == "x[0]2x0x14"
    page.locator(".jdm-report summary", has_text="Derivation").click()
    assert page.locator(".jdm-report table", has_text="Step by step").is_visible()
