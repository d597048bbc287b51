"""The rules of the house: style, types, and which room may import which."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "jaxdiff_magic"
FILES = sorted(PACKAGE.rglob("*.py"))

# From the ground floor up: a room imports from rooms below it only.
FLOORS = (
    ("errors", "parsing", "progress", "templates"),
    ("wrappers",),
    ("copies", "latex_names"),
    ("formula",),
    (
        "asked",
        "callee",
        "calls",
        "cost_figures",
        "derivative_programs",
        "fault",
        "foreign",
        "grade",
        "leaves",
        "live",
        "matrix_free",
        "options",
        "source",
    ),
    ("entangled", "surroundings", "untraced"),
    ("cells", "plain", "subject"),
    ("assertion", "endings"),
    ("report", "trace", "values"),
    ("cost", "curvature", "products", "reference", "replay", "rule_traces", "shortfall", "symbolic"),
    ("checking", "tape"),
    ("findings", "grading"),
    ("exporting", "render"),
    ("pipeline",),
    ("panel",),
    ("magic",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
MAY_IMPORT = {"sympy": ("symbolic",), "IPython": ("magic", "panel"), "anywidget": ("panel",)}


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


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


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
class TestEveryFile:
    def test_says_its_one_idea_in_its_first_line(self, file: Path) -> None:
        assert file.read_text(encoding="utf-8").startswith('"""'), f"{file} has no docstring on its first line."

    def test_can_be_read_at_one_sitting(self, file: Path) -> None:
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 400

    def test_imports_only_from_rooms_below(self, file: Path) -> None:
        room = room_of(file)
        if room == "__init__":  # the public surface reaches every room, lazily
            return
        for name in imports_of(file, at_run_time_only=True):
            if name.startswith("jaxdiff_magic."):
                target = name.split(".")[1]
                if target in ("exporting", "panel", "render") and room in ("formula", "report"):
                    continue  # they show and export themselves: imported inside the methods that do
                assert target in FLOOR, f"{target} has no floor yet: say in FLOORS who may import it."
                assert target == room or FLOOR[target] < FLOOR[room], f"{room} imports {name}, which is above it."

    def test_leaves_heavy_libraries_to_the_room_that_owns_them(self, file: Path) -> None:
        for name in imports_of(file):
            owners = MAY_IMPORT.get(name.split(".")[0])
            assert owners is None or room_of(file) in owners, f"{file} imports {name}; only {', '.join(owners)} may."

    def test_uses_no_private_part_of_jax(self, file: Path) -> None:
        assert not [name for name in imports_of(file) if name.startswith("jax._src")]
