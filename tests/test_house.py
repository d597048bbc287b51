"""The rules of the house: style, types, and which room may import which."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "jaxdiff_magic"
FILES = sorted(PACKAGE.rglob("*.py"))

# From the ground floor up: a room imports from rooms below it, and the rooms of one floor know nothing of each other.
FLOORS = (
    ("base",),
    ("primitives",),
    ("subject",),
    ("report",),
    ("engines/symbolic", "engines/reference", "engines/jax"),
    ("engines/tape",),
    ("cost",),
    ("checking",),
    ("findings",),
    ("show",),
    ("pipeline",),
    ("notebook",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# The symbolic engine and the reference stay apart from each other, since each is the other's check.
MAY_IMPORT = {"sympy": ("engines/symbolic",), "IPython": ("notebook", "show"), "anywidget": ("show",)}
LONGEST = 400
"""Lines of a file that can be read at one sitting."""


def room_of(name: str) -> str:
    """The room of a dotted name within the package, such as "engines/symbolic"."""
    first, *rest = name.split(".")
    return f"{first}/{rest[0]}" if first == "engines" and rest else first


def name_of(file: Path) -> str:
    """A file's dotted name within the package; "" for the package itself."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(file): file for file in FILES}


def imports_of(file: Path, *, at_run_time_only: bool = False) -> list[str]:
    """Dotted names a file imports, `from a import b` as "a.b"; optionally without those for type checkers."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if at_run_time_only and isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING")
        for statement in block.body
        for node in ast.walk(statement)
    }
    names: list[str] = []
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.name} imports relatively; write the full name."
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def own_imports_of(file: Path, *, at_run_time_only: bool = False) -> set[str]:
    """The files of this package that a file imports, by their dotted names within it."""
    found = set()
    for name in imports_of(file, at_run_time_only=at_run_time_only):
        inner = name.removeprefix("jaxdiff_magic.")
        if inner != name:
            found.add(inner if inner in NAMES else inner.rpartition(".")[0])
    return found - {""}


@pytest.mark.parametrize("arguments", [("check",), ("format", "--check")], ids=["lint", "format"])
def test_ruff_finds_nothing(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *arguments, "--no-cache", "."], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_finds_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pyright", "--pythonpath", sys.executable], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {name: own_imports_of(file) - {name} for name, file in NAMES.items() if name}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"A circle: {' -> '.join(reversed(error.args[1]))}")


def first_line(file: Path) -> str:
    said = file.read_text(encoding="utf-8").startswith('"""')
    return "" if said else "has no docstring on its first line, which says its one idea"


def length(file: Path) -> str:
    lines = len(file.read_text(encoding="utf-8").splitlines())
    return f"has {lines} lines, more than can be read at one sitting ({LONGEST})" if lines > LONGEST else ""


def floors(file: Path) -> str:
    room = room_of(name_of(file))
    for name in sorted(own_imports_of(file)) if room else ():  # the public surface reaches every room, lazily
        other = room_of(name)
        assert other in FLOOR, f"{other} has no floor yet: say in FLOORS who may import it."
        if other != room and FLOOR[other] >= FLOOR[room]:
            return f"imports {name}, which is above it or beside it"
    return ""


def libraries(file: Path) -> str:
    for name in imports_of(file):
        owners = MAY_IMPORT.get(name.split(".")[0])
        if owners is not None and room_of(name_of(file)) not in owners:
            return f"imports {name}; only {', '.join(owners)} may"
        if name.startswith("jax._src"):
            return f"imports {name}, a private part of JAX"
    return ""


def one_clock(file: Path) -> str:
    own = room_of(name_of(file)) != "base" and "time.monotonic" in file.read_text(encoding="utf-8")
    return "reads a clock of its own; deadlines are instants of base.budget.now" if own else ""


@pytest.mark.parametrize("fault", [first_line, length, floors, libraries, one_clock], ids=lambda rule: rule.__name__)
def test_every_file_keeps(fault: Callable[[Path], str]) -> None:
    found = {str(file.relative_to(ROOT)): said for file in FILES if (said := fault(file))}
    assert not found, "\n".join(f"{file} {said}." for file, said in found.items())
