"""A real JupyterLab and a real browser. What is missing is an error: nothing here is ever skipped."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TIMEOUT_MS = 120_000
OF_THE_HOST = (
    "Cannot read properties of null (reading 'kernel')",  # ipywidgets in a notebook without a kernel
    "Cannot read properties of undefined (reading 'schema')",  # Notebook 7 at its start
    "Command 'filebrowser:open-path' not registered.",  # the same
)
"""Page errors that are there without us."""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab.

    Attributes:
        url: without a slash at the end.
        token: what lets a request in.
        root: the folder it serves.
        home: the folder of its settings.
    """

    url: str
    token: str
    root: Path
    home: Path

    def write(self, name: str, *sources: str, html: str = "") -> Path:
        """A notebook of code cells in the served folder; with `html`, as if that was the last cell's output."""
        path = self.root / name
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        if html:
            cells[-1].outputs = [nbformat.v4.new_output("display_data", {"text/html": html})]
        notebook = nbformat.v4.new_notebook(
            cells=cells,
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(notebook, path)
        return path

    def settings(self, plugin: str, values: dict[str, Any]) -> None:
        """Settings of a plugin, such as "@jupyterlab/apputils-extension/notification", for pages opened from now on."""
        file = self.home / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))

    def open(self, page: Page, name: str, *, kernel: bool = True) -> None:
        """Show a notebook, and wait until its kernel can be used; or without one."""
        if not kernel:
            self.stop_kernels()
        page.goto(f"{self.url}/lab{f'/tree/{name}' if kernel else ''}?reset&token={self.token}")
        page.wait_for_function("() => window.jupyterapp !== undefined", timeout=TIMEOUT_MS)
        page.evaluate(
            """async ([path, kernel]) => {
                await window.jupyterapp.restored;
                if (!kernel) {
                    const kernelPreference = {shouldStart: false, autoStartDefault: false};
                    await window.jupyterapp.commands.execute('docmanager:open', {path, kernelPreference});
                }
                const open = () => window.jupyterapp.shell.currentWidget?.context;
                while (!open()?.sessionContext) await new Promise(later => setTimeout(later, 50));
                await window.jupyterapp.shell.currentWidget.revealed;
                await open().ready;
                await open().sessionContext.ready;
            }""",
            [name, kernel],
        )

    def stop_kernels(self) -> None:
        """Shut down whatever runs."""
        with urllib.request.urlopen(f"{self.url}/api/sessions?token={self.token}", timeout=10) as sessions:
            for session in json.load(sessions):
                address = f"{self.url}/api/sessions/{session['id']}?token={self.token}"
                urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=30).close()

    def run_all(self, page: Page) -> None:
        """Run every cell of the notebook shown, wait for the last, and save; a cell that fails fails the test."""
        errors = page.evaluate(
            """async () => {
                await window.jupyterapp.commands.execute('notebook:run-all-cells');
                await window.jupyterapp.commands.execute('docmanager:save');
                const cells = window.jupyterapp.shell.currentWidget.context.model.toJSON().cells;
                return cells.flatMap(cell => cell.outputs ?? []).filter(output => output.output_type === 'error')
                    .map(output => `${output.ename}: ${output.evalue}`);
            }"""
        )
        assert errors == []

    def theme(self, page: Page, name: str) -> None:
        """Switch to "JupyterLab Light" or "JupyterLab Dark"."""
        page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", name)
        page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)
        page.wait_for_selector("#jupyterlab-splash", state="detached")  # it covers the page while the theme loads


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One server for all tests, with settings, kernels and history of its own."""
    home = tmp_path_factory.mktemp("jupyter")
    folders = {
        name: home / name.lower()
        for name in (
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_DATA_DIR",
            "JUPYTER_RUNTIME_DIR",
            "IPYTHONDIR",
            "JUPYTERLAB_SETTINGS_DIR",
            "JUPYTERLAB_WORKSPACES_DIR",
        )
    }
    root = home / "root"
    root.mkdir()
    package = str(Path(__file__).parents[2])
    environment = os.environ | {name: str(folder) for name, folder in folders.items()} | {"PYTHONPATH": package}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    served = Lab(f"http://127.0.0.1:{port}", secrets.token_hex(16), root, folders["JUPYTERLAB_SETTINGS_DIR"])
    served.settings("@jupyterlab/apputils-extension/notification", {"fetchNews": "false", "checkForUpdates": False})
    command = [
        *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"),
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={served.token}",
        f"--ServerApp.root_dir={root}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        "--LabApp.expose_app_in_browser=True",
    ]
    log = home / "server.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        _wait_until_up(served, process, log)
        yield served
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_up(lab: Lab, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{lab.url}/api/status?token={lab.token}", timeout=5)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise RuntimeError(f"No browser found. Install one of: {', '.join(BROWSERS)}.")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=QUIET)
        yield launched
        launched.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages that may reach this machine only; a request to elsewhere, or a page error, fails the test."""
    faults: list[str] = []
    contexts = []

    def open_page(*, javascript: bool = True) -> Page:
        context = browser.new_context(viewport={"width": 1200, "height": 1000}, java_script_enabled=javascript)
        contexts.append(context)

        def guard(route, request):
            if request.url.startswith(("http://127.0.0.1:", "data:", "blob:", "file:")):
                route.continue_()
            else:
                faults.append(f"request to {request.url}")
                route.abort()

        context.route("**/*", guard)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.on("pageerror", lambda error: str(error) in OF_THE_HOST or faults.append(f"page error: {error}"))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A fresh page, without cookies or storage of earlier ones."""
    return new_page()
