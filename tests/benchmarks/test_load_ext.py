"""`%load_ext jaxdiff_magic` is about as quick as loading an extension whose one magic does nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EMPTY_EXTENSION = """
from IPython.core.magic import Magics, line_cell_magic, magics_class


@magics_class
class EmptyMagics(Magics):
    @line_cell_magic
    def empty(self, line, cell=None):
        pass


def load_ipython_extension(shell):
    shell.register_magics(EmptyMagics)
"""

REPEATS = 12
HEAVY = ("jax", "sympy", "anywidget", "numpy", "matplotlib")

LOAD = """
import json, sys, time
from IPython.terminal.interactiveshell import TerminalInteractiveShell  # with asyncio in it, as in a kernel

shell = TerminalInteractiveShell.instance()
before = set(sys.modules)
start = time.perf_counter()
shell.run_line_magic("load_ext", sys.argv[1])
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "imported": sorted(set(sys.modules) - before)}))
"""


@pytest.fixture(scope="module")
def empty_extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extension")
    (folder / "empty_extension.py").write_text(EMPTY_EXTENSION, encoding="utf-8")
    return folder


def load(extension: str, folder: Path) -> dict[str, Any]:
    """Load an extension in a fresh interpreter; only `%load_ext` itself is on the clock."""
    package = Path(__file__).resolve().parents[2]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": os.pathsep.join([str(folder), str(package)]), "IPYTHONDIR": str(folder / "ipython")}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, extension], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_loading_takes_at_most_twice_as_long_as_an_empty_extension(empty_extension: Path) -> None:
    names = ("jaxdiff_magic", "empty_extension")
    for name in names:
        load(name, empty_extension)  # writes the bytecode
    rounds = [[load(name, empty_extension)["seconds"] for name in names] for _ in range(REPEATS)]
    ours, empty = (min(times) for times in zip(*rounds, strict=True))
    assert ours <= 2 * empty, f"{1000 * ours:.1f} ms, an empty extension {1000 * empty:.1f} ms"


def test_loading_imports_nothing_heavy(empty_extension: Path) -> None:
    imported = load("jaxdiff_magic", empty_extension)["imported"]
    assert "jaxdiff_magic.notebook.magic" in imported
    assert not [name for name in imported if name.split(".")[0] in HEAVY]
