"""The pictures of the README, taken in a real JupyterLab in both themes.

PICTURES=examples python -m pytest tests/e2e/test_pictures.py writes them anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page

from .panels import panel

if TYPE_CHECKING:
    from .conftest import Lab

CELLS = {
    "quickstart": """%%derive
def f(x):
    return x[0]**2 * x[1] + x[1]**3

f(jnp.array([1.0, 2.0]))""",
    "regression": """%%derive --only derivatives,check
def loss(w):
    residual = X @ w - y
    return jnp.sum(residual**2) / (2 * n)

loss(jnp.zeros(20))""",
    "rule": """%%derive --order 1 --only check,findings
@jax.custom_jvp
def softplus(x):
    return jnp.log1p(jnp.exp(x))

@softplus.defjvp
def _(primals, tangents):
    (x,), (dx,) = primals, tangents
    return softplus(x), jnp.tanh(x) * dx

softplus(1.0)""",
    "structure": """%%derive --only cost
def neighbours(x):
    return x[1:-1] * (x[2:] - x[:-2]) + jnp.sin(x[1:-1])

neighbours(jnp.linspace(0.0, 1.0, 300))""",
    "sizes": """%%derive --only cost --wrt x
def layer(W, x):
    return jnp.tanh(W @ x)

layer(jnp.ones((8, 20)) / 20, jnp.linspace(0.0, 1.0, 20))""",
}
SETUP = """%load_ext jaxdiff_magic
import jax, jax.numpy as jnp
n = 100
X = jax.random.normal(jax.random.key(0), (n, 20))
y = X @ jnp.arange(20.0)"""
STATIC = f"{SETUP}\n%config DeriveMagics.panel = False"
PANELS = {
    "valley": """%%derive
def valley(x):
    return (x[0]**2 - x[1])**2 + (x[0] - 1)**2 / 4

valley(jnp.array([1.5, 0.5]))""",
    "fold": """%%derive
def fold(x):
    return (x[0]**2 - x[1])**2 + jnp.abs(x[0] - 1) / 4

fold(jnp.array([1.0, 0.5]))""",
}
VIEWS = {"valley": ("Derivatives", "Plot", "Check", "Cost"), "fold": ("Findings",)}


@pytest.mark.parametrize("name", CELLS)
def test_a_report_fits_its_column_in_both_themes(name: str, lab: Lab, page: Page, tmp_path: Path) -> None:
    folder = Path(os.environ.get("PICTURES", tmp_path))
    lab.write(f"{name}.ipynb", STATIC, CELLS[name], "")  # the last cell is the one that stays selected
    lab.open(page, f"{name}.ipynb")
    lab.run_all(page)
    page.set_viewport_size({"width": 1200, "height": 2000})
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    report = page.locator(".jdm-report")
    report.wait_for()
    for theme in ("light", "dark"):
        lab.theme(page, f"JupyterLab {theme.capitalize()}")
        page.locator(".jp-CodeCell").nth(1).screenshot(path=folder / f"{name}-{theme}.png")
        assert (folder / f"{name}-{theme}.png").stat().st_size > 10_000
        assert report.evaluate("element => element.scrollWidth <= element.clientWidth")


@pytest.mark.parametrize("name", PANELS)
def test_every_view_of_a_panel_fits_its_column_in_both_themes(name: str, lab: Lab, page: Page, tmp_path: Path) -> None:
    folder = Path(os.environ.get("PICTURES", tmp_path))
    lab.write(f"{name}.ipynb", SETUP, PANELS[name], "")
    lab.open(page, f"{name}.ipynb")
    lab.run_all(page)
    page.set_viewport_size({"width": 1200, "height": 1600})
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    card = panel(page, name)
    for theme in ("light", "dark"):
        lab.theme(page, f"JupyterLab {theme.capitalize()}")
        for view in VIEWS[name]:
            card.get_by_role("tab", name=view).click()
            file = folder / f"panel-{view.lower()}-{theme}.png"
            card.screenshot(path=file)
            assert file.stat().st_size > 10_000
            assert card.evaluate("element => element.scrollWidth <= element.clientWidth")
