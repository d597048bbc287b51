"""The panel in other hosts than JupyterLab: Notebook 7, and marimo, which puts it into a shadow root."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.sync_api import Page

from .panels import IMPORTS, cell, confirmed, moved, numbers, panel

if TYPE_CHECKING:
    from .conftest import Lab

APP = """
import marimo

app = marimo.App()

@app.cell
def _():
    import jax.numpy as jnp
    import marimo as mo
    from jaxdiff_magic import derive

    def b2(x):
        return x[0] ** 2 * x[1] + x[1] ** 3

    mo.ui.anywidget(derive(b2, cost="count")(jnp.array([1.0, 2.0])).panel())
    return

if __name__ == "__main__":
    app.run()
"""


def test_in_notebook_7_the_panel_moves_and_is_confirmed(lab: Lab, page: Page) -> None:
    lab.write("seven.ipynb", IMPORTS, cell("b2"))
    with page.expect_websocket(lambda socket: "/api/kernels/" in socket.url):
        page.goto(f"{lab.url}/notebooks/seven.ipynb?token={lab.token}")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    card = panel(page, "b2")
    moved(card, "x[0]", 3.0)
    confirmed(card)
    np.testing.assert_allclose(numbers(card, "Gradient"), [12.0, 21.0])


@pytest.fixture
def marimo(tmp_path: Path) -> Iterator[str]:
    """The address of a marimo application with a panel."""
    file = tmp_path / "app.py"
    file.write_text(APP)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "marimo", "run", str(file), "--headless", "--port", str(port), "--no-token"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(tmp_path)}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=tmp_path)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                if time.monotonic() > deadline or process.poll() is not None:
                    raise RuntimeError(f"marimo did not start:\n{(tmp_path / 'log').read_text()}") from None
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_in_marimo_the_panel_moves_and_is_confirmed(marimo: str, page: Page) -> None:
    page.goto(marimo)
    card = panel(page, "b2")
    moved(card, "x[0]", 3.0)
    confirmed(card)
    np.testing.assert_allclose(numbers(card, "Gradient"), [12.0, 21.0])
    assert page.evaluate("document.fonts.check('16px KaTeX_Main')")
    assert card.evaluate("card => card.getRootNode() instanceof ShadowRoot")
